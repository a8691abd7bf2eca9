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
    resources:
        mem_mb=memory_of("split"),
        runtime=runtime_of("split"),
    params:
        code=code_of("split"),
        settings=lambda wildcards: flags(
            definition=SELECTION.definitions(wildcards.release)[wildcards.scheme],
            classes=SELECTION.datasets[wildcards.release].label_names,
            seed=SELECTION.seed(wildcards.release, wildcards.scheme),
        ),
    message:
        "Split {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest split --catalog {input.catalog}"
        " --scheme {wildcards.scheme} --trial {wildcards.trial} {params.settings}"
        " --output {output.split} --balance {output.balance} --infeasible {output.infeasible} >{log} 2>&1"


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
    resources:
        mem_mb=memory_of("signature"),
        runtime=runtime_of("signature"),
    params:
        code=code_of("signature", dataset=True),
        folder="data/{release}",
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            shards=lambda release: release.shards,
            layers=lambda release: SELECTION.signature_layers(release.name),
        ),
    message:
        "Signatures of {wildcards.release}, shard {wildcards.shard}"
    shell:
        "sentinel-forest signature --folder {params.folder} --catalog {input.catalog}"
        " --shard {wildcards.shard} {params.settings} --output {output} >{log} 2>&1"


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
    resources:
        mem_mb=memory_of("ledger"),
        runtime=runtime_of("ledger"),
    params:
        code=code_of("ledger"),
        splits=named_splits,
        settings=flags_of(
            keys=lambda release: SELECTION.datasets[release.name].ledger_keys(),
            gate=lambda release: config["gate"],
            distance=lambda release: SELECTION.near_duplicate_distance,
        ),
    message:
        "Write the ledger of links between the splits of {wildcards.release}"
    shell:
        "sentinel-forest ledger --catalog {input.catalog} {params.splits} --signatures {input.signatures}"
        " {params.settings} --output {output} >{log} 2>&1"


rule hold_links:
    """Stop if the ledger has a link that the configuration does not tolerate."""
    input:
        "<results>/{release}/ledger.tsv",
    output:
        touch("<work>/{release}/links_held"),
    log:
        "<logs>/hold_links/{release}.log",
    localrule: True
    params:
        code=code_of("hold_links"),
    message:
        "Hold the links of {wildcards.release} against the gate"
    shell:
        "sentinel-forest hold-links --ledger {input} >{log} 2>&1"
