"""Scores that counts alone do not give: sets of classes, and how far patches lie from the training data."""

APPLICABILITY = [
    baseline_file(baseline, pattern)
    for release in RELEASES
    if SELECTION.source(release) == release
    and SELECTION.configuration.applicability is not None
    for baseline in SELECTION.baselines(release)
    for pattern in (paths.APPLICABILITY, paths.DISSIMILARITY)
]


rule conformal:
    """Calibrate sets of classes on the validation patches of a forest, and score them on its test patches."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=f"<results>/{paths.SPLIT}",
        features=lambda wildcards: WIRING.shard_files(
            paths.FEATURES, wildcards.release, set=wildcards.set
        ),
        forest=f"<results>/{paths.FOREST}",
        fit=f"<results>/{paths.FIT}",
    output:
        f"<run>/{paths.CONFORMAL_SCORES}",
    log:
        "<logs>/conformal/{release}/{scheme}/{trial}/{set}.log",
    benchmark:
        "<benchmarks>/conformal/{release}/{scheme}/{trial}/{set}.tsv"
    resources:
        mem_mb=WIRING.memory_of("conformal"),
        runtime=WIRING.runtime_of("conformal"),
    params:
        code=WIRING.code_of("conformal", dataset=True),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            alpha=lambda release: config["conformal"]["alpha"],
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=WIRING.seed_of,
    message:
        "Sets of classes of {wildcards.release}: {wildcards.scheme} {wildcards.trial}, {wildcards.set}"
    shell:
        "sentinel-forest conformal --scheme {wildcards.scheme} --trial {wildcards.trial}"
        " --feature-set {wildcards.set} --catalog {input.catalog} --split {input.split} --features {input.features}"
        " --forest {input.forest} --fit {input.fit} {params.settings} {params.seed} --output {output} >{log} 2>&1"


rule applicability:
    """Tell how far held-out patches lie from the training data of a forest, and how its error grows with that."""
    input:
        catalog=f"<work>/{paths.CATALOG}",
        split=f"<results>/{paths.SPLIT}",
        features=lambda wildcards: WIRING.shard_files(
            paths.FEATURES, wildcards.release, set=wildcards.set
        ),
        forest=f"<results>/{paths.FOREST}",
        fit=f"<results>/{paths.FIT}",
    output:
        kept=f"<results>/{paths.APPLICABILITY}",
        errors=f"<results>/{paths.DISSIMILARITY}",
        scores=f"<run>/{paths.APPLICABILITY_SCORES}",
    log:
        "<logs>/applicability/{release}/{scheme}/{trial}/{set}.log",
    benchmark:
        "<benchmarks>/applicability/{release}/{scheme}/{trial}/{set}.tsv"
    threads: WIRING.threads_of("applicability")
    resources:
        mem_mb=WIRING.memory_of("applicability"),
        runtime=WIRING.runtime_of("applicability"),
    params:
        code=WIRING.code_of("applicability", dataset=True),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            samples=lambda release: config["applicability"]["samples"],
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=WIRING.seed_of,
    message:
        "Where forests apply: {wildcards.release}, {wildcards.scheme} {wildcards.trial}, {wildcards.set}"
    shell:
        "sentinel-forest applicability --scheme {wildcards.scheme} --trial {wildcards.trial}"
        " --feature-set {wildcards.set} --catalog {input.catalog} --split {input.split} --features {input.features}"
        " --forest {input.forest} --fit {input.fit} {params.settings} {params.seed} --threads {threads}"
        " --kept {output.kept} --errors {output.errors} --output {output.scores} >{log} 2>&1"
