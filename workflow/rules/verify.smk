"""Are the files what their publisher says, and may the run go on?"""


rule inspect:
    """Read every byte once: digests, structure, content. Only reports."""
    input:
        files="<work>/{release}/files.tsv",
    output:
        integrity="<work>/{release}/integrity.tsv",
        hashes="<work>/{release}/hashes.parquet",
        digests="<work>/{release}/digests.tsv",
    log:
        "<logs>/inspect/{release}.log",
    benchmark:
        "<benchmarks>/inspect/{release}.tsv"
    conda:
        "../../envs/workflow.yaml"
    threads: threads_of("inspect")
    resources:
        mem_mb=memory_of("inspect"),
        runtime=runtime_of("inspect"),
    params:
        code=code("verify.inspect"),
        dataset=DATASET,
        folder="data/{release}",
        registry=of_release(
            lambda release: '--registry "$REGISTRY"' if release.entry else ""
        ),
        select=json_of(lambda release: release.select),
        entry=of_release(lambda release: digest(release.entry)),
        changes=lambda wildcards: digest(SEEN[wildcards.release].changes()),
    message:
        "Verify {wildcards.release}: bytes, structure, content"
    shell:
        "python -m sentinel_forest.verify.inspect --release {wildcards.release} {params.dataset}"
        " --folder {params.folder} --files {input.files} {params.registry} --select {params.select}"
        " --threads {threads} --integrity {output.integrity} --hashes {output.hashes} --digests {output.digests}"
        " >{log} 2>&1"


rule admit:
    """Stop at a release that failed a check, unless that check is accepted by name."""
    input:
        integrity="<work>/{release}/integrity.tsv",
        digests="<work>/{release}/digests.tsv",
    output:
        "<work>/{release}/verified.json",
    log:
        "<logs>/admit/{release}.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("verify.admit"),
        accept=json_of(lambda release: config["accept"].get(release.name, [])),
    message:
        "Admit {wildcards.release} if no check failed"
    shell:
        "python -m sentinel_forest.verify.admit --release {wildcards.release} --integrity {input.integrity}"
        " --digests {input.digests} --accept {params.accept} --output {output} >{log} 2>&1"
