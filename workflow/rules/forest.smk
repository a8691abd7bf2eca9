"""Random forests: one per trial and feature set; then what they and the reference algorithms say."""


rule fit:
    """Grow the forest of one trial and feature set."""
    input:
        tables=lambda wildcards: feature_shards(wildcards.release, wildcards.set),
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
    conda:
        "../../envs/workflow.yaml"
    threads: threads_of("fit")
    resources:
        mem_mb=memory_of("fit"),
        runtime=runtime_of("fit"),
    params:
        code=code("models.forest"),
        dataset=DATASET,
        settings=json_of(lambda release: SELECTION.forest(release.name).model_dump()),
        seed=config["seed"],
    message:
        "Grow the forest of {wildcards.release}: {wildcards.scheme} {wildcards.trial}, {wildcards.set}"
    shell:
        "python -m sentinel_forest.models.forest --release {wildcards.release} {params.dataset}"
        " --catalog {input.catalog} --features {input.tables} --split {input.split} --settings {params.settings}"
        " --seed {params.seed} --scheme {wildcards.scheme} --trial {wildcards.trial} --set {wildcards.set}"
        " --threads {threads} --model {output.model} --fit {output.fit} >{log} 2>&1"


rule predict:
    """Predict the validation and test patches of a shard with every forest; a patch is read once."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        splits=split_files,
        forests=forest_files,
        tables=patch_tables,
    output:
        "<work>/{release}/predictions/{shard}.parquet",
    log:
        "<logs>/predict/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/predict/{release}/{shard}.tsv"
    conda:
        "../../envs/workflow.yaml"
    threads: threads_of("predict")
    resources:
        mem_mb=memory_of("predict"),
        runtime=runtime_of("predict"),
    params:
        code=code("models.predict"),
        dataset=DATASET,
        folder="data/{release}",
        shards=of_release(lambda release: release.shards),
        forests=forest_list,
        results=lambda wildcards, input: str(Path(input.splits[0]).parents[2]),
        models=lambda wildcards, input: (
            str(Path(input.forests[0]).parents[4]) if input.forests else "none"
        ),
        features=lambda wildcards, output: str(Path(output[0]).parents[1] / "features"),
        memory=resources.FORESTS_MB,
    message:
        "Predict shard {wildcards.shard} of {wildcards.release} with all forests"
    shell:
        "python -m sentinel_forest.models.predict --release {wildcards.release} {params.dataset}"
        " --folder {params.folder} --catalog {input.catalog} --shard {wildcards.shard}"
        " --shards {params.shards} --forests {params.forests}"
        " --results {params.results} --models {params.models} --features {params.features}"
        " --memory {params.memory} --threads {threads} --output {output} >{log} 2>&1"


rule reference:
    """Hold the reference algorithms that ship with a release against its truth, patch by patch."""
    input:
        catalog="<work>/{release}/catalog.parquet",
    output:
        "<work>/{release}/references/{shard}.parquet",
    log:
        "<logs>/reference/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/reference/{release}/{shard}.tsv"
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("reference"),
        runtime=runtime_of("reference"),
    params:
        code=code("evaluation.reference"),
        dataset=DATASET,
        folder="data/{release}",
        shards=of_release(lambda release: release.shards),
        references=of_release(
            lambda release: ",".join(SELECTION.references(release.name))
        ),
    message:
        "Reference algorithms on shard {wildcards.shard} of {wildcards.release}"
    shell:
        "python -m sentinel_forest.evaluation.reference {params.dataset} --folder {params.folder}"
        " --catalog {input.catalog} --shard {wildcards.shard} --shards {params.shards}"
        " --references '{params.references}' --output {output} >{log} 2>&1"
