"""What a whole run takes, rule by rule: jobs, processor hours, memory, room."""

from collections.abc import Mapping

from sentinel_forest.acquire.work import Work
from sentinel_forest.planning import resources
from sentinel_forest.planning.selection import Selection
from sentinel_forest.planning.together import done_together, together

THREADED = ("inspect", "fit", "predict", "importance", "applicability", "price", "map")
"""Rules whose jobs use more than one thread."""


def all_work(selection: Selection) -> list[Work]:
    """What a whole run takes, rule by rule; steps of seconds that need no cluster are left out."""
    return [
        _work(selection, release, rule, counts)
        for release in selection.releases
        for rule, counts in _jobs(selection, release).items()
        if sum(counts.values())
    ]


def _jobs(selection: Selection, release: str) -> dict[str, dict[str, int]]:
    """Number of jobs by rule, and by feature set where the rule has one."""
    shards, trials = selection.releases[release].shards, len(selection.trials(release))
    sets = selection.sets(release)
    trains = selection.source(release) == release
    return {
        "sample": {"": int(selection.releases[release].is_sample)},
        "inspect": {"": 1},
        "catalog": {"": 1},
        "split": {"": trials},
        "ledger": {"": 1},
        "feature_table": dict.fromkeys(sets, shards),
        "reference": {"": shards if selection.references(release) else 0},
        "signature": {"": shards if selection.signature_layers(release) else 0},
        "fit": dict.fromkeys(sets, trials if trains else 0),
        "predict": {"": shards if sets else 0},
        "score": {"": trials if release in selection.scored else 0},
        "average": {"": int(release in selection.scored)},
        "importance": {"": int(trains and bool(sets))},
        "conformal": dict.fromkeys(sets, trials if trains and selection.configuration.conformal else 0),
        "applicability": dict.fromkeys(sets, trials if trains and selection.configuration.applicability else 0),
        "price": {"": int(release in selection.priced)},
    }


def _work(selection: Selection, release: str, rule: str, counts: Mapping[str, int]) -> Work:
    needs = {name: resources.NEEDS[rule](selection, release, name) for name in counts}
    if times := done_together(selection, rule, release):
        needs = {name: together(need, times) for name, need in needs.items()}
        counts = {name: min(count, 1) for name, count in counts.items()}
    threaded = rule in THREADED
    return Work(
        release,
        rule,
        sum(counts.values()),
        sum(counts[name] * need.seconds for name, need in needs.items()) / 3600,
        max(resources.memory_mb(need) for need in needs.values()),
        max(resources.minutes(need, resources.threads(need) if threaded else 1) for need in needs.values()),
        sum(counts[name] * need.written for name, need in needs.items()),
        resources.size_in(selection, release).guessed,
    )
