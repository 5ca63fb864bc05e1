"""Images with metadata.csv or metadata.jsonl."""

import json

import pytest

from tests.data.collections.folders import claimed, folder, images, read, said


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_columns_of_a_csv_are_traits(tmp_path):
    table = 'file_name,Hat,Level,text\n1.png,Red,5,"a hat, red"\nsub/2.png,,6,\n'
    folder(tmp_path, {**images("1.png", "sub/2.png"), "metadata.csv": table})
    assert claimed(tmp_path) == "imagefolder"
    listing, found = read(tmp_path, "imagefolder")
    assert said(listing) == {
        "1.png": [("Hat", "Red"), ("Level", "5"), ("text", "a hat, red")],
        "sub/2.png": [("Level", "6")],
    }
    assert listing.how == "PNG files with metadata in a table (ImageFolder)"
    assert not found


def test_values_of_json_lines_keep_their_types(tmp_path):
    rows = lines(
        {"file_name": "1.png", "Hat": "Red", "Level": 5, "Wings": True, "tags": ["a", "b"], "text": "a\u2028b"},
        {"file_name": "2.png", "objects": {"bbox": []}, "Hat": None},
    )
    folder(tmp_path, {**images("1.png", "2.png"), "metadata.jsonl": rows})
    assert claimed(tmp_path) == "imagefolder"
    listing, found = read(tmp_path, "imagefolder")
    assert said(listing) == {
        "1.png": [("Hat", "Red"), ("Level", 5), ("Wings", True), ("tags", "a"), ("tags", "b"), ("text", "a\u2028b")],
        "2.png": [("Hat", None)],
    }
    assert found == {"trait": ['2.png ("objects" is an object)']}


def test_folders_of_splits_divide_the_images(tmp_path):
    files = {}
    for name in ("train", "val", "test"):
        files |= {f"{name}/1.png": images("x")["x"], f"{name}/metadata.csv": f"file_name,Split\n1.png,{name}\n"}
    listing, found = read(folder(tmp_path, files), "imagefolder")
    assert said(listing) == {f"{name}/1.png": [("Split", name)] for name in ("test", "train", "val")}
    assert listing.splits == {"test/1.png": "test", "train/1.png": "train", "val/1.png": "validation"}
    assert not found


def test_one_table_may_describe_all_splits(tmp_path):
    table = "file_name,Split\ntrain/1.png,a\ntest/1.png,b\n"
    listing, found = read(
        folder(tmp_path, {**images("train/1.png", "test/1.png"), "metadata.csv": table}), "imagefolder"
    )
    assert said(listing) == {"test/1.png": [("Split", "b")], "train/1.png": [("Split", "a")]}
    assert listing.splits == {"test/1.png": "test", "train/1.png": "train"}
    assert not found


def test_wrong_lines_are_named_and_the_others_read(tmp_path):
    rows = '{"file_name": "1.png", "Hat": "Red", "Hat": "Blue"}\n{"file_name": \n[1]\n{"file_name": 5}\n{"file_name": "9.png"}\n'
    rows += '\n{"file_name": "1.png", "Hat": "Green"}\n{"file_name": "2.png", "Hat": NaN}'
    listing, found = read(folder(tmp_path, {**images("1.png", "2.png"), "metadata.jsonl": rows}), "imagefolder")
    assert said(listing) == {"1.png": [("Hat", "Red")], "2.png": []}
    assert found == {
        "metadata": [
            "metadata.jsonl, line 2 (Expecting value: line 2 column 1 (char 15))",
            "metadata.jsonl, line 3 (it is no object with file_name)",
            "metadata.jsonl, line 4 (it is no object with file_name)",
        ],
        "metadata twice": [
            '1.png ("Hat" stands twice in one object)',
            "1.png (otherwise in metadata.jsonl)",
        ],
        "trait": ['2.png ("Hat" is no finite number)'],
        "no image": ['"9.png" in metadata.jsonl, line 5'],
    }


@pytest.mark.parametrize("table", ["id,Hat\n5,Red\n", "\n", '{"a": 1}\n'])
def test_a_table_of_that_name_without_its_column_is_another_layout(tmp_path, table):
    folder(tmp_path, {**images("a.png", "b.png"), "metadata.csv": table, "metadata.jsonl": table})
    assert claimed(tmp_path) == "images"
