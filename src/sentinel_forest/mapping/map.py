"""A map of a new Sentinel-2 scene, made with a forest of a finished version."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentinel_forest.config import paths
from sentinel_forest.config.releases import OWN
from sentinel_forest.datasets.base import IGNORE, OPTICAL, RADAR, Dataset, FeatureSet
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.applicability import Applicability
from sentinel_forest.evaluation.dissimilarity import read_area
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.features import patch, pixel
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.mapping import plausible
from sentinel_forest.mapping.classify import Mapper
from sentinel_forest.mapping.raster import written
from sentinel_forest.mapping.scene import Scene, open_scene
from sentinel_forest.mapping.strips import classified, map_grid
from sentinel_forest.models.candidate import Candidate, load_candidate
from sentinel_forest.sensors import SENTINEL_2
from sentinel_forest.steps import Output
from sentinel_forest.versions.manifest import is_sealed, read_version, version_folder
from sentinel_forest.versions.opened import dataset_of, is_sample

STRIDE = 10
"""Pixels from one window to the next, where the forest classifies patches: 100 m, as maps of local climate zones."""

SAMPLES = 1_000
"""Training samples that each pixel of a layer of applicability is compared with at most."""


@dataclass(frozen=True)
class Sealed:
    """A forest of a version.

    Attributes
    ----------
    dataset : Dataset
        The dataset of the release it was trained on.
    candidate : Candidate
        The forest.
    tags : mapping
        Version, checksums, split and mark, for the maps that it makes.
    """

    dataset: Dataset
    candidate: Candidate
    tags: Mapping[str, str]

    @property
    def feature_set(self) -> FeatureSet:
        """Its features."""
        return self.candidate.feature_set


def open_forest(folder: Path, release: str, scheme: str, trial: int, set_name: str) -> Sealed:
    """Open a forest of a finished version; all files of the version are first held against its manifest.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    release, scheme, trial, set_name : str, str, int, str
        Which forest of the version.

    Raises
    ------
    InputError
        If the version is not finished or was changed, or has no such forest.
    """
    read_version(folder)
    own_entries = folder.absolute().parent.parent / OWN
    dataset = dataset_of(folder, release, own_entries)
    values = {"release": release, "scheme": scheme, "trial": trial}
    model = folder / paths.place(paths.FOREST, **values, set=set_name)
    if not model.is_file():
        found = (each.relative_to(folder).as_posix() for each in folder.glob(f"{release}/**/{model.name}"))
        there = [owner for each in found if (owner := paths.fields(paths.FOREST, each))]
        raise InputError(
            "The version has no such forest.",
            where=folder / release,
            found=f"{scheme}/{trial}/{set_name}",
            expected=" | ".join(sorted("{scheme}/{trial}/{set}".format_map(owner) for owner in there))[:80],
        )
    split, fit = (folder / paths.place(name, **values, set=set_name) for name in (paths.SPLIT, paths.FIT))
    candidate = load_candidate(dataset, scheme, trial, set_name, split, model, fit)
    tags = {
        "version": folder.name if is_sealed(folder) else f"{folder.name} (not sealed)",
        "manifest_sha256": file_checksum(folder / paths.MANIFEST),
        "forest_sha256": file_checksum(model),
        "release": release,
        "split": f"{scheme}, trial {trial}",
        "feature_set": set_name,
        "training_data": "simulated pixels of a sample" if is_sample(folder, release, own_entries) else "as released",
        "mark": _mark(folder / paths.place(paths.METRICS, **values), set_name),
    }
    return Sealed(dataset, candidate, tags)


def _mark(metrics: Path, set_name: str) -> str:
    """The mark of the scores of a forest's test patches: what links them with those it was trained on."""
    if not metrics.is_file():
        return "unknown: not scored"
    table = read_tsv(metrics, METRICS)
    rows = table[(table["features"] == set_name) & (table["classifier"] == "forest") & (table["role"] == "test")]
    return " | ".join(sorted(set(rows["mark"]))) or "unknown: not tested"


