"""What a configuration asks for, release by release: schemes, trials, feature sets, references."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from sentinel_forest import datasets
from sentinel_forest.acquire.places import place_files
from sentinel_forest.config import releases
from sentinel_forest.config.fields import Section
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.options import Options
from sentinel_forest.config.releases import Release
from sentinel_forest.config.schemes import KINDS, AnyScheme, GroupedStratified, PooledRandom, Published, seed_of
from sentinel_forest.config.settings import DrawSettings
from sentinel_forest.config.validation import parse
from sentinel_forest.datasets.base import Dataset, Reference
from sentinel_forest.errors import InputError
from sentinel_forest.planning import given, vocabulary
from sentinel_forest.planning.parts import Baseline, Skipped
from sentinel_forest.splits import links

S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Selection:
    """Everything that a checked configuration selects.

    `registry` is the folder of the user's own entries of the registry.
    """

    configuration: Configuration
    registry: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration with all defaults, as plain values."""
        return self.configuration.model_dump()

    @cached_property
    def releases(self) -> dict[str, Release]:
        """The selected releases by name."""
        found = releases.resolve(self.config, self.registry)
        return {
            name: replace(release, vocabulary=vocabulary.added(self.configuration, release))
            for name, release in found.items()
        }

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """For each release its dataset, set up for its layout and for what the configuration adds."""
        return {name: datasets.load(release.dataset, release.opened) for name, release in self.releases.items()}

    @cached_property
    def paths(self) -> dict[str, list[str]]:
        """For each release the selected files that lie in its folder; none where there is no folder."""
        return {
            name: []
            if release.folder is None
            else [
                path
                for path in self.datasets[name].list_files(release.folder)
                if releases.selected(path, release.select)
            ]
            for name, release in self.releases.items()
        }

    @cached_property
    def layers(self) -> dict[str, frozenset[str]]:
        """For each release the layers it has, by the names of its files."""
        return {name: self._layers(release) for name, release in self.releases.items()}

    def _layers(self, release: Release) -> frozenset[str]:
        dataset = self.datasets[release.name]
        if release.is_sample:
            return frozenset(dataset.layer_table)
        registered = [file.path for file in release.files]
        return dataset.layers(registered if release.folder is None else self.paths[release.name])

    @property
    def regrouped(self) -> list[str]:
        """Tasks whose classes are merged or dropped; sorted."""
        return sorted({task for dataset in self.datasets.values() for task in dataset.regrouped})

    def draw(self, release: str) -> DrawSettings:
        """How pixels of a release are drawn; see `_settings`."""
        return self._settings(DrawSettings, release, "draw")

    def forest(self, release: str) -> ForestSettings:
        """Settings of the forests of a release; see `_settings`."""
        return self._settings(ForestSettings, release, "forest")

    def _settings(self, model: type[S], release: str, key: str) -> S:
        """What is asked for, else what the registry entry of a release suggests, else the default."""
        suggested = self.releases[release].entry.get("settings", {}).get(key, {})
        asked = getattr(self.configuration, key).model_dump(exclude_unset=True)
        return parse(model.model_validate, {**suggested, **asked}, f"{key} of {release}")

    @property
    def described(self) -> dict[str, Any]:
        """The configuration with `draw` and `forest` as they are for each release, what it adds to vocabularies, and
        checksums in the places of files.
        """
        draw = {name: self.draw(name).model_dump() for name in self.releases}
        added = {name: vocabulary.without_places(each.vocabulary) for name, each in self.releases.items()}
        told = {"vocabulary": {name: each for name, each in added.items() if each}} if any(added.values()) else {}
        forest = {name: self.forest(name).model_dump() for name in self.releases}
        return {**given.by_checksum(self.config), "draw": draw, "forest": forest, **told}

    def definitions(self, release: str) -> dict[str, AnyScheme]:
        """The schemes that a release can have by name."""
        asked = self._asked_definitions(release)
        return {name: asked[name] for name in asked if not self._scheme_lacks(release, asked[name])}

    def _asked_definitions(self, release: str) -> dict[str, AnyScheme]:
        """The schemes that are asked for."""
        own = self.configuration.own_schemes
        asked = {name: own[name] if name in own else KINDS[name](kind=name) for name in self.configuration.schemes}
        if release not in self.config["transfer"]:
            return asked
        return {name: scheme for name, scheme in asked.items() if isinstance(scheme, Published)}

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each scheme that is asked for."""
        own = self.configuration.own_schemes
        return {name: own[name].kind if name in own else name for name in self.configuration.schemes}

    def definition(self, release: str, scheme: str) -> AnyScheme:
        """A scheme by its name."""
        return self.definitions(release)[scheme]

    def of_kind(self, release: str, kind: type[Options]) -> list[str]:
        """Names of the schemes of a kind that a release can have."""
        return [name for name, scheme in self.definitions(release).items() if isinstance(scheme, kind)]

    def published(self, release: str) -> str | None:
        """Name of the scheme that is the publisher's own split; None if it is not asked for."""
        return next(iter(self.of_kind(release, Published)), None)

    def inspected(self, release: str) -> tuple[str, int]:
        """The trial of a release whose forests are looked into: one whose test patches share no group with training,
        if there is one.
        """
        apart = self.of_kind(release, GroupedStratified)
        trials = self.trials(release)
        return next((trial for trial in trials if trial[0] in apart), trials[0])

    @cached_property
    def _unknown_columns(self) -> dict[str, dict[str, str]]:
        """For each release the columns that its whole catalog will lack, as its files tell, and why."""
        return {
            name: {} if release.is_sample else self.datasets[name].unknown_columns(release.folder, self._named(release))
            for name, release in self.releases.items()
        }

    def _named(self, release: Release) -> list[str]:
        """Names of the files that a release has, or will have once it is fetched."""
        fetched = release.folder is None
        names = [file.path for file in release.files] if fetched else list(self.paths[release.name])
        if release.places is None:
            return names
        plain = [name.removesuffix(".gz") for name in names]
        return [*names, *place_files(self.datasets[release.name], release.entry, plain, release.places)]

    def _scheme_lacks(self, release: str, scheme: AnyScheme) -> str:
        """What a scheme needs of every patch and no patch of a release has, and why; or nothing."""
        unknown = self._unknown_columns[release]
        for names in scheme.needed_columns():
            if all(name in unknown for name in names):
                return f"no patch has a known {' or '.join(names)}: {unknown[names[0]]}"
        if isinstance(scheme, Published) and self.source(release) == release and self.sets(release):
            return self._training_lacks(release)
        return ""

    def _training_lacks(self, release: str) -> str:
        """Why the published split of a release has nothing to train on, as names of files tell; or nothing."""
        chosen = self.releases[release]
        if chosen.is_sample:
            return ""
        paths = [file.path for file in chosen.files] if chosen.folder is None else self.paths[release]
        roles = self.datasets[release].published_roles(paths)
        if roles is None or "train" in roles:
            return ""
        return (
            f"its published split has no training patches ({', '.join(sorted(roles))} alone): use `transfer`, or draw "
            "a split such as pooled-random"
        )

    def seed(self, release: str, scheme: str | None = None) -> int:
        """The seed of a scheme, or of what is drawn once for a release; see `seed_of`."""
        definition = None if scheme is None else self.definitions(release)[scheme]
        return seed_of(self.configuration.seed, self.releases[release].dataset, definition)

    def trials(self, release: str) -> list[tuple[str, int]]:
        """All (scheme, trial) of a release."""
        return [
            (scheme, trial)
            for scheme, definition in self.definitions(release).items()
            for trial in range(1, definition.trials(self.configuration.trials) + 1)
        ]

    def source(self, release: str) -> str:
        """The release whose forests are used for a release: itself, unless it is a transfer."""
        return str(self.config["transfer"].get(release, release))

    def sets(self, release: str) -> list[str]:
        """Feature sets that can be computed and predicted on a release, in the configured order."""
        return [name for name in self._known_sets(release) if not self._lack(release, name)]

    def patch_sets(self, release: str) -> list[str]:
        """Those of `sets` whose task has a class for a whole patch."""
        dataset = self.datasets[release]
        return [name for name in self.sets(release) if dataset.tasks[dataset.feature_sets[name].task].unit == "patch"]

    def references(self, release: str) -> list[str]:
        """Reference algorithms whose layer and truth a release has."""
        dataset = self.datasets[release]
        return [name for name, reference in dataset.references.items() if not self._reference_lacks(release, reference)]

    @property
    def scored(self) -> list[str]:
        """Releases of which forests or reference algorithms say something: there is nothing to score of the others."""
        return [name for name in self.releases if self.sets(name) or self.references(name)]

    def signature_layers(self, release: str) -> list[str]:
        """Layers by which near-duplicates are looked for: the bands of the optical and radar images that a
        release has (no indices, angles, masks or labels); none unless it is asked for.
        """
        bands = [layer.name for layer in self.datasets[release].layer_table.values() if layer.is_image]
        return [name for name in bands if name in self.layers[release] and self.config["near_duplicates"]]

    @property
    def near_duplicate_distance(self) -> float | None:
        """Distance below which patches are near-duplicates; None where nobody asks for them."""
        wanted = self.config["near_duplicates"]
        return float(wanted.get("distance", 0)) if wanted else None

    def baselines(self, release: str) -> list[Baseline]:
        """All forests that are scored on a release."""
        return [
            Baseline(release, scheme, trial, name)
            for scheme, trial in self.trials(release)
            for name in self.sets(release)
        ]

    @property
    def reproducible(self) -> dict[str, str]:
        """Releases whose reference algorithms are scored as papers do, and the scheme that is the publisher's split."""
        return {
            release: scheme
            for release in self.releases
            if self.references(release) and (scheme := self.published(release)) is not None
        }

    @property
    def held_by_patch(self) -> list[str]:
        """Releases whose reference algorithms are held against the authors' values of each patch."""
        return [name for name in self.configuration.published_patches if self.references(name)]

    def predicted(self, name: str) -> tuple[str, str]:
        """Release and scheme of predictions made elsewhere: what they were trained on, else the published split."""
        prediction = self.configuration.predictions[name]
        known = self.definitions(prediction.release)
        scheme = prediction.trained_on if prediction.trained_on in known else self.published(prediction.release)
        if scheme is None:
            raise InputError(
                "Predictions are of no scheme of this run.",
                where=f"key 'predictions.{name}.trained_on'",
                found=prediction.trained_on or "nothing",
                expected=" | ".join(known),
                remedy="name the scheme that the model was trained on, or add published to the schemes",
            )
        return prediction.release, scheme

    @property
    def priced(self) -> list[str]:
        """Releases of which the price of leakage is found."""
        wanted = self.configuration.price.trials > 0
        return [name for name in self.releases if wanted and self.sets(name) and not self._price_lacks(name)]

    def _price_lacks(self, release: str) -> str:
        """Why a release can have no price of leakage, or nothing."""
        if self.source(release) != release:
            return f"its forests come from {self.source(release)}"
        lacking = self._unknown_columns[release].get("group", "")
        return f"no patch has a known group: {lacking}" if lacking else ""

    def pooled(self, release: str) -> PooledRandom:
        """The pooled random draw that says how many relatives are trained on: the first that is configured."""
        asked = self._asked_definitions(release).values()
        return next((each for each in asked if isinstance(each, PooledRandom)), PooledRandom())

    def skipped(self) -> list[Skipped]:
        """Configured schemes, feature sets, reference algorithms and links that releases cannot give."""
        rows = []
        for release, dataset in self.datasets.items():
            for name, definition in self._asked_definitions(release).items():
                if reason := self._scheme_lacks(release, definition):
                    rows.append(Skipped(release, "scheme", name, reason))
            for name in self._known_sets(release):
                if lack := self._lack(release, name):
                    rows.append(Skipped(release, "feature set", name, f"lacks {', '.join(lack)}"))
            for name, reference in dataset.references.items():
                if lack := self._reference_lacks(release, reference):
                    rows.append(Skipped(release, "reference", name, f"lacks {', '.join(lack)}"))
            if self.configuration.price.trials and (reason := self._price_lacks(release)):
                rows.append(Skipped(release, "experiment", "price of leakage", reason))
            if self.config["near_duplicates"] and not self.signature_layers(release):
                rows.append(Skipped(release, "link", links.NEAR_DUPLICATE, "lacks images"))
        return rows

    def _reference_lacks(self, release: str, reference: Reference) -> list[str]:
        """Layers that judging a reference algorithm takes and a release does not have."""
        needed = {reference.layer, *self.datasets[release].label_layers(reference.task)}
        return sorted(needed - self.layers[release])

    def _known_sets(self, release: str) -> list[str]:
        known = self.datasets[release].feature_sets.keys() & self.datasets[self.source(release)].feature_sets.keys()
        return [name for name in self.config["feature_sets"] if name in known]

    def _lack(self, release: str, name: str) -> list[str]:
        """Layers that a feature set needs and the release (or the source of its forests) does not have."""
        lacking = set[str]()
        for place in {release, self.source(release)}:
            dataset = self.datasets[place]
            feature_set = dataset.feature_sets[name]
            needed = {*feature_set.layers.values(), *dataset.label_layers(feature_set.task)}
            needed |= {feature_set.train_labels.layer} if feature_set.train_labels else set()
            lacking |= needed - self.layers[place]
        return sorted(lacking)
