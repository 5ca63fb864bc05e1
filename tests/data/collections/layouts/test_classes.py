"""A folder of images for each class."""

import os
import sys

import pytest

from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan
from noisette.errors import RequestError
from tests.data.collections.folders import claimed, folder, images, layout, read, said


def test_a_folder_is_a_class(tmp_path):
    folder(tmp_path, {**images("cat/1.png", "cat/2.png", "a dog\n/1.png", "loose.png"), "cat/notes.txt": "x"})
    assert claimed(tmp_path) == "classes"
    listing, found = read(tmp_path, "classes")
    assert said(listing) == {
        "a dog\n/1.png": [("class", "a dog\n")],
        "cat/1.png": [("class", "cat")],
        "cat/2.png": [("class", "cat")],
        "loose.png": None,
    }
    assert listing.how == "PNG files in a folder for each class"
    assert found == {"no metadata": ["loose.png"], "not understood": ["cat/notes.txt"]}


def test_folders_in_folders_are_levels(tmp_path):
    folder(tmp_path, images("data/pet/cat/1.png", "data/pet/cat/2.png", "data/pet/dog/1.png", "data/car/1.png"))
    listing, found = read(tmp_path, "classes")
    assert said(listing) == {
        "data/car/1.png": [("level 1", "car")],
        "data/pet/cat/1.png": [("level 1", "pet"), ("level 2", "cat")],
        "data/pet/cat/2.png": [("level 1", "pet"), ("level 2", "cat")],
        "data/pet/dog/1.png": [("level 1", "pet"), ("level 2", "dog")],
    }
    assert not found


@pytest.mark.parametrize("above", ["", "data/"])
def test_folders_of_splits_are_no_classes(tmp_path, above):
    names = [
        f"{above}{split}/{kind}/{n}.png" for split in ("train", "Valid", "test") for kind in ("a", "b") for n in (1, 2)
    ]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert said(listing) == {name: [("class", name.split("/")[-2])] for name in sorted(names)}
    expected = {"train": "train", "Valid": "validation", "test": "test"}
    assert listing.splits == {name: expected[name.split("/")[-3]] for name in names}
    assert not found


@pytest.mark.parametrize("other", ["cover.png", "sketches/1.png"])
def test_an_image_beside_the_splits_makes_no_class_of_them(tmp_path, other):
    names = [f"{split}/{kind}/{n}.png" for split in ("train", "test") for kind in ("a", "b") for n in (1, 2)]
    listing, found = read(folder(tmp_path, images(*names, other)), "classes")
    assert said(listing) == {**{name: [("class", name.split("/")[1])] for name in names}, other: None}
    assert listing.splits == {name: name.split("/")[0] for name in names}
    beside = {"beside splits": ["sketches (1 image)"]} if "/" in other else {}
    assert found == {"no metadata": [other], **beside}


def test_a_cover_beside_the_folder_of_all_is_no_class(tmp_path):
    listing, _ = read(folder(tmp_path, images("all/a/1.png", "all/a/2.png", "all/b/1.png", "cover.png")), "classes")
    assert said(listing)["all/b/1.png"] == [("class", "b")]


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are UTF-8 there")
def test_a_folder_whose_name_is_no_text_is_a_class_and_told(tmp_path):
    cafe = os.fsdecode(b"caf\xe9")
    listing, found = read(folder(tmp_path, images("a/1.png", f"{cafe}/1.png", f"{cafe}/2.png")), "classes")
    assert said(listing)[f"{cafe}/1.png"] == [("class", "café")]
    assert found == {"encoding": ["caf\\xe9 (read as Windows-1252)"]}


@pytest.mark.parametrize(
    ("others", "shown"),
    [(("CAT",), "cat, CAT"), (("Cat ", "c-at"), "cat, Cat , c-at")],
)
def test_classes_that_differ_in_what_nobody_asks_for_are_one_which_is_told(tmp_path, others, shown):
    names = ["cat/1.png", "cat/2.png", "dog/1.png", *(f"{other}/3.png" for other in others)]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert {value for [(_, value)] in said(listing).values()} == {"cat", "dog"}
    assert found == {"merged": [f"class cat ({shown})"]}


@pytest.mark.skipif(sys.platform == "darwin", reason="one name there")
def test_a_class_in_two_forms_of_unicode_is_one_which_is_told(tmp_path):
    names = ["caf\u00e9/1.png", "caf\u00e9/2.png", "cafe\u0301/3.png", "dog/1.png"]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert {value for [(_, value)] in said(listing).values()} == {"caf\u00e9", "dog"}
    assert found == {"merged": ["class caf\u00e9 (caf\u00e9, caf\u00e9; in two forms of Unicode)"]}


