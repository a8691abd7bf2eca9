"""What lies beside an export of CloudSEN12: ``README.md``, and ``load.py``, which needs NumPy alone."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from string import Template

import numpy as np

from sentinel_forest.datasets.cloudsen12.layout import Layout
from sentinel_forest.datasets.cloudsen12.vocabulary import CATEGORIES, LABEL, LAYERS
from sentinel_forest.io.copying import NewFile

README = Template(
    """\
# A split of CloudSEN12 as raw arrays

Each folder is a role of the split. Each `.dat` file is a layer of it: raw numbers in C order, little-endian, without a
header. `metadata.csv` has a row for each patch, in the same order.

| folder | patches | shape of a layer as stored |
|---|---|---|
$roles
An image has $image x $image pixels. Around it a stored patch has padding, which is no measurement: cut it off as below,
or it counts as clear sky.

| layer | dtype | unit after scaling | factor | missing |
|---|---|---|---|---|
$layers
```python
from load import open_layer

values = open_layer("$first", "$layer")     # (patches, $image, $image), mapped into memory, padding cut off
print(values.shape, values.dtype)
```

`python load.py` prints the shape of every layer.

The card of the dataset shows names such as `L1C_B04.dat` and `manual_hq.dat`. The files have none of these names: bands
have no zero in front (`L1C_B4.dat`), and labels have a prefix (`LABEL_manual_hq.dat`).

Codes of `$label`: $codes.
`manifest.json` says which release, scheme and trial this is. The licence is that of the release.
"""
)

LOAD = Template(
    '''\
"""Open the layers of this folder with NumPy alone. `python load.py` prints their shapes."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
SIDE = $side  # rows and columns of a stored patch
IMAGE = slice($top, $bottom), slice($left, $right)  # rows and columns of the image in it; the rest is padding
PATCHES = {$patches}
LAYERS = {
$layers}


def open_layer(role, layer):
    """A layer of a role, mapped into memory: (patches, rows, columns), padding cut off."""
    shape = (PATCHES[role], SIDE, SIDE)
    stored = np.memmap(FOLDER / role / f"{layer}.dat", LAYERS[layer], mode="r", shape=shape)
    return stored[:, IMAGE[0], IMAGE[1]]


if __name__ == "__main__":
    for role in PATCHES:
        for layer in LAYERS:
            array = open_layer(role, layer)
            print(role, layer, array.shape, array.dtype)
'''
)


def handout(layout: Layout, dtypes: Mapping[str, np.dtype], patches: Mapping[str, int]) -> list[NewFile]:
    """``README.md`` and ``load.py`` of an export.

    Parameters
    ----------
    layout : Layout
        Side and padding of a stored patch.
    dtypes : mapping
        Layers that are exported, and the dtype in which each is stored.
    patches : mapping
        Folders that are exported (``train``, ...), and the number of patches in each.
    """
    if not dtypes or not patches:
        return []
    texts = {"README.md": _readme(layout, dtypes, patches), "load.py": _load(layout, dtypes, patches)}
    return [NewFile(name, len(text.encode()), partial(_write, text.encode())) for name, text in texts.items()]


def _readme(layout: Layout, dtypes: Mapping[str, np.dtype], patches: Mapping[str, int]) -> str:
    roles = [f"| `{name}` | {count} | ({count}, {layout.side}, {layout.side}) |\n" for name, count in patches.items()]
    shown = next(layer for layer in ("L1C_B4", *dtypes) if layer in dtypes)
    return README.substitute(
        roles="".join(roles),
        image=layout.image,
        layers="".join(_row(layer, dtype) for layer, dtype in dtypes.items()),
        first=next(iter(patches)),
        layer=shown,
        label=LABEL,
        codes=", ".join(f"{each.code} {each.name}" for each in CATEGORIES),
    )


def _row(layer: str, dtype: np.dtype) -> str:
    known = LAYERS[layer]
    missing = "" if known.missing is None else f"{known.missing:g}"
    return f"| `{layer}` | {dtype} | {known.unit} | {known.factor:g} | {missing} |\n"


def _load(layout: Layout, dtypes: Mapping[str, np.dtype], patches: Mapping[str, int]) -> str:
    rows, columns = layout.window
    return LOAD.substitute(
        side=layout.side,
        top=rows.start,
        bottom=rows.stop,
        left=columns.start,
        right=columns.stop,
        patches=", ".join(f'"{name}": {count}' for name, count in patches.items()),
        layers="".join(f'    "{layer}": "{dtype.str}",\n' for layer, dtype in dtypes.items()),
    )


def _write(content: bytes, path: Path) -> Iterator[int]:
    path.write_bytes(content)
    yield len(content)
