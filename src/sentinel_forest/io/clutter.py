"""Files that systems leave in folders and archives: nobody means them for a dataset."""

from pathlib import PurePosixPath

NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db", ".directory", "__macosx"})
ENDINGS = (".aux.xml", ".ovr", ".crdownload", ".part", ".swp")


def is_clutter(path: str) -> bool:
    """Whether a file (a relative path, with ``/``) was left by macOS, Windows, GDAL or a browser.

    Examples
    --------
    >>> is_clutter("ROIs1158_spring/s2_1/._ROIs1158_spring_s2_1_p30.tif"), is_clutter("train_list.txt")
    (True, False)
    """
    parts = [part.lower() for part in PurePosixPath(path).parts]
    return any(part in NAMES or part.startswith("._") for part in parts) or path.lower().endswith(ENDINGS)
