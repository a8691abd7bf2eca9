"""Keys by which patches of two splits are linked in every release, whatever its dataset."""

NEAR_DUPLICATE, FOOTPRINT, FOOTPRINT_PIXELS = "near-duplicate", "footprint", "footprint-pixels"
GROUND_KEYS = (FOOTPRINT, FOOTPRINT_PIXELS)
OWN_KEYS = ("patch", "content", NEAR_DUPLICATE, *GROUND_KEYS)
"""Keys of every ledger; the group keys of the dataset come in addition."""
