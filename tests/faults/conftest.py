"""Fixtures of the faults, and the table of them."""

from pathlib import Path

import pytest
from table import pytest_terminal_summary  # noqa: F401
from toys import Toy, only


@pytest.fixture
def toy(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Toy:
    for name in ("SENTINEL_FOREST_STORE", "HF_TOKEN", "HF_ENDPOINT", "http_proxy", "ftp_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return Toy(tmp_path, capsys)


@pytest.fixture(params=["aria2c", "curl"])
def client(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The only client for http and ftp that is there."""
    only(request.param, tmp_path, monkeypatch)
    return str(request.param)


@pytest.fixture
def row(request: pytest.FixtureRequest):
    """Note a row of the table: fault, outcome, bytes sent, bytes of the file."""

    def note(fault: str, outcome: str, sent: int | None = None, size: int | None = None) -> None:
        again = "" if sent is None or size is None else f"{max(sent - size, 0) / 1e6:.2f} MB"
        fraction = "" if sent is None or not size else f"{sent / size:.3f}"
        request.node.user_properties.append(("fault", (fault, outcome, again, fraction)))

    return note