def map_scene(
    *,
    version: Path,
    release: str,
    scheme: str,
    trial: int,
    set: str,
    scene: Path,
    output: Output | None = None,
    probability: Output | None = None,
    margin: Output | None = None,
    applicability: Output | None = None,
    samples: int = SAMPLES,
    radar: Path | None = None,
    level: str | None = None,
    offset: float | None = None,
    stride: int = STRIDE,
    accept: Sequence[str] = (),
    threads: int = 1,
) -> None:
    """Classify a Sentinel-2 scene with a forest of a version, and write a Cloud-Optimized GeoTIFF.

    Parameters
    ----------
    version : Path
        Folder of the version, or its name below ``results``.
    release, scheme, trial, set
        Which forest: release, scheme, trial and feature set.
    scene : Path
        A Sentinel-2 product (SAFE folder or zip), a folder with an image for each band (B04.tif), or one image whose
        bands are described by name.
    output : Path
        The map: codes and colours of the classes, 255 where nothing was measured.
    probability : Path
        Fraction of the votes for the class, in percent.
    margin : Path
        By how much that exceeds the fraction of the next class, in percent.
    applicability : Path
        Dissimilarity to the training data in percent of the threshold: up to 100 lies inside the area of
        applicability. For versions that keep training samples (key `applicability`).
    samples : int
        Training samples that each pixel is compared with at most; more take more time.
    radar : Path
        Folder with a GeoTIFF for each Sentinel-1 band that the features need (VV.tif), on the grid of the scene and in
        the unit of the training data.
    level : str
        L1C or L2A, for images without metadata.
    offset : float
        What to add to digital numbers, for images without metadata: 0 before processing baseline 04.00, -1000 since.
    stride : int
        Pixels from one window to the next, where the forest classifies patches.
    accept : list of str
        Checks of the numbers that may fail, e.g. scattered-light; the map then says so.
    threads : int
        They change no result.
    """
    outputs = {"codes": output, "probability": probability, "margin": margin, "applicability": applicability}
    asked = {name: path for name, path in outputs.items() if path is not None}
    if not asked:
        raise InputError("No layer is asked for.", expected="--output, --probability, --margin or --applicability")
    if threads < 1:
        raise InputError("A map needs a thread.", where="--threads", found=threads, expected="1 or more")
    plausible.check_names(accept)
    _hold_outputs(asked, scene, radar)
    folder = version_folder(version)
    sealed = open_forest(folder, release, scheme, trial, set)
    needed = _needed_bands(sealed)
    if radar is not None and not needed[RADAR]:
        raise InputError("The forest uses no radar.", where="--radar", found=radar, remedy="omit --radar")
    if "applicability" in asked and samples < 2:
        raise InputError("Pixels are compared with samples.", where="--samples", found=samples, expected="2 or more")
    votes = bool({"probability", "margin"} & asked.keys())
    area = _area(folder, sealed, release, samples) if "applicability" in asked else None
    mapper = Mapper(sealed.dataset, sealed.feature_set, sealed.candidate, votes, area, "codes" in asked)
    bands, levels = (needed[OPTICAL], needed[RADAR]), _trained_levels(sealed)
    with open_scene(scene, *bands, radar, level, offset, threads, levels) as opened:
        _hold_size(mapper, opened, stride)
        tags = {**sealed.tags, **_scene_tags(mapper, opened, stride)}
        tags |= _area_tags(area) if area is not None else {}
        _write(mapper, opened, tags, asked, stride, accept, threads)


def _area(folder: Path, sealed: Sealed, release: str, samples: int) -> Applicability:
    """The area of applicability of a forest, from the training samples that its version keeps."""
    one = sealed.candidate
    path = folder / paths.place(
        paths.APPLICABILITY, release=release, scheme=one.scheme, trial=one.trial, set=sealed.feature_set.name
    )
    if not path.is_file():
        raise InputError(
            "The version keeps no training samples, so that nothing tells how far a pixel lies from them.",
            where=path.parent,
            found=f"no {path.name}",
            remedy="compute a version with `applicability: {}` in its configuration",
        )
    return read_area(path, one, samples)


def _area_tags(area: Applicability) -> dict[str, str]:
    """What a layer of applicability says of itself."""
    return {
        "applicability": "dissimilarity in percent of the threshold, rounded up; up to 100 lies inside",
        "applicability_threshold": f"{area.threshold:.6g}",
        "applicability_samples": f"{len(area.points)} training samples, of each group the same number or all",
    }


def _needed_bands(sealed: Sealed) -> dict[str, list[str]]:
    """Bands that the features need, by kind of sensor."""
    if sealed.feature_set.external is not None:
        raise InputError(
            "The features of the forest come from a table, not from bands.",
            where=f"feature set {sealed.feature_set.name}",
            remedy="map with a forest of another feature set",
        )
    unit = sealed.dataset.tasks[sealed.feature_set.task].unit
    module = patch if unit == "patch" else pixel
    features = module.needed_bands(sealed.feature_set.features, sealed.feature_set.bands)
    found: dict[str, list[str]] = {OPTICAL: [], RADAR: []}
    for name in dict.fromkeys((*sealed.feature_set.layers, *features)):
        layer = sealed.feature_set.layers.get(name)
        band = sealed.dataset.layer_table[layer].band if layer else None
        if band is None or band.kind not in found or (band.kind == OPTICAL and name not in SENTINEL_2):
            raise InputError(
                "The forest needs what no scene has.",
                where=f"feature set {sealed.feature_set.name}",
                found=layer or name,
                expected="bands of Sentinel-2 and Sentinel-1 alone",
                remedy="map with a forest of another feature set",
            )
        found[band.kind].append(name)
    if not found[OPTICAL]:
        raise InputError(
            "The forest uses radar alone; a map needs a Sentinel-2 scene that says where something was seen.",
            where=f"feature set {sealed.feature_set.name}",
            remedy="map with a forest whose features use Sentinel-2",
        )
    return found


