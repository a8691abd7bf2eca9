"""Continents of points, coarsely."""

import numpy as np

_CONTINENTS: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("Antarctica", ((-180, -90), (180, -90), (180, -60), (-180, -60))),
    ("Oceania", ((112, -60), (180, -60), (180, 25), (140, 25), (132, 2), (130, -9), (118, -12), (112, -20))),
    ("Oceania", ((-180, -60), (-110, -60), (-110, 0), (-150, 30), (-180, 30))),
    (
        "Europe",
        (
            (-28, 35.5),
            (-5.6, 35.9),
            (3, 38),
            (11.5, 37.2),
            (15, 35),
            (28, 34),
            (26, 39.5),
            (29.1, 41.1),
            (41, 43),
            (48, 42),
            (51, 47),
            (60, 51),
            (60, 65),
            (66, 69),
            (66, 84),
            (-28, 84),
        ),
    ),
    (
        "Africa",
        (
            (-28, 38),
            (11.5, 37.2),
            (15, 35),
            (28, 34),
            (32.4, 31.3),
            (32.6, 29.8),
            (38, 20),
            (42.6, 13.5),
            (43.4, 12.5),
            (52, 13),
            (65, -5),
            (65, -40),
            (-28, -40),
        ),
    ),
    ("South America", ((-110, -60), (-20, -60), (-20, 12.6), (-72, 12.6), (-77.4, 8.6), (-82, 5), (-110, 0))),
    (
        "North America",
        (
            (-110, 0),
            (-82, 5),
            (-77.4, 8.6),
            (-72, 12.6),
            (-28, 12.6),
            (-10, 84),
            (-169, 84),
            (-169, 66),
            (-180, 50),
            (-180, 30),
            (-150, 30),
        ),
    ),
    ("Asia", ((26, 0), (180, 0), (180, 84), (26, 84))),
    ("Asia", ((-180, 50), (-169, 66), (-169, 84), (-180, 84))),
    ("Asia", ((65, -20), (132, -12), (141, 0), (65, 0))),
)
"""Outlines (longitude, latitude) that follow coasts and the usual borders coarsely (Urals, Caucasus,
Bosporus, Suez, Darien, Wallacea); the first outline that holds a point gives its continent. Good to
about 200 km, so that a point near such a border may fall on the wrong side."""


def continent(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Continents of points in degrees, str (points,); empty where unknown. See `_CONTINENTS`."""
    result = np.full(len(lon), "", dtype=object)
    for name, outline in _CONTINENTS:
        result[(result == "") & _inside(np.array(outline), lon, lat)] = name
    return result


def _inside(outline: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points lie in a polygon, by the parity of the edges met on the way east."""
    odd = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd
