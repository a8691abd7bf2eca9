"""Entry point of the step: ``python -m sentinel_forest.samples``."""

from ..errors import run
from . import main

if __name__ == "__main__":
    run(main)
