"""Trials in the publisher's own layout, for other people's code."""

EXPORTS = [
    f"exports/{config['version']}/{release}/{scheme}/{trial}/manifest.json"
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


rule export_trial:
    """Write a trial as the publisher would have: the same files, other splits."""
    input:
        catalog=settled_catalog,
        split=str(VERSION / "{release}" / "splits" / "{scheme}" / "{trial}.parquet"),
    output:
        f"exports/{config['version']}/{{release}}/{{scheme}}/{{trial}}/manifest.json",
    log:
        "<logs>/export_trial/{release}/{scheme}/{trial}.log",
    conda:
        "../../envs/workflow.yaml"
    threads: 2
    resources:
        mem_mb=memory_of("export"),
        runtime=runtime_of("export"),
    params:
        code=code("export.trial"),
        dataset=DATASET,
        folder="data/{release}",
        layers=shlex.quote(canonical(config["export"]["layers"])),
        form=config["export"]["form"],
    message:
        "Export {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.export.trial {params.dataset} --release {wildcards.release}"
        " --folder {params.folder} --catalog {input.catalog} --split {input.split}"
        " --scheme {wildcards.scheme} --trial {wildcards.trial} --layers {params.layers}"
        " --form {params.form} --threads {threads} --target $(dirname {output}) >{log} 2>&1"
