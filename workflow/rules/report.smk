"""The pages for people, and what `snakemake --report` shows."""

TEMPLATES = Path(registry.__file__).parents[1] / "report" / "templates"


report: "../report/captions/workflow.rst"


rule pages:
    """Write the report of a version from its result files."""
    input:
        manifest=str(VERSION / "manifest.sha256"),
        version=str(VERSION / "version.json"),
        crate=CRATE,
        compared=sorted({*map(str, VERSION.glob("compare_*.tsv")), *COMPARISONS}),
    output:
        first=REPORT,
        others=report(
            directory(str(VERSION / "report")),
            patterns=["figures/{figure}.svg"],
            caption="../report/captions/figures.rst",
            category="7 Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "<logs>/pages.log",
    params:
        code=code_of("pages"),
        results=subpath(input.manifest, parent=True),
        templates=digest(
            {
                path.name: file_digest(path)
                for path in sorted(TEMPLATES.iterdir())
                if path.is_file()
            }
        ),
    message:
        "Write the report"
    shell:
        "sentinel-forest pages --results {params.results} --work work --data data --output {output.first} >{log} 2>&1"
