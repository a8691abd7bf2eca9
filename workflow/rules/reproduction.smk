"""What was published against what is here."""

TRIALS = [
    (release, scheme, trial)
    for release in RELEASES
    for scheme, trial in SELECTION.trials(release)
]


rule reproduction:
    """Hold published figures against the scores of this version."""
    input:
        METRICS,
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
                for trial, path in zip(TRIALS, input, strict=True)
            ],
            samples=SAMPLES,
        ),
    message:
        "Hold published figures against ours"
    shell:
        "sentinel-forest reproduction {params.settings} --output {output} >{log} 2>&1"
