"""Which patches train and which test, and what the two have in common."""

for TRIALS in jobs(SELECTION, "split"):

    rule:
        """Assign every patch a role in one trial of a scheme."""
        name:
            TRIALS.name
        input:
            catalog=f"<work>/{paths.CATALOG}",
        output:
            output=TRIALS.files(paths.SPLIT),
            balance=TRIALS.files(paths.BALANCE),
            infeasible=TRIALS.files(paths.INFEASIBLE),
        log:
            TRIALS.note("<logs>/split/{release}/{scheme}/{trial}.log"),
        benchmark:
            TRIALS.note("<benchmarks>/split/{release}/{scheme}/{trial}.tsv")
        wildcard_constraints:
            release=TRIALS.of_release,
        resources:
            mem_mb=TRIALS.memory,
            runtime=TRIALS.runtime,
        params:
            store=STORE,
            code=WIRING.code_of("split"),
            settings=lambda wildcards: flags(
                classes=SELECTION.datasets[wildcards.release].label_names
            ),
            each=TRIALS.each(
                "output", "balance", "infeasible", definition=SELECTION.definition
            ),
        message:
            "Split {wildcards.release}"
        shell:
            "sentinel-forest split --catalog {input.catalog} {params.settings} {params.store} {params.each} >{log} 2>&1"


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
    """Stop if the ledger has a link that the key `gate` of the configuration forbids."""
    input:
        f"<results>/{paths.LEDGER}",
    output:
        touch(f"<run>/{paths.LINKS_HELD}"),
    log:
        "<logs>/hold_links/{release}.log",
    localrule: True
    params:
        code=WIRING.code_of("hold_links"),
    message:
        "Compare the links of {wildcards.release} with the gate"
    shell:
        "sentinel-forest hold-links --ledger {input} >{log} 2>&1"
