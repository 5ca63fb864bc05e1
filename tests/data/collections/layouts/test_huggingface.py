"""Hugging Face data sets on the disk."""

import datetime
import json

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the extra `huggingface` is not installed")

import pyarrow as pa
from pyarrow import ipc

from noisette.data.collections.collection import open_collection
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts import find_layout
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan
from noisette.errors import RequestError
from tests.data.collections.avatars import avatar, images, traits
from tests.data.collections.folders import png, read, said
from tests.data.collections.layouts.hugging import AS_IMAGE, as_class, as_parquet, as_saved, pictures, table

TRAIN = "data/train-00000-of-00001.parquet"
TEST = "data/test-00000-of-00001.parquet"


def refusal(root, **settings):
    tree, chosen = scan(root, Findings()), CollectionSettings(**settings)
    _, layout = find_layout(tree, chosen)
    with pytest.raises(RequestError) as refused:
        layout.read(tree, chosen, Findings())
    return str(refused.value)


def shades(listing):
    return [int(entry.picture.read()[0, 0, 0]) for entry in listing.entries]


@pytest.mark.parametrize("form", ["parquet", "saved"])
def test_a_whole_data_set_is_read_to_the_pixel_and_the_trait(tmp_path, monkeypatch, form):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    names = [f"{number}.png" for number in range(30)]
    folder = images(tmp_path / "png", 30)
    rows = [traits(number) for number in range(30)]
    columns = {
        "image": pa.array([{"bytes": (folder / name).read_bytes(), "path": name} for name in names]),
        "Body": [["Red", "Green", "Blue"].index(row["Body"]) for row in rows],
        "Hat": [row["Hat"] for row in rows],
    }
    whole = table(columns, {"image": AS_IMAGE, "Body": as_class("Red", "Green", "Blue")})
    root = tmp_path / "hf"
    if form == "parquet":
        as_parquet(root / TRAIN, whole, row_group_size=7)
    else:
        as_saved(root, whole)
    collection = open_collection(root)
    assert collection.layout == "huggingface"
    expected = np.stack([avatar(number) for number in range(30)]).transpose(0, 3, 1, 2)
    assert np.array_equal(collection.dataset.images, expected)
    assert [collection.dataset.schema.decode(row) for row in collection.dataset.attributes] == rows
    assert collection.findings == []


def test_columns_are_traits_by_their_types(tmp_path):
    columns = {
        "image": pictures(1, 2),
        "label": pa.array([1, 0], pa.int64()),
        "level": pa.array([1.5, 2.0]),
        "wings": pa.array([True, False]),
        "made": pa.array([datetime.datetime(2024, 1, 31, 12), None], pa.timestamp("ns")),
        "tags": pa.array([["a", "b"], []], pa.list_(pa.string())),
        "parts": pa.array([[0], [0, 1]], pa.list_(pa.int64())),
        "mood": pa.array(["glad", "sad"]).dictionary_encode(),
    }
    features = {
        "image": AS_IMAGE,
        "label": as_class("cat", "dog"),
        "parts": {"feature": as_class("ear", "tail"), "_type": "List"},
    }
    as_parquet(tmp_path / TRAIN, table(columns, features))
    listing, found = read(tmp_path, "huggingface")
    assert said(listing) == {
        f"{TRAIN}#0": [
            ("label", "dog"),
            ("level", 1.5),
            ("wings", True),
            ("made", "2024-01-31"),
            ("tags", "a"),
            ("tags", "b"),
            ("parts", "ear"),
            ("mood", "glad"),
        ],
        f"{TRAIN}#1": [
            ("label", "cat"),
            ("level", 2.0),
            ("wings", False),
            ("made", None),
            ("parts", "ear"),
            ("parts", "tail"),
            ("mood", "sad"),
        ],
    }
    assert listing.how == "Parquet files (Hugging Face)"
    assert found == {}


