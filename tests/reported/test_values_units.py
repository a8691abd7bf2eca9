"""Units and offsets in situations that users have reported: told from values, and failed; real data pass."""

import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from sentinel_forest.datasets.base import Finding
from verify.planted import tiles, verified

pytestmark = [
    pytest.mark.xdist_group("real"),
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]


def failed(findings: list[Finding]) -> dict[str, str]:
    """Check to what was found, of all that failed."""
    return {row.check: row.found for row in findings if row.status == "failed"}


@pytest.fixture(scope="session")
def clouds(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real mini-release of CloudSEN12, unpacked."""
    folder = tmp_path_factory.mktemp("clouds")
    with tarfile.open(real / "cloudsen12.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "cloudsen12"


# ------------------------------------------------------------------------------------ real pixels pass


@pytest.mark.parametrize(
    ("name", "release", "layout"),
    [
        ("sen12ms", "sen12ms", {"side": 256}),
        ("sen12ms", "sen12ms-relaid", {"side": 256}),
        ("so2sat", "so2sat", {}),
        ("cloudsen12", "cloudsen12-ukis", {"side": 512}),
    ],
)
def test_real_pixels_pass(real: Path, name: str, release: str, layout: dict[str, int]) -> None:
    assert failed(verified(name, real / release, **layout)) == {}


def test_real_clouds_pass(clouds: Path) -> None:
    findings = verified("cloudsen12", clouds, side=512)
    assert failed(findings) == {}
    found = {row.check: row for row in findings}
    assert found["offset"].status == "ok"
    assert (found["band-order"].status, found["band-order"].found) == ("ok", "17 images")


# --------------------------------------------------------------------------------- reported situations


def test_processing_baseline_0400_in_one_product(reported: Path) -> None:
    """c11: one image of baseline 04.00 among others, +1000 digital numbers; nothing was said."""
    found = failed(verified("cloudsen12", reported / "c11_baseline_0400", side=96))
    assert set(found) == {"offset"}
    assert "S2B_MSIL1C_20220401T101559_N0400_R065_T32TPS_20220401T122102" in found["offset"]


def test_a_product_of_that_baseline_without_the_offset_is_right(reported: Path, tmp_path: Path) -> None:
    """Harmonised images keep their names: a dark pixel disproves the offset."""
    folder = reported / "c10_swath_edge"
    for path in folder.rglob("*.*"):
        target = tmp_path / path.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    table = pd.read_csv(tmp_path / "train/metadata.csv")
    table["s2_id"] = "S2B_MSIL1C_20220401T101559_N0400_R065_T32TPS_20220401T122102"
    table.to_csv(tmp_path / "train/metadata.csv", index=False)
    assert "offset" not in failed(verified("cloudsen12", tmp_path, side=96))


def test_an_offset_in_so2sat(reported: Path) -> None:
    """s09: reflectance + 0.1 in all hundred patches; nothing was said."""
    found = failed(verified("so2sat", reported / "s09_offset"))
    assert set(found) == {"offset"}
    assert found["offset"].startswith("lowest value 0.1007 in 100 images")


def test_backscatter_of_so2sat_in_decibel(reported: Path) -> None:
    """s10: negative intensities were a note, and all features in dB the constant -50."""
    found = failed(verified("so2sat", reported / "s10_sar_in_dB"))
    assert set(found) == {"radar-unit"}
    assert "sen1:VH_intensity: negative power in 100 of 100 images" in found["radar-unit"]


def test_an_empty_patch_of_so2sat_is_no_fault_of_units(reported: Path) -> None:
    """s13: zeros are no measurement, and say nothing about units."""
    assert failed(verified("so2sat", reported / "s13_empty_patch")) == {}


def test_igbp_from_zero(reported: Path) -> None:
    """m11: classes written 0 to 16 passed thirty checks; the forest became other classes."""
    found = failed(verified("sen12ms", reported / "m11_igbp_from_zero", side=256))
    assert found == {"igbp-lccs": "0 % of 43001 pixels"}


def test_dfc2020_as_distributed(reported: Path) -> None:
    """m30: other kinds of numbers and no place are no fault."""
    assert failed(verified("sen12ms", reported / "m30_dfc2020_as_distributed", side=256, labels="dfc")) == {}


# --------------------------------------------------------- real pixels in other units, band by band


def test_real_backscatter_in_linear_power(real: Path, tmp_path: Path) -> None:
    folder = copied(real / "sen12ms", tmp_path)
    tiles("s1", lambda pixels: (10 ** (pixels / 10)).astype("float32"), -1)(folder)
    assert set(failed(verified("sen12ms", folder, side=256))) == {"radar-unit"}


@pytest.mark.parametrize("factor", [0.01, 0.0255])
def test_real_reflectance_in_percent_or_eight_bits(real: Path, tmp_path: Path, factor: float) -> None:
    folder = copied(real / "sen12ms", tmp_path)
    tiles("s2", lambda pixels: np.clip(pixels * factor, 0, 255).astype("uint16"), -1)(folder)
    assert "reflectance-scale" in failed(verified("sen12ms", folder, side=256))


def test_an_offset_in_each_image_is_told_by_its_cirrus_band(real: Path, tmp_path: Path) -> None:
    """A desert looks the same in B8, B11 and B12, and not in B10; four images are a note, six fail."""
    folder = copied(real / "sen12ms", tmp_path)
    tiles("s2", lambda pixels: pixels + np.uint16(1000), 4)(folder)
    (note,) = [row for row in verified("sen12ms", folder, side=256) if row.check == "offset"]
    assert (note.status, note.found[:22]) == ("note", "none in 4 of 6 images,")
    folder = copied(real / "sen12ms", tmp_path / "all")
    tiles("s2", lambda pixels: pixels + np.uint16(1000), -1)(folder)
    assert failed(verified("sen12ms", folder, side=256))["offset"].startswith(
        "none in 6 of 6 images, the lowest there is "
    )


def test_real_pieces_of_one_place_pass(real: Path, tmp_path: Path) -> None:
    """Sea, desert, snow, cloud, a city, each as a release of its own: nothing fails that is only unusual."""
    for number, path in enumerate(sorted(real.glob("sen12ms*/ROIs*/s2_*/*.tif"))):
        folder = pieces(path, tmp_path / str(number), 224 if "relaid" in str(path) else 256)
        assert failed(verified("sen12ms", folder, side=32)) == {}, path.name


def pieces(tile: Path, folder: Path, side: int) -> Path:
    """A release of pieces of 32 x 32 pixels of one patch, whose tile of ``s2`` is given."""
    for sensor in ("s1", "s2", "lc"):
        name = tile.as_posix().replace("s2_", f"{sensor}_")
        with rasterio.open(name) as source:
            pixels, profile = source.read(), source.profile
        for place in range((side // 32) ** 2):
            row, column = (32 * step for step in divmod(place, side // 32))
            target = folder / "ROIs1158_spring" / f"{sensor}_1" / f"ROIs1158_spring_{sensor}_1_p{30 + place}.tif"
            target.parent.mkdir(parents=True, exist_ok=True)
            moved = profile["transform"] @ Affine.translation(column, row)
            shape = {"height": 32, "width": 32, "transform": moved, "driver": "GTiff"}
            kept = {key: profile[key] for key in ("crs", "count", "dtype", "interleave")}
            with rasterio.open(target, "w", **kept, **shape) as piece:
                piece.write(pixels[:, row : row + 32, column : column + 32])
    return folder


def copied(source: Path, folder: Path) -> Path:
    """A copy of a folder that may be changed."""
    for path in source.rglob("*.tif"):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder
