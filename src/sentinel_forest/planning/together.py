"""Rules that work trial by trial: a job for each trial, or one for all trials of a release where that is little work.

A step takes a second or two to load its libraries. Where it then works for less, one process does the work of many:
its command has what is common first, then what is of each trial, with `sentinel_forest.steps.AND` before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sentinel_forest.config.schemes import NearestNeighbour
from sentinel_forest.planning import resources
from sentinel_forest.planning.selection import Selection
from sentinel_forest.planning.wiring import RESULTS, Wildcards, listing
from sentinel_forest.steps import AND, flags

TOGETHER_SECONDS = 60.0
"""Work of a rule on a release, without the start of its jobs, that one job does."""
ALL = "_all"
"""Ends the names of rules whose jobs do all trials."""
BY_TRIAL = ("split", "fit", "score")
"""Steps that work trial by trial."""

OF_TRIAL = "{scheme}/{trial}"
"""What files of a trial have in their patterns."""
Form = Callable[[str, str], object]
"""The value of an argument, from the names of release and scheme."""


@dataclass(frozen=True)
class Jobs:
    """The jobs of a step on some releases, as one rule.

    Attributes
    ----------
    selection : Selection
        What the run consists of.
    step, name : str
        Names of the step and of the rule.
    releases : tuple of str
        Names of the releases.
    trials : tuple of (str, int)
        Scheme and number of the trials that a job goes through; empty where its wildcards name the one.
    """

    selection: Selection
    step: str
    name: str
    releases: tuple[str, ...]
    trials: tuple[tuple[str, int], ...] = ()

    @property
    def of_release(self) -> str:
        """Pattern of the wildcard `release`."""
        return listing(self.releases)

    def files(self, pattern: str) -> list[str]:
        """Files of the version, one for each trial of a job."""
        parts = [f"{scheme}/{trial}" for scheme, trial in self.trials] or [OF_TRIAL]
        return [f"{RESULTS}/{pattern.replace(OF_TRIAL, part)}" for part in parts]

    def shown(self, report: Callable[..., Any], pattern: str, labels: Mapping[str, str], **about: str) -> list[Any]:
        """The same files in Snakemake's own report, each with scheme and trial among its labels."""
        own = [{"scheme": scheme, "trial": str(trial)} for scheme, trial in self.trials]
        own = own or [{"scheme": "{scheme}", "trial": "{trial}"}]
        return [
            report(file, labels={**each, **labels}, **about)
            for file, each in zip(self.files(pattern), own, strict=True)
        ]

    def note(self, pattern: str) -> str:
        """Log or benchmark of a job."""
        return pattern.replace(f"/{OF_TRIAL}", "") if self.trials else pattern

    def each(self, *files: str, **forms: Form) -> Callable[..., str]:
        """For a parameter: flags of each trial, with the seed of its scheme.

        Parameters
        ----------
        *files : str
            Names of inputs and outputs, which are those of arguments; each trial has one of each.
        **forms : callable
            Further arguments.
        """

        def of(wildcards: Wildcards, input: Any, output: Any) -> str:
            release = wildcards.release
            named = {**dict(input.items()), **dict(output.items())}
            columns = [_listed(named[name]) for name in files]
            return " ".join(
                f"{AND} {self._of(release, scheme, trial, forms)} {flags(**dict(zip(files, row, strict=True)))}"
                for (scheme, trial), row in zip(self.trials_of(wildcards), zip(*columns, strict=True), strict=True)
            )

        return of

    def _of(self, release: str, scheme: str, trial: int, forms: Mapping[str, Form]) -> str:
        further = {name: form(release, scheme) for name, form in forms.items()}
        return flags(scheme=scheme, trial=trial, seed=self.selection.seed(release, scheme), **further)

    def trials_of(self, wildcards: Wildcards) -> Sequence[tuple[str, int]]:
        """Scheme and number of the trials of a job."""
        return self.trials or [(wildcards.scheme, int(wildcards.trial))]

    # What a job takes.

    def memory(self, wildcards: Wildcards, attempt: int) -> int:
        """For `mem_mb`."""
        return resources.memory_mb(self._need(wildcards), attempt)

    def runtime(self, wildcards: Wildcards, threads: int, attempt: int) -> int:
        """For `runtime`, in minutes."""
        return resources.minutes(self._need(wildcards), threads, attempt)

    def threads(self, wildcards: Wildcards) -> int:
        """For `threads`."""
        return resources.threads(self._need(wildcards))

    def _need(self, wildcards: Wildcards) -> resources.Need:
        need = resources.NEEDS[self.step](self.selection, wildcards.release, wildcards.get("set", ""))
        return together(need, len(self.trials_of(wildcards)))


def jobs(selection: Selection, step: str) -> list[Jobs]:
    """The rules of a step that works trial by trial.

    One of them has a job for each trial; the others have one for all trials of a release, for releases with little
    work. Whether that is so depends on their size alone, not on the machine.
    """
    apart: list[str] = []
    gathered: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for release in selection.releases:
        trials = tuple(selection.trials(release))
        if done_together(selection, step, release):
            gathered.setdefault(trials, []).append(release)
        else:
            apart.append(release)
    return [
        Jobs(selection, step, step, tuple(apart)),
        *(
            Jobs(selection, step, f"{step}{ALL}{number or ''}", tuple(releases), trials)
            for number, (trials, releases) in enumerate(gathered.items())
        ),
    ]


def done_together(selection: Selection, step: str, release: str) -> int:
    """How many trials one job of a step does for a release; 0 where each has a job of its own.

    The trials of a scheme of the kind knndm have the same folds, which one job matches once.
    """
    if step not in BY_TRIAL:
        return 0
    sets, trials = selection.sets(release) if step == "fit" else [""], len(selection.trials(release))
    if step == "split" and selection.of_kind(release, NearestNeighbour):
        return trials
    needs = [resources.NEEDS[step](selection, release, name).seconds for name in sets]
    work = max(needs, default=0.0) - resources.START_SECONDS
    return trials if trials > 1 and trials * work <= TOGETHER_SECONDS else 0


def together(need: resources.Need, times: int) -> resources.Need:
    """What a job takes that does the work of several, one after the other, and loads its libraries once."""
    work = need.seconds - resources.START_SECONDS
    return replace(need, seconds=resources.START_SECONDS + times * work, written=times * need.written)


def _listed(files: Any) -> list[str]:
    """Files of an input or output, which Snakemake hands over as one text where there is one."""
    return [files] if isinstance(files, str) else list(files)
