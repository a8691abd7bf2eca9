"""From counts by patch to metrics.tsv and paired.tsv."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from sentinel_forest import datasets
from sentinel_forest.datasets import cloudsen12
from sentinel_forest.datasets.base import Category, FeatureSet, Question, Reference, Task
from sentinel_forest.datasets.metric import kappa
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import evaluate, score
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE, classifiers, confusion
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.paired import MCNEMAR, PAIRED, SWAPPED
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables
from sentinel_forest.splits import ledger

CLEAR, THICK, THIN, SHADOW = "clear", "thick cloud", "thin cloud", "cloud shadow"
CLOUD = Task(
    "cloud",
    "pixel",
    tuple(Category(code, name, "#000000") for code, name in enumerate((CLEAR, THICK, THIN, SHADOW))),
    (Question("cloud", (THICK, THIN)), Question("shadow", (SHADOW,))),
    cloudsen12.metrics.METRICS,
)
PLACE = Place("r", "published", 1)
SCENE = Task("scene", "patch", tuple(Category(code, name, "#000000") for code, name in enumerate("abc")))
FMASK = Reference("fmask", "cloud", "LABEL_fmask", ("land", "shadow", "cloud"), {"cloud": ("cloud",)})
QA60 = Reference("qa60", "cloud", "LABEL_qa60", ("clear", "cloud"), {"cloud": ("cloud",)})
DATASET = SimpleNamespace(
    tasks={"cloud": CLOUD, "scene": SCENE},
    references={"fmask": FMASK, "qa60": QA60},
    feature_sets={
        name: FeatureSet(name, task, (), {})
        for name, task in {"l1c": "cloud", "l1c+context": "cloud", "s1": "scene", "s2": "scene"}.items()
    },
    strata_keys=("city", "season"),
    ground_columns=(),
    independent_labels=lambda task, patches: None,
    independent_patches=False,
)
Counts = Iterable[tuple[str, str, str, int]]
"""patch, true, predicted, count"""


def catalog(groups: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"patch": list(groups), "group": list(groups.values())})


def split(patches: pd.DataFrame, role: str = "test", weight: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"patch": patches["patch"], "role": role, "weight": weight})


def predictions(of_sets: dict[tuple[str, str], Counts]) -> pd.DataFrame:
    rows = [("published", 1, features, name, *row) for (features, name), counts in of_sets.items() for row in counts]
    return pd.DataFrame(rows, columns=score.PREDICTIONS[:-2]).assign(**WHOLE)


def references(of_names: dict[str, Counts] | None = None) -> pd.DataFrame:
    rows = [(name, *row) for name, counts in (of_names or {}).items() for row in counts]
    return pd.DataFrame(rows, columns=score.REFERENCES[:-2]).assign(**WHOLE).astype(score.NUMBERS)


def scored(
    of_sets: dict[tuple[str, str], Counts],
    of_names: dict[str, Counts] | None = None,
    groups: dict[str, str] | None = None,
    weight: pd.Series | None = None,
    draws: int = 50,
    dataset: SimpleNamespace = DATASET,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Confusion, metrics and comparisons of a trial."""
    counted = predictions(of_sets)
    patches = catalog(groups or {patch: patch for patch in counted["patch"].unique()})
    roles = split(patches)
    if weight is not None:
        roles["weight"] = weight
    sets = list(dict.fromkeys(features for features, _ in of_sets))
    table = confusion(DATASET, patches, roles, counted, references(of_names), "published", 1, sets)
    CONFUSION.validate(table)
    about = roles.merge(patches, on="patch")
    marks, place = {"validation": "clean", "test": "clean"}, Place("r", "published", 1)
    found = score.score_trial(score.TrialCounts(table, dataset, about, marks, draws, (1, "r"), place))
    score.METRICS.validate(found[0])
    PAIRED.validate(found[1])
    return table, *found


def row(table: pd.DataFrame, **about: str) -> pd.Series:
    """The one row with these entries; `of` stands for class."""
    chosen = table
    for name, wanted in about.items():
        chosen = chosen[chosen["class" if name == "of" else name] == wanted]
    assert len(chosen) == 1, chosen
    return chosen.iloc[0]


