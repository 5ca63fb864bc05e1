"""Images with one JSON file that describes them all."""

import json
import textwrap

import pytest

from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan
from noisette.errors import RequestError
from tests.data.collections.folders import IMAGE, claimed, folder, images, layout, read, said, token


@pytest.mark.parametrize(
    "means",
    [
        lambda number: {"edition": number},
        lambda number: {"image": f"ipfs://NewUriToReplace/{number}.png"},
        lambda number: {"file": f"{number}.png"},
        lambda number: {"id": str(number)},
        lambda number: {"tokenId": float(number)},
        lambda number: {"name": f"Punk #{number}"},
        lambda number: {"image": "ipfs://Qm/hidden.gif", "edition": number},
    ],
)
@pytest.mark.parametrize("file", ["{}.png", "images/{}.png", "{:04}.png", "punk-{}.png"])
def test_an_object_means_its_image_by_number_or_name(tmp_path, means, file):
    names = {number: file.format(number) for number in (3, 12)}
    array = [{**means(number), "description": "x", **token(Level=number)} for number in (12, 3)]
    folder(tmp_path, {**images(*names.values()), "json/_metadata.json": array})
    assert claimed(tmp_path) == "hashlips"
    listing, found = read(tmp_path, "hashlips")
    assert said(listing) == {names[3]: [("Level", 3)], names[12]: [("Level", 12)]}
    assert listing.how == "PNG files with the metadata of all in one JSON file"
    assert not found


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"1": token(Hat="Red"), "2": token(Hat="Blue")}, [("Hat", "Red")]),
        ({"1": {"Hat": "Red"}, "2": {"Hat": "Blue"}}, [("Hat", "Red")]),
        ({"1.png": ["Hat", "Glasses"], "2.png": []}, [("attribute", "Hat"), ("attribute", "Glasses")]),
        ({"1": "cat", "2": "dog"}, [("attribute", "cat")]),
        ([{"file_name": "1.png", "Hat": "Red"}, {"file_name": "2.png", "Hat": "Blue"}], [("Hat", "Red")]),
    ],
)
def test_other_shapes(tmp_path, written, expected):
    folder(tmp_path, {**images("1.png", "2.png"), "all.json": written})
    assert claimed(tmp_path) == "hashlips"
    listing, found = read(tmp_path, "hashlips")
    assert said(listing)["1.png"] == expected
    assert not found


def test_what_is_described_twice_counts_once(tmp_path):
    array = [
        {"edition": 1, **token(Hat="Red")},
        {"edition": 1, **token(Hat="Blue")},
        {"edition": 1, **token(Hat="Red")},
    ]
    listing, found = read(folder(tmp_path, {"1.png": IMAGE, "_metadata.json": array}), "hashlips")
    assert said(listing) == {"1.png": [("Hat", "Red")]}
    assert found == {
        "metadata twice": ["1.png (otherwise in _metadata.json)"],
        "same twice": ["1.png (in _metadata.json)"],
    }


def test_an_id_that_stands_twice_in_an_object_counts_once(tmp_path):
    text = '{"1": ["Hat"], "1": ["Cap"]}'
    listing, found = read(folder(tmp_path, {"1.png": IMAGE, "all.json": text}), "hashlips")
    assert said(listing) == {"1.png": [("attribute", "Hat")]}
    assert found == {"metadata twice": ["1.png (otherwise in all.json)"]}


def test_images_without_metadata_and_metadata_without_images(tmp_path):
    array = [
        {"edition": 1, **token(Hat="Red")},
        {"name": "Punk #9", **token(Hat="Red")},
        {"edition": 8, **token(Hat="Red")},
        5,
    ]
    folder(tmp_path, {**images("1.png", "2.png"), "_metadata.json": array, "other.json": {"a": 1}})
    listing, found = read(tmp_path, "hashlips")
    assert said(listing) == {"1.png": [("Hat", "Red")], "2.png": None}
    assert found == {
        "no metadata": ["2.png"],
        "no image": ['"Punk #9" in _metadata.json', "_metadata.json[2]"],
        "metadata": ["_metadata.json[3] (it is a number, no object)"],
        "not understood": ["other.json"],
    }


