"""What others made: predictions, to be scored as forests are, and split lists, to be compared with a release."""

from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import Strict

from sentinel_forest.config.fields import FROM_TEXT, Name, Section, absent


class Prediction(Section):
    """What a model that was trained elsewhere says of the patches of a role."""

    release: Name
    """Release whose patches are predicted; one of `releases`."""

    file: str
    """CSV, Parquet, .npy, .npz or MATLAB file with a class, code or vector of probabilities for each patch; for pixels
    an array (patches, rows, columns) in .npy or .dat, or a folder with a raster for each patch."""

    role: Literal["validation", "test"] = "test"
    """Role whose patches are scored."""

    trained_on: str = ""
    """What the model was trained on, as you declare it: the name of a scheme of this run, whose mark its scores then
    carry; or words. Without a scheme, the mark is `unknown: pretraining`."""

    task: str = ""
    """Task of the dataset; may be left out where it has one only."""

    model: str = ""
    """Name of the model in a table of a paper of the registry, whose scores are then compared with these."""

    first_code: Annotated[int, Strict(), Ge(0), Le(1), FROM_TEXT] | None = absent()
    """Code of the first class, 0 or 1. Needed where the codes in the file leave it open."""

    variable: str = ""
    """Variable of an .npz or MATLAB file that holds the predictions; needed where several could."""

    truth: str = ""
    """File with the true class of each patch, in the same forms, for a release whose catalog knows no labels."""


class Audit(Section):
    """Split lists that others made."""

    release: Name
    """Release that the lists are of; one of `releases`."""

    lists: str
    """Folder of the lists, or one file: text, CSV, Parquet, JSON, NumPy. See docs/auditing-splits.md."""

    numbers: str | None = absent()
    """What row numbers in the lists count: split, release, or the name of a file of the release."""
