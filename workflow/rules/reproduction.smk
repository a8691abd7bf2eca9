"""What was published against what is here."""

REPRODUCTION = "<results>/reproduction.tsv"
TRIALS = [
    (release, scheme, trial)
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


PUBLISHED = SELECTION.published
BY_PATCH = [
    f"<results>/{release}/by_patch.tsv" for release in config["published_patches"]
]


def reference_counts(ending):
    """Input function: the counts of reference algorithms, of all shards."""
    return lambda wildcards: [
        f"<work>/{wildcards.release}/references/{shard}.{ending}"
        for shard in shards(wildcards.release)
    ]


rule papers_pixels:
    """Score reference algorithms on all pixels of an image, as their papers do."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        split=lambda wildcards: f"<results>/{wildcards.release}/splits/{PUBLISHED[wildcards.release]}/1.parquet",
        counts=reference_counts("parquet"),
        unmeasured=reference_counts("unmeasured.parquet"),
    output:
        "<work>/{release}/papers_pixels.tsv",
    log:
        "<logs>/papers_pixels/{release}.log",
    wildcard_constraints:
        release=listing(PUBLISHED),
    resources:
        mem_mb=memory_of("score"),
        runtime=runtime_of("score"),
    params:
        code=code_of("papers_pixels", dataset=True),
        settings=flags_of(
            scheme=lambda release: PUBLISHED[release.name],
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            draws=lambda release: config["bootstrap"]["draws"],
            seed=lambda release: SELECTION.seed(release.name, PUBLISHED[release.name]),
        ),
    message:
        "Score {wildcards.release} on the pixels of its paper"
    shell:
        "sentinel-forest papers-pixels --release {wildcards.release} --trial 1 --catalog {input.catalog}"
        " --split {input.split} --counts {input.counts} --unmeasured {input.unmeasured} {params.settings}"
        " --output {output} >{log} 2>&1"


rule by_patch:
    """Hold reference algorithms against the authors' values, patch by patch."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        counts=reference_counts("parquet"),
        unmeasured=reference_counts("unmeasured.parquet"),
        values=lambda wildcards: config["published_patches"][wildcards.release],
    output:
        "<results>/{release}/by_patch.tsv",
    log:
        "<logs>/by_patch/{release}.log",
    wildcard_constraints:
        release=listing(config["published_patches"]),
    resources:
        mem_mb=memory_of("score"),
        runtime=runtime_of("score"),
    params:
        code=code_of("by_patch", dataset=True),
        papers=IDENTITY["papers"],
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
        ),
    message:
        "Hold {wildcards.release} against its authors' values of each patch"
    shell:
        "sentinel-forest by-patch --catalog {input.catalog} --counts {input.counts}"
        " --unmeasured {input.unmeasured} --values {input.values} {params.settings}"
        " --output {output} >{log} 2>&1"


rule reproduction:
    """Hold published figures against the scores of this version."""
    input:
        metrics=METRICS,
        papers_pixels=expand("<work>/{release}/papers_pixels.tsv", release=PUBLISHED),
    output:
        report(
            REPRODUCTION,
            caption="../report/captions/reproduction.rst",
            category="6 Reproduction",
            labels={"table": "reproduction sheet"},
        ),
    log:
        "<logs>/reproduction.log",
    localrule: True
    params:
        code=code_of("reproduction"),
        papers=IDENTITY["papers"],
        settings=lambda wildcards, input: flags(
            metrics=[
                ReleaseFile(*trial, path)
                for trial, path in zip(TRIALS, input.metrics, strict=True)
            ],
            papers_pixels=[
                ReleaseFile(release, scheme, 1, path)
                for (release, scheme), path in zip(
                    PUBLISHED.items(), input.papers_pixels, strict=True
                )
            ],
            samples=SAMPLES,
        ),
    message:
        "Hold published figures against ours"
    shell:
        "sentinel-forest reproduction {params.settings} --output {output} >{log} 2>&1"