# Four patches: P has both, Q has no cloud, R is all cloud, S has both.
HAND = [
    ("P", THICK, THICK, 6),
    ("P", THIN, CLEAR, 2),
    ("P", CLEAR, CLEAR, 9),
    ("P", CLEAR, THIN, 3),
    ("Q", CLEAR, CLEAR, 15),
    ("Q", CLEAR, THICK, 5),
    ("R", THICK, THIN, 20),
    ("S", THIN, CLEAR, 10),
    ("S", CLEAR, CLEAR, 8),
    ("S", SHADOW, SHADOW, 2),
]


def test_pooled_figures_by_hand() -> None:
    _, found, _ = scored({("l1c", "forest"): HAND})
    overall = row(found, metric="oa")
    # right: 6 + 9 + 15 + 8 + 2 of 80
    assert overall["value"] == pytest.approx(40 / 80)
    assert (overall["n"], overall["groups"]) == (80, 4)
    assert overall["note"] == "4 groups: no interval below 5; each group: 0.75, 0.75, 0, 0.5"
    cloud = {"of": "cloud"}
    # 38 pixels of cloud, 26 found; 42 without, 34 found
    assert row(found, metric="oa.question", **cloud)["value"] == pytest.approx((26 + 34) / 80)
    assert row(found, metric="pa.question", **cloud)["value"] == pytest.approx(26 / 38)
    assert row(found, metric="ua.question", **cloud)["value"] == pytest.approx(26 / 34)
    assert row(found, metric="boa.question", **cloud)["value"] == pytest.approx((26 / 38 + 34 / 42) / 2)
    thin = row(found, metric="pa", of=THIN)
    assert (thin["value"], thin["n"], thin["groups"]) == (0.0, 12, 2)


def test_medians_of_the_authors_by_hand() -> None:
    """BOA of P: (6/8 + 9/12) / 2, of S: (0 + 1) / 2; Q has no cloud and R nothing else."""
    _, found, _ = scored({("l1c", "forest"): HAND})
    median = row(found, metric="boa.median", of="cloud")
    assert median["value"] == pytest.approx((0.75 + 0.5) / 2)
    assert (median["n"], median["groups"]) == (2, 2)

    def summaries(metric: str, of: str) -> tuple[list[float], set[int]]:
        rows = found[found["metric"].str.startswith(metric + ".") & (found["class"] == of)]
        rows = rows[rows["definition"].str.contains("cloudy")]
        return rows["value"].tolist(), set(rows["n"])

    # PA of P 6/8, R 1, S 0; UA of P 6/9, R 1, undefined in S; Q is not cloudy though cloud is predicted.
    third = 100 / 3
    assert summaries("pa", "cloud") == (pytest.approx([1.75 / 3, third, third, third]), {3})
    assert summaries("ua", "cloud") == (pytest.approx([(6 / 9 + 1) / 2, 0, 50, 50]), {2})
    assert summaries("pa", "shadow") == (pytest.approx([1, 0, 0, 100]), {1})


def test_cloudy_is_a_patch_with_cloud_whatever_the_question() -> None:
    """T has shadow and no cloud: it counts for the median of BOA and not for the summaries of PA."""
    counts = [("P", THICK, THICK, 1), ("P", SHADOW, SHADOW, 1), ("T", SHADOW, CLEAR, 4), ("T", CLEAR, CLEAR, 1)]
    _, found, _ = scored({("l1c", "forest"): counts})
    recall = row(found, metric="pa.mean", of="shadow")
    assert (recall["value"], recall["n"]) == (1.0, 1)
    median = row(found, metric="boa.median", of="shadow")
    assert (median["value"], median["n"]) == (0.75, 2)


def test_a_patch_task_has_no_summaries_over_patches() -> None:
    _, found, _ = scored({("s1", "forest"): [("P", "a", "a", 1), ("Q", "b", "a", 1)]})
    assert set(found["task"]) == {"scene"}
    assert not found["definition"].str.contains("patches").any()
    assert not (found["metric"] == "wa").any()


def test_undefined_is_empty_and_says_why() -> None:
    _, found, _ = scored({("s1", "forest"): [("P", "a", "a", 1), ("Q", "b", "a", 1)]})
    absent = row(found, metric="pa", of="c")
    assert np.isnan(absent["value"])
    assert absent["note"] == "no patch of role test has class c"
    assert row(found, metric="ua", of="b")["note"] == "class b is never predicted in role test"
    assert row(found, metric="f1", of="c")["note"] == "class c neither occurs nor is predicted in role test"
    assert row(found, metric="aa.all")["value"] == pytest.approx(1 / 3)


