"""Splits of So2Sat LCZ42 in the form of tensorflow_datasets."""

from sentinel_forest.export import tfds_plan

TFDS_SPLITS = tfds_plan.splits(SELECTION)


rule tfds_export:
    """Write a split in a config and version of the TFDS dataset so2sat."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=lambda wildcards: holding.unsealed(
            PLACES, tfds_plan.split_file(SELECTION, wildcards.release, wildcards.name)
        ),
    output:
        directory(f"{PLACES.exports}/{paths.TFDS}"),
    log:
        "<logs>/tfds_export/{release}/{name}/{form}/{number}.log",
    wildcard_constraints:
        name=listing({name for _, name in TFDS_SPLITS}),
        form="rgb|all",
        number=r"2\.[01]\.0",
    resources:
        mem_mb=WIRING.memory_of("export"),
        runtime=WIRING.runtime_of("export"),
    params:
        code=WIRING.code_of("tfds_export", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        split=lambda wildcards: PLACES.results
        / tfds_plan.split_file(SELECTION, wildcards.release, wildcards.name),
        about=lambda wildcards: flags(
            about=tfds_plan.about(
                SELECTION.releases[wildcards.release],
                *TFDS_SPLITS[wildcards.release, wildcards.name],
                PLACES.version,
            )
        ),
    message:
        "Export {wildcards.name}/{wildcards.form}/{wildcards.number} of {wildcards.release}"
    shell:
        "sentinel-forest tfds-export --folder {params.folder} --catalog {input.catalog} --split {params.split}"
        " --name {wildcards.name} --config {wildcards.form} --version {wildcards.number} {params.about}"
        " --output {output} >{log} 2>&1"
