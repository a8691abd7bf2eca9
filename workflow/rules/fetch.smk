"""The publisher's files into data/, and the list of them."""

DOWNLOADS = [name for name in RELEASES if name not in SAMPLES + FOLDERS]
WAYS = {
    name: {"way": way, "select": SELECTION.releases[name].select}
    for way, names in (
        ("sample", SAMPLES),
        ("folder", FOLDERS),
        ("download", DOWNLOADS),
    )
    for name in names
}


rule sample:
    """Write the built-in sample of a release in the publisher's layout."""
    output:
        "<work>/{release}/files.tsv",
    log:
        "<logs>/sample/{release}.log",
    benchmark:
        "<benchmarks>/sample/{release}.tsv"
    wildcard_constraints:
        release=listing(SAMPLES),
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("sample"),
        runtime=runtime_of("sample"),
    params:
        code=code("simulate"),
        dataset=DATASET,
        folder="data/{release}",
        sample=json_of(lambda release: release.sample),
    message:
        "Write the built-in sample {wildcards.release}"
    shell:
        "python -m sentinel_forest.simulate {params.dataset} --sample {params.sample}"
        " --folder {params.folder} --files {output} >{log} 2>&1"


rule link:
    """Take a folder that is already on disk as the release's folder; nothing is copied."""
    output:
        "<work>/{release}/files.tsv",
    log:
        "<logs>/link/{release}.log",
    wildcard_constraints:
        release=listing(FOLDERS),
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code("acquire.fetch"),
        dataset=DATASET,
        folder="data/{release}",
        source=of_release(lambda release: shlex.quote(str(release.folder))),
        select=json_of(lambda release: release.select),
        registry=of_release(
            lambda release: '--registry "$REGISTRY"' if release.entry else ""
        ),
    message:
        "Link the folder of {wildcards.release}"
    shell:
        "python -m sentinel_forest.acquire.fetch link {params.dataset} --source {params.source}"
        " --select {params.select} {params.registry} --folder {params.folder} --files {output} >{log} 2>&1"


rule download:
    """Fetch the files of a release into the store; those that are there are only linked."""
    output:
        "<work>/{release}/files.tsv",
    log:
        "<logs>/download/{release}.log",
    wildcard_constraints:
        release=listing(DOWNLOADS),
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code("acquire.fetch"),
        folder="data/{release}",
        select=json_of(lambda release: release.select),
        entry=of_release(lambda release: digest(release.entry)),
    message:
        "Fetch {wildcards.release}"
    shell:
        'python -m sentinel_forest.acquire.fetch download --release {wildcards.release} --registry "$REGISTRY"'
        " --select {params.select} --folder {params.folder} --files {output} --log {log}"


rule estimate:
    """Estimate what the jobs take, by the sizes of their shards."""
    output:
        temp("<work>/estimate.json"),
    log:
        "<logs>/estimate.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        work=lambda wildcards: shlex.quote(
            canonical([vars(row) for row in resources.all_work(SELECTION)])
        ),
    message:
        "What the jobs will take"
    shell:
        "printf %s {params.work} >{output} 2>{log}"


rule plan:
    """Show what would be fetched and unpacked, whether the disks can hold it, and what the jobs take."""
    input:
        "<work>/estimate.json",
    log:
        "<logs>/plan.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        releases=shlex.quote(canonical(WAYS)),
    message:
        "What a fetch will bring"
    shell:
        'python -m sentinel_forest.acquire.plan --registry "$REGISTRY" --data data --releases {params.releases}'
        " --work {input} 2>&1 | tee {log}"
