"""Scores with their definitions, intervals and marks."""

METRICS = WIRING.scored_files(paths.METRICS)


for TRIALS in jobs(SELECTION, "score"):

    rule:
        """Confusion counts of a trial, and every metric that follows from them."""
        name:
            TRIALS.name
        input:
            catalog=f"<work>/{paths.CATALOG}",
            split=TRIALS.files(paths.SPLIT),
            ledger=f"<results>/{paths.LEDGER}",
            verified=f"<work>/{paths.VERIFIED}",
            held=f"<run>/{paths.LINKS_HELD}",
            predictions=WIRING.of_shards(paths.PREDICTIONS, SELECTION.sets),
            references=WIRING.of_shards(paths.REFERENCES, SELECTION.references),
            further=WIRING.further_scores(TRIALS.trials_of),
        output:
            confusion=TRIALS.files(paths.CONFUSION),
            metrics=TRIALS.shown(
                report,
                paths.METRICS,
                labels={"table": "scores"},
                caption="../report/captions/metrics.rst",
                category="4 Baselines",
                subcategory="{release}",
            ),
            scores_by=TRIALS.shown(
                report,
                paths.SCORES_BY,
                labels={"table": "scores by stratum"},
                caption="../report/captions/scores_by.rst",
                category="4 Baselines",
                subcategory="{release}",
            ),
            paired=TRIALS.files(paths.PAIRED),
        log:
            TRIALS.note("<logs>/score/{release}/{scheme}/{trial}.log"),
        benchmark:
            TRIALS.note("<benchmarks>/score/{release}/{scheme}/{trial}.tsv")
        wildcard_constraints:
            release=TRIALS.of_release,
        resources:
            mem_mb=TRIALS.memory,
            runtime=TRIALS.runtime,
        params:
            code=WIRING.code_of("score", dataset=True),
            settings=WIRING.flags_of(
                source=lambda release: config["transfer"].get(release.name),
                dataset=lambda release: release.dataset,
                layout=lambda release: release.opened,
                feature_sets=lambda release: SELECTION.sets(release.name),
                draws=lambda release: config["bootstrap"]["draws"],
                scoring=lambda release: config["score"],
            ),
            further=WIRING.further_flags(TRIALS.trials_of),
            each=TRIALS.each("split", "confusion", "metrics", "scores_by", "paired"),
        message:
            "Score {wildcards.release}"
        shell:
            "sentinel-forest score --release {wildcards.release} --catalog {input.catalog} --ledger {input.ledger}"
            " --verified {input.verified} --predictions {input.predictions} --references {input.references}"
            " {params.further} {params.settings} {params.each} >{log} 2>&1"


rule average:
    """The scores of the trials of each scheme as one, with the interval of their mean."""
    input:
        metrics=WIRING.of_trials(paths.METRICS),
        confusions=WIRING.of_trials(paths.CONFUSION),
    output:
        report(
            f"<results>/{paths.AVERAGES}",
            caption="../report/captions/average.rst",
            category="4 Baselines",
            subcategory="{release}",
            labels={"table": "scores over trials"},
        ),
    log:
        "<logs>/average/{release}.log",
    benchmark:
        "<benchmarks>/average/{release}.tsv"
    resources:
        mem_mb=WIRING.memory_of("average"),
        runtime=WIRING.runtime_of("average"),
    params:
        code=WIRING.code_of("average", dataset=True),
        tables=WIRING.named_inputs(TrialFile, SELECTION.trials, "metrics", "confusions"),
        settings=WIRING.flags_of(
            dataset=lambda release: release.dataset,
            layout=lambda release: release.opened,
            draws=lambda release: config["bootstrap"]["draws"],
        ),
        seed=WIRING.seed_of,
    message:
        "Average the trials of {wildcards.release}"
    shell:
        "sentinel-forest average {params.tables} {params.settings} {params.seed}"
        " --output {output} >{log} 2>&1"


rule headline:
    """The figures one looks at first."""
    input:
        averages=expand(f"<results>/{paths.AVERAGES}", release=SELECTION.scored),
        seeds=lambda wildcards: SEED_TABLES,
    output:
        report(
            f"<results>/{paths.HEADLINE}",
            caption="../report/captions/headline.rst",
            category="1 Overview",
            labels={"table": "headline scores"},
        ),
    log:
        "<logs>/headline.log",
    localrule: True
    params:
        code=WIRING.code_of("headline"),
        seeds=lambda wildcards, input: flags(
            seeds=[
                ReleaseFile(release, scheme, trial, path)
                for (release, (scheme, trial)), path in zip(
                    INSPECTED.items(), input.seeds, strict=True
                )
            ]
        ),
    message:
        "Write the headline table"
    shell:
        "sentinel-forest headline --averages {input.averages} {params.seeds} --output {output} >{log} 2>&1"
