"""Stages of a run: what the rules do, in the order of the work."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

STAGES: dict[str, tuple[str, ...]] = {
    "fetch": ("sample", "link", "download", "plan"),
    "verify": ("inspect", "admit", "publish_integrity"),
    "catalog": ("catalog",),
    "splits": ("split", "signature", "ledger", "hold_links"),
    "features": ("feature_table",),
    "forests": ("fit",),
    "predictions": ("predict", "reference"),
    "scores": (
        "score",
        "price",
        "average",
        "headline",
        "importance",
        "papers_pixels",
        "by_patch",
        "foreign",
        "foreign_paired",
        "patch_metrics",
        "audit_lists",
        "conformal",
        "applicability",
        "reproduction",
    ),
    "version": (
        "croissant",
        "crate",
        "seal",
        "check",
        "compare_versions",
        "index",
        "export_trial",
        "tfds_export",
        "publish",
        "map",
        "map_applicability",
    ),
    "report": ("pages",),
}
"""Rules of each stage. Targets that only collect files are of no stage."""

STAGE_OF = {rule: stage for stage, rules in STAGES.items() for rule in rules}


def common_name(rule: str) -> str:
    """A rule without the ending that it has where its jobs do all trials.

    Examples
    --------
    >>> common_name("split_all"), common_name("all")
    ('split', 'all')
    """
    return re.sub(r"_all\d*$", "", rule)


@dataclass
class Run:
    """Counts of a run: jobs by rule, how many have ended, and how long they took.

    Parameters
    ----------
    planned : Mapping
        Number of jobs of each rule, by its `common_name`; rules of no stage are left out.
    """

    planned: Mapping[str, int]
    ended: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.planned = {rule: count for rule, count in self.planned.items() if rule in STAGE_OF}

    @property
    def stages(self) -> list[str]:
        """Stages that have jobs, in the order of the work."""
        present = {STAGE_OF[rule] for rule in self.planned}
        return [stage for stage in STAGES if stage in present]

    def count(self, stage: str) -> tuple[int, int]:
        """Jobs of a stage: those that have ended, and all."""
        rules = [rule for rule in STAGES[stage] if rule in self.planned]
        return sum(self.ended[rule] for rule in rules), sum(self.planned[rule] for rule in rules)

    def end(self, rule: str, seconds: float) -> None:
        """Note that a job has ended."""
        self.ended[rule] += 1
        self.seconds[rule] = self.seconds.get(rule, 0.0) + seconds

    def left(self, elapsed: float) -> float | None:
        """Estimate the seconds until the end; None before there is anything to go by.

        The jobs that are left take as long as those of the same rule did (or as all did, where none has ended), and
        as many run side by side as so far.
        """
        done, spent = self.ended.total(), sum(self.seconds.values())
        if done < 5 or elapsed <= 0 or spent <= 0:
            return None
        work = sum(
            (count - self.ended[rule]) * (self.seconds[rule] / self.ended[rule] if self.ended[rule] else spent / done)
            for rule, count in self.planned.items()
        )
        return work / max(spent / elapsed, 1.0)
