"""A map of the world hides no series behind another at the same place."""

import itertools
import re

import pandas as pd

from sentinel_forest.report import charts, world


def test_marks_at_one_place_are_smaller_on_top() -> None:
    places = pd.DataFrame({"lon": 10.0, "lat": 50.0, "series": ["test", "train", "validation"]})
    drawn = charts.svg(world.world(places, [], [], (-180, 180), (-60, 80)).complete())
    marks = re.findall(r'aria-label="lon: 10; lat: 50; series: (\w+)[^>]* d="M(-?[\d.]+)', drawn)
    assert [name for name, _ in marks] == ["test", "train", "validation"], "drawn in the order of the data"
    reach = [abs(float(size)) for _, size in marks]
    assert all(below > 1.2 * above for below, above in itertools.pairwise(reach)), reach
