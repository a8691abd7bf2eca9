"""Trials in the publisher's own layout, for other people's code."""

EXPORTS = [
    f"exports/{config['version']}/{release}/{scheme}/{trial}/manifest.json"
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


def finished_catalog(wildcards):
    """The catalog; that of a sealed version is not computed again if it is still there."""
    made = Path("work") / wildcards.release / "catalog.parquet"
    return (
        str(made)
        if SEALED and made.is_file()
        else f"<work>/{wildcards.release}/catalog.parquet"
    )


rule export_trial:
    """Write a trial as the publisher would have: the same files, other splits."""
    input:
        catalog=finished_catalog,
        split=str(VERSION / "{release}" / "splits" / "{scheme}" / "{trial}.parquet"),
    output:
        f"exports/{config['version']}/{{release}}/{{scheme}}/{{trial}}/manifest.json",
    log:
        "<logs>/export_trial/{release}/{scheme}/{trial}.log",
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        code=code("export"),
        dataset=DATASET,
        folder="data/{release}",
        layers=shlex.quote(canonical(config["export"]["layers"])),
        form=config["export"]["form"],
    message:
        "Export {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.export {params.dataset} --release {wildcards.release}"
        " --folder {params.folder} --catalog {input.catalog} --split {input.split}"
        " --scheme {wildcards.scheme} --trial {wildcards.trial} --layers {params.layers}"
        " --form {params.form} --target $(dirname {output}) >{log} 2>&1"
