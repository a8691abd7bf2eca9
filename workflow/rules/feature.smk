"""Features of patches and of drawn pixels; once per release, never once per split."""

FEATURE_TABLES = [
    path for release in RELEASES for path in WIRING.feature_files(release)
]


rule feature_table:
    """Compute a feature set for the rows of one shard."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        external=WIRING.external_files,
    output:
        f"<work>/{paths.FEATURES}",
    log:
        "<logs>/feature_table/{release}/{set}/{shard}.log",
    benchmark:
        "<benchmarks>/feature_table/{release}/{set}/{shard}.tsv"
    resources:
        mem_mb=WIRING.memory_of("feature_table"),
        runtime=WIRING.runtime_of("feature_table"),
    params:
        store=STORE,
        code=WIRING.code_of("feature_table", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            shards=lambda release: release.shards,
            draw=lambda release: SELECTION.draw(release.name),
        ),
        seed=WIRING.seed_of,
    message:
        "Features {wildcards.set} of {wildcards.release}, shard {wildcards.shard}"
    shell:
        "sentinel-forest feature-table --folder {params.folder}"
        " --catalog {input.catalog} --shard {wildcards.shard} --feature-set {wildcards.set} {params.settings} {params.seed} {params.store}"
        " --output {output} >{log} 2>&1"
