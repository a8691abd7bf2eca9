"""Two releases of labels of the same images: where they differ, and how reference algorithms rank under each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import IGNORE, Block, Dataset, Reader, true_classes
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics as metric_table
from sentinel_forest.evaluation.by_patch import patch_values
from sentinel_forest.evaluation.evaluate import Sample, sample, summarise
from sentinel_forest.evaluation.reference import reference_counts
from sentinel_forest.evaluation.scored import Score
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, write_tsv
from sentinel_forest.models.counts import confusion
from sentinel_forest.steps import Layout, Output

CHANGES = pa.DataFrameSchema(
    {**columns("str", "before", "after"), **columns("int64", "pixels", "patches")}, strict=True, ordered=True
)
"""Pixels of each class before that have each class after, and the patches that have such pixels."""
RANKS = pa.DataFrameSchema(
    {
        **columns("str", "classifier", "class", "metric"),
        **columns("float64", "before", "before_low", "before_high", "after", "after_low", "after_high", nullable=True),
        **columns("float64", "rank_before", "rank_after", nullable=True),
        **columns("int64", "patches", "groups"),
    },
    strict=True,
    ordered=True,
)
"""Each reference algorithm on the same patches under both labels: value, 95 % interval over groups, and rank (1 is
best; the mean of the ranks that equal values share)."""


@dataclass(frozen=True)
class Labelled:
    """One of the two releases: `rows` of its catalog, in the order of the patches that both have."""

    dataset: Dataset
    folder: Path
    rows: pd.DataFrame


def compare_labels(
    *,
    dataset: str,
    before_folder: Path,
    before_catalog: Path,
    before_layout: Layout | None = None,
    after_folder: Path,
    after_catalog: Path,
    after_layout: Layout | None = None,
    role: str = "",
    changes: Output,
    ranks: Output,
    draws: int = 1000,
    seed: int = 1,
) -> None:
    """Compare the labels of two releases of the same images, and the ranks of reference algorithms under both.

    The algorithms' layers are read from the release before. Patches are met by their id, and pixels are read as they
    were verified, so both releases need a catalog (``snakemake catalogs``).

    Parameters
    ----------
    dataset : str
        Name of the dataset of both.
    before_folder, before_catalog, before_layout, after_folder, after_catalog, after_layout
        For each release its folder, its catalog, and how it deviates from the published layout.
    role : str
        Published split of the release before whose patches are compared; by default all.
    changes, ranks : Path
        Tables to write: `CHANGES` and `RANKS`.
    draws, seed : int
        Number of bootstrap draws, and their seed.
    """
    first = Labelled(datasets.load(dataset, before_layout), before_folder, read_parquet(before_catalog))
    other = Labelled(datasets.load(dataset, after_layout), after_folder, read_parquet(after_catalog))
    pair = matched(first, other, role)
    moved, counts = count_both(*pair)
    write_tsv(changes, moved, CHANGES)
    write_tsv(ranks, ranked(pair[0].dataset, pair[0].rows, counts, draws, seed), RANKS)
    print(told(pair, moved))


def matched(first: Labelled, other: Labelled, role: str = "") -> tuple[Labelled, Labelled]:
    """Both releases with the patches that both have, in the order of the first.

    Raises
    ------
    InputError
        If there is none.
    """
    rows = first.rows if not role else first.rows[first.rows["published_split"] == role]
    kept = rows[rows["patch"].isin(set(other.rows["patch"]))]
    if kept.empty:
        raise InputError(
            "The two releases have no patch in common.",
            found=f"{len(rows)} patches{f' of role {role}' if role else ''}, e.g. {', '.join(rows['patch'].head(1))}",
            expected=f"ids such as {', '.join(other.rows['patch'].head(1))}",
            remedy="give two catalogs of the same images",
        )
    others = other.rows.set_index("patch", drop=False).loc[kept["patch"]].rename_axis(None)
    return Labelled(first.dataset, first.folder, kept), Labelled(other.dataset, other.folder, others)


def count_both(first: Labelled, other: Labelled) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """`CHANGES`, and what the reference algorithms say by patch under the labels before and after."""
    (task,) = first.dataset.tasks.values()
    names, known = task.names, first.dataset.layers(first.dataset.list_files(first.folder))
    references = [name for name, about in first.dataset.references.items() if about.layer in known]
    pixels, patches = np.zeros((2, len(names), len(names)), dtype=np.int64)
    counts: list[list[pd.DataFrame]] = [[], []]
    for block, labels in _blocks(first, other, task.name, references):
        known_twice = (labels[0] != IGNORE) & (labels[1] != IGNORE)
        place = np.nonzero(known_twice)[0]
        met = confusion(labels[0][known_twice], labels[1][known_twice], place, len(labels[0]), len(names), len(names))
        pixels += met.sum(axis=0)
        patches += (met > 0).sum(axis=0)
        for tables, under in zip(counts, labels, strict=True):
            under = np.where(known_twice, under, np.uint8(IGNORE))
            tables += [reference_counts(first.dataset, name, block, under) for name in references]
    before, after = np.indices(pixels.shape).reshape(2, -1)
    table = pd.DataFrame(
        {
            "before": np.asarray(names, dtype=object)[before],
            "after": np.asarray(names, dtype=object)[after],
            "pixels": pixels.ravel(),
            "patches": patches.ravel(),
        }
    )
    return conform(table[table["pixels"] > 0], CHANGES), [pd.concat(tables or [_none()]) for tables in counts]


def _none() -> pd.DataFrame:
    return pd.DataFrame({"classifier": [], "patch": [], "true": [], "predicted": [], "count": []})


def _blocks(
    first: Labelled, other: Labelled, task: str, references: Sequence[str]
) -> Iterator[tuple[Block, tuple[np.ndarray, np.ndarray]]]:
    """Blocks of the first release with the layers of algorithms, and the true classes of both, where both measured."""
    layers = [first.dataset.references[name].layer for name in references]
    wanted = list(dict.fromkeys([*layers, *first.dataset.label_layers(task)]))
    others = other.rows.set_index("patch", drop=False).rename_axis(None)
    opened: dict[str, Reader] = {}
    for block in read_blocks("labels", first.dataset, first.folder, first.rows, wanted):
        rows = others.loc[block.patches["patch"]]
        picked = other.dataset.pick(other.folder, _in_file_order(rows), other.dataset.label_layers(task), opened)
        back = np.argsort(np.argsort(rows["file"].to_numpy(), kind="stable"), kind="stable")
        there = Block(rows, {name: values[back] for name, values in picked.items()}, block.measured)
        labels = true_classes(first.dataset, task, block), true_classes(other.dataset, task, there)
        if labels[0].shape != labels[1].shape:
            raise InputError(
                "Images of the two releases have different sizes.",
                where=f"patch {block.patches['patch'].iloc[0]}",
                found=f"{labels[1].shape[1:]} after",
                expected=f"{labels[0].shape[1:]}, as before",
                remedy="declare side and padding: --before-layout, --after-layout",
            )
        yield block, labels


def _in_file_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows file by file, as `pick` gives them back."""
    return rows.iloc[np.argsort(rows["file"].to_numpy(), kind="stable")]