def test_a_role_without_a_scored_patch_says_so() -> None:
    groups = {"P": "P"}
    counted = predictions({("s1", "forest"): [("P", "a", "a", 1)]})
    patches = catalog(groups | {"V": "V"})
    roles = split(patches).assign(role=["test", "validation"])
    table = confusion(DATASET, patches, roles, counted, references(), "published", 1, ["s1"])
    marks = {"validation": "clean", "test": "linked: city"}
    found, _ = score.score_trial(score.TrialCounts(table, DATASET, roles.merge(patches), marks, 10, (1,), PLACE))
    empty = row(found, metric="oa", role="validation")
    assert np.isnan(empty["value"])
    assert empty["note"] == "no scored patch of role validation"
    assert row(found, metric="oa", role="test")["mark"] == "linked: city"


def test_one_group_has_no_interval() -> None:
    counts = [("P", "a", "a", 1), ("Q", "b", "a", 1)]
    _, found, _ = scored({("s1", "forest"): counts}, groups={"P": "same", "Q": "same"})
    only = row(found, metric="oa")
    assert only["value"] == 0.5
    assert np.isnan([only["low"], only["high"]]).all()
    assert only["note"] == "1 group: no interval below 5; each group: 0.5"


def test_a_reference_answers_its_questions_and_no_other() -> None:
    fmask = [("P", THICK, "cloud", 7), ("P", CLEAR, "land", 2), ("Q", SHADOW, "shadow", 1), ("Q", CLEAR, "cloud", 3)]
    _, found, paired = scored({("l1c", "forest"): HAND}, {"fmask": fmask})
    mine = found[found["classifier"] == "fmask"]
    assert set(mine["class"]) == {"cloud"}
    assert set(mine["features"]) == {""}
    assert row(mine, metric="oa.question")["value"] == pytest.approx(10 / 13)
    assert set(paired["class"]) == {"cloud"}
    assert (paired["classifier_b"] == "fmask").all()


def test_a_constant_reference_is_flagged_and_its_scores_are_empty() -> None:
    qa60 = [("P", THICK, "clear", 8), ("P", CLEAR, "clear", 12), ("Q", CLEAR, "clear", 20)]
    table, found, paired = scored({("l1c", "forest"): HAND}, {"qa60": qa60})
    mine = found[found["classifier"] == "qa60"]
    assert len(mine) > 5
    assert mine[["value", "low", "high"]].isna().all(axis=None)
    assert mine["note"].str.contains("constant: it predicts nothing but clear").all()
    assert paired[["difference", "p"]].isna().all(axis=None)
    assert (table["classifier"] == "qa60").any()


def test_no_answer_counts_as_negative_and_is_told() -> None:
    fmask = [
        ("P", THICK, "cloud", 6),
        ("P", THIN, "no answer", 2),
        ("P", CLEAR, "land", 9),
        ("P", CLEAR, "cloud", 3),
        ("Q", CLEAR, "land", 12),
        ("Q", CLEAR, "no answer", 8),
    ]
    _, found, paired = scored({("l1c", "forest"): HAND[:6]}, {"fmask": fmask})
    mine = row(found, classifier="fmask", metric="oa.question")
    assert mine["value"] == pytest.approx((6 + 9 + 20) / 40)
    assert "no answer for 25 % of all units: counted as wrong, and as negative in questions" in mine["note"]
    assert paired["note"].str.contains("as negative in questions").all()
    assert not paired["note"].str.contains("different pixels").any()


def test_no_answer_to_a_question_of_many_classes_is_wrong_and_of_no_class() -> None:
    """8 of 10 right; of 5 that are a, one has no answer, and a is said four times."""
    known = [("P", "a", "a", 4), ("P", "b", "b", 4), ("Q", "b", "a", 1)]
    modis = Reference("modis", "scene", "lc", tuple("abc"), {})
    dataset = SimpleNamespace(**vars(DATASET) | {"references": {"modis": modis}})
    patches = catalog({"P": "P", "Q": "Q"})
    for last, note in ((("Q", "a", "c", 1), ""), (("Q", "a", "no answer", 1), "10 % of all units: counted as wrong")):
        counts = references({"modis": [*known, last]})
        table = confusion(dataset, patches, split(patches), predictions({}), counts, "published", 1, [])
        about = split(patches).merge(patches)
        marks = {"validation": "clean", "test": "clean"}
        found, _ = score.score_trial(score.TrialCounts(table, dataset, about, marks, 20, (1,), PLACE))
        assert row(found, metric="oa")["value"] == pytest.approx(0.8)
        assert row(found, metric="pa", of="a")["value"] == pytest.approx(4 / 5)
        assert row(found, metric="ua", of="a")["value"] == pytest.approx(4 / 5)
        assert note in row(found, metric="oa")["note"]


