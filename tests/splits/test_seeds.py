"""What chance depends on: the dataset, the kind and options of the scheme; no name, no place, no order of files."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.schemes import KINDS, parse_scheme, seed_of
from sentinel_forest.io import checksums
from sentinel_forest.planning.checking import select
from sentinel_forest.splits import split


def test_names_of_releases_and_schemes_change_no_seed(tmp_path) -> None:
    for name in ("tiles", "packed"):
        (tmp_path / name).mkdir()
        for sensor in ("s2", "lc"):
            (tmp_path / name / f"ROIs1158_spring_{sensor}.tar.gz").touch()
    chosen = select(
        {
            "releases": ["one", "other"],
            "own_releases": {
                "one": {"dataset": "sen12ms", "folder": str(tmp_path / "tiles"), "licence": "MIT"},
                "other": {"dataset": "sen12ms", "folder": str(tmp_path / "packed"), "licence": "MIT"},
            },
            "schemes": ["grouped", "by-hand"],
            "own_schemes": {"by-hand": {"kind": "grouped", "strict": True, "tolerance": 0.2}},
            "feature_sets": ["pixel-s2"],
        },
        tmp_path,
    )
    seeds = {chosen.seed(release, scheme) for release in ("one", "other") for scheme in ("grouped", "by-hand")}
    assert len(seeds) == 1
    assert chosen.seed("one") == chosen.seed("other")
    assert chosen.seed("one") not in seeds


NEEDED = {"knndm": {"places": [[1.0, 11.0], [60.0, 9.0]]}}
"""Options without which a kind cannot be drawn."""


def test_dataset_kind_options_and_version_seed_change_it() -> None:
    schemes = [parse_scheme({"kind": kind} | NEEDED.get(kind, {})) for kind in KINDS if kind != "filtered"]
    schemes += [parse_scheme({"kind": "kfold", "folds": folds}) for folds in (3, 4)]
    found = {seed_of(seed, dataset, scheme) for seed in (1, 2) for dataset in ("a", "b") for scheme in (None, *schemes)}
    assert len(found) == 4 * (1 + len(schemes))


def test_an_option_that_is_given_its_default_changes_no_seed() -> None:
    spelled = parse_scheme({"kind": "kfold", "folds": 5, "groups": ["group"]})
    assert seed_of(1, "a", spelled) == seed_of(1, "a", parse_scheme({"kind": "kfold"}))


def test_the_seed_is_the_documented_one() -> None:
    """SHA-256 of canonical JSON, so that another program can make it, too."""
    by_hand = checksums.checksum_of([1, "so2sat", "kfold", {"folds": 3}])[:8]
    assert seed_of(1, "so2sat", parse_scheme({"kind": "kfold", "folds": 3})) == int(by_hand, 16)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"published", "filtered"}))
def test_the_order_of_the_catalog_changes_no_draw(kind) -> None:
    random = np.random.default_rng(3)
    catalog = pd.DataFrame(
        {
            "patch": [f"p{row:03d}" for row in range(120)],
            "published_split": "",
            "group": [f"g{row // 4:02d}" for row in range(120)],
            "label": random.integers(0, 3, 120).astype(np.int16),
            "lon": np.arange(120) // 4 * 3.0,
            "lat": 10.0,
        }
    )
    mixed = catalog.sample(frac=1, random_state=1)
    scheme = parse_scheme({"kind": kind} | NEEDED.get(kind, {}))
    draws = [split.make(table, scheme, 1, lambda *names: checksums.seed(5, *names)).split for table in (catalog, mixed)]
    assert draws[1]["patch"].tolist() == mixed["patch"].tolist()
    pd.testing.assert_frame_equal(*(draw.sort_values("patch", ignore_index=True) for draw in draws))
