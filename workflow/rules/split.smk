"""Which patches train and which test, and what the two have in common."""


rule split:
    """Assign every patch a role in one trial of a scheme."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
    output:
        split=f"<results>/{paths.SPLIT}",
        balance=f"<results>/{paths.BALANCE}",
        infeasible=f"<results>/{paths.INFEASIBLE}",
    log:
        "<logs>/split/{release}/{scheme}/{trial}.log",
    benchmark:
        "<benchmarks>/split/{release}/{scheme}/{trial}.tsv"
    resources:
        mem_mb=WIRING.memory_of("split"),
        runtime=WIRING.runtime_of("split"),
    params:
        store=STORE,
        code=WIRING.code_of("split"),
        settings=lambda wildcards: flags(
            definition=SELECTION.definitions(wildcards.release)[wildcards.scheme],
            classes=SELECTION.datasets[wildcards.release].label_names,
            seed=SELECTION.seed(wildcards.release, wildcards.scheme),
        ),
    message:
        "Split {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "sentinel-forest split --catalog {input.catalog}"
        " --scheme {wildcards.scheme} --trial {wildcards.trial} {params.settings} {params.store}"
        " --output {output.split} --balance {output.balance} --infeasible {output.infeasible} >{log} 2>&1"


rule signature:
    """Describe each patch of a shard by a few numbers, for near-duplicates."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
    output:
        f"<work>/{paths.SIGNATURES}",
    log:
        "<logs>/signature/{release}/{shard}.log",
    benchmark:
        "<benchmarks>/signature/{release}/{shard}.tsv"
    resources:
        mem_mb=WIRING.memory_of("signature"),
        runtime=WIRING.runtime_of("signature"),
    params:
        code=WIRING.code_of("signature", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
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
        catalog=f"<work>/{paths.CATALOG}",
        splits=WIRING.of_trials(paths.SPLIT),
        signatures=WIRING.of_shards(paths.SIGNATURES, SELECTION.signature_layers),
    output:
        report(
            f"<results>/{paths.LEDGER}",
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
        mem_mb=WIRING.memory_of("ledger"),
        runtime=WIRING.runtime_of("ledger"),
    params:
        code=WIRING.code_of("ledger"),
        splits=WIRING.named_inputs(TrialFile, SELECTION.trials, "splits"),
        settings=WIRING.flags_of(
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
        f"<results>/{paths.LEDGER}",
    output:
        touch(f"<work>/{paths.LINKS_HELD}"),
    log:
        "<logs>/hold_links/{release}.log",
    localrule: True
    params:
        code=WIRING.code_of("hold_links"),
    message:
        "Hold the links of {wildcards.release} against the gate"
    shell:
        "sentinel-forest hold-links --ledger {input} >{log} 2>&1"
