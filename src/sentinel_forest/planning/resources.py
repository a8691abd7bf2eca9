"""What a job takes, by the size of its shard: memory, processor time, room on the disk.

The rates were measured on one core of a machine with two (`ru_maxrss` and `ru_utime + ru_stime` of each step), on the
built-in samples in their published patch sizes: 48 images of CloudSEN12 (512 x 512 pixels, 1.2 GB), 5,000 patches of
So2Sat (0.7 GB), 399 of SEN12MS (1.1 GB), and on 20 GB of CloudSEN12. They are those of a machine of pace 1:
`snakemake plan` multiplies hours by the pace of the machine on which it runs (`sentinel_forest.acquire.pace`), and
``tests/bench/rates.py`` holds the product against a run. Of memory the largest found was rounded up. A job asks for
more than they say (`MARGIN`, `PATIENCE`) on whatever machine, and for more again each time that it is tried again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sentinel_forest.config.schemes import GroupedStratified
from sentinel_forest.planning.selection import Selection
from sentinel_forest.planning.sizes import Size, size_of

HELD_OUT, TESTED = 0.25, 0.2
"""Fraction of the patches that a trial holds out, and that it tests on; a transfer holds out all of them."""
CLASSES_OF_A_PATCH = 4
"""Classes of which a patch has pixels; one pixel of each is drawn at least."""
FORESTS_MB = 2000
"""Forests that are in memory together when a shard is predicted."""

START_MB, START_SECONDS = 400.0, 0.8
"""A step that has loaded its libraries: 180 to 280 MB, 0.4 to 2 s."""
INSPECT_START = 1.5
"""What a verification takes besides reading: libraries for all forms of files, and what is judged of a release."""
BLOCK_MB = 400.0
"""The block of patches that a step works on, whatever the shard: up to 315 MB above the start."""
ROW_KB = 4.0
"""A row of the catalog, with the hashes of its layers, as it is joined and sorted."""

FEATURE_SECONDS = 3.5e-9
"""Per pixel and feature: 1.8e-9 to 6.7e-9, reading included."""
REFERENCE_SECONDS = 1.6e-8
"""Per pixel."""
SIGNATURE_SECONDS = 2e-8
"""Per pixel and band."""
ROW_SECONDS = 4e-4
"""Per patch, and trial where it is scored: groups, counts."""
LINK_SECONDS = 1e-5
"""Per patch and trial: roles and links; 400,000 patches take 2 s."""
SOLVE_SECONDS = 2.0
"""Per trial of a grouped-stratified scheme: 0.3 to 6 s, whatever the number of patches."""
SCORE_SECONDS = 0.09
"""Per classifier and trial: metrics, strata and tests, however few the patches."""
AVERAGED = 0.15
"""Of the work of scoring a trial, what its part in the averages takes: 0.12 to 0.2."""
TRAINED = 0.8
"""Fraction of the rows of a release that a forest is grown on."""
GROW_SECONDS = {"scikit-learn": 3.7e-8, "scikit-learn-intelex": 9e-9}
"""Per training row, tree, level (log2 of rows over the smallest leaf) and feature tried at a split (root of all), by
engine: 2.4e-8 (20 GB of CloudSEN12) to 6.8e-8 (17 classes), and 5e-9 to 1.7e-8."""
ASK_SECONDS = 2.6e-8
"""Per row and tree, of rows that are predicted: 1.2e-8 to 3.1e-8 (100 trees of 7,400 nodes)."""
LOAD_SECONDS = 6e-3
"""Per MB of `_forest_mb` that is read to predict a shard."""
SCENE_PIXELS, SCENE_MB = 10_980**2, 1_500
"""A Sentinel-2 tile, and what its strips and tiles take."""
NODE_BYTES = 100.0
"""A node of a tree: 64 bytes, and its fraction of each class (8 bytes a class come in addition)."""
DRAW_BYTES = 8.0
"""A group in a draw of the bootstrap."""
CLASSIFIERS = 4
"""A forest and the dummy classifiers."""
CELLS_OF_A_PATCH = 10
"""Pairs of a true and a predicted class that the pixels of a patch have; 9 were found."""
CELL_KB = 0.8
"""A count of such a pair, read, joined and written: 0.77 of 1.2 million."""

SNAKEMAKE_MB = 1000.0
"""The two processes of Snakemake that stand beside the step on a cluster, and some room."""
MARGIN = 1.25
PATIENCE = 4.0
SHORTEST_MINUTES = 15
"""What a job is given at least: a cluster may be slow to start it."""
MOST_THREADS = 8
THREAD_SECONDS = 60.0
"""Work that is worth a further thread."""


@dataclass(frozen=True)
class Need:
    """What one job takes: memory at its height and results in MB (10^6 bytes), processor time in seconds."""

    memory: float = START_MB
    seconds: float = START_SECONDS
    written: float = 0.0


def memory_mb(need: Need, attempt: int = 1) -> int:
    """Megabytes to ask a cluster for."""
    return attempt * math.ceil(SNAKEMAKE_MB + MARGIN * need.memory)


def minutes(need: Need, threads: int = 1, attempt: int = 1) -> int:
    """Minutes to ask a cluster for."""
    return attempt * max(SHORTEST_MINUTES, math.ceil(PATIENCE * need.seconds / threads / 60))


def threads(need: Need) -> int:
    """Threads that a job can make use of."""
    return min(MOST_THREADS, max(1, round(need.seconds / THREAD_SECONDS)))


# ------------------------------------------------------------------------------------ what is counted


def size_in(selection: Selection, release: str) -> Size:
    """The size of a release of a run; see `size_of`."""
    return size_of(
        selection.releases[release], selection.datasets[release], selection.layers[release], selection.paths[release]
    )


def _rows(selection: Selection, release: str, name: str) -> int:
    """Rows of the tables of a feature set, all shards together."""
    dataset, size = selection.datasets[release], size_in(selection, release)
    task = dataset.tasks[dataset.feature_sets[name].task]
    if task.unit == "patch":
        return size.patches
    classes = min(len(task.categories), CLASSES_OF_A_PATCH)
    drawn = max(selection.draw(release).pixels, size.patches * classes)
    return min(drawn, size.patches * size.side**2)


def _forest_mb(selection: Selection, release: str, name: str) -> float:
    """A forest in memory. A tree has half as many leaves as the smallest possible leaves would be, and as
    many other nodes; 0.16 to 0.6 of that was found.
    """
    settings = selection.forest(release)
    dataset = selection.datasets[release]
    classes = len(dataset.tasks[dataset.feature_sets[name].task].categories)
    leaf = min([settings.minimum_leaf, *((settings.tune and settings.tune.minimum_leaf) or [])])
    nodes = _rows(selection, release, name) / leaf
    return float(settings.trees * nodes * (NODE_BYTES + 8 * classes) / 1e6)


def _features(selection: Selection, release: str, name: str) -> int:
    return len(selection.datasets[release].feature_sets[name].features)


def _is_of_pixels(selection: Selection, release: str, name: str) -> bool:
    dataset = selection.datasets[release]
    return dataset.tasks[dataset.feature_sets[name].task].unit == "pixel"


def _held_out(selection: Selection, release: str) -> float:
    if selection.source(release) != release:
        return 1.0
    return HELD_OUT if selection.configuration.score.validation else TESTED


# ----------------------------------------------------------------------------------------- the rules


def _inspect(selection: Selection, release: str, name: str) -> Need:
    size = size_in(selection, release)
    return Need(
        START_MB + BLOCK_MB + size.patches * ROW_KB / 1e3,
        INSPECT_START * START_SECONDS + _reading(selection, release, size.gigabytes),
    )


def _catalog(selection: Selection, release: str, name: str) -> Need:
    patches = size_in(selection, release).patches
    return Need(START_MB + patches * ROW_KB / 1e3, START_SECONDS + ROW_SECONDS * patches)


def _split(selection: Selection, release: str, name: str) -> Need:
    """One trial, of the mean of all schemes."""
    patches, schemes = size_in(selection, release).patches, [scheme for scheme, _ in selection.trials(release)]
    solved = sum(map(schemes.count, selection.of_kind(release, GroupedStratified))) / max(1, len(schemes))
    seconds = START_SECONDS + LINK_SECONDS * patches + SOLVE_SECONDS * solved
    return Need(START_MB + patches * ROW_KB / 1e3, seconds)


def _ledger(selection: Selection, release: str, name: str) -> Need:
    patches, trials = size_in(selection, release).patches, len(selection.trials(release))
    return Need(START_MB + 2 * patches * ROW_KB / 1e3, START_SECONDS + LINK_SECONDS * patches * trials)


def _feature_table(selection: Selection, release: str, name: str) -> Need:
    size, features = size_in(selection, release), _features(selection, release, name)
    values = _rows(selection, release, name) / selection.releases[release].shards * features
    seconds = START_SECONDS + FEATURE_SECONDS * size.pixels * features
    return Need(START_MB + BLOCK_MB + 3 * 4 * values / 1e6, seconds, 4 * values / 1e6)


def _reference(selection: Selection, release: str, name: str) -> Need:
    size, references = size_in(selection, release), len(selection.references(release))
    return Need(START_MB + BLOCK_MB, START_SECONDS + REFERENCE_SECONDS * size.pixels * references)


def _signature(selection: Selection, release: str, name: str) -> Need:
    size, bands = size_in(selection, release), len(selection.signature_layers(release))
    seconds = SIGNATURE_SECONDS * size.pixels * bands + _reading(selection, release, _shard_gb(size))
    return Need(START_MB + BLOCK_MB, START_SECONDS + seconds)


def _growing(selection: Selection, release: str, name: str) -> Need:
    """A forest that is grown once: the table and its copy in another order, the forest, its bytes packed."""
    rows, features = _rows(selection, release, name), _features(selection, release, name)
    settings, trained = selection.forest(release), TRAINED * rows
    forest = _forest_mb(selection, release, name)
    rate = GROW_SECONDS[settings.engine]
    levels = math.log2(trained / settings.minimum_leaf + 1)
    seconds = rate * trained * settings.trees * levels * math.sqrt(features)
    return Need(4 * 4 * rows * features / 1e6 + 3 * forest, seconds, forest / 4)


def _fit(selection: Selection, release: str, name: str) -> Need:
    need, tune = _growing(selection, release, name), selection.forest(release).tune
    times = 1.0
    if tune:
        times += math.prod(map(len, tune.tried.values())) * (tune.folds - 1)
    return Need(START_MB + need.memory, START_SECONDS + times * need.seconds, need.written)


def _predict(selection: Selection, release: str, name: str) -> Need:
    """All forests of a release on one shard, in batches; the last of a batch may be as large as any."""
    size, fraction = size_in(selection, release), _held_out(selection, release)
    trials, trees = len(selection.trials(release)), selection.forest(release).trees
    sizes = [_forest_mb(selection, selection.source(release), each) for each in selection.sets(release)]
    held = min(trials * sum(sizes), max([FORESTS_MB, *sizes]))
    seconds = START_SECONDS + LOAD_SECONDS * trials * sum(sizes)
    for set_name in selection.sets(release):
        of_pixels = _is_of_pixels(selection, release, set_name)
        scored = min(selection.configuration.score.sample or size.side**2, size.side**2) if of_pixels else 1
        seconds += fraction * size.shard * scored * ASK_SECONDS * trees * trials
        if of_pixels:  # Features are computed of whole patches, once for all trials: some trial holds out most of them.
            seconds += size.pixels * FEATURE_SECONDS * _features(selection, release, set_name)
    # What a forest is read from lies beside it for a moment.
    return Need(START_MB + BLOCK_MB + held + max([0, *sizes]), seconds)


def _reading(selection: Selection, release: str, gigabytes: float) -> float:
    """Processor time of reading every layer with all checks."""
    return selection.datasets[release].read_seconds * gigabytes


def _shard_gb(size: Size) -> float:
    return size.pixels * size.pixel_bytes / 1e9


def _score(selection: Selection, release: str, name: str) -> Need:
    """Confusion counts of the patches held out, and draws of the bootstrap over their groups, of which there
    are no more than patches.
    """
    patches = size_in(selection, release).patches * _held_out(selection, release)
    draws = selection.config["bootstrap"]["draws"]
    sets, references = selection.sets(release), len(selection.references(release))
    of_pixels = sum(_is_of_pixels(selection, release, each) for each in sets)
    cells = CELLS_OF_A_PATCH * (CLASSIFIERS * of_pixels + references) + CLASSIFIERS * (len(sets) - of_pixels)
    classifiers = CLASSIFIERS * len(sets) + references
    memory = START_MB + patches * (2 * DRAW_BYTES * draws + 1e3 * CELL_KB * cells) / 1e6
    return Need(memory, START_SECONDS + classifiers * (SCORE_SECONDS + ROW_SECONDS * patches))


def _average(selection: Selection, release: str, name: str) -> Need:
    """A part of the work of `_score` for each trial, with the counts of all trials of a scheme at once."""
    need, schemes = _score(selection, release, name), [scheme for scheme, _ in selection.trials(release)]
    most = max(schemes.count(scheme) for scheme in schemes)
    seconds = START_SECONDS + AVERAGED * len(schemes) * (need.seconds - START_SECONDS)
    return Need(START_MB + most * (need.memory - START_MB), seconds)


def _importance(selection: Selection, release: str, name: str) -> Need:
    """One trial's forests, one after the other: asked for a sample of held-out rows, and grown again on
    fewer groups (together about three times), with each engine beside, and with other seeds.
    """
    needs = [_growing(selection, release, each) for each in selection.sets(release)]
    asked = ASK_SECONDS * 10_000 * 40 * selection.forest(release).trees
    times = 3 + len(selection.config["engines_beside"]) + selection.config["forest_seeds"] - 1
    seconds = sum(asked + times * need.seconds for need in needs)
    return Need(START_MB + max(need.memory for need in needs), START_SECONDS + seconds)


def _sampled(selection: Selection, release: str, name: str) -> Need:
    """All rows of a feature set, asked of its forest: less than growing it takes."""
    need = _growing(selection, release, name)
    return Need(START_MB + need.memory, START_SECONDS + need.seconds)


def _price(selection: Selection, release: str, name: str) -> Need:
    """Two forests a trial and feature set, one after the other, on the rows that are not tested: 0.75 of a whole one,
    whose votes on rows that its trees have not seen are counted as well.
    """
    needs = [_growing(selection, release, each) for each in selection.sets(release)]
    trials = selection.configuration.price.trials
    patches = size_in(selection, release).patches
    seconds = 2 * 0.75 * trials * sum(need.seconds for need in needs) + ROW_SECONDS * patches * trials
    memory = max((need.memory for need in needs), default=0.0) + 2 * patches * ROW_KB / 1e3
    return Need(START_MB + memory, START_SECONDS + seconds)


def _copy(selection: Selection, release: str, name: str) -> Need:
    """Files written again: samples, exports."""
    size = size_in(selection, release)
    return Need(
        START_MB + BLOCK_MB, START_SECONDS + 10 * _reading(selection, release, size.gigabytes), 1e3 * size.gigabytes
    )


def _map(selection: Selection, release: str, name: str) -> Need:
    """A scene of 10,980 x 10,980 pixels, asked of the largest forest of a release with all votes counted."""
    forests = [_forest_mb(selection, release, each) for each in selection.sets(release)]
    features = max((_features(selection, release, each) for each in selection.sets(release)), default=0)
    asked = SCENE_PIXELS * (2 * ASK_SECONDS * selection.forest(release).trees + FEATURE_SECONDS * features)
    return Need(START_MB + SCENE_MB + 2 * max([0, *forests]), START_SECONDS + asked)


NEEDS: dict[str, Callable[[Selection, str, str], Need]] = {
    "sample": _copy,
    "inspect": _inspect,
    "catalog": _catalog,
    "split": _split,
    "ledger": _ledger,
    "feature_table": _feature_table,
    "reference": _reference,
    "signature": _signature,
    "fit": _fit,
    "predict": _predict,
    "score": _score,
    "price": _price,
    "average": _average,
    "importance": _importance,
    "conformal": _sampled,
    "applicability": _sampled,
    "export": _copy,
    "map": _map,
}
"""What a job of each rule takes: by selection, release, and feature set (where the rule has one)."""
