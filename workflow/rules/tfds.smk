"""Splits of So2Sat LCZ42 in the form of tensorflow_datasets."""

from sentinel_forest.export import tfds_plan

TFDS_SPLITS = tfds_plan.splits(SELECTION)
TFDS_FOLDERS = [
    f"exports/{VERSION.name}/{release}/tfds/{name}/{form}/{number}"
    for release, name in TFDS_SPLITS
    for form, number in tfds_plan.FORMS
]


def tfds_folders(wildcards):
    """All folders in the form of TFDS."""
    if not TFDS_FOLDERS:
        raise WorkflowError(
            str(
                InputError(
                    "No release of So2Sat is selected, and no other has a form in TFDS.",
                    where="key 'releases'",
                    found=", ".join(RELEASES),
                )
            )
        )
    return TFDS_FOLDERS


def tfds_split(wildcards):
    """The split that is written under a name."""
    scheme, trial = TFDS_SPLITS[wildcards.release, wildcards.name]
    path = f"{wildcards.release}/splits/{scheme}/{trial}.parquet"
    return settled(f"<results>/{path}", VERSION / path)


def tfds_text(wildcards):
    """What the export says of itself."""
    split = TFDS_SPLITS[wildcards.release, wildcards.name]
    return tfds_plan.about(SELECTION.releases[wildcards.release], *split, VERSION.name)


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
    resources:
        mem_mb=memory_of("export"),
        runtime=runtime_of("export"),
    params:
        code=code_of("tfds_export", dataset=True),
        folder="data/{release}",
        about=lambda wildcards: flags(about=tfds_text(wildcards)),
    message:
        "Export {wildcards.name}/{wildcards.form}/{wildcards.number} of {wildcards.release}"
    shell:
        "sentinel-forest tfds-export --folder {params.folder} --catalog {input.catalog} --split {input.split}"
        " --name {wildcards.name} --config {wildcards.form} --version {wildcards.number} {params.about}"
        " --output {output} >{log} 2>&1"
