"""What grows with the data: not the number of jobs, not memory, and time no faster than the data."""

import re
import sys
from pathlib import Path

import pytest

from costs import Cost, costs_of, sample_of
from project import TINY

pytestmark = pytest.mark.xdist_group("runs")

MOST_JOBS = 500


def test_the_full_releases_are_few_jobs(checkout):
    printed = checkout.snakemake("--configfile", "config/full.yaml", "--dry-run", "--quiet", "rules")
    total = re.search(r"^total +(\d+)$", printed, flags=re.MULTILINE)
    assert total, printed
    assert 100 < int(total[1]) < MOST_JOBS


def test_a_run_is_planned_without_the_libraries_that_compute(checkout):
    """They take longer to load than the plan to make, and each job of a cluster plans anew."""
    call = ["--configfile", "config/full.yaml", "--dry-run", "--quiet", "rules"]
    program = f"""
import sys
from snakemake.cli import main
try:
    main({call})
except SystemExit:
    print(*sys.modules)
"""
    loaded = set(checkout.python("-c", program).splitlines()[-1].split())
    assert "sentinel_forest.planning.selection" in loaded
    assert not {"scipy", "skimage", "sklearn", "skops"} & loaded


def test_the_profile_of_a_cluster_does_not_cap_the_threads_of_jobs(checkout):
    """Snakemake caps them at `cores`, which are those of the login node where a profile has `all`."""
    program = "import sys; from snakemake.cli import parse_args; print(parse_args(sys.argv[1:])[1].cores)"
    alone = ("--profile", "profiles/slurm", "--workflow-profile", "none")  # as the second run of a check is called
    for call in ("--workflow-profile", "profiles/slurm"), alone:
        assert checkout.python("-c", program, *call).splitlines()[-1] == "None"
    assert checkout.python("-c", program).splitlines()[-1] != "None"


def test_a_rule_that_does_not_say_what_it_takes_is_given_more_when_it_is_tried_again(checkout):
    """The profile gives it memory and time. Of a plan, the last rule shows them: it has no message in their place."""
    for attempt in (1, 3):
        call = ["--workflow-profile", "profiles/slurm", "--attempt", str(attempt), "--dry-run", "all"]
        given = re.findall(r"^ +resources: .*mem_mb=(\d+),.*runtime=(\d+)$", checkout.snakemake(*call), re.MULTILINE)
        assert set(given) == {(str(2000 * attempt), str(60 * attempt))}


def whole_run(folder: Path, rois: int) -> dict[str, Cost]:
    """What the steps take, up to the scores, on a sample of so many ROIs; each is one job, whatever the size."""
    checkout = sample_of(folder, "cloudsen12-sample", rois=rois)
    run = TINY | {"schemes": ["published"], "feature_sets": ["l1c+context"], "draw": {"pixels": 20000}}
    checkout.overlay("scale.yaml", **run | {"forest": {"trees": 20}, "price": {"trials": 0}})
    return costs_of(checkout, "baselines", "--cores", "1", "--configfile", "scale.yaml")


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of steps is read from /proc")
def test_sixteen_times_the_data_take_no_more_memory_and_sixteen_times_the_time(tmp_path):
    """The smallest sample fills a block of every step."""
    costs = {rois: whole_run(tmp_path / str(rois), rois) for rois in (48, 192, 768)}
    for step in costs[48]:
        found = (f"{rois} ROIs: {of[step].memory:.0f} MB, {of[step].seconds:.1f} s" for rois, of in costs.items())
        print(f"{step:10}", *found)
    for factor in (4, 16):
        small, large = costs[48], costs[48 * factor]
        largest = [max(cost.memory for cost in of.values()) for of in (small, large)]
        assert largest[1] <= 1.1 * largest[0]
        for step, cost_of_large in large.items():
            assert cost_of_large.seconds <= factor**1.1 * small[step].seconds, (step, factor)
