"""The whole configuration."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sentinel_forest.config.additions import Classes, ExternalTable, OwnFeatureSet
from sentinel_forest.config.fields import (
    AS_GIVEN,
    MOST_TRIALS,
    Each,
    Jobs,
    Name,
    Natural,
    Once,
    Section,
    Seeds,
    Trials,
    absent,
)
from sentinel_forest.config.forest import Engine, ForestSettings
from sentinel_forest.config.predictions import Audit, Prediction
from sentinel_forest.config.schemes import KINDS, NearestNeighbour, Scheme
from sentinel_forest.config.settings import (
    Action,
    ApplicabilitySettings,
    Bootstrap,
    ConformalSettings,
    DrawSettings,
    Export,
    MapSettings,
    NearDuplicates,
    OwnRelease,
    PriceSettings,
    Publish,
    ScoreSettings,
)
from sentinel_forest.config.validation import nearest, wrong


def _not_taken(name: str) -> str:
    if name == "reference":
        raise wrong("This name is taken.", found=name, expected="another name")
    return name


class Configuration(Section):
    """What a run computes. Overlays given with --configfile replace lists whole."""

    version: Annotated[Name, AfterValidator(_not_taken)] = "draft"
    """Name of the folder under results/. A finished version is sealed; "draft" never is, "reference" is taken."""

    against: Annotated[Name | Literal[""], BeforeValidator(lambda name: name or "")] = ""
    """Version that `snakemake compare` compares this one with."""

    seed: Natural = 1
    """Version seed. Every other seed derives from it, the dataset, the kind and options of the scheme, the trial and
    the purpose; the names of releases and schemes change none."""

    releases: Each[Name]
    """Releases to work on: names of the registry (docs/reference/releases.md), or names from own_releases."""

    folders: dict[str, str] = {}
    """Release: folder with the publisher's files that are already on disk. They are read there, never changed."""

    places: dict[str, str] = {}
    """Release: folder of another version that has the same rows, whose files of places are linked beside (So2Sat: the
    geo files of version 4, for versions 1 to 3)."""

    own_releases: dict[Name, OwnRelease] = {}
    """Name: any folder in a dataset's layout. Nothing is registered for it; structure and content are checked all the
    same."""

    select: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    """Release: patterns of the files to use (as in a shell, * and ?), for working with a part of a release."""

    shards: dict[str, Jobs] = {}
    """Release: number of row ranges (jobs) instead of the registered one."""

    accept: dict[str, list[str]] = {}
    """Release: names of failed checks that you accept. Every result then says so."""

    transfer: dict[str, str] = {}
    """Release: the release whose forests (published split) are tested on it, instead of training its own."""

    schemes: Each[Name] = ["published", "pooled-random", "grouped-stratified"]
    """Schemes that assign patches to roles, by kind or by a name from own_schemes."""

    own_schemes: dict[Name, Annotated[Scheme, AS_GIVEN]] = {}
    """Name: a kind of scheme with settings of its own (fractions, groups, strata, ...), see docs/schemes.md."""

    trials: Trials = 3
    """Seeded draws of each scheme that draws."""

    gate: dict[str, Action] = {}
    """What a link between roles by a key does: stop the run, mark its scores, or only count. Keys and defaults:
    docs/schemes.md."""

    near_duplicates: NearDuplicates = NearDuplicates()
    """Near-duplicates in the ledger, e.g. {distance: 0.001}; {} looks for none. Reads the images once more."""

    feature_sets: Each[Name] = ["l1c"]
    """Feature sets to fit forests on. A release uses those that its dataset knows and whose layers it has."""

    own_feature_sets: dict[Name, OwnFeatureSet] = {}
    """Name: features of your own for a dataset, see docs/features.md. Used where feature_sets names it."""

    external: dict[Name, ExternalTable] = {}
    """Name: vectors by patch or pixel that another model has made, see docs/external-features.md. Used where
    feature_sets names it."""

    classes: dict[Name, dict[str, Classes]] = {}
    """Dataset: task: classes that are merged or dropped, see docs/classes.md. Splits do not depend on them."""

    draw: DrawSettings = DrawSettings()
    """Which pixels of a patch a forest may learn from (pixel tasks)."""

    forest: ForestSettings = ForestSettings()
    """The random forest."""

    engines_beside: Once[Engine] = []
    """Engines to put beside the configured one, on one trial of each release: engines.tsv has their scores, and the
    differences on the same rows, side by side. The forests of a version are those of forest.engine alone."""

    forest_seeds: Seeds = 3
    """Seeds that the forests of one trial of each release are grown from: seeds.tsv and the notes of the headline tell
    how much scores differ between them. 1 grows no others, and nothing is said."""

    bootstrap: Bootstrap = Bootstrap()
    """Intervals by bootstrap over groups."""

    conformal: ConformalSettings | None = absent()
    """Sets of classes by forest, calibrated on the validation patches; rows of metrics.tsv. {} takes the defaults,
    without the key there are none. See docs/metrics.md."""

    applicability: ApplicabilitySettings | None = absent()
    """How far held-out patches lie from the training data of each forest; rows of metrics.tsv, and error by
    dissimilarity. {} takes the defaults, without the key there are none. See docs/maps.md."""

    published_patches: dict[str, str] = {}
    """Release: a file with its authors' values of each patch (of CloudSEN12 cloudsen12_metrics.csv), which reference
    algorithms are compared with, patch by patch, and from which all its models are scored."""

    predictions: dict[Name, Prediction] = {}
    """Name: predictions that a model made elsewhere, which get all that a forest gets. See docs/predictions.md."""

    audits: dict[Name, Audit] = {}
    """Name: split lists that others made, which are compared with a release. See docs/auditing-splits.md."""

    score: ScoreSettings = ScoreSettings()
    """What of the held-out patches is scored."""

    price: PriceSettings = PriceSettings()
    """The price of leakage: what a forest gains by relatives of the test patches in training."""

    export: Export = Export()
    """What `snakemake export` writes."""

    publish: Publish = Publish()
    """What `snakemake publish` cannot know."""

    maps: dict[Name, MapSettings] = {}
    """Name: a scene that `snakemake maps` classifies with a forest of the version, see docs/maps.md."""

    @model_validator(mode="after")
    def _schemes_are_known(self) -> Self:
        known = {*self.own_schemes, *KINDS}
        for name in self.schemes:
            if name not in known:
                raise wrong("Unknown scheme.", key="schemes", found=name, expected=nearest(name, known))
            if name not in self.own_schemes and KINDS[name] is NearestNeighbour:
                expected = "a name from own_schemes, e.g. {kind: knndm, areas: [[west, south, east, north]]}"
                raise wrong("A kind without a place of prediction.", key="schemes", found=name, expected=expected)
        return self

    @model_validator(mode="after")
    def _feature_sets_have_one_meaning(self) -> Self:
        for name in self.external:
            if name in self.own_feature_sets:
                raise wrong("A name has two feature sets.", key=f"external.{name}", found=name, expected="another name")
        return self

    @model_validator(mode="after")
    def _trials_have_a_bound(self) -> Self:
        for name, scheme in self.own_schemes.items():
            if (trials := scheme.trials(self.trials)) > MOST_TRIALS:
                expected = f"at most {MOST_TRIALS} trials"
                raise wrong("A scheme has too many trials.", key=f"own_schemes.{name}", found=trials, expected=expected)
        return self
