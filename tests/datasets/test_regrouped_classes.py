"""Classes merged and dropped: names, colours, labels, questions, references, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.datasets.base import IGNORE, Block, true_classes
from sentinel_forest.datasets.regrouped import regrouped
from sentinel_forest.datasets.so2sat.vocabulary import BUILT, CLASSES
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import evaluate
from sentinel_forest.evaluation.confusion import WHOLE, Classifier, classifiers
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.score import metric_rows
from sentinel_forest.planning.checking import select
from sentinel_forest.registry import PAPERS
from sentinel_forest.versions.papers import read_papers
from sentinel_forest.versions.reproduction import sheet

CLOUD = {"merge": {"cloud": ["thick cloud", "thin cloud"]}, "drop": []}
LCZ = {"merge": {"built": list(BUILT), "natural": [name for name, _ in CLASSES[10:]]}}


def test_cloud_of_two_kinds_is_one_class_with_the_colour_of_the_first():
    dataset = datasets.load("cloudsen12", {"classes": {"cloud": CLOUD}})
    task = dataset.tasks["cloud"]
    assert task.names == ("clear", "cloud", "cloud shadow")
    assert [each.colour for each in task.categories] == ["#8b4000", "#dcdcdc", "#3c3c3c"]
    assert {each.name: each.positive for each in task.questions} == {
        "cloud": ("cloud",),
        "shadow": ("cloud shadow",),
        "contaminated": ("cloud", "cloud shadow"),
    }
    assert dataset.published_tasks["cloud"].names == datasets.load("cloudsen12").tasks["cloud"].names
    assert dataset.references.keys() == datasets.load("cloudsen12").references.keys()


def test_labels_of_pixels_follow_and_dropped_ones_take_no_part():
    stored = np.array([[[0, 1], [2, 3]]], dtype=np.uint8)
    block = Block(pd.DataFrame({"patch": ["a"]}), {"LABEL_manual_hq": stored})
    merged = datasets.load("cloudsen12", {"classes": {"cloud": CLOUD}})
    assert true_classes(merged, "cloud", block).tolist() == [[[0, 1], [1, 2]]]
    dropped = datasets.load("cloudsen12", {"classes": {"cloud": {"merge": {}, "drop": ["thin cloud"]}}})
    assert true_classes(dropped, "cloud", block).tolist() == [[[0, 1], [IGNORE, 2]]]
    assert merged.labels("cloud", block).tolist() == stored.tolist()  # the catalog keeps the published classes


def test_local_climate_zones_as_built_and_natural_types():
    dataset = datasets.load("so2sat", {"classes": {"lcz": LCZ}})
    assert dataset.tasks["lcz"].names == ("built", "natural")
    assert dataset.tasks["lcz"].regrouped == "2 classes, made of the 17 published ones"
    assert dataset.tasks["lcz"].metrics == ()  # similarity and OAu are of the 17 zones
    labels = np.array([-1, 0, 9, 10, 16])
    assert dataset.patch_classes("lcz", labels).tolist() == [-1, 0, 0, 1, 1]
    assert datasets.load("so2sat").patch_classes("lcz", labels).tolist() == labels.tolist()


def test_every_task_of_every_dataset_can_be_regrouped():
    for name in ("cloudsen12", "sen12ms", "so2sat"):
        for task in datasets.load(name).tasks.values():
            new, lookup = regrouped(task, {"first two": task.names[:2]}, task.names[2:3])
            assert len(new.categories) == len(task.categories) - 2
            assert lookup[: len(task.names)].tolist() == [0, 0, IGNORE, *range(1, len(task.names) - 2)]
            assert (lookup[len(task.names) :] == IGNORE).all()


def test_a_question_that_classes_cannot_answer_is_not_asked():
    mixed = {"merge": {"not clear sky": ["thin cloud", "cloud shadow"]}, "drop": []}
    dataset = datasets.load("cloudsen12", {"classes": {"cloud": mixed}})
    assert [each.name for each in dataset.tasks["cloud"].questions] == ["contaminated"]
    assert "qa60" not in dataset.references  # it answers nothing but the question of cloud
    assert set(dataset.references["fmask"].answers) == {"contaminated"}
    assert not dataset.tasks["cloud"].metrics  # summaries over cloudy patches ask for cloud


def test_each_score_says_that_its_classes_are_not_the_published_ones():
    notes = {}
    for name, classes in (("merged", {"lcz": LCZ}), ("published", {})):
        task = datasets.load("so2sat", {"classes": classes}).tasks["lcz"]
        one = Classifier("forest", "lcz-s1+s2", task, task.names, {})
        cells = {"true": task.names[0], "predicted": task.names[0], "count": 5}
        rows = pd.DataFrame([{"patch": f"p{number}", **cells} for number in range(6)])
        patches = pd.DataFrame({"patch": rows["patch"], "group": list("abcdef"), "weight": 1.0})
        found = evaluate.evaluate(rows, one, evaluate.sample(patches, 20, 1))
        told = metric_rows(Place("r", "published", 1), one, "test", found, "clean")
        notes[name] = {str(row["note"]) for row in told if row["value"] == 1}
    assert all(note.startswith("2 classes, made of the 17 published ones") for note in notes["merged"])
    assert not any("published ones" in note for note in notes["published"])


MISTAKES = [
    ({"merge": {"a": ["clear", "thin cloud"], "b": ["thin cloud", "thick cloud"]}}, "merged or dropped twice"),
    ({"merge": {"a": ["clear"]}, "drop": ["clear"]}, "merged or dropped twice"),
    ({"merge": {"a": ["clouds"]}}, "Unknown class"),
    ({"drop": ["cloud"]}, "Unknown class"),
    ({"merge": {"clear": ["thick cloud", "thin cloud"]}}, "name of another class"),
    ({"merge": {"all": ["clear", "thick cloud", "thin cloud", "cloud shadow"]}}, "Fewer than two"),
    ({"merge": {}, "drop": []}, "Nothing is merged"),
    ({"merge": {"a": []}}, "at least one"),
    ({"join": {"a": ["clear"]}}, "Unknown key"),
]


@pytest.mark.parametrize(("classes", "problem"), MISTAKES)
def test_a_mistake_stops_before_anything_runs(classes, problem):
    asked = {"releases": ["cloudsen12-sample"], "classes": {"cloudsen12": {"cloud": classes}}}
    with pytest.raises(InputError, match=problem) as refused:
        assert select(asked).datasets
    assert "classes.cloudsen12" in str(refused.value)


@pytest.mark.parametrize(
    ("classes", "problem"),
    [({"cloudsen12": {"clouds": CLOUD}}, "Unknown task"), ({"cloudsen": {"cloud": CLOUD}}, "Unknown dataset")],
)
def test_an_unknown_dataset_or_task_is_named(classes, problem):
    with pytest.raises(InputError, match=problem):
        assert select({"releases": ["cloudsen12-sample"], "classes": classes}).regrouped


def test_predictions_in_the_published_classes_are_refused_beside_others():
    asked = {"releases": ["so2sat-sample"], "feature_sets": ["lcz-s2"], "classes": {"so2sat": {"lcz": LCZ}}}
    with pytest.raises(InputError, match="in the published classes") as refused:
        select({**asked, "predictions": {"net": {"release": "so2sat-sample", "file": "net.csv"}}})
    assert "predictions.net" in str(refused.value)


def test_splits_and_catalog_do_not_depend_on_classes_and_all_other_steps_are_told():
    plain = select({"releases": ["cloudsen12-sample"]})
    merged = select({"releases": ["cloudsen12-sample"], "classes": {"cloudsen12": {"cloud": CLOUD}}})
    assert merged.releases["cloudsen12-sample"].layout == plain.releases["cloudsen12-sample"].layout
    assert merged.seed("cloudsen12-sample", "grouped-stratified") == plain.seed(
        "cloudsen12-sample", "grouped-stratified"
    )
    assert merged.regrouped == ["cloud"]
    assert plain.regrouped == []


def test_published_figures_of_other_classes_are_not_compared():
    figures = [figure for figure in read_papers(PAPERS) if figure.task == "lcz"]
    places = {Place(figure.release, figure.kind, 1): {} for figure in figures}
    told = sheet(figures, places, [], regrouped=["lcz"])
    assert told["verdict"].str.contains("merged or dropped in this version").all()
    assert not sheet(figures, places, [])["verdict"].str.contains("merged or dropped").any()


def test_reference_algorithms_are_scored_in_the_merged_classes():
    dataset = datasets.load("cloudsen12", {"classes": {"cloud": CLOUD}})
    rows = pd.DataFrame(
        {
            "task": "cloud",
            "features": "",
            "classifier": "fmask",
            "patch": "a",
            "true": ["cloud", "clear"],
            "predicted": ["cloud", "land"],
            "count": [3, 4],
        }
    )
    (one,) = classifiers(rows.assign(**WHOLE), dataset)
    assert one.positive["cloud"] == ("cloud",)


def test_no_class_may_be_called_as_what_stands_for_no_answer():
    task = datasets.load("cloudsen12").tasks["cloud"]
    with pytest.raises(InputError, match="stands for something else"):
        regrouped(task, {"no answer": ["clear"]})
