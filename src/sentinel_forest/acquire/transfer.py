"""Bytes of one file from one address, by a client that resumes and is watched while it works."""

import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from sentinel_forest.acquire import clients
from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.server import Answer, BrokenOffError, RefusedError
from sentinel_forest.io.borders import wrong_address

CONTROL = ".aria2"
"""Ending of the file in which aria2c keeps which pieces of a file have arrived."""

NOT_RESUMED = {("aria2c", 8), ("curl", 33)}
"""Client and status where a server promises to go on in the middle and then sends another part."""

RSYNC_REASONS = {5: "the server refuses: no such module, or a wrong name or password", 23: "no such file"}

SLOWEST = 1000.0
"""Bytes a second below which a transfer counts as one that brings nothing."""

MOST_MESSAGE = 1 << 20
"""Bytes that are read of what a client prints."""

MOST_SECONDS_TO_END = 10
"""Seconds that a client has to end when it is told to."""


@dataclass(frozen=True)
class Patience:
    """How often a transfer that brings nothing new is tried, and how long is waited, in seconds.

    The wait doubles with each vain attempt, up to `longest`; after `timeout` without a byte a
    connection counts as broken.
    """

    attempts: int = 6
    wait: float = 5.0
    longest: float = 300.0
    timeout: int = 60

    def pause(self, attempt: int, error: BrokenOffError | None = None) -> float:
        """Seconds to wait after the vain attempt of this number (from 1), and after what the server said.

        A server that limits requests and does not say for how long is left alone for a minute (by default).
        """
        asked = max(error.wait, 12 * self.wait * error.limited) if error else 0.0
        return max(min(self.wait * 2.0 ** (attempt - 1), self.longest), asked)


def arrived(partial: Path) -> int:
    """Bytes of a partial file that have arrived; pieces of it may be holes still."""
    try:
        status = partial.stat()
    except FileNotFoundError:
        return 0
    return min(status.st_size, status.st_blocks * 512) if control_of(partial).exists() else status.st_size


def control_of(partial: Path) -> Path:
    """Where aria2c keeps which pieces of a partial file have arrived."""
    return partial.with_name(partial.name + CONTROL)


def in_order(partial: Path, client: str) -> int:
    """Bytes from the start of a file on its way that have arrived without a gap, as far as is known."""
    if not partial.exists():
        return 0
    if client == "aria2c":
        return _pieces_in_order(control_of(partial))
    return partial.stat().st_size if client == "curl" else 0


def _pieces_in_order(control: Path) -> int:
    """The same by aria2c's control file, which it writes each second.

    Source: aria2 manual, technical notes, "Control file (*.aria2) format".
    """
    try:
        data = control.read_bytes()
    except FileNotFoundError:
        return 0
    if not data.startswith(b"\0\1"):
        return 0
    start = 10 + int.from_bytes(data[6:10])
    if len(data) < start + 24:
        return 0
    piece: int
    total: int
    piece, total, _, length = struct.unpack_from(">IQQI", data, start)
    bits = "".join(f"{byte:08b}" for byte in data[start + 24 : start + 24 + length])
    return min((len(bits) - len(bits.lstrip("1"))) * piece, total)


@dataclass
class Watch:
    """Whether a client brings enough, and not too much, while it writes a file.

    Parameters
    ----------
    partial : Path
        The file.
    timeout : float
        Seconds over which the rate is taken.
    most : int
        Bytes beyond which it is stopped.
    is_rated : bool
        Whether the rate counts; rsync reads for a while what is there already.
    """

    partial: Path
    timeout: float
    most: int
    is_rated: bool = True

    def __post_init__(self) -> None:
        self._since, self._before = time.monotonic(), arrived(self.partial)

    def hold(self) -> None:
        """Look once.

        Raises
        ------
        RefusedError
            If more has arrived than the file can have.
        BrokenOffError
            If less than `SLOWEST` bytes a second have arrived.
        """
        now, length = time.monotonic(), arrived(self.partial)
        if length > self.most:
            raise RefusedError(f"the server sends more than {self.most} B")
        if now - self._since < self.timeout:
            return
        if self.is_rated and length - self._before < SLOWEST * self.timeout:
            raise BrokenOffError(f"the server sends less than {SLOWEST:.0f} B/s")
        self._since, self._before = now, length


def transfer(
    answer: Answer,
    access: Access,
    partial: Path,
    *,
    lock: int,
    timeout: int,
    most: int,
    stop: Event,
    meanwhile: Callable[[int], bool] = lambda length: False,
    is_held: bool = False,
) -> None:
    """Fetch a file, or the rest of it, into `partial`; one run of a client.

    Parameters
    ----------
    answer : Answer
        What `ask` said; without `ranges` the transfer starts over, and takes one connection.
    access : Access
        Given to the server that was asked, not to one that it redirected to.
    partial : Path
        The file to write; what is there already is kept and continued.
    lock : int
        Descriptor of a lock; the client holds it too, so that it is held as long as somebody writes.
    timeout : int
        Seconds without a byte after which a connection is broken.
    most : int
        Bytes that the file has at most.
    stop : Event
        Ends the client when set.
    meanwhile : callable
        Called again and again while the client runs, with the bytes from the start that have arrived
        without a gap. It does a little work with them, and says whether there was some.
    is_held : bool
        Whether parts are wanted only of the very file that `answer` is about (``If-Range``).

    Raises
    ------
    BrokenOffError
        If the file is not whole afterwards.
    RefusedError
        If the server says no, or sends more than the file can have.
    """
    if wrong := wrong_address(answer.address):
        raise RefusedError(f"the server sends us on to an address that is none: {wrong}")
    client = clients.client_of(answer.address, access, answer.ranges)
    holes = control_of(partial).exists()  # curl would take the length of the file for what has arrived
    if not answer.ranges or (holes and client == "curl"):
        drop(partial)
    watch = Watch(partial, timeout, most, is_rated=client != "rsync" or not partial.exists())

    def work() -> bool:
        watch.hold()
        length = in_order(partial, client)
        return length > 0 and meanwhile(length)

    call = clients.call(client, answer, access, partial, timeout, is_held)
    code, message = _run(call, lock, stop, work)
    if code == 0:
        control_of(partial).unlink(missing_ok=True)  # rsync has filled the holes that aria2c noted
        return
    if client == "rsync" and code in RSYNC_REASONS and "max connections" not in message:
        raise RefusedError(RSYNC_REASONS[code])
    if (client, code) in NOT_RESUMED and partial.exists():
        drop(partial)
        raise BrokenOffError("the server does not go on in the middle, as it says: the file starts over")
    raise BrokenOffError(f"{client} ended with status {code}{clients.reason_of(message, access)}")


def drop(partial: Path) -> None:
    """Forget what has arrived of a file."""
    partial.unlink(missing_ok=True)
    control_of(partial).unlink(missing_ok=True)


def _run(call: clients.Call, lock: int, stop: Event, meanwhile: Callable[[], bool]) -> tuple[int, str]:
    """Run a client to its end; it ends too when this process is killed. Status and what it printed."""
    guard = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*guard, *call.command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            env={**os.environ, "LC_ALL": "C", **call.environment},
        )
        assert process.stdin is not None
        try:
            with process.stdin as stream:
                stream.write(call.words.encode())
        except BrokenPipeError:
            pass
        try:
            while process.poll() is None and not stop.wait(0 if meanwhile() else 0.05):
                pass
        finally:
            _end(process)
        output.seek(0)
        return process.returncode, output.read(MOST_MESSAGE).decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a client that still runs; it has a moment to note what has arrived."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(MOST_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
