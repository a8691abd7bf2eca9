"""How many groups an interval and a test need: what schemes give their test roles, and scores hold themselves to.

The numbers come from a simulation of coverage (``tests/bench/coverage.py``; docs/metrics.md has its table).
"""

from typing import Literal

LEAST_GROUPS = 5
"""Groups that the interval of a figure over all classes needs: with fewer its mean width exceeds half of the range."""
LEAST_GROUPS_OF_CLASS = 7
"""Groups that have all that a figure of a class (or question) needs, below which it has no interval: the mean width of
that of a rare class exceeds three quarters of the range."""
MANY_GROUPS = 30
"""Below this number of groups a note states the coverage that the simulation found."""
LEAST_TESTED = 6
"""Groups that a test needs: if all of them agree, a sign test reaches p = 2 / 2^6 = 0.03 with six groups, and not
0.05 with five."""

COVERAGE = {5: 0.92}
"""Lowest coverage of 95 % intervals of figures over all classes, from so many groups on, in both models of the
simulation: in the second, classes sit in few groups, which differ much."""
COVERAGE_OF_CLASS = {7: 0.97, 10: 0.96, 13: 0.95, 18: 0.93}
"""The same of a rare class, from so many groups on that have all it needs."""
COVERAGE_OF_SUMMARY = {5: 0.93}
"""The same of medians, means and percentages over patches."""
COVERAGE_OF_DIFFERENCE = {5: 0.92}
"""The same of differences of two classifiers, whatever the figure."""
Kind = Literal["score", "summary", "difference"]
"""What an interval is of: a score of pooled counts, a summary over patches, a difference of two classifiers."""


def least_groups(of_class: str = "") -> int:
    """Groups that an interval needs: of a class or question, or over all classes."""
    return LEAST_GROUPS_OF_CLASS if of_class else LEAST_GROUPS


def coverage(groups: int, of_class: str = "", kind: Kind = "score") -> float:
    """Coverage of a 95 % interval over so many groups in the simulation."""
    of_score = COVERAGE_OF_CLASS if of_class else COVERAGE
    found = {"score": of_score, "summary": COVERAGE_OF_SUMMARY, "difference": COVERAGE_OF_DIFFERENCE}[kind]
    return found[max(number for number in found if number <= groups)]
