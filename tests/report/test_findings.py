"""Sentences on a release: what the forest reaches, what papers report, what leakage changes, and what to doubt."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.report import findings, overview, palette

CLEAN, LINKED = "clean", "linked: roi (92 %); linked (validation-test): roi (30 %)"


def row(scheme, kind, value, mark=CLEAN, groups=12, note="", pixels="all", low=0.05):
    names = {"forest": ("forest", "l1c"), "reference": ("fmask", ""), "dummy": ("majority", "l1c")}
    classifier, features = names[kind]
    about = {"scheme": scheme, "kind": kind, "classifier": classifier, "features": features, "value": value}
    about |= {"low": value - low, "high": value + low, "mark": mark, "groups": groups, "note": note, "pixels": pixels}
    return about | {
        "trials": 2,
        "meaning": palette.meaning(mark),
        "n": 1200,
        "metric": "oa",
        "class": "",
        "task": "lcz",
    }


def release(is_sample=False, price=None, name="mine", unmet=(), ledger=None):
    kinds = {"published": "published", "grouped": "grouped-stratified", "random": "pooled-random"}
    infeasible = pd.DataFrame(list(unmet), columns=["scheme", "trial", "request"])
    about = {"kinds": kinds, "price": price, "primary": ("published", 1), "infeasible": infeasible, "ledger": ledger}
    return SimpleNamespace(name=name, is_sample=is_sample, **about)


def told(*rows, accepted=(), sheet=None, **of_release):
    summary = findings.Summary(release(**of_release), pd.DataFrame(rows), "OA")
    version = SimpleNamespace(description={"accepted": {"mine": list(accepted)}}, reproduction=sheet)
    return dict(findings.findings(version, summary).sentences)


def test_the_clean_scheme_is_told_and_the_random_one_is_held_against_it():
    sentences = told(
        row("published", "forest", 0.8, "linked: product (2 %)"),
        row("grouped", "forest", 0.7),
        row("grouped", "reference", 0.6),
        row("grouped", "dummy", 0.5),
        row("random", "forest", 0.9, LINKED, groups=40),
    )
    assert "share nothing known with training (scheme grouped, 2 trials, n = 1,200 in 12 groups)" in sentences["forest"]
    assert "reaches 0.700 [0.650, 0.750] (OA) on test patches" in sentences["forest"]
    assert "reference algorithm (fmask) reaches 0.600" in sentences["forest"]
    assert "dummy classifier (majority) reaches 0.500" in sentences["forest"]
    assert sentences["random"].endswith("gives 0.900 [0.850, 0.950].")
    assert "linked with training by roi (92 %)" in sentences["random"]
    assert "the published split has test patches linked with training by product (2 %)" in sentences["doubts"]


@pytest.mark.parametrize(("fraction", "is_doubt"), [(np.nan, True), (0.0, False)])
def test_near_duplicates_that_nobody_looked_for_are_a_doubt(fraction, is_doubt):
    ledger = pd.DataFrame({"scheme": ["grouped"], "key": ["near-duplicate"], "fraction": [fraction]})
    doubts = told(row("grouped", "forest", 0.7), ledger=ledger)["doubts"]
    assert ("near-duplicate images in test and training were not looked for" in doubts) is is_doubt


def test_without_a_clean_split_it_says_so():
    sentences = told(row("published", "forest", 0.8, "unknown: city"))
    assert "a split that is not clean (unknown: city)" in sentences["forest"]
    assert "random" not in sentences


OF_ALL = {"task": "lcz", "features": "l1c", "class": "", "weighting": "none", "n": 1200, "groups": 12, "trials": 3}
PRICE = [
    OF_ALL | {"metric": "kappa", "difference": 0.5, "low": 0.4, "high": 0.6, "definition": "kappa"},
    OF_ALL | {"metric": "oa", "difference": 0.03, "low": 0.01, "high": 0.05, "definition": "OA"},
]


def test_the_price_of_leakage_stands_before_the_random_split():
    rows = row("grouped", "forest", 0.7), row("random", "forest", 0.6, LINKED)
    text = told(*rows, price=pd.DataFrame(PRICE))["random"]
    assert "(1,200 test patches, 12 groups, 3 trials)" in text
    assert "the score (OA) changes by +0.030 [0.010, 0.050]. A random split, whose test patches are linked with" in text
    assert text.endswith("it has other test and training patches, so only the experiment measures the effect.")


def test_a_price_that_may_be_none_leaves_the_word_to_overall_accuracy():
    of_class = PRICE[1] | {"metric": "boa.median", "class": "cloud", "definition": "BOA", "low": -0.01}
    rows = [row("grouped", "forest", 0.7) | {"metric": "boa.median", "class": "cloud"}]
    text = told(*rows, price=pd.DataFrame([of_class, *PRICE]))["random"]
    assert "the score (BOA) changes by +0.030 [-0.010, 0.050]; the interval includes 0, but" in text
    assert text.endswith("but OA changes by +0.030 [0.010, 0.050].")
    others = [each | {"features": "lcz-s2"} for each in PRICE]
    text = told(*rows, price=pd.DataFrame([of_class, *others]))["random"]
    assert text.endswith("an effect on this score is not shown."), "OA of other features says nothing of these"


def test_sizes_that_groups_do_not_allow_are_a_doubt():
    rows = row("grouped", "forest", 0.7), row("random", "forest", 0.9, LINKED)
    test, water = "test: 20 % of the patches", "water: equal fractions"  # equal trials lack the same
    unmet = [("grouped", trial, request) for trial in (1, 2) for request in (test, water)] + [("random", 1, test)]
    found = told(*rows, unmet=unmet)["doubts"]
    assert "2 sizes or class fractions asked of grouped were not met (see Splits)" in found


def test_trials_that_drew_the_same_patches_are_a_doubt():
    note = "trials 1, 2 drew the same test patches"
    told_of = told(row("grouped", "forest", 0.7) | {"note": note}, row("random", "forest", 0.9, LINKED))
    assert f"of grouped, {note}" in told_of["doubts"]


def test_a_price_that_may_be_none_says_so():
    price = pd.DataFrame(PRICE).assign(low=-0.01)
    assert (
        "+0.030 [-0.010, 0.050]; the interval includes 0, so an effect on this score is not shown."
        in told(row("grouped", "forest", 0.7), price=price)["random"]
    )


def test_links_with_validation_alone_are_told_as_such():
    rows = row("published", "forest", 0.8, "linked (validation-test): city (100 %)"), row("grouped", "forest", 0.7)
    assert "linked with validation, not with training, by city (100 %)" in told(*rows)["doubts"]


def test_a_forest_that_may_be_no_better_than_a_dummy_says_so():
    doubts = told(row("grouped", "forest", 0.7), row("grouped", "dummy", 0.66))["doubts"]
    assert "includes the score of a dummy classifier" in doubts


def test_a_forest_that_is_worse_than_a_dummy_says_so():
    doubts = told(row("grouped", "forest", 0.7), row("grouped", "dummy", 0.8))["doubts"]
    assert "lies below the score of a dummy classifier" in doubts


def test_each_scheme_is_told_with_its_kind_in_words():
    told_of = overview._schemes_told(SimpleNamespace(releases=[release()]))
    assert told_of == (
        "published, by the publisher; grouped, whole groups at random, fractions of each class as equal as the groups "
        "allow; random, patches at random"
    )
    folds = SimpleNamespace(kinds={"folds": "kfold"})
    assert overview._schemes_told(SimpleNamespace(releases=[folds])) == (
        "folds, folds of whole groups, each of them test in one trial"
    )


@pytest.mark.parametrize(
    ("rows", "options", "doubt"),
    [
        ([row("grouped", "forest", 0.7)], {"is_sample": True}, "the data are simulated"),
        ([row("grouped", "forest", 0.7)], {"accepted": ["padding"]}, "failed checks were accepted: padding"),
        ([row("grouped", "forest", 0.7, groups=4, low=np.nan)], {}, "4 groups are too few for an interval"),
        ([row("grouped", "forest", 0.7, pixels="sample of 8192")], {}, "a sample of 8192 pixels of each test patch"),
        (
            [row("grouped", "forest", 0.7, note="not published: acquisition")],
            {},
            "acquisition of the patches was never",
        ),
    ],
)
def test_doubts_are_told(rows, options, doubt):
    assert doubt in told(*rows, **options)["doubts"]


def test_without_a_doubt_nothing_is_made_up():
    assert told(row("grouped", "forest", 0.7))["doubts"] == "Apart from the intervals, no reservation is known."


def published(**changed):
    """A row of the sheet of published figures: a network on So2Sat version 2, which is in the registry."""
    about = {"paper": "so2sat", "figure": "Sen2LCZ-Net: Sen2LCZ-Net", "confirmed": "computed from the authors' files"}
    about |= {"release": "mine", "task": "lcz", "metric": "oa", "class": "", "classifier": "forest", "role": "test"}
    return about | {"published": 0.6937} | changed


def test_the_published_score_stands_beside_that_of_the_forest_on_the_same_split():
    rows = row("published", "forest", 0.6), row("grouped", "forest", 0.7)
    sheet = pd.DataFrame([published(release="so2sat-v2")])
    text = told(*rows, sheet=sheet, name="so2sat-v2")["published"]
    assert (
        "another model (Sen2LCZ-Net, a neural network) reaches 0.6937 (OA) on the published split of so2sat-v2" in text
    )
    assert "the forest here reaches 0.600 [0.550, 0.650] on that split" in text


def test_the_published_score_says_that_a_sample_only_imitates_the_data():
    text = told(row("published", "forest", 0.6), sheet=pd.DataFrame([published()]), is_sample=True)["published"]
    assert text.endswith("of so2sat-v2, which this sample only imitates.")


@pytest.mark.parametrize(
    "changed",
    [
        {"metric": "kappa"},
        {"confirmed": "unconfirmed"},
        {"role": "validation"},
        {"release": "other"},
        {"classifier": "fmask"},
        {"figure": "merged labels: FM1 with band grouping and label merging", "published": 0.766},
    ],
    ids=["metric", "unconfirmed", "role", "release", "reference", "classes"],
)
def test_a_published_score_of_anything_else_is_not_told(changed):
    sheet = pd.DataFrame([published(**changed)])
    assert "published" not in told(row("published", "forest", 0.6), sheet=sheet, is_sample=True)
    assert "published" not in told(row("published", "forest", 0.6), sheet=pd.DataFrame([published()]))
