"""Trials in the publisher's own layout, for other people's code."""

EXPORTS = [
    f"exports/{config['version']}/{release}/{scheme}/{trial}/manifest.json"
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


rule export_trial:
    """Write a trial as the publisher would have: the same files, other splits."""
    input:
        catalog=lambda wildcards: settled(
            "<work>", f"{wildcards.release}/catalog.parquet"
        ),
        split=str(VERSION / "{release}" / "splits" / "{scheme}" / "{trial}.parquet"),
    output:
        f"exports/{config['version']}/{{release}}/{{scheme}}/{{trial}}/manifest.json",
    log:
        "<logs>/export_trial/{release}/{scheme}/{trial}.log",
    threads: 2
    resources:
        mem_mb=memory_of("export"),
        runtime=runtime_of("export"),
    params:
        code=code_of("export_trial", dataset=True),
        folder="data/{release}",
        target=subpath(output[0], parent=True),
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            layers=lambda release: config["export"]["layers"],
            form=lambda release: config["export"]["form"],
        ),
    message:
        "Export {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest export-trial --release {wildcards.release} --folder {params.folder}"
        " --catalog {input.catalog} --split {input.split} --scheme {wildcards.scheme}"
        " --trial {wildcards.trial} {params.settings} --threads {threads} --target {params.target} >{log} 2>&1"
