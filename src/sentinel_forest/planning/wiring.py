"""How a selection becomes inputs and parameters of rules: functions of wildcards, as Snakemake calls them."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sentinel_forest.config import paths
from sentinel_forest.config.releases import Release
from sentinel_forest.errors import InputError
from sentinel_forest.features import external
from sentinel_forest.io.checksums import code_checksum
from sentinel_forest.planning import resources
from sentinel_forest.planning.parts import Baseline
from sentinel_forest.planning.selection import Selection
from sentinel_forest.steps import ForestFile, NamedFile, flags, module_of

P = ParamSpec("P")
T = TypeVar("T")
Wildcards = Any
"""What Snakemake hands over: wildcards, and inputs, with a name for each."""
InputFunction = Callable[[Wildcards], list[str]]
TextFunction = Callable[[Wildcards], str]
TrialsOf = Callable[[Wildcards], Sequence[tuple[str, int]]]
"""Scheme and number of the trials of a job."""

WORK, RUN, RESULTS = "<work>", "<run>", "<results>"
"""Snakemake's path variables for intermediate files and for the results of a version."""


def told(function: Callable[P, T]) -> Callable[P, T]:
    """End with the message alone where a user has made a mistake, without Snakemake's account of an exception."""

    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return function(*arguments, **named)
        except InputError as error:
            sys.exit(f"error: {error}")

    return call


