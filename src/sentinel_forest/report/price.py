"""The price of leakage, on the page on splits."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.report import figures
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Cell, Item, Note, Plot, Source, Table, column, number, p_value, score, table
from sentinel_forest.report.scores import definitions


def items(release: ReleaseResults) -> list[Item]:
    """The price as a picture and a table, or why there is none."""
    rows = release.price
    if rows is None or rows.empty:
        return [
            Note(
                "The price of leakage was not computed: it is switched off (price: {trials: 0}), no patch has a known "
                "group, or the release trains no forest of its own."
            )
        ]
    source = release.from_file(paths.PRICE, "price")
    known = rows[rows["difference"].notna() & (rows["class"] == "")]
    none = rows[rows["metric"] == ""]
    notes: list[Item] = [Note(f"{row.features}: {row.note}") for row in none.itertuples()]
    picture: list[Item] = [_picture(release, known, source)] if len(known) else []
    shown = rows[rows["metric"] != ""]
    return notes + picture + ([_table(release, shown, source)] if len(shown) else [])


def _picture(release: ReleaseResults, rows: pd.DataFrame, source: Source) -> Plot:
    named = zip(rows["features"], definitions(rows), rows["difference"], strict=True)
    return Plot(
        f"Price of leakage in {release.name}",
        figures.pairs(_sides(rows), "score on the same test patches"),
        "Difference of scores on the same test patches: "
        + "; ".join(f"forest {features} {figure} {value:+.3f}" for features, figure, value in named)
        + ".",
        "Each line joins two scores on the same test patches. Blue: the forest was trained without patches of their "
        "groups. Orange: it was trained with as many patches of their groups (relatives) as a random split would put "
        "into training. The table has the interval of the difference.",
        "Orange far to the right of blue: scores of random splits are too high by about this difference. Orange to the "
        "left, with an interval that excludes 0: probably a mistake in the experiment.",
        (source,),
        release.is_sample,
    )


def _sides(rows: pd.DataFrame) -> pd.DataFrame:
    label = definitions(rows)
    if rows["features"].nunique() > 1:
        label += " (forest " + rows["features"] + ")"
    values = {"without relatives": rows["without"], "with relatives": rows["with_relatives"]}
    return pd.concat([pd.DataFrame({"label": label, "side": name, "value": value}) for name, value in values.items()])


def _table(release: ReleaseResults, rows: pd.DataFrame, source: Source) -> Table:
    shown = rows[["features", "task"]].copy()
    shown["definition"] = definitions(rows)
    shown["with relatives"], shown["without"] = rows["with_relatives"], rows["without"]
    shown["difference [95 % interval]"] = column(
        [score(row.difference, row.low, row.high) for row in rows.itertuples()]
    )
    shown["p"], shown["p (Holm)"] = (column(map(p_value, rows[name])) for name in ("p", "p_holm"))
    shown[["n", "groups", "trials"]] = rows[["n", "groups", "trials"]]
    shown["dose"] = rows["dose"]
    shown["relatives"] = column([number(value, 1) for value in rows["relatives"]])
    shown["training rows"] = column([number(round(value)) for value in rows["train_rows"]])
    shown["pixels"], shown["note"] = rows["pixels"], column(Cell(text) for text in rows["note"])
    return table(
        f"Scores with and without relatives in {release.name}",
        shown,
        [source],
        "Both forests are trained on the same number of rows of each class and scored on the same n test patches. "
        "Dose: of the other patches in the group of a test patch, the mean fraction that the first forest was trained "
        "on; relatives: the mean number of these patches.",
        release.is_sample,
    )