def ranked(
    dataset: Dataset, patches: pd.DataFrame, counts: Sequence[pd.DataFrame], draws: int, seed: int
) -> pd.DataFrame:
    """`RANKS` of the algorithms by the metric over patches that the task compares them by."""
    (task,) = dataset.tasks.values()
    about = patches[["patch", "group"]].assign(weight=1.0)
    drawn = sample(about, draws, checksums.seed(seed, "labels"))
    rows = []
    for name in dict.fromkeys(counts[0]["classifier"]):
        for question in dataset.references[name].answers:
            before, after = (_score(dataset, name, question, each, about, drawn, task.name) for each in counts)
            rows.append(
                {"classifier": name, "class": question, "metric": before.metric.id}
                | _values("before", before)
                | _values("after", after)
                | {"patches": len(about), "groups": before.groups}
            )
    table = pd.DataFrame(rows, columns=[name for name in RANKS.columns if not name.startswith("rank")])
    for when in ("before", "after"):
        table[f"rank_{when}"] = table.groupby("class")[when].rank(ascending=False)
    return conform(table[list(RANKS.columns)], RANKS)


def _score(
    dataset: Dataset, name: str, question: str, counts: pd.DataFrame, about: pd.DataFrame, drawn: Sample, task: str
) -> Score:
    (metric,) = [each for each in metric_table.per_patch(dataset.tasks[task]) if each.headline]
    values = patch_values(dataset, name, counts, question)[metric.id.split(".")[0]].reindex(about["patch"])
    (score,) = summarise({metric: values.to_numpy()}, question, drawn, np.ones(len(about)))
    return score


def _values(when: str, score: Score) -> dict[str, float]:
    low, high = score.interval()
    return {when: score.value, f"{when}_low": low, f"{when}_high": high}


def told(pair: tuple[Labelled, Labelled], changes: pd.DataFrame) -> str:
    """How much has changed, in words."""
    moved = changes["before"] != changes["after"]
    fraction = changes.loc[moved, "pixels"].sum() / max(int(changes["pixels"].sum()), 1)
    same = int((pair[0].rows["content_hash"].to_numpy() == pair[1].rows["content_hash"].to_numpy()).sum())
    number = len(pair[0].rows)
    return (
        f"{number} images in both releases; {fraction:.2%} of the pixels have another class\n"
        f"optical pixels are the same bytes in {same} of them"
        + ("" if same == number else ": elsewhere labels may lie on other pixels")
    )