@dataclass(frozen=True, eq=False)
class Wiring:
    """Inputs and parameters of the rules of one selection."""

    selection: Selection

    # What a job takes.

    @cache  # noqa: B019 (one wiring lives as long as the process)
    def need(self, rule: str, release: str, feature_set: str) -> resources.Need:
        """What a job takes; see `sentinel_forest.planning.resources`."""
        return resources.NEEDS[rule](self.selection, release, feature_set)

    def memory_of(self, rule: str) -> Callable[[Wildcards, int], int]:
        """For `mem_mb`: by the size of the job's shard, and more each time it is tried again."""
        return lambda wildcards, attempt: resources.memory_mb(self._need(rule, wildcards), attempt)

    def runtime_of(self, rule: str) -> Callable[[Wildcards, int, int], int]:
        """For `runtime`, in minutes: the same for its time."""
        return lambda wildcards, threads, attempt: resources.minutes(self._need(rule, wildcards), threads, attempt)

    def threads_of(self, rule: str) -> Callable[[Wildcards], int]:
        """For `threads`: as many as the work of a job is worth."""
        return lambda wildcards: resources.threads(self._need(rule, wildcards))

    def _need(self, rule: str, wildcards: Wildcards) -> resources.Need:
        return self.need(rule, wildcards.release, wildcards.get("set", ""))

    # Parameters.

    def of_release(self, form: Callable[[Release], str]) -> TextFunction:
        """For a parameter: text made from the release."""
        return lambda wildcards: form(self.selection.releases[wildcards.release].of_set(wildcards.get("set", None)))

    def external_files(self, wildcards: Wildcards) -> list[str]:
        """Input function: tables of vectors of a release, or of one of its feature sets."""
        wanted = wildcards.get("set")
        tables = external.used(self.selection.datasets[wildcards.release].feature_sets)
        used = {name: each for name, each in tables.items() if wanted in (None, name)}
        return [file for each in used.values() for file in (each.file, each.keys) if file]

    def flags_of(self, **forms: Callable[[Release], object]) -> TextFunction:
        """For a parameter: flags made from the release, see `sentinel_forest.steps.flags`."""
        return self.of_release(lambda release: flags(**{name: form(release) for name, form in forms.items()}))

    def seed_of(self, wildcards: Wildcards) -> str:
        """Parameter: the flag of the seed of a scheme, or of what is drawn once for a release."""
        return flags(seed=self.selection.seed(wildcards.release, wildcards.get("scheme")))

    def code_of(self, step: str, dataset: bool = False) -> str | TextFunction:
        """For the parameter `code`: the checksum of a step's code, and of the release's dataset if it opens it."""
        if not dataset:
            return code_checksum(module_of(step))
        return self.of_release(lambda release: code_checksum(module_of(step), f"datasets.{release.dataset}"))

    def named_inputs(
        self, kind: Callable[..., NamedFile], owners: Callable[[str], Iterable[Sequence[object]]], *names: str
    ) -> Callable[[Wildcards, Any], str]:
        """For a parameter: flags of inputs whose files say what they are of.

        Parameters
        ----------
        kind : type
            A kind of `sentinel_forest.steps.NamedFile`.
        owners : callable
            For a release what the files of each input are of, one by one.
        *names : str
            Names of the inputs.
        """

        def of(wildcards: Wildcards, input: Any) -> str:
            of_whom = list(owners(wildcards.release))
            named = {
                name: [kind(*owner, path) for owner, path in zip(of_whom, input[name], strict=True)] for name in names
            }
            return flags(**named)

        return of

    def prediction_flags(self, wildcards: Wildcards) -> str:
        """For a parameter: what the configuration says of predictions made elsewhere, and of their release."""
        about = self.selection.configuration.predictions[wildcards.prediction]
        said = about.model_dump(include={"trained_on", "first_code", "variable"})
        return f"{self.comparison_flags(wildcards)} {flags(**said, truth=about.truth or None)}"

    def comparison_flags(self, wildcards: Wildcards) -> str:
        """For a parameter: what a comparison of predictions made elsewhere with forests takes of the configuration."""
        release, scheme = self.selection.predicted(wildcards.prediction)
        about = self.selection.configuration.predictions[wildcards.prediction]
        return flags(
            name=wildcards.prediction,
            **about.model_dump(include={"role", "task", "model"}),
            scheme=scheme,
            trial=1,
            dataset=self.selection.releases[release].dataset,
            layout=self.selection.releases[release].layout,
            draws=self.selection.config["bootstrap"]["draws"],
            seed=self.selection.seed(release, scheme),
        )

    def map_flags(self, wildcards: Wildcards) -> str:
        """For a parameter: the scene and the forest of a map."""
        return flags(**self.selection.configuration.maps[wildcards.name].model_dump(exclude={"applicability"}))

    # Inputs.

    def of_prediction(self, pattern: str) -> InputFunction:
        """Input function: a file of the trial that predictions made elsewhere are of."""

        def of(wildcards: Wildcards) -> list[str]:
            release, scheme = self.selection.predicted(wildcards.prediction)
            return [f"{RESULTS}/{paths.place(pattern, release=release, scheme=scheme, trial=1)}"]

        return of

    def prediction_files(self, *patterns: str) -> list[str]:
        """Files of the version for all predictions made elsewhere."""
        return [
            f"{RESULTS}/{paths.place(pattern, release=prediction.release, prediction=name)}"
            for name, prediction in self.selection.configuration.predictions.items()
            for pattern in patterns
        ]

    def shards(self, release: str) -> range:
        """Numbers of the shards of a release."""
        return range(1, self.selection.releases[release].shards + 1)

    def of_trials(self, pattern: str) -> InputFunction:
        """Input function: a file of the version for each trial of a release."""
        return lambda wildcards: self.trial_files(pattern, wildcards.release)

    def trial_files(self, pattern: str, *releases: str) -> list[str]:
        """A file of the version for each trial of releases (of all of them if none is named)."""
        return [
            f"{RESULTS}/{paths.place(pattern, release=release, scheme=scheme, trial=trial)}"
            for release in releases or self.selection.releases
            for scheme, trial in self.selection.trials(release)
        ]

    def scored_files(self, *patterns: str) -> list[str]:
        """Files of the version for each trial of the releases that are scored."""
        return [
            path
            for pattern in patterns
            for release in self.selection.scored
            for path in self.trial_files(pattern, release)
        ]

    def of_shards(self, pattern: str, wanted: Callable[[str], object] = lambda release: True) -> InputFunction:
        """Input function: an intermediate file for each shard of a release, for releases that are `wanted`."""
        return lambda wildcards: self.shard_files(pattern, wildcards.release) if wanted(wildcards.release) else []

    def shard_files(self, pattern: str, release: str, **values: object) -> list[str]:
        """An intermediate file for each shard of a release."""
        folder = RUN if pattern == paths.PREDICTIONS else WORK
        return [
            f"{folder}/{paths.place(pattern, release=release, shard=shard, **values)}" for shard in self.shards(release)
        ]

    def feature_files(self, release: str) -> list[str]:
        """The tables of all feature sets of a release, set by set."""
        return [
            path
            for name in self.selection.sets(release)
            for path in self.shard_files(paths.FEATURES, release, set=name)
        ]

    def further_scores(self, trials: TrialsOf) -> InputFunction:
        """Input function: scores of the forests of some trials that counts alone do not give, as far as asked for."""
        return lambda wildcards: [str(each.path) for each in self._further(wildcards.release, trials(wildcards))]

    def further_flags(self, trials: TrialsOf) -> Callable[[Wildcards, Any], str]:
        """For a parameter: the flag of the input `further`."""

        def of(wildcards: Wildcards, input: Any) -> str:
            files = self._further(wildcards.release, trials(wildcards))
            named = [replace(each, path=Path(path)) for each, path in zip(files, input.further, strict=True)]
            return flags(further=named)

        return of

    def _further(self, release: str, trials: Sequence[tuple[str, int]]) -> list[ForestFile]:
        """Where they are; none of releases that take their forests from another."""
        configuration = self.selection.configuration
        asked = {
            paths.CONFORMAL_SCORES: configuration.conformal,
            paths.APPLICABILITY_SCORES: configuration.applicability,
        }
        sets = self.selection.sets(release) if self.selection.source(release) == release else []
        return [
            ForestFile(scheme, trial, name, Path(RUN, paths.place(pattern, set=name, **values)))
            for scheme, trial in trials
            for values in [{"release": release, "scheme": scheme, "trial": trial}]
            for name in sets
            for pattern, settings in asked.items()
            if settings is not None
        ]

    def patch_tables(self, wildcards: Wildcards) -> list[str]:
        """Input function: a shard's tables of the feature sets of patch tasks, which are predicted from them."""
        values = {"release": wildcards.release, "shard": wildcards.shard}
        sets = self.selection.patch_sets(wildcards.release)
        return [f"{WORK}/{paths.place(paths.FEATURES, set=name, **values)}" for name in sets]

    def forest_files(self, pattern: str) -> InputFunction:
        """Input function: a file of each forest tested on a release: its own, or those of the release it takes from."""

        def of(wildcards: Wildcards) -> list[str]:
            source = self.selection.source(wildcards.release)
            return [
                baseline_file(baseline._replace(release=source), pattern)
                for baseline in self.selection.baselines(wildcards.release)
            ]

        return of

    def forests_of_trial(self, pattern: str) -> InputFunction:
        """Input function: a file of each forest of a trial."""
        return lambda wildcards: [
            baseline_file(Baseline(wildcards.release, wildcards.scheme, wildcards.trial, name), pattern)
            for name in self.selection.sets(wildcards.release)
        ]


def baseline_file(baseline: Baseline, pattern: str) -> str:
    """A file of the version for one forest."""
    return f"{RESULTS}/{paths.place(pattern, **baseline._asdict())}"


def listing(names: Iterable[str]) -> str:
    """Pattern of a wildcard that is one of some names; of none it matches nothing."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"