def test_a_reference_that_never_answers_is_empty() -> None:
    fmask = [("P", THICK, "no answer", 8), ("P", CLEAR, "no answer", 12)]
    _, found, _ = scored({("l1c", "forest"): HAND}, {"fmask": fmask})
    mine = found[found["classifier"] == "fmask"]
    assert mine["value"].isna().all()
    assert mine["note"].str.contains("it predicts nothing but no answer").all()


def test_comparisons_use_the_patches_in_common() -> None:
    fmask = [
        (patch, true, "cloud" if "cloud" in predicted else "land", count) for patch, true, predicted, count in HAND
    ]
    fmask = [row for row in fmask if row[0] != "Q"]
    _, found, paired = scored({("l1c", "forest"): HAND}, {"fmask": fmask})
    difference = row(paired, metric="boa.question", of="cloud")
    # "cloud shadow" counts as cloud for fmask here: 2 of the 22 pixels without cloud are lost.
    assert difference["difference"] == pytest.approx(2 / 22 / 2)
    assert difference["n"] == 3
    assert "3 of 4 patches in common" in difference["note"]
    forest = row(found, classifier="forest", metric="boa.question", of="cloud")
    assert forest["n"] == 80


def test_pixels_are_not_taken_as_independent() -> None:
    """McNemar's test is of patches alone; there are rows of two forests on the same pixels."""
    _, _, compared = scored({("l1c", "forest"): HAND, ("l1c+context", "forest"): HAND})
    assert row(compared, metric="oa")["difference"] == 0
    assert set(compared["test"]) == {SWAPPED}


def test_a_comparison_rests_on_the_groups_that_both_scores_rest_on() -> None:
    """F1 of cloud: Q has no cloud; the forest says there is some, so that its F1 rests on Q too."""
    fmask = [("P", THICK, "cloud", 6), ("P", THIN, "cloud", 2), ("P", CLEAR, "land", 12), ("Q", CLEAR, "land", 20)]
    fmask += [("R", THICK, "cloud", 20), ("S", THIN, "cloud", 10), ("S", CLEAR, "land", 8), ("S", SHADOW, "land", 2)]
    _, found, compared = scored({("l1c", "forest"): HAND}, {"fmask": fmask})
    about = {"metric": "f1.question", "of": "cloud"}
    assert row(found, classifier="forest", **about)["groups"] == 4
    assert row(found, classifier="fmask", **about)["groups"] == 3
    assert row(compared, **about)["groups"] == 3


def test_a_comparison_uses_the_patches_where_both_answer_for_the_same_pixels() -> None:
    """One set leaves out pixels of Q, where its sensor measured nothing: Q is compared in neither."""
    other = [(patch, true, said, count - 3 * (patch == "Q")) for patch, true, said, count in HAND]
    _, _, compared = scored({("l1c", "forest"): HAND, ("l1c+context", "forest"): other})
    one = row(compared, metric="oa")
    assert one["n"] == 3
    assert "3 of 4 patches, where both answer for the same pixels" in one["note"]
    assert one["difference"] == 0


def test_different_pixels_are_noted() -> None:
    other = [("P", THICK, "cloud", 5), ("P", CLEAR, "land", 12)]
    _, _, paired = scored({("l1c", "forest"): HAND}, {"fmask": other})
    assert paired["note"].str.contains("the two leave out different pixels").all()


def test_pairs_tests_and_families() -> None:
    """Eight groups of five patches; the second set is wrong in two patches of each."""
    right = [(f"{k:02}", "ab"[k % 2], "ab"[k % 2], 1) for k in range(40)]
    wrong = [(f"{k:02}", "ab"[k % 2], "ab"[(k % 2 + (k % 5 < 2)) % 2], 1) for k in range(40)]
    majority = [(f"{k:02}", "ab"[k % 2], "a", 1) for k in range(40)]
    groups = {f"{k:02}": f"g{k // 5}" for k in range(40)}
    sets = {("s1", "forest"): right, ("s2", "forest"): wrong, ("s1", "majority"): majority}
    _, _, paired = scored(sets, groups=groups, draws=200)
    pairs = set(paired[["features_a", "classifier_b", "features_b"]].itertuples(index=False, name=None))
    assert pairs == {("s1", "majority", "s1"), ("s1", "forest", "s2")}
    assert set(paired["test"]) == {SWAPPED}
    overall = row(paired, metric="oa", features_b="s2")
    assert overall["difference"] == pytest.approx(0.4)
    # All groups agree: 2 / 2^8, and the smaller of two is doubled.
    assert overall["p"] == 2 / 2**8
    assert overall["p_holm"] == 2 * overall["p"]
    assert overall["family"] == "2 tests: oa, role test, task scene"
    # They differ by the same in all groups, so that nothing tells how far other groups would be off.
    assert np.isnan(overall["low"])
    assert overall["note"] == "all groups score alike: no interval"
    against = row(paired, metric="oa", features_b="s1")
    assert against["low"] < 0.5 < against["high"]


