"""Write docs/datasets/ and docs/reference/ from the package: python docs/reference_pages.py"""

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "src"))

from sentinel_forest import datasets, steps  # noqa: E402
from sentinel_forest.config.registry import RegistryEntry  # noqa: E402
from sentinel_forest.config.releases import find_entry, registered  # noqa: E402
from sentinel_forest.datasets.base import Band, Columns, Dataset, FeatureSet, Implied, Task  # noqa: E402
from sentinel_forest.features import Feature, listing, patch, pixel  # noqa: E402

NO_OWN_ENTRIES = ROOT / "docs"
"""A folder without entries of the registry: pages tell of those of the package only."""
NAMES = {"so2sat": "So2Sat LCZ42", "sen12ms": "SEN12MS", "cloudsen12": "CloudSEN12"}
GENERATED = "<!-- Written by docs/reference_pages.py: edit the package, then run it. -->\n\n"


def dataset_page(name: str) -> str:
    """What a newcomer must know of a dataset: the text of its module, classes, bands, keys, releases."""
    dataset = datasets.load(name)
    title, _, about = (inspect.getdoc(inspect.getmodule(type(dataset))) or "").partition("\n\n")
    parts = [
        f"# {NAMES[name]}\n\n{GENERATED}{_markdown(title)}\n\n{_markdown(about)}\n",
        *(_classes(task) for task in dataset.tasks.values()),
        _layers(dataset),
        _keys(dataset),
        _references(dataset),
        _how_to_get(name),
    ]
    return "\n".join(part for part in parts if part)


def _markdown(text: str) -> str:
    """A docstring as Markdown."""
    return re.sub(r"``(.+?)``", r"`\1`", text, flags=re.S)


def _classes(task: Task) -> str:
    rows = [
        (str(each.code), each.name, f'<span style="color:{each.colour}">&#9632;</span> `{each.colour}`')
        for each in task.categories
    ]
    text = f"## Classes of the task `{task.name}`\n\nA label is of one {task.unit}.\n\n"
    text += _table(["stored code", "class", "colour"], rows)
    if task.questions:
        asked = [(f"`{each.name}`", ", ".join(each.positive)) for each in task.questions]
        text += "\nTwo-class questions, which are scored beside the classes:\n\n"
        text += _table(["question", "classes that count as yes"], asked)
    return text


def _layers(dataset: Dataset) -> str:
    rows = []
    for name, layer in dataset.layer_table.items():
        band = layer.band
        length = f"{band.wavelength:g}" if band and band.wavelength else ""
        missing = "" if layer.missing is None else f"{layer.missing:g}"
        rows.append((f"`{name}`", layer.dtype, f"{layer.factor:g}", layer.unit, missing, _band(band), length))
    head = ["layer", "stored as", "times", "gives", "missing", "band", "wavelength in nm (Sentinel-2A)"]
    return f"## Layers\n\n{_table(head, rows)}"


def _band(band: Band | None) -> str:
    return "" if band is None else f"{band.name} ({band.family})"


def _keys(dataset: Dataset) -> str:
    rows = []
    for key, source in dataset.marking_keys.items():
        match source:
            case Columns(names):
                seen = "column " + ", ".join(f"`{name}`" for name in names)
            case Implied():
                seen = f"implied by {source.by}: {source.reason}"
            case _:
                seen = "not published, so no ledger can look"
        rows.append((key, seen))
    for column in (*dataset.joined_by, *(key for key in dataset.group_keys if key not in _columns(dataset))):
        rows.append((column, f"column `{column}`" + (", joins groups" if column in dataset.joined_by else ", counted")))
    text = "## Keys by which patches are linked\n\nWhat two roles of a split share by these keys is counted in the "
    return f"{text}[ledger](../leakage.md).\n\n{_table(['key', 'where it is to be seen'], dict.fromkeys(rows))}"


def _columns(dataset: Dataset) -> set[str]:
    named = {name for source in dataset.marking_keys.values() if isinstance(source, Columns) for name in source.names}
    return named | set(dataset.joined_by)


def _references(dataset: Dataset) -> str:
    if not dataset.references:
        return ""
    rows = [
        (f"`{name}`", f"`{each.layer}`", ", ".join(each.predicted), ", ".join(each.answers))
        for name, each in dataset.references.items()
    ]
    head = ["algorithm", "layer", "classes it tells apart", "questions it answers"]
    return f"## Reference algorithms\n\nTheir results ship with the release.\n\n{_table(head, rows)}"


def _how_to_get(name: str) -> str:
    entries = [entry for entry in _entries() if entry.dataset == name and not entry.sample]
    text = "## How to get it\n\n"
    text += "<!-- not run by the tests: it fetches hundreds of GB -->\n```sh\n"
    text += "snakemake plan --configfile config/full.yaml     # what will be fetched, and how large it is\n"
    text += "snakemake fetch --configfile config/full.yaml    # fetches it\n```\n\n"
    text += "A release that is on disk is not fetched: name its folder, see [own files](../own-files.md).\n"
    for entry in entries:
        text += f"\n### `{entry.release}`: {entry.title}\n\n"
        text += f"- Licence: {entry.licence}\n"
        text += f"- Patches: {_patches(entry)}\n" * bool(entry.patches)
        text += f"- Home: <{entry.home}>\n" * bool(entry.home)
        text += f"- Cite: {' '.join(entry.citation.text.split())} <https://doi.org/{entry.citation.doi}>\n"
        text += "".join(f"- Known: {' '.join(note.split())}\n" for note in entry.notes)
    return text


