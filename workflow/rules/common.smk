"""Configuration, places and the wiring that all rules share."""

import atexit
import gc
import sys
from functools import cache
from pathlib import Path

WRITTEN_FOR = "0.2.0"
try:
    import sentinel_forest

    found = sentinel_forest.__version__
except ImportError:
    found = "no package sentinel-forest where Snakemake runs"
if found != WRITTEN_FOR:
    sys.exit(
        "error: These rules are written for another version of the package.\n"
        f"  found: {found}\n  expected: {WRITTEN_FOR}\n  what to do: "
        f"pip install 'sentinel-forest[workflow]=={WRITTEN_FOR}', or `make` in a checkout"
    )

from sentinel_forest import kept
from sentinel_forest.acquire.history import Seen
from sentinel_forest.config import paths
from sentinel_forest.config.validation import read_yaml
from sentinel_forest.io import lock
from sentinel_forest.io.checksums import checksum_of, file_checksum
from sentinel_forest.planning import given, resources, whole
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.jobs import (
    capped,
    check_executor,
    compile_modules,
    shell_prefix,
)
from sentinel_forest.planning.together import jobs
from sentinel_forest.planning.wiring import Wiring, baseline_file, listing, told
from sentinel_forest.steps import ForestFile, ReleaseFile, SetFile, TrialFile, flags
from sentinel_forest.versions import holding, seal

# Modules and rules stay: nobody need look for garbage among them, nor once more when Snakemake ends.
gc.freeze()
atexit.register(gc.freeze)

if workflow.is_main_process:  # Snakemake takes the last of two equal keys in silence
    for file in map(Path, workflow.configfiles):
        if file.suffix in (".yaml", ".yml"):
            told(read_yaml)(file)

SELECTION = told(select)(config)
config.update(SELECTION.config)
WIRING = Wiring(SELECTION)
PLACES = paths.Places.of(config)
RELEASES = list(SELECTION.releases)
STORE = flags(store=PLACES.work / kept.STORE)
IDENTITY = seal.identity(SELECTION.described, SELECTION.releases)
SEEN = {release: Seen(PLACES.data, release) for release in RELEASES}

if workflow.is_main_process:
    held = lock.settle(lock.LOCKS)
    if held and not workflow.dryrun:
        print(held, file=sys.stderr)
    for release in RELEASES:
        SEEN[release].refresh(PLACES.data / release)
        if lost := SEEN[release].missing():
            print(
                f"warning: {len(lost)} files of {release} that were read before are missing in "
                f"{PLACES.data / release}, e.g. {lost[0]}; to write them again: "
                "snakemake fetch --forcerun sample link download",
                file=sys.stderr,
            )


pathvars:
    **PLACES.pathvars,


@cache
def hold_version():
    told(holding.hold_run)(SELECTION, PLACES, SEEN)


def sealed_or_free(wildcards):
    """Input function of first rules, for no file: a sealed version is held before anything is planned.

    A locked folder is held when the lock has come off: that must be possible whatever has changed.
    """
    if workflow.is_main_process and not lock.is_held(lock.LOCKS):
        hold_version()
    return []


onstart:
    told(check_executor)(workflow.executor_plugin.name)
    few = capped(workflow.local_exec, workflow.resource_settings.cores)
    if few and workflow.is_main_process:
        print(few, file=sys.stderr)
    needed = list(workflow.dag.needrun_jobs())
    # A plan or a check alone makes nothing of the version: it may run whatever has changed, and beside another run.
    makes_results = not {job.rule.name for job in needed} <= {"check", "plan"}
    compile_modules()
    if workflow.is_main_process and makes_results:
        told(lock.hold)(lock.RUN)
        lock.note(lock.LOCKS)
    if {job.rule.name for job in needed} != {"check"}:
        hold_version()
    if not workflow.touch:
        told(holding.hold_jobs)(
            PLACES.results, (path for job in needed for path in job.output)
        )


# Where the workflow comes from a git address, this is a copy of another name each time.
MAIN = Path(workflow.source_path("../Snakefile"))
shell.prefix(
    shell_prefix(MAIN, deployed=bool(workflow.deployment_settings.deployment_method))
)


wildcard_constraints:
    release=listing(RELEASES),
    scheme=listing(
        {scheme for release in RELEASES for scheme in SELECTION.definitions(release)}
    ),
    trial=r"\d+",
    shard=r"\d+",
