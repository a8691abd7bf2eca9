"""For every check there is an input that trips it: a check that cannot fail says nothing."""

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import sentinel_forest
from sentinel_forest.datasets.base import File, Finding
from sentinel_forest.errors import InputError
from verify.planted import ALL_KEPT, ELSEWHERE, LEFT_OUT, NOTHING_LEFT, PLANTED, Verified, verified, verify

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

PACKAGE = Path(sentinel_forest.__file__).parent

ONLY_NOTES = {
    "cloudsen12": {
        "dates",
        "roi_id:form",
        "measured-radar",
        "columns",
        "name",
        "layers",
        "dtype",
        "measured",
        "known-constant",
    },
    "sen12ms": {"split", "archives", "sensors", "place", "known-broken", "measured"},
    "so2sat": {"sen2:layout", "sen2:constant", "sen2:measured", "city", "grid", "image"},
}
"""Checks after which a score can be right, so that they stop nothing."""

OF_OTHERS = {"cloudsen12": {"radar-parts"}, "sen12ms": {"radar-parts"}}
"""Rules for bands that a dataset does not have."""

PATCHES = {"cloudsen12": 160, "sen12ms": 39, "so2sat": 272}
"""Patches in the catalogs of the samples."""

AT = {
    "Finding": 2,
    "verdict": 2,
    "note": 1,
    "_rows_verdict": 1,
    "_finding": 1,
    "_verdict": 0,
    "pool_verdict": 0,
    "unmeasured_finding": 1,
    "scaling_finding": 2,
}
"""Functions that make findings, and the place of the check among their arguments."""


@pytest.fixture(scope="module")
def clean(samples: dict[str, Path]) -> dict[str, list[Finding]]:
    """What verifying the samples shows."""
    return {name: verified(name, folder) for name, folder in samples.items()}


@pytest.mark.parametrize("name", list(PLANTED))
def test_nothing_fails_in_the_sample(clean: dict[str, list[Finding]], name: str) -> None:
    assert [row for row in clean[name] if row.status == "failed"] == []


@pytest.mark.parametrize(("name", "check"), [(name, check) for name, table in PLANTED.items() for check in table])
def test_a_planted_input_trips_the_check(samples: dict[str, Path], tmp_path: Path, name: str, check: str) -> None:
    folder = shutil.copytree(samples[name], tmp_path / "planted")
    planted = PLANTED[name][check](folder)
    told = planted if isinstance(planted, list) and isinstance(planted[0], (File, Finding)) else []
    seen = None if told and isinstance(told[0], Finding) else verify(name, folder, told)
    findings = seen.findings if seen else told
    wanted = "note" if check in ONLY_NOTES[name] else "failed"
    met = [row for row in findings if row.check == check and row.status == wanted]
    met = [row for row in met if not row.found.startswith("not computed")]
    assert met, check
    assert all(row.found and len(row.remedy) + len(row.expected) > 0 for row in met)
    assert all(len(row.found) < 600 for row in met)
    failed = [row for row in findings if row.status == "failed"]
    assert wanted == "failed" or not failed or check == "grid", failed
    for row in failed:
        assert row.accept in ("", "left out" if row.check.rpartition(":")[2] in LEFT_OUT else "kept"), row.check
    if seen and failed and all(row.accept for row in failed):
        lost = max(LEFT_OUT.get(row.check, 0) for row in failed)
        assert len(seen.accept()) == PATCHES[name] - lost
    elif seen and failed:
        with pytest.raises(InputError, match="cannot be accepted"):
            seen.accept()


def with_fault(samples: dict[str, Path], folder: Path, fault: str, name: str, plant: Callable) -> Verified:
    """Verify a sample with a fault in all tiles, of which the check tells."""
    plant(shutil.copytree(samples[name], folder))
    seen = verify(name, folder)
    assert fault.split()[1] in {row.check for row in seen.findings if row.status == "failed"}
    return seen


@pytest.mark.parametrize("fault", NOTHING_LEFT)
def test_a_fault_that_leaves_no_patch_cannot_be_accepted(samples: dict[str, Path], tmp_path: Path, fault: str) -> None:
    """An accepted shape of all ``lc`` stopped at the catalog; one of all ``s1`` took patches that it should drop."""
    with pytest.raises(InputError, match="usable cannot be accepted"):
        with_fault(samples, tmp_path / "planted", fault, *NOTHING_LEFT[fault]).accept()


@pytest.mark.parametrize("fault", ALL_KEPT)
def test_a_fault_of_all_tiles_that_is_kept_costs_no_patch(samples: dict[str, Path], tmp_path: Path, fault: str) -> None:
    patches = with_fault(samples, tmp_path / "planted", fault, *ALL_KEPT[fault]).accept()
    assert len(patches) == PATCHES["sen12ms"]
    assert patches.filter(like="hash_").ne("").all(axis=None)


@pytest.mark.parametrize("check", list(ELSEWHERE))
def test_a_planted_fault_of_bytes_trips_the_check(tmp_path: Path, check: str) -> None:
    assert (check, "failed") in {(row.check, row.status) for row in ELSEWHERE[check](tmp_path)}


def checks_of(path: Path) -> set[str]:
    """Names of checks that a module writes down; of f-strings those parts that are."""
    named = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function in AT and len(node.args) > AT[function]:
            match node.args[AT[function]]:
                case ast.Constant(str(text)):
                    named.add(text)
                case ast.JoinedStr(values):
                    named.add("".join(part.value if isinstance(part, ast.Constant) else "*" for part in values))
    return named


@pytest.mark.parametrize("name", list(PLANTED))
def test_every_check_of_a_dataset_has_an_input(clean: dict[str, list[Finding]], name: str) -> None:
    """Those that its modules name, and those that verifying the sample shows."""
    written = set().union(*(checks_of(path) for path in (PACKAGE / "datasets" / name).glob("*.py")))
    for module in ("alignment", "band_rules", "unit_rules"):
        written |= checks_of(PACKAGE / "datasets" / f"{module}.py")
    written -= OF_OTHERS.get(name, set())
    shown = {row.check for row in clean[name]}
    table = set(PLANTED[name])
    kinds = {check.rpartition(":")[2] for check in table}
    assert {check for check in written if check not in table and check.rpartition(":")[2] not in kinds} == set()
    assert {check for check in shown if check not in table and check.rpartition(":")[2] not in kinds} == set()


def test_every_check_of_bytes_has_an_input() -> None:
    assert checks_of(PACKAGE / "verify" / "inspect.py") <= set(ELSEWHERE)
