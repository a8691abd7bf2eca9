"""Are the files what their publisher says, and may the run go on?"""


rule inspect:
    """Read every byte once: checksums, structure, content. Only reports."""
    input:
        files=f"<work>/{paths.FILES}",
    output:
        integrity=f"<work>/{paths.FINDINGS}",
        hashes=f"<work>/{paths.HASHES}",
        checksums=f"<work>/{paths.CHECKSUMS}",
    log:
        "<logs>/inspect/{release}.log",
    benchmark:
        "<benchmarks>/inspect/{release}.tsv"
    threads: WIRING.threads_of("inspect")
    resources:
        mem_mb=WIRING.memory_of("inspect"),
        runtime=WIRING.runtime_of("inspect"),
    params:
        code=WIRING.code_of("inspect", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            select=lambda release: release.select,
        ),
        entry=WIRING.of_release(lambda release: checksum_of(release.entry)),
        changes=lambda wildcards: checksum_of(SEEN[wildcards.release].changes()),
    message:
        "Verify {wildcards.release}: bytes, structure, content"
    shell:
        "sentinel-forest inspect --release {wildcards.release} {params.settings} --folder {params.folder}"
        " --files {input.files} --threads {threads} --integrity {output.integrity} --hashes {output.hashes}"
        " --checksums {output.checksums} >{log} 2>&1"


rule admit:
    """Stop at a release that failed a check, unless that check is accepted by name."""
    input:
        integrity=f"<work>/{paths.FINDINGS}",
        checksums=f"<work>/{paths.CHECKSUMS}",
    output:
        f"<work>/{paths.VERIFIED}",
    log:
        "<logs>/admit/{release}.log",
    localrule: True
    params:
        code=WIRING.code_of("admit"),
        settings=WIRING.flags_of(
            accept=lambda release: config["accept"].get(release.name, [])
        ),
    message:
        "Admit {wildcards.release} if no check failed"
    shell:
        "sentinel-forest admit --release {wildcards.release} --integrity {input.integrity}"
        " --checksums {input.checksums} {params.settings} --output {output} >{log} 2>&1"
