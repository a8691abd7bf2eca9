"""Features of patches and of drawn pixels; once per release, never once per split."""

FEATURE_TABLES = [
    f"<work>/{release}/features/{name}/{shard}.parquet"
    for release in RELEASES
    for name in SELECTION.sets(release)
    for shard in shards(release)
]


rule feature_table:
    """Compute a feature set for the rows of one shard."""
    input:
        catalog="<work>/{release}/catalog.parquet",
    output:
        "<work>/{release}/features/{set}/{shard}.parquet",
    log:
        "<logs>/features/{release}/{set}/{shard}.log",
    benchmark:
        "<benchmarks>/features/{release}/{set}/{shard}.tsv"
    resources:
        mem_mb=memory_of("feature_table"),
        runtime=runtime_of("feature_table"),
    params:
        code=code_of("feature_table", dataset=True),
        folder="data/{release}",
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            shards=lambda release: release.shards,
            draw=lambda release: SELECTION.draw(release.name),
        ),
        seed=seed_of,
    message:
        "Features {wildcards.set} of {wildcards.release}, shard {wildcards.shard}"
    shell:
        "sentinel-forest feature-table --folder {params.folder}"
        " --catalog {input.catalog} --shard {wildcards.shard} --feature-set {wildcards.set} {params.settings} {params.seed}"
        " --output {output} >{log} 2>&1"
