"""Every index against the formula of the paper that it comes from: answers worked out by hand, from no library."""

import re

import numpy as np
import pytest

from sentinel_forest.features import indices, pixel

PIXEL = {
    "B2": 0.08, "B3": 0.10, "B4": 0.06, "B5": 0.12, "B6": 0.16, "B7": 0.18, "B8": 0.20,
    "B10": 0.003, "B11": 0.05, "B12": 0.04,
    "VV": -11.0, "VH": -18.0, "VV_intensity": 0.05, "VH_intensity": 0.002,
}  # fmt: skip

PAPERS = {
    # Index: paper, its formula with the numbers of the pixel, and what that is.
    "NDVI": ("Tucker 1979: (IR - R) / (IR + R) = 0.14 / 0.26", 0.538462),
    "EVI": ("Huete et al. 2002: 2.5 (N - R) / (N + 6 R - 7.5 B + 1) = 0.35 / 0.96", 0.364583),
    "EVI2": ("Jiang et al. 2008: 2.5 (N - R) / (N + 2.4 R + 1) = 0.35 / 1.344", 0.260417),
    "SAVI": ("Huete 1988, L = 0.5: (1 + L) (N - R) / (N + R + L) = 0.21 / 0.76", 0.276316),
    "GNDVI": ("Gitelson et al. 1996: (N - G) / (N + G) = 0.10 / 0.30", 0.333333),
    "NDREI": ("Gitelson and Merzlyak 1994, B8 for 750 nm: (N - RE1) / (N + RE1) = 0.08 / 0.32", 0.25),
    "RENDVI": ("Gitelson and Merzlyak 1994: (R750 - R705) / (R750 + R705) = 0.04 / 0.28", 0.142857),
    "IRECI": ("Frampton et al. 2013: (B7 - B4) / (B5 / B6) = 0.12 / 0.75", 0.16),
    "PSRI": ("Merzlyak et al. 1999: (R678 - R500) / R750 = -0.02 / 0.16", -0.125),
    "NDYI": ("Sulik and Long 2016: (G - B) / (G + B) = 0.02 / 0.18", 0.111111),
    "NDMI": ("Wilson and Sader 2002: (TM4 - TM5) / (TM4 + TM5) = 0.15 / 0.25", 0.6),
    "NDWI": ("McFeeters 1996: (G - N) / (G + N) = -0.10 / 0.30", -0.333333),
    "MNDWI": ("Xu 2006: (G - MIR) / (G + MIR) = 0.05 / 0.15", 0.333333),
    "AWEIsh": ("Feyisa et al. 2014: B + 2.5 G - 1.5 (N + S1) - 0.25 S2 = 0.08 + 0.25 - 0.375 - 0.01", -0.055),
    "AWEInsh": ("Feyisa et al. 2014: 4 (G - S1) - (0.25 N + 2.75 S2) = 0.20 - (0.05 + 0.11)", 0.04),
    "NDTI": ("Lacaux et al. 2007: (R - G) / (R + G) = -0.04 / 0.16", -0.25),
    "NDSI": ("Riggs et al. 1994: (TM2 - TM5) / (TM2 + TM5) = 0.05 / 0.15", 0.333333),
    "NDSII": ("Keshri et al. 2009: (G - N) / (G + N) = -0.10 / 0.30", -0.333333),
    "S3": ("Saito and Yamazaki 1999: N (R - S1) / ((N + R) (N + S1)) = 0.002 / 0.065", 0.030769),
    "SWI": ("Dixit et al. 2019: G (N - S1) / ((G + N) (N + S1)) = 0.015 / 0.075", 0.2),
    "NDBI": ("Zha et al. 2003: (TM5 - TM4) / (TM5 + TM4) = -0.15 / 0.25", -0.6),
    "UI": ("Kawamura et al. 1996, not scaled: (TM7 - TM4) / (TM7 + TM4) = -0.16 / 0.24", -0.666667),
    "BI": ("Rikimaru et al. 2002: ((S1 + R) - (N + B)) / ((S1 + R) + (N + B)) = -0.17 / 0.39", -0.435897),
    "BSI": ("the same", -0.435897),
    "DBSI": ("Rasul et al. 2018: (S1 - G) / (S1 + G) - NDVI = -0.05 / 0.15 - 0.14 / 0.26", -0.871795),
    "NBR": ("Key and Benson: (TM4 - TM7) / (TM4 + TM7) = 0.16 / 0.24", 0.666667),
    "NBR2": ("USGS: (SWIR1 - SWIR2) / (SWIR1 + SWIR2) = 0.01 / 0.09", 0.111111),
    "brightness_visible": ("Zhu and Woodcock 2012, MeanVis: (B1 + B2 + B3) / 3 = 0.24 / 3", 0.08),
    "whiteness": ("Zhu and Woodcock 2012: sum of |band - MeanVis| / MeanVis = (0 + 0.02 + 0.02) / 0.08", 0.5),
    "HOT": ("Zhu and Woodcock 2012: blue - 0.5 red - 0.08 = 0.08 - 0.03 - 0.08", -0.03),
    "B8/B11": ("Zhu and Woodcock 2012: band 4 / band 5 = 0.20 / 0.05", 4.0),
    "cirrus": ("Gao et al. 1993: reflectance at 1.38 micrometres", 0.003),
    "VH-VV": ("difference of decibels = ratio: -18 - -11", -7.0),
    "VH_dB": ("10 log10 0.002 = 10 (log10 2 - 3)", -26.9897),
    "VV_dB": ("10 log10 0.05 = 10 (log10 5 - 2)", -13.0103),
    "VH/VV_dB": ("10 log10 (0.002 / 0.05) = 10 log10 0.04", -13.9794),
}

WITHOUT_DOI = {
    "UI": "isprs.org/proceedings",
    "NBR2": "usgs.gov",
    "BSI": "the more usual abbreviation",
    "VH_dB": "definition of the decibel",
    "VV_dB": "definition of the decibel",
}
"""Proceedings and pages that have no DOI, another name of an index, and a definition."""


@pytest.mark.parametrize("name", indices.EXPRESSIONS)
def test_an_index_is_what_its_paper_says(name):
    _, answer = PAPERS[name]
    bands = {band: np.full((1, 1, 1), value, dtype=np.float32) for band, value in PIXEL.items()}
    assert float(pixel.compute([name], bands)[0, 0, 0, 0]) == pytest.approx(answer, abs=5e-6, rel=2e-6)


@pytest.mark.parametrize("name", indices.EXPRESSIONS)
def test_a_source_has_a_doi_or_cannot_have_one(name):
    _, source = indices.EXPRESSIONS[name]
    if not re.search(r"doi:10\.\d{4,9}/\S+", source):
        assert WITHOUT_DOI[name]
        assert WITHOUT_DOI[name] in source
