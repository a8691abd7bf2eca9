"""How far a fetch has come: one line that is rewritten on a terminal, plain lines in a log."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import TracebackType
from typing import TextIO

WINDOW = 30.0
"""Seconds over which the speed is taken."""


def amount(count: float) -> str:
    """A number of bytes for people, in powers of 1000: ``52.0 GB``."""
    units = ("B", "kB", "MB", "GB", "TB")
    step = next((step for step in range(len(units)) if count < 1000 ** (step + 1)), len(units) - 1)
    return f"{count / 1000**step:.{min(step, 1)}f} {units[step]}"


def duration(seconds: float) -> str:
    """A time for people: ``2 h 05 min``, ``3 min 20 s``, ``8 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


def tell(streams: Sequence[TextIO], line: str) -> None:
    """Write a line to a terminal (over the one that is rewritten there) and to logs."""
    for stream in streams:
        stream.write(f"\r\x1b[K{line}\n" if stream.isatty() else f"{line}\n")
        stream.flush()


class Progress:
    """Shows, while its block runs, how much of `total` bytes is there.

    Parameters
    ----------
    title : str
    there : callable
        Gives the bytes that are there now.
    total : int or None
        All bytes; None if it is not known.
    streams : sequence of TextIO
        Terminals, which are refreshed each second, and logs.
    every : float
        Seconds between two lines in a log.
    """

    def __init__(
        self, title: str, there: Callable[[], int], total: int | None, streams: Sequence[TextIO], every: float = 30.0
    ) -> None:
        self.title, self.there, self.total, self.every = title, there, total, every
        self.terminals = [stream for stream in streams if stream.isatty()]
        self.logs = [stream for stream in streams if not stream.isatty()]
        self._seen: deque[tuple[float, int]] = deque()
        self._end = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Progress":
        self._note()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        self._note()
        tell((*self.terminals, *self.logs), self.text())

    def _run(self) -> None:
        since = time.monotonic()
        while not self._end.wait(min(1.0, self.every)):
            self._note()
            for stream in self.terminals:
                stream.write(f"\r{self.text()}\x1b[K")
                stream.flush()
            if time.monotonic() - since >= self.every:
                since = time.monotonic()
                tell(self.logs, self.text())

    def _note(self) -> None:
        now = time.monotonic()
        self._seen.append((now, self.there()))
        while now - self._seen[0][0] > WINDOW:
            self._seen.popleft()

    def text(self) -> str:
        """The line: what is there of how much, the fraction, the speed, the time left."""
        (start, first), (end, there) = self._seen[0], self._seen[-1]
        speed = max(there - first, 0) / (end - start) if end > start else 0.0
        parts = [f"{self.title}: {amount(there)}"]
        if self.total:
            parts[0] += f" of {amount(self.total)} ({100 * min(there / self.total, 1):.1f} %)"
        parts.append(f"{amount(speed)}/s")
        if self.total and speed and there < self.total:
            parts.append(f"{duration((self.total - there) / speed)} left")
        return ", ".join(parts)
