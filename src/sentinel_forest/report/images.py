"""Patches as pictures: what the sensors saw, stretched as their dataset says, and thumbnails that stay small."""

import io
from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image

from sentinel_forest.datasets.base import Block, Composite, Dataset
from sentinel_forest.report.model import Picture
from sentinel_forest.sensors import POWER

THUMBNAIL = 64
"""Largest side of a patch in a strip; larger patches are averaged."""


def bands(dataset: Dataset, there: frozenset[str]) -> dict[str, str]:
    """For each band that pictures need the first layer that holds it, among the layers that are there.

    A band may be held as power instead, see `Composite.instead`.
    """
    found = {}
    for composite in dataset.pictures.composites:
        instead = dict(composite.instead)
        for band in composite.bands:
            wanted = {band, instead.get(band, band)}
            held = (name for name, layer in dataset.layer_table.items() if layer.band and layer.band.name in wanted)
            if band not in found and (layer := next((name for name in held if name in there), None)):
                found[band] = layer
    return found


def composites(dataset: Dataset, there: Iterable[str]) -> tuple[Composite, ...]:
    """The pictures that can be made of these bands, in the order in which they are shown."""
    known = set(there)
    return tuple(each for each in dataset.pictures.composites if known.issuperset(each.bands))


def sensors(dataset: Dataset, layers: Mapping[str, str], block: Block) -> dict[str, np.ndarray]:
    """Pictures of the first patch of a block, as far as their bands are there.

    Parameters
    ----------
    layers : mapping
        For each band the layer that holds it, see `bands`.

    Returns
    -------
    dict
        Name (see `composites`) to uint8 (rows, columns, 3).
    """
    values = {band: _values(dataset, layer, block) for band, layer in layers.items()}
    return {each.name: coloured(each, values) for each in composites(dataset, values)}


def _values(dataset: Dataset, layer: str, block: Block) -> np.ndarray:
    """A band of the first patch in the unit of its picture: power in dB, all else as it is."""
    values = dataset.physical(layer, block.layers[layer][:1])[0]
    if dataset.layer_table[layer].unit == POWER:
        return np.asarray(10 * np.log10(np.maximum(values, 1e-6)))
    return np.asarray(values)


def coloured(composite: Composite, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """A composite of bands (rows, columns) as red, green and blue."""
    channels = []
    for channel in composite.channels:
        first, *others = (values[band] for band in channel.bands)
        shown = first - others[0] if others else first
        channels.append((shown - channel.low) / (channel.high - channel.low))
    scaled = np.stack(channels, axis=-1)
    return _bytes(scaled if composite.gamma == 1 else np.clip(scaled, 0, None) ** composite.gamma)


def _bytes(scaled: np.ndarray) -> np.ndarray:
    """0..1 as 0..255; pixels with a missing value are white."""
    scaled = np.where(np.isnan(scaled).any(axis=-1, keepdims=True), 1.0, scaled)
    return np.asarray((255 * np.clip(scaled, 0, 1)).round().astype(np.uint8))


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
