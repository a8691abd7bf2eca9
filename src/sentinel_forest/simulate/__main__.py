"""Entry point of the step: ``python -m sentinel_forest.simulate``."""

from sentinel_forest.errors import run
from sentinel_forest.simulate import main

if __name__ == "__main__":
    run(main)
