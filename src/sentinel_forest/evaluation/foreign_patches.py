"""Predictions of patches that others made: rows of a file for the patches of a role, and their counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.datasets.metric import kappa
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.foreign_files import Answers, read_answers
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.splits.entries import contradiction, rows_by_name
from sentinel_forest.splits.numbers import BY_FILE, Counted, counts_from_1, number_of, rows_by_number

IN_ORDER = "rows taken in the order of the catalog"

CHANCE_KAPPA = 0.02
"""Agreement beyond chance below which predictions in order are doubted."""

RENAMED_KAPPA, ENOUGH_OF_CLASS = 0.5, 10
"""Agreement beyond chance with classes renamed from which the order of codes is doubted, if it is more than doubled;
and the patches for each class from which on chance does not reach it."""


@dataclass(frozen=True)
class Said:
    """Counts by patch, true and predicted class of a role, and what is to be said about them."""

    counts: pd.DataFrame
    about: str = ""


def read_truth(file: Path, dataset: Dataset, task: Task) -> Answers:
    """True classes of patches that a file names.

    Raises
    ------
    InputError
        If the file cannot be read as predictions can, or names no patch.
    """
    answers = read_answers(file, dataset, task)
    if answers.names is None:
        raise InputError("A file of true classes names no patch.", where=file, expected="a column patch, or id")
    return answers


def align(
    answers: Answers, dataset: Dataset, catalog: pd.DataFrame, role: np.ndarray, where: Path
) -> tuple[np.ndarray, str]:
    """Rows of a file for the patches of a role, in the order of the catalog.

    Parameters
    ----------
    answers : Answers
        What the file says.
    dataset : Dataset
        Knows names of patches.
    catalog : DataFrame
        All patches of the release, with their `role`.
    role : int64 (patches,)
        Rows of the catalog that are wanted.
    where : Path
        The file, for messages.

    Returns
    -------
    rows : int64 (patches,)
        Row of the file for each patch of the role.
    about : str
        What is to be said about it.

    Raises
    ------
    InputError
        If a patch is missing, stands twice, or is not of the release.
    """
    if answers.names is None:
        return _in_order(len(answers.classes), len(role), where), order_note(dataset, catalog, role)
    places = _places(answers.names, dataset, catalog, role, where)
    check_known(places, answers.names, catalog, where)
    check_agreed(places, answers, dataset, catalog, where)
    place = np.array([rows[0] for rows in places], dtype=np.int64)
    order = pd.Series(np.arange(len(place)), index=place)
    if order.index.has_duplicates:
        first = int(np.flatnonzero(pd.Index(place).duplicated())[0])
        raise InputError(
            "A patch is predicted twice.",
            where=f"{where}, row {first + 1}",
            found=answers.names[first][:80],
            expected="each patch once",
        )
    absent = role[~np.isin(role, place)]
    if len(absent) == len(role):
        raise _of_other_role(place, role, catalog, where)
    if len(absent):
        raise InputError(
            "Predictions do not cover the role.",
            where=where,
            found=f"{len(role) - len(absent)} of {len(role)} patches, without {catalog['patch'].iloc[absent[0]]}",
            expected="a prediction of each patch of the role",
            remedy="predict the others too, or score a role that is covered",
        )
    others = len(place) - len(role)
    return order[role].to_numpy(), f"predictions of {others} other patches left out" if others else ""


def _of_other_role(place: np.ndarray, role: np.ndarray, catalog: pd.DataFrame, where: Path) -> InputError:
    """Predictions of other patches only."""
    wanted = catalog["role"].iloc[role[0]]
    return InputError(
        "Predictions do not cover the role.",
        where=where,
        found=f"0 of {len(role)} patches of {wanted}: these are patches of {roles_of(place, catalog)}",
        expected=f"a prediction of each patch of {wanted}, such as {catalog['patch'].iloc[role[0]]}",
        remedy=f"predict the patches of {wanted}; the key role says whether test or validation is scored",
    )


def roles_of(rows: np.ndarray, catalog: pd.DataFrame) -> str:
    """Roles of some patches, in words."""
    return " and ".join(sorted(catalog["role"].iloc[rows].unique()))


def _in_order(found: int, expected: int, where: Path) -> np.ndarray:
    if found != expected:
        raise InputError(
            "Predictions without names of patches have not one row for each patch of the role.",
            where=where,
            found=f"{found} rows",
            expected=f"{expected}",
            remedy="give the patches a column `patch`, or `roi_id` and `s2_id`, or their row in a column `row`",
        )
    return np.arange(expected)


def _places(
    names: Sequence[str], dataset: Dataset, catalog: pd.DataFrame, role: np.ndarray, where: Path
) -> list[list[int]]:
    """Rows of the catalog of each name; numbers count the rows of the publisher's file, or the lines of its list."""
    if all(number_of(name) is not None for name in names) and names[0] not in set(catalog["patch"]):
        counted = Counted(_published_role(catalog, role), BY_FILE, str(where))
        return rows_by_number(names, dataset, catalog, counted)
    return rows_by_name(names, dataset, catalog)


