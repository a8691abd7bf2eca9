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
        predictions=shard_tables("predictions"),
        references=shard_tables("references"),
    output:
        confusion="<results>/{release}/baselines/{scheme}/{trial}/confusion.parquet",
        metrics="<results>/{release}/baselines/{scheme}/{trial}/metrics.tsv",
        paired="<results>/{release}/baselines/{scheme}/{trial}/paired.tsv",
    log:
        "<logs>/score/{release}/{scheme}/{trial}.log",
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        code=code("score"),
        dataset=DATASET,
        sets=of_release(lambda release: ",".join(SELECTION.sets(release.name))),
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
    message:
        "Score {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.score --release {wildcards.release} {params.dataset}"
        " --catalog {input.catalog} --split {input.split} --ledger {input.ledger} --verified {input.verified}"
        " --scheme {wildcards.scheme} --trial {wildcards.trial} --sets '{params.sets}'"
        " --predictions {input.predictions} --references {input.references}"
        " --seed {params.seed} --draws {params.draws} --confusion {output.confusion}"
        " --metrics {output.metrics} --paired {output.paired} >{log} 2>&1"


rule price:
    """The price of a leak: scores of splits that leak against scores of splits that do not."""
    input:
        leaky=confusions("pooled-random"),
        clean=confusions("grouped-stratified"),
    output:
        "<results>/{release}/price_of_leak.tsv",
    log:
        "<logs>/price/{release}.log",
    wildcard_constraints:
        release=listing(PRICED),
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code("price"),
        dataset=DATASET,
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
    message:
        "The price of a leak on {wildcards.release}"
    shell:
        "python -m sentinel_forest.price --release {wildcards.release} {params.dataset}"
        " --leaky {input.leaky} --clean {input.clean} --seed {params.seed} --draws {params.draws}"
        " --output {output} >{log} 2>&1"


rule headline:
    """The figures one looks at first."""
    input:
        METRICS,
    output:
        "<results>/headline.tsv",
    log:
        "<logs>/headline.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("headline"),
        metrics=lambda wildcards, input: " ".join(
            ":".join([*Path(path).parts[-5:-4], *Path(path).parts[-3:-1], path])
            for path in input
        ),
    message:
        "Write the headline table"
    shell:
        "python -m sentinel_forest.headline --metrics {params.metrics} --output {output} >{log} 2>&1"
