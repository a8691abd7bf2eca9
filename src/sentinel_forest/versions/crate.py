"""The provenance of a version as a Workflow Run RO-Crate: ``ro-crate-metadata.json`` beside its results.

Profile: Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5) on RO-Crate 1.1. What the profile
asks for but would differ from run to run or from machine to machine is left out: times of the run, hosts. The date
of publication is that of the commit, or is told.
The file is plain JSON, because libraries that write crates put the present date in.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sentinel_forest.config.paths import CRATE, MANIFEST, WORKFLOW
from sentinel_forest.config.releases import read_entry
from sentinel_forest.config.validation import leaves
from sentinel_forest.io.borders import shown
from sentinel_forest.io.checksums import canonical, file_checksum
from sentinel_forest.io.tables import replacing, write_text
from sentinel_forest.steps import Output
from sentinel_forest.versions.manifest import read_manifest, read_version

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".skops": "application/zip",
    ".md": "text/markdown",
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yml": "application/yaml",
    ".geojson": "application/geo+json",
    ".sha256": "text/plain",
}
UNSTATED = ("", "not stated", "unknown")
Entity = dict[str, Any]


def crate(*, results: Output, workflow: Path, published: str | None = None) -> None:
    """Describe a version and the run that made it as a crate, with the main workflow file in it.

    Parameters
    ----------
    results : Path
        Folder of the version.
    workflow : Path
        Main workflow file.
    published : str, optional
        Date of publication; without one, that of the commit.
    """
    with replacing(results / WORKFLOW) as beside:
        shutil.copyfile(workflow, beside)
    document = {"@context": CONTEXT, "@graph": entities(results, published)}
    write_text(results / CRATE, json.dumps(document, indent=2) + "\n")


def licences(given: Mapping[str, str]) -> list[str]:
    """What the licences of releases forbid, and where they do not go together.

    Parameters
    ----------
    given : mapping
        For each release its licence: an SPDX identifier, or the publisher's words.

    Returns
    -------
    list of str
        Warnings in sentences; none if there is nothing to warn of.
    """
    restricted = [name for name, licence in given.items() if _is_restricted(licence)]
    alike = [name for name, licence in given.items() if "-SA" in licence.upper()]
    shared = [name for name in alike if name not in restricted]
    unstated = [name for name, licence in given.items() if licence.lower() in UNSTATED]
    warnings = []
    if restricted:
        warnings.append(
            f"The licence of {', '.join(restricted)} forbids commercial use; that holds for what is derived "
            "from these data too, such as forests and pictures."
        )
    if restricted and len(restricted) < len(given):
        warnings.append(
            "This version joins results of data that may and of data that may not be used commercially: "
            "pass them on under the stricter licence, or apart."
        )
    if len({given[name] for name in alike}) > 1:
        warnings.append(f"{', '.join(alike)} ask for derived work under their own licence, and these differ.")
    if restricted and shared:
        warnings.append(
            f"{', '.join(shared)} ask for derived work that anybody may use commercially, and "
            f"{', '.join(restricted)} forbid it: what comes from both cannot be passed on."
        )
    if unstated:
        warnings.append(f"No licence is stated for {', '.join(unstated)}: ask before you pass anything on.")
    return warnings


def licence_address(licence: str) -> str | None:
    """Where SPDX has the text of a licence; None if it is not one of its identifiers (one word)."""
    known = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", licence) and licence.lower() not in UNSTATED
    return f"https://spdx.org/licenses/{licence}" if known else None


def described(release: str, own: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is known about a release: its registry entry, or what the configuration says of an own one."""
    if own is None:
        return read_entry(release)
    return {"title": release, "version": "", "licence": own["licence"], "notes": [], "files": []}


def entities(
    folder: Path,
    published: str | None = None,
    more: Sequence[str] = (),
    creators: Sequence[tuple[str, str | None]] = (),
) -> list[Entity]:
    """The entities of the crate of a version, in a fixed order.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    published : str, optional
        Date of publication; without one, that of the commit, if it is known.
    more : sequence of str
        Paths of files in the folder that the manifest does not name.
    creators : sequence of (name, ORCID iD)
        Who made the version.

    Raises
    ------
    InputError
        If the folder holds no finished version, or files of it are not those that its manifest names.
    """
    about = read_version(folder)
    configuration = about["configuration"]
    own = configuration["own_releases"]
    entries = {name: described(name, own.get(name)) for name in configuration["releases"]}
    files = [_file(folder, path, sha) for path, sha in read_manifest(folder / MANIFEST).items()]
    beside = [_file(folder, path, file_checksum(folder / path)) for path in more]
    values = dict(leaves(configuration))
    frame = _frame(folder.resolve().name, entries, [file["@id"] for file in [*files, *beside]])
    people = [_person(name, orcid) for name, orcid in creators]
    frame[1] |= {"datePublished": date} if (date := published or about["committed"]) else {}
    frame[1] |= {"author": _references(person["@id"] for person in people)} if people else {}
    return [
        *frame,
        *_workflow(folder, about, values),
        _run(entries, values, files),
        *(entity for name, entry in entries.items() for entity in _release(name, entry, about)),
        *_licences(entries),
        *(entity for key, value in values.items() for entity in _parameter(key, value)),
        *_packages(about["environment"]),
        *files,
        *beside,
        *people,
    ]


