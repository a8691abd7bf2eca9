"""Keys by which patches of two splits are linked in every release, and what a link by a key does."""

from collections.abc import Mapping

from sentinel_forest.errors import InputError

NEAR_DUPLICATE, FOOTPRINT, FOOTPRINT_PIXELS = "near-duplicate", "footprint", "footprint-pixels"
GROUND_KEYS = (FOOTPRINT, FOOTPRINT_PIXELS)
OWN_KEYS = ("patch", "content", NEAR_DUPLICATE, *GROUND_KEYS)
"""Keys of every ledger; the group keys of the dataset come in addition."""

IMPLIED, NOT_PUBLISHED = "implied", "not published"
"""Why a key is not looked at: whoever shares it shares another key too, or no file tells it."""

ACTIONS = ("stop", "mark", "count")


def complete_gate(gate: Mapping[str, str], keys: Mapping[str, str], near_duplicates: bool = False) -> dict[str, str]:
    """What to do about a link by each key, or why it is not looked at (``implied``, ``not published``).

    Unless the gate says else, the same patch, content, footprint and, if asked for, near-duplicates mark, and
    what the dataset says of its `keys` (see `sentinel_forest.splits.ledger.build`) holds. One gate serves all
    datasets: keys that this one does not have are left out. A key that is not published can only be told to stop, an
    implied one follows the key that implies it.

    Raises
    ------
    InputError
        If an action is unknown.
    """
    for key, action in gate.items():
        if action not in ACTIONS:
            raise InputError(
                "The gate does not know this action.", where=f"gate, {key}", found=action, expected=" | ".join(ACTIONS)
            )
    usual = dict.fromkeys(OWN_KEYS, "count") | dict.fromkeys(["patch", "content", FOOTPRINT], "mark")
    usual |= {NEAR_DUPLICATE: "mark" if near_duplicates else "count", **keys}
    stopping = {key for key, action in usual.items() if action == NOT_PUBLISHED and gate.get(key) == "stop"}
    return {
        key: gate.get(key, action) if action in ACTIONS or key in stopping else action for key, action in usual.items()
    }
