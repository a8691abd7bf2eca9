"""Reference algorithms on the pixels that their papers count: all of an image, measured or not.

The project leaves out pixels that are 0 in all bands, because nothing was measured there. A reproduction follows the
paper.
"""

from pathlib import Path

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.evaluation.confusion import ROLES, WHOLE, confusion
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.score import METRICS, NUMBERS, PREDICTIONS, REFERENCES, TrialCounts, score_trial
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import read_parquet, write_tsv
from sentinel_forest.models.scored_pixels import ALL_PIXELS
from sentinel_forest.steps import Layout, Output

NOTE = "all pixels of an image, as in the paper"


def whole_counts(counts: list[Path], unmeasured: list[Path]) -> pd.DataFrame:
    """Counts of `reference.REFERENCES` over pixels with and without a measurement, in the order of the first."""
    table = pd.concat([read_parquet(path, REFERENCES) for path in (*counts, *unmeasured)], ignore_index=True)
    table = table[table["pixels"] == ALL_PIXELS]
    return table.groupby(REFERENCES[:4], sort=False)["count"].sum().reset_index().assign(**WHOLE)


def papers_pixels(
    *,
    release: str,
    scheme: str,
    trial: int,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    split: Path,
    counts: list[Path],
    unmeasured: list[Path],
    seed: int,
    draws: int = 1000,
    output: Output,
) -> None:
    """Score reference algorithms on all pixels of the held-out patches of the published split.

    Parameters
    ----------
    release, scheme, trial
        The trial.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog, split : Path
        Catalog of the release, roles of the trial.
    counts, unmeasured : list of Path
        Counts of the algorithms on pixels with and without a measurement, of all shards.
    seed : int
        Seed of the scheme.
    draws : int
        Number of bootstrap draws.
    output : Path
        The table `score.METRICS`.
    """
    opened = datasets.load(dataset, layout)
    patches, roles = read_parquet(catalog), read_parquet(split)
    nothing = pd.DataFrame({name: pd.Series(dtype="str") for name in PREDICTIONS}).astype(NUMBERS)
    said = nothing, whole_counts(counts, unmeasured)
    table = confusion(opened, patches, roles, *said, scheme, trial, [])
    about = roles.merge(patches, on="patch", how="inner")
    seeds = checksums.seed(seed, "pixels of the paper"), trial
    place = Place(release, scheme, trial)
    scored, _ = score_trial(TrialCounts(table, opened, about, dict.fromkeys(ROLES, ""), draws, seeds, place))
    note = scored["note"].where(scored["note"] == "", scored["note"] + "; ") + NOTE
    write_tsv(output, scored.assign(note=note), METRICS)