def test_a_name_of_several_images_means_none(tmp_path):
    folder(tmp_path, {**images("a/1.png", "b/1.png", "c/2.png")})
    folder(tmp_path, {"all.json": [{"image": "1.png", **token(Hat="Red")}, {"image": "2.png", **token(Hat="Red")}]})
    listing, found = read(tmp_path, "hashlips")
    assert said(listing) == {"a/1.png": None, "b/1.png": None, "c/2.png": [("Hat", "Red")]}
    assert found["no image"] == ["all.json[0] (several images are called so)"]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"Hat"', '"Hat', 1),
        lambda text: text.replace("]", "", 1),
        lambda text: text.replace("}", "", 1),
    ],
)
def test_one_damaged_entry_costs_itself_alone_where_each_begins_a_line(tmp_path, damage, first):
    entries = [
        textwrap.indent(json.dumps({"edition": number, **token(Hat="Red")}, indent=2), "  ") for number in range(4)
    ]
    entries[first] = damage(entries[first])
    text = "[\n" + ",\n".join(entries) + "\n]\n"
    files = {**images(*(f"{number}.png" for number in range(4))), "_metadata.json": text}
    listing, found = read(folder(tmp_path, files), "hashlips")
    assert said(listing) == {f"{number}.png": None if number == first else [("Hat", "Red")] for number in range(4)}
    assert [name.partition(" (")[0] for name in found.pop("metadata")] == [f"_metadata.json[{first}]"]
    assert found == {"no metadata": [f"{first}.png"]}


def test_what_stands_before_a_mistake_is_read(tmp_path):
    text = '[{"edition": 1, "attributes": ["Hat"]}, {"edition": 2, "attri'
    listing, found = read(folder(tmp_path, {**images("1.png", "2.png"), "_metadata.json": text}), "hashlips")
    assert said(listing) == {"1.png": [("attribute", "Hat")], "2.png": None}
    assert found["metadata"][0].startswith("_metadata.json (Unterminated string")
    assert found["no metadata"] == ["2.png"]


@pytest.mark.parametrize("stray", [[1, 2, 3], {"name": "a", "version": "1"}, [{"a": 1}], [], {}, "text", "[" * 10_000])
def test_stray_json_is_no_metadata(tmp_path, stray):
    assert claimed(folder(tmp_path, {**images("1.png", "2.png"), "stray.json": stray})) == "images"


@pytest.mark.parametrize(
    "stray",
    [
        [{"image": "1.png", "caption": "The best one"}],
        {"1": "one", "2": "two"},
        [{"type": "object", "properties": {"size": {}}}],
    ],
)
def test_a_word_on_few_of_many_images_is_no_metadata_of_the_folder(tmp_path, stray):
    names = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(20)]
    assert claimed(folder(tmp_path, {**images(*names), "stray.json": stray})) == "classes"


def test_an_array_is_known_by_its_beginning(tmp_path):
    array = [{"edition": number, "description": "x" * 4000, **token(Level=number)} for number in range(600)]
    files = {**images(*(f"{number}.png" for number in range(600))), "_metadata.json": array}
    assert claimed(folder(tmp_path, files)) == "hashlips"
    listing, found = read(tmp_path, "hashlips")
    assert said(listing)["599.png"] == [("Level", 599)]
    assert not found


def test_metadata_of_other_images_are_refused_in_one_line(tmp_path):
    folder(tmp_path, {**images("a.png", "b.png"), "all.json": [{"edition": 1, **token(Hat="Red")}]})
    with pytest.raises(RequestError, match='no image in .* is described by its JSON; .* layout = "images"'):
        layout("hashlips").read(scan(tmp_path, Findings()), CollectionSettings(), Findings())
