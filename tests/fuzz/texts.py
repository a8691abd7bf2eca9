"""Attacks on what people write (registry files, configurations) and on what is sealed."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import yaml

from fuzz.harness import WrongError
from sentinel_forest.config import releases
from sentinel_forest.io.borders import wrong_checksum, wrong_name, wrong_path
from sentinel_forest.planning.checking import select
from sentinel_forest.registry import RELEASES
from sentinel_forest.versions import manifest

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1.5,
    float("inf"),
    float("nan"),
    "",
    "../../home/.bashrc",
    "/etc/passwd",
    "a`touch PWNED`b",
    "$(touch PWNED)",
    "a\n",
    "{input}",
    "~nobody-of-this-name",
    "x" * 100_000,
    "\udc80",
    [],
    {},
    ["a", "a"],
    {"a": {"b": {"c": []}}},
    [[[[]]]],
    "2024-13-45",
    "[[[[",
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Places of all values, also of those that hold others."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, part in parts for found in _places(part, (*place, key)))]


def _changed(chance: random.Random, values: dict[str, Any]) -> dict[str, Any]:
    """Values of which one or two are others, are gone, or have another key."""
    changed: dict[str, Any] = json.loads(json.dumps(values))
    for _ in range(chance.choice((1, 1, 2))):
        *way, key = chance.choice(_places(changed)[1:])
        inside: Any = changed
        for part in way:
            inside = inside[part]
        how = chance.choice(("value", "value", "value", "gone", "key"))
        if how == "gone":
            del inside[key]
        elif how == "key" and isinstance(inside, dict):
            inside[chance.choice([text for text in VALUES if isinstance(text, str)])] = inside.pop(key)
        else:
            inside[key] = chance.choice(VALUES)
        if not changed:
            break
    return changed


def registry_entry(folder: Path) -> dict[str, Any]:
    """An entry that ships with the package, with fewer files."""
    entry = yaml.safe_load((RELEASES / "so2sat-v4.yaml").read_text(encoding="utf-8"))
    return entry | {"release": "toy", "files": entry["files"][:3]}


def attack_a_registry_file(chance: random.Random, folder: Path, entry: dict[str, Any]) -> None:
    """Other values, or damaged text; whatever is taken has the form of its kind."""
    text = yaml.safe_dump(_changed(chance, entry), allow_unicode=False)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if chance.random() < 0.5:
        for _ in range(chance.choice((1, 3))):
            data[chance.randrange(len(data))] = chance.choice(b"[]{}:&*!|>'\"\n\t\x00\xff- 9")
    own = folder / "config" / "releases"
    own.mkdir(parents=True)
    (own / "toy.yaml").write_bytes(data)
    for file in releases.registered_files(releases.read_entry("toy")):
        wrong = wrong_path(file.path) or "".join(wrong_checksum(*pair) for pair in file.checksums.items())
        if wrong:
            raise WrongError(f"a file of the registry was taken: {wrong}")


def configuration(folder: Path) -> dict[str, Any]:
    """A configuration of the samples, with a value for many keys."""
    return {
        "version": "v1",
        "seed": 1,
        "releases": ["so2sat-sample", "cloudsen12-sample"],
        "schemes": ["published", "mine"],
        "own_schemes": {
            "mine": {"kind": "grouped-stratified", "time_limit": 5, "fractions": {"train": 0.8, "test": 0.2}}
        },
        "trials": 2,
        "shards": {"so2sat-sample": 2},
        "accept": {"so2sat-sample": ["padding"]},
        "feature_sets": ["lcz-s2", "l1c"],
        "draw": {"pixels": 1000},
        "forest": {"trees": 4, "minimum_leaf": 5},
        "bootstrap": {"draws": 100},
        "gate": {"roi": "mark"},
        "export": {"form": "index", "layers": []},
    }


def attack_a_configuration(chance: random.Random, folder: Path, sound: dict[str, Any]) -> None:
    """Other values; whatever is taken has names that may be folders and words of a command."""
    chosen = select(_changed(chance, sound))
    names = [chosen.config["version"], *chosen.releases, *(name for r in chosen.releases for name in chosen.sets(r))]
    names += [scheme for release in chosen.releases for scheme, _ in chosen.trials(release)]
    if wrong := [name for name in names if wrong_name(name)]:
        raise WrongError(f"a name was taken: {wrong[0]!r}")


def sealed_version(folder: Path) -> Path:
    """A version of a few files with its manifest."""
    version = folder / "v1"
    for number, name in enumerate(("metrics.tsv", "toy/ledger.tsv", "toy/splits/published/1.parquet", "version.json")):
        (version / name).parent.mkdir(parents=True, exist_ok=True)
        (version / name).write_bytes(random.Random(number).randbytes(500))
    files = sorted(path for path in version.rglob("*") if path.is_file())
    (version / manifest.MANIFEST).write_text(manifest.manifest(version, files))
    return version


def tamper_with_a_version(chance: random.Random, folder: Path, sound: Path) -> None:
    """A file of a sealed version, or its manifest, is changed, cut, removed, exchanged or linked."""
    version = folder / "v1"
    shutil.copytree(sound, version)
    target = chance.choice(sorted(path for path in version.rglob("*") if path.is_file()))
    how = chance.choice(("flip", "cut", "remove", "exchange", "link", "folder"))
    data = target.read_bytes()
    if how == "flip":
        place = chance.randrange(len(data))
        target.write_bytes(data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :])
    elif how == "cut":
        target.write_bytes(data[: chance.randrange(len(data))])
    else:
        target.unlink()
    if how == "exchange":
        other = chance.choice(sorted(path for path in version.rglob("*") if path.is_file()))
        target.write_bytes(other.read_bytes())
    if how == "link":
        target.symlink_to("/etc/passwd")
    if how == "folder":
        target.mkdir()
    manifest.hold_files(version)
    raise WrongError(f"{how} of {target.relative_to(version)} went unnoticed")
