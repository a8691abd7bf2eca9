"""Configuration, paths and the helpers that all rules share."""

import re
import shlex
import sys
from functools import cache
from pathlib import Path

WRITTEN_FOR = "0.2.0"
REMEDY = f"what to do: pip install 'sentinel-forest[workflow]=={WRITTEN_FOR}', or `make` in a checkout"
try:
    import sentinel_forest
except ImportError:
    sys.exit(
        f"error: The package sentinel-forest is not installed where Snakemake runs.\n  {REMEDY}"
    )
if sentinel_forest.__version__ != WRITTEN_FOR:
    sys.exit(
        "error: These rules are written for another version of the package.\n"
        f"  found: {sentinel_forest.__version__}\n  expected: {WRITTEN_FOR}\n  {REMEDY}"
    )

from sentinel_forest import registry
from sentinel_forest.io import lock
from sentinel_forest.planning import call, resources
from sentinel_forest.versions import seal as versions
from sentinel_forest.versions.holding import hold_call
from sentinel_forest.io.checksums import canonical, code_digest, digest, file_digest
from sentinel_forest.errors import InputError
from sentinel_forest.acquire.history import Seen
from sentinel_forest.planning.selection import select
from sentinel_forest.steps import (
    ForestFile,
    ReleaseFile,
    SetFile,
    TrialFile,
    flags,
    module_of,
)

try:
    SELECTION = select(config)
except InputError as error:
    sys.exit(f"error: {error}")
config.update(SELECTION.config)

RELEASES = list(SELECTION.releases)
SAMPLES = [name for name, release in SELECTION.releases.items() if release.is_sample]
FOLDERS = [name for name, release in SELECTION.releases.items() if release.folder]
VERSION = Path("results") / config["version"]
REPORT = str(VERSION / "report.html")
SEEN = {release: Seen(Path("data"), release) for release in RELEASES}

if workflow.is_main_process:
    if held := lock.settle(lock.LOCKS):
        print(held, file=sys.stderr)
    for release in RELEASES:
        SEEN[release].refresh(Path("data") / release)

# A finished version is never computed again in its place: its rules then write to a folder of
# their own, which `snakemake check` holds against it, whatever has changed since. `snakemake --report`
# computes nothing: it shows what the rules wrote where they wrote it.
CALL = call.parse(sys.argv[1:]) if workflow.is_main_process else call.Call()
PAPERS = sorted((registry.PAPERS).glob("*.yaml"))
IDENTITY = versions.identity(SELECTION.described, SELECTION.releases) | {
    "papers": digest({path.name: file_digest(path) for path in PAPERS})
}
SEALED = versions.is_sealed(VERSION) and not CALL.is_report
if workflow.is_main_process:
    try:
        call.check_executor(CALL)
        hold_call(CALL, VERSION, IDENTITY, SEEN, SELECTION.paths)
    except InputError as error:
        sys.exit(f"error: {error}")
RESULTS = Path("work") / "check" / config["version"] / "results" if SEALED else VERSION


pathvars:
    work=f"work/check/{config['version']}/work" if SEALED else "work",
    results=str(RESULTS),
    logs="logs",


# The crate holds a copy of it. Where the workflow comes from a git address, this is a copy of another name each time.
MAIN = Path(workflow.source_path("../Snakefile"))


# Strict mode, because a prefix replaces Snakemake's own. The interpreter that runs Snakemake also
# runs the jobs, unless an environment is made for them. What depends on where this checkout lies
# goes here, because a prefix does not count as part of a rule: moving a checkout runs nothing again.
# Modules are kept compiled, or every job would compile them anew.
path = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"{shlex.quote(str(Path(sys.executable).parent))}:"
)
shell.prefix(
    "set -euo pipefail; export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE= LC_ALL=C.UTF-8 "
    + f"SNAKEFILE={shlex.quote(str(MAIN))} PATH={path}$PATH; ".replace(
        "{", "{{"
    ).replace("}", "}}")
)


def listing(names):
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


wildcard_constraints:
    release=listing(RELEASES),
    scheme=listing(
        {scheme for release in RELEASES for scheme in SELECTION.definitions(release)}
    ),
    trial=r"\d+",
    shard=r"\d+",


@cache
def need(rule, release, set_name):
    """What a job takes; see `sentinel_forest.planning.resources`."""
    return resources.NEEDS[rule](SELECTION, release, set_name)


def memory_of(rule):
    """For a rule's `mem_mb`: by the size of its shard, and more each time it is tried again."""

    def of(wildcards, attempt):
        return resources.memory_mb(
            need(rule, wildcards.release, wildcards.get("set", "")), attempt
        )

    return of


def runtime_of(rule):
    """For a rule's `runtime`, in minutes: the same for its time."""

    def of(wildcards, threads, attempt):
        return resources.minutes(
            need(rule, wildcards.release, wildcards.get("set", "")), threads, attempt
        )

    return of


