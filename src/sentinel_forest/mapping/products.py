"""Sentinel-2 products: which file holds which band, and what their metadata say of level, baseline and offset.

From baseline 04.00 on (25 January 2022) digital numbers carry an offset: reflectance = (number + offset) / 10,000,
with an offset of -1000 in all bands. The metadata of a product name it; band files on their own do not
(ESA, Sentinel-2 Products Specification Document).
"""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sentinel_forest.errors import InputError
from sentinel_forest.sensors import SENTINEL_2

QUANTIFICATION = 10_000
"""Digital numbers for a reflectance of 1."""

NEW_BASELINE = 4.0
"""The first processing baseline whose digital numbers carry an offset."""

MOST_BYTES = 20 * 2**20
"""Largest metadata file that is read."""

MOST_FILES = 100_000
"""Entries of an archive or folder that are looked at."""

_OFFSET = {"L1C": "RADIO_ADD_OFFSET", "L2A": "BOA_ADD_OFFSET"}
LEVELS = tuple(_OFFSET)

_IMAGE = re.compile(r"\.(jp2|tiff?)$", re.IGNORECASE)
_BAND = re.compile(r"(?:^|[_.\- ])B0?(1[0-2]|8A|[1-9])(?=[_.\- ])", re.IGNORECASE)
_METADATA = re.compile(r"(?:^|/)(?:MTD_MSIL(?:1C|2A)|S2[A-D]_\w+_MTD_SAFL(?:1C|2A)_\w+)\.xml$")
_IN_PRODUCT = re.compile(r"/IMG_DATA/(?:R\d0m/)?[^/]*_B(?:\d\d|8A)(?:_\d0m)?\.jp2$")


@dataclass(frozen=True)
class Product:
    """Where the bands of a scene are, and what is known of their numbers.

    Attributes
    ----------
    name : str
        Identifier of the product, or the name of the folder or file.
    files : mapping
        For each band the files that hold it, as GDAL opens them.
    level : str
        ``L1C`` (top of atmosphere) or ``L2A`` (surface); blank if unknown.
    baseline : str
        Processing baseline, e.g. ``05.09``; blank if unknown.
    offsets : mapping or None
        For each band the number to add; without the bands, or None, where nothing declares it.
    """

    name: str
    files: Mapping[str, tuple[str, ...]]
    level: str = ""
    baseline: str = ""
    offsets: Mapping[str, float] | None = None


def find_product(path: Path) -> Product:
    """Find the bands of a product in a SAFE folder, a zip of one, or a folder with a file for each band.

    Raises
    ------
    InputError
        If there is no such path, the metadata cannot be read, or the product has several tiles.
    """
    if not path.exists():
        raise InputError(
            "There is no such scene.", where=path, expected="a SAFE folder or zip, a folder of bands, or an image"
        )
    path = path.parent if path.is_file() and _METADATA.search(path.name) else path
    if path.is_dir():
        part = path.absolute()
        root = _product_around(part)
        names = [
            each.relative_to(root).as_posix()
            for each in _below(root)
            if root in (part, each.parent) or part in each.parents
        ]
        return _product(root, names, str(root), lambda name: (root / name).read_bytes())
    if path.suffix.lower() == ".zip":
        return _zipped(path)
    return Product(path.stem, {})


def leveled(product: Product, level: str | None, trained: Collection[str] | None, path: Path) -> Product:
    """The product with a processing level that is known, and is that of the training data.

    Parameters
    ----------
    product : Product
        What its metadata tell.
    level : str or None
        What the user says.
    trained : collection of str or None
        Levels of the training data, blank where a dataset declares none; None if any will do.
    path : Path
        The scene, for messages.

    Raises
    ------
    InputError
        If the level is unknown, contradicts the metadata, or is not that of the training data.
    """
    if level is not None and level not in LEVELS:
        raise InputError("Unknown processing level.", where="--level", found=level, expected=" | ".join(LEVELS))
    if product.level and level and level != product.level:
        raise InputError(
            "The product has another level.", where=path, found=product.level, expected=level, remedy="omit --level"
        )
    if not (product.level or level):
        raise InputError(
            "The processing level of the scene is not known.",
            where=path,
            found="images without metadata",
            expected=" | ".join(LEVELS),
            remedy="say it: --level L1C (top of atmosphere) or --level L2A (surface)",
        )
    known = replace(product, level=product.level or str(level))
    if trained is not None and set(trained) != {known.level}:
        declared = all(trained)
        raise InputError(
            "The scene has another processing level than the training data.",
            where=known.name[-80:],
            found=known.level,
            expected=", ".join(sorted(trained)) if declared else "a level that its dataset does not declare",
            remedy="fetch the product of that level" if declared else "declare `level` in the layers of the dataset",
        )
    return known


def band_of(name: str) -> str | None:
    """The Sentinel-2 band that the name of a file, or of a layer in it, speaks of; None if there is none, or several.

    Examples
    --------
    >>> band_of("T32UQD_20220105T102411_B04_10m.jp2"), band_of("B8A.tif"), band_of("notes.tif")
    ('B4', 'B8A', None)
    """
    found = {f"B{number.upper()}" for number in _BAND.findall(f"{name} ")}
    return found.pop() if len(found) == 1 else None


