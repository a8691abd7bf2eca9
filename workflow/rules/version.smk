"""The version: its manifest, its description, and a second computation held against it."""

from sentinel_forest.versions.check import sealed_folder

RESULT_FILES = (
    [
        path
        for pattern in (paths.SPLIT, paths.BALANCE, paths.INFEASIBLE)
        for path in WIRING.trial_files(pattern)
    ]
    + expand(
        [
            f"<results>/{pattern}"
            for pattern in (
                paths.LEDGER,
                paths.INTEGRITY,
                paths.CROISSANT,
            )
        ],
        release=RELEASES,
    )
    + expand(f"<results>/{paths.AVERAGES}", release=SELECTION.scored)
    + WIRING.scored_files(paths.CONFUSION, paths.METRICS, paths.SCORES_BY, paths.PAIRED)
    + [
        baseline_file(baseline, pattern)
        for release in RELEASES
        if SELECTION.source(release) == release
        for baseline in SELECTION.baselines(release)
        for pattern in (paths.FOREST, paths.FIT)
    ]
    + PRICES
    + BY_PATCH
    + FOREIGN_FILES
    + INSPECTIONS
    + APPLICABILITY
    + [f"<results>/{paths.HEADLINE}", f"<results>/{paths.REPRODUCTION}"]
)
VERSION_FILES = [
    f"<results>/{name}"
    for name in (
        paths.MANIFEST,
        paths.VERSION,
        paths.ENVIRONMENT,
        paths.CRATE,
        paths.REPORT,
    )
]


rule publish_integrity:
    """Take the findings of an admitted release into the results."""
    input:
        integrity=f"<work>/{paths.FINDINGS}",
        verified=f"<work>/{paths.VERIFIED}",
    output:
        report(
            f"<results>/{paths.INTEGRITY}",
            caption="../report/captions/integrity.rst",
            category="2 Data integrity",
            subcategory="{release}",
            labels={"table": "findings"},
        ),
    log:
        "<logs>/publish_integrity/{release}.log",
    localrule: True
    message:
        "Copy the findings on {wildcards.release} into the results"
    shell:
        "cp {input.integrity} {output} >{log} 2>&1"


rule seal:
    """Write the manifest of all result files, and what they were made from."""
    input:
        files=RESULT_FILES,
        verified=expand(f"<work>/{paths.VERIFIED}", release=RELEASES),
    output:
        manifest=report(
            f"<results>/{paths.MANIFEST}",
            caption="../report/captions/provenance.rst",
            category="8 Provenance",
            labels={"file": "manifest"},
        ),
        version=report(
            f"<results>/{paths.VERSION}",
            caption="../report/captions/provenance.rst",
            category="8 Provenance",
            labels={"file": "description"},
        ),
        environment=f"<results>/{paths.ENVIRONMENT}",
    log:
        "<logs>/seal.log",
    localrule: True
    params:
        code=WIRING.code_of("seal"),
        results=subpath(output.manifest, parent=True),
        settings=flags(
            identity=IDENTITY,
            configuration=seal.settings(SELECTION.described),
            skipped=SELECTION.skipped(),
        ),
    message:
        "Seal {params.results}"
    shell:
        "sentinel-forest seal --verified {input.verified} --files {input.files} {params.settings}"
        " --results {params.results} >{log} 2>&1"


rule check:
    """Compute a sealed version again, beside it, and compare the result with its files."""

    # Without an output: it runs whenever it is asked for. It starts a run of its own, whose settings are those that
    # the version was sealed with; where files lie is told here.
    input:
        lambda wildcards: str(told(sealed_folder)(PLACES.results)),
    log:
        "<logs>/check.log",
    retries: 0
    localrule: True
    threads: 1024
    params:
        settings=flags(
            version=PLACES.version,
            snakefile=workflow.current_basedir.join("../Snakefile").get_path_or_uri(
                secret_free=True
            ),
            folders={
                name: str(release.folder)
                for name, release in SELECTION.releases.items()
                if release.folder
            },
            beside={
                name: str(release.places)
                for name, release in SELECTION.releases.items()
                if release.places
            },
            files=[
                f"{key}={path}" for key, path in given.files(SELECTION.config).items()
            ]
            or None,
        ),
    message:
        f"Compute version {PLACES.version} again, and compare it with its files"
    shell:
        "sentinel-forest check {params.settings} --cores {threads} 2>&1 | tee {log}"
