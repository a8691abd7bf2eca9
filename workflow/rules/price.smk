"""The price of leakage: an experiment of its own, whatever schemes the version has."""

PRICES = expand(f"<results>/{paths.PRICE}", release=SELECTION.priced)


rule price:
    """Score the same test patches with forests trained with and without relatives of theirs."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        features=lambda wildcards: WIRING.feature_files(wildcards.release),
    output:
        report(
            f"<results>/{paths.PRICE}",
            caption="../report/captions/price.rst",
            category="3 Splits",
            subcategory="{release}",
            labels={"table": "price of leakage"},
        ),
    log:
        "<logs>/price/{release}.log",
    benchmark:
        "<benchmarks>/price/{release}.tsv"
    wildcard_constraints:
        release=listing(SELECTION.priced),
    threads: WIRING.threads_of("price")
    resources:
        mem_mb=WIRING.memory_of("price"),
        runtime=WIRING.runtime_of("price"),
    params:
        code=WIRING.code_of("price", dataset=True),
        features=WIRING.named_inputs(
            SetFile,
            lambda release: [
                (name,)
                for name in SELECTION.sets(release)
                for _ in WIRING.shards(release)
            ],
            "features",
        ),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            pooled=lambda release: SELECTION.pooled(release.name),
            trials=lambda release: config["price"]["trials"],
            forest=lambda release: SELECTION.forest(release.name),
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=WIRING.seed_of,
    message:
        "The price of leakage on {wildcards.release}"
    shell:
        "sentinel-forest price --catalog {input.catalog} {params.features} {params.settings}"
        " {params.seed} --threads {threads} --output {output} >{log} 2>&1"
