"""What forests rest on, and how far they can be trusted."""

# Releases that take their forests from another have no training of their own to look into.
INSPECTED = {
    release: SELECTION.inspected(release)
    for release in RELEASES
    if SELECTION.source(release) == release and SELECTION.sets(release)
}
INSPECTIONS = [
    f"<results>/{paths.place(pattern, release=release, scheme=scheme, trial=trial)}"
    for release, (scheme, trial) in INSPECTED.items()
    for pattern in (
        paths.IMPORTANCE,
        paths.CURVES,
        paths.CALIBRATION,
        paths.ENGINES,
        paths.SEEDS,
    )
]
SEED_TABLES = [
    f"<results>/{paths.place(paths.SEEDS, release=release, scheme=scheme, trial=trial)}"
    for release, (scheme, trial) in INSPECTED.items()
]


rule importance:
    """What the forests of a trial rest on, and how they fare with fewer trees or groups and other engines."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=f"<results>/{paths.SPLIT}",
        features=lambda wildcards: WIRING.feature_files(wildcards.release),
        forests=WIRING.forests_of_trial(paths.FOREST),
        fits=WIRING.forests_of_trial(paths.FIT),
    output:
        importance=report(
            f"<results>/{paths.IMPORTANCE}",
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
            f"<results>/{paths.CURVES}",
            caption="../report/captions/curves.rst",
            category="5 Forests",
            subcategory="{release}",
            labels={"scheme": "{scheme}", "trial": "{trial}", "table": "curves"},
        ),
        calibration=report(
            f"<results>/{paths.CALIBRATION}",
            caption="../report/captions/calibration.rst",
            category="5 Forests",
            subcategory="{release}",
            labels={"scheme": "{scheme}", "trial": "{trial}", "table": "calibration"},
        ),
        engines=f"<results>/{paths.ENGINES}",
        seeds=f"<results>/{paths.SEEDS}",
    log:
        "<logs>/importance/{release}/{scheme}/{trial}.log",
    benchmark:
        "<benchmarks>/importance/{release}/{scheme}/{trial}.tsv"
    wildcard_constraints:
        release=listing(INSPECTED),
    threads: WIRING.threads_of("importance")
    resources:
        mem_mb=WIRING.memory_of("importance"),
        runtime=WIRING.runtime_of("importance"),
    params:
        code=WIRING.code_of("importance", dataset=True),
        features=WIRING.named_inputs(
            SetFile,
            lambda release: [
                (name,)
                for name in SELECTION.sets(release)
                for _ in WIRING.shards(release)
            ],
            "features",
        ),
        forests=WIRING.named_inputs(
            SetFile,
            lambda release: [(name,) for name in SELECTION.sets(release)],
            "forests",
            "fits",
        ),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            engines_beside=lambda release: config["engines_beside"],
            forest_seeds=lambda release: config["forest_seeds"],
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=WIRING.seed_of,
    message:
        "Examine the forests of {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest importance --scheme {wildcards.scheme}"
        " --trial {wildcards.trial} --catalog {input.catalog} --split {input.split}"
        " {params.features} {params.forests} {params.settings} {params.seed} --threads {threads}"
        " --importance {output.importance} --curves {output.curves} --calibration {output.calibration}"
        " --engines {output.engines} --seeds {output.seeds} >{log} 2>&1"
