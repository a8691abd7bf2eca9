"""The default run, held to the manifest and the tables that are kept in the project."""

import re

import pytest

from project import ROOT

pytestmark = pytest.mark.xdist_group("runs")
REFERENCE = ROOT / "results" / "reference"


def test_manifest_is_the_reference(demo):
    checkout, _ = demo
    lines = checkout.manifest("sample-v1").splitlines(keepends=True)
    results = "".join(line for line in lines if not line.endswith("  version.json\n"))
    assert results == (REFERENCE / "manifest.sha256").read_text(encoding="utf-8")


def test_small_tables_are_the_reference(demo):
    checkout, _ = demo
    kept = [path for path in REFERENCE.rglob("*.tsv") if path.name != "bench.tsv"]
    assert kept
    for path in kept:
        made = checkout.folder / "results" / "sample-v1" / path.relative_to(REFERENCE)
        assert made.read_bytes() == path.read_bytes(), path


def test_jobs_are_the_reference(demo):
    _, output = demo
    table = re.search(r"Job stats:\njob +count\n[- ]+\n(.*?)\n\n", output, re.S)
    assert table, output
    counts = sorted(" ".join(line.split()) for line in table[1].splitlines())
    assert counts == (REFERENCE / "jobs.txt").read_text(encoding="utf-8").splitlines()


def test_headline_table_is_printed(demo):
    checkout, _ = demo
    table = checkout.folder / "results" / "sample-v1" / "headline.tsv"
    text = checkout.python("-m", "sentinel_forest.cli", "show-headline", "--table", str(table))
    for word in ("cloudsen12-sample", "so2sat-sample", "sen12ms-sample", "forests", "linked", "clean"):
        assert word in text


def test_report_opens_from_disk_and_says_sample(demo):
    checkout, _ = demo
    page = (checkout.folder / "results" / "sample-v1" / "report.html").read_text(encoding="utf-8")
    assert "sample" in page
    assert not re.search(r"""(src|href)=["']https?://[^"']*\.(js|css|png|svg|woff2?)""", page)


def test_leak_has_its_price(demo):
    """The sample is made so that its places differ: relatives of the test patches are worth something."""
    checkout, _ = demo
    text = (checkout.folder / "results" / "sample-v1" / "so2sat-sample" / "price.tsv").read_text()
    header, *rows = (line.split("\t") for line in text.splitlines())
    found = [dict(zip(header, row, strict=True)) for row in rows]
    wanted = {"features": "lcz-s1+s2", "metric": "oa"}
    (row,) = [row for row in found if wanted.items() <= row.items()]
    assert float(row["difference"]) > 0.03