def _published_role(catalog: pd.DataFrame, role: np.ndarray) -> str:
    """The publisher's role of some rows of the catalog; "" where they have several."""
    published = catalog["published_split"].iloc[role].unique()
    return str(published[0]) if len(published) == 1 else ""


def order_note(dataset: Dataset, catalog: pd.DataFrame, role: np.ndarray) -> str:
    """Whose order rows without names are taken in, and whether the publisher's list of the role has another one."""
    places = dataset.published_places(catalog, _published_role(catalog, role))
    is_other = places is not None and not places.iloc[role].dropna().is_monotonic_increasing
    return f"{IN_ORDER}, which is not that of the publisher's list" if is_other else IN_ORDER


def check_known(places: Sequence[Sequence[int]], names: Sequence[str], catalog: pd.DataFrame, where: Path) -> None:
    """Refuse names that are not each of one patch of the release."""
    strange = [row for row, found in enumerate(places) if len(found) != 1]
    if not strange:
        return
    none = len(strange) == len(places)
    from_1 = counts_from_1(names, [names[row] for row in strange])
    raise InputError(
        "Predictions are of another dataset or release." if none else "A prediction is of no patch of the release.",
        where=f"{where}, row {strange[0] + 1}",
        found=f"{names[strange[0]][:60]} ({len(strange)} of {len(places)} rows)",
        expected=f"patches such as {catalog['patch'].iloc[0]}",
        remedy="row numbers count from 0: take 1 from each" if from_1 else "give the release that was predicted",
    )


def check_agreed(
    places: Sequence[Sequence[int]], answers: Answers, dataset: Dataset, catalog: pd.DataFrame, where: Path
) -> None:
    """Refuse a file in which two columns name different patches."""
    if answers.names is not None and (other := contradiction(places, answers.also, dataset, catalog)):
        raise InputError(
            "Two columns name different patches.",
            where=f"{where}, row {other.row + 1}",
            found=f"{answers.names[other.row][:40]}; column {other.column}: {other.name[:40]} "
            f"({other.rows} of {len(places)} rows)",
            expected="one patch in each row",
            remedy="correct one of the columns, or remove it",
        )


def count_patches(
    answers: Answers, rows: np.ndarray, patches: pd.DataFrame, task: Task, where: Path, about: str
) -> Said:
    """Counts of patches, each of one class.

    Parameters
    ----------
    answers : Answers
        What the file says.
    rows : int64 (patches,)
        See `align`.
    patches : DataFrame
        `patch` and `label` of the role.
    task : Task
        The task.
    where : Path
        The file, for messages.
    about : str
        What is known already.

    Raises
    ------
    InputError
        If no label is known, or the file's own truth is another.
    """
    label, classes = patches["label"].to_numpy(np.int64), answers.classes[rows]
    known = label >= 0
    if not known.any():
        raise InputError(
            "No true class of the role is known.",
            where="catalog, column label",
            expected="labels",
            remedy="give a file with the true class of each patch: truth",
        )
    if answers.true is not None:
        _check_truth(answers.true[rows][known], label[known], task, where)
    names = np.array(task.names, dtype=object)
    counts = pd.DataFrame(
        {"patch": patches["patch"].to_numpy()[known], "true": names[label[known]], "predicted": names[classes[known]]}
    ).assign(count=np.int64(1))
    silent = f"{int((~known).sum())} patches without a label left out" if not known.all() else ""
    in_order = answers.names is None and answers.true is None
    doubts = (doubt(counts, task) if in_order else "", doubt_of_codes(counts, task))
    return Said(counts, notes(about, silent, *doubts))


def _check_truth(true: np.ndarray, label: np.ndarray, task: Task, where: Path) -> None:
    differ = true != label
    if differ.any():
        row = int(differ.argmax())
        raise InputError(
            "The true classes in a file of predictions are not those of the catalog.",
            where=f"{where}, row {row + 1} of the role",
            found=f"{task.names[true[row]]} ({int(differ.sum())} of {len(label)} differ)",
            expected=task.names[label[row]],
            remedy="the rows stand in another order, or are of other patches: give names of patches beside them",
        )


def _confused(counts: pd.DataFrame, task: Task) -> np.ndarray:
    """Counts by true and predicted class, float64 (classes, classes)."""
    table = counts.pivot_table(index="true", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    return table.reindex(index=task.names, columns=task.names, fill_value=0).to_numpy(np.float64)


def doubt_of_codes(counts: pd.DataFrame, task: Task) -> str:
    """What is to be said about predictions that agree far better once their classes are renamed one to one."""
    table = _confused(counts, task)
    if table.sum() < ENOUGH_OF_CLASS * len(task.names):
        return ""
    _, renamed = linear_sum_assignment(table, maximize=True)
    agreement, best = float(kappa(table)), float(kappa(table[:, renamed]))
    if not (best >= RENAMED_KAPPA and agreement < best / 2):
        return ""
    return f"kappa {best:.2f} instead of {agreement:.2f} if classes are renamed: are their codes or names exchanged?"


def doubt(counts: pd.DataFrame, task: Task) -> str:
    """What is to be said about predictions in order that agree with the truth no better than by chance."""
    agreement = float(kappa(_confused(counts, task)))
    return "agreement no better than chance: do the rows stand in another order?" if agreement < CHANCE_KAPPA else ""
