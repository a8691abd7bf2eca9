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
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("feature_table"),
        runtime=runtime_of("feature_table"),
    params:
        code=code("features.table"),
        dataset=DATASET,
        folder="data/{release}",
        shards=of_release(lambda release: release.shards),
        draw=json_of(lambda release: SELECTION.draw(release.name).model_dump()),
        seed=config["seed"],
    message:
        "Features {wildcards.set} of {wildcards.release}, shard {wildcards.shard}"
    shell:
        "python -m sentinel_forest.features.table --release {wildcards.release} {params.dataset}"
        " --folder {params.folder} --catalog {input.catalog} --set {wildcards.set}"
        " --shard {wildcards.shard} --shards {params.shards} --draw {params.draw} --seed {params.seed}"
        " --output {output} >{log} 2>&1"
