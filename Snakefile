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
include: "workflow/rules/reproduce.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/version.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/tfds.smk"


onstart:
    lock.note(lock.LOCKS)


rule all:
    default_target: True
    input:
        VERSION_FILES,
    localrule: True


rule fetch:
    input:
        expand("<work>/{release}/files.tsv", release=RELEASES),
    localrule: True


rule verify:
    input:
        expand("<work>/{release}/verified.json", release=RELEASES),
    localrule: True


rule catalogs:
    input:
        expand("<work>/{release}/catalog.parquet", release=RELEASES),
    localrule: True


rule splits:
    input:
        expand("<results>/{release}/ledger.tsv", release=RELEASES),
    localrule: True


rule features:
    input:
        FEATURE_TABLES,
    localrule: True


rule baselines:
    input:
        METRICS,
    localrule: True


rule report:
    input:
        REPORT,
    localrule: True


rule reproduce:
    input:
        REPRODUCTION,
    localrule: True


rule compare:
    input:
        COMPARISON,
        REPORT,
    localrule: True


rule export:
    input:
        EXPORTS,
    localrule: True


rule tfds:
    input:
        tfds_folders,
    localrule: True
