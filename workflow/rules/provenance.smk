"""What others can read a version by: crate, Croissant metadata, comparison with another, list of all."""

from sentinel_forest.versions import index

AGAINST = config["against"]
COMPARISON = str(VERSION / f"compare_{AGAINST or 'nothing'}.tsv")
COMPARISONS = [COMPARISON] if AGAINST else []
CROISSANTS = [f"<results>/{release}/croissant.json" for release in RELEASES]
CRATE = str(VERSION / "ro-crate-metadata.json")
INDEX = "results/index.tsv"


rule croissant:
    """Describe a release and its splits in the terms of Croissant."""
    input:
        digests="<work>/{release}/digests.tsv",
        splits=split_files,
    output:
        "<results>/{release}/croissant.json",
    log:
        "<logs>/croissant/{release}.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code("versions.croissant"),
        dataset=DATASET,
        splits=named_splits,
        entry=of_release(lambda release: digest(release.entry)),
        own=of_release(
            lambda release: (
                ""
                if release.entry
                else f"--own {shlex.quote(canonical({'licence': release.licence}))}"
            )
        ),
        place="../../../data/{release}",
    message:
        "Describe {wildcards.release} and its splits (Croissant)"
    shell:
        "python -m sentinel_forest.versions.croissant --release {wildcards.release} {params.dataset}"
        ' --registry "$REGISTRY" {params.own} --place {params.place} --digests {input.digests}'
        " {params.splits} --output {output} >{log} 2>&1"


rule crate:
    """Describe the version and the run that made it (Workflow Run RO-Crate)."""
    input:
        manifest=str(VERSION / versions.MANIFEST),
        version=str(VERSION / versions.VERSION),
    output:
        crate=report(
            CRATE,
            caption="../report/captions/provenance.rst",
            category="8 Provenance",
            labels={"file": "crate"},
        ),
        workflow=str(VERSION / "Snakefile"),
    log:
        "<logs>/crate.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("versions.crate"),
        entries=digest(IDENTITY["registry"]),
        workflow=file_digest(HERE.parent / "Snakefile"),
        results=lambda wildcards, output: str(Path(output.crate).parent),
    message:
        "Describe the version in {params.results} (RO-Crate)"
    shell:
        'python -m sentinel_forest.versions.crate --results {params.results} --registry "$REGISTRY"'
        ' --workflow "$SNAKEFILE" >{log} 2>&1'


rule compare_versions:
    """Say which scores moved against another version, how far, and what explains it."""
    input:
        manifest=str(VERSION / versions.MANIFEST),
        version=str(VERSION / versions.VERSION),
        against=lambda wildcards: index.finished(
            VERSION.parent, AGAINST, but=VERSION.name
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
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("versions.compare"),
        results=lambda wildcards, input: str(Path(input.manifest).parent),
        other=lambda wildcards, input: str(Path(input.against[0]).parent),
    message:
        "Compare {params.results} with {params.other}"
    shell:
        "python -m sentinel_forest.versions.compare --results {params.results} --against {params.other}"
        " --output {output} 2>&1 | tee {log}"


rule index:
    """List the versions."""
    input:
        lambda wildcards: sorted(
            {*index.manifests(VERSION.parent), str(VERSION / versions.MANIFEST)}
        ),
    output:
        INDEX,
    log:
        "<logs>/index.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("versions.index"),
    message:
        "List the versions"
    shell:
        "python -m sentinel_forest.versions.index --results $(dirname {output}) --output {output} >{log} 2>&1"
