"""The versions under results/, one line each."""

from pathlib import Path

import pandas as pd

from sentinel_forest.config.paths import MANIFEST, VERSION
from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.checksums import checksum_of, file_checksum
from sentinel_forest.io.tables import write_tsv
from sentinel_forest.steps import Output
from sentinel_forest.versions.manifest import is_sealed, read_version

REFERENCE = "reference"
"""Folder beside the versions that holds the committed files of the sample run."""

INDEX = pa.DataFrameSchema(
    {
        "version": pa.Column("str", unique=True),
        "sealed": pa.Column("str", pa.Check.isin(["yes", "no", "damaged"])),
        "releases": pa.Column("str"),
        "schemes": pa.Column("str"),
        "feature_sets": pa.Column("str"),
        "files": pa.Column("int64"),
        "manifest": pa.Column("str"),
        "data": pa.Column("str"),
        "configuration": pa.Column("str"),
        "code": pa.Column("str"),
        "commit": pa.Column("str"),
    },
    strict=True,
    ordered=True,
)
"""The versions by name. sealed: damaged if files are not those that the manifest names, and then nothing else
is told of the version; files: lines of the manifest; manifest: SHA-256 of it (equal: the same results);
data, configuration, code: checksums of what made it (data: of all its releases); commit: blank if unknown."""


def index(*, results: Path, output: Output) -> None:
    """List the versions.

    Parameters
    ----------
    results : Path
        Folder of the versions.
    output : Path
        The table `INDEX`.
    """
    write_tsv(output, listed(results), INDEX)


def versions_in(results: Path) -> list[Path]:
    """Folders of finished versions (and of a finished draft), sorted by name."""
    folders = (path.parent for path in results.glob(f"*/{MANIFEST}"))
    return sorted(path for path in folders if path.name != REFERENCE and (path / VERSION).is_file())


def manifests(results: Path) -> list[str]:
    """Paths of the manifests of `versions_in`."""
    return [str(folder / MANIFEST) for folder in versions_in(results)]


def finished(results: Path, name: str, but: str) -> list[str]:
    """Paths of manifest and description of a finished version other than `but`.

    Raises
    ------
    InputError
        If there is none of this name; with the names there are.
    """
    names = [folder.name for folder in versions_in(results) if folder.name != but]
    if name not in names:
        raise InputError(
            "There is no other finished version of this name to hold this one against.",
            where="key 'against'",
            found=name or "(not given)",
            expected=nearest(name, names),
            remedy="name one: snakemake compare --configfile FILE --config against=OTHER",
        )
    return [str(results / name / file) for file in (MANIFEST, VERSION)]


def listed(results: Path) -> pd.DataFrame:
    """The versions below a folder (schema `INDEX`)."""
    rows = [_row(folder) for folder in versions_in(results)]
    kinds = {name: str(column.dtype) for name, column in INDEX.columns.items()}
    return pd.DataFrame(rows, columns=list(INDEX.columns)).astype(kinds)


def _row(folder: Path) -> tuple[object, ...]:
    try:
        about = read_version(folder)
    except InputError:
        return (folder.name, "damaged", "", "", "", 0, "", "", "", "", "")
    configuration, identity = about["configuration"], about["identity"]
    return (
        folder.name,
        "yes" if is_sealed(folder) else "no",
        *(", ".join(configuration[key]) for key in ("releases", "schemes", "feature_sets")),
        len((folder / MANIFEST).read_text(encoding="utf-8").splitlines()),
        file_checksum(folder / MANIFEST),
        checksum_of(identity["data"]),
        identity["configuration"],
        identity["code"],
        about["commit"] or "",
    )