def test_mcnemar_is_only_for_datasets_that_declare_their_patches_independent() -> None:
    right = [(f"{k:02}", "ab"[k % 2], "ab"[k % 2], 1) for k in range(40)]
    wrong = [(f"{k:02}", "ab"[k % 2], "ab"[(k % 2 + (k < 12)) % 2], 1) for k in range(40)]
    both = {("s1", "forest"): right, ("s2", "forest"): wrong}
    assert set(scored(both)[2]["test"]) == {SWAPPED}
    _, _, paired = scored(both, dataset=SimpleNamespace(**vars(DATASET) | {"independent_patches": True}))
    mcnemar = row(paired, test=MCNEMAR)
    assert mcnemar["p"] == mcnemar["p_holm"] == pytest.approx(2 * 0.5**12)
    assert mcnemar["metric"] == "oa"
    assert not any(datasets.load(name).independent_patches for name in ("so2sat", "sen12ms", "cloudsen12"))


def test_all_classifiers_see_the_same_draws() -> None:
    generator = np.random.default_rng(1)
    counts = [(f"{k}", "a", "ab"[value], 1) for k, value in enumerate(generator.integers(0, 2, 30))]
    _, _, paired = scored({("s1", "forest"): counts, ("s2", "forest"): counts})
    known = paired.dropna(subset="difference")
    assert len(known)
    assert (known["difference"] == 0).all()
    assert (known["p"] == 1).all()
    assert (known["note"] == "all groups score alike: no interval").all()


def test_design_weights_give_rows_of_their_own() -> None:
    counts = [("P", "a", "a", 1), ("Q", "a", "b", 1)]
    _, found, _ = scored({("s1", "forest"): counts}, weight=pd.Series([3.0, 1.0]))
    assert row(found, metric="oa", weighting="none")["value"] == 0.5
    weighted = row(found, metric="oa", weighting="design")
    assert weighted["value"] == 0.75
    assert weighted["n"] == 2
    _, _, paired = scored({("s1", "forest"): counts, ("s2", "forest"): counts}, weight=pd.Series([3.0, 1.0]))
    assert set(paired.loc[paired["metric"] == "oa", "weighting"]) == {"none", "design"}


def test_design_weighted_scores_are_those_of_scikit_learn_with_sample_weights() -> None:
    generator = np.random.default_rng(8)
    true, predicted = generator.choice(list("abc"), (2, 50))
    predicted = np.where(generator.random(50) < 0.5, true, predicted)
    weight = generator.integers(1, 9, 50) / 4
    counts = [(f"{k}", true[k], predicted[k], 1) for k in range(50)]
    _, found, _ = scored({("s1", "forest"): counts}, weight=pd.Series(weight))
    for weighting, given in (("none", None), ("design", weight)):
        expected = {
            "oa": reference.accuracy_score(true, predicted, sample_weight=given),
            "aa.present": reference.recall_score(true, predicted, sample_weight=given, average="macro"),
            "kappa": reference.cohen_kappa_score(true, predicted, sample_weight=given),
            "f1.present": reference.f1_score(true, predicted, sample_weight=given, average="macro"),
            "iou.all": reference.jaccard_score(true, predicted, sample_weight=given, average="macro"),
        }
        for metric, value in expected.items():
            mine = row(found, metric=metric, weighting=weighting)
            assert mine["value"] == pytest.approx(value, abs=1e-12)
            assert mine["n"] == 50


