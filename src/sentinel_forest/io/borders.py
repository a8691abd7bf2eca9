"""Text from outside (registry files, configurations, servers): what may become a name, a path, a checksum
or an address here.

Such text is checked where it comes in, and once more where it is used. Each check gives what is wrong in
words, or nothing; whoever asks knows where the text came from, and says so.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from sentinel_forest.errors import InputError
from sentinel_forest.io import causes

MARKERS = ".unpacked"
"""Folder in a release that belongs to this workflow: it says which archives are unpacked."""

CHECKSUMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
"""Algorithms of published checksums, with the number of their hexadecimal digits."""

_DIGITS = CHECKSUMS | {"git": 40}
MOST_OF_PATH, MOST_OF_PART = 1000, 200
"""Characters of a path, and bytes of each of its parts; disks take 255, and endings are added to the names."""
NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"
"""Names, as a regular expression."""
_NAMED = "letters, digits, '.', '_', '+' and '-', beginning with a letter or a digit; at most 100"
_HEX = re.compile(r"[0-9A-Fa-f]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.")
_MOST_SHOWN = 80


def quoted(text: object) -> str:
    """Text as it can be shown in one line: in quotes, special characters escaped, cut where it is long."""
    shown = ascii(text) if isinstance(text, str) and _CONTROL.search(text) else repr(text)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[: _MOST_SHOWN - 3]}..."


def control_character(text: str) -> str:
    """What is wrong with text that is to stand in one line, or nothing."""
    found = _CONTROL.search(text)
    return f"character {found.start() + 1} is a control character, {found[0]!a}" if found else ""


def wrong_name(name: object) -> str:
    """What is wrong with a name of a release, a scheme or a version, or nothing.

    Names become folders and words of commands.

    Examples
    --------
    >>> wrong_name("so2sat-v4")
    ''
    >>> bool(wrong_name("../up")), bool(wrong_name("a b")), bool(wrong_name("a\\n"))
    (True, True, True)
    """
    return "" if isinstance(name, str) and re.fullmatch(NAME, name) else f"a name has only {_NAMED}"


def wrong_path(path: object) -> str:
    """What is wrong with the path of a file below the folder of its release, or nothing.

    Examples
    --------
    >>> wrong_path("train/L1C_B2.dat")
    ''
    >>> wrong_path("../up")
    "a part of it is '..'"
    """
    if not isinstance(path, str) or not path:
        return "it is empty"
    if path.startswith("/"):
        return "it is absolute"
    if "\\" in path:
        return "it has a backslash"
    if wrong := control_character(path):
        return wrong
    parts = path.split("/")
    if len(path) > MOST_OF_PATH or any(len(part.encode()) > MOST_OF_PART for part in parts):
        return f"it has more than {MOST_OF_PATH} characters, or a part of it more than {MOST_OF_PART} bytes"
    if "" in parts:
        return "a part of it is empty"
    for part in (".", ".."):
        if part in parts:
            return f"a part of it is {part!r}"
    return f"the folder {MARKERS} belongs to this workflow" if parts[0] == MARKERS else ""


def wrong_checksum(algorithm: str, value: object) -> str:
    """What is wrong with a checksum of an algorithm, or nothing; ``git`` is the one that git gives.

    Examples
    --------
    >>> wrong_checksum("md5", "d41d8cd98f00b204e9800998ecf8427e")
    ''
    >>> wrong_checksum("md5", "../../.bashrc")
    'md5 has 32 hexadecimal digits'
    """
    if algorithm not in _DIGITS:
        return f"the algorithm is not one of {', '.join(CHECKSUMS)}"
    if isinstance(value, str) and len(value) == _DIGITS[algorithm] and _HEX.fullmatch(value):
        return ""
    return f"{algorithm} has {_DIGITS[algorithm]} hexadecimal digits"


def wrong_address(address: object) -> str:
    """What is wrong with an address, or nothing."""
    if not isinstance(address, str) or not _SCHEME.match(address):
        return "an address begins with its kind, such as https://"
    try:
        urlsplit(address)
    except ValueError as error:
        return f"it is not valid ({error})"
    return control_character(address)


def shown(address: str) -> str:
    """An address without name, password and query, which may carry a signature; so it may be published.

    Examples
    --------
    >>> shown("https://me:secret@there/a?token=secret")
    'https://there/a'
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return "(an address that is not valid)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def checked_name(name: str, where: object) -> str:
    """A name that may become a folder and a word of a command.

    Raises
    ------
    InputError
        If it may not.
    """
    if wrong := wrong_name(name):
        raise InputError(
            "A name that cannot be used.", where=where, found=quoted(name), expected=wrong, remedy="choose another name"
        )
    return name


def expanded(path: str, where: object) -> Path:
    """Return a path with its ``~`` or ``~user`` replaced by a home folder.

    Raises
    ------
    InputError
        If there is no such user, or nobody knows the home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(
            "The home folder of a path is not known.",
            where=where,
            found=quoted(path),
            expected="the name of a user of this machine after `~`",
            remedy="write the path out",
        ) from None


def checked_key(algorithm: str, value: str, where: Path) -> str:
    """A checksum, in small letters, that may become the name of a file in a store.

    Raises
    ------
    InputError
        If it may not.
    """
    if wrong := wrong_checksum(algorithm, value):
        raise InputError(
            "A checksum that is none: nothing is read or written under it.",
            where=where,
            found=quoted(value),
            expected=wrong,
            remedy="correct the checksum where it is published",
        )
    return value.lower()


@contextmanager
def guarded(path: Path, wanted: str, problem: str) -> Iterator[None]:
    """Turn what a library raises on a damaged file into a message: libraries have many errors for that.

    Parameters
    ----------
    path : Path
        The file.
    wanted : str
        What it should be, see `sentinel_forest.io.causes.of_bytes`.
    problem : str
        What to say of a file that is not.

    Raises
    ------
    InputError
        In the place of any other exception; errors of the system that name another file are left alone.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename not in (None, str(path)):
            raise
        cause = causes.of_error(error) or causes.of_file(path, wanted)
        cause = cause or causes.Cause(f"{path.stat().st_size} B: {_one_line(error)}", causes.AGAIN)
        raise InputError(
            problem, where=path, found=cause.found, expected=f"a whole file ({wanted})", remedy=cause.remedy
        ) from error


def _one_line(error: Exception) -> str:
    """What an exception says, fit to be printed."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(error) or type(error).__name__)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
