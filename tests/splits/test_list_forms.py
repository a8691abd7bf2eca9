"""Split lists as others write them: what stands around a name is no part of it, and nothing is passed over.

Every form holds the same names; a list that cannot be read says why.
"""

import json

import pytest

from sentinel_forest import datasets
from sentinel_forest.errors import InputError
from sentinel_forest.splits import lists, numbers

NAMES = ("ROIs1158_spring_s2_1_p30.tif", "ROIs1158_spring_s2_1_p31.tif")
IMAGES = ("ROI_0002/20190116T142751_20190116T143701_T19GDN", "ROI_0003/20190116T142751_20190116T143701_T19GDM")

LINES = {
    "train.txt": "{}\n",
    "train_crlf.txt": "{}\r\n",
    "train_label.txt": "{} 3\n",
    "train_hot.txt": "{} 0 1 0\n",
    "train_tab.txt": "{}\t3\n",
    "train_semicolon.csv": "{};3\n",
    "TRAIN.CSV": '"{}",3\n',
    "train_quoted.txt": '"{}"\n',
    "train_windows.txt": "D:\\my data\\{}\n",
    "train_folder.txt": "/my data/s2/{}\n",
}


@pytest.mark.parametrize("name", LINES)
def test_names_are_found_whatever_stands_around_them(tmp_path, name):
    text = "".join(LINES[name].format(each) for each in NAMES)
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    dataset = datasets.load("sen12ms")
    (found,) = lists.read_lists(tmp_path, dataset)
    assert found.role == "train"
    assert [dataset.listed_name(each) for each in found.names] == [dataset.listed_name(each) for each in NAMES]


def test_a_column_for_each_role_is_not_read_as_a_code(tmp_path):
    rows = [f"{NAMES[0]},1,0,0", f"{NAMES[1]},0,1,0"]
    (tmp_path / "split.csv").write_text("\n".join(["file,train,val,test", *rows]))
    with pytest.raises(InputError, match="a column for each role: train, val, test"):
        lists.read_lists(tmp_path, datasets.load("sen12ms"))


@pytest.mark.parametrize(("name", "holds"), [("threshold_test.txt", False), ("SEN12MS_holdOutScenes.txt", True)])
def test_only_a_list_of_the_hold_out_makes_the_rest_training(tmp_path, name, holds):
    (tmp_path / name).write_text(f"{NAMES[0]}\n")
    (found,) = lists.read_lists(tmp_path, datasets.load("sen12ms"))
    assert (found.role, found.rest_trains) == ("test", holds)


@pytest.mark.parametrize("between", [",", ";", " ", "\t", "/", "\\"])
def test_roi_and_product_on_a_line_are_one_image_and_not_all_of_the_roi(tmp_path, between):
    """The first cell alone would stand for every image of the ROI."""
    (tmp_path / "test.txt").write_text("".join(each.replace("/", between) + "\n" for each in IMAGES))
    (found,) = lists.read_lists(tmp_path, datasets.load("cloudsen12"))
    assert found.names == IMAGES


@pytest.mark.parametrize(
    "content",
    [
        [{"name": NAMES[0], "split": "train"}, {"name": NAMES[1], "split": "test"}],
        {NAMES[0]: "train", NAMES[1]: "test"},
        {"train": [NAMES[0]], "test": [NAMES[1]]},
    ],
)
def test_json_by_record_by_name_and_by_role(tmp_path, content):
    (tmp_path / "partition.json").write_text(json.dumps(content))
    found = lists.read_lists(tmp_path, datasets.load("sen12ms"))
    assert {each.role: each.names for each in found} == {"train": NAMES[:1], "test": NAMES[1:]}


def test_lists_in_folders_and_on_one_line_are_named_not_passed_over(tmp_path):
    (tmp_path / "train.txt").write_text(f"{NAMES[0]}\n")
    (tmp_path / "val.txt").write_text(", ".join([*NAMES, *NAMES]))
    (tmp_path / "fold1").mkdir()
    found = {each.file: each.unread for each in lists.read_lists(tmp_path, datasets.load("sen12ms"))}
    assert found["train.txt"] == ""
    assert "4 entries on one line" in found["val.txt"]
    assert "a folder" in found["fold1/"]


def test_text_in_utf_16_says_how_to_write_it(tmp_path):
    (tmp_path / "train.txt").write_bytes(NAMES[0].encode("utf-16"))
    with pytest.raises(InputError, match="cannot be read") as caught:
        lists.read_lists(tmp_path, datasets.load("sen12ms"))
    assert "iconv" in str(caught.value)


@pytest.mark.parametrize(("names", "expected"), [("123", True), ("0123", False), ("129", False), ("12", False)])
def test_only_numbers_that_are_one_too_large_are_doubted(names, expected):
    unknown = [name for name in names if int(name) > 2]
    assert numbers.counts_from_1(list(names), unknown) == expected
