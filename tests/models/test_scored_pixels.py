"""Scores from a sample of each patch's pixels: which pixels, what they stand for, and how far scores may be off."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sentinel_forest import datasets
from sentinel_forest.config.settings import ScoreSettings
from sentinel_forest.config.validation import parse
from sentinel_forest.datasets.base import IGNORE
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import evaluate, sampling_error, scored
from sentinel_forest.evaluation.confusion import Classifier, on_the_same_pixels
from sentinel_forest.evaluation.sampling_error import SampledCounts
from sentinel_forest.models.counts import confusion, counts_table
from sentinel_forest.models.scored_pixels import allocate, count_classes, draw_pixels, sample_of

TASK = datasets.load("cloudsen12").tasks["cloud"]
CLASSES = len(TASK.names)


def labels(patches: int = 3, pixels: int = 4000) -> np.ndarray:
    """Mostly of class 0, some of class 1, few of class 2, some unknown."""
    found = np.zeros((patches, pixels), np.uint8)
    found[:, 3000:3900], found[:, 3900:3903], found[:, 3903:] = 1, 2, IGNORE
    return found


@given(
    npst.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 10**6)),
    st.integers(1, 10_000),
)
def test_each_class_gives_some_pixels_and_none_more_than_it_has(totals, pixels):
    drawn = allocate(totals, pixels)
    assert (drawn <= totals).all()
    assert ((drawn > 0) == (totals > 0)).all()
    whole = totals.sum(axis=1)
    assert (drawn.sum(axis=1) == np.minimum(whole, np.maximum(pixels, (totals > 0).sum(axis=1)))).all()


def test_a_third_of_the_pixels_is_parted_equally_and_the_rest_in_proportion():
    assert allocate(np.array([[7500, 2500, 0]]), 1200).tolist() == [[200 + 600, 200 + 200, 0]]


def test_what_rare_classes_lack_is_drawn_of_the_others():
    totals = np.array([[261_844, 100, 100, 100], [10, 9990, 0, 0], [250_000, 5000, 4000, 81]])
    assert allocate(totals, 8192).sum(axis=1).tolist() == [8192] * 3
    assert allocate(totals, 8192)[:2].tolist() == [[7892, 100, 100, 100], [10, 8182, 0, 0]]


def test_a_sample_is_seeded_by_patch_and_the_same_for_all_who_ask():
    truth = labels()
    totals = count_classes(truth, 3)
    chosen = draw_pixels(truth, ["a", "b", "c"], totals, 600, 1)
    assert (count_classes(np.where(chosen, truth, IGNORE), 3) == allocate(totals, 600)).all()
    assert (chosen == draw_pixels(truth, ["a", "b", "c"], totals, 600, 1)).all()
    alone = draw_pixels(truth[1:2], ["b"], totals[1:2], 600, 1)
    assert (alone[0] == chosen[1]).all()
    assert (chosen[0] != chosen[1]).any()
    assert (chosen != draw_pixels(truth, ["a", "b", "c"], totals, 600, 2)).any()


def test_all_pixels_of_a_class_are_as_likely():
    truth = labels(1, 4000)
    times = sum(draw_pixels(truth, ["a"], count_classes(truth, 3), 600, seed) for seed in range(300))[0]
    of_class = times[:3000] / 300
    wanted = allocate(count_classes(truth, 3), 600)[0, 0] / 3000
    assert of_class.mean() == pytest.approx(wanted)
    assert of_class.std() == pytest.approx(np.sqrt(wanted * (1 - wanted) / 300), rel=0.1)


def test_weights_add_up_to_the_pixels_of_a_patch():
    truth = labels(2)
    totals = count_classes(truth, CLASSES)
    valid = draw_pixels(truth, ["a", "b"], totals, 500, 1)
    place = np.nonzero(valid)[0]
    counts = confusion(truth[valid], np.zeros(valid.sum(), np.int64), place, 2, CLASSES, CLASSES)
    table = counts_table(counts, np.array(["a", "b"]), TASK.names, TASK.names, totals)
    stood = (table["count"] * table["pixel_weight"]).groupby([table["patch"], table["true"]]).sum()
    for name, total in zip(TASK.names, totals[0], strict=True):
        assert stood["a"].get(name, 0) == pytest.approx(total)


def population(patches: int = 200) -> np.ndarray:
    """Counts of all pixels, int64 (patches, classes, answers): classes and mistakes differ between patches."""
    random = np.random.default_rng(1)
    totals = np.floor(random.dirichlet([0.35] * CLASSES, patches) * 509**2).astype(np.int64)
    right = [random.dirichlet(np.where(np.arange(CLASSES) == each, 5, 0.25), patches) for each in range(CLASSES)]
    return random.multinomial(totals, np.stack(right, axis=1))


def sampled(full: np.ndarray, pixels: int, random: np.random.Generator) -> np.ndarray:
    """Counts of a sample without replacement."""
    left, rest = allocate(full.sum(axis=2), pixels), full.sum(axis=2)
    drawn = np.zeros_like(full)
    for answer in range(full.shape[2]):
        rest = rest - full[:, :, answer]
        drawn[:, :, answer] = random.hypergeometric(full[:, :, answer], rest, left)
        left = left - drawn[:, :, answer]
    return drawn


def rows_of(counts: np.ndarray, totals: np.ndarray | None = None) -> pd.DataFrame:
    names = np.array([f"{patch:04d}" for patch in range(len(counts))])
    return counts_table(counts, names, TASK.names, TASK.names, totals)


def scores(rows: pd.DataFrame, pixels: str, patches: evaluate.Sample) -> dict[tuple[str, str, str], scored.Score]:
    questions = {question.name: question.positive for question in TASK.questions}
    who = Classifier("forest", "l1c", TASK, TASK.names, questions, pixels=pixels)
    return {each.key: each for each in evaluate.evaluate(rows, who, patches)}


@pytest.fixture(scope="module")
def both() -> SimpleNamespace:
    full = population()
    names = [f"{patch:04d}" for patch in range(len(full))]
    about = pd.DataFrame({"patch": names, "group": [name[:3] for name in names], "weight": 1.0})
    patches = evaluate.sample(about, 100, 1)
    drawn = sampled(full, 8192, np.random.default_rng(3))
    return SimpleNamespace(
        full=full,
        drawn=drawn,
        whole=scores(rows_of(full), "all", patches),
        part=scores(rows_of(drawn, full.sum(axis=2)), sample_of(8192), patches),
    )


def test_a_sample_gives_the_scores_of_all_pixels_within_its_error(both):
    for key in (("oa", "none", ""), ("boa.question", "none", "cloud"), ("boa.median", "none", "cloud")):
        part, whole = both.part[key], both.whole[key]
        assert part.value != whole.value
        assert 0 < part.sampling < 0.003
        assert part.value == pytest.approx(whole.value, abs=4 * part.sampling)
        low, high = whole.interval()
        assert part.interval() == pytest.approx((low, high), abs=0.2 * (high - low))
    assert both.part["oa", "none", ""].value == pytest.approx(both.whole["oa", "none", ""].value, abs=0.001)
    median = "boa.median", "none", "cloud"
    assert both.part[median].value == pytest.approx(both.whole[median].value, abs=0.005)


def test_a_sample_says_so(both):
    oa = both.part["oa", "none", ""]
    assert oa.about["pixels"] == "sample of 8192"
    assert oa.n == both.drawn.sum()
    assert f"from a sample of pixels: +- {1.966 * oa.sampling:.2g} (95 %)" in oa.doubts()
    assert both.whole["oa", "none", ""].about["pixels"] == "all"
    assert "sample" not in both.whole["oa", "none", ""].doubts()


def test_metrics_by_bins_of_patches_need_all_pixels(both):
    assert {"pa.low", "pa.middle", "pa.high"} <= {key[0] for key in both.whole}
    assert not {"pa.low", "pa.middle", "pa.high"} & {key[0] for key in both.part}
    assert {"pa.mean", "boa.median"} <= {key[0] for key in both.part}


def test_the_error_is_that_of_repeated_samples(both):
    """The standard deviation over samples that were really drawn, of an accuracy and of a class."""
    random, totals = np.random.default_rng(5), both.full.sum(axis=2)
    found = []
    for _ in range(300):
        drawn = sampled(both.full, 8192, random)
        table = (drawn * (totals / np.maximum(drawn.sum(axis=2), 1))[..., None]).sum(axis=0)
        found.append((np.trace(table) / table.sum(), table[1, 1] / table[1].sum()))
    assert both.part["oa", "none", ""].sampling == pytest.approx(np.std([oa for oa, _ in found]), rel=0.15)
    of_class = both.part["pa", "none", TASK.names[1]].sampling
    assert of_class == pytest.approx(np.std([each for _, each in found]), rel=0.15)


def test_all_pixels_have_no_sampling_error():
    full = population(5)
    counts = SampledCounts(full.astype(float), full.sum(axis=2).astype(float), np.ones(5))
    tables = counts.tables()
    assert tables == pytest.approx(np.broadcast_to(full.sum(axis=0), tables.shape))
    assert sampling_error.told(0.0) == ""


def test_reference_algorithms_stand_once_beside_forests():
    rows = [("cloud", "all"), ("cloud", "sample of 9"), ("lcz", "all")]
    table = pd.DataFrame(rows, columns=["task", "pixels"])
    assert on_the_same_pixels(table)["pixels"].tolist() == ["sample of 9", "all"]


def test_settings():
    assert ScoreSettings().sample is None
    assert ScoreSettings(pixels="all").roles == ("validation", "test")
    assert ScoreSettings(pixels=100, validation=False).roles == ("test",)
    assert ScoreSettings(pixels="100").sample == 100
    with pytest.raises(InputError):
        parse(ScoreSettings.model_validate, {"pixels": 0}, "score")
