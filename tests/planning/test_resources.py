"""What jobs are given: worked out by hand for a small release, and growing with what they have to do."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.settings import DrawSettings, PriceSettings, ScoreSettings
from sentinel_forest.datasets.base import Category, FeatureSet, File, Layer, Task
from sentinel_forest.planning import resources, sizes, whole

CLASSES = tuple(Category(code, name, "#000000") for code, name in enumerate(("no", "yes")))


def selection(patches=1000, shards=4, side=100, trees=10, draws=1000):
    """A release with a set of a pixel task and one of a patch task: two layers of 2 bytes, one of 1."""
    dataset = SimpleNamespace(
        side=side,
        read_seconds=7.0,
        layer_table={"a": Layer("a", "uint16"), "b": Layer("b", "uint16"), "t": Layer("t", "uint8")},
        tasks={"of pixels": Task("of pixels", "pixel", CLASSES), "of patches": Task("of patches", "patch", CLASSES)},
        feature_sets={
            "pixels": FeatureSet("pixels", "of pixels", ("a", "b", "NDab"), {"a": "a", "b": "b"}),
            "patches": FeatureSet("patches", "of patches", ("a_mean",), {"a": "a"}),
        },
    )
    published = {"train": patches - 200, "validation": 0, "test": 200}
    release = SimpleNamespace(shards=shards, is_sample=False, entry={"patches": published})
    return SimpleNamespace(
        releases={"toy": release},
        datasets={"toy": dataset},
        layers={"toy": frozenset(dataset.layer_table)},
        paths={"toy": []},
        draw=lambda release: DrawSettings(pixels=5000),
        forest=lambda release: ForestSettings(trees=trees, minimum_leaf=5),
        trials=lambda release: [("s", 1), ("s", 2)],
        sets=lambda release: ["pixels"],
        references=lambda release: ["mask"],
        of_kind=lambda release, kind: ["s"],
        signature_layers=lambda release: ["a", "b"],
        source=lambda release: release,
        priced=["toy"],
        scored=["toy"],
        configuration=SimpleNamespace(
            price=PriceSettings(trials=3), score=ScoreSettings(), conformal=None, applicability=None
        ),
        config={"bootstrap": {"draws": draws}, "engines_beside": ["scikit-learn-intelex"], "forest_seeds": 3},
    )


def test_size():
    chosen = selection()
    size = sizes.size_of(chosen.releases["toy"], chosen.datasets["toy"], chosen.layers["toy"])
    assert size == sizes.Size(patches=1000, shard=250, side=100, pixel_bytes=5)
    assert size.pixels == 250 * 100 * 100
    assert size.gigabytes == pytest.approx(1000 * 100 * 100 * 5 / 1e9)


@pytest.mark.parametrize(
    ("published", "lengths", "patches", "guessed"),
    [
        ({}, [], 100_000, True),
        ({"train": 800, "test": None}, [], 800, True),
        ({"train": None}, [(None, 25_000), (4_999, None)], 3, False),
        ({"train": None}, [(25_000, None), (None, None)], 100_000, True),
        ({"train": 0, "test": 7}, [(None, None)], 7, False),
    ],
)
def test_a_number_of_patches_that_is_not_published_is_not_zero(published, lengths, patches, guessed):
    """One layer of 1 byte, 100 x 100 pixels; files with their exact and their approximate lengths."""
    files = tuple(File(f"{size} {about}", size, about=about) for size, about in lengths)
    release = SimpleNamespace(shards=1, entry={"patches": published}, folder=None, files=files)
    found = sizes.size_of(release, selection().datasets["toy"], frozenset("t"))
    assert found == sizes.Size(patches, patches, side=100, pixel_bytes=1, guessed=guessed)


@pytest.mark.parametrize(("most", "files"), [(1000, 5), (2, 4)])
def test_size_of_a_folder(tmp_path, monkeypatch, most, files):
    """Files of 35,000 bytes, patches of 3 x 10,000; of many files only some are looked at."""
    monkeypatch.setattr(sizes, "MOST_FILES", most)
    paths = [f"{number}.dat" for number in range(files)]
    for path in paths:
        (tmp_path / path).write_bytes(bytes(35_000))
    own = SimpleNamespace(shards=2, entry={}, folder=tmp_path)
    size = sizes.size_of(own, selection().datasets["toy"], frozenset("at"), paths)
    looked_at = {5: 5 * 35_000, 4: 3 * 2 * 35_000}[files]  # 4 // 2 + 1 = 3: files 0 and 3
    assert size.patches == -(-looked_at // 30_000)
    assert size.shard == -(-size.patches // 2)


# A forest: 10 trees of 5000 / 5 nodes of 100 + 2 x 8 bytes are 1.16 MB.
@pytest.mark.parametrize(
    ("rule", "name", "memory", "seconds", "written"),
    [
        ("inspect", "", 400 + 400 + 4, 1.5 * 0.8 + 7 * 0.05, 0),
        ("catalog", "", 400 + 4, 0.8 + 4e-4 * 1000, 0),
        # Two trials of a grouped-stratified scheme; a job draws one.
        ("split", "", 400 + 4, 0.8 + 1e-5 * 1000 + 2.0, 0),
        ("ledger", "", 400 + 8, 0.8 + 1e-5 * 2000, 0),
        # 5000 pixels drawn, 1250 in a shard, 3 features of 4 bytes; 2.5 million pixels, 12.5 MB to read.
        ("feature_table", "pixels", 800 + 0.045, 0.8 + 0.02625, 0.015),
        # 1000 patches, 250 in a shard.
        ("feature_table", "patches", 800 + 0.003, 0.8 + 0.00875, 0.001),
        # 2.5 million pixels, 2 bands.
        ("signature", "", 800, 0.8 + 0.1 + 7 * 0.0125, 0),
        # 4000 of 5000 rows, 9.646 levels down to 5 rows, root of 3 features.
        ("fit", "pixels", 400 + 0.24 + 3 * 1.16, 0.8 + 0.024726, 0.29),
        # A quarter of the pixels, 10 trees, 2 trials; 3 features of all.
        ("predict", "", 800 + 2 * 1.16 + 1.16, 0.8 + 2 * 6e-3 * 1.16 + 625_000 * 5.2e-7 + 2_500_000 * 1.05e-8, 0),
        # Asked for 10,000 rows 40 times; grown on parts, with the engine beside and from two other seeds.
        ("importance", "", 400 + 0.24 + 3 * 1.16, 0.8 + 0.104 + 6 * 0.024726, 0),
        # 250 patches held out, 4 + 1 classifiers, 10 cells of each.
        ("score", "", 400 + 250 * (16_000 + 800 * 50) / 1e6, 0.8 + 5 * (0.09 + 4e-4 * 250), 0),
        # Two trials of one scheme.
        ("average", "", 400 + 2 * 250 * (16_000 + 800 * 50) / 1e6, 0.8 + 0.15 * 2 * 5 * (0.09 + 4e-4 * 250), 0),
    ],
)
def test_worked_by_hand(rule, name, memory, seconds, written):
    need = resources.NEEDS[rule](selection(), "toy", name)
    assert need.memory == pytest.approx(memory)
    assert need.seconds == pytest.approx(seconds, rel=1e-4)
    assert need.written == pytest.approx(written)


def test_tuning_grows_forests_for_every_try_and_fold():
    chosen = selection()
    once = resources.NEEDS["fit"](chosen, "toy", "pixels").seconds - 0.8
    tune = {"minimum_leaf": [1, 5], "depth": [5, 10, None], "folds": 5, "score": "accuracy"}
    chosen.forest = lambda release: ForestSettings(trees=10, minimum_leaf=5, tune=tune)
    need = resources.NEEDS["fit"](chosen, "toy", "pixels")
    assert need.seconds - 0.8 == pytest.approx((1 + 2 * 3 * 4) * once)
    # A leaf may have one row: five times the nodes.
    assert need.memory == pytest.approx(400 + 0.24 + 3 * 5 * 1.16)


def test_what_is_asked_for():
    need = resources.Need(memory=804, seconds=3600)
    assert resources.memory_mb(need) == 1000 + 1005
    assert resources.memory_mb(need, 3) == 3 * 2005
    assert resources.minutes(need) == 240
    assert resources.minutes(need, threads=4, attempt=2) == 120
    assert resources.minutes(resources.Need()) == 15
    assert [resources.threads(resources.Need(seconds=seconds)) for seconds in (1, 180, 10**6)] == [1, 3, 8]


@given(
    rule=some.sampled_from(sorted(resources.NEEDS)),
    patches=some.integers(200, 10**5),
    shards=some.integers(1, 50),
    trees=some.integers(1, 300),
    factor=some.integers(1, 20),
)
def test_more_work_is_given_no_less(rule, patches, shards, trees, factor):
    def asked(**of):
        need = resources.NEEDS[rule](selection(**of), "toy", "pixels")
        return [need.memory, need.seconds, need.written]

    few = asked(patches=patches, shards=shards, trees=trees)
    for more in (
        {"patches": patches * factor, "shards": shards, "trees": trees},
        {"patches": patches, "shards": shards, "trees": trees * factor},
        {"patches": patches, "shards": shards, "trees": trees, "side": 100 * factor},
    ):
        assert all(large >= small for large, small in zip(asked(**more), few, strict=True))
    cut = asked(patches=patches, shards=shards * factor, trees=trees)
    assert all(small <= large for small, large in zip(cut, few, strict=True))


def test_forests_in_memory_are_bounded():
    most = resources.FORESTS_MB
    # 10 trees are 1.16 MB: of these, 34 fit; of those, none.
    for trees, forest in ((500, 58), (100_000, 11_600)):
        chosen = selection(trees=trees)
        chosen.trials = lambda release: [("s", trial) for trial in range(1, 100)]
        need = resources.NEEDS["predict"](chosen, "toy", "")
        assert need.memory == pytest.approx(800 + max(most, forest) + forest)


def test_a_transfer_predicts_every_patch():
    chosen = selection()
    own = resources.NEEDS["predict"](chosen, "toy", "").seconds
    chosen.source = lambda release: "other"
    with pytest.raises(KeyError, match="other"):
        resources.NEEDS["predict"](chosen, "toy", "")
    for part in (chosen.releases, chosen.datasets, chosen.layers, chosen.paths):
        part["other"] = part["toy"]
    whole = resources.NEEDS["predict"](chosen, "toy", "").seconds
    start = 0.8 + 2 * 6e-3 * 1.16 + 2_500_000 * 1.05e-8
    assert whole - start == pytest.approx(4 * (own - start))


def test_a_sample_of_pixels_is_all_that_is_predicted():
    chosen = selection()
    chosen.configuration.score = ScoreSettings(pixels=500, validation=False)
    seconds = resources.NEEDS["predict"](chosen, "toy", "").seconds
    assert seconds == pytest.approx(0.8 + 2 * 6e-3 * 1.16 + 0.2 * 250 * 500 * 5.2e-7 + 2_500_000 * 1.05e-8)


def test_all_work():
    work = {row.rule: row for row in whole.all_work(selection())}
    assert {rule: row.jobs for rule, row in work.items()} == {
        "inspect": 1,
        "catalog": 1,
        "split": 1,
        "ledger": 1,
        "feature_table": 4,
        "reference": 4,
        "signature": 4,
        "fit": 1,
        "predict": 4,
        "score": 1,
        "average": 1,
        "importance": 1,
        "price": 1,
    }
    one_forest = (work["fit"].core_hours * 3600 - 0.8) / 2  # one job grows both
    assert work["price"].core_hours == pytest.approx((0.8 + 2 * 0.75 * 3 * one_forest + 3 * 4e-4 * 1000) / 3600)
    assert work["feature_table"].core_hours == pytest.approx(4 * 0.82625 / 3600)
    assert work["feature_table"].written == pytest.approx(4 * 0.015)
    assert work["inspect"].memory == 2005
    assert work["inspect"].minutes == 15
