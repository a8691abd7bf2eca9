"""What forests rest on, and how far they can be trusted."""

# One trial of each release is looked into: one whose test patches share no group with training, if
# there is one. Releases that take their forests from another have no training of their own to look into.
INSPECTED = {
    release: next(
        (
            (scheme, trial)
            for scheme, trial in SELECTION.trials(release)
            if scheme == "grouped-stratified"
        ),
        SELECTION.trials(release)[0],
    )
    for release in RELEASES
    if SELECTION.source(release) == release and SELECTION.sets(release)
}
INSPECTIONS = [
    f"<results>/{release}/baselines/{scheme}/{trial}/{table}.tsv"
    for release, (scheme, trial) in INSPECTED.items()
    for table in ("importance", "curves", "reliability", "engines")
]


rule importance:
    """What the forests of a trial rest on, and how they fare with fewer trees or groups and other engines."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        split="<results>/{release}/splits/{scheme}/{trial}.parquet",
        tables=lambda wildcards: [
            path
            for name in SELECTION.sets(wildcards.release)
            for path in feature_shards(wildcards.release, name)
        ],
        forests=lambda wildcards: [
            f"<results>/{wildcards.release}/baselines/{wildcards.scheme}/{wildcards.trial}/{name}/{file}"
            for name in SELECTION.sets(wildcards.release)
            for file in ("forest.skops", "fit.json")
        ],
    output:
        importance=report(
            "<results>/{release}/baselines/{scheme}/{trial}/importance.tsv",
            caption="../report/captions/importance.rst",
            category="5 Forests",
            subcategory="{release}",
            labels={
                "scheme": "{scheme}",
                "trial": "{trial}",
                "table": "band families",
            },
        ),
        curves=report(
            "<results>/{release}/baselines/{scheme}/{trial}/curves.tsv",
            caption="../report/captions/curves.rst",
            category="5 Forests",
            subcategory="{release}",
            labels={"scheme": "{scheme}", "trial": "{trial}", "table": "curves"},
        ),
        reliability=report(
            "<results>/{release}/baselines/{scheme}/{trial}/reliability.tsv",
            caption="../report/captions/reliability.rst",
            category="5 Forests",
            subcategory="{release}",
            labels={"scheme": "{scheme}", "trial": "{trial}", "table": "reliability"},
        ),
        engines="<results>/{release}/baselines/{scheme}/{trial}/engines.tsv",
    log:
        "<logs>/importance/{release}/{scheme}/{trial}.log",
    benchmark:
        "<benchmarks>/importance/{release}/{scheme}/{trial}.tsv"
    wildcard_constraints:
        release=listing(INSPECTED),
    conda:
        "../../envs/workflow.yaml"
    threads: threads_of("importance")
    resources:
        mem_mb=memory_of("importance"),
        runtime=runtime_of("importance"),
    params:
        code=code("evaluation.importance"),
        dataset=DATASET,
        shards=of_release(lambda release: release.shards),
        sets=of_release(lambda release: ",".join(SELECTION.sets(release.name))),
        features=lambda wildcards, input: str(Path(input.catalog).parent / "features"),
        results=lambda wildcards, input: str(Path(input.split).parents[2]),
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
        beside=" ".join(config["engines_beside"]),
    message:
        "Look into the forests of {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.evaluation.importance --release {wildcards.release} {params.dataset}"
        " --catalog {input.catalog} --features {params.features} --shards {params.shards}"
        " --results {params.results} --scheme {wildcards.scheme} --trial {wildcards.trial}"
        " --sets '{params.sets}' --seed {params.seed} --draws {params.draws}"
        " --engines-beside {params.beside} --threads {threads}"
        " --importance {output.importance} --curves {output.curves} --reliability {output.reliability}"
        " --engines {output.engines} >{log} 2>&1"
