"""The rules behind the schemes of `sentinel_forest.splits.split`: plain functions of arrays, no files."""
