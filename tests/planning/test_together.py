"""Trials of a release that is little work are done by one job."""

from types import SimpleNamespace

import pytest

from sentinel_forest.config import paths
from sentinel_forest.planning import resources, together
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.wiring import Wiring


class Named(SimpleNamespace):
    """What Snakemake hands over."""

    def items(self):
        return vars(self).items()

    def get(self, name, default):
        return vars(self).get(name, default)


@pytest.fixture(scope="module")
def selection():
    """A sample, and a release as large as it was published."""
    config = {
        "releases": ["so2sat-sample", "so2sat-v2"],
        "schemes": ["published", "pooled-random"],
        "trials": 2,
        "feature_sets": ["lcz-s1+s2"],
    }
    return select(config)


TRIALS = (("published", 1), ("pooled-random", 1), ("pooled-random", 2))


def test_trials_are_done_by_one_job_only_where_that_is_little_work(selection):
    apart, gathered = together.jobs(selection, "fit")
    assert (apart.name, apart.releases, apart.trials) == ("fit", ("so2sat-v2",), ())
    assert (gathered.name, gathered.releases, gathered.trials) == ("fit_all", ("so2sat-sample",), TRIALS)


def test_both_forms_make_the_same_files(selection):
    for pattern in (paths.SPLIT, paths.METRICS):
        files = [
            file.format(release=form.releases[0])
            for form in together.jobs(selection, "score")[1:]
            for file in form.files(pattern)
        ]
        assert files == Wiring(selection).trial_files(pattern, "so2sat-sample")
    assert together.jobs(selection, "score")[0].files(paths.SPLIT) == [f"<results>/{paths.SPLIT}"]


def test_each_trial_has_its_own_flags(selection):
    apart, gathered = together.jobs(selection, "score")
    output = Named(paired=["a", "b", "c"])
    text = gathered.each("split", "paired")(Named(release="so2sat-sample"), Named(split=["x", "y", "z"]), output)
    parts = text.split("--and ")[1:]
    assert [part.split()[:4] for part in parts] == [["--scheme", scheme, "--trial", str(n)] for scheme, n in TRIALS]
    assert [part.split()[-4:] for part in parts] == [
        ["--split", split, "--paired", paired] for split, paired in zip("xyz", "abc", strict=True)
    ]
    one = Named(release="so2sat-v2", scheme="pooled-random", trial="2")
    alone = apart.each("split", "paired")(one, Named(split="x"), Named(paired="a"))
    assert alone.count("--and") == 1
    assert alone.split()[1:5] == ["--scheme", "pooled-random", "--trial", "2"]


def test_a_job_of_several_trials_starts_once(selection):
    need = resources.Need(500, resources.START_SECONDS + 4, 10)
    assert together.together(need, 3) == resources.Need(500, resources.START_SECONDS + 12, 30)


@pytest.mark.parametrize(("schemes", "one_job"), [(["near", "published"], True), (["pooled-random"], False)])
def test_folds_that_all_trials_of_a_scheme_share_are_matched_by_one_job(schemes, one_job, monkeypatch):
    """However large the release is: a job for each trial would match them again."""
    config = {
        "releases": ["sen12ms"],
        "schemes": schemes,
        "feature_sets": ["scene-s2"],
        "own_schemes": {"near": {"kind": "knndm", "continents": ["Europe"]}},
    }
    monkeypatch.setattr(together, "TOGETHER_SECONDS", 0.0)
    large = select(config)
    assert bool(together.done_together(large, "split", "sen12ms")) is one_job
    assert not together.done_together(large, "fit", "sen12ms")
