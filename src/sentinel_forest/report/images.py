"""Patches as pictures: what the sensors saw, stretched alike, and thumbnails that stay small."""

import io
import re
from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image

from sentinel_forest.datasets.base import Block, Dataset
from sentinel_forest.report.model import Picture

THUMBNAIL = 64
"""Largest side of a patch in a strip; larger patches are averaged."""
GAMMA, WHITE = 1 / 1.8, 0.55
RADAR = {"VV": (-25.0, 5.0), "VH": (-32.0, -2.0), "VV − VH": (0.0, 15.0)}
"""Range in dB of red, green and blue of a Sentinel-1 composite, from dark to full."""
SENTINEL_1 = "Sentinel-1 (VV, VH, VV − VH)"
TRUE_COLOUR = "Sentinel-2, true colour (B4, B3, B2)"
FALSE_COLOUR = "Sentinel-2, false colour (B8, B4, B3)"
COMPOSITES = {SENTINEL_1: ("VV", "VH"), TRUE_COLOUR: ("B4", "B3", "B2"), FALSE_COLOUR: ("B8", "B4", "B3")}
"""Bands of each picture, in the order in which they are shown."""
READING = (
    "Sentinel-1 is backscatter in dB: "
    + ", ".join(
        f"{colour} {name} from {low:.0f} (dark) to {high:.0f}"
        for colour, (name, (low, high)) in zip(("red", "green", "blue"), RADAR.items(), strict=True)
    ).replace("-", "−")
    + f". Sentinel-2 is reflectance without a unit: 0 is black and {WHITE} or more is white, brightened with "
    "gamma 1.8; in false colour vegetation is red. Missing values are white."
)
SUSPICIOUS = (
    "Suspicious would be: edges and water lines that lie elsewhere for Sentinel-1 than for Sentinel-2; "
    "stripes, or pictures of one colour; vegetation that is not red in false colour (bands out of order); "
    "many pictures that are nearly white or nearly black (values in another unit)."
)


def bands(dataset: Dataset, there: frozenset[str]) -> dict[str, str]:
    """For each band that pictures need the first layer that holds it, among the layers that are there."""
    found = {}
    for band in sorted({band for wanted in COMPOSITES.values() for band in wanted}):
        for layer in dataset.layer_table:
            if layer in there and re.search(rf"(?:^|[_:]){band}(?:_intensity)?$", layer):
                found[band] = layer
                break
    return found


def names(there: Iterable[str]) -> tuple[str, ...]:
    """Names of the pictures that can be made of these bands."""
    return tuple(name for name, wanted in COMPOSITES.items() if set(wanted) <= set(there))


def sensors(dataset: Dataset, layers: Mapping[str, str], block: Block) -> dict[str, np.ndarray]:
    """Pictures of the first patch of a block, as far as their bands are there.

    Parameters
    ----------
    layers : mapping
        For each band the layer that holds it, see `bands`.

    Returns
    -------
    dict
        Name (see `names`) to uint8 (rows, columns, 3).
    """
    values = {band: dataset.physical(layer, block.layers[layer][:1])[0] for band, layer in layers.items()}
    for band in {"VV", "VH"} & set(values):
        if dataset.layer_table[layers[band]].unit != "dB":
            values[band] = 10 * np.log10(np.maximum(values[band], 1e-6))
    return {
        name: (radar if name == SENTINEL_1 else optical)(*(values[band] for band in COMPOSITES[name]))
        for name in names(values)
    }


def radar(vv: np.ndarray, vh: np.ndarray) -> np.ndarray:
    """Sentinel-1 in dB as red, green and blue."""
    channels = zip((vv, vh, vv - vh), RADAR.values(), strict=True)
    return _bytes(np.stack([(values - low) / (high - low) for values, (low, high) in channels], axis=-1))


def optical(*channels: np.ndarray) -> np.ndarray:
    """Three bands of reflectance as red, green and blue."""
    return _bytes((np.clip(np.stack(channels, axis=-1), 0, None) / WHITE) ** GAMMA)


def _bytes(scaled: np.ndarray) -> np.ndarray:
    """0..1 as 0..255; pixels with a missing value are white."""
    scaled = np.where(np.isnan(scaled).any(axis=-1, keepdims=True), 1.0, scaled)
    return (255 * np.clip(scaled, 0, 1)).round().astype(np.uint8)


def picture(caption: str, alternative: str, pixels: np.ndarray) -> Picture:
    """A picture of one image, uint8 (rows, columns, 3); the page enlarges it without smoothing."""
    return Picture(caption, alternative, _png(Image.fromarray(pixels)))


def strip(caption: str, alternative: str, images: Iterable[np.ndarray]) -> Picture:
    """Images of one patch, all of one size, as a small picture side by side."""
    small = [np.asarray(_reduced(Image.fromarray(pixels))) for pixels in images]
    gap = np.full((len(small[0]), 1, 3), 255, np.uint8)
    parts = [part for pixels in small for part in (gap, pixels)][1:]
    return Picture(caption, alternative, _png(Image.fromarray(np.concatenate(parts, axis=1))))


def _reduced(image: Image.Image) -> Image.Image:
    return image.reduce(-(-max(image.size) // THUMBNAIL))


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
