"""Which steps run again where a module is edited: those that import it, directly or not, and no others."""

import pytest

from sentinel_forest.io.checksums import code_modules
from sentinel_forest.steps import module_of

STEPS = (
    *("inspect", "admit", "catalog", "split", "ledger", "hold_links", "feature_table", "signature", "fit", "predict"),
    *("reference", "score", "average", "headline", "price", "importance", "papers_pixels", "reproduction", "croissant"),
)
STEPS_OF = {
    "verify.inspect": {"inspect", "admit", "croissant"},
    "verify.admit": {"admit"},
    "verify.catalog": {"catalog"},
    "splits.split": {"split", "price"},
    "splits.ledger": {*("ledger", "hold_links", "score", "average", "headline", "papers_pixels", "reproduction")},
    "features.indices": {"feature_table", "fit", "predict", "importance"},
    "models.forest": {"fit", "predict", "price", "importance"},
    "evaluation.reference": {"reference"},
    "features.signature": {"signature"},
    "evaluation.metrics": {*("score", "price", "average", "headline", "importance", "papers_pixels", "reproduction")},
    "datasets.so2sat": set(),
    "report.pages": set(),
}


@pytest.mark.parametrize("module", STEPS_OF)
def test_edited_module_concerns_exactly_the_steps_that_use_it(module):
    concerned = {step for step in STEPS if module in code_modules([module_of(step), "datasets.cloudsen12"])}
    assert concerned == STEPS_OF[module]
