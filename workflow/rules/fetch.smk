"""The publisher's files into data/, and the list of them."""

from sentinel_forest.acquire.plan import Pattern

DOWNLOADS = [name for name in RELEASES if name not in SAMPLES + FOLDERS]


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
    resources:
        mem_mb=memory_of("sample"),
        runtime=runtime_of("sample"),
    params:
        code=code_of("sample", dataset=True),
        folder="data/{release}",
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            settings=lambda release: release.sample,
        ),
    message:
        "Write the built-in sample {wildcards.release}"
    shell:
        "sentinel-forest sample {params.settings} --folder {params.folder} --output {output} >{log} 2>&1"


rule link:
    """Take a folder that is already on disk as the release's folder; nothing is copied."""
    output:
        "<work>/{release}/files.tsv",
    log:
        "<logs>/link/{release}.log",
    wildcard_constraints:
        release=listing(FOLDERS),
    localrule: True
    params:
        code=code_of("link", dataset=True),
        folder="data/{release}",
        settings=flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            source=lambda release: release.folder,
            select=lambda release: release.select,
        ),
        entry=of_release(lambda release: digest(release.entry)),
    message:
        "Link the folder of {wildcards.release}"
    shell:
        "sentinel-forest link --release {wildcards.release} {params.settings} --folder {params.folder}"
        " --output {output} >{log} 2>&1"


rule download:
    """Fetch the files of a release into the store; those that are there are only linked."""
    output:
        "<work>/{release}/files.tsv",
    log:
        "<logs>/download/{release}.log",
    wildcard_constraints:
        release=listing(DOWNLOADS),
    localrule: True
    params:
        code=code_of("download"),
        folder="data/{release}",
        settings=flags_of(select=lambda release: release.select),
        entry=of_release(lambda release: digest(release.entry)),
    message:
        "Fetch {wildcards.release}"
    shell:
        "sentinel-forest download --release {wildcards.release} {params.settings} --folder {params.folder}"
        " --output {output} --log {log}"


rule plan:
    """Show what would be fetched and unpacked, whether the disks can hold it, and what the jobs take."""
    log:
        "<logs>/plan.log",
    localrule: True
    params:
        settings=lambda wildcards: flags(
            samples=SAMPLES,
            folders=FOLDERS,
            downloads=DOWNLOADS,
            select=[
                Pattern(name, pattern)
                for name in DOWNLOADS
                for pattern in SELECTION.releases[name].select
            ],
            work=resources.all_work(SELECTION),
        ),
    message:
        "What a fetch will bring"
    shell:
        "sentinel-forest plan --data data {params.settings} 2>&1 | tee {log}"
