"""The page on splits: how alike the roles are, what they share, and what leakage is worth."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.config.groups import LEAST_GROUPS
from sentinel_forest.report import audits, blockmaps, figures, heatmaps, palette, price, splitmaps
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Plot, Section, Source, column, links, number, percent, table
from sentinel_forest.splits.linking import GROUPS

LEAD = (
    "Which patches train and which test, how similar the roles are in their classes, and what they share. A score can "
    "be trusted only as far as its split: where test patches are linked with training patches, a classifier can "
    "memorise instead of recognise."
)


def page(version: VersionResults) -> Page:
    """Balance, links and the price of leakage, of all releases."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("splits", "Splits", LEAD, tuple(sections))


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    return (
        *splitmaps.items(release),
        *blockmaps.items(release),
        *price.items(release),
        *_ledger(release),
        *_balance(release),
        *_infeasible(release),
        *audits.items(release),
    )


def _balance(release: ReleaseResults) -> list[Item]:
    balance = release.balance
    sizes = balance[balance["quantity"] == "size"]
    sources = release.from_trials(paths.BALANCE, "split")
    wide = sizes.pivot_table(index=["scheme", "trial"], columns="role", values="patches", sort=False).reset_index()
    wide["file"] = column(
        [
            links([("balance", release.file(paths.BALANCE, scheme=s, trial=t))])
            for s, t in zip(wide["scheme"], wide["trial"], strict=True)
        ]
    )
    items: list[Item] = [
        table(
            f"Patches by role in {release.name}",
            wide.rename_axis(columns=None),
            sources,
            "One row for each trial. “published” is the publisher's own split and has one trial. Patches of an unknown "
            "group are unused in schemes that keep groups together.",
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
                figures.points(frame, "fraction in role − fraction in all (percentage points)"),
                f"Deviation of class fractions by role and scheme. The largest is {worst['value']:+.1f} "
                f"percentage points: {worst['label']}, {worst['role']}, {worst['scheme']} "
                f"{worst['trial']}.",
                "For each class, role and trial: how much more (right) or less (left) frequent the "
                "class is in the role than in all patches.",
                "Points far from 0 on opposite sides for train and test: the forest learns another mixture of classes "
                "than it is tested on. Schemes of whole groups can deviate more, because groups are not cut. A large "
                "deviation means that there are too few groups or patches.",
                sources,
                release.is_sample,
            )
        )
    return items


def _infeasible(release: ReleaseResults) -> list[Item]:
    unmet = release.infeasible
    if unmet.empty:
        return [Note(f"The splits of {release.name} met all requested sizes and class fractions.")]
    columns = ["scheme", "trial", "request", "found", "reason"]
    return [
        table(
            f"Requests that could not be met in {release.name}",
            unmet[columns],
            release.from_trials(paths.INFEASIBLE, "split"),
            "",
            release.is_sample,
        )
    ]


