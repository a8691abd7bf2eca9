"""Roles of groups by DataSAIL; runs with an interpreter that has it: SENTINEL_FOREST_DATASAIL=PYTHON.

    datasail_roles.py  COUNTS.npy  ROLES.npy

COUNTS is (groups, classes). Each group and class is an entity, and entities of a group are alike, so that DataSAIL's
technique C1e keeps groups whole; classes are its strata.
"""

import sys

import numpy as np

NAMES = ("train", "validation", "test")


def main(source: str, target: str) -> None:
    """Read counts, split 70 : 10 : 20, write the role of each group."""
    from datasail.sail import datasail

    counts = np.load(source)
    places = {f"g{group}_c{label}": (group, label) for group, label in np.argwhere(counts)}
    group = np.array([place[0] for place in places.values()])
    roles, _, _ = datasail(
        techniques=["C1e"],
        splits=[7, 1, 2],
        names=list(NAMES),
        runs=1,
        solver="SCIP",
        e_type="O",
        e_data={name: name for name in places},
        e_weights={name: int(counts[place]) for name, place in places.items()},
        e_strat={name: f"c{place[1]}" for name, place in places.items()},
        e_sim=(list(places), (group[:, None] == group[None]).astype(float)),
        e_clusters=len(counts),
        delta=0.2,
        epsilon=0.2,
        max_sec=60,
    )
    found = np.zeros(len(counts), dtype=np.int64)
    for name, role in roles["C1e"][0].items():
        found[places[name][0]] = NAMES.index(role)
    np.save(target, found)


if __name__ == "__main__":
    main(*sys.argv[1:])
