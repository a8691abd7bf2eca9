"""What was published against what is here; what forests rest on, and how far they can be trusted."""

PAPERS = REGISTRY.parent / "papers"

# One trial of each release is looked into: one whose test patches share no group with training, if
# there is one. Releases that take their forests from another have no training of their own to look into.
INSPECTED = {
    release: next(
        (
            (scheme, trial)
            for scheme, trial in SELECTION.trials(release)
            if scheme == "grouped-stratified"
        ),
        SELECTION.trials(release)[0],
    )
    for release in RELEASES
    if SELECTION.source(release) == release and SELECTION.sets(release)
}
INSPECTIONS = [
    f"<results>/{release}/baselines/{scheme}/{trial}/{table}.tsv"
    for release, (scheme, trial) in INSPECTED.items()
    for table in ("importance", "curves", "reliability")
]
REPRODUCTION = "<results>/reproduction.tsv"


rule reproduce_sheet:
    """Hold published figures against the scores of this version."""
    input:
        METRICS,
    output:
        REPRODUCTION,
    log:
        "<logs>/reproduce_sheet.log",
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("reproduce"),
        papers=digest(
            {path.name: file_digest(path) for path in sorted(PAPERS.glob("*.yaml"))}
        ),
        metrics=lambda wildcards, input: " ".join(
            ":".join([*Path(path).parts[-5:-4], *Path(path).parts[-3:-1], path])
            for path in input
        ),
        samples=" ".join(SAMPLES),
    message:
        "Hold published figures against ours"
    shell:
        'python -m sentinel_forest.reproduce --papers "$(dirname "$REGISTRY")/papers"'
        " --metrics {params.metrics} --samples {params.samples} --output {output} >{log} 2>&1"


rule importance:
    """Importance of band families, scores by number of trees and reliability of the forests of a trial."""
    input:
        catalog="<work>/{release}/catalog.parquet",
        split="<results>/{release}/splits/{scheme}/{trial}.parquet",
        tables=lambda wildcards: [
            path
            for name in SELECTION.sets(wildcards.release)
            for path in feature_shards(wildcards.release, name)
        ],
        forests=lambda wildcards: [
            f"<results>/{wildcards.release}/baselines/{wildcards.scheme}/{wildcards.trial}/{name}/{file}"
            for name in SELECTION.sets(wildcards.release)
            for file in ("forest.skops", "fit.json")
        ],
    output:
        importance="<results>/{release}/baselines/{scheme}/{trial}/importance.tsv",
        curves="<results>/{release}/baselines/{scheme}/{trial}/curves.tsv",
        reliability="<results>/{release}/baselines/{scheme}/{trial}/reliability.tsv",
    log:
        "<logs>/importance/{release}/{scheme}/{trial}.log",
    wildcard_constraints:
        release=listing(INSPECTED),
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        code=code("importance"),
        dataset=DATASET,
        shards=of_release(lambda release: release.shards),
        sets=of_release(lambda release: ",".join(SELECTION.sets(release.name))),
        features=lambda wildcards, input: str(Path(input.catalog).parent / "features"),
        results=lambda wildcards, input: str(Path(input.split).parents[2]),
        draws=config["bootstrap"]["draws"],
        seed=config["seed"],
    message:
        "Look into the forests of {wildcards.release}: {wildcards.scheme}, trial {wildcards.trial}"
    shell:
        "python -m sentinel_forest.importance --release {wildcards.release} {params.dataset}"
        " --catalog {input.catalog} --features {params.features} --shards {params.shards}"
        " --results {params.results} --scheme {wildcards.scheme} --trial {wildcards.trial}"
        " --sets '{params.sets}' --seed {params.seed} --draws {params.draws}"
        " --importance {output.importance} --curves {output.curves} --reliability {output.reliability}"
        " >{log} 2>&1"
