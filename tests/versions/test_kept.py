"""Nothing is computed twice: what an earlier version has made is taken if all that it depends on is equal."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import cli, kept
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets.base import array_hash, no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.features.table import feature_table
from sentinel_forest.io import checksums, tables
from sentinel_forest.io.checksums import checksum_of
from sentinel_forest.io.tables import write_text
from sentinel_forest.models import predict as predicting
from sentinel_forest.models.candidate import TablesOf
from sentinel_forest.models.fit import fit
from sentinel_forest.splits.split import split
from sentinel_forest.steps import ForestFile, TrialFile
from sentinel_forest.verify import catalog as catalogs
from sentinel_forest.versions.manifest import manifest

SIDE = 16
LAYERS = [*(f"L1C_{band}" for band in ("B2", "B3", "B4", "B8", "B11", "B12")), "LABEL_manual_hq"]
OWN: dict[str, Any] = {"dataset": "cloudsen12", "layout": {"side": SIDE}}
MADE = "taken from"


class Run:
    """A version after the other in one folder, as the rules call the steps."""

    def __init__(self, root: Path) -> None:
        self.root, self.data, self.work = root, root / "data" / "mine", root / "work"
        self.catalog = self.work / "mine" / "catalog.parquet"
        dataset, random = CloudSEN12(side=SIDE), np.random.default_rng(3)
        stored = dataset.create(self.data, "train", 8, LAYERS)
        for values in stored.values():
            values[:, 1:-2, 1:-2] = random.integers(500, 6000, (8, SIDE - 3, SIDE - 3))
        stored["LABEL_manual_hq"][:] = stored["L1C_B2"] > 3000
        (self.data / "train" / "metadata.csv").write_text(
            "roi_id,s2_id\n" + "".join(f"ROI_{row:04},S{row}\n" for row in range(8)), encoding="utf-8"
        )
        catalog = catalogs.make(dataset, self.data, dataset.list_files(self.data), no_hashes())
        for name, values in stored.items():
            values.flush()
            catalog[f"hash_{name}"] = [array_hash(row[1:-2, 1:-2]) for row in values]
        self.catalog.parent.mkdir(parents=True)
        catalog.to_parquet(self.catalog)

    def version(self, name: str, schemes: tuple[str, ...], trees: int = 5, store: bool = True) -> dict[str, bytes]:
        """Bytes of all that a version has, by path."""
        results, more = self.root / "results" / name, {"store": self.work / "store"} if store else {}
        table = results / "features.parquet"
        shard = ShardOf(folder=self.data, catalog=self.catalog, **OWN, shard=1, shards=1)
        feature_table(of=shard, feature_set="l1c-6", draw={"pixels": 900}, seed=1, output=table, **more)
        splits, forests, fits = [], [], []
        for scheme in schemes:
            folder = results / scheme
            tables_ = {key: folder / f"{key}.tsv" for key in ("balance", "infeasible")}
            about = {"scheme": scheme, "trial": 1, "seed": 7, "catalog": self.catalog}
            definition = parse_scheme({"kind": scheme}, scheme)
            path = folder / "split.parquet"
            split(**about, definition=definition, classes=(), output=path, **tables_, **more)
            made = {"model": folder / "forest.skops", "fit": folder / "fit.json"}
            trial = {"scheme": scheme, "trial": 1, "catalog": self.catalog, "split": path}
            of = TablesOf(**trial, **OWN, feature_set="l1c-6", features=[table])
            fit(release="mine", of=of, forest=ForestSettings(trees=trees), seed=7, **made, **more)
            splits.append(TrialFile(scheme, 1, path))
            forests.append(ForestFile(scheme, 1, "l1c-6", made["model"]))
            fits.append(ForestFile(scheme, 1, "l1c-6", made["fit"]))
        of = {"splits": splits, "forests": forests, "fits": fits, "features": []}
        predicting.predict(of=shard, **of, **more, output=results / "predictions.parquet")
        files = [path for path in sorted(results.rglob("*")) if path.is_file()]
        write_text(results / "manifest.sha256", manifest(results, files))
        return {path.relative_to(results).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Schemes of the forests that each reading of a shard asks."""
    seen: list[list[str]] = []
    original = predicting.predict_batch

    def counted(*arguments: Any) -> pd.DataFrame:
        seen.append([candidate.scheme for candidate in arguments[4]])
        return original(*arguments)

    monkeypatch.setattr(predicting, "predict_batch", counted)
    return seen


