"""The publisher's files into data/, and the list of them."""


rule sample:
    """Write the built-in sample of a release in the publisher's layout."""
    output:
        "<work>/{release}/files.tsv",
    log:
        "<logs>/sample/{release}.log",
    wildcard_constraints:
        release=listing(SAMPLES),
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code("samples"),
        dataset=DATASET,
        folder="data/{release}",
        sample=json_of(lambda release: release.sample),
    message:
        "Write the built-in sample {wildcards.release}"
    shell:
        "python -m sentinel_forest.samples {params.dataset} --sample {params.sample}"
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
        code=code("fetch"),
        dataset=DATASET,
        folder="data/{release}",
        source=of_release(lambda release: shlex.quote(str(release.folder))),
        select=json_of(lambda release: release.select),
    message:
        "Link the folder of {wildcards.release}"
    shell:
        "python -m sentinel_forest.fetch {params.dataset} --source {params.source} --select {params.select}"
        " --folder {params.folder} --files {output} >{log} 2>&1"