def _entries() -> list[RegistryEntry]:
    names = registered(NO_OWN_ENTRIES)
    return [RegistryEntry.model_validate(find_entry(name, NO_OWN_ENTRIES)) for name in names]


def _patches(entry: RegistryEntry) -> str:
    return ", ".join(f"{role} {'?' if n is None else f'{n:,}'}" for role, n in entry.patches.items())


def releases_page() -> str:
    """All registered releases in one table."""
    rows = []
    for entry in _entries():
        size = sum(file.bytes or file.about_bytes or 0 for file in entry.files)
        known = all(file.bytes for file in entry.files)
        amount = f"{'' if known else 'about '}{size / 1e9:,.1f} GB"
        amount = "written by the scene model" if entry.sample else amount if size else "by hand, see its notes"
        name = f"[{NAMES[entry.dataset]}](../datasets/{entry.dataset}.md)"
        rows.append(
            (f"`{entry.release}`", name, entry.version, _patches(entry), entry.licence, str(len(entry.files)), amount)
        )
    head = ["release", "dataset", "version", "patches", "licence", "files", "size"]
    text = (
        "Releases that a configuration can name under `releases`. Samples are simulated. An entry of your own goes to"
    )
    return (
        f"# Releases\n\n{GENERATED}{text}\n`config/releases/<name>.yaml`, in the form of those in\n"
        f"`src/sentinel_forest/registry/releases/`.\n\n{_table(head, rows)}"
    )


def feature_sets_page() -> str:
    """All feature sets, and every feature in them with formula and source."""
    text = (
        f"# Feature sets\n\n{GENERATED}A feature set is named under `feature_sets`. Ranges of ratios, and pixels\n"
        "without a measurement: [features](../features.md).\n"
    )
    known: dict[str, Feature] = {}
    for name in NAMES:
        text += f"\n## {NAMES[name]}\n"
        for feature_set in datasets.load(name).feature_sets.values():
            found = _features(name, feature_set)
            known |= {each.name: each for each in found}
            text += f"\n### `{feature_set.name}`\n\nTask `{feature_set.task}`, {len(found)} features: "
            text += ", ".join(f"`{each.name}`" for each in found) + ".\n"
    rows = [
        (f"`{each.name}`", f"`{each.formula}`", each.unit, ", ".join(each.bands), each.source)
        for each in sorted(known.values(), key=lambda each: each.name.lower())
    ]
    text += "\n## All features\n\n" + _table(["feature", "formula", "unit", "bands", "source"], rows)
    return text + "\n## What sets of your own can be made of\n\n" + _material()


def _material() -> str:
    """Bands and indices, with the layers that each needs in every dataset, and the forms of names made of them."""
    rows: dict[str, list[str]] = {}
    for place, name in enumerate(NAMES):
        for each in listing.of_dataset(datasets.load(name)):
            about = [f"`{each.name}`", f"`{each.formula}`", each.unit, each.source, *[""] * len(NAMES)]
            rows.setdefault(each.name, about)[4 + place] = each.layers
    head = ["feature", "formula", "unit", "source", *(f"layers of {title}" for title in NAMES.values())]
    forms = {"pixels": (*pixel.FORMS,), "patches": (*patch.FORMS, *patch.SAR)}
    made = "; ".join(f"for {unit}: {', '.join(f'`{form}`' for form in each)}" for unit, each in forms.items())
    return (
        "Bands and indices are features of pixels, as they stand. Made of them are\n"
        f"{textwrap.fill(f'{made}.', 118)}\n\nHow to write them, and expressions: [features](../features.md).\n\n"
        f"{_table(head, rows.values())}"
    )


def _features(dataset: str, feature_set: FeatureSet) -> list[Feature]:
    unit = datasets.load(dataset).tasks[feature_set.task].unit
    resolve = patch.resolve if unit == "patch" else pixel.resolve
    return [resolve(name, feature_set.bands) for name in feature_set.features]


def commands_page() -> str:
    """Every command of `sentinel-forest` with the first line of its text."""
    text = (
        f"# Commands\n\n{GENERATED}`sentinel-forest COMMAND --help` has the options of each. The rules of the\n"
        "workflow call the same commands; `snakemake -n -p` shows how.\n"
    )
    for title, names in (("For people", steps.COMMANDS), ("Called by the rule of the same name", steps.STEPS)):
        rows = [(f"`{name.replace('_', '-')}`", steps.summary(name)) for name in sorted(names)]
        text += f"\n## {title}\n\n" + _table(["command", "what it does"], rows)
    return text


def _table(head: list[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[_cell(cell) for cell in row] for row in rows]
    first = f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    return first + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(_markdown(text).replace("|", "\\|").split())


PAGES: Mapping[Path, Callable[[], str]] = {
    **{DOCS / "datasets" / f"{name}.md": partial(dataset_page, name) for name in NAMES},
    DOCS / "reference" / "releases.md": releases_page,
    DOCS / "reference" / "feature-sets.md": feature_sets_page,
    DOCS / "reference" / "commands.md": commands_page,
}
"""What each page is written by."""


def main() -> None:
    """Write all pages."""
    for path, page in PAGES.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
