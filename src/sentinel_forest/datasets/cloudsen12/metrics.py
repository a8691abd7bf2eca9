"""The summaries over patches by which the authors of CloudSEN12 compare algorithms."""

import numpy as np

from sentinel_forest.datasets.metric import (
    PatchMetric,
    balanced_accuracy,
    percent,
    positive,
    producers_accuracy,
    users_accuracy,
    weighted_mean,
    weighted_median,
)

AYBAR = "Aybar et al. 2022, doi 10.1038/s41597-022-01878-2, and the authors' code for their table"


def _metrics() -> tuple[PatchMetric, ...]:
    below, above = np.nextafter(0.1, 0.0), np.nextafter(0.9, 1.0)
    summaries = (
        ("mean", "mean over cloudy patches", "mean", weighted_mean, 1.0),
        ("low", "% of cloudy patches below 0.1", "% < 0.1", percent(0.0, below), 100.0),
        ("middle", "% of cloudy patches from 0.1 to 0.9", "% in [0.1, 0.9]", percent(0.1, 0.9), 100.0),
        ("high", "% of cloudy patches above 0.9", "% > 0.9", percent(above, 1.0), 100.0),
    )
    median = PatchMetric(
        "boa.median",
        "BOA",
        "BOA, median over patches",
        "median of (TPR + TNR) / 2 over the patches that have both classes",
        AYBAR,
        balanced_accuracy,
        weighted_median,
        False,
        "no patch of role {role} has both {class} and its contrary",
        headline=True,
    )
    kinds = (
        ("PA", "TP / (TP + FN)", producers_accuracy, "no cloudy patch of role {role} has {class}"),
        ("UA", "TP / (TP + FP)", users_accuracy, "{class} is predicted in no cloudy patch of role {role}"),
    )
    return (
        median,
        *(
            PatchMetric(
                f"{name.lower()}.{end}",
                name,
                f"{name}, {definition}",
                f"{short} of {formula} over the patches where it is defined and the first question of the"
                " task (cloud) has positives",
                AYBAR,
                positive(function),
                summary,
                True,
                undefined,
                high=high,
                of_bins=summary is not weighted_mean,
            )
            for name, formula, function, undefined in kinds
            for end, definition, short, summary, high in summaries
        ),
    )


METRICS = _metrics()
"""Of each question of the task: median BOA, and how PA and UA of cloudy patches spread."""
