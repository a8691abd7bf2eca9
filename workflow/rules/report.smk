"""The pages for people."""


rule pages:
    """Write the report of a version from its result files."""
    input:
        manifest=str(VERSION / "manifest.sha256"),
        version=str(VERSION / "version.json"),
    output:
        REPORT,
    log:
        "<logs>/pages.log",
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("report.pages"),
        templates=digest(
            {
                path.name: file_digest(path)
                for path in sorted((HERE.parent / "report").iterdir())
            }
        ),
        work="work",
    message:
        "Write the report"
    shell:
        "python -m sentinel_forest.report.pages --results $(dirname {input.manifest}) --work {params.work}"
        ' --registry "$REGISTRY" --output {output} >{log} 2>&1'
