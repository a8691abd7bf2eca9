"""Sections of the configuration that are settings of one step."""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BeforeValidator, Strict, field_validator, model_validator

from sentinel_forest.config.fields import (
    FROM_TEXT,
    Count,
    Finite,
    Flag,
    Jobs,
    Name,
    Natural,
    Once,
    Positive,
    Section,
    absent,
)
from sentinel_forest.config.validation import wrong

Action = Literal["stop", "mark", "count"]
Form = Literal["publisher", "index", "torchgeo"]
Role = Literal["train", "validation", "test"]


CREATOR = r"(?P<name>[^()<>]*[^()<> ])(?: \((?P<orcid>(?:\d{4}-){3}\d{3}[\dX])\))?"
"""Somebody who made a version, with an ORCID iD or without."""


def _date(value: object) -> object:
    """A date as text; YAML reads some as dates."""
    if value in (None, "", "null"):
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise wrong("This is no date.", key="date", found=value, expected="YYYY-MM-DD") from None


def _creator(text: str) -> str:
    """Hold a creator against the form, and the last sign of an ORCID iD against the others."""
    found = re.fullmatch(CREATOR, text)
    if found is None:
        expected = '"Family, Given", or with an ORCID iD "Family, Given (0000-0002-1825-0097)"'
        raise wrong("This is no creator.", found=text, expected=expected)
    if (orcid := found["orcid"]) and orcid[-1] != (last := _check_sign(orcid)):
        raise wrong("An ORCID iD with a wrong digit.", found=text, expected=f"{last} at the end of the iD")
    return text


def _check_sign(orcid: str) -> str:
    """The last sign of an ORCID iD by its other digits (ISO/IEC 7064, MOD 11-2)."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11]


class DrawSettings(Section):
    """Which pixels of a patch a forest may learn from (pixel tasks)."""

    pixels: Count = 300_000
    """Pixels drawn from the whole release; every patch and class (and 500 m block, where labels are that coarse) has an
    equal part."""


class NearDuplicates(Section):
    """Near-duplicates in the ledger."""

    distance: Positive | None = absent()
    """How much mean and standard deviation of any band of the image may differ between near-duplicates, in standard
    deviations of that number over the release."""


class Bootstrap(Section):
    """Intervals by bootstrap over groups."""

    draws: Annotated[int, Strict(), Ge(100), FROM_TEXT] = 1000
    """Number of bootstrap draws."""


class ScoreSettings(Section):
    """What of the held-out patches is scored."""

    pixels: Count | Literal["all"] = "all"
    """Pixels of each held-out patch that are predicted and scored (pixel tasks): all, or the size of a seeded sample,
    stratified by true class. A sample gives no metrics by bins of patches; reproductions take all."""

    validation: Flag = True
    """Whether validation patches are predicted and scored, too. Nothing else uses their predictions."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that are scored."""
        return ("validation", "test") if self.validation else ("test",)

    @property
    def sample(self) -> int | None:
        """Pixels of a sample; None where all are scored."""
        return None if self.pixels == "all" else self.pixels


class PriceSettings(Section):
    """The price of leakage: the same test patches, scored with and without relatives of theirs in training."""

    trials: Natural = 3
    """Number of parts of the groups; each is tested in one trial, by two forests a feature set. 0 leaves the experiment
    out; 1 is not possible, as nothing would be left to train on."""

    @field_validator("trials")
    @classmethod
    def _leaves_groups_to_train_on(cls, value: int) -> int:
        if value == 1:
            raise wrong("One part of the groups cannot train and be tested.", found=value, expected="0, or 2 and more")
        return value


class ConformalSettings(Section):
    """Sets of classes that hold the true one with a stated probability."""

    alpha: Annotated[float, Strict(), Gt(0), Lt(1), FROM_TEXT] = 0.1
    """Probability that a set may miss the true class."""


class ApplicabilitySettings(Section):
    """How far held-out patches lie from the training data."""

    samples: Annotated[int, Strict(), Ge(100), Le(20_000), FROM_TEXT] = 5_000
    """Training samples that are kept, of each group the same number or all: what this may cost. The version keeps them
    for maps."""


class Export(Section):
    """What `snakemake export` writes. A list without an entry leaves nothing out."""

    releases: Once[Name] = []
    """Releases to write."""

    schemes: Once[Name] = []
    """Schemes to write, by name."""

    trials: Once[Count] = []
    """Numbers of the trials to write, from 1."""

    roles: Once[Role] = []
    """Roles to write: train, validation, test."""

    layers: Once[str] = []
    """Layers to write, by name."""

    form: Form = "publisher"
    """The publisher's own layout (publisher), what classes of torchgeo read (torchgeo), or arrays of rows that point
    into the release (index)."""

    @model_validator(mode="after")
    def _only_the_publishers_layout_leaves_layers_out(self) -> Self:
        if self.form != "publisher" and self.layers:
            expected = "no layers, or form: publisher"
            why = (
                "torchgeo reads all layers." if self.form == "torchgeo" else "An index points to rows with all layers."
            )
            raise wrong(why, key="layers", found=self.layers, expected=expected)
        return self


class Publish(Section):
    """What `snakemake publish` cannot know; no part of a version."""

    date: Annotated[str | None, BeforeValidator(_date)] = None
    """Date of publication, YYYY-MM-DD; null takes that of the commit that computed the version."""

    creators: Once[Annotated[str, AfterValidator(_creator)]] = []
    """Who made the version: "Family, Given", with the ORCID iD in brackets if there is one."""


class MapSettings(Section):
    """A scene, and the forest of the version that classifies it."""

    scene: str
    """A Sentinel-2 product (SAFE folder or zip), a folder with an image for each band (B04.tif), or one image whose
    bands are described by name."""

    release: Name
    """The release whose forest it is."""

    scheme: Name
    """The scheme of the forest."""

    trial: Count = 1
    """The trial of the scheme."""

    set: Name
    """The feature set of the forest."""

    radar: str | None = absent()
    """Folder with a GeoTIFF for each Sentinel-1 band (VV.tif), on the grid of the scene, in the unit of the release."""

    level: Literal["L1C", "L2A"] | None = absent()
    """Processing level of images without metadata."""

    offset: Finite | None = absent()
    """What to add to digital numbers of images without metadata: 0 before processing baseline 04.00, -1000 since."""

    stride: Count = 10
    """Pixels from one window to the next, where the forest classifies patches."""

    accept: list[str] = []
    """Checks of the numbers of the scene that may fail, e.g. [scattered-light]; the map then says so."""

    applicability: Count | None = absent()
    """Training samples that each pixel is compared with at most, e.g. 1000, to say how far it lies from them: what this
    layer may cost. Without, it is not written. Needs the key `applicability` of the version."""


class OwnRelease(Section):
    """A folder in a dataset's layout for which nothing is registered."""

    dataset: Name
    """The dataset whose layout the folder has."""

    folder: str
    """The folder with the files."""

    layout: Annotated[dict[str, Any], FROM_TEXT] = {}
    """Deviations from the published layout, e.g. {side: 128}."""

    shards: Jobs = 1
    """Number of row ranges the catalog is cut into; each is one job."""

    licence: str = "not stated"
    """Licence of the files, for the report."""
