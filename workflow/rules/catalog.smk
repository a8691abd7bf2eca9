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
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("catalog"),
        runtime=runtime_of("catalog"),
    params:
        code=code("verify.catalog"),
        dataset=DATASET,
        folder="data/{release}",
    message:
        "Catalog the patches of {wildcards.release}"
    shell:
        "python -m sentinel_forest.verify.catalog {params.dataset} --folder {params.folder}"
        " --files {input.files} --hashes {input.hashes} --output {output} >{log} 2>&1"