def _product_around(part: Path) -> Path:
    """The SAFE folder that a folder is a part of, so that its metadata count; the folder itself if there is none."""
    above = [each for each in part.parents if each.suffix == ".SAFE"]
    return next((each for each in above if any(_METADATA.search(file.name) for file in each.iterdir())), part)


def _below(path: Path) -> list[Path]:
    return sorted(each for each in islice(path.rglob("*"), MOST_FILES) if each.is_file())


def _zipped(path: Path) -> Product:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename: info for info in archive.infolist()[:MOST_FILES]}

            def read(name: str) -> bytes:
                if infos[name].file_size > MOST_BYTES:
                    raise _no_metadata(f"{path}/{name}", f"{infos[name].file_size} bytes")
                return archive.read(name)

            return _product(path, sorted(infos), f"/vsizip/{{{path.absolute()}}}", read)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(
            "This archive cannot be read.", where=path, found=str(error)[:80], remedy="fetch the product again"
        ) from None


def _product(path: Path, names: Iterable[str], root: str, read: Callable[[str], bytes]) -> Product:
    """A product from the names of its files; without metadata of a SAFE product, a folder of band files."""
    listed = [name for name in names if ".." not in name.split("/")]
    metadata = [name for name in listed if _METADATA.search(name) and name.count("/") <= 1]
    if not metadata:
        images = [name for name in listed if _IMAGE.search(name)]
        return Product(path.stem, _files(images, root))
    if len(metadata) > 1:
        raise InputError("The scene holds several products.", where=path, found=metadata[:2], remedy="name one of them")
    images = [name for name in listed if _IN_PRODUCT.search(name)]
    tiles = sorted({name.split("/IMG_DATA/")[0] for name in images})
    if len(tiles) > 1:
        raise InputError(
            "The product has several tiles.",
            where=path,
            found=f"{len(tiles)} granules, e.g. {tiles[0]}",
            expected="one",
            remedy="name the folder IMG_DATA of one granule",
        )
    return _described(path, metadata[0], read(metadata[0]), _files(images, root))


def _files(names: Iterable[str], root: str) -> dict[str, tuple[str, ...]]:
    files: dict[str, tuple[str, ...]] = {}
    for name in names:
        if band := band_of(name.rpartition("/")[2]):
            files[band] = (*files.get(band, ()), f"{root}/{name}")
    return files


def _described(path: Path, name: str, data: bytes, files: Mapping[str, tuple[str, ...]]) -> Product:
    """A product as its metadata describe it."""
    where = f"{path}/{name}"
    if len(data) > MOST_BYTES or b"<!DOCTYPE" in data:
        raise _no_metadata(where, "more than metadata")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise _no_metadata(where, str(error)) from None
    values: dict[str, list[ET.Element]] = {}
    for element in root.iter():
        values.setdefault(element.tag.rpartition("}")[2], []).append(element)

    def text(*tags: str) -> str:
        return next((values[tag][0].text or "" for tag in tags if tag in values), "").strip()

    level = "L2A" if "2A" in text("PROCESSING_LEVEL") else "L1C" if "1C" in text("PROCESSING_LEVEL") else ""
    baseline = text("PROCESSING_BASELINE")
    quantification = text("QUANTIFICATION_VALUE", "BOA_QUANTIFICATION_VALUE")
    if not level or not re.fullmatch(r"\d\d\.\d\d", baseline) or quantification not in ("10000", "10000.0"):
        raise _no_metadata(where, f"level {level!r}, baseline {baseline!r}, quantification {quantification!r}")
    offsets = _declared_offsets(values.get(_OFFSET[level], []), where)
    if not offsets and float(baseline) >= NEW_BASELINE:
        raise InputError(
            "A product of a new baseline does not declare its offset.",
            where=where,
            found=f"baseline {baseline}, no {_OFFSET[level]}",
            remedy="fetch the product again",
        )
    identifier = text("PRODUCT_URI", "PRODUCT_URI_1C", "PRODUCT_URI_2A") or path.name
    return Product(identifier.removesuffix(".SAFE"), files, level, baseline, offsets or dict.fromkeys(SENTINEL_2, 0.0))


def _declared_offsets(elements: Iterable[ET.Element], where: str) -> dict[str, float]:
    """Offset of each band that the metadata declare one for."""
    numbers = {str(number): band for number, band in enumerate(SENTINEL_2)}
    offsets: dict[str, float] = {}
    for each in elements:
        band, told = numbers.get(each.get("band_id", "").strip()), (each.text or "").strip()
        if band is None or band in offsets:
            raise _no_metadata(where, f"an offset of {'a band that has one' if band else 'no band'}: {told}")
        if not re.fullmatch(r"-?\d{1,5}(\.\d{1,6})?", told) or not -QUANTIFICATION <= float(told) <= 0:
            raise _no_metadata(where, f"offset {told!r} of {band}")
        offsets[band] = float(told)
    return offsets


def _no_metadata(where: str, found: str) -> InputError:
    return InputError(
        "The metadata of the product cannot be used.",
        where=where,
        found=found[:80],
        expected="level, baseline, quantification 10000, and one offset, at most 0, for each band",
        remedy="fetch the product again",
    )
