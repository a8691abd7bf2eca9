"""What all transfers of a run share: the store, patience, who is told a password, and where lines go."""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar
from urllib.parse import urlsplit

from sentinel_forest.acquire import credentials, hub
from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.server import BrokenOffError
from sentinel_forest.acquire.store import StoppedError, Store
from sentinel_forest.acquire.transfer import SLOWEST, Patience, arrived
from sentinel_forest.io.progress import duration, tell

T = TypeVar("T")

TOLD_FROM = 10.0
"""Seconds from which a wait is told."""


@dataclass(frozen=True)
class Means:
    """What all transfers of a run share.

    `public` holds the registry's user name and password, which are told to `hosts` only.
    """

    store: Store
    patience: Patience = field(default_factory=Patience)
    public: Mapping[str, str] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    stop: threading.Event = field(default_factory=threading.Event)
    streams: tuple[TextIO, ...] = field(default_factory=lambda: (sys.stderr,))

    def say(self, line: str) -> None:
        """Write a line to the terminal and the log."""
        tell(self.streams, line)

    def wait(self, seconds: float) -> None:
        """Wait, and say so where it takes long.

        Raises
        ------
        StoppedError
            If the run is ending.
        """
        if seconds >= TOLD_FROM:
            self.say(f"waiting {duration(seconds)} before the next attempt")
        if self.stop.wait(seconds):
            raise StoppedError

    def patiently(self, question: Callable[[], T]) -> T:
        """Ask a question again and again, as long as the answer is that asking again may help.

        Raises
        ------
        BrokenOffError
            The last one.
        StoppedError
            If the run is ending.
        """
        for attempt in range(1, self.patience.attempts):
            try:
                return question()
            except BrokenOffError as error:
                self.wait(self.patience.pause(attempt, error))
        return question()

    def access(self, address: str) -> Access:
        """What the server of an address is told to let one in."""
        if hub.place(address):
            return credentials.hub_access()
        host = urlsplit(address).hostname or ""
        return credentials.login(host, self.public if host in self.hosts else {})


def means_of(entry: Mapping[str, Any], store: Store, patience: Patience) -> Means:
    """What the transfers of a release share; its user name is told to the servers of its sources only."""
    hosts = {urlsplit(source).hostname or "" for source in entry["sources"] if not hub.place(source)}
    return Means(store, patience, entry["credentials"], frozenset(hosts))


class Pace:
    """Whether a file on its way grows fast enough to go on for as long as it takes."""

    def __init__(self, part: Path, means: Means) -> None:
        self._part, self._pause = part, means.patience.pause(1)
        self._most, self._since = arrived(part), time.monotonic()

    def is_kept(self) -> bool:
        """Whether more has arrived than ever before, and at more than `SLOWEST` since this was asked last.

        A pause counts as well: a server that breaks each connection after a few bytes has no end.
        """
        now = time.monotonic()
        gained, seconds = arrived(self._part) - self._most, now - self._since + self._pause
        self._most, self._since = max(self._most, arrived(self._part)), now
        return gained >= max(SLOWEST * seconds, 1)
