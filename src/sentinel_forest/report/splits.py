"""The page on splits: how alike the roles are, what they share, and what leakage is worth."""

from sentinel_forest.report import figures, price
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Plot, Section, column, links, share, table

LEAD = (
    "Who trains and who tests, how alike their classes are, and what they share. A score is only worth "
    "what its split is worth: links between training and test patches let a classifier remember "
    "instead of recognise."
)
BALANCE = "splits/{scheme}/{trial}.balance.tsv"
INFEASIBLE = "splits/{scheme}/{trial}.infeasible.tsv"
LEDGER = "ledger.tsv"


def page(version: VersionResults) -> Page:
    """Balance, links and the price of leakage, of all releases."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("splits", "Splits and ledger", LEAD, tuple(sections))


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    return (*_balance(release), *_infeasible(release), *_ledger(release), *price.items(release))


def _balance(release: ReleaseResults) -> list[Item]:
    balance = release.balance
    sizes = balance[balance["quantity"] == "size"]
    sources = release.from_trials(BALANCE, "split")
    wide = sizes.pivot_table(index=["scheme", "trial"], columns="role", values="patches", sort=False).reset_index()
    wide["file"] = column(
        [
            links([("balance", f"{release.name}/{BALANCE.format(scheme=s, trial=t)}")])
            for s, t in zip(wide["scheme"], wide["trial"], strict=True)
        ]
    )
    items: list[Item] = [
        table(
            f"Patches by role in {release.name}",
            wide.rename_axis(columns=None),
            sources,
            "One row for each trial. “published” is the publisher's own split and has one trial. Unused are, "
            "among others, patches whose group nobody knows, where a scheme keeps groups together.",
            release.is_sample,
        )
    ]
    classes = balance[(balance["quantity"] == "class") & balance["deviation"].notna()]
    if len(classes):
        frame = classes.assign(
            label=classes["class"], series=classes["role"], panel=classes["scheme"], value=100 * classes["deviation"]
        )
        worst = frame.iloc[int(frame["value"].abs().to_numpy().argmax())]
        items.append(
            Plot(
                f"Balance of classes in {release.name}",
                figures.points(frame, "share in role − share in all (percentage points)"),
                f"Deviation of class shares by role and scheme. The largest is {worst['value']:+.1f} "
                f"percentage points: {worst['label']}, {worst['role']}, {worst['scheme']} "
                f"{worst['trial']}.",
                "For each class, role and trial: how much more (right) or less (left) frequent the "
                "class is in the role than in all patches.",
                "Points far from 0 on opposite sides for train and test: the forest learns another "
                "mixture than it is tested on. Grouped schemes deviate more, as groups are not to be "
                "cut; much more than the others hints at too few groups.",
                sources,
                release.is_sample,
            )
        )
    return items


def _infeasible(release: ReleaseResults) -> list[Item]:
    unmet = release.infeasible
    if unmet.empty:
        return [Note(f"All that was asked of the splits of {release.name} could be met.")]
    columns = ["scheme", "trial", "request", "found", "reason"]
    return [
        table(
            f"Requests that could not be met in {release.name}",
            unmet[columns],
            release.from_trials(INFEASIBLE, "split"),
            "",
            release.is_sample,
        )
    ]


def _ledger(release: ReleaseResults) -> list[Item]:
    if release.ledger is None:
        return [Note("There is no ledger for this release.", "warning")]
    source = (release.from_file(LEDGER, "ledger"),)
    is_distance = release.ledger["key"].str.startswith("distance_km")
    known, distances = release.ledger[~is_distance], release.ledger[is_distance]
    pairs = known[known["role_b"] == "train"]
    grid = pairs.assign(column=pairs["scheme"] + ": " + pairs["role_a"]).pivot_table(
        index="key", columns="column", values="share", aggfunc="max", sort=False, dropna=False
    )
    items: list[Item] = []
    if grid.notna().to_numpy().any():
        most = grid.max().max()
        items.append(
            Plot(
                f"Links with training patches in {release.name}",
                figures.grid(
                    grid, "share of the role's patches that are linked with training (%), largest of the trials"
                ),
                "Share of patches linked with training, by key and by scheme and role. The largest is "
                f"{100 * most:.0f} %.",
                "Rows are ways to be linked: the same patch, the same pixels (content), "
                "near-duplicates, overlapping footprints (and how many pixels of them), and the same value "
                "of a group key. Dark is much; “–” is not known, because the catalog lacks what it takes, or "
                "was not looked at.",
                "Anything but 0 for patch or content. Links in a scheme that claims to keep groups "
                "together. Scores of such splits carry the mark “linked”.",
                source,
                release.is_sample,
            )
        )
    columns = ["scheme", "trial", "key", "role_a", "role_b", "linked", "total", "share", "shared_values", "status"]
    shown = known[columns].astype(object).assign(share=column(map(share, known["share"])))
    items.append(
        table(
            f"Ledger of {release.name}",
            shown,
            source,
            "Linked: patches of role a that are linked with a patch of role b. Shared values: values "
            "of the key that occur in both. Status: clean, counted (worth knowing), marked (the scores "
            "carry a mark), stops (the run does not go on), unknown (no link was found, but patches lack "
            "the value; the scores carry a mark), not computed (the same for a link that is only counted), "
            "not looked at (a role has no patches), implied (patches that share this key share another one, "
            "too), not published (no file tells; the notes of the scores say so).",
            release.is_sample,
            {"role_a": "role a", "role_b": "role b"},
        )
    )
    if distances["share"].notna().any():
        far = distances[["scheme", "trial", "role_a", "role_b", "key", "share"]].rename(columns={"share": "km"})
        items.append(
            table(
                f"Distances between roles in {release.name}",
                far,
                source,
                "Great-circle distance from a patch of role a to the nearest patch of role b: the "
                "least, the 5 % and the 50 % quantile.",
                release.is_sample,
            )
        )
    return items
