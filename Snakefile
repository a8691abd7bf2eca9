"""Sentinel Forest: verified data, leak-free splits and random-forest baselines."""

from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/catalog.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/feature.smk"
include: "workflow/rules/forest.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/version.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    fetch,
    verify,
    catalogs,
    splits,
    features,
    baselines,
    report,
    check,


rule all:
    default_target: True
    input:
        VERSION_FILES,


rule fetch:
    input:
        expand("<work>/{release}/files.tsv", release=RELEASES),


rule verify:
    input:
        expand("<work>/{release}/verified.json", release=RELEASES),


rule catalogs:
    input:
        expand("<work>/{release}/catalog.parquet", release=RELEASES),


rule splits:
    input:
        expand("<results>/{release}/ledger.tsv", release=RELEASES),


rule features:
    input:
        FEATURE_TABLES,


rule baselines:
    input:
        METRICS,


rule report:
    input:
        REPORT,


rule check:
    input:
        DIFFERENCES,
