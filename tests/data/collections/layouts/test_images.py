"""Images without metadata."""

import pytest

from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan
from noisette.errors import RequestError
from tests.data.collections.folders import claimed, folder, images, layout, read, said


def test_images_without_metadata_have_no_attributes(tmp_path):
    folder(tmp_path, {**images("10.png", "9.png"), "b.JPG": images("x")["x"], "notes.txt": "x", "old.json": {}})
    assert claimed(tmp_path) == "images"
    listing, found = read(tmp_path, "images")
    assert said(listing) == {"9.png": [], "10.png": [], "b.JPG": []}
    assert [entry.name for entry in listing.entries] == ["9.png", "10.png", "b.JPG"]
    assert listing.how == "PNG and JPEG files without metadata"
    assert found == {"not understood": ["notes.txt", "old.json"]}


def test_folders_of_training_and_test_divide_them(tmp_path):
    listing, _ = read(folder(tmp_path, images("train/1.png", "train/2.png", "test/1.png")), "images")
    assert listing.splits == {"test/1.png": "test", "train/1.png": "train", "train/2.png": "train"}


def test_a_folder_without_images_is_refused(tmp_path):
    assert claimed(folder(tmp_path, {"notes.txt": "x"})) is None
    with pytest.raises(RequestError, match="there are no images in"):
        layout("images").read(scan(tmp_path, Findings()), CollectionSettings(), Findings())
