"""What a report is made from: the files of a version, read once and as far as they are there."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config import paths
from sentinel_forest.config.releases import FILES, read_entry
from sentinel_forest.config.schemes import AnyScheme, kind_of, parse_scheme
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.evaluation.average import AVERAGES
from sentinel_forest.evaluation.calibration import CALIBRATION
from sentinel_forest.evaluation.confusion import counted_units, on_the_same_pixels
from sentinel_forest.evaluation.curves import CURVES
from sentinel_forest.evaluation.engine_comparison import ENGINES
from sentinel_forest.evaluation.importance import IMPORTANCE
from sentinel_forest.evaluation.paired import PAIRED
from sentinel_forest.evaluation.price import PRICE
from sentinel_forest.evaluation.score import METRICS, SCORES_BY
from sentinel_forest.io.tables import read_catalog, read_parquet, read_tsv
from sentinel_forest.report.model import Source
from sentinel_forest.splits.balance import BALANCE, INFEASIBLE
from sentinel_forest.splits.ledger import LEDGER
from sentinel_forest.verify.inspect import INTEGRITY
from sentinel_forest.versions.compare import COMPARISON
from sentinel_forest.versions.headline import HEADLINE
from sentinel_forest.versions.manifest import read_manifest, read_version
from sentinel_forest.versions.reproduction import REPRODUCTION


@dataclass(frozen=True, eq=False)
class ReleaseResults:
    """The results of a release within a version.

    `kinds` has the kind of each scheme, `schemes` its options, `results` is the folder of the version, `source` the
    release that the forests come from, `entry` the registry entry (of an own release what the configuration says).
    """

    name: str
    dataset: Dataset
    entry: Mapping[str, Any]
    results: Path
    work: Path
    data: Path
    kinds: Mapping[str, str]
    source: str
    files: frozenset[str]
    schemes: Mapping[str, AnyScheme] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Full name for people."""
        return str(self.entry.get("title", self.name))

    @property
    def is_sample(self) -> bool:
        """Whether its pixels come from the scene model."""
        return self.entry.get("sample") is not None

    @cached_property
    def trials(self) -> tuple[tuple[str, int], ...]:
        """(scheme, trial) of every split, schemes in the configured order."""
        read = [paths.fields(paths.SPLIT, path) for path in self.files]
        found = [(part["scheme"], int(part["trial"])) for part in read if part and part["release"] == self.name]
        place = {scheme: number for number, scheme in enumerate(self.kinds)}
        return tuple(sorted(found, key=lambda pair: (place.get(pair[0], len(place)), *pair)))

    @property
    def primary(self) -> tuple[str, int]:
        """The trial that is shown where one must do: of the published split, if there is one."""
        published = (trial for trial in self.trials if self.kinds.get(trial[0]) == "published")
        return next(published, self.trials[0])

    @cached_property
    def sets(self) -> tuple[str, ...]:
        """Feature sets with scores, in sorted order."""
        return tuple(sorted(set(self.metrics["features"]) - {""}))

    @cached_property
    def catalog(self) -> pd.DataFrame | None:
        """One row per patch; None where the working files are gone."""
        path = self.work_path(paths.CATALOG)
        return read_catalog(path) if path.is_file() else None

    @cached_property
    def layers(self) -> frozenset[str]:
        """Layers that the release's files hold; none if they are not known."""
        path = self.work_path(paths.FILES)
        if not path.is_file():
            return frozenset()
        return self.dataset.layers(read_tsv(path, FILES)["path"])

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Scores of all trials, with scheme and trial."""
        return on_the_same_pixels(self._of_trials(paths.METRICS, METRICS))

    @cached_property
    def scores_by(self) -> pd.DataFrame:
        """Scores of all trials by attributes of the patches, with scheme and trial."""
        return on_the_same_pixels(self._of_trials(paths.SCORES_BY, SCORES_BY))

    @cached_property
    def paired(self) -> pd.DataFrame:
        """Paired comparisons of all trials, with scheme and trial."""
        return self._of_trials(paths.PAIRED, PAIRED)

    @cached_property
    def balance(self) -> pd.DataFrame:
        """Balance of all splits, with scheme and trial."""
        return self._of_trials(paths.BALANCE, BALANCE)

    @cached_property
    def infeasible(self) -> pd.DataFrame:
        """Requests that splits could not meet, with scheme and trial."""
        return self._of_trials(paths.INFEASIBLE, INFEASIBLE)

    @cached_property
    def families(self) -> pd.DataFrame:
        """Importance of band families in the trials that were looked into, with scheme and trial."""
        return self._of_trials(paths.IMPORTANCE, IMPORTANCE)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Scores by number of trees in the trials that were looked into, with scheme and trial."""
        return self._of_trials(paths.CURVES, CURVES)

    @cached_property
    def engines(self) -> pd.DataFrame:
        """Engines side by side in the trials that were looked into, with scheme and trial."""
        return self._of_trials(paths.ENGINES, ENGINES)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """Calibration of the trials that were looked into, with scheme and trial."""
        return self._of_trials(paths.CALIBRATION, CALIBRATION)

    @cached_property
    def integrity(self) -> pd.DataFrame | None:
        """Findings on the files."""
        return self._table(paths.INTEGRITY, INTEGRITY)

    @cached_property
    def averages(self) -> pd.DataFrame | None:
        """Scores over the trials of each scheme."""
        averages = self._table(paths.AVERAGES, AVERAGES)
        return None if averages is None else on_the_same_pixels(averages)

    @cached_property
    def ledger(self) -> pd.DataFrame | None:
        """Links between the roles of every split."""
        return self._table(paths.LEDGER, LEDGER)

    @cached_property
    def price(self) -> pd.DataFrame | None:
        """What forests gain by relatives of the test patches; None where it was not asked for or not possible."""
        return self._table(paths.PRICE, PRICE)

    @cached_property
    def confusion(self) -> pd.DataFrame:
        """Confusion counts of all trials, summed over patches; of a sample, what they stand for."""
        keys = ["scheme", "trial", "task", "features", "classifier", "role", "true", "predicted"]
        tables = [
            _summed(read_parquet(path, [*keys, "pixels", "count", "pixel_weight"]), keys)
            for scheme, trial in self.trials
            if (path := self.path(paths.CONFUSION, scheme=scheme, trial=trial)).is_file()
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*keys, "count"])

    def fit(self, scheme: str, trial: int, feature_set: str) -> dict[str, Any] | None:
        """What is known about a forest; None where it was not grown on this release."""
        path = self.path(paths.FIT, scheme=scheme, trial=trial, set=feature_set)
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def file(self, pattern: str, **values: object) -> str:
        """A file of the release below the folder of the version, by its pattern in `config.paths`."""
        return paths.place(pattern, release=self.name, **values)

    def path(self, pattern: str, **values: object) -> Path:
        """A file of the release's results."""
        return self.results / self.file(pattern, **values)

    def work_path(self, pattern: str, **values: object) -> Path:
        """A working file of the release."""
        return self.work / self.file(pattern, **values)

    def from_file(self, pattern: str, rule: str, **values: object) -> Source:
        """A file of the release's results as a source."""
        return Source(self.file(pattern, **values), rule)

    def from_trials(
        self, pattern: str, rule: str, of: Collection[str] | None = None, **values: object
    ) -> tuple[Source, ...]:
        """A file of each trial (of some schemes) that has it as a source."""
        trials = [pair for pair in self.trials if of is None or pair[0] in of]
        names = [self.file(pattern, scheme=scheme, trial=trial, **values) for scheme, trial in trials]
        return tuple(Source(name, rule) for name in names if (self.results / name).is_file())

    def forest(self, feature_set: str) -> Source:
        """The forest of the trial that is shown where one must do, as a source."""
        scheme, trial = self.primary
        path = paths.place(paths.FOREST, release=self.source, scheme=scheme, trial=trial, set=feature_set)
        return Source(path, "fit")

    def trial_links(self, scheme: str, pattern: str) -> tuple[tuple[str, str], ...]:
        """For each trial of a scheme its number and file."""
        return tuple(
            (str(trial), self.file(pattern, scheme=name, trial=trial)) for name, trial in self.trials if name == scheme
        )

    def _table(self, pattern: str, schema: Any, **values: object) -> pd.DataFrame | None:
        # The manifest holds its bytes. What an earlier configuration has left in the folder is no part of the version.
        name = self.file(pattern, **values)
        return read_tsv(self.results / name, schema, validated=True) if name in self.files else None

    def _of_trials(self, pattern: str, schema: Any) -> pd.DataFrame:
        tables = []
        for scheme, trial in self.trials:
            found = self._table(pattern, schema, scheme=scheme, trial=trial)
            if found is not None:
                tables.append(found.assign(scheme=scheme, trial=trial))
        if tables:
            return pd.concat(tables, ignore_index=True)
        return pd.DataFrame(columns=list(dict.fromkeys([*schema.columns, "scheme", "trial"])))


