"""The reproduction sheet: the right verdict, and none where two figures are not of the same thing."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from project import ROOT
from sentinel_forest.config import releases
from sentinel_forest.config.validation import read_yaml
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io import tables
from sentinel_forest.planning.checking import select
from sentinel_forest.registry import PAPERS as PAPER_FILES
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.steps import ReleaseFile
from sentinel_forest.versions import papers, reproduction

PAPERS = PAPER_FILES
FIGURES = papers.read_papers(PAPERS)
KINDS = {"official": "published"}
PAPER = {
    "paper": "paper",
    "title": "t",
    "citation": {"text": "t", "doi": None},
    "tables": [
        {
            "table": "one",
            "release": "r",
            "role": "test",
            "task": "cloud",
            "protocol": "p",
            "source": "s",
            "confirmed": "second-hand",
            "note": "labels of 2022",
            "figures": [{"metric": "boa.median", "class": "cloud", "decimals": 2}, {"metric": "oa", "decimals": 3}],
            "rows": [
                {"model": "Fmask", "classifier": "fmask", "values": [0.84, None]},
                {"model": "RF", "classifier": "forest", "features": ["l1c", "l1c-6"], "values": [0.8, 0.7]},
                {
                    "model": "net",
                    "classifier": "forest",
                    "features": ["l1c"],
                    "differs": {"model": "a neural network"},
                    "values": [None, 0.9],
                },
            ],
        }
    ],
}


@pytest.fixture
def read(tmp_path):
    """Reads `PAPER` after a change: a path of keys and the value to set there."""

    def call(*change):
        content = copy.deepcopy(PAPER)
        if change:
            *keys, last, value = change
            place = content
            for key in keys:
                place = place[key]
            place[last] = value
        (tmp_path / "paper.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        return papers.read_papers(tmp_path)

    return call


def scores(release="r", scheme="published", trial=1, **other):
    """Metrics of one trial: BOA of fmask and of the forest on l1c, unless changed."""
    row = {
        "classifier": "fmask",
        "features": "",
        "task": "cloud",
        "role": "test",
        "metric": "boa.median",
        "weighting": "none",
        "pixels": "all",
        "class": "cloud",
        "value": 0.83,
        "low": 0.8,
        "high": 0.86,
        "n": 9,
        "groups": 12,
        "mark": "clean",
        "note": "",
    }
    forest = {"classifier": "forest", "features": "l1c"}
    table = pd.DataFrame([row | other, row | forest | other | forest])
    return table.assign(release=release, scheme=scheme, trial=trial)


def sheet(figures, *given, samples=()):
    return reproduction.sheet(figures, reproduction.index(list(given)), samples)


def verdicts(table, figure):
    return table.loc[table["figure"] == figure, "verdict"].tolist()


# Verdicts


def test_a_figure_in_the_interval_is_inside_and_all_columns_are_told(read):
    table = sheet(read(), scores(mark="linked: product", note="few groups"))
    row = table[table["figure"] == "one: RF"].iloc[0]
    assert row["verdict"] == "inside"
    assert (row["paper"], row["figure"], row["confirmed"]) == ("paper", "one: RF", "second-hand")
    assert (row["release"], row["scheme"], row["trial"]) == ("r", "published", 1)
    assert (row["published"], row["ours"], row["low"], row["high"]) == (0.8, 0.83, 0.8, 0.86)
    assert row["note"] == "labels of 2022; few groups; test patches linked: product"
    assert (row["source"], row["protocol"]) == ("s", "p")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.76, 0.79, "outside by -0.0100"),
        (0.83, 0.86, "outside by +0.0300"),
        (0.76, 0.795, "inside"),
        (0.805, 0.90, "inside"),
        (0.806, 0.90, "outside by +0.0060"),
        (np.nan, np.nan, "not comparable: ours has no interval"),
    ],
)
def test_outside_says_by_how_much_and_half_a_decimal_is_rounding(read, low, high, verdict):
    assert verdicts(sheet(read(), scores(low=low, high=high)), "one: RF")[:1] == [verdict]


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.84, "equal to the printed decimals"),
        (0.8351, "equal to the printed decimals"),
        (0.835, "equal to the printed decimals"),
        (0.845, "equal to the printed decimals"),
        (0.8349, "differs by -0.0051"),
        (0.8512, "differs by +0.0112"),
    ],
)
@pytest.mark.parametrize("bounds", [(0.5, 0.9), (0.1, 0.2), (np.nan, np.nan)])
def test_a_reference_algorithm_is_equal_or_differs_whatever_its_interval(read, value, verdict, bounds):
    """0.84 is printed with two decimals: what is rounded to it lies from 0.835 to 0.845."""
    low, high = bounds
    assert verdicts(sheet(read(), scores(value=value, low=low, high=high)), "one: Fmask") == [verdict]


def test_a_difference_of_percentages_is_in_per_cent(read):
    per_cent = {"metric": "pa.high", "class": "cloud"}
    figures = read("tables", 0, "figures", 0, per_cent | {"decimals": 2})
    figures = [replace(figure, value=62.5) for figure in figures if figure.name == "one: Fmask"]
    table = sheet(figures, scores(value=61.25, metric="pa.high"))
    assert verdicts(table, "one: Fmask") == ["differs by -1.2500"]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(0, 4))
def test_distance_is_zero_exactly_within_rounding_of_the_interval(value, a, b, decimals):
    low, high = min(a, b), max(a, b)
    distance = reproduction.outside(value, decimals, low, high)
    nearest = min(max(value, low), high)
    assert abs(distance) <= abs(nearest - value)
    assert (distance == 0) == (abs(nearest - value) <= 0.5 * 10.0**-decimals + 1e-12)
    assert distance == 0 or (distance > 0) == (low > value)


def test_sample_data_give_no_verdict_whatever_else_holds(read):
    table = sheet(read(), scores("r-sample", value=np.nan, low=np.nan, high=np.nan), samples=["r-sample"])
    assert set(table["verdict"]) == {"not comparable: sample data"}
    assert set(table["release"]) == {"r-sample"}


def test_the_own_release_goes_before_others_and_others_are_not_comparable(read):
    both = sheet(read(), scores("r"), scores("q"))
    assert set(both["release"]) == {"r"}
    (verdict,) = verdicts(sheet(read(), scores("q")), "one: Fmask")
    assert verdict == "not comparable: release (published for r)"


def test_a_release_of_another_task_does_not_stand_beside_a_figure(read):
    table = sheet(read(), scores("q", task="lcz"))
    assert set(table["verdict"]) == {"not comparable: release (no scores of r, split published, in this version)"}
    assert table["ours"].isna().all()


def test_other_kinds_do_not_count_and_every_trial_of_the_kind_does_under_any_name(read):
    table = sheet(read(), scores(scheme="pooled-random"))
    assert set(table["verdict"]) == {"not comparable: release (no scores of r, split published, in this version)"}
    named = reproduction.index([scores(scheme="s", trial=2), scores(scheme="s", trial=1)])
    own = reproduction.sheet(read(), named, [], kinds={"s": "published"})
    assert own.loc[own["figure"] == "one: Fmask", "trial"].tolist() == [1, 2]


def test_another_model_and_a_missing_or_undefined_score_give_no_verdict(read):
    table = sheet(read(), scores())
    assert verdicts(table, "one: net") == ["not comparable: model (a neural network)"]
    assert verdicts(table, "one: RF") == ["inside", "not comparable: not computed in this version"]
    table = sheet(read(), scores(value=np.nan, note="the layer of fmask is constant"))
    assert verdicts(table, "one: Fmask") == ["not comparable: the layer of fmask is constant"]


def test_a_row_for_each_feature_set_that_is_there(read):
    more = scores().replace({"features": {"l1c": "l1c-6"}})
    table = sheet(read(), pd.concat([scores(), more.iloc[[1]]]))
    rows = table[(table["figure"] == "one: RF") & (table["metric"] == "boa.median")]
    assert rows["features"].tolist() == ["l1c", "l1c-6"]


def test_all_that_differs_is_told_by_aspect(read):
    figures = read("tables", 0, "differs", {"bands": "three", "split": "trained on all"})
    (verdict,) = verdicts(sheet(figures, scores("q")), "one: net")
    assert verdict == (
        "not comparable: release (published for r), bands (three), split (trained on all), model (a neural network)"
    )
    figures = read("tables", 0, "differs", {"release": "other labels"})
    (verdict,) = verdicts(sheet(figures, scores("q")), "one: Fmask")
    assert verdict == "not comparable: release (published for r; other labels)"
    figures = read("tables", 0, "differs", {"bands": "three", "split": "trained on all"})
    assert verdicts(sheet(figures, scores()), "one: Fmask") == ["not comparable: bands (three), split (trained on all)"]


def test_an_unconfirmed_figure_is_shown_and_not_judged(read):
    figures = read("tables", 0, "confirmed", "unconfirmed")
    (row,) = sheet(figures, scores()).query("figure == 'one: Fmask'").itertuples()
    assert row.verdict == "not comparable: the published figure is unconfirmed"
    assert row.ours == 0.83


def test_as_sampled_scores_are_found_and_design_weighted_ones_are_not(read):
    drawn = scores()
    weighted = scores(weighting="design", value=0.1, low=0.1, high=0.1)
    table = sheet(read(), pd.concat([weighted, drawn]))
    assert table["ours"].iloc[0] == 0.83


def test_a_second_row_where_the_project_scores_other_pixels(read):
    """The paper counts all pixels and is judged first; without a difference there is one row."""
    every = reproduction.index([scores(value=0.84).iloc[:1]])
    table = reproduction.sheet(read(), reproduction.index([scores()]), (), every)
    rows = table[table["figure"] == "one: Fmask"]
    assert rows[["pixels", "ours", "verdict"]].to_numpy().tolist() == [
        ["as in the paper", 0.84, "equal to the printed decimals"],
        ["as in this project", 0.83, "differs by -0.0100"],
    ]
    same = reproduction.index([scores().iloc[:1]])
    table = reproduction.sheet(read(), reproduction.index([scores()]), (), same)
    assert table.loc[table["figure"] == "one: Fmask", "pixels"].tolist() == ["as in the paper"]
    assert set(table.loc[table["figure"] == "one: RF", "pixels"]) == {"as in this project"}


def test_no_published_figure_is_of_the_forests_grown_here():
    assert all("model" in figure.differs for figure in FIGURES if figure.classifier == "forest")


# Faults of a paper


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("tables", 0, "figures", 0, "metric", "boa.medium"),
            ("Unknown metric", "did you mean 'boa.median'", "remedy|what to do"),
        ),
        (("tables", 0, "figures", 0, "class", "clouds"), ("Unknown class", "did you mean 'cloud'")),
        (("tables", 0, "figures", 1, "class", "cloud"), ("Unknown class",)),
        (("tables", 0, "task", "clouds"), ("Unknown task", "did you mean 'cloud'")),
        (("tables", 0, "rows", 1, "features", ["l1d"]), ("Unknown feature set", "did you mean 'l1c'")),
        (("tables", 0, "rows", 0, "values", [84.0, None]), ("out of the range", "84.0", "0 to 1")),
        (("tables", 0, "rows", 0, "values", [0.84]), ("not one value for each figure", "model 'Fmask'")),
        (("tables", 0, "rows", 0, "classifier", ""), ("nothing says why",)),
        (("tables", 0, "rows", 2, "model", "RF"), ("given twice", "one: RF")),
        (("tables", 0, "confirmed", "surely"), ("confirmed",)),
        (("tables", 0, "differs", {"band": "three"}), ("Unknown key", "did you mean 'bands'")),
        (("tables", 0, "rolle", "test"), ("Unknown key", "did you mean 'role'")),
        (("paper", "other"), ("differ in name", "paper")),
    ],
)
def test_a_fault_of_a_paper_is_named(read, change, words):
    with pytest.raises(InputError) as caught:
        read(*change)
    for word in words:
        assert any(part in str(caught.value) for part in word.split("|"))


def test_no_papers_are_named(tmp_path):
    with pytest.raises(InputError, match="There is no paper"):
        papers.read_papers(tmp_path)


# The papers of the project


def test_releases_of_the_papers_are_registered():
    known = {*releases.registered(RELEASE_FILES), "m-so2sat", "so2sat-geo-bench-2"}
    assert {figure.release for figure in FIGURES} <= known


def test_the_table_of_algorithms_is_whole_and_consistent():
    """Bins of PA and of UA make 100 per cent, and every reference algorithm is there for each question."""
    own = [figure for figure in FIGURES if figure.paper == "cloudsen12"]
    assert len(own) == 22 * 9
    for name in {figure.name for figure in own}:
        for metric in ("pa", "ua"):
            parts = [f"{metric}.{part}" for part in ("low", "middle", "high")]
            bins = [f.value for f in own if f.name == name and f.metric in parts]
            assert len(bins) == 3
            assert sum(bins) == pytest.approx(100, abs=0.02)
    both = {figure.name.split(": ")[0] for figure in own if figure.classifier == "fmask"}
    assert both == {"cloud", "shadow", "contaminated"}
    (boa,) = [f for f in own if f.name == "cloud: Fmask 4" and f.metric == "boa.median"]
    assert (boa.value, boa.decimals, boa.differs) == (0.84, 2, {})


def test_reference_algorithms_of_the_papers_exist_and_qa60_is_not_judged():
    from sentinel_forest import datasets

    known = set(datasets.load("cloudsen12").references)
    own = [figure for figure in FIGURES if figure.paper == "cloudsen12" and not figure.features]
    assert {figure.classifier for figure in own if figure.classifier} <= known
    assert all(figure.differs for figure in own if figure.classifier in ("", "qa60"))


def test_average_of_published_recalls_is_the_published_average():
    """Sen2LCZ-Net: AA is the mean of the 17 recalls, up to rounding."""
    own = [figure for figure in FIGURES if figure.name == "Sen2LCZ-Net: Sen2LCZ-Net"]
    recalls = [figure.value for figure in own if figure.metric == "pa"]
    (average,) = [figure.value for figure in own if figure.metric == "aa.present"]
    assert len(recalls) == 17
    assert np.mean(recalls) == pytest.approx(average, abs=6e-4)


def test_every_figure_has_its_metric_and_no_forest_is_compared_with_something_else():
    for figure in FIGURES:
        assert figure.metric in metrics.registry()
        assert figure.classifier != "forest" or figure.differs


def test_the_step_writes_a_sheet(tmp_path):
    table = scores("cloudsen12-high", "official").assign(definition="any")[list(METRICS.columns)]
    tables.write_tsv(tmp_path / "metrics.tsv", table, METRICS)
    file = ReleaseFile("cloudsen12-high", "official", 1, tmp_path / "metrics.tsv")
    reproduction.reproduction(
        metrics=[file],
        papers_pixels=[],
        samples=[],
        regrouped=[],
        kinds={"official": "published"},
        output=tmp_path / "sheet.tsv",
    )
    written = tables.read_tsv(tmp_path / "sheet.tsv", reproduction.REPRODUCTION)
    rows = written[written["figure"] == "cloud: Fmask 4"]
    assert rows.loc[rows["metric"] == "boa.median", "verdict"].tolist() == ["differs by -0.0100"]
    assert (rows.loc[rows["metric"] != "boa.median", "verdict"] == "not comparable: not computed in this version").all()
    lcz = written[written["task"] == "lcz"]
    assert lcz["verdict"].str.match(r"not comparable: release \(no scores of \S+, split published, in").all()


def test_the_overlay_computes_what_the_papers_ask_for(tmp_path):
    """Every figure of a registered release has its split, feature sets and reference algorithm computed."""
    for split, scene in (("validation", "validation"), ("test", "0")):
        for sensor in ("s1", "s2", "lc", "dfc"):
            name = f"ROIs0000_{split}/{sensor}_{scene}/ROIs0000_{split}_{sensor}_0_p1.tif"
            tables.write_text(tmp_path / name, "")
    config = read_yaml(ROOT / "config" / "config.yaml") | read_yaml(ROOT / "config" / "reproduce.yaml")
    config["releases"] = [*config["releases"], "dfc2020"]
    config |= {"transfer": {"dfc2020": "sen12ms"}, "folders": {"dfc2020": str(tmp_path)}}
    registry = RELEASE_FILES
    chosen = select(config, registry)
    asked = [figure for figure in FIGURES if figure.release in releases.registered(registry)]
    assert set(chosen.releases) == {figure.release for figure in asked}
    for figure in asked:
        assert (chosen.published(figure.release), 1) in chosen.trials(figure.release)
        assert set(figure.features) <= set(chosen.sets(figure.release)), figure.name
        if figure.classifier and not figure.features:
            assert figure.classifier in chosen.references(figure.release)
    assert {name for figure in asked for name in figure.features} == set(config["feature_sets"])
