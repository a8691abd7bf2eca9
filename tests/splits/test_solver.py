"""The search for even splits of groups, and the bound that it is held against."""

import numpy as np
import pytest

from sentinel_forest.splits import annealing, programme, solver
from sentinel_forest.splits.draws import SCALE

FRACTIONS = np.array([700_000, 100_000, 200_000])


def tables(seed: int, groups: int = 52, classes: int = 17) -> solver.Problem:
    """Groups of unequal size, each with its own mixture of classes, as cities are."""
    random = np.random.default_rng(seed)
    unit = np.append(np.arange(groups), random.choice(groups, 20_000, p=random.dirichlet(np.full(groups, 2.0))))
    mixture = random.dirichlet(np.full(classes, 0.5), groups).cumsum(axis=1)
    label = (random.random(len(unit))[:, None] > mixture[unit]).sum(axis=1).clip(max=classes - 1)
    return solver.prepare(unit, np.eye(classes, dtype=np.int64)[label].T * SCALE, FRACTIONS)


def sparse(seed: int, groups: int, strata: int) -> np.ndarray:
    """Amounts of strata that each live in three groups."""
    random = np.random.default_rng(seed)
    amounts = np.zeros((groups, strata), dtype=np.int64)
    for stratum in range(strata):
        amounts[random.choice(groups, 3, replace=False), stratum] = random.integers(1, 20, 3) * SCALE
    return amounts


def every_assignment(added: np.ndarray) -> float:
    """The least deviation of all assignments."""
    groups, roles, _ = added.shape
    return min(programme.deviation(added, role) for role in np.indices((roles,) * groups).reshape(groups, -1).T)


def test_annealing_beats_moves_exchanges_and_kicks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annealing, "STEPS", 3000)
    problem = tables(2)
    start = np.arange(len(problem.sizes)) % 3
    kicked = solver._kicked(problem.added, solver.exchange(problem.added, start, problem.least, 5), problem.least, 5)
    found = annealing.anneal(problem.added, kicked, problem.least, 5)
    assert programme.deviation(problem.added, found) < 0.95 * programme.deviation(problem.added, kicked)
    assert found.tolist() == annealing.anneal(problem.added, kicked, problem.least, 5).tolist()


def test_annealing_counts_as_it_goes_and_keeps_the_least_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = tables(3, groups=20, classes=4)
    monkeypatch.setattr(annealing, "STEPS", 500)
    least = np.array([6, 6, 8])
    start = np.repeat(np.arange(3), least)
    chains = annealing._Chains(problem.added, start, least)
    random = np.random.PCG64(1)
    for _ in range(200):
        chains.step(random.random_raw(annealing.CHAINS), annealing.FIRST)
    for role, over, cost in zip(chains.role, chains.over, chains.cost, strict=True):
        assert np.bincount(role, minlength=3).tolist() == [6, 6, 8]
        assert (over == programme.surplus(problem.added, role)).all()
        assert cost == np.abs(over).sum()
    found = annealing.anneal(problem.added, start, least, 1)
    assert programme.deviation(problem.added, found) < programme.deviation(problem.added, start)


def test_bound_of_strata_that_share_groups_is_proven_and_better_than_each_by_itself() -> None:
    amounts = sparse(4, groups=7, strata=6)
    added = solver.relative(amounts, FRACTIONS)
    alone = [programme.lower_bound(added[:, :, [at]], amounts[:, [at]], FRACTIONS) for at in range(amounts.shape[1])]
    bound = programme.lower_bound(added, amounts, FRACTIONS)
    assert np.mean(alone) < bound == pytest.approx(every_assignment(added))


@pytest.mark.parametrize("seed", range(4))
def test_bound_role_by_role_is_below_the_best_of_all_assignments_and_equal_for_one_role(seed):
    random = np.random.default_rng(seed)
    amounts = random.integers(1, 50, (8, 4)) * SCALE
    added, least = solver.relative(amounts, FRACTIONS), np.array([1, 1, 2])
    possible = [
        role for role in np.indices((3,) * 8).reshape(8, -1).T if (np.bincount(role, minlength=3) >= least).all()
    ]
    best = min(programme.deviation(added, role) for role in possible)
    bound, _ = programme.bound_by_role(added, least, 10_000, 60)
    assert 0 < bound <= best + 1e-9
    # By hand: for each role the best set of groups, of all sets that are large enough.
    sets = np.indices((2,) * 8).reshape(8, -1).T.astype(bool)
    alone = [
        min(np.abs(added[chosen, role].sum(axis=0) / programme.ONE - 1).sum() for chosen in sets if chosen.sum() >= few)
        for role, few in enumerate(least)
    ]
    assert bound == pytest.approx(sum(alone) / 12, rel=1e-3)


def test_proven_bound_of_a_table_like_that_of_cities_is_near_what_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annealing, "STEPS", 3000)
    monkeypatch.setattr(solver, "ROUNDS", 0)
    problem = tables(2, groups=20, classes=6)
    fit = solver.solve(problem, 1, 600)
    assert fit.deviation > solver.FAR
    assert problem.bound < fit.bound <= fit.deviation <= 1.5 * fit.bound
    assert fit.role.tolist() == solver.solve(problem, 1, 600).role.tolist()


def test_bound_is_below_the_best_of_all_assignments_where_strata_fall_into_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programme, "ENUMERATED", 4)
    for seed in range(5):
        amounts = sparse(seed, groups=8, strata=5)
        added = solver.relative(amounts, FRACTIONS)
        assert 0 < programme.lower_bound(added, amounts, FRACTIONS) <= every_assignment(added) + 1e-9


def test_a_proof_that_was_cut_short_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = tables(1)
    cut = lambda added, least, nodes, seconds: (programme.bound_by_role(added, least, 1, 60)[0], False)  # noqa: E731
    monkeypatch.setattr(annealing, "STEPS", 100)
    monkeypatch.setattr(solver, "bound_by_role", cut)
    solver._proven.cache_clear()
    try:
        assert not solver.solve(problem, 1, 600).complete
        assert not solver.solve(problem, 2, 600).complete  # another trial takes the same proof
    finally:
        solver._proven.cache_clear()


def test_the_time_of_a_programme_counts() -> None:
    problem = tables(4)
    assert programme.bound_by_role(problem.added, problem.least, 5, 600)[1]
    assert not programme.bound_by_role(problem.added, problem.least, 20_000, 1e-9)[1]
    everything = np.arange(len(problem.sizes))
    start = everything % 3
    assert programme.reassign(problem.added, start, everything, problem.least, 1, 600)[2]
    assert not programme.reassign(problem.added, start, everything, problem.least, 50, 1e-9)[2]
