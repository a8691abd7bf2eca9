"""Metrics of local climate zones: how far apart two zones are, and built against natural.

OAu, OAbu and WA were in use before the paper that is cited most often for them: Bechtel et al. 2017,
doi 10.3390/urbansci1020015, and 2019, doi 10.1016/j.uclim.2018.10.001. The LCZ Generator (Demuzere, Kittner and Bechtel
2021, doi 10.3389/fenvs.2021.637455) calls WA `OAw`. The similarity of zones is a transcription of figure 3b of Bechtel,
Demuzere and Stewart 2020, doi 10.3390/rs12111769.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.metric import Metric, hits, overall_accuracy, ratio, units
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

ZONES = 17
"""Local climate zones: 1-10 are built, A-G are not."""
BECHTEL = (
    "Bechtel et al. 2017, doi 10.3390/urbansci1020015, and 2019, doi 10.1016/j.uclim.2018.10.001; also in Bechtel,"
    " Demuzere and Stewart 2020, doi 10.3390/rs12111769"
)
SIMILARITY = (
    f"{BECHTEL}, whose figure 3b the similarity is transcribed from; the LCZ Generator"
    " (doi 10.3389/fenvs.2021.637455) calls it OAw"
)


def similarity() -> pd.DataFrame:
    """Similarity of local climate zones, rows and columns 1-10 and A-G, in 0..1 (source: in the file)."""
    path = Path(__file__).with_name("lcz_similarity.tsv")
    return pd.read_csv(path, sep="\t", comment="#", index_col=0, dtype={"LCZ": "str"})


@cache
def _alike() -> np.ndarray:
    """`similarity`, read when it is first used."""
    return similarity().to_numpy()


def _metrics() -> tuple[Metric, ...]:
    built = np.arange(ZONES) < 10

    def weighted(counts: np.ndarray) -> np.ndarray:
        return ratio((counts * _alike()).sum(axis=(-2, -1)), units(counts))

    def urban(counts: np.ndarray) -> np.ndarray:
        return counts[..., :10, :10]

    def urban_truth(counts: np.ndarray) -> np.ndarray:
        return units(counts[..., :10, :])

    def same_side(counts: np.ndarray) -> np.ndarray:
        return ratio((counts * (built[:, None] == built)).sum(axis=(-2, -1)), units(counts))

    no_urban = "role {role} has no patch of LCZ 1-10"
    return (
        Metric(
            "wa",
            "WA",
            "weighted accuracy, LCZ similarity of Bechtel et al. 2020",
            "sum_ij s_ij n_ij / n",
            SIMILARITY,
            weighted,
            units,
            headline=True,
        ),
        Metric(
            "oau.true",
            "OAu",
            "OA urban, true class LCZ 1-10",
            "sum_(i<=10) n_ii / sum_(i<=10) n_i.",
            BECHTEL,
            lambda counts: ratio(hits(urban(counts)).sum(axis=-1), urban_truth(counts)),
            urban_truth,
            no_urban,
        ),
        Metric(
            "oau.both",
            "OAu",
            "OA urban, true and predicted class LCZ 1-10",
            "sum_(i<=10) n_ii / sum_(i,j<=10) n_ij",
            BECHTEL,
            lambda counts: overall_accuracy(urban(counts)),
            lambda counts: units(urban(counts)),
            "no patch of role {role} of LCZ 1-10 is predicted as one of them",
        ),
        Metric(
            "oabu",
            "OAbu",
            "OA built / natural",
            "fraction with true and predicted both in LCZ 1-10 or both in A-G",
            BECHTEL,
            same_side,
            units,
        ),
    )


METRICS = _metrics()
"""Weighted accuracy and the accuracies of built zones; counts have the classes in their published order."""
