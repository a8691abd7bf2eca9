"""What others made: predictions of their models, metrics of each patch that they publish, and their split lists."""

PATCH_METRICS = expand(
    f"<results>/{paths.PATCH_METRICS}", release=config["published_patches"]
)
AUDITS = [
    f"<results>/{paths.place(pattern, release=audit['release'], audit=name)}"
    for name, audit in config["audits"].items()
    for pattern in (paths.AUDITED_LISTS, paths.AUDITED_LINKS)
]
FOREIGN_METRICS = WIRING.prediction_files(paths.FOREIGN_METRICS)
FOREIGN_FILES = (
    PATCH_METRICS
    + AUDITS
    + expand(
        f"<results>/{paths.PATCH_METRICS_PAIRED}", release=config["published_patches"]
    )
    + WIRING.prediction_files(
        paths.FOREIGN_CONFUSION,
        paths.FOREIGN_METRICS,
        paths.FOREIGN_SCORES_BY,
        paths.FOREIGN_PAIRED,
    )
)


rule foreign:
    """Score predictions that a model made elsewhere, as those of forests are."""
    input:
        file=lambda wildcards: config["predictions"][wildcards.prediction]["file"],
        catalog=f"<work>/{paths.CATALOG}",
        split=WIRING.of_prediction(paths.SPLIT),
        ledger=f"<results>/{paths.LEDGER}",
        verified=f"<work>/{paths.VERIFIED}",
        held=f"<run>/{paths.LINKS_HELD}",
        truth=lambda wildcards: config["predictions"][wildcards.prediction]["truth"]
        or [],
    output:
        confusion=f"<results>/{paths.FOREIGN_CONFUSION}",
        metrics=f"<results>/{paths.FOREIGN_METRICS}",
        scores_by=f"<results>/{paths.FOREIGN_SCORES_BY}",
    log:
        "<logs>/foreign/{release}/{prediction}.log",
    wildcard_constraints:
        prediction=listing(config["predictions"]),
    priority: 1  # ahead of forests, so that a fault of the file ends the run early
    resources:
        mem_mb=WIRING.memory_of("score"),
        runtime=WIRING.runtime_of("score"),
    params:
        code=WIRING.code_of("foreign", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.prediction_flags,
    message:
        "Score the predictions {wildcards.prediction} of {wildcards.release}"
    shell:
        "sentinel-forest foreign --release {wildcards.release} --file {input.file} --folder {params.folder}"
        " --catalog {input.catalog} --split {input.split} --ledger {input.ledger} --verified {input.verified}"
        " {params.settings} --confusion {output.confusion} --metrics {output.metrics}"
        " --scores-by {output.scores_by} >{log} 2>&1"


rule foreign_paired:
    """Compare predictions that a model made elsewhere with the forests of the trial."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=WIRING.of_prediction(paths.SPLIT),
        confusion=f"<results>/{paths.FOREIGN_CONFUSION}",
        metrics=f"<results>/{paths.FOREIGN_METRICS}",
        others=WIRING.of_prediction(paths.CONFUSION),
    output:
        paired=f"<results>/{paths.FOREIGN_PAIRED}",
    log:
        "<logs>/foreign_paired/{release}/{prediction}.log",
    wildcard_constraints:
        prediction=listing(config["predictions"]),
    resources:
        mem_mb=WIRING.memory_of("score"),
        runtime=WIRING.runtime_of("score"),
    params:
        code=WIRING.code_of("foreign_paired", dataset=True),
        settings=WIRING.comparison_flags,
    message:
        "Compare the predictions {wildcards.prediction} of {wildcards.release} with its forests"
    shell:
        "sentinel-forest foreign-paired --release {wildcards.release} --catalog {input.catalog} --split {input.split}"
        " --confusion {input.confusion} --metrics {input.metrics} --others {input.others} {params.settings}"
        " --paired {output.paired} >{log} 2>&1"


rule patch_metrics:
    """Score models from the metrics of each patch that their authors published."""
    input:
        values=lambda wildcards: config["published_patches"][wildcards.release],
        catalog=f"<work>/{paths.CATALOG}",
        split=lambda wildcards: "<results>/"
        + paths.place(
            paths.SPLIT,
            release=wildcards.release,
            scheme=SELECTION.published(wildcards.release),
            trial=1,
        ),
    output:
        metrics=f"<results>/{paths.PATCH_METRICS}",
        paired=f"<results>/{paths.PATCH_METRICS_PAIRED}",
    log:
        "<logs>/patch_metrics/{release}.log",
    wildcard_constraints:
        release=listing(config["published_patches"]),
    resources:
        mem_mb=WIRING.memory_of("score"),
        runtime=WIRING.runtime_of("score"),
    params:
        code=WIRING.code_of("patch_metrics", dataset=True),
        papers=IDENTITY["papers"],
        settings=WIRING.flags_of(
            scheme=lambda release: SELECTION.published(release.name),
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            draws=lambda release: config["bootstrap"]["draws"],
            seed=lambda release: SELECTION.seed(
                release.name, SELECTION.published(release.name)
            ),
        ),
    message:
        "Score models of {wildcards.release} from their authors' values of each patch"
    shell:
        "sentinel-forest patch-metrics --release {wildcards.release} --trial 1 --role test --catalog {input.catalog}"
        " --split {input.split} --values {input.values} {params.settings} --metrics {output.metrics}"
        " --paired {output.paired} >{log} 2>&1"


rule audit_lists:
    """Compare split lists that others made with the catalog of a release."""
    input:
        source=lambda wildcards: config["audits"][wildcards.audit]["lists"],
        catalog=f"<work>/{paths.CATALOG}",
        verified=f"<work>/{paths.VERIFIED}",
    output:
        lists=f"<results>/{paths.AUDITED_LISTS}",
        links=f"<results>/{paths.AUDITED_LINKS}",
    log:
        "<logs>/audit_lists/{release}/{audit}.log",
    wildcard_constraints:
        audit=listing(config["audits"]),
    resources:
        mem_mb=WIRING.memory_of("ledger"),
        runtime=WIRING.runtime_of("ledger"),
    params:
        code=WIRING.code_of("audit_lists", dataset=True),
        numbers=lambda wildcards: flags(
            numbers=config["audits"][wildcards.audit].get("numbers")
        ),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
        ),
    message:
        "Compare the split lists {wildcards.audit} with {wildcards.release}"
    shell:
        "sentinel-forest audit-lists --release {wildcards.release} --source {input.source} --catalog {input.catalog}"
        " {params.settings} {params.numbers} --lists {output.lists} --links {output.links} >{log} 2>&1"
