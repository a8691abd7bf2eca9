"""Tokens and passwords: found where other clients find them, and never shown."""

import os
from pathlib import Path

import pytest

from sentinel_forest.acquire import hub
from sentinel_forest.acquire.credentials import Access, hub_access, login
from sentinel_forest.errors import InputError

SECRET = "hf_opensesame"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of somebody who has no token yet."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


PLACES = [
    ({}, ".cache/huggingface/token"),
    ({"XDG_CACHE_HOME": "{home}/cache"}, "cache/huggingface/token"),
    ({"XDG_CACHE_HOME": "{home}/cache", "HF_HOME": "~/hf"}, "hf/token"),
    ({"HF_HOME": "$HOME/hf"}, "hf/token"),
    ({"HF_HOME": "~/hf", "HF_TOKEN_PATH": "~/mine"}, "mine"),
]
"""Environment and place of the token, as the module ``constants`` of huggingface_hub has them."""


@pytest.mark.parametrize(("environment", "place"), PLACES)
def test_the_token_of_a_login(home: Path, environment: dict, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(home=home))
    assert hub_access() == Access()
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    (home / place).write_text(f"{SECRET}\n")
    assert hub_access() == Access(token=SECRET)
    assert SECRET not in repr(hub_access())
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "old")
    assert hub_access().token == "old"
    monkeypatch.setenv("HF_TOKEN", " new \n")
    assert hub_access().token == "new"


@pytest.mark.parametrize("content", [f"{SECRET}\nX-Evil: 1".encode(), f"{SECRET} x".encode(), SECRET.encode("utf-16")])
def test_a_token_file_that_holds_no_token(home: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "token").write_bytes(content)
    monkeypatch.setenv("HF_HOME", str(home))
    with pytest.raises(InputError, match="token") as error:
        hub_access()
    assert SECRET not in str(error.value)
    assert str(home / "token") in str(error.value)


def test_a_folder_in_place_of_a_token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "token").mkdir()
    monkeypatch.setenv("HF_HOME", str(home))
    with pytest.raises(InputError, match="A token file cannot be read"):
        hub_access()


def test_a_token_of_other_bytes_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"HF_TOKEN", SECRET.encode() + b"\xff")
    with pytest.raises(InputError, match="A token cannot be sent") as error:
        hub_access()
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"machine there login me password \xff\xfe",
        b"nonsense " + SECRET.encode(),
        f"machine there login me password {SECRET}".encode("utf-16"),
    ],
)
def test_a_netrc_file_that_is_none(home: Path, content: bytes) -> None:
    (home / ".netrc").write_bytes(content)
    (home / ".netrc").chmod(0o600)
    with pytest.raises(InputError, match="netrc") as error:
        login("there", {})
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("name", ["NETRC", "HF_HOME"])
def test_the_home_folder_of_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "~nobody-of-this-name/x")
    with pytest.raises(InputError, match="The home folder of a path is not known"):
        login("there", {}) if name == "NETRC" else hub_access()


@pytest.mark.parametrize("address", ["nonsense", "ftp://hub", "http://me:pw@[", "https://a\nb"])
def test_an_address_of_the_hub_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(InputError, match="The address of the hub cannot be used") as error:
        hub.endpoint()
    assert "pw" not in str(error.value)
