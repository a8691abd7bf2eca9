"""Areas of a map's classes from a probability sample of reference points."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.cli import main
from sentinel_forest.mapping.areas import estimate_areas

CLASSES = ["deforestation", "forest gain", "stable forest", "stable non-forest"]
COUNTS = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
"""Table 8 of Olofsson et al. (2014): rows are classes of the map, columns those of the reference."""
PIXELS = [200_000, 150_000, 3_200_000, 6_450_000]


def olofsson() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sample of 640 points of the paper, and its strata in hectares (pixels of 30 m)."""
    rows = [
        (CLASSES[mapped], CLASSES[mapped], CLASSES[found])
        for mapped, counts in enumerate(COUNTS)
        for found, count in enumerate(counts)
        for _ in range(count)
    ]
    points = pd.DataFrame(rows, columns=["stratum", "map", "reference"])
    return points, pd.DataFrame({"stratum": CLASSES, "area": np.array(PIXELS) * 0.09})


def test_the_worked_example_of_olofsson() -> None:
    table = estimate_areas(*olofsson()).set_index(["quantity", "class"])
    half = 1.96 * table["se"]
    assert table.loc[("overall accuracy", ""), "value"] == pytest.approx(0.947, abs=5e-4)
    assert half[("overall accuracy", "")] == pytest.approx(0.018, abs=5e-4)
    users = [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    for name, (value, width), producers in zip(CLASSES, users, (0.75, 0.85, 0.93, 0.96), strict=True):
        assert table.loc[("user's accuracy", name), "value"] == pytest.approx(value, abs=5.1e-3)
        assert half[("user's accuracy", name)] == pytest.approx(width, abs=6e-3)
        assert table.loc[("producer's accuracy", name), "value"] == pytest.approx(producers, abs=5.1e-3)
    hectares = [(21_158, 6_158), (11_686, 3_756), (285_770, 15_510), (581_386, 16_282)]
    for name, (value, width) in zip(CLASSES, hectares, strict=True):
        assert table.loc[("area", name), "value"] == pytest.approx(value, rel=1e-3)
        assert half[("area", name)] == pytest.approx(width, rel=2e-3)


def test_producers_accuracy_has_the_variance_of_equation_7() -> None:
    """Equation 7 of Olofsson et al. (2014), written out for one class after the other."""
    table = estimate_areas(*olofsson()).set_index(["quantity", "class"])
    counts, pixels = np.array(COUNTS, dtype=float), np.array(PIXELS, dtype=float)
    drawn = counts.sum(axis=1)
    for j, name in enumerate(CLASSES):
        total = sum(pixels[i] * counts[i, j] / drawn[i] for i in range(4))
        users = counts[j, j] / drawn[j]
        producers = pixels[j] * users / total
        own = pixels[j] ** 2 * (1 - producers) ** 2 * users * (1 - users) / (drawn[j] - 1)
        others = sum(
            pixels[i] ** 2 * (counts[i, j] / drawn[i]) * (1 - counts[i, j] / drawn[i]) / (drawn[i] - 1)
            for i in range(4)
            if i != j
        )
        variance = (own + producers**2 * others) / total**2
        row = table.loc[("producer's accuracy", name)]
        assert row["value"] == pytest.approx(producers, rel=1e-12)
        assert row["se"] == pytest.approx(variance**0.5, rel=1e-12)


def test_intervals_hold_where_strata_are_not_the_classes() -> None:
    """A map is drawn with known truth; two strata cut across its classes. 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(5)
    count = 20_000
    truth = rng.random(count) < 0.3
    mapped = truth ^ (rng.random(count) < 0.1)
    stratum = np.where(rng.random(count) < np.where(mapped, 0.7, 0.2), "a", "b")
    areas = pd.DataFrame({"stratum": ["a", "b"], "area": [(stratum == "a").sum(), (stratum == "b").sum()]})
    held = {"area": 0, "producer's accuracy": 0}
    wanted = {"area": truth.sum(), "producer's accuracy": (truth & mapped).sum() / truth.sum()}
    runs = 100
    for _ in range(runs):
        rows = np.concatenate([rng.choice(np.flatnonzero(stratum == name), 150, replace=False) for name in "ab"])
        points = pd.DataFrame(
            {
                "stratum": stratum[rows],
                "map": np.where(mapped[rows], "yes", "no"),
                "reference": np.where(truth[rows], "yes", "no"),
            }
        )
        table = estimate_areas(points, areas).set_index(["quantity", "class"])
        for quantity in held:
            row = table.loc[(quantity, "yes")]
            held[quantity] += bool(row["low"] <= wanted[quantity] <= row["high"])
    assert all(0.89 <= count / runs <= 0.995 for count in held.values()), held


def test_a_class_that_was_never_mapped_has_no_users_accuracy() -> None:
    points = pd.DataFrame({"stratum": ["a"] * 3, "map": ["land"] * 3, "reference": ["land", "land", "ice"]})
    table = estimate_areas(points, pd.DataFrame({"stratum": ["a"], "area": [9.0]})).set_index(["quantity", "class"])
    assert np.isnan(table.loc[("user's accuracy", "ice"), "value"])
    assert table.loc[("area", "ice"), "value"] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("points", "strata", "message"),
    [
        ("stratum,reference\na,a\na,a\nb,a\nb,a\n", "stratum,area\na,1\n", "found: b\n  expected: valid: a\n"),
        ("stratum,reference\na,a\n", "stratum,area\na,1\n", "too few points"),
        ("stratum,reference\na,a\na,a\n", "stratum,area\na,-1\n", "not a positive number"),
        ("stratum,reference\na,a\na,a\n", "stratum,area\na,40 ha\n", "stratum a\n  found: 40 ha"),
        ("stratum,reference\na,a\na,a\n", 'stratum,area\na,"1,200"\n', "found: 1,200"),
        ("stratum,reference\na,a\na,a\n", "stratum,area\na,1\na,1\n", "twice"),
        ("stratum,reference\na,a\na,\n", "stratum,area\na,1\n", "value is missing"),
        ("stratum,reference,map\na,x,x\na,x,\n", "stratum,area\na,1\n", "value is missing"),
        ("stratum,reference\nn,x\nn,x\ns,y\ns,y\n", "stratum,area\nn,1\ns,1\n", "column map: the class of the map"),
        ("stratum,reference\na,x\n a,\n", "stratum,area\na,1\n", "line 3"),
        ("stratum,reference\n", "stratum,area\na,1\n", "value is missing"),
        ("stratum,label\na,x\na,x\n", "stratum,area\na,1\n", "column is missing"),
        ("patch,stratum,reference\np,a,x\np,a,x\n", "stratum,area\na,1\n", "no probability sample"),
    ],
)
def test_bad_input_is_answered(tmp_path: Path, points: str, strata: str, message: str) -> None:
    (tmp_path / "points.csv").write_text(points)
    (tmp_path / "strata.csv").write_text(strata)
    call = ["areas", "--points", f"{tmp_path}/points.csv", "--strata", f"{tmp_path}/strata.csv"]
    with pytest.raises(SystemExit, match=message):
        main([*call, "--output", f"{tmp_path}/areas.tsv"])
    assert not (tmp_path / "areas.tsv").exists()


def test_benchmark_patches_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"patch": ["a"], "role": ["test"]}).to_parquet(tmp_path / "0.parquet")
    call = ["areas", "--points", f"{tmp_path}/0.parquet", "--strata", f"{tmp_path}/0.parquet"]
    with pytest.raises(SystemExit, match="no probability sample"):
        main([*call, "--output", f"{tmp_path}/areas.tsv"])


def test_the_command_writes_the_table(tmp_path: Path) -> None:
    points, strata = olofsson()
    points.drop(columns="map").to_csv(tmp_path / "points.csv", index=False)
    strata.to_csv(tmp_path / "strata.csv", index=False)
    call = ["areas", "--points", f"{tmp_path}/points.csv", "--strata", f"{tmp_path}/strata.csv"]
    main([*call, "--output", f"{tmp_path}/areas.tsv"])
    table = pd.read_csv(tmp_path / "areas.tsv", sep="\t", keep_default_na=False)
    assert len(table) == 17


def test_an_interval_of_a_fraction_ends_at_what_a_fraction_can_be() -> None:
    points = pd.DataFrame({"stratum": ["w"] * 4 + ["l"] * 4, "map": ["w"] * 4 + ["l"] * 4})
    points["reference"] = ["w", "w", "w", "l"] + ["l"] * 4
    table = estimate_areas(points, pd.DataFrame({"stratum": ["w", "l"], "area": [40.0, 60.0]}))
    row = table.set_index(["quantity", "class"]).loc[("user's accuracy", "w")]
    assert row["value"] == 0.75
    assert row["value"] + 1.96 * row["se"] > 1 == row["high"]
    areas = table[table["quantity"] == "area"]
    assert areas[["low", "high"]].stack().between(0, 100).all()


def test_blanks_around_names_make_no_class(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("stratum,reference\na,a\na,a \na, b\nb,b\nb ,b\nb,a\n")
    (tmp_path / "strata.csv").write_text("stratum,area\n a,40\nb,60\n")
    call = ["areas", "--points", f"{tmp_path}/points.csv", "--strata", f"{tmp_path}/strata.csv"]
    main([*call, "--output", f"{tmp_path}/areas.tsv"])
    table = pd.read_csv(tmp_path / "areas.tsv", sep="\t").query("quantity == 'area'").set_index("class")
    assert table["value"].to_dict() == pytest.approx({"a": 40 * 2 / 3 + 60 / 3, "b": 40 / 3 + 60 * 2 / 3})


def test_points_that_all_agree_give_no_interval() -> None:
    points = pd.DataFrame(
        {"stratum": ["a", "a", "b", "b"], "map": ["a", "a", "b", "b"], "reference": ["a", "a", "b", "b"]}
    )
    table = estimate_areas(points, pd.DataFrame({"stratum": ["a", "b"], "area": [70.0, 30.0]}))
    assert (table["se"] == 0).all()
    assert table[["low", "high"]].isna().all(axis=None)
