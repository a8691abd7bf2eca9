"""What the forests of a release were grown on, for the page on baselines."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, table

EXPLAINED = (
    "Rows: the patches, or the pixels drawn from them, that a forest was trained on; patches and groups: where they "
    "come from. Independent labels: where one label covers an area larger than a pixel{area}, the number of such areas "
    "among the rows; it is empty where each row has a label of its own. Absent classes have no row, so they are never "
    "predicted."
)
"""What the table says; `area` is how large such areas are in this release."""
COUNTS = ("rows", "patches", "groups", "independent_labels")


def items(release: ReleaseResults) -> list[Item]:
    """A row for each forest that was grown on this release."""
    rows, sources = [], []
    for scheme, trial in release.trials:
        for features in release.sets:
            training = (release.fit(scheme, trial, features) or {}).get("training")
            if training:
                about = {"scheme": scheme, "trial": trial, "features": features}
                counts = {name: training[name] for name in COUNTS}
                absent = [name for name, each in training["classes"].items() if not each["rows"]]
                rows.append({**about, **counts, "absent classes": ", ".join(absent)})
                sources.append(release.from_file(paths.FIT, "fit", scheme=scheme, trial=trial, set=features))
    if not rows:
        return []
    title = f"What the forests of {release.name} were grown on"
    frame = pd.DataFrame(rows)
    frame[list(COUNTS)] = frame[list(COUNTS)].astype("Int64")
    area = f" (here: {release.dataset.label_area})" if release.dataset.label_area else ""
    return [table(title, frame, sources, EXPLAINED.format(area=area), release.is_sample)]
