"""One row per patch."""


rule catalog:
    """List the patches of a verified release with their place, split, groups and classes."""
    input:
        verified=f"<work>/{paths.VERIFIED}",
        files=f"<work>/{paths.FILES}",
        hashes=f"<work>/{paths.HASHES}",
    output:
        f"<work>/{paths.CATALOG}",
    log:
        "<logs>/catalog/{release}.log",
    benchmark:
        "<benchmarks>/catalog/{release}.tsv"
    resources:
        mem_mb=WIRING.memory_of("catalog"),
        runtime=WIRING.runtime_of("catalog"),
    params:
        code=WIRING.code_of("catalog", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
        ),
    message:
        "Catalog the patches of {wildcards.release}"
    shell:
        "sentinel-forest catalog {params.settings} --folder {params.folder} --files {input.files}"
        " --hashes {input.hashes} --output {output} >{log} 2>&1"
