"""Terms of GeoCroissant: bands, size of pixels, projections, and the ground and time that a release covers.

Format: GeoCroissant 1.0 (http://mlcommons.org/croissant/geo/1.0), an extension of Croissant.
"""

from typing import Any

import pandas as pd

from sentinel_forest.datasets.base import Dataset
from sentinel_forest.sensors import FINEST_M, Band

VERSION = "http://mlcommons.org/croissant/geo/1.0"
PREFIX = "http://mlcommons.org/croissant/geo/"
Node = dict[str, Any]


def geo_terms(dataset: Dataset, catalog: pd.DataFrame) -> Node:
    """What the vocabulary of a dataset and a catalog tell; what is unknown has no term.

    Parameters
    ----------
    dataset : Dataset
        Gives the bands.
    catalog : DataFrame
        With the columns ``epsg``, ``lon``, ``lat`` and ``date``, as far as the dataset has them.
    """
    bands = _bands(dataset)
    return {
        **_projections(catalog),
        "geocr:spatialResolution": _quantity(FINEST_M, "m"),
        "geocr:bandConfiguration": {
            "@type": "geocr:BandConfiguration",
            "geocr:totalBands": len(bands),
            "geocr:bandNameList": [band.name for band in bands],
        },
        "geocr:spectralBandMetadata": [_spectral(band) for band in bands if band.wavelength is not None],
        **_ground(catalog),
        **_time(catalog),
    }


def is_complete(terms: Node) -> bool:
    """Whether GeoCroissant's terms of cardinality one are all there, so that its version may be claimed."""
    return "geocr:coordinateReferenceSystem" in terms


def _bands(dataset: Dataset) -> list[Band]:
    """Optical and radar bands, each once, in the order of the layers."""
    held = (layer.band for layer in dataset.layer_table.values() if layer.is_image)
    return list(dict.fromkeys(band for band in held if band is not None))


def _quantity(value: float, unit: str) -> Node:
    return {"@type": "QuantitativeValue", "value": value, "unitText": unit}


def _spectral(band: Band) -> Node:
    """Wavelength and width of a band, of Sentinel-2A."""
    node: Node = {"@type": "geocr:SpectralBand", "name": band.name}
    for term, value in (("centerWavelength", band.wavelength), ("bandwidth", band.bandwidth)):
        if value is not None:
            node[f"geocr:{term}"] = _quantity(value, "nm")
    return node


def _projections(catalog: pd.DataFrame) -> Node:
    """The projections of the patches as one text, as the term asks for."""
    codes = sorted({int(code) for code in catalog["epsg"].dropna()}) if "epsg" in catalog else []
    return {"geocr:coordinateReferenceSystem": ", ".join(f"EPSG:{code}" for code in codes)} if codes else {}


def _ground(catalog: pd.DataFrame) -> Node:
    """The box of the patches' centres in degrees: south, west, north, east."""
    if not {"lon", "lat"} <= set(catalog) or not (known := catalog[["lat", "lon"]].dropna()).size:
        return {}
    box = [*known.min(), *known.max()]
    return {
        "spatialCoverage": {
            "@type": "Place",
            "geo": {"@type": "GeoShape", "box": " ".join(f"{degrees:.4f}" for degrees in box)},
        }
    }


def _time(catalog: pd.DataFrame) -> Node:
    """First and last day on which a patch was taken."""
    days = sorted({str(day) for day in catalog["date"].dropna()} - {""}) if "date" in catalog else []
    return {"temporalCoverage": f"{days[0]}/{days[-1]}"} if days else {}
