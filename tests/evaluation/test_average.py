"""Means over trials and their intervals: one resampling of groups for all trials."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Category, FeatureSet, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import average, evaluate, metrics, score, scored, testing, uncertainty
from sentinel_forest.evaluation.average import AVERAGES, Trial
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.io import tables
from sentinel_forest.steps import TrialFile
from sentinel_forest.versions import headline

SCENE = Task("scene", "patch", tuple(Category(code, name, "#000000") for code, name in enumerate("ab")))
DATASET = SimpleNamespace(
    tasks={"scene": SCENE},
    references={},
    feature_sets={"s1": FeatureSet("s1", "scene", (), {})},
    independent_labels=lambda task, patches: None,
)
DRAWN = np.array([np.nan, 0.4, 0.6])
BROAD = uncertainty.Support(40, 40.0)
CLEAN = {"validation": "clean", "test": "clean"}


def trial(number, truth, guess, group, marks=CLEAN, draws=200):
    """A trial whose test patches have these classes and groups, with its scores."""
    letters = np.array(["a", "b"])
    table = pd.DataFrame({"true": letters[truth], "predicted": letters[guess], "group": group})
    table["patch"] = [f"{name}-{k}" for k, name in enumerate(table["group"])]
    about = {"scheme": "s", "trial": number, "task": "scene", "features": "s1", "classifier": "forest"}
    about |= {"role": "test", "count": 1, "weight": 1.0, "train_patches": 9} | WHOLE
    table = CONFUSION.validate(tables.conform(table.assign(**about)[list(CONFUSION.columns)], CONFUSION))
    found, _ = score.score_trial(
        score.TrialCounts(table, DATASET, table, marks, draws, (1, "x"), Place("r", "s", number))
    )
    return Trial("s", number, found, table)


def averaged(*trials, draws=2000):
    found = average.average_trials(list(trials), DATASET, draws, (1,))
    return AVERAGES.validate(found)


def overall(table):
    (row,) = table[table["metric"] == "oa"].itertuples()
    return row


def random_trial(number, groups, seed, size=6, accuracy=None):
    """Groups of patches with accuracies of their own, so that groups are what counts."""
    generator = np.random.default_rng((seed, number))
    if accuracy is None:
        accuracy = np.random.default_rng(seed).beta(4, 2, 1000)
    group = np.repeat(groups, size)
    truth = generator.integers(0, 2, len(group))
    right = generator.random(len(group)) < accuracy[group]
    return trial(number, truth, np.where(right, truth, 1 - truth), [f"g{k:03}" for k in group])


def test_of_one_trial_it_is_its_row():
    one = random_trial(1, np.arange(12), 1)
    found = averaged(one).drop(columns=["trials", "trial_std"])
    pd.testing.assert_frame_equal(found, one.metrics.drop(columns="trial"), check_dtype=False)


def test_trials_that_test_the_same_patches_are_named():
    one, two, three = (
        random_trial(number, np.arange(start, start + 12), number) for number, start in enumerate((0, 0, 6), 1)
    )
    assert overall(averaged(one, two, three)).note.endswith("trials 1, 2 drew the same test patches")
    assert "drew the same" not in overall(averaged(one, three)).note


def test_trials_on_the_same_groups_have_no_shorter_interval_than_one():
    """The same trial three times: the mean is the trial, and so is its interval, up to other draws."""
    one = random_trial(1, np.arange(20), 2)
    several = [Trial("s", number, one.metrics.assign(trial=number), one.confusion) for number in (1, 2, 3)]
    found = overall(averaged(*several))
    alone = one.metrics[one.metrics["metric"] == "oa"].iloc[0]
    assert found.value == pytest.approx(alone["value"])
    assert (found.low, found.high) == pytest.approx((alone["low"], alone["high"]), abs=0.04)


def test_trials_on_other_groups_have_a_shorter_interval_than_each():
    """Three disjoint test sets are as one that is three times as large: about 1 / sqrt(3) of the length."""
    trials = [random_trial(number, np.arange(20) + 20 * number, 3) for number in (1, 2, 3)]
    found = overall(averaged(*trials))
    lengths = [
        float((rows["high"] - rows["low"]).iloc[0])
        for rows in (each.metrics[each.metrics["metric"] == "oa"] for each in trials)
    ]
    assert (found.high - found.low) / np.mean(lengths) == pytest.approx(1 / np.sqrt(3), rel=0.25)


def test_the_interval_is_that_of_the_mean_of_replicates_by_hand():
    """A plain second implementation: repeat the rows of each drawn group, score each trial, take the mean."""
    trials = [random_trial(1, np.arange(12), 4), random_trial(2, np.arange(6, 18), 4)]
    found = overall(averaged(*trials, draws=300))
    names = sorted({name for each in trials for name in each.confusion["group"]})
    counts = uncertainty.resamples(18, 300, average.checksums.seed(1, "test", "average"))
    means = []
    for draw in counts:
        times = dict(zip(names, draw.astype(int), strict=True))
        scores = []
        for each in trials:
            right = (each.confusion["true"] == each.confusion["predicted"]).to_numpy()
            scores.append(np.repeat(right, each.confusion["group"].map(times)).mean())
        means.append(np.mean(scores))
    step = np.std(means, ddof=1) * np.sqrt(12 / 11) * stats.t.ppf(0.975, 11) / (found.value * (1 - found.value))
    expected = special.expit(special.logit(found.value) + np.array([-step, step]))
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_the_spread_between_trials_stands_beside_the_mean():
    trials = [random_trial(number, np.arange(12) + number, 4) for number in (1, 2, 3)]
    values = [float(overall(each.metrics).value) for each in trials]
    assert overall(averaged(*trials)).trial_std == pytest.approx(np.std(values, ddof=1))
    assert np.isnan(overall(averaged(trials[0])).trial_std)


def test_it_is_not_the_lowest_low_to_the_highest_high():
    trials = [random_trial(number, np.arange(15) + 5 * number, 5) for number in (1, 2, 3)]
    found = overall(averaged(*trials))
    of_trials = pd.concat([each.metrics[each.metrics["metric"] == "oa"] for each in trials])
    assert found.high - found.low < of_trials["high"].max() - of_trials["low"].min()


def test_coverage_of_the_mean_of_trials_that_share_groups():
    """Two trials with 12 of 18 groups each, 6 in common; the expectation of the mean is 0.7."""
    inside = []
    for repeat in range(250):
        generator = np.random.default_rng(repeat)
        value = generator.beta(7, 3, 18)
        scores, replicates = [], []
        counts = uncertainty.resamples(18, 400, repeat)
        for chosen in (np.arange(12), np.arange(6, 18)):
            patches = pd.DataFrame({"patch": chosen.astype(str), "group": chosen.astype(str), "weight": 1.0})
            sample = evaluate.drawn(patches, [f"{k}" for k in range(18)], counts)
            measured = value[sample.patches.astype(int)]
            drawn = sample.draws[:, sample.group]
            means = drawn @ measured / drawn.sum(axis=1)
            scores.append(means[0])
            replicates.append(means[1:])
        support = uncertainty.Support(12, 12.0)
        low, high = uncertainty.interval(float(np.mean(scores)), np.mean(replicates, axis=0), support)
        inside.append(low <= 0.7 <= high)
    assert 0.90 <= np.mean(inside) <= 0.99


def test_draws_without_a_group_of_a_trial_are_left_out_and_counted():
    """One trial tests on 8 groups, another on 400 others: (1 - 8 / 408) ^ 408 of draws lack the former."""
    trials = [random_trial(1, np.arange(8), 6, size=2), random_trial(2, np.arange(8, 408), 6, size=1)]
    found = overall(averaged(*trials, draws=20_000))
    assert not np.isnan(found.low)
    (told,) = [part for part in found.note.split("; ") if part.startswith("undefined in a trial")]
    number = int(told.split(" in ")[2].split(" of ")[0])
    assert number == pytest.approx(20_000 * (1 - 8 / 408) ** 408, rel=0.7)


def test_below_five_groups_in_a_trial_there_is_no_interval():
    found = overall(averaged(random_trial(1, np.arange(4), 7), random_trial(2, np.arange(30), 7)))
    assert np.isnan([found.low, found.high]).all()
    assert (found.n, found.groups, found.trials) == (24, 4, 2)
    assert found.note.startswith("4 groups: no interval below 5; trial 1: each group: 0.")
    enough = overall(averaged(random_trial(1, np.arange(10), 7), random_trial(2, np.arange(30), 7)))
    assert enough.low < enough.value < enough.high
    assert enough.note == uncertainty.few_groups(10)


def test_a_trial_in_which_it_is_undefined_is_named():
    """The only class of the second trial is a: kappa and PA of b are undefined there."""
    group = [f"g{k:02}" for k in range(12)]
    both = trial(1, np.arange(12) % 2, np.zeros(12, dtype=int), group)
    one = trial(2, np.zeros(12, dtype=int), np.zeros(12, dtype=int), group)
    found = averaged(both, one)
    (row,) = found[(found["metric"] == "pa") & (found["class"] == "b")].itertuples()
    assert (row.value, row.trials, row.n, row.groups) == (0.0, 2, 6, 6)
    assert "mean of 1 of 2 trials" in row.note
    assert "trial 2: no patch of role test has class b" in row.note
    (row,) = found[(found["metric"] == "pa") & (found["class"] == "a")].itertuples()
    assert row.value == 1.0


def test_undefined_in_all_trials_is_empty():
    group = [f"g{k:02}" for k in range(12)]
    one_class = [trial(number, np.zeros(12, int), np.zeros(12, int), group) for number in (1, 2)]
    found = averaged(*one_class)
    (row,) = found[found["metric"] == "kappa"].itertuples()
    assert np.isnan(row.value)
    assert row.note == "role test has one class only, and it is always predicted"


def test_one_patch_without_a_group_in_one_trial_takes_the_interval():
    known = random_trial(1, np.arange(12), 8)
    groups = [f"g{k:03}" for k in np.repeat(np.arange(12), 6)]
    truth = np.arange(72) % 2
    unknown = trial(2, truth, truth, [None, *groups[1:]])
    found = overall(averaged(known, unknown))
    assert found.value == pytest.approx((overall(averaged(known)).value + 1) / 2)
    assert np.isnan([found.low, found.high]).all()
    assert found.note == "trial 2: 1 of 72 patches have no known group: no interval, no p value"


def test_every_link_of_any_trial_is_in_the_mark():
    one = "linked: roi (3.5 %); linked (validation-test): roi (100 %)"
    texts = [one, "clean", "linked: content (1 %), roi (12 %); failed checks accepted: nan"]
    group = [f"g{k:02}" for k in range(9)]
    truth = np.arange(9) % 2
    trials = [
        trial(number, truth, truth, group, {"validation": "clean", "test": text})
        for number, text in enumerate(texts, 1)
    ]
    marks = "failed checks accepted: nan; linked: content (1 %), roi (12 %); linked (validation-test): roi (100 %)"
    assert overall(averaged(*trials)).mark == marks


def test_what_tells_of_the_interval_of_a_trial_is_not_repeated():
    """The pattern knows every text that may be there."""
    texts = [uncertainty.few_groups(groups) for groups in range(30)] + [uncertainty.ALIKE]
    texts += [testing.few_tested(groups) for groups in range(6)]
    texts += [
        score_.doubts().split("; ")[-1]
        for score_ in [scored.Score(metrics.OVERALL[0], "", "none", 0.5, np.array([np.nan, 0.4, 0.6]), 90, BROAD, None)]
    ]
    assert texts[-1] == "undefined in 1 of 3 draws"
    assert all(average.OF_ONE_INTERVAL.fullmatch(text) for text in texts)
    assert not average.OF_ONE_INTERVAL.fullmatch(uncertainty.ungrouped(1, 3))


def test_the_same_settings_give_the_same_table_and_other_seeds_do_not():
    trials = [random_trial(number, np.arange(15) + number, 9) for number in (1, 2)]
    pd.testing.assert_frame_equal(averaged(*trials), averaged(*trials))
    other = average.average_trials(trials, DATASET, 2000, (2,))
    assert overall(other).low != overall(averaged(*trials)).low


def test_the_steps_from_scores_to_the_headline(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "load", lambda name, layout: DATASET)
    trials = [random_trial(number, np.arange(15), 10) for number in (1, 2)]
    for each in trials:
        tables.write_tsv(tmp_path / f"{each.number}.tsv", each.metrics, score.METRICS)
        tables.write_parquet(tmp_path / f"{each.number}.parquet", each.confusion, CONFUSION)
    scored = [TrialFile("s", number, tmp_path / f"{number}.tsv") for number in (2, 1)]
    confusions = [TrialFile("s", number, tmp_path / f"{number}.parquet") for number in (1, 2)]

    def write(confusions, output):
        about = {"dataset": "x", "seed": 1, "draws": 100}
        average.average(**about, metrics=scored, confusions=confusions, output=output)

    outputs = tmp_path / "one.tsv", tmp_path / "two.tsv"
    for output in outputs:
        write(confusions, output)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    direct = averaged(*trials, draws=100)
    written = tables.read_tsv(outputs[0], AVERAGES)
    pd.testing.assert_frame_equal(written, direct, check_dtype=False, rtol=1e-9)
    headline.headline(averages=[outputs[0]], seeds=[], output=tmp_path / "headline.tsv")
    found = tables.read_tsv(tmp_path / "headline.tsv", headline.HEADLINE)
    assert found["metric"].tolist() == ["aa.present", "oa"]
    assert set(found["trials"]) == {2}
    assert (found["low"] < found["value"]).all()
    assert (found["groups"] == 15).all()
    with pytest.raises(InputError, match="A trial has scores or counts, not both"):
        write(confusions[:1], output)
