"""The pages for people, and what `snakemake --report` shows."""

TEMPLATES = Path(sentinel_forest.__file__).parent / "report" / "templates"


report: "../report/captions/workflow.rst"


onsuccess:
    first = PLACES.results / paths.REPORT
    made = {path for job in workflow.dag.jobs for path in job.output}
    if first.as_posix() in made and first.exists():
        print(f"report: {first}", file=sys.stderr)


rule pages:
    """Write the report of a version from its result files."""
    input:
        manifest=f"<results>/{paths.MANIFEST}",
        version=f"<results>/{paths.VERSION}",
        crate=f"<results>/{paths.CRATE}",
        compared=lambda wildcards: PLACES.comparisons(AGAINST),
    output:
        first=f"<results>/{paths.REPORT}",
        others=report(
            directory(f"<results>/{paths.PAGES}"),
            patterns=["figures/{figure}.svg"],
            caption="../report/captions/figures.rst",
            category="7 Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "<logs>/pages.log",
    params:
        code=WIRING.code_of("pages"),
        results=subpath(input.manifest, parent=True),
        work=PLACES.work,
        data=PLACES.data,
        templates=checksum_of(
            {
                path.name: file_checksum(path)
                for path in sorted(TEMPLATES.iterdir())
                if path.is_file()
            }
        ),
    message:
        "Write the report"
    shell:
        "sentinel-forest pages --results {params.results} --work {params.work} --data {params.data} --output {output.first} >{log} 2>&1"