def test_columns_that_are_not_used_are_told_with_the_reason(tmp_path):
    columns = {
        "embedding": pa.array([[0.5, 1.0]]),
        "objects": pa.array([{"x": 1}]),
        "mask": pictures(9),
        "image": pictures(1),
        "sound": pictures(5),
        "nothing": pa.array([None]),
    }
    as_parquet(tmp_path / TRAIN, table(columns, {"image": AS_IMAGE, "mask": AS_IMAGE, "sound": {"_type": "Audio"}}))
    listing, found = read(tmp_path, "huggingface")
    assert shades(listing) == [1]
    assert found["column"] == [
        "embedding (lists of double)",
        "objects (struct<x: int64>)",
        'mask (images too, and "image" is taken; image in collection.toml says which)',
        "sound (struct<bytes: binary, path: string>)",
        "nothing (empty)",
    ]
    chosen, _ = read(tmp_path, "huggingface", image="mask")
    assert shades(chosen) == [9]
    assert 'image = "nose" is no column of images' in refusal(tmp_path, image="nose")


def test_bytes_without_features_are_images(tmp_path):
    as_parquet(tmp_path / "all.parquet", table({"blob": pa.array([png(7)]), "n": [1]}))
    listing, _ = read(tmp_path, "huggingface")
    assert shades(listing) == [7]
    assert said(listing) == {"all.parquet#0": [("n", 1)]}


@pytest.mark.parametrize("form", ["parquet", "saved"])
def test_splits_divide_the_images(tmp_path, form):
    for split in ("train", "validation", "test"):
        rows = table({"image": pictures(1)}, {"image": AS_IMAGE})
        if form == "parquet":
            as_parquet(tmp_path / f"data/{split}-00000-of-00001.parquet", rows)
        else:
            as_saved(tmp_path / split, rows)
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation", "test"]}))
    listing, found = read(tmp_path, "huggingface")
    assert sorted(listing.splits.values()) == ["test", "train", "validation"]
    assert all(split in name for name, split in listing.splits.items())
    assert found == {}


def test_one_split_alone_divides_nothing(tmp_path):
    as_parquet(tmp_path / TEST, table({"image": pictures(1, 2)}))
    assert read(tmp_path, "huggingface")[0].splits == {}


def test_files_that_save_to_disk_does_not_list_are_not_read(tmp_path):
    as_saved(tmp_path, table({"image": pictures(1)}, {"image": AS_IMAGE}))
    (tmp_path / "cache-1f.arrow").write_bytes((tmp_path / "data-00000-of-00001.arrow").read_bytes())
    listing, found = read(tmp_path, "huggingface")
    assert shades(listing) == [1]
    assert found == {"not understood": ["cache-1f.arrow"]}


def test_arrow_files_of_the_other_format_are_read(tmp_path):
    rows = table({"image": pictures(1, 2)})
    with pa.OSFile(str(tmp_path / "all.arrow"), "wb") as file, ipc.new_file(file, rows.schema) as out:
        out.write_table(rows)
    assert shades(read(tmp_path, "huggingface")[0]) == [1, 2]


def test_labels_that_are_none_are_told(tmp_path):
    labels = pa.array([0, 7, -1, None], pa.int64())
    as_parquet(tmp_path / TRAIN, table({"image": pictures(1, 2, 3, 4), "label": labels}, {"label": as_class("a", "b")}))
    listing, found = read(tmp_path, "huggingface")
    assert list(said(listing).values()) == [[("label", "a")], [], None, None]
    assert found["trait"] == [f'{TRAIN}#1 ("label" is 7, of 2 classes)']
    assert found["no metadata"] == [f"{TRAIN}#{number} (its row is empty)" for number in (2, 3)]


def test_a_text_that_is_no_utf8_costs_its_own_row_alone(tmp_path):
    names = pa.array([b"caf\xe9", b"tea"]).view(pa.string())
    as_parquet(tmp_path / TRAIN, table({"image": pictures(1, 2), "name": names}))
    listing, found = read(tmp_path, "huggingface")
    assert list(said(listing).values()) == [[], [("name", "tea")]]
    assert found == {"trait": [f'{TRAIN}#0 ("name" cannot be read)']}


