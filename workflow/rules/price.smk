"""The price of leakage: an experiment of its own, whatever schemes the version has."""

PRICES = [f"<results>/{release}/price.tsv" for release in SELECTION.priced]


rule price:
    """Score the same test patches with forests trained with and without relatives of theirs."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        features=lambda wildcards: [
            path
            for name in SELECTION.sets(wildcards.release)
            for path in feature_shards(wildcards.release, name)
        ],
    output:
        report(
            "<results>/{release}/price.tsv",
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
    threads: threads_of("price")
    resources:
        mem_mb=memory_of("price"),
        runtime=runtime_of("price"),
    params:
        code=code_of("price", dataset=True),
        features=named_inputs(
            SetFile,
            lambda release: [
                (name,) for name in SELECTION.sets(release) for _ in shards(release)
            ],
            "features",
        ),
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            pooled=lambda release: SELECTION.pooled(release.name),
            trials=lambda release: config["price"]["trials"],
            forest=lambda release: SELECTION.forest(release.name),
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=seed_of,
    message:
        "The price of leakage on {wildcards.release}"
    shell:
        "sentinel-forest price --catalog {input.catalog} {params.features} {params.settings}"
        " {params.seed} --threads {threads} --output {output} >{log} 2>&1"
