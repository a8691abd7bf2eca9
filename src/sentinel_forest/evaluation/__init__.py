"""Confusion tables to scores with their definitions, intervals and comparisons."""
