"""The rules behind the schemes of `sentinel_forest.split`: plain functions of arrays, no files."""
