"""What was published against what is here."""

TRIALS = [
    (release, scheme, trial)
    for release in SELECTION.scored
    for scheme, trial in SELECTION.trials(release)
]


PUBLISHED = SELECTION.reproducible
BY_PATCH = expand(f"<results>/{paths.BY_PATCH}", release=SELECTION.held_by_patch)


rule papers_pixels:
    """Score reference algorithms on all pixels of an image, as their papers do."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=lambda wildcards: "<results>/"
        + paths.place(
            paths.SPLIT,
            release=wildcards.release,
            scheme=PUBLISHED[wildcards.release],
            trial=1,
        ),
        counts=WIRING.of_shards(paths.REFERENCES),
        unmeasured=WIRING.of_shards(paths.UNMEASURED),
    output:
        f"<run>/{paths.PAPERS_PIXELS}",
    log:
        "<logs>/papers_pixels/{release}.log",
    wildcard_constraints:
        release=listing(PUBLISHED),
    resources:
        mem_mb=WIRING.memory_of("score"),
        runtime=WIRING.runtime_of("score"),
    params:
        code=WIRING.code_of("papers_pixels", dataset=True),
        settings=WIRING.flags_of(
            scheme=lambda release: PUBLISHED[release.name],
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            draws=lambda release: config["bootstrap"]["draws"],
            seed=lambda release: SELECTION.seed(release.name, PUBLISHED[release.name]),
        ),
    message:
        "Score {wildcards.release} on the pixels of its paper"
    shell:
        "sentinel-forest papers-pixels --release {wildcards.release} --trial 1 --catalog {input.catalog}"
        " --split {input.split} --counts {input.counts} --unmeasured {input.unmeasured} {params.settings}"
        " --output {output} >{log} 2>&1"


rule by_patch:
    """Compare reference algorithms with the authors' values, patch by patch."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        counts=WIRING.of_shards(paths.REFERENCES),
        unmeasured=WIRING.of_shards(paths.UNMEASURED),
        values=lambda wildcards: config["published_patches"][wildcards.release],
    output:
        f"<results>/{paths.BY_PATCH}",
    log:
        "<logs>/by_patch/{release}.log",
    wildcard_constraints:
        release=listing(SELECTION.held_by_patch),
    resources:
        mem_mb=WIRING.memory_of("score"),
        runtime=WIRING.runtime_of("score"),
    params:
        code=WIRING.code_of("by_patch", dataset=True),
        papers=IDENTITY["papers"],
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
        ),
    message:
        "Compare {wildcards.release} with its authors' values of each patch"
    shell:
        "sentinel-forest by-patch --catalog {input.catalog} --counts {input.counts}"
        " --unmeasured {input.unmeasured} --values {input.values} {params.settings}"
        " --output {output} >{log} 2>&1"


rule reproduction:
    """Hold published figures against the scores of this version."""
    input:
        metrics=METRICS,
        papers_pixels=expand(f"<run>/{paths.PAPERS_PIXELS}", release=PUBLISHED),
        models=PATCH_METRICS + FOREIGN_METRICS,
    output:
        report(
            f"<results>/{paths.REPRODUCTION}",
            caption="../report/captions/reproduction.rst",
            category="6 Reproduction",
            labels={"table": "reproduction sheet"},
        ),
    log:
        "<logs>/reproduction.log",
    localrule: True
    params:
        code=WIRING.code_of("reproduction"),
        papers=IDENTITY["papers"],
        settings=lambda wildcards, input: flags(
            metrics=[
                ReleaseFile(*trial, path)
                for trial, path in zip(TRIALS, input.metrics, strict=True)
            ],
            papers_pixels=[
                ReleaseFile(release, scheme, 1, path)
                for (release, scheme), path in zip(
                    PUBLISHED.items(), input.papers_pixels, strict=True
                )
            ],
            models=list(input.models) or None,
            samples=SAMPLES,
            regrouped=SELECTION.regrouped,
            kinds=SELECTION.kinds,
        ),
    message:
        "Compare published scores with ours"
    shell:
        "sentinel-forest reproduction {params.settings} --output {output} >{log} 2>&1"
