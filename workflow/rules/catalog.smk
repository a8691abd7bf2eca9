"""One row per patch."""


rule catalog:
    """List the patches of a verified release with their place, split, groups and classes."""
    input:
        verified="<work>/{release}/verified.json",
        files="<work>/{release}/files.tsv",
        hashes="<work>/{release}/hashes.parquet",
    output:
        "<work>/{release}/catalog.parquet",
    log:
        "<logs>/catalog/{release}.log",
    benchmark:
        "<benchmarks>/catalog/{release}.tsv"
    resources:
        mem_mb=memory_of("catalog"),
        runtime=runtime_of("catalog"),
    params:
        code=code_of("catalog", dataset=True),
        folder="data/{release}",
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
        ),
    message:
        "Catalog the patches of {wildcards.release}"
    shell:
        "sentinel-forest catalog {params.settings} --folder {params.folder} --files {input.files}"
        " --hashes {input.hashes} --output {output} >{log} 2>&1"
