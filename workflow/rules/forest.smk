"""Random forests: one per trial and feature set; then what they and the reference algorithms say."""

for TRIALS in jobs(SELECTION, "fit"):

    rule:
        """Grow the forest of a feature set in one trial."""
        name:
            TRIALS.name
        input:
            features=lambda wildcards: WIRING.shard_files(
                paths.FEATURES, wildcards.release, set=wildcards.set
            ),
            split=TRIALS.files(paths.SPLIT),
            held=f"<run>/{paths.LINKS_HELD}",
            catalog=f"<work>/{paths.CATALOG}",
        output:
            model=TRIALS.files(paths.FOREST),
            fit=TRIALS.files(paths.FIT),
        log:
            TRIALS.note("<logs>/fit/{release}/{scheme}/{trial}/{set}.log"),
        benchmark:
            TRIALS.note("<benchmarks>/fit/{release}/{scheme}/{trial}/{set}.tsv")
        wildcard_constraints:
            release=TRIALS.of_release,
        threads: TRIALS.threads
        resources:
            mem_mb=TRIALS.memory,
            runtime=TRIALS.runtime,
        params:
            store=STORE,
            code=WIRING.code_of("fit", dataset=True),
            settings=WIRING.flags_of(
                dataset=lambda release: release.dataset,
                layout=lambda release: release.opened,
                forest=lambda release: SELECTION.forest(release.name),
            ),
            each=TRIALS.each("split", "model", "fit"),
        message:
            "Grow forests of {wildcards.release}, {wildcards.set}"
        shell:
            "sentinel-forest fit --release {wildcards.release} --feature-set {wildcards.set} --catalog {input.catalog}"
            " --features {input.features} {params.settings} {params.store} --threads {threads} {params.each} >{log} 2>&1"


rule predict:
    """Predict the validation and test patches of a shard with every forest; a patch is read once."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        splits=WIRING.of_trials(paths.SPLIT),
        forests=WIRING.forest_files(paths.FOREST),
        fits=WIRING.forest_files(paths.FIT),
        features=WIRING.patch_tables,
        external=WIRING.external_files,
    output:
        f"<run>/{paths.PREDICTIONS}",
    log:
        "<logs>/predict/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/predict/{release}/{shard}.tsv"
    threads: WIRING.threads_of("predict")
    resources:
        mem_mb=WIRING.memory_of("predict"),
        runtime=WIRING.runtime_of("predict"),
    params:
        store=STORE,
        code=WIRING.code_of("predict", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        splits=WIRING.named_inputs(TrialFile, SELECTION.trials, "splits"),
        forests=WIRING.named_inputs(
            ForestFile,
            lambda release: [row[1:] for row in SELECTION.baselines(release)],
            "forests",
            "fits",
        ),
        features=WIRING.named_inputs(
            SetFile,
            lambda release: [(name,) for name in SELECTION.patch_sets(release)],
            "features",
        ),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            shards=lambda release: release.shards,
            memory=lambda release: resources.FORESTS_MB,
            scoring=lambda release: config["score"],
        ),
        seed=WIRING.seed_of,
    message:
        "Predict shard {wildcards.shard} of {wildcards.release} with all forests"
    shell:
        "sentinel-forest predict --folder {params.folder} --catalog {input.catalog} --shard {wildcards.shard}"
        " {params.splits} {params.forests} {params.features} {params.settings} {params.seed} {params.store}"
        " --threads {threads} --output {output} >{log} 2>&1"


rule reference:
    """Hold the reference algorithms that ship with a release against its truth, patch by patch."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
    output:
        counts=f"<work>/{paths.REFERENCES}",
        unmeasured=f"<work>/{paths.UNMEASURED}",
    log:
        "<logs>/reference/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/reference/{release}/{shard}.tsv"
    resources:
        mem_mb=WIRING.memory_of("reference"),
        runtime=WIRING.runtime_of("reference"),
    params:
        code=WIRING.code_of("reference", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            shards=lambda release: release.shards,
            references=lambda release: SELECTION.references(release.name),
            scoring=lambda release: config["score"],
        ),
        seed=WIRING.seed_of,
    message:
        "Reference algorithms on shard {wildcards.shard} of {wildcards.release}"
    shell:
        "sentinel-forest reference --folder {params.folder} --catalog {input.catalog}"
        " --shard {wildcards.shard} {params.settings} {params.seed} --counts {output.counts}"
        " --unmeasured {output.unmeasured} >{log} 2>&1"