def test_design_weights_enter_the_summaries_over_patches() -> None:
    counts = [("P", THICK, THICK, 1), ("P", CLEAR, CLEAR, 1), ("Q", THICK, CLEAR, 1), ("Q", CLEAR, CLEAR, 1)]
    _, found, _ = scored({("l1c", "forest"): counts}, weight=pd.Series([3.0, 1.0]))
    cloud = found[(found["class"] == "cloud")].set_index(["metric", "weighting"])["value"]
    assert cloud["boa.median", "none"] == 0.75
    assert cloud["boa.median", "design"] == 1.0
    assert cloud["pa.mean", "design"] == 0.75


def test_replicates_are_the_metric_of_the_resampled_patches() -> None:
    """A plain second implementation: repeat the rows of each group, then compute."""
    generator = np.random.default_rng(3)
    cells = [
        (f"{k}", true, guess, int(generator.integers(0, 30)))
        for k in range(9)
        for true in CLOUD.names
        for guess in CLOUD.names
    ]
    groups = {f"{k}": f"g{k // 2}" for k in range(9)}
    table, _, _ = scored({("l1c", "forest"): cells}, groups=groups)
    patches = catalog(groups).assign(weight=1.0)
    drawn = evaluate.sample(patches, 5, 11)
    (classifier,) = classifiers(table, DATASET)
    found = {one.key: one.replicates for one in evaluate.evaluate(table, classifier, drawn)}
    names = list(CLOUD.names)
    for draw in range(5):
        times = drawn.draws[draw + 1].astype(int)
        rows = pd.concat([table[table["group"] == f"g{k}"].assign(copy=c) for k in range(5) for c in range(times[k])])
        pooled = rows.groupby(["true", "predicted"])["count"].sum().unstack(fill_value=0)
        pooled = pooled.reindex(index=names, columns=names, fill_value=0).to_numpy()
        assert found["kappa", "none", ""][draw] == pytest.approx(kappa(pooled))
        values = []
        for _, one in rows.groupby(["patch", "copy"]):
            truth, guess = one["true"].isin([THICK, THIN]), one["predicted"].isin([THICK, THIN])
            hit = one.loc[truth & guess, "count"].sum() / one.loc[truth, "count"].sum()
            values.append((hit + one.loc[~truth & ~guess, "count"].sum() / one.loc[~truth, "count"].sum()) / 2)
        assert found["boa.median", "none", "cloud"][draw] == pytest.approx(np.median(values))


# Scores by attribute


