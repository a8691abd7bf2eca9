"""How a speed is held against another: both measured in one run, on the same bytes."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 3


@dataclass(frozen=True)
class Row:
    """One line of the table: `ours` and `other` in seconds; the ratio other / ours should reach `goal`.

    A ratio above 1 means that this project is faster than what it is held against.
    """

    what: str
    against: str
    goal: float
    ours: float
    other: float

    @property
    def ratio(self) -> float:
        """Speed of this project over the speed of the other."""
        return self.other / self.ours


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median time of some calls, after one that does not count."""
    work()
    return statistics.median(clock(work) for _ in range(repeats))


def clock(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor(work: Callable[[], object]) -> float:
    """Seconds of processor time of one call and of the programs that it starts: the same on a busy machine."""
    start = _used()
    work()
    return _used() - start


def _used() -> float:
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in each)


def pair(
    ours: Callable[[], object],
    other: Callable[[], object],
    repeats: int = REPEATS,
    measure: Callable[[Callable[[], object]], float] = clock,
) -> tuple[float, float]:
    """Median times of two pieces of work, called by turns so that a busy machine troubles both alike."""
    ours(), other()
    times = [(measure(ours), measure(other)) for _ in range(repeats)]
    return statistics.median(time for time, _ in times), statistics.median(time for _, time in times)
