"""So2Sat LCZ42: local climate zones of 32 x 32 pixel patches, all four versions.

Each split is one HDF5 file with ``sen1`` (N, 32, 32, 8), ``sen2`` (N, 32, 32, 10) and ``label``
(N, 17, one-hot), all float64, contiguous and uncompressed. Version 4 adds ``<split>_geo.h5`` with
``epsg`` (N, 1), ``tfw`` (N, 6) and, since its later revisions, ``city`` (N, 1). Files may be packed
(``.h5.gz``) and may lie one folder down (version 3: ``random/``, ``block/``, ``culture_10/``).

Sentinel-1 is in linear units, Sentinel-2 in reflectance. The files name no city, except version 4's:
without it every patch is a group of its own, and nothing can be said about links by place.

Source: Zhu et al. 2020, IEEE Geoscience and Remote Sensing Magazine 8(3), 76-89,
doi 10.1109/MGRS.2020.2964708.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import h5py
import numpy as np
import pandas as pd
import xxhash
from rasterio.crs import CRS
from rasterio.warp import transform

from sentinel_forest.datasets.base import (
    GROUND,
    SPLITS,
    Block,
    Category,
    Columns,
    Dataset,
    FeatureSet,
    File,
    Finding,
    Implied,
    Inspection,
    Inspector,
    Layer,
    NotPublished,
    Question,
    Reference,
    Task,
    hash_table,
    no_hashes,
    unmeasured_finding,
    unmeasured_text,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5
from sentinel_forest.io.copying import NewFile, Piece, append, runs
from sentinel_forest.io.tables import replacing

SIDE = 32
"""Rows and columns of a patch; a pixel is 10 m wide."""
SHAPES = {"label": (17,), "sen1": (SIDE, SIDE, 8), "sen2": (SIDE, SIDE, 10)}
ROW_BYTES = 147_592
"""Bytes of one patch: (32 x 32 x 18 + 17) x 8."""
OVERHEAD_BYTES = 2_048
"""Bytes of HDF5 around the data of a published file."""

PATTERN = re.compile(r"(?:[^/]+/)?(training|validation|testing)(_geo)?\.h5(\.gz)?")
PUBLISHED = {"training": "train", "validation": "validation", "testing": "test"}

AMPLITUDE, POWER = "linear amplitude", "linear power"
SAR = {
    "VH_re": AMPLITUDE,
    "VH_im": AMPLITUDE,
    "VV_re": AMPLITUDE,
    "VV_im": AMPLITUDE,
    "VH_intensity": POWER,
    "VV_intensity": POWER,
    "C_re": POWER,
    "C_im": POWER,
}
"""Channels of ``sen1`` in stored order: complex values without a filter, Lee-filtered intensities, and
the covariance of VH and VV."""
OPTICAL = {
    "B2": 492.4,
    "B3": 559.8,
    "B4": 664.6,
    "B5": 704.1,
    "B6": 740.5,
    "B7": 782.8,
    "B8": 832.8,
    "B8A": 864.7,
    "B11": 1613.7,
    "B12": 2202.4,
}
"""Channels of ``sen2`` in stored order, with the central wavelengths of Sentinel-2A in nm."""
CHANNELS = {"sen1": tuple(SAR), "sen2": tuple(OPTICAL)}

CLASSES = (
    ("Compact high-rise", "#8c0000"),
    ("Compact mid-rise", "#d10000"),
    ("Compact low-rise", "#ff0000"),
    ("Open high-rise", "#bf4d00"),
    ("Open mid-rise", "#ff6600"),
    ("Open low-rise", "#ff9955"),
    ("Lightweight low-rise", "#faee05"),
    ("Large low-rise", "#bcbcbc"),
    ("Sparsely built", "#ffccaa"),
    ("Heavy industry", "#555555"),
    ("Dense trees", "#006a00"),
    ("Scattered trees", "#00aa00"),
    ("Bush or scrub", "#648525"),
    ("Low plants", "#b9db79"),
    ("Bare rock or paved", "#000000"),
    ("Bare soil or sand", "#fbf7ae"),
    ("Water", "#6a6aff"),
)
"""LCZ 1-10 and A-G (Stewart and Oke 2012, doi 10.1175/BAMS-D-11-00019.1) with the colours of WUDAPT."""
BUILT = tuple(name for name, _ in CLASSES[:10])

LARGEST_REFLECTANCE = 6.5535
"""Largest 16-bit digital number / 10,000."""
AT_ONCE = 64
"""Rows that are read at a time where the bytes of a file are not its rows."""
TOLERANCE = 0.01
"""Difference from a published mean or deviation that passes, in standard deviations (fact `tolerance`)."""
CITY_EXTENT = 300_000.0
"""No city of the dataset is wider (m); a wrong UTM zone moves patches farther."""


# Writing


@contextmanager
def create(folder: Path, name: str, count: int) -> Iterator[h5py.File]:
    """Open ``folder/<name>.h5`` for `count` patches in the published layout, to be filled by the caller.

    The file appears when the block ends well; its size is ``count * ROW_BYTES + OVERHEAD_BYTES``.

    Parameters
    ----------
    folder : Path
        The folder of the release.
    name : str
        ``training``, ``validation`` or ``testing``.
    count : int
        Number of patches, at least 1.

    Yields
    ------
    h5py.File
        With ``sen1`` (count, 32, 32, 8), ``sen2`` (count, 32, 32, 10) and ``label`` (count, 17), float64;
        rows may be written in any order.
    """
    with replacing(folder / f"{name}.h5") as beside, _laid_out(beside, count, SHAPES) as file:
        yield file


def _laid_out(path: Path, count: int, keys: Iterable[str]) -> h5py.File:
    """A new file with empty datasets for `count` patches."""
    file = hdf5.created(path)
    for key in keys:
        space = h5py.h5s.create_simple((count, *SHAPES[key]))
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        # Places are given at once, so that the layout does not depend on the order of writing.
        settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        settings.set_obj_track_times(False)
        h5py.h5d.create(file.id, key.encode(), h5py.h5t.IEEE_F64LE, space, settings)
    return file


def write_geo(folder: Path, name: str, epsg: np.ndarray, tfw: np.ndarray, city: Sequence[str] | np.ndarray) -> None:
    """Write ``folder/<name>_geo.h5`` in the layout of version 4.

    Parameters
    ----------
    folder : Path
        The folder of the release.
    name : str
        ``training``, ``validation`` or ``testing``.
    epsg : ndarray of int, shape (N,)
        Code of the UTM zone of each patch.
    tfw : ndarray of float64, shape (N, 6)
        World-file order A, D, B, E, C, F; (C, F) is the upper left corner of the patch in metres.
    city : sequence of str, length N
        ASCII names of at most 20 characters.
    """
    tables = {
        "city": np.array(city, dtype="S20")[:, None],
        "epsg": np.asarray(epsg, dtype="int32")[:, None],
        "tfw": np.asarray(tfw, dtype="float64"),
    }
    with replacing(folder / f"{name}_geo.h5") as beside:
        _write_tables(beside, tables)


def _write_tables(path: Path, tables: Mapping[str, np.ndarray]) -> None:
    with hdf5.created(path) as file:
        for key, table in tables.items():
            file.create_dataset(key, data=table, track_times=False)


# Content, while the bytes pass by


class _Rows:
    """Cuts the bytes of one dataset into its rows, whatever the pieces they come in."""

    def __init__(self, offset: int, count: int, values: int, take: Callable[[np.ndarray], None]) -> None:
        self.offset, self.values, self.take = offset, values, take
        self.end = offset + count * values * 8
        self.carried = bytearray()

    def update(self, piece: memoryview) -> None:
        length = self.values * 8
        if self.carried:
            missing = length - len(self.carried)
            self.carried += piece[:missing]
            piece = piece[missing:]
            if len(self.carried) < length:
                return
            self._pass_on(memoryview(self.carried))
        whole = len(piece) // length * length
        if whole:
            self._pass_on(piece[:whole])
        self.carried = bytearray(piece[whole:])

    def _pass_on(self, rows: memoryview) -> None:
        self.take(np.frombuffer(rows, "<f8").reshape(-1, self.values))


class _Places:
    """How many channels of patches show something, and which were the first; nothing more is kept."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.channels, self.count = channels, 0
        self.first: list[str] = []

    def add(self, row: int, channel: int) -> None:
        self.count += 1
        if self.count <= 5:
            self.first.append(f"row {row} {self.channels[channel]}")

    def text(self) -> str:
        """Blank if there was none."""
        more = ", ..." if self.count > len(self.first) else ""
        return f"{self.count} patch channels: {', '.join(self.first)}{more}" if self.count else ""


