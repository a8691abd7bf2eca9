"""Names and texts of the splits that are written for tensorflow_datasets."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sentinel_forest.config.releases import Release
from sentinel_forest.errors import InputError
from sentinel_forest.export.tfds_plan import about, folders, name_of

V2 = Release("so2sat-v2", "so2sat", "So2Sat LCZ42", "CC-BY-4.0", 1, entry={"version": "2"})
V3 = Release("so2sat-v3-random", "so2sat", "So2Sat LCZ42", "CC-BY-4.0", 1, entry={"version": "3.1"})


@pytest.mark.parametrize(
    ("release", "scheme", "trial", "name"),
    [
        (V2, "published", 1, "so2sat"),
        (V3, "published", 1, "so2sat_v3_random"),
        (V2, "grouped-stratified", 2, "so2sat_grouped_stratified_2"),
        (V3, "My.Scheme", 1, "so2sat_my_scheme_1"),
    ],
)
def test_name_that_tfds_knows_is_kept_for_the_split_it_knows(release, scheme, trial, name):
    assert name_of(release, scheme, trial, scheme == "published") == name


def test_export_says_what_it_is_and_leaves_out_what_is_not_known():
    own = Release("mine", "so2sat", "mine", "", 1)
    assert about(own, "pooled-random", 3, "v7") == {
        "description": "mine (release mine), split pooled-random, trial 3, of version v7."
        " sample_id counts the rows of a split from 0."
    }


def test_sample_is_called_a_sample_and_a_citation_has_its_doi():
    entry = {"citation": {"text": "Zhu et al.", "doi": "10.1/x"}, "home": "https://example.org"}
    sample = Release("s", "so2sat", "Sample", "CC0-1.0", 1, sample={"seed": 1}, entry=entry)
    told = about(sample, "published", 1, "v7")
    assert "built-in sample: no measured pixels" in told["description"]
    assert (told["citation"], told["licence"], told["home"]) == ("Zhu et al. 10.1/x", "CC0-1.0", "https://example.org")


def test_every_split_of_so2sat_has_a_folder_for_each_form_and_others_have_none():
    other = Release("clouds", "cloudsen12", "CloudSEN12", "CC0-1.0", 1)
    trials = {"so2sat-v2": [("published", 1), ("pooled-random", 1)], "clouds": [("published", 1)]}
    selection = SimpleNamespace(
        releases={"so2sat-v2": V2, "clouds": other}, trials=trials.get, published=lambda _: "published"
    )
    assert folders(selection, Path("exports/v1")) == [
        f"exports/v1/so2sat-v2/tfds/{name}/{form}"
        for name in ("so2sat", "so2sat_pooled_random_1")
        for form in ("rgb/2.1.0", "rgb/2.0.0", "all/2.1.0")
    ]
    selection.releases = {"clouds": other}
    with pytest.raises(InputError, match="found: clouds"):
        folders(selection, Path("exports/v1"))