def _summed(counts: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    rows = on_the_same_pixels(counts)
    sums = rows.assign(count=counted_units(rows)).groupby(keys, sort=True)["count"].sum()
    return sums.round().astype("int64").reset_index()


@dataclass(frozen=True, eq=False)
class VersionResults:
    """A version: what `version.json` says, its headline figures, its releases.

    `reproduction` is the sheet of published figures (None if there is none), `comparisons` holds for each
    other version that this one was held against the scores that differ.
    """

    name: str
    folder: Path
    description: Mapping[str, Any]
    headline: pd.DataFrame
    reproduction: pd.DataFrame | None
    comparisons: Mapping[str, pd.DataFrame]
    releases: tuple[ReleaseResults, ...]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The checked configuration."""
        return dict(self.description["configuration"])

    @property
    def has_samples(self) -> bool:
        """Whether a release is a sample."""
        return any(release.is_sample for release in self.releases)

    def is_sample(self, name: str) -> bool:
        """Whether a release of this version is a sample."""
        return any(release.is_sample for release in self.releases if release.name == name)


def read(results: Path, work: Path, data: Path) -> VersionResults:
    """Read a version.

    Parameters
    ----------
    results : Path
        Folder of the version.
    work, data : Path
        Folders with the working files and the data of each release; what is gone is not shown.

    Raises
    ------
    InputError
        If the folder holds no finished version, or files of it are not those that its manifest names.
    """
    description = read_version(results)
    configuration = description["configuration"]
    files = frozenset(read_manifest(results / paths.MANIFEST))
    releases = tuple(_release(name, configuration, results, work, data, files) for name in configuration["releases"])
    headline = read_tsv(results / paths.HEADLINE, HEADLINE)
    order = headline.assign(
        first=headline["release"].map(configuration["releases"].index),
        second=headline["scheme"].map({name: place for place, name in enumerate(configuration["schemes"])}),
    ).sort_values(["first", "second"], kind="stable", ignore_index=True)
    sheet = results / paths.REPRODUCTION
    return VersionResults(
        results.resolve().name,
        results,
        description,
        order[list(HEADLINE.columns)],
        read_tsv(sheet, REPRODUCTION) if sheet.is_file() else None,
        {
            about["against"]: read_tsv(path, COMPARISON)
            for path in sorted(results.glob(paths.place(paths.COMPARISON, against="*")))
            if (about := paths.fields(paths.COMPARISON, path.name))
        },
        releases,
    )


def _release(
    name: str, configuration: Mapping[str, Any], results: Path, work: Path, data: Path, files: frozenset[str]
) -> ReleaseResults:
    own = configuration["own_releases"]
    entry = own[name] | {"title": name} if name in own else read_entry(name)
    return ReleaseResults(
        name,
        datasets.load(entry["dataset"], {**entry["layout"], **configuration.get("vocabulary", {}).get(name, {})}),
        entry,
        results,
        work,
        data,
        {scheme: kind_of(scheme, configuration["own_schemes"]) for scheme in configuration["schemes"]},
        configuration["transfer"].get(name, name),
        files,
        {
            scheme: parse_scheme(configuration["own_schemes"].get(scheme, {"kind": scheme}), scheme)
            for scheme in configuration["schemes"]
        },
    )
