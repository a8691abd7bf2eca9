"""The layout of work/ and results/."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.config import paths
from sentinel_forest.config.paths import Places

PATTERNS = [value for name, value in vars(paths).items() if name.isupper() and isinstance(value, str)]
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(st.sampled_from(PATTERNS), NAMES, NAMES, st.integers(1, 99))
def test_a_path_gives_back_what_it_was_made_of(pattern, release, scheme, trial):
    values = {
        "release": release,
        "scheme": scheme,
        "trial": trial,
        "set": "l1c",
        "shard": trial,
        "against": scheme,
        "prediction": scheme,
        "audit": scheme,
        "name": scheme,
        "form": "all",
        "number": trial,
        "layer": "classes",
    }
    read = paths.fields(pattern, paths.place(pattern, **values))
    assert read == {name: str(values[name]) for name in read}
    assert paths.fields(pattern, f"{paths.place(pattern, **values)}/x") is None


def test_no_two_files_of_a_version_lie_in_one_place():
    assert len(set(PATTERNS) - {paths.FINDINGS}) == len(PATTERNS) - PATTERNS.count(paths.FINDINGS)


def test_places_follow_the_path_variables_of_snakemake():
    plain, check = Places.of({"version": "v1"}), Places.of_check("v1")
    assert (plain.work, plain.results, plain.exports) == (Path("work"), Path("results/v1"), Path("exports/v1"))
    assert Places.of({"version": "v1", "pathvars": check.pathvars}) == check
    assert check.results == Path("work/check/v1/results")
    assert check.data == plain.data