class _Pixels:
    """What the rows of ``sen1`` or ``sen2`` show, channel by channel, accumulated in float64."""

    def __init__(self, key: str) -> None:
        self.key, self.channels = key, CHANNELS[key]
        values = SIDE * SIDE * len(self.channels)
        self.count = self.used = 0
        self.low, self.high = np.full(values, np.inf), np.full(values, -np.inf)
        self.total, self.squares = np.zeros(values), np.zeros(values)
        self.hashes = bytearray()
        self.empty: list[int] = []
        self.not_finite, self.constant = _Places(self.channels), _Places(self.channels)

    def take(self, rows: np.ndarray) -> None:
        for row in rows:
            self.hashes += xxhash.xxh3_128_digest(row)
        with np.errstate(invalid="ignore"):
            low, high = rows.min(0), rows.max(0)
        self._look_for_constants(rows, self.count)
        self._count_empty(rows, low)
        self.count += len(rows)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            rows, low, high = self._without_gaps(rows, self.count - len(rows))
        self.used += len(rows)
        np.minimum(self.low, low, out=self.low)
        np.maximum(self.high, high, out=self.high)
        self.total += rows.sum(0)
        self.squares += np.einsum("ij,ij->j", rows, rows)

    def _without_gaps(self, rows: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Note NaN and Inf; give the rows that have none, so that the statistics still say something."""
        finite = np.isfinite(rows)
        bad = ~finite.reshape(len(rows), -1, len(self.channels)).all(1)
        for row, channel in np.argwhere(bad):
            self.not_finite.add(first + row, channel)
        rows = rows[finite.all(1)]
        return rows, rows.min(0, initial=np.inf), rows.max(0, initial=-np.inf)

    def _look_for_constants(self, rows: np.ndarray, first: int) -> None:
        pixels = rows.reshape(len(rows), SIDE * SIDE, len(self.channels))
        # Three pixels tell nearly all patches apart; only the others are looked through.
        same = (pixels[:, 0] == pixels[:, -1]) & (pixels[:, 0] == pixels[:, SIDE * SIDE // 2 + SIDE // 2])
        for row, channel in np.argwhere(same):
            if (pixels[row, :, channel] == pixels[row, 0, channel]).all():
                self.constant.add(first + row, channel)

    def _count_empty(self, rows: np.ndarray, low: np.ndarray) -> None:
        """Count the pixels of each row that are 0 in all bands; Sentinel-1 does not tell of measurement."""
        if self.key != "sen2" or low.min() > 0:
            self.empty += [0] * len(rows)
            return
        zero = (rows == 0).reshape(len(rows), SIDE * SIDE, len(self.channels))
        self.empty += zero.all(axis=2).sum(axis=1).tolist()

    def findings(self, file: File) -> list[Finding]:
        gaps = self.not_finite.text()
        remedy = "leave these rows out, or fetch the file again"
        found = [_verdict(file, "content", f"{self.key}:finite", not gaps, gaps or "all", "no NaN, no Inf", remedy)]
        constant = self.constant.text()
        found.append(_note(file, f"{self.key}:constant", not constant, constant or "none", "no constant patch"))
        if self.key == "sen2" and self.count:
            names = [f"row {row}" for row in range(self.count)]
            text = unmeasured_text(self.empty, SIDE * SIDE, names)
            found.append(unmeasured_finding(file.path, f"{self.key}:measured", text, self.count))
        return found + (self._value_findings(file) if self.used else [])

    def _value_findings(self, file: File) -> list[Finding]:
        shape = (SIDE * SIDE, len(self.channels))
        number = self.used * SIDE * SIDE
        mean = self.total.reshape(shape).sum(0) / number
        deviation = np.sqrt(np.maximum(self.squares.reshape(shape).sum(0) / number - mean**2, 0))
        low, high = self.low.reshape(shape).min(0), self.high.reshape(shape).max(0)
        start = list(CHANNELS).index(self.key) * len(SAR)
        found = []
        for channel, band in enumerate(self.channels):
            text = (
                f"min {low[channel]:.6g}, max {high[channel]:.6g}, "
                f"mean {mean[channel]:.8g}, deviation {deviation[channel]:.8g}"
            )
            at = start + channel
            found.append(_values(file, f"{self.key}:{band}", text, float(mean[channel]), float(deviation[channel]), at))
        return [*found, self._range(file, low, high, mean)]

    def _range(self, file: File, low: np.ndarray, high: np.ndarray, mean: np.ndarray) -> Finding:
        """Whether the values can be what the channels are: reflectance, or linear backscatter."""
        text = f"{low.min():.6g} .. {high.max():.6g}"
        if self.key == "sen1":
            power = low[4:6].min()
            return _note(file, "sen1:range", power >= 0, f"intensity from {power:.6g}", "intensities of 0 or more")
        if mean.max() > 1.5 or low.min() < -1:
            remedy = "divide digital numbers by 10,000"
            return _verdict(file, "content", "sen2:range", False, text, "reflectance, 0 .. 1 for most", remedy)
        good = low.min() >= 0 and high.max() <= LARGEST_REFLECTANCE
        return _note(file, "sen2:range", good, text, f"0 .. {LARGEST_REFLECTANCE}")

    def hash_table(self, path: str) -> pd.DataFrame:
        """Hash of each row, see `base.hash_table`."""
        text = self.hashes.hex()
        hashes = [text[start : start + 32] for start in range(0, len(text), 32)]
        return hash_table([path] * self.count, range(self.count), [self.key] * self.count, hashes, self.empty)


class _Labels:
    """What the rows of ``label`` show."""

    def __init__(self) -> None:
        self.count = 0
        self.classes = bytearray()
        self.wrong, self.first_wrong = 0, ""

    def take(self, rows: np.ndarray) -> None:
        wrong = ~_one_hot(rows)
        if not self.wrong and wrong.any():
            first = int(wrong.argmax())
            self.first_wrong = f"row {self.count + first}: {_row_text(rows[first])}"
        self.wrong += int(wrong.sum())
        self.count += len(rows)
        self.classes += rows.argmax(1).astype(np.uint8).tobytes()

    def findings(self, file: File) -> list[Finding]:
        found = f"{self.wrong} rows, the first: {self.first_wrong}" if self.wrong else "all rows"
        remedy = "fetch the file again, or correct the row"
        findings = [_verdict(file, "content", "one-hot", not self.wrong, found, "one 1 and sixteen 0", remedy)]
        counts = np.bincount(np.frombuffer(self.classes, np.uint8), minlength=len(CLASSES)).tolist()
        order = hashlib.sha256(self.classes).hexdigest()
        for check, value in (("class_counts", counts), ("label_order_sha256", order)):
            expected = file.facts.get(check)
            findings.append(
                _verdict(
                    file,
                    "content",
                    check,
                    expected is None or value == expected,
                    str(value),
                    "" if expected is None else str(expected),
                    "the labels or their order are not the published ones: fetch the file again",
                )
            )
        return findings


class _ImageInspector(Inspector):
    """Looks at all datasets of one file as its bytes pass by, each byte once."""

    block_bytes = 1 << 20  # so that a piece stays in the processor's cache for all that is done with it

    def __init__(self, file: File, places: Mapping[str, tuple[int, int]]) -> None:
        self.file, self.position = file, 0
        self.pixels = {key: _Pixels(key) for key in CHANNELS}
        self.labels = _Labels()
        self.parts: dict[str, _Pixels | _Labels] = {**self.pixels, "label": self.labels}
        self.regions = [
            _Rows(offset, count, int(np.prod(SHAPES[key])), self.parts[key].take)
            for key, (offset, count) in places.items()
        ]

    def update(self, block: memoryview) -> None:
        for region in self.regions:
            start = max(region.offset - self.position, 0)
            stop = min(region.end - self.position, len(block))
            if start < stop:
                region.update(block[start:stop])
        self.position += len(block)

    def finish(self) -> Inspection:
        findings = [finding for part in self.pixels.values() for finding in part.findings(self.file)]
        if self.labels.count:
            findings += self.labels.findings(self.file)
        tables = [part.hash_table(self.file.path) for part in self.pixels.values() if part.count]
        return Inspection(tuple(findings), pd.concat(tables, ignore_index=True) if tables else no_hashes())


class _RepackedInspector(_ImageInspector):
    """The same for a file in chunks, compressed or of another float, which only HDF5 can put together."""

    def __init__(self, file: File, path: Path) -> None:
        super().__init__(file, {})
        self.path = path

    def update(self, block: memoryview) -> None:
        """Nothing can be told from the bytes as they lie."""

    def finish(self) -> Inspection:
        try:
            with hdf5.opened(self.path) as handle:
                for key, part in self.parts.items():
                    for start in range(0, len(handle.get(key, ())), AT_ONCE):
                        rows = handle[key][start : start + AT_ONCE].astype("<f8")
                        part.take(rows.reshape(len(rows), -1))
        except InputError as error:
            return Inspection((_unreadable(self.file, error, self.path.stat().st_size),))
        return super().finish()


def _values(file: File, layer: str, text: str, mean: float, deviation: float, at: int) -> Finding:
    """Mean and deviation of a channel against the published ones (facts `means`, `deviations`).

    Another mean is a failure. Another deviation is only worth a note: outliers of Sentinel-1 rule it,
    and how the published ones were computed is not known.
    """
    published = {"means": _fact(file, "means", at), "deviations": _fact(file, "deviations", at)}
    margin = float(cast(float, file.facts.get("tolerance", TOLERANCE))) * deviation
    near = {
        name: expected is None or abs(found - expected) <= margin
        for (name, expected), found in zip(published.items(), (mean, deviation), strict=True)
    }
    labels = {"means": "mean", "deviations": "deviation"}
    expected = ", ".join(f"{labels[name]} {value:.8g}" for name, value in published.items() if value is not None)
    if near["means"] and not near["deviations"]:
        return _note(file, f"{layer}:values", False, text, expected)
    remedy = "the values are not the published ones: fetch the file again"
    return _verdict(file, "content", f"{layer}:values", near["means"], text, expected, remedy)


def _fact(file: File, name: str, at: int) -> float | None:
    values = file.facts.get(name)
    return values[at] if isinstance(values, Sequence) else None


def _one_hot(rows: np.ndarray) -> np.ndarray:
    return ((rows == 1).sum(1) == 1) & ((rows == 0).sum(1) == rows.shape[1] - 1)


def _row_text(row: np.ndarray) -> str:
    return " ".join(f"{value:g}" for value in row)


Part = Literal["bytes", "structure", "content"]


def _verdict(
    file: File, layer: Part, check: str, good: bool, found: str, expected: str = "", remedy: str = ""
) -> Finding:
    """``ok`` or ``failed``; the remedy is only given where one is needed."""
    if good:
        return Finding(file.path, layer, check, "ok", found, expected)
    return Finding(file.path, layer, check, "failed", found, expected, remedy)


def _note(file: File, check: str, good: bool, found: str, expected: str) -> Finding:
    return Finding(file.path, "content", check, "ok" if good else "note", found, expected)


# Structure


def _image_structure(file: File, handle: h5py.File, size: int) -> Iterator[Finding]:
    """Findings about one image file, and none about what depends on a dataset that is not there."""
    there = {key: handle[key] for key in SHAPES if isinstance(handle.get(key), h5py.Dataset)}
    missing = [key for key in CHANNELS if key not in there]
    yield _verdict(
        file,
        "structure",
        "keys",
        not missing,
        ", ".join(handle),
        ", ".join(CHANNELS),
        f"without {' and '.join(missing)} the file cannot be used: fetch the published one",
    )
    yield _label_structure(file, "label" in there)
    for key, dataset in there.items():
        yield from _dataset_structure(file, dataset, key)
    if missing:
        return
    rows = {key: dataset.shape[0] if dataset.shape else 0 for key, dataset in there.items()}
    yield _verdict(
        file,
        "structure",
        "rows",
        len(set(rows.values())) == 1,
        ", ".join(f"{key} {count}" for key, count in rows.items()),
        "as many in each dataset",
        "the datasets do not belong together: fetch the published file",
    )
    if "label" in there and all(_contiguous(dataset) for dataset in there.values()):
        length = rows["sen2"] * ROW_BYTES + OVERHEAD_BYTES
        yield _verdict(
            file,
            "structure",
            "size",
            size == length,
            f"{size} B",
            f"{length} B ({rows['sen2']} x {ROW_BYTES} + {OVERHEAD_BYTES})",
            "the file was written anew or changed: fetch the published one, or accept 'size'",
        )


def _label_structure(file: File, there: bool) -> Finding:
    """Whether there are labels; the fact ``labels: false`` says that a release has none in this file."""
    if not there and not file.facts.get("labels", True):
        return Finding(file.path, "structure", "labels", "note", "none", "none in this version")
    remedy = "fetch the published file: patches without a label cannot be scored"
    return _verdict(file, "structure", "labels", there, "label" if there else "none", "label", remedy)


def _dataset_structure(file: File, dataset: h5py.Dataset, key: str) -> Iterator[Finding]:
    shape, expected = dataset.shape, SHAPES[key]
    turned = sorted(shape[1:]) == sorted(expected) and shape[1:] != expected
    yield _verdict(
        file,
        "structure",
        f"{key}:shape",
        shape[1:] == expected and shape[0] > 0,
        _shape_text(shape),
        f"(N, {', '.join(map(str, expected))})",
        "the axes are turned: channels come last" if turned else "fetch the published file",
    )
    yield _verdict(
        file,
        "structure",
        f"{key}:dtype",
        dataset.dtype == np.dtype("<f8"),
        str(dataset.dtype),
        "float64",
        "the values were converted: fetch the published file",
    )
    contiguous = _contiguous(dataset)
    kind = "contiguous" if contiguous else f"chunks {dataset.chunks}, compression {dataset.compression}"
    status: Literal["ok", "note"] = "ok" if contiguous else "note"  # written anew, and read all the same
    yield Finding(file.path, "structure", f"{key}:layout", status, kind, "contiguous, uncompressed")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def _geo_structure(file: File, handle: h5py.File, rows: int | None) -> Iterator[Finding]:
    """Findings about one geo file; `rows` is the number of rows of its image file (None: unknown)."""
    missing = [key for key in ("epsg", "tfw") if not isinstance(handle.get(key), h5py.Dataset)]
    yield _verdict(
        file, "structure", "keys", not missing, ", ".join(handle), "city, epsg, tfw", "fetch the published file"
    )
    if missing:
        return
    dtypes = {key: handle[key].dtype for key in ("epsg", "tfw")}
    numeric = all(dtype.kind in "iuf" for dtype in dtypes.values())
    yield _verdict(
        file,
        "structure",
        "dtype",
        numeric,
        ", ".join(f"{key} {dtype}" for key, dtype in dtypes.items()),
        "numbers",
        "fetch the published file",
    )
    if not numeric:
        return
    tfw = handle["tfw"][...]
    counts = {"epsg": handle["epsg"].size, "tfw": tfw.shape[0] if tfw.shape else 0}
    cities = _cities(handle)
    if cities is None:
        yield Finding(file.path, "structure", "city", "note", "none", "cities, as in the later geo files")
    else:
        counts["city"] = cities.size
    wanted = rows if rows is not None else counts["epsg"]
    yield _verdict(
        file,
        "structure",
        "rows",
        set(counts.values()) == {wanted},
        ", ".join(f"{key} {count}" for key, count in counts.items()),
        f"{wanted}, as in the image file" if rows is not None else "as many in each dataset",
        "this geo file belongs to another image file: fetch both from the same version",
    )
    order = tfw_order(tfw)
    yield _verdict(
        file,
        "structure",
        "tfw",
        order is not None,
        order or "in no known order",
        "world file (A, D, B, E, C, F) or GDAL (C, A, B, F, D, E)",
        "fetch the published file",
    )


def _place_findings(file: File, geo: pd.DataFrame) -> Iterator[Finding]:
    """Whether codes, coordinates and cities can be true together."""
    valid = _is_utm(geo["epsg"])
    yield _rows_verdict(file, "epsg", ~valid, geo["epsg"], "UTM: 32601-32660 or 32701-32760")
    plausible = geo["x"].between(1e5, 9e5) & geo["y"].between(0, 1e7)
    text = geo["x"].astype("str") + " " + geo["y"].astype("str")
    yield _rows_verdict(file, "coordinates", ~plausible, text, "easting 100-900 km, northing 0-10,000 km")
    side = ((geo["width"] - 10).abs() <= 0.5) & ((geo["height"] - 10).abs() <= 0.5)
    text = geo["width"].astype("str") + " x " + geo["height"].astype("str")
    yield _rows_verdict(file, "pixel-size", ~side, text, "10 m, within 5 %")
    zones = file.facts.get("city_epsg")
    if isinstance(zones, Mapping):
        expected = geo["city"].str.lower().map(zones)
        wrong = expected.notna() & (expected != geo["epsg"])
        yield _rows_verdict(
            file, "city-epsg", wrong, geo["city"] + " " + geo["epsg"].astype("str"), "the UTM zone of the city"
        )
    yield _city_extent(file, geo)
    yield _grid(file, geo)


def _rows_verdict(file: File, check: str, wrong: pd.Series, values: pd.Series, expected: str) -> Finding:
    if not wrong.any():
        return _verdict(file, "content", check, True, f"{len(wrong)} rows", expected)
    first = int(wrong.to_numpy().argmax())
    found = f"{int(wrong.sum())} rows, the first: row {first}: {values.iloc[first]}"
    remedy = "the geo files published before March 2026 have wrong codes: fetch the corrected ones"
    return _verdict(file, "content", check, False, found, expected, remedy)


def _city_extent(file: File, geo: pd.DataFrame) -> Finding:
    """The farthest patch of a city from its median place, along a degree of 111.2 km."""
    known = geo[(geo["city"] != "") & geo["lat"].notna()]
    middle = known.groupby("city")[["lon", "lat"]].transform("median")
    east = (known["lon"] - middle["lon"]) * np.cos(np.deg2rad(middle["lat"]))
    distance = np.hypot(east, known["lat"] - middle["lat"]) * 111_200.0
    far = distance > CITY_EXTENT
    remedy = "some EPSG codes are wrong: fetch the corrected geo file"
    if not far.any():
        extent = 0.0 if distance.empty else float(distance.max()) / 1000
        return _verdict(file, "content", "city-extent", True, f"at most {extent:.0f} km", "at most 300 km")
    first = far.idxmax()
    found = (
        f"{int(far.sum())} rows, the first: row {first}: {known['city'][first]} "
        f"EPSG:{known['epsg'][first]}, {distance[first] / 1000:.0f} km away"
    )
    return _verdict(file, "content", "city-extent", False, found, "patches of a city within 300 km", remedy)


def _grid(file: File, geo: pd.DataFrame) -> Finding:
    """Share of patches that lie on one 100 m grid with the others of their city and zone.

    The grid's origin is the circular mean of the coordinates modulo 100 m; half a pixel (5 m) passes.
    """
    good = np.ones(len(geo), dtype=bool)
    for axis in ("x", "y"):
        phase = pd.Series(np.exp(2j * np.pi * geo[axis].to_numpy() / 100))
        mean = phase.groupby([geo["city"], geo["epsg"]]).transform("mean")
        good &= np.abs(np.angle(phase * np.conj(mean))) * 100 / (2 * np.pi) <= 5
    share = good.mean()
    return _note(file, "grid", bool(share == 1), f"{100 * share:.4g} % of the patches", "all on one 100 m grid")


def _unreadable(file: File, error: InputError, size: int) -> Finding:
    """A file that HDF5 does not open; where it says how long the file once was, so does the finding."""
    if isinstance(error, hdf5.OutsideError):
        return Finding(file.path, "structure", "inside", "failed", error.found, error.expected, error.remedy)
    cause = error.__cause__
    promised = re.search(r"stored_eof = (\d+)", str(cause))
    found = f"{size} B" if promised else f"{size} B: {cause}"
    expected = f"{promised[1]} B, as its own header says" if promised else "an HDF5 file"
    return Finding(file.path, "structure", "readable", "failed", found, expected, "fetch the file again")


# Places


def tfw_order(tfw: np.ndarray) -> str | None:
    """Order of the six numbers of each row of ``tfw``: both orders are in circulation.

    Eastings in UTM exceed 100,000 m and pixel sizes do not, so that the first and the fifth number
    tell them apart.

    Parameters
    ----------
    tfw : ndarray of float64, shape (N, 6)

    Returns
    -------
    str or None
        ``"world file"`` (A, D, B, E, C, F), ``"GDAL"`` (C, A, B, F, D, E), or None for neither.
    """
    if tfw.ndim != 2 or tfw.shape[1] != 6 or not np.isfinite(tfw).all():
        return None
    first, fifth = np.abs(tfw[:, 0]), np.abs(tfw[:, 4])
    if ((first < 1000) & (fifth >= 1000)).all():
        return "world file"
    if ((first >= 1000) & (fifth < 1000)).all():
        return "GDAL"
    return None


def _geo_table(handle: h5py.File) -> pd.DataFrame:
    """Centres of patches: city, epsg, x, y (m), width, height (of a pixel, m), lon, lat (degrees)."""
    tfw = handle["tfw"][...]
    columns = (0, 3, 4, 5) if tfw_order(tfw) == "world file" else (1, 5, 0, 3)
    width, height, left, top = (tfw[:, column] for column in columns)
    names = _cities(handle)
    names = np.full(len(tfw), b"") if names is None else names
    city = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names]
    geo = pd.DataFrame(
        {
            "city": pd.Series(city, dtype="str").str.strip(),
            "epsg": handle["epsg"][...].ravel().astype("int64"),
            "x": left + SIDE / 2 * np.abs(width),
            "y": top - SIDE / 2 * np.abs(height),
            "width": np.abs(width),
            "height": np.abs(height),
        }
    )
    return geo.assign(**_degrees(geo))


def _cities(handle: h5py.File) -> np.ndarray | None:
    """Names of the cities as stored, one a row; the first geo files had none."""
    for key in ("city", "cityList"):
        if key in handle:
            return np.ravel(handle[key][...])
    return None


def _names_cities(path: Path) -> bool:
    """Whether a geo file names cities; one that cannot be read is told of by the checks of its structure."""
    try:
        with hdf5.opened(path) as handle:
            return _cities(handle) is not None
    except InputError:
        return True


def _degrees(geo: pd.DataFrame) -> dict[str, np.ndarray]:
    """Longitude and latitude (WGS 84), NaN where the EPSG code is no UTM zone.

    Rounded to a millionth of a degree (0.1 m), below which versions of PROJ need not agree.
    """
    lon, lat = np.full(len(geo), np.nan), np.full(len(geo), np.nan)
    utm = _is_utm(geo["epsg"]).to_numpy()
    for epsg in np.unique(geo["epsg"][utm]):
        here = (geo["epsg"] == epsg).to_numpy()
        x, y = geo["x"][here].tolist(), geo["y"][here].tolist()
        place = transform(CRS.from_epsg(int(epsg)), CRS.from_epsg(4326), x, y)
        lon[here], lat[here] = np.round(place[0], 6), np.round(place[1], 6)
    return {"lon": lon, "lat": lat}


def _is_utm(epsg: pd.Series) -> pd.Series:
    return epsg.between(32601, 32660) | epsg.between(32701, 32760)


# Reading


def _dataset(handle: h5py.File, key: str) -> h5py.Dataset:
    """A dataset of the published shape."""
    dataset = handle.get(key)
    expected = SHAPES[key]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape[1:] != expected:
        raise InputError(
            "A dataset is missing or has another shape.",
            where=f"{handle.filename}, key {key!r}",
            found=None if dataset is None else getattr(dataset, "shape", "a group"),
            expected=f"(N, {', '.join(map(str, expected))})",
            remedy="fetch the published file",
        )
    return dataset


def _read_rows(dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows of a dataset in the order given; those that follow each other are read in one piece."""
    if rows.max() >= dataset.shape[0]:
        raise InputError(
            "A patch of the catalog is not in the file.",
            where=f"{dataset.file.filename}, key {dataset.name[1:]!r}",
            found=f"row {rows.max()}",
            expected=f"rows 0 to {dataset.shape[0] - 1}",
            remedy="fetch the published file, and make the catalog again",
        )
    values = np.empty((len(rows), *dataset.shape[1:]), dataset.dtype)
    position = 0
    for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
        source, target = np.s_[run[0] : run[-1] + 1], np.s_[position : position + len(run)]
        dataset.read_direct(values, source, target)
        position += len(run)
    return values


def _image_paths(files: Iterable[str]) -> list[str]:
    """Unpacked image files in the order train, validation, test."""
    found = set()
    for path in files:
        match = PATTERN.fullmatch(path)
        if match and not match[2]:
            found.add(path.removesuffix(".gz"))
    return sorted(found, key=lambda path: (SPLITS.index(PUBLISHED[Path(path).stem]), path))


def _patch_files(files: Iterable[str]) -> list[str]:
    """Image files; where there is none at all, those that the geo files belong to."""
    files = list(files)
    return _image_paths(files) or _image_paths(path.replace("_geo.h5", ".h5") for path in files)


def _geo_path(image: str) -> str:
    return image.removesuffix(".h5") + "_geo.h5"


def _places_in(path: Path) -> dict[str, tuple[int, int]] | None:
    """Offset and rows of each dataset, in file order; None where the layout is not the published one."""
    try:
        with hdf5.opened(path) as handle:
            return _places(handle)
    except InputError:
        return None


def _places(handle: h5py.File) -> dict[str, tuple[int, int]] | None:
    datasets = {key: handle[key] for key in SHAPES if isinstance(handle.get(key), h5py.Dataset)}
    if any(_deviates(dataset, key) for key, dataset in datasets.items()):
        return None
    return {key: (dataset.id.get_offset() or 0, dataset.shape[0]) for key, dataset in datasets.items()}


def _holds_rows(path: Path) -> bool:
    """Whether the datasets of a file have the published shapes and hold floats, in whatever layout."""
    try:
        with hdf5.opened(path) as handle:
            datasets = {key: handle[key] for key in SHAPES if isinstance(handle.get(key), h5py.Dataset)}
            return all(
                dataset.shape[1:] == SHAPES[key] and dataset.dtype.kind == "f" for key, dataset in datasets.items()
            )
    except InputError:
        return False


def _deviates(dataset: h5py.Dataset, key: str) -> bool:
    return dataset.shape[1:] != SHAPES[key] or dataset.dtype != np.dtype("<f8") or not _contiguous(dataset)


def _contiguous(dataset: h5py.Dataset) -> bool:
    return dataset.chunks is None and (dataset.size == 0 or dataset.id.get_offset() is not None)


def _labels_of(handle: h5py.File, where: Path) -> np.ndarray:
    """Index of each row's class, int16; -1 where the file has no labels.

    Raises
    ------
    InputError
        If a row is not one-hot.
    """
    if "label" not in handle:
        return np.full(_dataset(handle, "sen2").shape[0], -1, dtype=np.int16)
    rows = _dataset(handle, "label")[...]
    wrong = ~_one_hot(rows)
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(
            "A label is not one-hot.",
            where=f"{where}, key 'label', row {first}",
            found=_row_text(rows[first]),
            expected="one 1 and sixteen 0",
            remedy="fetch the file again, or correct the row",
        )
    return rows.argmax(1).astype(np.int16)


def _places_of(folder: Path, image: str, count: int) -> pd.DataFrame:
    """City and coordinates of the rows of an image file, empty where there is no geo file."""
    path = folder / _geo_path(image)
    if not path.is_file():
        unknown = np.full(count, np.nan)
        empty = pd.Series([""] * count, dtype="str")
        return pd.DataFrame({"city": empty, "epsg": 0} | dict.fromkeys(("x", "y", "width", "lon", "lat"), unknown))
    with hdf5.opened(path) as handle:
        faults = [found for found in _geo_structure(File(path.name), handle, count) if found.status == "failed"]
        if faults:
            fault = faults[0]
            raise InputError(
                f"A geo file cannot be used ({fault.check}).",
                where=path,
                found=fault.found,
                expected=fault.expected,
                remedy=fault.remedy,
            )
        return _geo_table(handle)


def _content_hashes(hashes: pd.DataFrame, path: str, count: int) -> np.ndarray:
    """Hashes of ``sen2`` and ``sen1`` joined, so that they are equal only if the whole patch is."""
    here = hashes[hashes["file"] == path]
    parts = [
        here.loc[here["layer"] == key].set_index("row")["hash"].reindex(range(count), fill_value="")
        for key in ("sen2", "sen1")
    ]
    both = (parts[0] != "") & (parts[1] != "")
    return (parts[0] + parts[1]).where(both, "").to_numpy()


def _unmeasured(hashes: pd.DataFrame, path: str, count: int) -> np.ndarray:
    """Pixels of each row that carry no measurement, int32; 0 where nothing is known of them."""
    here = hashes[(hashes["file"] == path) & (hashes["layer"] == "sen2")]
    return here.set_index("row")["empty"].reindex(range(count), fill_value=0).to_numpy(np.int32)


# Vocabulary

STATISTICS = ("mean", "deviation", "minimum", "maximum", "p10", "p50", "p90")
PLAIN = STATISTICS[:4]
TEXTURES = ("contrast", "homogeneity", "energy", "correlation")
S1_FEATURES = (
    *(f"{band}_{name}" for band in SAR for name in ("mean", "deviation", "p10", "p90")),
    *(f"{band}_{name}" for band in ("VH_dB", "VV_dB", "VH/VV_dB") for name in STATISTICS),
    *(f"{band}_{name}" for band in ("VH_dB", "VV_dB") for name in TEXTURES),
    "coherence",
    "phase_cosine",
    "phase_sine",
    "VH_variation",
    "VV_variation",
)
S2_INDICES = ("NDVI", "EVI", "NDWI", "MNDWI", "NDBI", "BSI", "NBR2")
S2_FEATURES = (
    *(f"{band}_{name}" for band in OPTICAL for name in STATISTICS),
    *(f"{index}_{name}" for index in S2_INDICES for name in ("mean", "deviation", "p10", "p90")),
    *(f"{band}_{name}" for band in ("B4", "B8", "NDVI") for name in TEXTURES),
)


def _tasks() -> dict[str, Task]:
    categories = tuple(Category(code, name, colour) for code, (name, colour) in enumerate(CLASSES))
    return {"lcz": Task("lcz", "patch", categories, (Question("built", BUILT),))}


def _layer_table() -> dict[str, Layer]:
    layers = [Layer(f"sen1:{band}", "float64", unit=unit) for band, unit in SAR.items()]
    layers += [Layer(f"sen2:{band}", "float64", wavelength=nm) for band, nm in OPTICAL.items()]
    return {layer.name: layer for layer in [*layers, Layer("label", "float64")]}


def _feature_sets() -> dict[str, FeatureSet]:
    names = {"lcz-s1": S1_FEATURES, "lcz-s2": S2_FEATURES}
    names["lcz-s1+s2"] = S1_FEATURES + S2_FEATURES
    names["lcz-bands"] = tuple(f"{band}_{name}" for band in (*SAR, *OPTICAL) for name in PLAIN)
    layers = {band: f"{key}:{band}" for key, bands in CHANNELS.items() for band in bands}
    keys = {"lcz-s1": ("sen1",), "lcz-s2": ("sen2",)}
    return {
        name: FeatureSet(
            name,
            "lcz",
            features,
            {band: layer for band, layer in layers.items() if layer[:4] in keys.get(name, tuple(CHANNELS))},
        )
        for name, features in names.items()
    }


class So2Sat(Dataset):
    """The vocabulary and the files of So2Sat LCZ42.

    A patch's group is its city where a geo file gives it, else it has none. Facts of a registered
    file that are held against it: `class_counts` (17), `label_order_sha256` (of the zero-based classes as
    bytes, in file order), `means` and `deviations` (18, ``sen1`` before ``sen2``, null unknown),
    `tolerance`, `labels` (false: the file has none), and for geo files `city_epsg` (city to code).
    """

    name = "so2sat"
    tasks = _tasks()
    layer_table = _layer_table()
    references: Mapping[str, Reference] = MappingProxyType({})
    feature_sets = _feature_sets()
    side = SIDE
    group_keys = ("city",)
    marking_keys: Mapping[str, Columns | Implied | NotPublished] = {
        "place": Columns(("city",)),
        "acquisition": NotPublished(),
        "footprint": GROUND,
    }
    strata_keys = ("city",)

    def list_files(self, folder: Path) -> list[str]:
        """Paths of image and geo files, at most one folder down; a packed file only if it is not unpacked.

        Raises
        ------
        InputError
            If there is no image file, or more than one for a split.
        """
        paths = {path.relative_to(folder).as_posix() for glob in ("*", "*/*") for path in folder.glob(glob)}
        found = sorted(path for path in paths if PATTERN.fullmatch(path) and (folder / path).is_file())
        found = [path for path in found if not (path.endswith(".gz") and path[:-3] in found)]
        images = _patch_files(found)
        if not images:
            of_tfds = (folder / "dataset_info.json").is_file()
            raise InputError(
                "No file of So2Sat LCZ42 here.",
                where=folder,
                found="a folder of tensorflow_datasets" if of_tfds else None,
                expected="training.h5, validation.h5 or testing.h5 (or .h5.gz), here or one folder down; "
                "training_geo.h5, ... are enough for splits",
                remedy="make HDF5 files of it: sentinel-forest tfds-import (docs/tfds.md)"
                if of_tfds
                else "give the folder that holds them",
            )
        if len({Path(path).stem for path in images}) < len(images):
            raise InputError(
                "A folder holds more than one version of So2Sat LCZ42.",
                where=folder,
                found=", ".join(images),
                expected="one file for each split",
                remedy="give the folder of one version",
            )
        return found

    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """All layers, if there is an image file."""
        return frozenset(self.layer_table if _image_paths(paths) else ())

    def unknown_columns(self, folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
        """Cities and places, without geo files; cities, where those that are there name none."""
        geo = [path for path in paths if (match := PATTERN.fullmatch(path)) and match[2]]
        if not geo:
            reason = "it has no *_geo.h5 files, which give city and place (release so2sat-v4)"
            return dict.fromkeys(("group", "city", "x", "y", "lon", "lat"), reason)
        if folder is not None and not any(_names_cities(folder / path) for path in geo):
            return dict.fromkeys(("group", "city"), f"{', '.join(geo)} name no city")
        return {}

    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        """Keys, shapes, dtypes, layout and length of image files; geo files against their image files."""
        return [finding for file in files for finding in _file_structure(folder, file)]

    def inspector(self, folder: Path, file: File) -> Inspector | None:
        """Checks every value of an image file.

        A file whose datasets cannot be read as rows of floats has no inspector: `structure` says why.
        """
        if not _image_paths([file.path]):
            return None
        path = folder / file.path
        places = _places_in(path)
        if places is not None:
            return _ImageInspector(file, places)
        return _RepackedInspector(file, path) if _holds_rows(path) else None

    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per patch. `side_m` is the side of its footprint.

        Where no image file is there yet, the geo files give cities and places; labels are unknown.

        Raises
        ------
        InputError
            If a file is missing or damaged, a label is not one-hot, or a geo file does not fit.
        """
        there = bool(_image_paths(files))
        tables = [_file_catalog(folder, path, hashes, there) for path in _patch_files(files)]
        return pd.concat(tables, ignore_index=True)

    def blocks(self, folder: Path, catalog: pd.DataFrame, layers: Sequence[str], patches: int) -> Iterator[Block]:
        """Read whole rows of ``sen1`` and ``sen2`` once a block, and give views of their channels.

        A block holds at most ``patches * ROW_BYTES`` bytes.

        Raises
        ------
        InputError
            If a file is missing or damaged, or a layer is none of the images'.
        """
        places = {layer: _channel(layer) for layer in layers}
        keys = sorted({key for key, _ in places.values()})
        for path, rows in catalog.groupby("file", sort=False):
            with hdf5.opened(folder / str(path)) as handle:
                datasets = {key: _dataset(handle, key) for key in keys}
                for start in range(0, len(rows), patches):
                    part = rows.iloc[start : start + patches]
                    wanted = part["row"].to_numpy()
                    stored = {key: _read_rows(dataset, wanted) for key, dataset in datasets.items()}
                    yield Block(part, {layer: stored[key][..., at] for layer, (key, at) in places.items()})

    def measured(self, folder: Path, patches: pd.DataFrame) -> np.ndarray:
        layers = [f"sen2:{band}" for band in OPTICAL]
        blocks = self.blocks(folder, patches, layers, AT_ONCE)
        return np.concatenate([np.any([*block.layers.values()], axis=0) for block in blocks])

    def reader(self, folder: Path, file: str, layers: Sequence[str]) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        """A function from rows of an image file to their channels; the file is mapped into memory."""
        channels = {layer: _channel(layer) for layer in layers}
        places = _contiguous_places(folder / file)
        mapped = {
            key: np.memmap(folder / file, "<f8", "r", places[key][0], (places[key][1], *SHAPES[key]))
            for key in sorted({key for key, _ in channels.values()})
        }

        def read(rows: np.ndarray) -> dict[str, np.ndarray]:
            chosen = {key: array[rows] for key, array in mapped.items()}
            return {layer: chosen[key][..., at] for layer, (key, at) in channels.items()}

        return read

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """``training.h5``, ``validation.h5`` and ``testing.h5``; geo files where all sources have one.

        `layers` are datasets: ``sen1``, ``sen2``, ``label`` (none: those that all sources have).
        """
        unknown = [key for key in layers if key not in SHAPES]
        if unknown:
            raise InputError("Unknown dataset of So2Sat LCZ42.", found=unknown[0], expected=", ".join(SHAPES))
        last_rows = pd.concat(roles.values()).groupby("file")["row"].max()
        places = {str(name): _contiguous_places(folder / str(name)) for name in last_rows.index}
        there = set(SHAPES).intersection(*places.values())
        keys = [key for key in SHAPES if key in (layers or there)]
        for name, at in places.items():
            _check_source(folder / name, at, keys, int(last_rows[name]))
        files = []
        for stem, role in PUBLISHED.items():
            rows = roles.get(role, pd.DataFrame())
            if len(rows):
                files.append(_image_export(folder, f"{stem}.h5", rows, keys, places))
                files += _geo_export(folder, f"{stem}_geo.h5", rows)
        return files

    def labels(self, task: str, block: Block) -> np.ndarray:
        """Not for this dataset: its only task is of whole patches, and the catalog has their labels."""
        raise NotImplementedError("So2Sat LCZ42 has no pixel labels")


def _file_structure(folder: Path, file: File) -> list[Finding]:
    path = folder / file.path
    image = _image_paths([file.path])
    try:
        with hdf5.opened(path) as handle:
            if image:
                return list(_image_structure(file, handle, path.stat().st_size))
            findings = list(_geo_structure(file, handle, _row_count(path)))
            usable = all(finding.status != "failed" for finding in findings)
            return findings + (list(_place_findings(file, _geo_table(handle))) if usable else [])
    except InputError as error:
        return [_unreadable(file, error, path.stat().st_size)]


def _row_count(geo: Path) -> int | None:
    """Rows of the image file beside a geo file, None where it cannot be told."""
    places = _places_in(geo.with_name(geo.name.replace("_geo.h5", ".h5")))
    return places["sen2"][1] if places and "sen2" in places else None


def _file_catalog(folder: Path, path: str, hashes: pd.DataFrame, there: bool) -> pd.DataFrame:
    """The catalog of an image file; if it is not there, as far as its geo file tells."""
    source = folder / (path if there else _geo_path(path))
    with hdf5.opened(source) as handle:
        if there:
            labels = _labels_of(handle, source)
        else:
            labels = np.full(handle["epsg"].size if "epsg" in handle else 0, -1, dtype=np.int16)
    count = len(labels)
    geo = _places_of(folder, path, count)
    stem = Path(path).stem
    patch = pd.Series([f"{stem}/{row:06d}" for row in range(count)], dtype="str")
    unmeasured = _unmeasured(hashes, path, count)
    # A patch without any measurement takes no part: there is nothing that its label could be told from.
    labels[unmeasured == SIDE * SIDE] = -1
    table = pd.DataFrame(
        {
            "patch": patch,
            "published_split": PUBLISHED[stem],
            "file": path,
            "row": np.arange(count, dtype=np.int64),
            "city": geo["city"],
            "x": geo["x"],
            "y": geo["y"],
            "epsg": geo["epsg"].astype("Int32").where(geo["epsg"] != 0),
            "lon": geo["lon"],
            "lat": geo["lat"],
            "side_m": SIDE * geo["width"],
            "label": labels,
            "valid_share": (1 - unmeasured / SIDE**2 if there else np.full(count, np.nan)).astype(np.float32),
            "content_hash": _content_hashes(hashes, path, count),
            "unmeasured": unmeasured,
        }
    )
    return table.astype({"published_split": "str", "file": "str", "content_hash": "str"})


# Exporting


def _contiguous_places(path: Path) -> dict[str, tuple[int, int]]:
    """Offset and rows of the datasets of a file in the published layout."""
    with hdf5.opened(path) as handle:
        places = _places(handle)
    if places is None:
        raise InputError(
            "A file is not in the published layout.",
            where=path,
            expected="contiguous float64 datasets",
            remedy="fetch the published file, or write it anew: h5repack -l CONTI",
        )
    return places


def _check_source(path: Path, places: Mapping[str, tuple[int, int]], keys: Sequence[str], last: int) -> None:
    """Raise if a file lacks a dataset, or the last row that is wanted of it."""
    missing = [key for key in keys if key not in places]
    if missing:
        raise InputError(
            "A dataset is missing.",
            where=path,
            found=", ".join(places),
            expected=", ".join(keys),
            remedy="leave it out of the layers",
        )
    for key in keys:
        if last >= places[key][1]:
            raise InputError(
                "A patch of the catalog is not in the file.",
                where=f"{path}, key {key!r}",
                found=f"row {last}",
                expected=f"rows 0 to {places[key][1] - 1}",
                remedy="make the catalog again",
            )


def _image_export(
    folder: Path,
    path: str,
    rows: pd.DataFrame,
    keys: Sequence[str],
    places: Mapping[str, Mapping[str, tuple[int, int]]],
) -> NewFile:
    """An image file with the bytes of chosen rows."""
    joined = runs(rows)
    lengths = {key: 8 * int(np.prod(SHAPES[key])) for key in keys}
    sources = {name: folder / name for name in places}

    def write(path: Path) -> Iterator[int]:
        with _laid_out(path, len(rows), keys) as file:
            offsets = {key: file[key].id.get_offset() for key in keys}
        with open(path, "r+b") as stream:
            for key, length in lengths.items():
                stream.seek(offsets[key])
                pieces = [
                    Piece(sources[name], places[name][key][0] + first * length, count * length)
                    for name, first, count in joined
                ]
                yield from append(stream, pieces)

    return NewFile(path, len(rows) * sum(lengths.values()) + OVERHEAD_BYTES, write)


def _geo_export(folder: Path, path: str, rows: pd.DataFrame) -> list[NewFile]:
    """The geo file of chosen rows, in world-file order; none if a source has none."""
    sources = {str(name): folder / _geo_path(str(name)) for name in rows["file"].unique()}
    if not all(source.is_file() for source in sources.values()):
        return []

    def write(path: Path) -> Iterator[int]:
        tables = {name: _geo_columns(source) for name, source in sources.items()}
        keys = set.intersection(*(set(table) for table in tables.values()))
        _write_tables(
            path,
            {
                key: np.concatenate([tables[name][key][first : first + n] for name, first, n in runs(rows)])
                for key in sorted(keys)
            },
        )
        yield path.stat().st_size

    return [NewFile(path, sum(source.stat().st_size for source in sources.values()), write)]


def _geo_columns(path: Path) -> dict[str, np.ndarray]:
    """``epsg``, ``tfw`` in world-file order, and ``city`` if it is there, each (N, columns)."""
    with hdf5.opened(path) as handle:
        tfw = handle["tfw"][...]
        if tfw_order(tfw) == "GDAL":
            tfw = tfw[:, [1, 4, 2, 5, 0, 3]]
        columns = {"epsg": handle["epsg"][...].reshape(-1, 1), "tfw": tfw}
        cities = _cities(handle)
    return columns if cities is None else columns | {"city": cities.astype("S20")[:, None]}


def _channel(layer: str) -> tuple[str, int]:
    """Dataset and channel of an image layer."""
    key, _, band = layer.partition(":")
    if band not in CHANNELS.get(key, ()):
        known = ", ".join(f"{key}:{band}" for key, bands in CHANNELS.items() for band in bands)
        raise InputError("Unknown layer of So2Sat LCZ42.", found=layer, expected=known)
    return key, CHANNELS[key].index(band)


DATASET = So2Sat
