"""The publisher's files into data/, and the list of them."""

from sentinel_forest.acquire.plan import Pattern

SAMPLES = [name for name, release in SELECTION.releases.items() if release.is_sample]
FOLDERS = [name for name, release in SELECTION.releases.items() if release.folder]
DOWNLOADS = [name for name in RELEASES if name not in SAMPLES + FOLDERS]


rule sample:
    """Write the built-in sample of a release in the publisher's layout."""
    input:
        sealed_or_free,
    output:
        f"<work>/{paths.FILES}",
    log:
        "<logs>/sample/{release}.log",
    benchmark:
        "<benchmarks>/sample/{release}.tsv"
    wildcard_constraints:
        release=listing(SAMPLES),
    resources:
        mem_mb=WIRING.memory_of("sample"),
        runtime=WIRING.runtime_of("sample"),
    params:
        code=WIRING.code_of("sample", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            settings=lambda release: release.sample,
        ),
    message:
        "Write the built-in sample {wildcards.release}"
    shell:
        "sentinel-forest sample {params.settings} --folder {params.folder} --output {output} >{log} 2>&1"


rule link:
    """Use a folder that is already on disk as the folder of a release; nothing is copied."""
    input:
        sealed_or_free,
    output:
        f"<work>/{paths.FILES}",
    log:
        "<logs>/link/{release}.log",
    wildcard_constraints:
        release=listing(FOLDERS),
    localrule: True
    params:
        code=WIRING.code_of("link", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            source=lambda release: release.folder,
            select=lambda release: release.select,
            places=lambda release: release.places,
        ),
        entry=WIRING.of_release(lambda release: checksum_of(release.entry)),
    message:
        "Link the folder of {wildcards.release}"
    shell:
        "sentinel-forest link --release {wildcards.release} {params.settings} --folder {params.folder}"
        " --output {output} >{log} 2>&1"


rule download:
    """Fetch the files of a release into the store; those that are there are only linked."""
    input:
        sealed_or_free,
    output:
        f"<work>/{paths.FILES}",
    log:
        "<logs>/download/{release}.log",
    wildcard_constraints:
        release=listing(DOWNLOADS),
    localrule: True
    params:
        code=WIRING.code_of("download", dataset=True),
        folder=f"{PLACES.data}/{{release}}",
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.layout,
            select=lambda release: release.select,
            places=lambda release: release.places,
        ),
        entry=WIRING.of_release(lambda release: checksum_of(release.entry)),
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
        data=PLACES.data,
        settings=lambda wildcards: flags(
            samples=SAMPLES,
            folders=FOLDERS,
            downloads=DOWNLOADS,
            select=[
                Pattern(name, pattern)
                for name in DOWNLOADS
                for pattern in SELECTION.releases[name].select
            ],
            work=whole.all_work(SELECTION),
        ),
    message:
        "Plan what will be fetched"
    shell:
        "sentinel-forest plan --data {params.data} {params.settings} 2>&1 | tee {log}"
