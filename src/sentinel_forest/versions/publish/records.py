"""Records of a publication: Zenodo, codecheck, licences.

Forms: the deposit metadata of Zenodo (https://developers.zenodo.org/#representation) and the configuration file of
CODECHECK (https://codecheck.org.uk/spec/config/1.0/).
"""

import html
import json
from collections.abc import Mapping
from typing import Any

import yaml

from sentinel_forest.config.paths import AVERAGES, HEADLINE, LEDGER, PRICE, REPRODUCTION, fields
from sentinel_forest.io.borders import shown
from sentinel_forest.versions.crate import UNSTATED, licence_address
from sentinel_forest.versions.publish.about import About

KEYWORDS = ["remote sensing", "Sentinel-1", "Sentinel-2", "benchmark", "data leakage", "random forest"]
CODECHECK = "https://codecheck.org.uk/spec/config/1.0/"
CHECKED = {
    HEADLINE: "the figures that one looks at first, with definition, interval and mark",
    REPRODUCTION: "published figures beside those computed here",
    AVERAGES: "all scores over the trials of each scheme",
    LEDGER: "what the roles of each split share",
    PRICE: "what a forest gains by relatives of the test patches in training",
}
"""Tables that a codechecker computes again, by where they lie."""
TO_FILL_IN = """\
# A codechecker adds, after computing the version again: codechecker (name, ORCID), check_time, summary, report (DOI).
# sentinel-forest check --version NAME computes it beside itself and compares every file.
"""


def zenodo(about: About) -> str:
    """The file ``.zenodo.json``."""
    record: dict[str, Any] = {
        "title": about.title,
        "upload_type": "dataset",
        "publication_date": about.date,
        "version": about.name,
        "description": f"<p>{html.escape(about.summary)}</p>",
        "creators": [
            {"name": person.name} | ({"orcid": person.orcid} if person.orcid else {}) for person in about.creators
        ],
        "access_right": "open",
        "license": zenodo_licence(about),
        "keywords": KEYWORDS,
        "related_identifiers": _related(about.releases),
    }
    if about.conditions:
        record["notes"] = html.escape(" ".join(about.conditions))
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def zenodo_licence(about: About) -> str:
    """The licence in the words of Zenodo: that of all releases, or the kind that is closest to the strictest."""
    given = about.licences.values()
    if any(licence.lower() in UNSTATED for licence in given):
        return "other-closed"
    if about.common_licence:
        return about.common_licence.lower()
    return "other-nc" if any("forbids commercial use" in text for text in about.conditions) else "other-at"


def codecheck(about: About, files: Mapping[str, str]) -> str:
    """The file ``codecheck.yml``.

    Parameters
    ----------
    about : About
        The version.
    files : mapping
        See `manifest.read_manifest`.
    """
    listed = [
        {"file": path, "comment": comment}
        for path in files
        for pattern, comment in CHECKED.items()
        if fields(pattern, path) is not None
    ]
    record = {
        "version": CODECHECK,
        "paper": {
            "title": about.title,
            "authors": [
                {"name": person.name} | ({"ORCID": person.orcid} if person.orcid else {}) for person in about.creators
            ],
        },
        "manifest": listed,
    }
    return "---\n" + TO_FILL_IN.replace("NAME", about.name) + dumped(record)


def licence_texts(about: About) -> str:
    """The file ``LICENCES.md``: whose licence holds for what."""
    rows = [f"| `{name}` | {_linked(str(entry['licence']))} |" for name, entry in about.releases.items()]
    lines = [
        "# Licences",
        "",
        "What was computed from a release (splits, tables, forests, pictures) is passed on under the licence of the",
        f"release. The workflow file `Snakefile` and what describes the version are under {_linked('MIT')}.",
        "",
        "| release | licence |",
        "|---|---|",
        *rows,
        *(line for text in about.conditions for line in ("", text)),
    ]
    return "\n".join(lines) + "\n"


def dumped(record: Mapping[str, Any]) -> str:
    """A record as YAML, in its own order."""
    text: str = yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True, width=110)
    return text


def _linked(licence: str) -> str:
    address = licence_address(licence)
    return f"[{licence}]({address})" if address else licence


def _related(releases: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Papers and homes of the releases, each once."""
    found = {}
    for entry in releases.values():
        if "citation" in entry:
            found[str(entry["citation"]["doi"])] = {"relation": "cites", "scheme": "doi"}
        if "home" in entry:
            found[shown(entry["home"])] = {"relation": "isDerivedFrom", "scheme": "url"}
    return [{"identifier": identifier, **kind} for identifier, kind in found.items()]
