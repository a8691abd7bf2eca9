"""What others can read a version by: crate, Croissant metadata, comparison with another, list of all."""

from sentinel_forest.versions import index

AGAINST = config["against"]
COMPARISON = f"<results>/{paths.place(paths.COMPARISON, against=AGAINST or 'nothing')}"


rule croissant:
    """Describe a release and its splits in the terms of Croissant."""
    input:
        checksums=f"<work>/{paths.CHECKSUMS}",
        catalog=f"<work>/{paths.CATALOG}",
        splits=WIRING.of_trials(paths.SPLIT),
    output:
        f"<results>/{paths.CROISSANT}",
    log:
        "<logs>/croissant/{release}.log",
    localrule: True
    params:
        code=WIRING.code_of("croissant", dataset=True),
        entry=WIRING.of_release(lambda release: checksum_of(release.entry)),
        splits=WIRING.named_inputs(TrialFile, SELECTION.trials, "splits"),
        place=f"../../../{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            own=lambda release: {} if release.entry else {"licence": release.licence},
        ),
    message:
        "Describe {wildcards.release} and its splits (Croissant)"
    shell:
        "sentinel-forest croissant --release {wildcards.release} {params.settings} --place {params.place}"
        " --checksums {input.checksums} --catalog {input.catalog} {params.splits} --output {output} >{log} 2>&1"


rule crate:
    """Describe the version and the run that made it (Workflow Run RO-Crate)."""
    input:
        manifest=f"<results>/{paths.MANIFEST}",
        version=f"<results>/{paths.VERSION}",
    output:
        crate=report(
            f"<results>/{paths.CRATE}",
            caption="../report/captions/provenance.rst",
            category="8 Provenance",
            labels={"file": "crate"},
        ),
        workflow=f"<results>/{paths.WORKFLOW}",
    log:
        "<logs>/crate.log",
    localrule: True
    params:
        code=WIRING.code_of("crate"),
        entries=checksum_of(IDENTITY["registry"]),
        main=file_checksum(MAIN),
        results=subpath(output.crate, parent=True),
        settings=flags(published=config["publish"]["date"]),
    message:
        "Describe the version in {params.results} (RO-Crate)"
    shell:
        'sentinel-forest crate --results {params.results} --workflow "$SNAKEFILE" {params.settings} >{log} 2>&1'


rule publish:
    """Write the sealed version as a folder that can be deposited."""
    input:
        manifest=f"<results>/{paths.MANIFEST}",
        version=f"<results>/{paths.VERSION}",
        crate=f"<results>/{paths.CRATE}",
        report=f"<results>/{paths.REPORT}",
        catalogs=expand(f"<work>/{paths.CATALOG}", release=RELEASES),
    output:
        f"{PLACES.publication}/{paths.DEPOSIT}",
    log:
        "<logs>/publish.log",
    localrule: True
    params:
        code=WIRING.code_of("publish"),
        entries=checksum_of(IDENTITY["registry"]),
        results=subpath(input.manifest, parent=True),
        target=subpath(output[0], parent=True),
        settings=flags(
            releases=RELEASES,
            creators=config["publish"]["creators"],
            published=config["publish"]["date"],
        ),
    message:
        "Publish {params.results} in {params.target}"
    shell:
        "sentinel-forest publish --results {params.results} --catalogs {input.catalogs} {params.settings}"
        " --target {params.target} >{log} 2>&1"


rule compare_versions:
    """Say which scores moved against another version, how far, and what explains it."""
    input:
        manifest=f"<results>/{paths.MANIFEST}",
        version=f"<results>/{paths.VERSION}",
        against=told(
            lambda wildcards: index.finished(
                PLACES.versions, AGAINST, but=PLACES.version
            )
        ),
    output:
        report(
            COMPARISON,
            caption="../report/captions/comparison.rst",
            category="6 Reproduction",
            labels={"table": "comparison of versions"},
        ),
    log:
        "<logs>/compare_versions.log",
    localrule: True
    params:
        code=WIRING.code_of("compare_versions"),
        results=subpath(input.manifest, parent=True),
        against=lambda wildcards, input: str(Path(input.against[0]).parent),
    message:
        "Compare {params.results} with {params.against}"
    shell:
        "sentinel-forest compare-versions --results {params.results} --against {params.against}"
        " --output {output} 2>&1 | tee {log}"


rule index:
    """List the versions."""
    input:
        lambda wildcards: sorted(
            {*index.manifests(PLACES.versions), str(PLACES.results / paths.MANIFEST)}
        ),
    output:
        str(PLACES.versions / paths.INDEX),
    log:
        "<logs>/index.log",
    localrule: True
    params:
        code=WIRING.code_of("index"),
        results=subpath(output[0], parent=True),
    message:
        "List the versions"
    shell:
        "sentinel-forest index --results {params.results} --output {output} >{log} 2>&1"