def taken(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Steps that were taken from the store since this was asked last."""
    return [line.split(":")[0] for line in capsys.readouterr().err.splitlines() if MADE in line]


def test_one_more_scheme_fits_only_its_own_forest(run, asked, capsys):
    run.version("v1", ("pooled-random",))
    assert taken(capsys) == []
    second = run.version("v2", ("pooled-random", "grouped-stratified"))
    assert taken(capsys) == ["feature_table", "split", "fit"]
    assert asked == [["pooled-random"], ["grouped-stratified"]], (
        "the shard is read once, for the forest that is missing"
    )
    assert second == run.version("v3", ("pooled-random", "grouped-stratified"), store=False), "the same bytes"
    assert len(second) == 12


def test_other_trees_compute_fits_and_what_follows(run, asked, capsys):
    run.version("v1", ("pooled-random",))
    capsys.readouterr()
    second = run.version("v2", ("pooled-random",), trees=6)
    assert taken(capsys) == ["feature_table", "split"]
    assert asked == [["pooled-random"]] * 2
    assert second == run.version("v3", ("pooled-random",), trees=6, store=False)


def test_an_equal_version_reads_no_pixel(run, asked, capsys):
    first = run.version("v1", ("pooled-random", "grouped-stratified"))
    for path in run.data.rglob("*.dat"):
        path.unlink()
    assert run.version("v2", ("pooled-random", "grouped-stratified")) == first
    assert len(asked) == 1


def test_a_damaged_entry_is_computed_again(run, capsys):
    first = run.version("v1", ("pooled-random",))
    for path in (run.work / "store" / "fit").rglob("model"):
        path.write_bytes(path.read_bytes()[:-1])
    capsys.readouterr()
    assert run.version("v2", ("pooled-random",)) == first
    said = capsys.readouterr().err
    assert "is damaged" in said
    assert "fit: taken" not in said


@pytest.mark.parametrize("change", ["catalog", "code", "package"])
def test_what_a_result_depends_on_counts(run, change, capsys, monkeypatch):
    run.version("v1", ("pooled-random",))
    if change == "catalog":
        catalog = pd.read_parquet(run.catalog)
        catalog.loc[0, "hash_L1C_B12"] = "0" * 32  # a band that another feature set would read
        catalog.to_parquet(run.catalog)
        monkeypatch.setattr("sentinel_forest.datasets.reading.hold_arrays", lambda *_: None)
    elif change == "code":
        monkeypatch.setattr(kept, "code_checksum", lambda *names: "other")
    else:
        monkeypatch.setattr(checksums, "version", lambda name: "0")
    capsys.readouterr()
    run.version("v2", ("pooled-random",))
    assert taken(capsys) == []


def test_pixels_without_hashes_are_never_taken_from_the_store(run, capsys):
    catalog = pd.read_parquet(run.catalog)
    catalog.loc[3, "hash_L1C_B2"] = ""
    catalog.to_parquet(run.catalog)
    run.version("v1", ("pooled-random",))
    run.version("v2", ("pooled-random",))
    assert "feature_table" not in taken(capsys)
    assert not (run.work / "store" / "predict").exists()


def clean(run: Run, *more: str) -> None:
    places = ("--work", run.work, "--results", run.root / "results", "--locks", run.root / ".snakemake" / "locks")
    cli.main(["clean", *map(str, places), *more])


def entries(run: Run) -> set[str]:
    return {path.parent.parent.name + "/" + path.parent.name for path in (run.work / "store").glob("*/*/about.json")}


def test_clean_lists_first_and_removes_what_no_version_needs(run, capsys):
    run.version("v1", ("pooled-random",))
    needed = entries(run)
    (run.root / "results" / "v1" / "features.parquet").unlink()  # as it lies in work/, not in a version
    run.version("v2", ("grouped-stratified",))
    for path in sorted((run.root / "results" / "v2").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    killed = run.work / "store" / "fit" / ".abc.1"
    killed.mkdir()
    everything = entries(run)
    capsys.readouterr()
    clean(run)
    said = capsys.readouterr().out
    assert entries(run) == everything, "nothing goes without --yes"
    assert killed.is_dir()
    assert all(f"store/{name}" in said for name in everything - needed)
    assert f"{len(everything - needed)} of {len(everything)} results would go" in said
    clean(run, "--yes")
    assert entries(run) == needed
    assert not killed.exists()
    assert run.catalog.is_file()
    assert len(everything) > len(needed)


def test_clean_leaves_a_store_elsewhere_and_a_running_project_alone(run, tmp_path):
    run.version("v1", ("pooled-random",))
    locks = run.root / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").touch()
    with pytest.raises(SystemExit, match="A run holds"):
        clean(run, "--yes")
    (locks / "0.input.lock").unlink()
    (run.work / "store").rename(tmp_path / "elsewhere")
    (run.work / "store").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemExit, match="is a link"):
        clean(run, "--yes")
    assert list((tmp_path / "elsewhere").iterdir())


def test_an_entry_that_is_cut_off_is_no_reason_to_stop(run, capsys):
    (run.work / "store" / "fit" / "00").mkdir(parents=True)
    (run.work / "store" / "fit" / "ab").mkdir()
    (run.work / "store" / "fit" / "ab" / kept.ABOUT).write_text(json.dumps({"step": "fit"}), encoding="utf-8")
    clean(run)
    assert "2 of 2 results would go" in capsys.readouterr().out


def test_a_store_that_cannot_be_written_costs_nothing_but_the_copy(tmp_path, capsys):
    """A store of others, or a full disk: what was computed is there all the same."""
    (tmp_path / "store").write_text("a file, no folder", encoding="utf-8")
    output = tmp_path / "output"
    about = {"step": "vega", "given": {}, "code": "1" * 64, "packages": {}}
    assert not kept.reuse(tmp_path / "store", about, {"output": output}, lambda: write_text(output, "made"))
    assert output.read_text(encoding="utf-8") == "made"
    assert capsys.readouterr().err.startswith(f"vega: not kept in {tmp_path / 'store'}: ")


def test_keys_do_not_depend_on_places_threads_or_order(run, tmp_path):
    arguments = {"dataset": "cloudsen12", "catalog": run.catalog, "forest": ForestSettings(trees=5), "threads": 1}
    key = kept.described("fit", "models.fit", arguments, [])
    moved = tmp_path / "elsewhere.parquet"
    moved.write_bytes(run.catalog.read_bytes())
    assert kept.described("fit", "models.fit", {**arguments, "catalog": moved, "threads": 8}, []) == key
    assert kept.described("fit", "models.fit", {**arguments, "forest": ForestSettings(trees=6)}, []) != key
    tables.write_text(moved, "other")
    assert kept.described("fit", "models.fit", {**arguments, "catalog": moved}, []) != key


def test_without_a_seal_the_files_themselves_are_needed(run):
    run.version("draft", ("pooled-random",))
    (run.root / "results" / "draft" / "manifest.sha256").unlink()
    before = entries(run)
    clean(run, "--yes")
    assert entries(run) == before


def test_another_version_of_the_fast_engine_is_another_key(monkeypatch):
    keys = set()
    for number in ("1", "2"):
        monkeypatch.setattr(checksums, "version", lambda name, number=number: number if "intelex" in name else "0")
        keys.add(checksum_of(kept.described("fit", "models.fit", {"seed": 1}, [])))
    assert len(keys) == 2
