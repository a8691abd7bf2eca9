"""Trials in the publisher's own layout, for other people's code."""

from sentinel_forest.export import choice


rule export_trial:
    """Write a trial in the publisher's layout: the same files, with another split."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=lambda wildcards: holding.unsealed(
            PLACES, paths.place(paths.SPLIT, **wildcards)
        ),
    output:
        f"{PLACES.exports}/{paths.EXPORT}",
    log:
        "<logs>/export_trial/{release}/{scheme}/{trial}.log",
    threads: 2
    resources:
        mem_mb=WIRING.memory_of("export"),
        runtime=WIRING.runtime_of("export"),
    params:
        code=WIRING.code_of("export_trial", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        split=f"{PLACES.results}/{paths.SPLIT}",
        target=subpath(output[0], parent=True),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            roles=lambda release: config["export"]["roles"],
            layers=lambda release: config["export"]["layers"],
            form=lambda release: config["export"]["form"],
        ),
    message:
        "Export {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest export-trial --release {wildcards.release} --folder {params.folder}"
        " --catalog {input.catalog} --split {params.split} --scheme {wildcards.scheme}"
        " --trial {wildcards.trial} {params.settings} --threads {threads} --target {params.target} >{log} 2>&1"