def threads_of(rule):
    """For a rule's `threads`: as many as its work is worth."""

    def of(wildcards):
        return resources.threads(
            need(rule, wildcards.release, wildcards.get("set", ""))
        )

    return of


def of_release(form):
    """For a rule's parameter: text made from the release and its settings, quoted for the shell."""

    def of(wildcards):
        return form(SELECTION.releases[wildcards.release])

    return of


def flags_of(**forms):
    """For a rule's parameter: flags made from the release, see `sentinel_forest.steps.flags`."""

    def of(wildcards):
        release = SELECTION.releases[wildcards.release]
        return flags(**{name: form(release) for name, form in forms.items()})

    return of


def seed_of(wildcards):
    """For a rule's parameter: the flag of the seed of a scheme, or of what is drawn once for a release."""
    return flags(seed=SELECTION.seed(wildcards.release, wildcards.get("scheme")))


def code_of(step, dataset=False):
    """For a rule's `code` parameter: the checksum of a step's code, and of the release's dataset if it opens it."""
    if not dataset:
        return code_digest(module_of(step))
    return lambda wildcards: code_digest(
        module_of(step), f"datasets.{SELECTION.releases[wildcards.release].dataset}"
    )


def shards(release):
    return range(1, SELECTION.releases[release].shards + 1)


def split_files(wildcards):
    return [
        f"<results>/{wildcards.release}/splits/{scheme}/{trial}.parquet"
        for scheme, trial in SELECTION.trials(wildcards.release)
    ]


def named_inputs(kind, owners, *names):
    """For a rule's parameter: flags of inputs, whose files say what they are of.

    `kind` is one of `sentinel_forest.steps.NAMED_FILES`; `owners` gives, for a release, what the files of each input
    are of, one by one.
    """

    def of(wildcards, input):
        of_whom = owners(wildcards.release)
        return flags(
            **{
                name: [
                    kind(*owner, path)
                    for owner, path in zip(of_whom, input[name], strict=True)
                ]
                for name in names
            }
        )

    return of


named_splits = named_inputs(TrialFile, SELECTION.trials, "splits")


def tables_of_trials(name):
    """Input function: a table of all trials of a release."""
    return lambda wildcards: [
        f"<results>/{wildcards.release}/baselines/{scheme}/{trial}/{name}"
        for scheme, trial in SELECTION.trials(wildcards.release)
    ]


def feature_shards(release, name):
    return [
        f"<work>/{release}/features/{name}/{shard}.parquet" for shard in shards(release)
    ]


def baseline_folder(baseline):
    return f"<results>/{baseline.release}/baselines/{baseline.scheme}/{baseline.trial}/{baseline.set}"


def forest_files(name):
    """Input function: a file of each forest tested on a release: its own, or those of the release it takes them from."""
    return lambda wildcards: [
        f"{baseline_folder(baseline._replace(release=SELECTION.source(baseline.release)))}/{name}"
        for baseline in SELECTION.baselines(wildcards.release)
    ]


def forests_of_trial(name):
    """Input function: a file of each forest of a trial."""
    return lambda wildcards: [
        f"<results>/{wildcards.release}/baselines/{wildcards.scheme}/{wildcards.trial}/{set_name}/{name}"
        for set_name in SELECTION.sets(wildcards.release)
    ]


def patch_tables(wildcards):
    """Input function: tables of the feature sets of patch tasks, which are predicted from them."""
    return [
        f"<work>/{wildcards.release}/features/{name}/{wildcards.shard}.parquet"
        for name in SELECTION.patch_sets(wildcards.release)
    ]


def shard_tables(folder):
    """Input function: the tables of a step for all shards of a release."""
    return lambda wildcards: [
        f"<work>/{wildcards.release}/{folder}/{shard}.parquet"
        for shard in shards(wildcards.release)
    ]


def reference_tables(wildcards):
    """Input function: the tables of the reference algorithms, for releases that have any."""
    tables = shard_tables("references")(wildcards)
    return tables if SELECTION.references(wildcards.release) else []


def signature_tables(wildcards):
    """Input function: the signatures of the patches, where near-duplicates are looked for."""
    tables = shard_tables("signatures")(wildcards)
    return tables if SELECTION.signature_layers(wildcards.release) else []


def settled(root, path):
    """A file below <work> or <results>; that of a sealed version is not computed again if it is still there."""
    kept = {"<work>": Path("work"), "<results>": VERSION}[root] / path
    return str(kept) if SEALED and kept.exists() else f"{root}/{path}"


def told(form):
    """Input function that tells a user's mistake alone, without what Snakemake says of an exception."""

    def of(wildcards):
        try:
            return form(wildcards)
        except InputError as error:
            sys.exit(f"error: {error}")

    return of