def test_a_few_images_that_lie_deeper_make_no_level_of_their_own(tmp_path):
    names = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(10)]
    listing, found = read(folder(tmp_path, images(*names, "cat/old/drafts/1.png")), "classes")
    assert said(listing)["cat/old/drafts/1.png"] == said(listing)["cat/1.png"] == [("class", "cat")]
    assert found == {"deeper": ["cat/old/drafts/1.png (old/drafts)"]}


def test_splits_inside_each_class_are_splits(tmp_path):
    names = [f"{kind}/{split}/{n}.png" for kind in ("a", "b") for split in ("train", "test") for n in (1, 2)]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert said(listing) == {name: [("class", name[0])] for name in names}
    assert listing.splits == {name: name.split("/")[1] for name in names}
    assert not found


def test_a_folder_of_test_beside_classes_is_none_and_told(tmp_path):
    names = [f"{kind}/{n}.png" for kind in ("a", "b") for n in (1, 2, 3)]
    listing, found = read(folder(tmp_path, images(*names, "test/1.png", "test/2.png")), "classes")
    assert said(listing) == {**{name: [("class", name[0])] for name in names}, "test/1.png": None, "test/2.png": None}
    assert listing.splits == {"test/1.png": "test", "test/2.png": "test"}
    assert found == {"split": ["test (2 images; it divides the images)"], "no metadata": ["test/1.png", "test/2.png"]}


def test_splits_without_one_of_training_divide_nothing_and_are_no_classes(tmp_path):
    names = [f"{split}/{kind}/{n}.png" for split in ("test", "val") for kind in ("a", "b") for n in (1, 2)]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert said(listing) == {name: [("class", name.split("/")[1])] for name in names}
    assert not listing.splits
    detail = "4 images; without one of training; the images are divided by their content"
    assert found == {"split": [f"test ({detail})", f"val ({detail})"]}


def test_a_train_among_vehicles_is_a_class(tmp_path):
    names = [f"{kind}/{n}.png" for kind in ("bus", "car", "train") for n in (1, 2)]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert said(listing) == {name: [("class", name.split("/")[0])] for name in names}
    assert not found


def test_a_folder_of_training_beside_one_of_the_rest_is_no_class(tmp_path):
    """Nor is the other: what lies in it is learned from, and nothing is known of it."""
    names = [f"train/{kind}/{n}.png" for kind in ("cat", "dog") for n in (1, 2)]
    extra = ["extra/1.png", "extra/2.png"]
    listing, found = read(folder(tmp_path, images(*names, *extra)), "classes")
    assert said(listing) == {**{name: [("class", name.split("/")[1])] for name in names}, **dict.fromkeys(extra)}
    assert not listing.splits
    assert found == {
        "split": ["train (4 images; without one of test; the images are divided by their content)"],
        "beside splits": ["extra (2 images)"],
        "no metadata": extra,
    }


def test_without_classes_inside_a_folder_of_training_and_the_rest_tell_nothing(tmp_path):
    folder(tmp_path, images(*(f"{place}/{n}.png" for place in ("train", "unlabelled") for n in (1, 2))))
    assert claimed(tmp_path) == "images"
    _, found = read(tmp_path, "images")
    assert list(found) == ["split", "beside splits"]


@pytest.mark.parametrize("others", [("train", "more"), ("train", "test", "more")])
def test_a_folder_with_the_same_classes_as_that_of_training_has_these_classes(tmp_path, others):
    names = [f"{place}/{kind}/{n}.png" for place in others for kind in ("cat", "dog") for n in (1, 2)]
    listing, found = read(folder(tmp_path, images(*names)), "classes")
    assert said(listing) == {name: [("class", name.split("/")[1])] for name in names}
    assert found["beside splits"] == ["more (4 images)"]


@pytest.mark.parametrize(
    "names",
    [
        ("all/1.png", "all/2.png"),
        ("train/1.png", "train/2.png", "test/1.png"),
        ("one/1.png", "two/1.png", "three/1.png"),
        ("1.png", "2.png", "3.png", "4.png", "a/1.png"),
    ],
)
def test_folders_that_tell_nothing_are_no_classes(tmp_path, names):
    assert claimed(folder(tmp_path, images(*names))) == "images"


def test_the_layout_is_refused_where_there_is_nothing_of_it(tmp_path):
    folder(tmp_path, images("1.png", "2.png"))
    with pytest.raises(RequestError, match="do not lie in folders that are classes"):
        layout("classes").read(scan(tmp_path, Findings()), CollectionSettings(), Findings())
