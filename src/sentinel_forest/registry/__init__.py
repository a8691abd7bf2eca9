"""The releases and papers that ship with the package: YAML files, read by `sentinel_forest.config.releases`."""

from pathlib import Path

RELEASES = Path(__file__).with_name("releases")
"""One file for each release."""

PAPERS = Path(__file__).with_name("papers")
"""Published figures, one file for each dataset."""
