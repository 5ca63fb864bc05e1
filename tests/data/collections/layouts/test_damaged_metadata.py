"""Metadata of which one entry is wrong: it is told, and the others are read."""

import json

import pytest

from noisette.data.collections.collection import open_collection
from tests.data.collections.avatars import avatar, save
from tests.data.collections.folders import folder, images, read, said, token

THREE = images("1.png", "2.png", "3.png")
HAT = [("Hat", "Red")]


@pytest.mark.parametrize(
    "written",
    [
        {"Hat": "Red"},
        {"trait_type": "Hat", "value": "Red"},
        {"Hat": {"value": "Red"}},
        {"0": {"trait_type": "Hat", "value": "Red"}},
        [{"Hat": "Red"}],
    ],
)
def test_attributes_that_are_no_list_of_traits_are_understood(tmp_path, written):
    files = {f"{number}.json": token(Hat="Red") for number in (1, 2)}
    listing, found = read(folder(tmp_path, {**THREE, **files, "3.json": {"attributes": written}}), "erc721")
    assert said(listing)["3.png"] == HAT
    assert not found


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"attributes": None}, "3.png (its attributes are nothing, no list and no object)"),
        ({"name": "Punk #3"}, "3.png (they hold no attributes)"),
        (5, "3.png (they are a number, no object)"),
        ('{"attributes": [', "3.png (3.json: Expecting value: line 1 column 17 (char 16))"),
        (b"\x89PNG\0\0", "3.png (3.json: it is no text)"),
    ],
)
def test_an_entry_without_attributes_is_told_and_its_image_unknown(tmp_path, entry, told):
    files = {f"{number}.json": token(Hat="Red") for number in (1, 2)}
    listing, found = read(folder(tmp_path, {**THREE, **files, "3.json": entry}), "erc721")
    assert said(listing) == {"1.png": HAT, "2.png": HAT, "3.png": None}
    assert found == {"metadata": [told]}


def test_one_line_in_another_encoding_leaves_the_others_as_they_are(tmp_path):
    lines = ["file_name,Hat", "1.png,Café", "2.png,Zoë"]
    table = "\n".join(lines).encode() + "\n3.png,Naïf\n".encode("cp1252")
    listing, found = read(folder(tmp_path, {**THREE, "metadata.csv": table}), "imagefolder")
    assert [value for [(_, value)] in said(listing).values()] == ["Café", "Zoë", "Naïf"]
    assert found == {"encoding": ["metadata.csv (line 4 read as Windows-1252)"]}


@pytest.mark.parametrize("damaged", [0, 2])
def test_a_damaged_line_of_json_lines_costs_itself_alone(tmp_path, damaged):
    lines = [json.dumps({"file_name": f"{number}.png", "Hat": "Red"}) for number in (1, 2, 3)]
    lines[damaged] = lines[damaged][:-5]
    listing, found = read(folder(tmp_path, {**THREE, "metadata.jsonl": "\n".join(lines)}), "imagefolder")
    bad = f"{damaged + 1}.png"
    assert said(listing) == {name: None if name == bad else HAT for name in THREE}
    assert [name.partition(" (")[0] for name in found["metadata"]] == [f"metadata.jsonl, line {damaged + 1}"]
    assert found["no metadata"] == [bad]


def test_numbers_that_are_texts_are_numbers_in_whatever_file(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    for number in range(40):
        save(tmp_path / "a" / f"{number}.png", avatar(number))
        level = number % 20 if number % 2 else f" {number % 20} "
        folder(tmp_path / "a", {f"{number}.json": token(Level=level)})
    [attribute] = open_collection(tmp_path / "a").dataset.schema.attributes
    assert (attribute.name, attribute.kind) == ("Level", "range")


def test_a_number_that_stands_twice_is_named_whether_it_says_the_same_or_not(tmp_path):
    array = [{"id": number, **token(Hat=hat)} for number, hat in ((1, "Red"), (1, "Blue"), (2, "Red"), (2, "Red"))]
    listing, found = read(folder(tmp_path, {**images("1.png", "2.png"), "all.json": array}), "hashlips")
    assert said(listing) == {"1.png": HAT, "2.png": HAT}
    assert found == {"metadata twice": ["1.png (otherwise in all.json)"], "same twice": ["2.png (in all.json)"]}
