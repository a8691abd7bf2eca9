"""Random forests: one per trial and feature set; then what they and the reference algorithms say."""


rule fit:
    """Grow the forest of one trial and feature set."""
    input:
        features=lambda wildcards: feature_shards(wildcards.release, wildcards.set),
        split="<results>/{release}/splits/{scheme}/{trial}.parquet",
        held="<work>/{release}/links_held",
        catalog="<work>/{release}/catalog.parquet",
    output:
        model="<results>/{release}/baselines/{scheme}/{trial}/{set}/forest.skops",
        fit="<results>/{release}/baselines/{scheme}/{trial}/{set}/fit.json",
    log:
        "<logs>/fit/{release}/{scheme}/{trial}/{set}.log",
    benchmark:
        "<benchmarks>/fit/{release}/{scheme}/{trial}/{set}.tsv"
    threads: threads_of("fit")
    resources:
        mem_mb=memory_of("fit"),
        runtime=runtime_of("fit"),
    params:
        code=code_of("fit", dataset=True),
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            forest=lambda release: SELECTION.forest(release.name),
        ),
        seed=seed_of,
    message:
        "Grow the forest of {wildcards.release}: {wildcards.scheme} {wildcards.trial}, {wildcards.set}"
    shell:
        "sentinel-forest fit --release {wildcards.release} --scheme {wildcards.scheme} --trial {wildcards.trial}"
        " --feature-set {wildcards.set} --catalog {input.catalog} --split {input.split}"
        " --features {input.features} {params.settings} {params.seed} --threads {threads}"
        " --model {output.model} --fit {output.fit} >{log} 2>&1"


rule predict:
    """Predict the validation and test patches of a shard with every forest; a patch is read once."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        splits=split_files,
        forests=forest_files("forest.skops"),
        fits=forest_files("fit.json"),
        features=patch_tables,
    output:
        "<work>/{release}/predictions/{shard}.parquet",
    log:
        "<logs>/predict/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/predict/{release}/{shard}.tsv"
    threads: threads_of("predict")
    resources:
        mem_mb=memory_of("predict"),
        runtime=runtime_of("predict"),
    params:
        code=code_of("predict", dataset=True),
        folder="data/{release}",
        splits=named_splits,
        forests=named_inputs(
            ForestFile,
            lambda release: [row[1:] for row in SELECTION.baselines(release)],
            "forests",
            "fits",
        ),
        features=named_inputs(
            SetFile,
            lambda release: [(name,) for name in SELECTION.patch_sets(release)],
            "features",
        ),
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            shards=lambda release: release.shards,
            memory=lambda release: resources.FORESTS_MB,
        ),
    message:
        "Predict shard {wildcards.shard} of {wildcards.release} with all forests"
    shell:
        "sentinel-forest predict --folder {params.folder} --catalog {input.catalog} --shard {wildcards.shard}"
        " {params.splits} {params.forests} {params.features} {params.settings} --threads {threads}"
        " --output {output} >{log} 2>&1"


rule reference:
    """Hold the reference algorithms that ship with a release against its truth, patch by patch."""
    input:
        catalog="<work>/{release}/catalog.parquet",
    output:
        counts="<work>/{release}/references/{shard}.parquet",
        unmeasured="<work>/{release}/references/{shard}.unmeasured.parquet",
    log:
        "<logs>/reference/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/reference/{release}/{shard}.tsv"
    resources:
        mem_mb=memory_of("reference"),
        runtime=runtime_of("reference"),
    params:
        code=code_of("reference", dataset=True),
        folder="data/{release}",
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            shards=lambda release: release.shards,
            references=lambda release: SELECTION.references(release.name),
        ),
    message:
        "Reference algorithms on shard {wildcards.shard} of {wildcards.release}"
    shell:
        "sentinel-forest reference --folder {params.folder} --catalog {input.catalog}"
        " --shard {wildcards.shard} {params.settings} --counts {output.counts}"
        " --unmeasured {output.unmeasured} >{log} 2>&1"
