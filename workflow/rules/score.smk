"""Scores with their definitions, intervals and marks."""

METRICS = [
    f"<results>/{release}/baselines/{scheme}/{trial}/metrics.tsv"
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


rule score:
    """Confusion counts of one trial, and every metric that follows from them."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        split="<results>/{release}/splits/{scheme}/{trial}.parquet",
        ledger="<results>/{release}/ledger.tsv",
        verified="<work>/{release}/verified.json",
        held="<work>/{release}/links_held",
        predictions=shard_tables("predictions"),
        references=reference_tables,
    output:
        confusion="<results>/{release}/baselines/{scheme}/{trial}/confusion.parquet",
        metrics=report(
            "<results>/{release}/baselines/{scheme}/{trial}/metrics.tsv",
            caption="../report/captions/metrics.rst",
            category="4 Baselines",
            subcategory="{release}",
            labels={"scheme": "{scheme}", "trial": "{trial}", "table": "scores"},
        ),
        scores_by=report(
            "<results>/{release}/baselines/{scheme}/{trial}/scores_by.tsv",
            caption="../report/captions/scores_by.rst",
            category="4 Baselines",
            subcategory="{release}",
            labels={
                "scheme": "{scheme}",
                "trial": "{trial}",
                "table": "scores by stratum",
            },
        ),
        paired="<results>/{release}/baselines/{scheme}/{trial}/paired.tsv",
    log:
        "<logs>/score/{release}/{scheme}/{trial}.log",
    benchmark:
        "<benchmarks>/score/{release}/{scheme}/{trial}.tsv"
    resources:
        mem_mb=memory_of("score"),
        runtime=runtime_of("score"),
    params:
        code=code_of("score", dataset=True),
        settings=flags_of(
            source=lambda release: config["transfer"].get(release.name),
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            feature_sets=lambda release: SELECTION.sets(release.name),
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=seed_of,
    message:
        "Score {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest score --release {wildcards.release} --scheme {wildcards.scheme} --trial {wildcards.trial}"
        " --catalog {input.catalog} --split {input.split} --ledger {input.ledger} --verified {input.verified}"
        " --predictions {input.predictions} --references {input.references} {params.settings} {params.seed}"
        " --confusion {output.confusion} --metrics {output.metrics} --scores-by {output.scores_by}"
        " --paired {output.paired} >{log} 2>&1"


rule average:
    """The scores of the trials of each scheme as one, with the interval of their mean."""
    input:
        metrics=tables_of_trials("metrics.tsv"),
        confusions=tables_of_trials("confusion.parquet"),
    output:
        report(
            "<results>/{release}/averages.tsv",
            caption="../report/captions/average.rst",
            category="4 Baselines",
            subcategory="{release}",
            labels={"table": "scores over trials"},
        ),
    log:
        "<logs>/average/{release}.log",
    benchmark:
        "<benchmarks>/average/{release}.tsv"
    resources:
        mem_mb=memory_of("average"),
        runtime=runtime_of("average"),
    params:
        code=code_of("average", dataset=True),
        tables=named_inputs(TrialFile, SELECTION.trials, "metrics", "confusions"),
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=seed_of,
    message:
        "Average the trials of {wildcards.release}"
    shell:
        "sentinel-forest average {params.tables} {params.settings} {params.seed}"
        " --output {output} >{log} 2>&1"


rule headline:
    """The figures one looks at first."""
    input:
        expand("<results>/{release}/averages.tsv", release=RELEASES),
    output:
        report(
            "<results>/headline.tsv",
            caption="../report/captions/headline.rst",
            category="1 Overview",
            labels={"table": "headline scores"},
        ),
    log:
        "<logs>/headline.log",
    localrule: True
    params:
        code=code_of("headline"),
    message:
        "Write the headline table"
    shell:
        "sentinel-forest headline --averages {input} --output {output} >{log} 2>&1"
