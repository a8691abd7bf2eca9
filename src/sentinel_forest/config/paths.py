"""Where everything of a run lies: the layout of ``work/`` and ``results/``, written once for rules and package.

Places of files are patterns with fields in braces. Those of a version are relative to its folder, those of
intermediate files to ``work/``. `place` fills a pattern, `fields` reads one back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

# Below the folder of a version.
MANIFEST = "manifest.sha256"
VERSION = "version.json"
"""What determines the results: configuration, data, code. Named in the manifest."""
ENVIRONMENT = "environment.json"
"""What belongs to the machine: packages, Python, commit. Not named in the manifest."""
CRATE = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
"""Copy of the main workflow file in the crate."""
DEPOSIT = "deposit.sha256"
"""In the folder of a publication: checksums of all its other files."""
REPORT = "report.html"
PAGES = "report"
SCRIPTS = f"{PAGES}/vega.js"
DRAWINGS = f"{PAGES}/figures/*.svg"
HEADLINE = "headline.tsv"
REPRODUCTION = "reproduction.tsv"
COMPARISON = "compare_{against}.tsv"

INTEGRITY = "{release}/integrity.tsv"
LEDGER = "{release}/ledger.tsv"
AVERAGES = "{release}/averages.tsv"
PRICE = "{release}/price.tsv"
BY_PATCH = "{release}/by_patch.tsv"
PATCH_METRICS = "{release}/patch_metrics.tsv"
PATCH_METRICS_PAIRED = "{release}/patch_metrics_paired.tsv"
FOREIGN_CONFUSION = "{release}/foreign/{prediction}/confusion.parquet"
FOREIGN_METRICS = "{release}/foreign/{prediction}/metrics.tsv"
FOREIGN_SCORES_BY = "{release}/foreign/{prediction}/scores_by.tsv"
FOREIGN_PAIRED = "{release}/foreign/{prediction}/paired.tsv"
AUDITED_LISTS = "{release}/audits/{audit}/lists.tsv"
AUDITED_LINKS = "{release}/audits/{audit}/links.tsv"
CROISSANT = "{release}/croissant.json"
SPLIT = "{release}/splits/{scheme}/{trial}.parquet"
BALANCE = "{release}/splits/{scheme}/{trial}.balance.tsv"
INFEASIBLE = "{release}/splits/{scheme}/{trial}.infeasible.tsv"

_TRIAL = "{release}/baselines/{scheme}/{trial}"
CONFUSION = f"{_TRIAL}/confusion.parquet"
METRICS = f"{_TRIAL}/metrics.tsv"
SCORES_BY = f"{_TRIAL}/scores_by.tsv"
PAIRED = f"{_TRIAL}/paired.tsv"
IMPORTANCE = f"{_TRIAL}/importance.tsv"
CURVES = f"{_TRIAL}/curves.tsv"
CALIBRATION = f"{_TRIAL}/calibration.tsv"
ENGINES = f"{_TRIAL}/engines.tsv"
SEEDS = f"{_TRIAL}/seeds.tsv"
FOREST = f"{_TRIAL}/{{set}}/forest.skops"
FIT = f"{_TRIAL}/{{set}}/fit.json"
APPLICABILITY = f"{_TRIAL}/{{set}}/applicability.parquet"
"""Training samples that a version keeps, to tell how far others lie from them."""
DISSIMILARITY = f"{_TRIAL}/{{set}}/dissimilarity.tsv"
"""Error of a forest by dissimilarity to its training data."""

# Below work/.
FILES = "{release}/files.tsv"
FINDINGS = "{release}/integrity.tsv"
HASHES = "{release}/hashes.parquet"
CHECKSUMS = "{release}/checksums.tsv"
VERIFIED = "{release}/verified.json"
CATALOG = "{release}/catalog.parquet"
SIGNATURES = "{release}/signatures/{shard}.parquet"
FEATURES = "{release}/features/{set}/{shard}.parquet"
REFERENCES = "{release}/references/{shard}.parquet"
UNMEASURED = "{release}/references/{shard}.unmeasured.parquet"

# Below work/runs/<version>/: made from files of a version, so that another version of the release has its own.
LINKS_HELD = "{release}/links_held"
PREDICTIONS = "{release}/predictions/{shard}.parquet"
APPLICABILITY_SCORES = "{release}/applicability/{scheme}/{trial}/{set}.tsv"
CONFORMAL_SCORES = "{release}/conformal/{scheme}/{trial}/{set}.tsv"
"""Scores that join those of counts in `METRICS`."""
PAPERS_PIXELS = "{release}/papers_pixels.tsv"

# Below the folder of a version's exports.
EXPORT = "{release}/{scheme}/{trial}/manifest.json"
TFDS = "{release}/tfds/{name}/{form}/{number}"
MAP = "{release}/maps/{name}/{layer}.tif"

# Below the folder of a publication.
STAC = "stac/catalog.json"
STAC_COLLECTION = "stac/{release}/collection.json"
STAC_ITEMS = "stac/{release}/items.geojson"

# Below the folder of all releases.
SEEN = "{release}.seen.tsv"
"""The last state of each file of a release."""
CHANGES = "{release}.changes.tsv"
"""All changes of its files that were met."""

INDEX = "index.tsv"
"""Below the folder of all versions."""


@dataclass(frozen=True)
class Places:
    """Folders of one version, below the working directory.

    Parameters
    ----------
    version : str
        Name of the version.
    work, results : Path
        Folders of the intermediate files and of the results of a computation.
    data : Path
        Folder with a folder for the files of each release.
    versions : Path
        Folder of all versions.
    """

    version: str
    work: Path = Path("work")
    results: Path = Path("results")
    data: Path = Path("data")
    versions: Path = Path("results")

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Places of the version of a configuration; its key ``pathvars``, which Snakemake knows, moves them."""
        moved, version = config.get("pathvars") or {}, str(config["version"])
        return cls(
            version, work=Path(moved.get("work", "work")), results=Path(moved.get("results", f"results/{version}"))
        )

    @classmethod
    def of_check(cls, version: str) -> Self:
        """Places of a second computation of a version."""
        folder = check_folder(version)
        return cls(version, work=folder / "work", results=folder / "results")

    @property
    def pathvars(self) -> dict[str, str]:
        """Snakemake's path variables."""
        run = self.work / "runs" / self.version
        folders = {"work": self.work, "run": run, "results": self.results}
        return {**{name: folder.as_posix() for name, folder in folders.items()}, "logs": "logs"}

    def comparisons(self, against: str = "") -> list[str]:
        """Comparisons of the version with others: those that are there, and the one with `against`, if it is named."""
        there = {path.as_posix() for path in self.results.glob(place(COMPARISON, against="*"))}
        return sorted(there | ({(self.results / place(COMPARISON, against=against)).as_posix()} if against else set()))

    @property
    def exports(self) -> Path:
        """Folder of the version's exports."""
        return Path("exports") / self.version

    @property
    def publication(self) -> Path:
        """Folder in which the version is published."""
        return Path("publications") / self.version


def check_folder(version: str) -> Path:
    """Folder in which a version is computed a second time."""
    return Path("work") / "check" / version


def place(pattern: str, **values: object) -> str:
    """Fill the fields of a pattern.

    Examples
    --------
    >>> place(SPLIT, release="so2sat-v2", scheme="grouped", trial=1)
    'so2sat-v2/splits/grouped/1.parquet'
    """
    return pattern.format(**values)


def fields(pattern: str, path: str) -> dict[str, str] | None:
    """Read the fields of a pattern back from a path; None if the path is not one of the pattern.

    Examples
    --------
    >>> fields(SPLIT, "so2sat-v2/splits/grouped/1.parquet")
    {'release': 'so2sat-v2', 'scheme': 'grouped', 'trial': '1'}
    >>> fields(SPLIT, "so2sat-v2/ledger.tsv") is None
    True
    """
    parts = re.split(r"\{(\w+)\}", pattern)
    text = "".join(f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    match = re.fullmatch(text, path)
    return match.groupdict() if match else None
