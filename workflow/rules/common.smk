"""Configuration, paths and the helpers that all rules share."""

import os
import shlex
import sys
from pathlib import Path

HERE = Path(str(workflow.current_basedir))
SCRIPTS = HERE.parent / "scripts"
REGISTRY = HERE.parent.parent / "config" / "releases"
sys.path.insert(0, str(SCRIPTS))

from sentinel_forest import versions
from sentinel_forest.digests import canonical, code_digest, digest
from sentinel_forest.errors import InputError
from sentinel_forest.seen import Seen
from sentinel_forest.selection import select

try:
    SELECTION = select(config, HERE.parent / "schemas" / "config.schema.yaml", REGISTRY)
except InputError as error:
    raise WorkflowError(error)
config.update(SELECTION.config)

RELEASES = list(SELECTION.releases)
SAMPLES = [name for name, release in SELECTION.releases.items() if release.is_sample]
FOLDERS = [name for name, release in SELECTION.releases.items() if release.folder]
VERSION = Path("results") / config["version"]
SEEN = {release: Seen(Path("data"), release) for release in RELEASES}

if workflow.is_main_process:
    for release in RELEASES:
        SEEN[release].refresh(Path("data") / release)

# A finished version is never computed again in its place: its rules then write to a folder of
# their own, which `snakemake check` holds against it.
IDENTITY = versions.identity(config, SELECTION.releases)
SEALED = versions.is_sealed(VERSION)
if SEALED:
    known = {
        name: versions.data_digest(Path("work") / name / "digests.tsv", SEEN[name])
        for name in RELEASES
    }
    try:
        versions.hold(
            VERSION, IDENTITY, {name: data for name, data in known.items() if data}
        )
    except InputError as error:
        raise WorkflowError(error)
RESULTS = Path("work") / "check" / config["version"] / "results" if SEALED else VERSION


pathvars:
    work=f"work/check/{config['version']}/work" if SEALED else "work",
    results=str(RESULTS),
    logs="logs",


# Strict mode, because a prefix replaces Snakemake's own. The interpreter that runs Snakemake also
# runs the jobs, unless an environment is made for them.
path = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"{shlex.quote(str(Path(sys.executable).parent))}:"
)
shell.prefix(
    "set -euo pipefail; export PYTHONHASHSEED=0 LC_ALL=C.UTF-8 "
    f"PYTHONPATH={shlex.quote(str(SCRIPTS))} PATH={path}$PATH; "
)


def listing(names):
    return "|".join(sorted(names)) or "(?!)"


wildcard_constraints:
    release=listing(RELEASES),
    scheme=listing(
        {scheme for release in RELEASES for scheme in SELECTION.definitions(release)}
    ),
    trial=r"\d+",
    shard=r"\d+",


def code(*steps):
    """For a rule's `code` parameter: the digest of the steps and of the release's dataset."""

    def of(wildcards):
        return code_digest(
            *steps, f"datasets.{SELECTION.releases[wildcards.release].dataset}"
        )

    return of


def of_release(form):
    """For a rule's parameter: text made from the release and its settings, quoted for the shell."""

    def of(wildcards):
        return form(SELECTION.releases[wildcards.release])

    return of


def json_of(form):
    """The same as JSON, quoted for the shell."""
    return of_release(lambda release: shlex.quote(canonical(form(release))))


DATASET = of_release(
    lambda release: f"--dataset {release.dataset} --layout {shlex.quote(canonical(release.layout))}"
)


def shards(release):
    return range(1, SELECTION.releases[release].shards + 1)
