"""The version: its manifest, its description, and a second computation held against it."""

RESULT_FILES = (
    [
        f"<results>/{release}/splits/{scheme}/{trial}.{kind}"
        for release in RELEASES
        for scheme, trial in SELECTION.trials(release)
        for kind in ("parquet", "balance.tsv", "infeasible.tsv")
    ]
    + [
        f"<results>/{release}/{table}"
        for release in RELEASES
        for table in ("ledger.tsv", "integrity.tsv", "averages.tsv")
    ]
    + [
        f"<results>/{release}/baselines/{scheme}/{trial}/{table}"
        for release in RELEASES
        for scheme, trial in SELECTION.trials(release)
        for table in ("confusion.parquet", "metrics.tsv", "scores_by.tsv", "paired.tsv")
    ]
    + [
        f"{baseline_folder(baseline)}/{name}"
        for release in RELEASES
        if SELECTION.source(release) == release
        for baseline in SELECTION.baselines(release)
        for name in ("forest.skops", "fit.json")
    ]
    + PRICES
    + BY_PATCH
    + ["<results>/headline.tsv", REPRODUCTION]
    + CROISSANTS
    + INSPECTIONS
)
VERSION_FILES = [
    str(VERSION / "manifest.sha256"),
    str(VERSION / "version.json"),
    CRATE,
    REPORT,
    INDEX,
]


rule publish_integrity:
    """Take the findings of an admitted release into the results."""
    input:
        integrity="<work>/{release}/integrity.tsv",
        verified="<work>/{release}/verified.json",
    output:
        report(
            "<results>/{release}/integrity.tsv",
            caption="../report/captions/integrity.rst",
            category="2 Data integrity",
            subcategory="{release}",
            labels={"table": "findings"},
        ),
    log:
        "<logs>/publish_integrity/{release}.log",
    localrule: True
    message:
        "Take the findings on {wildcards.release} into the results"
    shell:
        "cp {input.integrity} {output} >{log} 2>&1"


rule seal:
    """Write the manifest of all result files, and what they were made from."""
    input:
        files=RESULT_FILES,
        verified=expand("<work>/{release}/verified.json", release=RELEASES),
    output:
        manifest=report(
            "<results>/manifest.sha256",
            caption="../report/captions/provenance.rst",
            category="8 Provenance",
            labels={"file": "manifest"},
        ),
        version=report(
            "<results>/version.json",
            caption="../report/captions/provenance.rst",
            category="8 Provenance",
            labels={"file": "description"},
        ),
    log:
        "<logs>/seal.log",
    localrule: True
    params:
        code=code_of("seal"),
        results=subpath(output.manifest, parent=True),
        settings=flags(
            identity=IDENTITY,
            configuration=versions.settings(SELECTION.described),
            skipped=SELECTION.skipped(),
        ),
    message:
        "Seal {params.results}"
    shell:
        "sentinel-forest seal --verified {input.verified} --files {input.files} {params.settings}"
        " --results {params.results} >{log} 2>&1"


rule check:
    """Hold a new computation of a sealed version against its files."""

    # Without an output: what was equal once is looked at again, whenever it is asked for.
    input:
        manifest="<results>/manifest.sha256",
        sealed=ancient(str(VERSION / "manifest.sha256")),
    log:
        "<logs>/check.log",
    retries: 0
    localrule: True
    params:
        code=code_of("check"),
        folder=f"work/check/{VERSION.name}",
    message:
        "Hold the new computation against the sealed version"
    shell:
        "sentinel-forest check --sealed {input.sealed} --computed {input.manifest}"
        " --folder {params.folder} 2>&1 | tee {log}"
