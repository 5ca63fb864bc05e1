"""`noisette data inspect FOLDER` a second time: the same answer, without reading, until anything is otherwise."""

from __future__ import annotations

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from noisette.cli import main
from noisette.data.collections import collection as module
from noisette.data.collections.collection import open_collection

from .avatars import avatar, images, save, token, write_json

COUNT = 30


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = images(tmp_path / "a", COUNT)
    for number in range(COUNT):
        write_json(folder / f"{number}.json", token(number))
    return folder


@pytest.fixture
def inspected(capsys, tmp_path):
    """What an inspection answers, and its contact sheet."""

    def inspect(*arguments):
        assert main(["data", "inspect", "a", "--out", "sheet.png", "--overwrite", *arguments]) == 0
        return capsys.readouterr().out, (tmp_path / "sheet.png").read_bytes()

    return inspect


@pytest.fixture
def read(monkeypatch):
    """Grows each time that a collection is opened."""
    opened, open_ = [], open_collection

    def counting(*arguments, **settings):
        opened.append(arguments)
        return open_(*arguments, **settings)

    monkeypatch.setattr(module, "open_collection", counting)
    return opened


def test_the_second_answer_is_the_first_without_opening_anything(folder, inspected, read):
    first, as_json = inspected(), inspected("--json")
    assert len(read) == 1
    assert inspected() == first
    assert inspected("--json") == as_json
    assert len(read) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: save(folder / "3.png", avatar(500)),
        lambda folder: write_json(folder / "3.json", token(4)),
        lambda folder: (folder / "3.png").unlink(),
        lambda folder: (folder / "notes.txt").write_text("new"),
        lambda folder: (folder / "collection.toml").write_text("exclude = ['3.png']"),
    ],
    ids=["an image", "metadata", "one less", "one more", "settings"],
)
def test_one_thing_that_is_otherwise_is_noticed(folder, inspected, read, tmp_path, monkeypatch, change):
    inspected()
    change(folder)
    answer = inspected()
    assert len(read) == 2
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "fresh"))
    assert inspected() == answer


def test_what_is_damaged_is_made_anew(folder, inspected, read, tmp_path):
    first = inspected()
    [kept] = (tmp_path / "cache").rglob("inspection.json")
    kept.write_bytes(kept.read_bytes().replace(b'"images": 30', b'"images": 31'))
    assert inspected() == first
    assert len(read) == 2


def test_a_folder_has_one_contact_sheet_however_often_it_is_inspected(folder, tmp_path, capsys):
    def sheets():
        return {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}

    assert main(["data", "inspect", "a"]) == 0
    first = sheets()
    assert list(first) == ["a-contact-sheet.png"]
    assert main(["data", "inspect", "a"]) == 0
    assert sheets() == first
    save(folder / "99.png", avatar(99))
    assert main(["data", "inspect", "a"]) == 0  # the folder has changed, and so does its sheet
    assert list(sheets()) == list(first)
    assert sheets() != first
    assert main(["data", "inspect", "a", "--json"]) == 0
    assert '"contact_sheet": null' in capsys.readouterr().out
    assert len(sheets()) == 1


def test_a_sheet_that_was_drawn_on_or_is_another_folders_stays(folder, tmp_path):
    sheet = tmp_path / "a-contact-sheet.png"
    assert main(["data", "inspect", "a"]) == 0
    with Image.open(sheet) as picture:
        picture.load()
        about = PngInfo()
        about.add_text("noisette", picture.info["noisette"])
        drawn = picture.convert("RGBA")
    drawn.putpixel((0, 0), (1, 2, 3, 255))
    drawn.save(sheet, pnginfo=about)
    mine = sheet.read_bytes()
    assert main(["data", "inspect", "a"]) == 0
    assert sheet.read_bytes() == mine
    (tmp_path / "b").mkdir()
    images(tmp_path / "b" / "a", COUNT)
    assert main(["data", "inspect", "b/a"]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "a-contact-sheet.png",
        "a-contact-sheet~2.png",
        "a-contact-sheet~3.png",
    ]


def test_a_data_set_has_one_contact_sheet_for_the_same_images(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for count in (50, 50, 60):
        assert main(["data", "inspect", "sprites", "--count", str(count)]) == 0
    assert main(["data", "inspect", "sprites", "--count", "70", "--json"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sprites-contact-sheet.png",
        "sprites-contact-sheet~2.png",
    ]
