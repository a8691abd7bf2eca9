"""Findings about the files of CloudSEN12: what names and sizes say, and what layers say together."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Finding, Inspection, unmeasured_finding
from sentinel_forest.datasets.cloudsen12 import quality
from sentinel_forest.datasets.cloudsen12.content import LayerInspection
from sentinel_forest.datasets.cloudsen12.facts import against_labels, contradictions, products_of
from sentinel_forest.datasets.cloudsen12.layers import algorithm_findings, same_layer_findings
from sentinel_forest.datasets.cloudsen12.layout import (
    Layout,
    Padding,
    Split,
    common_layers,
    dtypes,
    layer_of,
    published_path,
    size_text,
    splits_of,
)
from sentinel_forest.datasets.cloudsen12.levels import level_findings, scribble_findings
from sentinel_forest.datasets.cloudsen12.metadata import (
    KEY_COLUMNS,
    METADATA,
    known_metadata,
    metadata_path,
    read_metadata,
)
from sentinel_forest.datasets.cloudsen12.reader import count_unmeasured
from sentinel_forest.datasets.cloudsen12.vocabulary import IMAGE_LAYERS, LABEL, RADAR_LAYERS
from sentinel_forest.datasets.findings import hole_findings
from sentinel_forest.datasets.keys import forms_of
from sentinel_forest.datasets.values import Values, stacked
from sentinel_forest.errors import InputError
from sentinel_forest.io import causes
from sentinel_forest.io.texts import read_texts


def structure(layout: Layout, folder: Path, files: Sequence[File]) -> list[Finding]:
    """Names and sizes of layers, the number of patches, metadata.csv, and layers that some splits lack."""
    paths = [file.path for file in files]
    splits = splits_of(folder, paths, layout.side)
    findings = [finding for split in splits for finding in _split_findings(folder, split, layout.image)]
    findings += _key_forms(folder, splits)
    if quality.INDICES in paths:
        findings += quality.findings(folder, [known_metadata(folder / split.name) for split in splits])
    everywhere = common_layers(paths)
    for split in splits:
        only = sorted(set(split.files) - everywhere)
        if only:
            findings.append(
                Finding(
                    f"{split.name}/",
                    "structure",
                    "layers",
                    "note",
                    ", ".join(only),
                    "layers that all splits have",
                    "these layers are not used: fetch them for the other splits too",
                )
            )
    return findings


def _key_forms(folder: Path, splits: Sequence[Split]) -> Iterator[Finding]:
    """A note where splits write a key in other forms; keys are compared as values all the same."""
    tables = {}
    for split in splits:
        path = metadata_path(folder / split.name)
        try:
            tables[split.name] = read_texts(path) if path else pd.DataFrame()
        except InputError:  # the check of the table tells of it
            continue
    for column in KEY_COLUMNS:
        forms = {name: forms_of(table[column]) for name, table in tables.items() if column in table}
        if len(set(filter(None, forms.values()))) > 1:
            found = "; ".join(f"{name}: {form}" for name, form in forms.items())
            yield Finding(METADATA, "structure", f"{column}:form", "note", found, "one form in all splits")


def conclude(layout: Layout, inspections: Mapping[str, Inspection]) -> Inspection:
    """What the layers of a split say together: where its images lie, and which pixels are measured.

    Checks: ``padding`` (only if it fails: data elsewhere than the layout says), ``measured``, and ``hole``
    (only if it fails).
    """
    splits: dict[str, list[LayerInspection]] = {}
    for path, seen in inspections.items():
        if isinstance(seen, LayerInspection):
            splits.setdefault(path.split("/", 1)[0], []).append(seen)
    findings = [
        finding
        for name, layers in splits.items()
        for finding in (
            *_extent_findings(layout, name, layers),
            *_measured_findings(layout, name, layers),
            *_hole_findings(layout, name, layers),
            *_label_findings(name, layers),
            *_sample_findings(name, layers),
            *same_layer_findings(name, pd.concat([seen.hashes for seen in layers], ignore_index=True)),
        )
    ]
    return Inspection(tuple(findings), values=_values(splits))


def _sample_findings(name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
    """What sampled pixels of layers say about each other."""
    samples = {seen.layer: seen.sample for seen in layers if seen.sample is not None}
    yield from algorithm_findings(name, samples)
    yield from level_findings(name, samples)
    yield from scribble_findings(name, {seen.layer: seen.dense for seen in layers if seen.dense is not None})


def _values(splits: Mapping[str, Sequence[LayerInspection]]) -> tuple[Values, ...]:
    """What images show of their values, for each split and sensor; layers that some split lacks are left out."""
    everywhere = set.intersection(*({seen.layer for seen in layers} for layers in splits.values())) if splits else set()
    values = []
    for name, layers in splits.items():
        by_layer = {seen.layer: seen for seen in layers if seen.layer in everywhere}
        for names in (IMAGE_LAYERS, RADAR_LAYERS):
            chosen = [layer for layer in names if layer in by_layer]
            seen = [by_layer[layer] for layer in chosen]
            if len({one.count for one in seen}) == 1:
                low = np.stack([one.low for one in seen if one.low is not None], axis=1)
                sample = stacked([one.sample for one in seen if one.sample is not None])
                products = products_of(seen[0].folder / name, seen[0].count)
                labels = by_layer[LABEL].sample if LABEL in by_layer and names is IMAGE_LAYERS else None
                values.append(Values(f"{name}/", tuple(chosen), low, sample, products, labels))
    return tuple(values)


def _label_findings(name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
    """Cloudiness and difficulty in the metadata against what the labels show."""
    for seen in layers:
        if seen.fractions is not None:
            yield from against_labels(seen.folder, name, seen.fractions)


def _extent_findings(layout: Layout, name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
    """A failure if images do not lie where the layout says.

    There are data where the padding should be; or several patches have no data, in any band, up to the
    same edge of the image. (A single one may lie at the edge of what was seen from orbit.)
    """
    images = [seen for seen in layers if seen.layer in IMAGE_LAYERS and not seen.constant]
    images = images or [seen for seen in layers if seen.layer == LABEL and seen.misplaced]
    if not images:
        return
    misplaced = any(seen.misplaced for seen in images)
    blank = np.all([seen.blank for seen in images], axis=0).any() and images[0].count > 1
    if not (misplaced or (blank and images[0].layer != LABEL)):
        return
    told = [seen for seen in images if seen.misplaced] or images
    ends = np.array([seen.data for seen in told])
    (top, bottom), (left, right) = np.stack([ends[..., 0].min(0), ends[..., 1].max(0)], axis=1).tolist()
    padding = Padding(top, layout.side - bottom, left, layout.side - right)
    square = bottom - top == right - left
    remedy = (
        f"declare where the images lie: {padding.layout(layout.side)}"
        if square
        else ("declare where the images lie with the key `padding` of the layout; they must be square")
    )
    yield Finding(
        f"{name}/",
        "content",
        "padding",
        "failed",
        _window_text(padding.window(layout.side)),
        _window_text(layout.window),
        remedy,
        "kept",
    )


def _measured_findings(layout: Layout, name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
    count, folder = max(seen.count for seen in layers), layers[0].folder
    hashes = pd.concat([seen.hashes for seen in layers], ignore_index=True)
    patches = pd.DataFrame({"file": name, "row": range(count)})
    for kind, check in (("optical", "measured"), ("radar", "measured-radar")):
        unmeasured = count_unmeasured(layout, folder, patches, hashes, kind)
        if (unmeasured >= 0).all():
            names = [f"row {row}" for row in range(count)]
            at_end = kind == "radar"  # a ROI without an image of Sentinel-1 has none in any of its patches
            yield unmeasured_finding(f"{name}/", check, unmeasured, layout.image**2, names, kind, at_end)


def _hole_findings(layout: Layout, name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
    """One polarisation of Sentinel-1 that lacks what the other has."""
    radar = {seen.layer: seen.hashes["empty"].to_numpy() for seen in layers if seen.layer in RADAR_LAYERS}
    if len(radar) > 1 and len({len(counts) for counts in radar.values()}) == 1:
        names = [f"row {row}" for row in range(len(next(iter(radar.values()))))]
        yield from hole_findings(f"{name}/", radar, layout.image**2, names)


def _split_findings(folder: Path, split: Split, image: int) -> Iterator[Finding]:
    """Findings about a split; `image` is the side of an image without its padding."""
    there = metadata_path(folder / split.name)
    table = f"{split.name}/{there.name if there else METADATA}"
    if split.count == 0:
        yield Finding(
            f"{split.name}/",
            "structure",
            "patches",
            "failed",
            "no patch",
            "at least one",
            next((text for layer in split.files if (text := _without_padding(split, layer, image))), "")
            or "fetch the files of this split, or leave it out with `select`",
        )
        yield from (finding for layer in split.files for finding in _unreadable(folder, split, layer))
        return
    yield Finding(f"{split.name}/", "structure", "patches", "ok", str(split.count))
    if there:
        yield from _metadata_findings(folder, table, split)
    else:
        yield Finding(
            table,
            "structure",
            "metadata",
            "note",
            "missing",
            "one row per patch",
            "ROIs and products are unknown, so that no patch has a group and links between splits cannot be seen: "
            "fetch it",
        )
    for path in split.twins:
        layer = str(layer_of(path))
        yield Finding(
            path,
            "structure",
            "twin",
            "failed",
            f"{path} and {split.files[layer]}",
            f"one file of {layer}",
            "remove one of the two",
            "left out",
        )
    for layer, path in split.files.items():
        told = list(_unreadable(folder, split, layer))
        yield from told or _layer_findings(split, layer, path, image)


def _metadata_findings(folder: Path, path: str, split: Split) -> Iterator[Finding]:
    try:
        table = read_metadata(folder / path)
    except InputError as error:
        yield Finding(path, "structure", "metadata", "failed", str(error.found), str(error.expected), str(error.remedy))
        return
    status, expected = ("ok" if len(table) == split.count else "failed"), f"{split.count}, as in the layers"
    remedy = "" if status == "ok" else "table and layers do not belong together: fetch both again"
    yield Finding(path, "structure", "rows", status, f"{len(table)} rows", expected, remedy)  # type: ignore[arg-type]
    needed = {"roi_id": ("roi_id",), "s2_id or s2_id_gee": ("s2_id", "s2_id_gee")}
    lacking = [text for text, names in needed.items() if not any(name in table for name in names)]
    meant = {name: key for name in table.columns if (key := name.strip().lower()) in KEY_COLUMNS and name != key}
    if lacking and meant:
        found = ", ".join(f"{name!r}"[:40] for name in meant)
        expected = ", ".join(meant.values())
        remedy = "rename these columns: under their names they are not read, and links between splits stay unseen"
        yield Finding(path, "structure", "columns", "failed", found, expected, remedy, "kept")
    elif lacking:
        yield Finding(
            path,
            "structure",
            "columns",
            "note",
            ", ".join(table.columns),
            ", ".join(lacking),
            "without them links between splits by ROI or product cannot be seen",
        )
    yield from contradictions(path, table)


def _without_padding(split: Split, layer: str, image: int) -> str:
    """What to do where a size is that of images without any padding; "" where it is not."""
    size = split.sizes[layer]
    for kind in dtypes(layer):
        count, rest = divmod(size, image**2 * np.dtype(kind).itemsize)
        if count and not rest and split.side != image:
            return f"these are {count} images of {image} x {image} without padding: " + Padding().layout(image)
    return ""


def _unreadable(folder: Path, split: Split, layer: str) -> Iterator[Finding]:
    """What is in the place of a layer, where its first bytes tell; its size is then that of something else."""
    path, size = split.files[layer], split.sizes[layer]
    if split.dtype(layer) is not None or not (cause := causes.of_file(folder / path, "raw")):
        return
    patch = split.side**2 * np.dtype(dtypes(layer)[0]).itemsize
    header = f"{size % patch} B more than {size // patch} patches: " if cause == causes.NUMPY and size > patch else ""
    expected = "values without a header, as numpy.memmap writes them"
    yield Finding(path, "structure", "readable", "failed", header + cause.found, expected, cause.remedy)


def _layer_findings(split: Split, layer: str, path: str, image: int) -> Iterator[Finding]:
    if path != published_path(path):
        yield Finding(path, "structure", "name", "note", path, published_path(path))
    size, kind = split.sizes[layer], split.dtype(layer)
    if kind is None:
        yield Finding(
            path,
            "structure",
            "size",
            "failed",
            size_text(size, layer, split.side),
            split.fitting(layer),
            _without_padding(split, layer, image)
            or "the file is incomplete, of another split, or of another layout: fetch it again",
        )
        return
    yield Finding(
        path, "structure", "size", "ok", f"{size} B ({split.count} patches of {kind.name})", split.fitting(layer)
    )
    if kind != np.dtype(dtypes(layer)[0]):
        yield Finding(path, "structure", "dtype", "note", kind.name, np.dtype(dtypes(layer)[0]).name)


def _window_text(window: tuple[slice, slice]) -> str:
    rows, columns = window
    return f"images in rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"
