"""How patches are shown: which bands are red, green and blue, and how their values are stretched."""

from dataclasses import dataclass

from sentinel_forest import sensors


@dataclass(frozen=True)
class Channel:
    """One colour of a composite: a band, or the difference of two.

    Parameters
    ----------
    bands : tuple of str
        The band; with a second one, that is taken away from it.
    low, high : float
        Values that are dark and full, in the unit of the composite.
    """

    bands: tuple[str, ...]
    low: float
    high: float

    @property
    def name(self) -> str:
        """The band, or the difference in words."""
        return " − ".join(self.bands)


@dataclass(frozen=True)
class Composite:
    """A picture of three channels, from dark to full by ``((value - low) / (high - low)) ** gamma``.

    `instead` names, for a band, another one that may hold the same as power: it is taken in dB. A `plain`
    composite is the one by which a patch is shown beside those of other sensors.
    """

    name: str
    channels: tuple[Channel, Channel, Channel]
    gamma: float = 1.0
    instead: tuple[tuple[str, str], ...] = ()
    plain: bool = True

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that it needs, each once."""
        return tuple(dict.fromkeys(band for channel in self.channels for band in channel.bands))


@dataclass(frozen=True)
class Pictures:
    """The composites of a dataset in the order in which they are shown, and how they are read.

    `reading` says what colours mean, `suspicious` what would show that something is wrong.
    """

    composites: tuple[Composite, ...]
    reading: str
    suspicious: str


WHITE = 0.55
"""Reflectance that is white."""

RADAR = Composite(
    "Sentinel-1 (VV, VH, VV − VH)",
    (Channel(("VV",), -25.0, 5.0), Channel(("VH",), -32.0, -2.0), Channel(("VV", "VH"), 0.0, 15.0)),
    instead=(("VV", "VV_intensity"), ("VH", "VH_intensity")),
)
"""Backscatter in dB."""


def _reflectance(name: str, bands: tuple[str, str, str], plain: bool) -> Composite:
    red, green, blue = (Channel((band,), 0.0, WHITE) for band in bands)
    return Composite(f"Sentinel-2, {name} ({', '.join(bands)})", (red, green, blue), 1 / 1.8, (), plain)


TRUE_COLOUR = _reflectance("true colour", ("B4", "B3", "B2"), plain=True)
FALSE_COLOUR = _reflectance("false colour", ("B8", "B4", "B3"), plain=False)

SENTINEL = Pictures(
    (RADAR, TRUE_COLOUR, FALSE_COLOUR),
    f"Sentinel-1 is backscatter in {sensors.DECIBEL}: "
    + ", ".join(
        f"{colour} {channel.name} from {channel.low:.0f} (dark) to {channel.high:.0f}"
        for colour, channel in zip(("red", "green", "blue"), RADAR.channels, strict=True)
    ).replace("-", "−")
    + f". Sentinel-2 is reflectance: 0 is black and {WHITE} or more is white, brightened with gamma 1.8; in false "
    "colour, vegetation is red. Missing values are white.",
    "Suspicious would be: edges and shorelines that differ in place between Sentinel-1 and Sentinel-2; stripes, or "
    "pictures of a single colour; vegetation that is not red in false colour (bands out of order); many pictures that "
    "are almost white or almost black (values in another unit).",
)
"""Backscatter, true colour and false colour, as far as a dataset has their bands."""
