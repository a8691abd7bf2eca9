"""What marks a score unless the gate says else, and that a mark is clean only after a look."""

import re

import pandas as pd
import pytest

from project import ROOT
from sentinel_forest import datasets
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.errors import InputError
from sentinel_forest.splits import gate, ledger, links, marks

WHOLE = {"roi": "mark", "product": "mark", "tile": "count"}


def catalog() -> pd.DataFrame:
    """Four patches that share nothing."""
    names = list("abcd")
    return pd.DataFrame(
        {
            "patch": names,
            "content_hash": [name * 4 for name in names],
            "roi": names,
            "product": names,
            "tile": names,
            "x": [0.0, 1e4, 2e4, 3e4],
            "y": 0.0,
            "epsg": 32632,
            "side_m": 100.0,
        }
    )


def build(table: pd.DataFrame, roles: str = "train train validation test", **options: object) -> pd.DataFrame:
    drawn = pd.DataFrame({"patch": table["patch"], "role": roles.split()})
    return ledger.build(table, {("s", 1): drawn}, **{"keys": WHOLE} | options)  # type: ignore[arg-type]


def status(found: pd.DataFrame, key: str, role: str = "test", other: str = "train") -> str:
    rows = found[(found["key"] == key) & (found["role_a"] == role) & (found["role_b"] == other)]
    (word,) = rows["status"]
    return str(word)


def test_patches_that_share_nothing_are_clean() -> None:
    found = build(catalog())
    assert {marks.mark(found, "s", 1, role) for role in ("validation", "test")} == {"clean"}


@pytest.mark.parametrize(
    ("changed", "mark"),
    [
        ({"content_hash": "aaaa"}, "linked: content (100 %)"),
        ({"roi": "a"}, "linked: roi (100 %)"),
        ({"product": "a"}, "linked: product (100 %)"),
        ({"x": 60.0}, "linked: footprint (100 %)"),
        ({"tile": "a"}, "clean"),
        ({"roi": ""}, "unknown: roi"),
        ({"product": ""}, "unknown: product"),
        ({"x": float("nan")}, "unknown: footprint"),
        ({"tile": ""}, "clean"),
    ],
)
def test_place_acquisition_and_footprint_mark_by_default_and_the_tile_is_counted(
    changed: dict[str, object], mark: str
) -> None:
    table = catalog()
    for name, value in changed.items():
        table.loc[3, name] = value
    assert marks.mark(build(table), "s", 1, "test") == mark


@pytest.mark.parametrize(("key", "value"), [("roi", ""), ("x", float("nan")), ("product", None)])
def test_links_beside_unknown_values_are_the_least_that_there_are(key: str, value: object) -> None:
    """Ten test patches, of which one is linked with training and eight are of unknown place."""
    names = [f"p{number:02}" for number in range(12)]
    table = catalog().iloc[[0] * 12].assign(patch=names, content_hash=names, roi=names, product=names, tile=names)
    table = table.reset_index(drop=True).assign(x=[1e4 * number for number in range(12)])
    table.loc[2, key] = table.loc[0, key]
    table.loc[4:, key] = value
    found = build(table, "train validation " + "test " * 10)
    name = "footprint" if key == "x" else key
    assert status(found, name) == ledger.AT_LEAST
    marked = f"linked: {name} (at least 10 %); unknown (validation-test): {name}"
    assert marks.mark(found, "s", 1, "test") == marked
    assert (
        marks.combine([f"linked: {name} (3 %)", f"linked: {name} (at least 10 %)"]) == f"linked: {name} (at least 10 %)"
    )
    stopped = build(table, "train validation " + "test " * 10, gate={name: "stop"})
    assert status(stopped, name) == "stops"


def test_the_gate_changes_what_a_key_does() -> None:
    table = catalog()
    table.loc[3, ["tile", "product"]] = "a"
    found = build(table, gate={"tile": "mark", "product": "count"})
    assert marks.mark(found, "s", 1, "test") == "linked: tile (100 %)"
    with pytest.raises(InputError, match="share their tile with train"):
        gate.check_gate(build(table, gate={"tile": "stop"}))


def test_no_coordinates_make_the_footprint_unknown() -> None:
    found = build(catalog().drop(columns=["x", "y"]))
    assert marks.mark(found, "s", 1, "test") == "unknown: footprint"


@pytest.mark.parametrize("options", [{"distance": 0.1}, {}])
def test_near_duplicates_mark_where_they_are_asked_for(options: dict[str, object]) -> None:
    table = catalog()
    signatures = table[["patch"]].assign(mean=[1.0, 5.0, 9.0, 1.0])
    assert marks.mark(build(table, signatures=signatures), "s", 1, "test") == "linked: near-duplicate (100 %)"
    without = "unknown: near-duplicate" if options else "clean"
    assert marks.mark(build(table, **options), "s", 1, "test") == without


def test_a_patch_without_a_signature_may_be_a_near_duplicate() -> None:
    signatures = catalog()[["patch"]].assign(mean=[1.0, 5.0, 9.0, float("nan")])
    assert status(build(catalog(), signatures=signatures), "near-duplicate") == "unknown"


# ------------------------------------------------------------------------------- declared, not looked at


def test_what_is_not_published_changes_no_mark_and_the_note_names_it() -> None:
    keys = {"roi": "mark", "acquisition": "not published", "footprint": "not published"}
    table = catalog().drop(columns=["product", "x", "y"])
    found = build(table, keys=keys)
    assert marks.mark(found, "s", 1, "test") == "clean"
    assert marks.note(found) == "not published: acquisition, footprint"
    assert marks.note(build(catalog())) == ""
    for action in ("mark", "count"):
        assert status(build(table, keys=keys, gate={"acquisition": action}), "acquisition") == "not published"
    with pytest.raises(InputError, match="acquisition"):
        gate.check_gate(build(table, keys=keys, gate={"acquisition": "stop"}))


def test_an_implied_key_follows_the_one_that_implies_it() -> None:
    keys = {"roi": "mark", "acquisition": "implied"}
    found = build(catalog(), keys=keys, gate={"acquisition": "stop"})
    assert status(found, "acquisition") == "implied"
    assert marks.mark(found, "s", 1, "test") == "clean"
    assert marks.note(found) == ""
    gate.check_gate(found)
    assert marks.mark(build(catalog().assign(roi="a"), keys=keys), "s", 1, "test").startswith("linked: roi (100 %)")


@pytest.mark.parametrize(
    ("roles", "pairs"),
    [
        ("train train train test", [("validation", "train"), ("test", "validation")]),
        ("train train validation unused", [("test", "train"), ("test", "validation")]),
        ("validation validation test test", [("test", "train"), ("validation", "train")]),
    ],
)
def test_roles_without_patches_are_not_looked_at(roles: str, pairs: list[tuple[str, str]]) -> None:
    found = build(catalog(), roles)
    found = found[found["role_a"] != found["role_b"]]
    empty = found[[pair in pairs for pair in zip(found["role_a"], found["role_b"], strict=True)]]
    assert set(empty["status"]) == {"not looked at"}
    assert empty[["linked", "fraction", "shared_values"]].isna().all(axis=None)
    assert "clean" not in set(found.loc[found["total"] == 0, "status"])
    assert "not looked at" not in set(found.drop(index=empty.index)["status"])


def test_without_training_patches_nothing_is_clean() -> None:
    found = build(catalog(), "validation validation test test")
    assert marks.mark(found, "s", 1, "test") == "unknown: no training patches"
    assert marks.mark(found, "s", 1, "test", trained_here=False) == "clean"
    assert marks.mark(found, "s", 2, "test") == "unknown: no training patches"


# ------------------------------------------------------------------------------------------ docs, kinds


def test_keys_and_defaults_in_the_docs_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "schemes.md").read_text(encoding="utf-8")
    rows = re.search(r"<!-- gate: begin -->\n(.*)<!-- gate: end -->", page, re.S)[1].splitlines()[2:]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    written = {key: usual.strip("`") for keys, _, usual in cells for key in re.findall(r"`(.+?)`", keys)}
    found: dict[str, str] = {}
    for name in ("cloudsen12", "sen12ms", "so2sat"):
        found |= links.complete_gate({}, datasets.load(name).ledger_keys(), near_duplicates=True)
    assert links.complete_gate({}, {})[links.NEAR_DUPLICATE] == "count"
    found[links.NEAR_DUPLICATE] = "mark` where they are looked for, else `count"
    assert written == found


@pytest.mark.parametrize(
    ("definition", "needs"),
    [
        ({"kind": "published"}, []),
        ({"kind": "pooled-random"}, []),
        ({"kind": "grouped"}, [("group",)]),
        ({"kind": "grouped-stratified", "groups": ["roi", "product"]}, [("roi", "product")]),
        ({"kind": "kfold", "groups": []}, []),
        ({"kind": "leave-one-group-out", "key": "season"}, [("season",), ("group",)]),
        ({"kind": "spatial-blocks"}, [("lon",), ("lat",)]),
        ({"kind": "balanced"}, [("group",)]),
        ({"kind": "balanced", "base": "published"}, []),
        ({"kind": "learning-curve", "base": "published"}, [("group",)]),
    ],
)
def test_columns_that_schemes_go_by(definition: dict[str, object], needs: list[tuple[str, ...]]) -> None:
    assert parse_scheme(definition).needed_columns() == needs
