"""The report of a version: pages, tables and figures for people."""
