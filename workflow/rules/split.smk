"""Which patches train and which test, and what the two have in common."""


rule split:
    """Assign every patch a role in one trial of a scheme."""
    input:
        catalog="<work>/{release}/catalog.parquet",
    output:
        split="<results>/{release}/splits/{scheme}/{trial}.parquet",
        balance="<results>/{release}/splits/{scheme}/{trial}.balance.tsv",
        infeasible="<results>/{release}/splits/{scheme}/{trial}.infeasible.tsv",
    log:
        "<logs>/split/{release}/{scheme}/{trial}.log",
    benchmark:
        "<benchmarks>/split/{release}/{scheme}/{trial}.tsv"
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("split"),
        runtime=runtime_of("split"),
    params:
        code=code_digest("splits.split"),
        definition=lambda wildcards: shlex.quote(
            canonical(
                SELECTION.definitions(wildcards.release)[wildcards.scheme].model_dump(
                    exclude_unset=True
                )
            )
        ),
        seed=config["seed"],
        classes=json_of(lambda release: SELECTION.datasets[release.name].label_names),
    message:
        "Split {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.splits.split --release {wildcards.release} --catalog {input.catalog}"
        " --scheme {wildcards.scheme} --definition {params.definition} --trial {wildcards.trial}"
        " --seed {params.seed} --classes {params.classes} --output {output.split}"
        " --balance {output.balance} --infeasible {output.infeasible} >{log} 2>&1"


rule signature:
    """Describe each patch of a shard by a few numbers, for near-duplicates."""
    input:
        catalog="<work>/{release}/catalog.parquet",
    output:
        "<work>/{release}/signatures/{shard}.parquet",
    log:
        "<logs>/signatures/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/signatures/{release}/{shard}.tsv"
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("signature"),
        runtime=runtime_of("signature"),
    params:
        code=code("features.signature"),
        dataset=DATASET,
        folder="data/{release}",
        shards=of_release(lambda release: release.shards),
        layers=of_release(
            lambda release: ",".join(SELECTION.signature_layers(release.name))
        ),
    message:
        "Signatures of {wildcards.release}, shard {wildcards.shard}"
    shell:
        "python -m sentinel_forest.features.signature {params.dataset} --folder {params.folder}"
        " --catalog {input.catalog} --shard {wildcards.shard} --shards {params.shards}"
        " --layers {params.layers} --output {output} >{log} 2>&1"


rule ledger:
    """Count what the roles of every split share: patches, pixels, groups, ground."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        splits=split_files,
        signatures=signature_tables,
    output:
        report(
            "<results>/{release}/ledger.tsv",
            caption="../report/captions/ledger.rst",
            category="3 Splits",
            subcategory="{release}",
            labels={"table": "ledger"},
        ),
    log:
        "<logs>/ledger/{release}.log",
    benchmark:
        "<benchmarks>/ledger/{release}.tsv"
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("ledger"),
        runtime=runtime_of("ledger"),
    params:
        code=code_digest("splits.ledger"),
        splits=named_splits,
        near=near_duplicates,
        gate=shlex.quote(canonical(config["gate"])),
        linking=json_of(lambda release: SELECTION.datasets[release.name].ledger_keys()),
    message:
        "Write the ledger of links between the splits of {wildcards.release}"
    shell:
        "python -m sentinel_forest.splits.ledger --catalog {input.catalog} {params.splits} --keys {params.linking}"
        " --gate {params.gate} {params.near} --output {output} >{log} 2>&1"


rule hold_links:
    """Stop if the ledger has a link that the configuration does not tolerate."""
    input:
        "<results>/{release}/ledger.tsv",
    output:
        touch("<work>/{release}/links_held"),
    log:
        "<logs>/hold_links/{release}.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("splits.ledger"),
    message:
        "Hold the links of {wildcards.release} against the gate"
    shell:
        "python -m sentinel_forest.splits.ledger gate --ledger {input} >{log} 2>&1"
