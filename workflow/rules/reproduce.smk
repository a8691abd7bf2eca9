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
        features=lambda wildcards: [
            path
            for name in SELECTION.sets(wildcards.release)
            for path in feature_shards(wildcards.release, name)
        ],
        forests=forests_of_trial("forest.skops"),
        fits=forests_of_trial("fit.json"),
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
    threads: threads_of("importance")
    resources:
        mem_mb=memory_of("importance"),
        runtime=runtime_of("importance"),
    params:
        code=code_of("importance", dataset=True),
        features=named_inputs(
            SetFile,
            lambda release: [
                (name,) for name in SELECTION.sets(release) for _ in shards(release)
            ],
            "features",
        ),
        forests=named_inputs(
            SetFile,
            lambda release: [(name,) for name in SELECTION.sets(release)],
            "forests",
            "fits",
        ),
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            engines_beside=lambda release: config["engines_beside"],
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=seed_of,
    message:
        "Look into the forests of {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest importance --scheme {wildcards.scheme}"
        " --trial {wildcards.trial} --catalog {input.catalog} --split {input.split}"
        " {params.features} {params.forests} {params.settings} {params.seed} --threads {threads}"
        " --importance {output.importance} --curves {output.curves} --reliability {output.reliability}"
        " --engines {output.engines} >{log} 2>&1"
