"""A key that stands in a section below is named with its section."""

import pytest

from sentinel_forest.config.model import Configuration
from sentinel_forest.config.validation import parse
from sentinel_forest.errors import InputError


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("trees", "did you mean 'forest: {trees: ...}'?"),
        ("minimum_leaf", "did you mean 'forest: {minimum_leaf: ...}'?"),
        ("tree", "did you mean 'forest: {trees: ...}'?"),
        ("trails", "did you mean 'trials'?"),
        ("zzz", "valid: "),
    ],
)
def test_an_unknown_key_is_looked_for_in_the_sections_too(key: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(Configuration.model_validate, {"version": "v", "releases": ["so2sat-sample"], key: 3}, "a file")
    assert expected in str(caught.value)