def scored_by(
    counts: Counts, about: pd.DataFrame, of_set: str = "s1", draws: int = 50
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of a forest by the attributes city and season, and over all patches."""
    patches = about[["patch", "group"]]
    counted = predictions({(of_set, "forest"): counts})
    table = confusion(DATASET, patches, split(patches), counted, references(), "published", 1, [of_set])
    roles = split(patches).merge(about, on="patch")
    marks = {"validation": "clean", "test": "linked: city"}
    trial = score.TrialCounts(table, DATASET, roles, marks, draws, (1, "r"), PLACE)
    found = score.score_by(trial)
    score.SCORES_BY.validate(found)
    return found, score.score_trial(trial)[0]


CITIES = pd.DataFrame(
    [("P", "p", "rome"), ("Q", "q", "rome"), ("R", "r", "oslo"), ("S", "r", "oslo"), ("T", "t", "")],
    columns=["patch", "group", "city"],
).assign(season="")


def test_scores_by_city_by_hand() -> None:
    counts = [("P", "a", "a", 1), ("Q", "a", "b", 1), ("R", "a", "a", 1), ("S", "b", "c", 1), ("T", "c", "c", 1)]
    found, _ = scored_by(counts, CITIES)
    assert set(found["attribute"]) == {"city"}  # the season is blank throughout
    assert list(found["stratum"].unique()) == ["oslo", "rome", "unknown"]
    assert set(found["class"]) == {""}
    assert set(found["mark"]) == {"linked: city"}
    rome = found[found["stratum"] == "rome"]
    assert row(rome, metric="oa")["value"] == 0.5
    assert row(rome, metric="aa.present")["value"] == 0.5
    assert row(rome, metric="aa.all")["value"] == pytest.approx(0.5 / 3)
    # a: 1 of 1 true and 1 predicted twice over two classes; b is predicted once and absent
    assert row(rome, metric="iou.present")["value"] == 0.5
    assert row(rome, metric="iou.all")["value"] == pytest.approx(0.5 / 3)
    assert row(rome, metric="oa")[["n", "groups"]].tolist() == [2, 2]
    assert row(rome, metric="oa")["note"] == "2 groups: no interval below 5; each group: 1, 0"
    oslo = row(found[found["stratum"] == "oslo"], metric="oa")
    assert oslo[["value", "n", "groups"]].tolist() == [0.5, 2, 1]
    assert np.isnan([oslo["low"], oslo["high"]]).all()
    assert oslo["note"] == "1 group: no interval below 5; each group: 0.5"
    empty = row(found[found["stratum"] == "unknown"], metric="kappa")
    assert np.isnan(empty["value"])
    assert empty["note"] == "role test (unknown) has one class only, and it is always predicted"


def test_scores_of_strata_are_those_of_their_patches_alone() -> None:
    """The strata of a role share nothing; one that holds all patches has the scores of the whole."""
    generator = np.random.default_rng(5)
    names = [f"{k}" for k in range(60)]
    counts = [(name, *generator.choice(list("abc"), 2), 1) for name in names]
    about = pd.DataFrame({"patch": names, "group": [f"g{k // 3}" for k in range(60)], "season": "spring"})
    about["city"] = ["rome" if k < 30 else "oslo" for k in range(60)]
    found, whole = scored_by(counts, about, draws=400)
    values = ["metric", "value", "n", "groups"]
    spring, all_over = found[found["attribute"] == "season"], whole[whole["class"] == ""]
    pd.testing.assert_frame_equal(spring[values].reset_index(drop=True), all_over[values].reset_index(drop=True))
    assert spring["low"].to_numpy() == pytest.approx(all_over["low"].to_numpy(), abs=0.06)
    rome, _ = scored_by(counts[:30], about[:30], draws=400)
    columns = [*values, "low", "high"]
    pd.testing.assert_frame_equal(
        found.loc[found["stratum"] == "rome", columns].reset_index(drop=True),
        rome.loc[rome["stratum"] == "rome", columns].reset_index(drop=True),
    )
    oslo = found[(found["stratum"] == "oslo") & (found["metric"] == "oa")]
    assert oslo[["low", "high"]].notna().all(axis=None)


def test_questions_by_attribute_are_those_that_classifiers_are_compared_by() -> None:
    about = pd.DataFrame({"patch": list("PQRS"), "group": list("PQRS"), "city": "rome", "season": ""})
    found, _ = scored_by(HAND, about, of_set="l1c")
    of_questions = found[found["class"] != ""]
    assert set(of_questions["metric"]) == {"boa.question", "f1.question", "boa.median"}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (predictions({("l1c", "forest"): [("Z", CLEAR, CLEAR, 1)]}), "A patch is not in the split"),
        (predictions({("l1c", "forest"): [("P", CLEAR, CLEAR, 1)] * 2}), "Counts are given twice"),
        (predictions({("s1", "forest"): [("P", "a", "a", 1)]}), "A feature set has no predictions"),
        (predictions({("l1c", "forest"): [("P", "a", CLEAR, 1)]}), "Unknown true class"),
        (predictions({("l1c", "forest"): [("P", CLEAR, "fog", 1)]}), "Unknown predicted class"),
    ],
)
def test_faults_in_predictions(fault: pd.DataFrame, says: str) -> None:
    patches = catalog({"P": "P"})

    def classify() -> None:
        table = confusion(DATASET, patches, split(patches), fault, references(), "published", 1, ["l1c"])
        classifiers(table, DATASET)

    with pytest.raises(InputError, match=says):
        classify()


def test_unknown_names() -> None:
    patches = catalog({"P": "P"})
    counted = predictions({("x", "forest"): [("P", CLEAR, CLEAR, 1)]})
    with pytest.raises(InputError, match="Unknown feature set"):
        confusion(DATASET, patches, split(patches), counted, references(), "published", 1, ["x"])
    other = references({"maja": [("P", CLEAR, CLEAR, 1)]})
    with pytest.raises(InputError, match="Unknown reference algorithm"):
        confusion(DATASET, patches, split(patches), counted, other, "published", 1, [])


def loose(**columns: str) -> pa.DataFrameSchema:
    return pa.DataFrameSchema({name: pa.Column(dtype) for name, dtype in columns.items()})


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The inputs of the step for two feature sets and one reference algorithm, in two shards."""
    monkeypatch.setattr(datasets, "load", lambda name, layout: DATASET)
    patches = catalog(dict(zip("PQRS", "PQRS", strict=True))).assign(city=list("abab"), season="")
    known = loose(patch="str", group="str", city="str", season="str")
    tables.write_parquet(tmp_path / "catalog.parquet", patches, known)
    tables.write_parquet(tmp_path / "split.parquet", split(patches), loose(patch="str", role="str", weight="float64"))
    fmask = [(patch, true, "cloud" if guess in (THICK, THIN) else "land", count) for patch, true, guess, count in HAND]
    both = predictions({("l1c", "forest"): HAND, ("l1c+context", "forest"): HAND})
    both = pd.concat([both, both.assign(trial=2)]).astype({"trial": "int32"})
    merged = pd.DataFrame(fmask, columns=score.REFERENCES[1:5]).groupby(score.REFERENCES[1:4], as_index=False).sum()
    merged = merged.assign(classifier="fmask", **WHOLE)
    for shard, members in (("1", ["P", "Q"]), ("2", ["R", "S"])):
        for name, table in (("predictions", both), ("references", merged)):
            part = table[table["patch"].isin(members)]
            tables.write_parquet(tmp_path / name / f"{shard}.parquet", part, pa.DataFrameSchema({}))
    links = pd.DataFrame(
        [("published", 1, "group", "test", "train", 1, 4, 0.25, 1, "marked")], columns=list(ledger.LEDGER.columns)
    )
    tables.write_tsv(tmp_path / "ledger.tsv", links, ledger.LEDGER)
    (tmp_path / "verified.json").write_text('{"accepted":[]}')
    return tmp_path


def step(folder: Path, trial: int = 1, out: str = "out") -> None:
    shards = {name: [folder / name / f"{k}.parquet" for k in (1, 2)] for name in ("predictions", "references")}
    score.score(
        dataset="cloudsen12",
        release="r",
        scheme="published",
        trial=trial,
        feature_sets=["l1c", "l1c+context"],
        seed=1,
        draws=20,
        catalog=folder / "catalog.parquet",
        split=folder / "split.parquet",
        ledger=folder / "ledger.tsv",
        verified=folder / "verified.json",
        **shards,
        further=[],
        confusion=folder / out / "confusion.parquet",
        metrics=folder / out / "metrics.tsv",
        scores_by=folder / out / "scores_by.tsv",
        paired=folder / out / "paired.tsv",
    )


def test_the_step(files: Path) -> None:
    step(files)
    table = tables.read_parquet(files / "out" / "confusion.parquet")
    assert set(table["features"]) == {"", "l1c", "l1c+context"}
    found = tables.read_tsv(files / "out" / "metrics.tsv", score.METRICS)
    assert set(found["mark"]) == {"linked: group (25 %)"}
    by = tables.read_tsv(files / "out" / "scores_by.tsv", score.SCORES_BY)
    assert set(zip(by["attribute"], by["stratum"], strict=True)) == {("city", "a"), ("city", "b")}
    mine = row(found, classifier="forest", features="l1c", metric="oa")
    assert mine["value"] == pytest.approx(40 / 80)
    paired = tables.read_tsv(files / "out" / "paired.tsv", PAIRED)
    assert {"fmask", "forest"} == set(paired["classifier_b"])


def test_the_step_writes_the_same_bytes_twice(files: Path) -> None:
    for out in ("one", "two"):
        step(files, out=out)
    for name in ("confusion.parquet", "metrics.tsv", "scores_by.tsv", "paired.tsv"):
        assert (files / "one" / name).read_bytes() == (files / "two" / name).read_bytes()


def test_accepted_failures_are_marked(files: Path) -> None:
    (files / "verified.json").write_text('{"accepted":["value-range"]}')
    step(files)
    found = tables.read_tsv(files / "out" / "metrics.tsv", score.METRICS)
    assert set(found["mark"]) == {"linked: group (25 %); failed checks accepted: value-range"}


def test_a_ledger_that_does_not_know_the_trial_stops_the_step(files: Path) -> None:
    with pytest.raises(InputError, match="The ledger does not know this trial"):
        step(files, trial=2)
    assert not (files / "out").exists()


def test_a_table_without_its_columns_stops_the_step(files: Path) -> None:
    tables.write_parquet(files / "predictions" / "1.parquet", pd.DataFrame({"patch": ["P"]}), pa.DataFrameSchema({}))
    with pytest.raises(InputError, match="A table lacks columns"):
        step(files)


def test_the_order_of_rows_does_not_matter() -> None:
    backwards = scored({("l1c", "forest"): HAND[::-1]}, groups=dict(zip("PQRS", "PQRS", strict=True)))
    for one, other in zip(scored({("l1c", "forest"): HAND}), backwards, strict=True):
        pd.testing.assert_frame_equal(one, other)