def _frame(name: str, entries: Mapping[str, Entity], files: Sequence[str]) -> list[Entity]:
    """The crate itself: its description, its root and the profiles it keeps to."""
    warnings = licences({release: entry["licence"] for release, entry in entries.items()})
    given = sorted({entry["licence"] for entry in entries.values()})
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Sentinel Forest: version {name}",
        "description": "Verified data, splits and random-forest baselines of: "
        + "; ".join(entry["title"] for entry in entries.values()),
        "license": [_licence(licence) for licence in given],
        "conformsTo": _references(PROFILES),
        "mainEntity": {"@id": WORKFLOW},
        "mentions": [{"@id": "#run"}],
        "hasPart": _references([WORKFLOW, *files]),
    }
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": _references(["https://w3id.org/ro/crate/1.1", list(PROFILES)[-1]]),
    }
    profiles = [
        {"@id": address, "@type": "CreativeWork", "name": title, "version": version}
        for address, (title, version) in PROFILES.items()
    ]
    return [descriptor, root | ({"conditionsOfAccess": " ".join(warnings)} if warnings else {}), *profiles]


def _workflow(folder: Path, about: Mapping[str, Any], values: Mapping[str, Any]) -> list[Entity]:
    """The workflow: its main file, the checksum of its code, its commit, its language."""
    identity = about["identity"]
    workflow = {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "Sentinel Forest",
        "license": _licence("MIT"),
        "sha256": file_checksum(folder / WORKFLOW),
        "programmingLanguage": {"@id": LANGUAGE},
        "input": _references(f"#parameter/{key}" for key in values),
        "softwareRequirements": _references(f"#package/{name}" for name in about["environment"]),
        "identifier": _references(["#code", "#configuration"]),
    }
    language = {
        "@id": LANGUAGE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "url": {"@id": "https://snakemake.readthedocs.io"},
        "version": about["environment"].get("snakemake", "unknown"),
    }
    return [
        workflow | ({"version": about["commit"]} if about["commit"] else {}),
        language,
        _property("#code", "SHA-256 of the code", identity["code"]),
        _property("#configuration", "SHA-256 of the configuration", identity["configuration"]),
    ]


def _run(entries: Mapping[str, Entity], values: Mapping[str, Any], files: Sequence[Entity]) -> Entity:
    """The run: the workflow with releases and parameters, and what came out."""
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "Run of Sentinel Forest",
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        "instrument": {"@id": WORKFLOW},
        "object": _references([*(f"#release/{name}" for name in entries), *(f"#value/{key}" for key in values)]),
        "result": _references(file["@id"] for file in files),
    }


def _release(name: str, entry: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[Entity]:
    """A release with its licence, citation, checksums, and the failed checks that were accepted."""
    identity = about["identity"]
    properties = {"data": identity["data"][name], "registry": identity["registry"][name]}
    accepted = about["accepted"].get(name, [])
    release: Entity = {
        "@id": f"#release/{name}",
        "@type": "Dataset",
        "name": entry["title"],
        "license": _licence(entry["licence"]),
        "identifier": _references(f"#{kind}/{name}" for kind in properties),
    }
    if entry["version"]:
        release["version"] = entry["version"]
    if "home" in entry:
        release["url"] = {"@id": shown(entry["home"])}
    if entry["notes"] or accepted:
        release["description"] = [
            *entry["notes"],
            *(f"Failed check taken on the user's word: {check}" for check in accepted),
        ]
    if "citation" in entry:
        release["citation"] = {"@id": f"https://doi.org/{entry['citation']['doi']}"}
    yield release
    if "citation" in entry:
        yield {
            "@id": f"https://doi.org/{entry['citation']['doi']}",
            "@type": "ScholarlyArticle",
            "name": entry["citation"]["text"].strip(),
        }
    for kind, value in properties.items():
        yield _property(f"#{kind}/{name}", f"SHA-256 of the {kind} of {name}", value)


def _licence(licence: str) -> str | Entity:
    """A licence by its address, or in the publisher's words."""
    address = licence_address(licence)
    return {"@id": address} if address else licence


def _licences(entries: Mapping[str, Entity]) -> list[Entity]:
    given = sorted({"MIT", *(entry["licence"] for entry in entries.values())})
    known = [(licence_address(licence), licence) for licence in given]
    return [{"@id": address, "@type": "CreativeWork", "name": licence} for address, licence in known if address]


def _parameter(key: str, value: Any) -> tuple[Entity, Entity]:
    """A key of the configuration as a formal parameter, and its value in this run."""
    formal = {
        "@id": f"#parameter/{key}",
        "@type": "FormalParameter",
        "name": key,
        "additionalType": {bool: "Boolean", int: "Integer", float: "Float"}.get(type(value), "Text"),
    }
    given = {
        "@id": f"#value/{key}",
        "@type": "PropertyValue",
        "name": key,
        "value": value if isinstance(value, (str, int, float)) else canonical(value),
        "exampleOfWork": {"@id": f"#parameter/{key}"},
    }
    return formal, given


def _packages(environment: Mapping[str, str]) -> list[Entity]:
    return [
        {"@id": f"#package/{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        for name, version in environment.items()
    ]


def _file(folder: Path, path: str, sha: str) -> Entity:
    """A file below a folder, with its SHA-256."""
    file: Entity = {
        "@id": path,
        "@type": "File",
        "name": path,
        "sha256": sha,
        "contentSize": str((folder / path).stat().st_size),
        "encodingFormat": FORMATS.get(Path(path).suffix, "application/octet-stream"),
    }
    return file | ({"about": {"@id": "./"}} if path == "README.md" else {})


def _person(name: str, orcid: str | None) -> Entity:
    address = f"https://orcid.org/{orcid}" if orcid else f"#person/{quote(name)}"
    return {"@id": address, "@type": "Person", "name": name}


def _property(name: str, title: str, value: str) -> Entity:
    return {"@id": name, "@type": "PropertyValue", "name": title, "value": value}


def _references(names: Any) -> list[Entity]:
    return [{"@id": name} for name in names]


def _is_restricted(licence: str) -> bool:
    return re.search(r"-NC\b|non-?commercial", licence, re.IGNORECASE) is not None
