"""Splits of So2Sat LCZ42 in the form of tensorflow_datasets."""

TFDS_FORMS = [("rgb", "2.1.0"), ("rgb", "2.0.0"), ("all", "2.1.0")]


TFDS_SPLITS = {
    (name, tfds_name(release, scheme, trial)): (scheme, trial)
    for name, release in SELECTION.releases.items()
    if release.dataset == "so2sat"
    for scheme, trial in SELECTION.trials(name)
}


TFDS_FOLDERS = [
    f"exports/{VERSION.name}/{release}/tfds/{name}/{form}/{number}"
    for release, name in TFDS_SPLITS
    for form, number in TFDS_FORMS
]


rule tfds_export:
    """Write a split in a config and version of the TFDS data set so2sat."""
    input:
        catalog=settled_catalog,
        split=tfds_split,
    output:
        directory(
            f"exports/{VERSION.name}/{{release}}/tfds/{{name}}/{{form}}/{{number}}"
        ),
    log:
        "<logs>/tfds_export/{release}/{name}/{form}/{number}.log",
    wildcard_constraints:
        name=listing({name for _, name in TFDS_SPLITS}),
        form="rgb|all",
        number=r"2\.[01]\.0",
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("export"),
        runtime=runtime_of("export"),
    params:
        code=code("export.tfds"),
        folder="data/{release}",
        about=tfds_about,
    message:
        "Export {wildcards.name}/{wildcards.form}/{wildcards.number} of {wildcards.release}"
    shell:
        "python -m sentinel_forest.export.tfds export --folder {params.folder} --catalog {input.catalog}"
        " --split {input.split} --name {wildcards.name} --config {wildcards.form}"
        " --version {wildcards.number} --about {params.about} --output {output} >{log} 2>&1"
