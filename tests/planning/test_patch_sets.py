"""Feature sets that are predicted from their tables: those whose task has one class for a whole patch."""

from types import SimpleNamespace

from sentinel_forest.planning.selection import Selection


def test_only_sets_of_patch_tasks_are_named_in_their_order():
    units = {"scene": "patch", "cloud": "pixel"}
    tasks = {"b": "scene", "pixels": "cloud", "a": "scene"}
    dataset = SimpleNamespace(
        tasks={name: SimpleNamespace(unit=unit) for name, unit in units.items()},
        feature_sets={name: SimpleNamespace(task=task) for name, task in tasks.items()},
    )
    selection = SimpleNamespace(datasets={"r": dataset}, sets=lambda release: list(tasks))
    assert Selection.patch_sets(selection, "r") == ["b", "a"]