def test_rows_without_an_image_are_told_and_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "hf"
    rows = [
        {"bytes": png(1), "path": None},
        None,
        {"bytes": b"no image", "path": "x.png"},
        {"bytes": None, "path": "absent.png"},
        {"bytes": None, "path": "/etc/hostname"},
        {"bytes": None, "path": "beside.png"},
    ]
    as_parquet(root / TRAIN, table({"image": pa.array(rows)}, {"image": AS_IMAGE}))
    (root / "beside.png").write_bytes(png(2))
    collection = open_collection(root, settings=CollectionSettings(layout="huggingface"))
    assert list(collection.names) == [f"{TRAIN}#0", f"{TRAIN}#5"]
    assert {each.kind: each.names for each in collection.findings} == {
        "no image": [f"{TRAIN}#1 (null)", f"{TRAIN}#3 (absent.png)"],
        "unreadable": [f"{TRAIN}#2 (no image)"],
        "link": [f"{TRAIN}#4"],
        "not understood": ["beside.png"],
    }


def test_a_damaged_part_of_a_file_costs_nothing_else(tmp_path):
    path = tmp_path / TRAIN
    as_parquet(
        path, table({"image": pictures(*range(60))}), row_group_size=20, use_dictionary=False, compression="none"
    )
    whole = bytearray(path.read_bytes())
    middle = whole.index(png(25))
    whole[middle - 90 : middle] = bytes([255]) * 90
    path.write_bytes(whole)
    listing, found = read(tmp_path, "huggingface")
    assert shades(listing) == [*range(20), *range(40, 60)]
    assert [name.partition(" (")[0] for name in found["unreadable"]] == [f"{TRAIN}, rows 20 to 39"]


def test_a_stream_that_is_cut_off_keeps_what_came_before(tmp_path):
    as_saved(tmp_path, table({"image": pictures(1, 2, 3, 4, 5, 6)}))
    path = tmp_path / "data-00000-of-00001.arrow"
    path.write_bytes(path.read_bytes()[:-100])
    listing, found = read(tmp_path, "huggingface")
    assert shades(listing) == [1, 2, 3, 4]
    assert found["unreadable"][0].startswith("data-00000-of-00001.arrow, all rows from 4 on (")


def test_offsets_that_lead_out_of_the_file_are_not_followed(tmp_path):
    path = tmp_path / "all.arrow"
    rows = pa.table({"image": pa.array([bytes(600), bytes(400)])})
    with pa.OSFile(str(path), "wb") as file, ipc.new_stream(file, rows.schema) as out:
        out.write_table(rows)
    offsets = np.array([0, 600, 1000], np.int32).tobytes()
    assert offsets in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(offsets, np.array([0, 2**30, 1000], np.int32).tobytes()))
    assert "have no rows that can be read: all.arrow, rows 0 to 1 (" in refusal(tmp_path)


@pytest.mark.parametrize("name", [b"image", b"bytes"])
def test_names_of_columns_that_are_no_text_are_one_line(tmp_path, name):
    path = tmp_path / "all.arrow"
    rows = table({"image": pictures(1)})
    with pa.OSFile(str(path), "wb") as file, ipc.new_stream(file, rows.schema) as out:
        out.write_table(rows)
    path.write_bytes(path.read_bytes().replace(name, name[:-1] + b"\xff"))
    assert "utf-8" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["train.parquet", "train.arrow"])
@pytest.mark.parametrize("content", [b"", b"no table", b"PAR1" + bytes(100) + b"PAR1", b"ARROW1\0\0" + bytes(50)])
def test_what_is_no_table_is_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path)
    assert "have no rows that can be read" in message
    assert name in message
    assert "\n" not in message


def test_tables_without_images_are_refused_with_their_columns(tmp_path):
    as_parquet(tmp_path / TRAIN, table({"text": ["a"], "label": [1]}))
    assert refusal(tmp_path).endswith("holds the bytes of images; there are text, label")


def test_a_table_beside_images_is_no_data_set(tmp_path):
    as_parquet(tmp_path / "notes.parquet", table({"text": ["a"]}))
    (tmp_path / "1.png").write_bytes(png(1))
    name, _ = find_layout(scan(tmp_path, Findings()), CollectionSettings())
    assert name == "images"


def test_without_pyarrow_one_line_says_what_to_install(tmp_path, monkeypatch):
    as_parquet(tmp_path / TRAIN, table({"image": pictures(1)}))
    monkeypatch.setattr("noisette.data.collections.layouts.huggingface.is_installed", lambda: False)
    assert refusal(tmp_path).endswith("pip install 'noisette[huggingface]'")
