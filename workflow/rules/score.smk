"""Scores with their definitions, intervals and marks; what a leak is worth."""

METRICS = [
    f"<results>/{release}/baselines/{scheme}/{trial}/metrics.tsv"
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


PRICED = [
    release
    for release in RELEASES
    if {"pooled-random", "grouped-stratified"} <= set(SELECTION.definitions(release))
    and SELECTION.sets(release)
]


PRICES = [f"<results>/{release}/price_of_leak.tsv" for release in PRICED]


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
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("score"),
        runtime=runtime_of("score"),
    params:
        code=code("evaluation.score"),
        dataset=DATASET,
        sets=of_release(lambda release: ",".join(SELECTION.sets(release.name))),
        source=of_release(
            lambda release: (
                f"--source {SELECTION.source(release.name)}"
                if SELECTION.source(release.name) != release.name
                else ""
            )
        ),
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
    message:
        "Score {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.evaluation.score --release {wildcards.release} {params.dataset} {params.source}"
        " --catalog {input.catalog} --split {input.split} --ledger {input.ledger} --verified {input.verified}"
        " --scheme {wildcards.scheme} --trial {wildcards.trial} --sets '{params.sets}'"
        " --predictions {input.predictions} --references {input.references}"
        " --seed {params.seed} --draws {params.draws} --confusion {output.confusion}"
        " --metrics {output.metrics} --scores-by {output.scores_by} --paired {output.paired} >{log} 2>&1"


rule price:
    """The price of a leak: scores of splits that leak against scores of splits that do not."""
    input:
        leaky=confusions("pooled-random"),
        clean=confusions("grouped-stratified"),
    output:
        report(
            "<results>/{release}/price_of_leak.tsv",
            caption="../report/captions/price.rst",
            category="3 Splits",
            subcategory="{release}",
            labels={"table": "price of a leak"},
        ),
    log:
        "<logs>/price/{release}.log",
    wildcard_constraints:
        release=listing(PRICED),
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("price"),
        runtime=runtime_of("price"),
    params:
        code=code("evaluation.price"),
        dataset=DATASET,
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
    message:
        "The price of a leak on {wildcards.release}"
    shell:
        "python -m sentinel_forest.evaluation.price --release {wildcards.release} {params.dataset}"
        " --leaky {input.leaky} --clean {input.clean} --seed {params.seed} --draws {params.draws}"
        " --output {output} >{log} 2>&1"


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
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("average"),
        runtime=runtime_of("average"),
    params:
        code=code("evaluation.average"),
        dataset=DATASET,
        metrics=named_tables("metrics"),
        confusions=named_tables("confusions"),
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
    message:
        "Average the trials of {wildcards.release}"
    shell:
        "python -m sentinel_forest.evaluation.average --release {wildcards.release} {params.dataset}"
        " --metrics {params.metrics} --confusions {params.confusions}"
        " --seed {params.seed} --draws {params.draws} --output {output} >{log} 2>&1"


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
        averages=lambda wildcards, input: flags(averages=dict(zip(RELEASES, input))),
    message:
        "Write the headline table"
    shell:
        "sentinel-forest headline {params.averages} --output {output} >{log} 2>&1"