def _trained_levels(sealed: Sealed) -> set[str]:
    """Processing levels of the optical layers of the training data."""
    table = sealed.dataset.layer_table
    return {table[layer].level for layer in sealed.feature_set.layers.values() if table[layer].is_optical}


def _hold_outputs(asked: Mapping[str, Path], scene: Path, radar: Path | None) -> None:
    """Refuse outputs that would replace one another, a folder, or what the map is made from."""
    places = [path.resolve() for path in asked.values()]
    sources = [each.resolve() for each in (scene, radar) if each is not None]
    for path in places:
        wrong = None
        if places.count(path) > 1:
            wrong = "the file of another layer as well"
        elif path.is_dir():
            wrong = "a folder"
        elif any(path == each or each in path.parents for each in sources):
            wrong = "among the images of the scene"
        if wrong:
            raise InputError("A map cannot be written there.", where=path, found=wrong, remedy="choose another name")


def _hold_size(mapper: Mapper, scene: Scene, stride: int) -> None:
    grid = scene.grid
    if mapper.of_patches and min(grid.height, grid.width) < mapper.dataset.side:
        side = mapper.dataset.side
        raise InputError(
            "The scene is smaller than the patches of the training data.",
            where=scene.product.name[-80:],
            found=f"{grid.height} x {grid.width} pixels",
            expected=f"at least {side} x {side}",
        )
    if stride < 1:
        raise InputError("Windows must move on.", where="--stride", found=stride, expected="1 or more")


def _write(
    mapper: Mapper, scene: Scene, tags: Mapping[str, str], outputs: Mapping[str, Path], stride: int,
    accept: Sequence[str], threads: int,
) -> None:  # fmt: skip
    """Classify, and write the layers that were asked for."""
    categories = mapper.dataset.tasks[mapper.feature_set.task].categories
    code = np.full(256, IGNORE, dtype=np.uint8)
    code[: len(categories)] = [each.code for each in categories]
    grid, empty, seen = map_grid(mapper, scene.grid, stride), 0, plausible.Seen(scene.grid.height, scene.grid.width)
    with ExitStack() as stack:
        rasters = {
            name: stack.enter_context(
                written(path, grid, {**tags, "layer": name}, categories if name == "codes" else ())
            )
            for name, path in outputs.items()
        }
        for first, answers in classified(mapper, scene, stride, threads, seen):
            empty += int((answers.codes == IGNORE).sum())
            for name, raster in rasters.items():
                rows = code[answers.codes] if name == "codes" else getattr(answers, name)
                assert rows is not None, "layers that are asked for are computed"
                raster.write(first, rows)
            done = min(first + len(answers.codes), grid.height)
            print(f"{done} of {grid.height} rows", file=sys.stderr)
        if empty == grid.height * grid.width:
            raise InputError(
                "No pixel of the scene carries a measurement of all sensors.",
                where=scene.product.name[-80:],
                found="0 or no data everywhere",
                remedy="look at the images; fetch the product again",
            )
        accepted = plausible.hold(seen, mapper.dataset, accept, scene.product.name)
        for raster in rasters.values():
            raster.tags["pixels_without_answer"] = str(empty)
            raster.tags["accepted"] = ", ".join(accepted) or "nothing"
            raster.tags["windows_checked"] = str(len(seen.low))


def _scene_tags(mapper: Mapper, scene: Scene, stride: int) -> dict[str, str]:
    """What a map says of the scene it was made from."""
    used = sorted({scene.offsets[name] for name in scene.optical})
    tags = {
        "scene": scene.product.name,
        "level": scene.product.level,
        "baseline": scene.product.baseline or "not known",
        "offset": ", ".join(f"{value:g}" for value in used),
        "coarse_bands": "nearest neighbour",
    }
    if scene.resampled:
        tags["coarse_bands"] += f"; resampled before: {', '.join(scene.resampled)}"
    if mapper.of_patches:
        tags["windows"] = f"{mapper.dataset.side} pixels, each {stride} pixels"
    return tags