def _ledger(release: ReleaseResults) -> list[Item]:
    if release.ledger is None:
        return [Note("There is no ledger for this release.", "warning")]
    source = (release.from_file(paths.LEDGER, "ledger"),)
    within = release.ledger["role_a"] == release.ledger["role_b"]
    is_distance = release.ledger["key"].str.startswith("distance_km")
    known, distances = release.ledger[~is_distance & ~within], release.ledger[is_distance]
    pairs = known[known["role_b"] == "train"]
    grid = pairs.assign(column=pairs["scheme"] + ": " + pairs["role_a"]).pivot_table(
        index="key", columns="column", values="fraction", aggfunc="max", sort=False, dropna=False
    )
    items: list[Item] = []
    if grid.notna().to_numpy().any():
        most = grid.max().max()
        items.append(
            Plot(
                f"Links with training patches in {release.name}",
                heatmaps.grid(
                    grid, "fraction of the role's patches that are linked with training (%), largest of the trials"
                ),
                "Fraction of patches linked with training, by key and by scheme and role. The largest is "
                f"{100 * most:.0f} %.",
                "Each row is a way in which patches can be linked: the same patch, the same pixels (content), "
                "near-duplicates, overlapping footprints (and how many of their pixels overlap), the same value of a "
                "key. Dark cells: many linked patches. “–”: not known, or not looked for.",
                "Anything but 0 for patch or content. Links in a scheme that should keep groups together. The status "
                "in the table says which keys give scores the mark “linked”, and which are only counted.",
                source,
                release.is_sample,
            )
        )
    columns = ["scheme", "trial", "key", "role_a", "role_b", "linked", "total", "fraction", "shared_values", "status"]
    shown = known[columns].astype(object).assign(fraction=column(map(percent, known["fraction"])))
    items.append(
        table(
            f"Ledger of {release.name}",
            shown,
            source,
            "Linked: patches of role a that are linked with a patch of role b. Shared values: values of the key that "
            "occur in both roles. Status: clean (no link), counted (links that change no mark), marked (the scores "
            "carry a mark; some unknown: there may be more links, as patches lack the value), stops (the run stops), "
            "unknown (no link was found, but patches lack the value; the scores carry a mark), not computed (the "
            "same for a key that is only counted), not looked at (a role has no patches), implied (patches that share "
            "this key also share another one), not published (no file has it; the notes of the scores say so).",
            release.is_sample,
            {"role_a": "role a", "role_b": "role b"},
        )
    )
    items += _redundancy(release, release.ledger[within])
    if distances["fraction"].notna().any():
        far = distances[["scheme", "trial", "role_a", "role_b", "key"]].copy()
        far["km"] = column(number(value, 1) for value in distances["fraction"])
        items.append(
            table(
                f"Distances between roles in {release.name}",
                far,
                source,
                "Great-circle distance from a patch of role a to the nearest patch of role b: the smallest, the 5 % "
                "quantile and the median.",
                release.is_sample,
            )
        )
    return items


def _redundancy(release: ReleaseResults, ledger: pd.DataFrame) -> list[Item]:
    """How much the patches of a role repeat each other, and how many groups they amount to."""
    groups = ledger[ledger["key"] == GROUPS]
    pairs = ledger[(ledger["key"] != GROUPS) & ledger["linked"].gt(0)]
    items: list[Item] = []
    source = (release.from_file(paths.LEDGER, "ledger"),)
    if len(pairs):
        shown = pairs[["scheme", "trial", "role_a", "key", "linked", "total"]].astype(object)
        items.append(
            table(
                f"Redundancy within roles of {release.name}",
                shown.assign(fraction=column(map(percent, pairs["fraction"]))),
                source,
                "Linked: patches that share the key with another patch of their own role. They are not independent "
                "samples, so a score over them is less certain than their number suggests.",
                release.is_sample,
                {"role_a": "role"},
            )
        )
    if groups["fraction"].notna().any():
        items.append(_effective(release, groups, source))
        shown = groups[["scheme", "trial", "role_a", "total", "shared_values", "fraction"]].astype(object)
        items.append(
            table(
                f"Groups of the roles of {release.name}",
                shown.assign(fraction=column(number(value, 1) for value in groups["fraction"])),
                source,
                "The effective number is the number of groups of equal size that these groups amount to: "
                "(sum of sizes) squared over the sum of squared sizes.",
                release.is_sample,
                {"role_a": "role", "total": "patches", "shared_values": "groups", "fraction": "effective groups"},
            )
        )
    return items


def _effective(release: ReleaseResults, groups: pd.DataFrame, source: tuple[Source, ...]) -> Plot:
    """How many groups of equal size the groups of each role amount to, in the first trial of each scheme."""
    first = groups[groups["trial"] == groups.groupby("scheme")["trial"].transform("min")]
    frame = pd.DataFrame(
        {"panel": first["scheme"], "label": first["role_a"], "whole": first["shared_values"], "part": first["fraction"]}
    )
    return Plot(
        f"Effective number of groups, {release.name}",
        figures.bars(frame, "groups (pale bars), effective groups (full bars)", palette.ROLES),
        "Effective groups: "
        + ", ".join(f"{row.panel} {row.label} {row.part:.1f} of {row.whole:.0f}" for row in frame.itertuples())
        + ".",
        "Pale bars: the groups of a role. Full bars: the effective number, that is the number of equally large groups "
        "that would give as much information. The certainty of a test score depends on this number, not on the number "
        "of patches or pixels.",
        f"Few effective test groups: intervals are wide, and with fewer than {LEAST_GROUPS} groups there is none.",
        source,
        release.is_sample,
    )
