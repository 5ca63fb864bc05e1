"""What can be wrong with a folder: each thing is named, left out or told, and nothing is lost or written there."""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from noisette.config.suggestion import why_not
from noisette.data.collections.collection import open_collection
from noisette.data.collections.findings import KINDS
from noisette.data.collections.inspection import facts
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.telling import describe
from noisette.errors import RequestError

from .avatars import avatar, images, kinds, save, token, write_json

COUNT = 25


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    return images(tmp_path / "a", COUNT)


def named(collection, kind):
    return [name for each in collection.findings if each.kind == kind for name in each.names]


def header_only(path, width, height):
    """A PNG of millions of pixels in a hundred bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = b""
    for kind, content in ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        chunks += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


BAD = {
    "truncated.png": "unreadable",
    "empty.png": "unreadable",
    "text.png": "unreadable",
    "animated.gif": "animated",
    "animated.png": "animated",
    "large.png": "too large",
    "deep.png": "16 bits",
    "deep-colour.png": "16 bits",
    "print.jpg": "CMYK",
    "wide.png": "other size",
    "notes.doc": "not understood",
}


def make_bad(folder):
    good = (folder / "0.png").read_bytes()
    (folder / "truncated.png").write_bytes(good[: len(good) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no image")
    frames = [Image.fromarray(avatar(number)) for number in (1, 2)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "animated.png", save_all=True, append_images=frames[1:])
    header_only(folder / "large.png", 20_000, 20_000)
    Image.fromarray(np.arange(144, dtype=np.uint16).reshape(12, 12) * 400).save(folder / "deep.png")
    raw = b"".join(b"\0" + bytes(12 * 6) for _ in range(12))
    head = struct.pack(">IIBBBBB", 12, 12, 16, 2, 0, 0, 0)
    chunks = b""
    for kind, content in ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")):
        chunks += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    (folder / "deep-colour.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    Image.new("CMYK", (12, 12)).save(folder / "print.jpg")
    save(folder / "wide.png", np.concatenate([avatar(500), avatar(501)], axis=1))
    (folder / "notes.doc").write_bytes(b"\xd0\xcf")


def test_each_bad_picture_is_named_with_its_reason_and_left_out(folder):
    make_bad(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    collection = open_collection(folder)
    assert len(collection.dataset) == COUNT
    told = {name.partition(" (")[0]: each.kind for each in collection.findings for name in each.names}
    assert told == BAD
    assert collection.found == COUNT + len(BAD) - 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_where_nothing_is_left_the_first_reason_is_told(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_text("no image")
    with pytest.raises(RequestError, match=r"none of the 1 images in .* can be read: x.png"):
        open_collection(tmp_path / "a")


def test_bad_metadata_is_named_and_the_rest_is_read(folder):
    for number in range(COUNT):
        write_json(folder / f"{number}.json", token(number))
    (folder / "1.json").write_text('{"attributes": [')
    (folder / "2.json").write_bytes('{"attributes": [{"trait_type": "Hat", "value": "Café"}]}'.encode("cp1252"))
    write_json(folder / "3.json", {"attributes": 7})
    write_json(
        folder / "4.json", {"attributes": [{"trait_type": "Body", "value": ["Red"]}, {"trait_type": 3, "value": 1}]}
    )
    (folder / "5.json").write_text('{"attributes": [{"trait_type": "Body", "value": NaN}]}')
    (folder / "6.json").write_text('{"attributes": [], "attributes": [{"trait_type": "Body", "value": "Red"}]}')
    write_json(folder / "7.json", {"attributes": [{"trait_type": "../../etc/passwd", "value": "Cap"}]})
    (folder / "8.json").write_text("[" * 100_000)
    collection = open_collection(folder)
    assert len(collection.dataset) == COUNT
    assert named(collection, "metadata") == [
        "1.png (1.json: Expecting value: line 1 column 17 (char 16))",
        "3.png (its attributes are a number, no list and no object)",
        "8.png (8.json: its lists and objects lie too deep inside each other)",
    ]
    assert named(collection, "encoding") == ["2.json (read as Windows-1252)"]
    assert named(collection, "trait") == [
        '4.png ("Body" is a list)',
        "4.png (a number in the place of the name of a trait)",
        '5.png ("Body" is no finite number)',
    ]
    assert named(collection, "metadata twice") == ['6.png ("attributes" stands twice in one object)']
    assert "../../etc/passwd" in collection.dataset.schema.names
    assert "Café" in next(each for each in collection.dataset.schema.attributes if each.name == "Hat").options


def test_names_may_be_anything(tmp_path):
    names = ["a b.png", "🙂.png", "line\nbreak.png", "ümlaut.png", "-rf.png", "a (1).png"]
    for number, name in enumerate(names):
        save(tmp_path / "a" / name, avatar(number))
    save(tmp_path / "a" / os.fsdecode(b"latin-\xe9.png"), avatar(400))  # no UTF-8
    collection = open_collection(tmp_path / "a")
    assert len(collection.dataset) == len(names) + 1
    assert set(names) < set(collection.names)


def test_links_out_of_the_folder_are_not_followed(folder, tmp_path):
    save(tmp_path / "elsewhere.png", avatar(700))
    (folder / "link.png").symlink_to(tmp_path / "elsewhere.png")
    (folder / "inside.png").symlink_to(folder / "0.png")
    (folder / "up").symlink_to(tmp_path)
    collection = open_collection(folder)
    assert set(named(collection, "link")) == {"link.png", "up"}
    assert "inside.png" in collection.names


def test_a_pipe_is_no_image_and_does_not_wait(folder):
    os.mkfifo(folder / "pipe.png")
    assert named(open_collection(folder), "not understood") == ["pipe.png (no regular file)"]


def test_a_file_that_vanishes_meanwhile_is_told(folder, monkeypatch):
    from noisette.data.collections import ingest as module

    taken = module.ingest

    def removing(*arguments):
        (folder / "3.png").unlink()
        return taken(*arguments)

    monkeypatch.setattr("noisette.data.collections.collection.ingest", removing)
    collection = open_collection(folder)
    assert set(named(collection, "vanished")) == {"3.png"}
    assert len(collection.dataset) == COUNT - 1


def test_a_zip_is_read_as_the_folder_that_it_holds_and_nothing_gets_out_of_it(folder, tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"sprites/{file.name}")
        archive.writestr("/absolute.png", b"")
        archive.writestr("../../outside.png", b"")
        link = zipfile.ZipInfo("sprites/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    collection = open_collection(path)
    assert len(collection.dataset) == COUNT
    assert collection.dataset.name == "mine"
    assert [name.partition(" (")[0] for name in named(collection, "archive")] == [
        "/absolute.png",
        "../../outside.png",
        "sprites/link.png",
    ]
    assert not (tmp_path / "outside.png").exists()
    assert not (tmp_path.parent / "outside.png").exists()
    assert kinds(open_collection(path)) == kinds(collection)  # from the cache


def spoilt(path, name):
    """A zip with one wrong byte in a member that is stored as it is."""
    with zipfile.ZipFile(path) as archive:
        content = archive.read(name)
    data = bytearray(path.read_bytes())
    data[data.index(content) + len(content) - 1] ^= 1
    path.write_bytes(data)


def test_a_member_of_a_zip_that_cannot_be_read_is_told_and_the_others_are_read(folder, tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"sprites/{file.name}")
        archive.writestr("sprites/1.png/inside.png", b"a file is no folder")
        archive.writestr(f"{'long' * 100}.png", b"no name of a file")
        archive.writestr("secret.png", b"not read")
        archive.writestr("strange.png", b"nor is this")
    spoilt(path, "sprites/3.png")
    data = bytearray(path.read_bytes())
    for name, place, value in ((b"secret.png", 8, 1), (b"strange.png", 10, 99)):  # encrypted; packed in no known way
        data[data.rindex(name) - 46 + place] = value
    path.write_bytes(data)
    collection = open_collection(path)
    assert len(collection.dataset) == COUNT - 1
    assert "sprites/3.png" not in collection.names
    reasons = dict(name.rstrip(")").split(" (", 1) for name in named(collection, "archive"))
    assert reasons["sprites/3.png"].startswith("Bad CRC-32")
    assert reasons["secret.png"] == "it is encrypted"
    assert reasons["strange.png"] == "That compression method is not supported"
    assert len(reasons) == 5
    other = open_collection(path, settings=CollectionSettings(size="12x12"))  # what came out of it is there
    assert {name.partition(" (")[0] for name in named(other, "archive")} == reasons.keys()


def test_a_zip_of_which_nothing_is_left_is_refused_with_the_first_reason(tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../a.png", b"")
    with pytest.raises(RequestError, match=r"nothing that is read: ../a.png \(its name leads out of the zip\)"):
        open_collection(path)
    save(tmp_path / "a.png", avatar(0))
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "a.png", "a.png")
    spoilt(path, "a.png")
    with pytest.raises(RequestError, match=r"nothing that can be unpacked: a.png \(Bad CRC-32"):
        open_collection(path)


def test_a_zip_with_a_damaged_list_of_its_members_is_one_line(folder, tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    whole = path.read_bytes()
    listed = whole.index(b"PK\x01\x02")
    path.write_bytes(whole[: listed + 6] + b"\xff" + whole[listed + 7 :])  # of a version that there never was
    with pytest.raises(RequestError, match="is no zip that can be read: zip file version"):
        open_collection(path)
    first = next(folder.iterdir()).name.encode()
    path.write_bytes(whole.replace(first, b"\0" * len(first)))
    collection = open_collection(path)
    assert len(collection.dataset) == COUNT - 1
    assert named(collection, "archive") == ["a member (its name leads out of the zip)"]


@pytest.mark.parametrize("bound", ["archives.MOST_BYTES", "packed.HARMLESS"])
def test_a_bomb_is_refused_by_what_comes_out_of_it(tmp_path, monkeypatch, bound):
    """By its size, or by how many times as much it is."""
    monkeypatch.setattr(f"noisette.data.collections.{bound}", 10**6)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.png", bytes(10**6))
    with pytest.raises(RequestError, match="unpacks to 20,000,000 bytes or more, more than is taken"):
        open_collection(path)
    assert not list((tmp_path / "cache").rglob("*.png"))


def test_much_that_comes_out_of_little_is_taken_as_long_as_it_is_harmless(folder, tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
        archive.writestr("notes.txt", bytes(10**7))
    assert len(open_collection(path).dataset) == COUNT


def test_a_folder_is_read_again_when_one_file_has_changed(folder):
    first = open_collection(folder)
    save(folder / "4.png", avatar(800))
    second = open_collection(folder)
    assert first.dataset.fingerprint != second.dataset.fingerprint
    assert open_collection(folder).dataset.fingerprint == second.dataset.fingerprint


def test_what_the_cache_keeps_is_not_believed(folder, tmp_path):
    expected = open_collection(folder).dataset.fingerprint
    [kept] = (tmp_path / "cache" / "collections").glob("*-*")
    for name in ("images.npy", "attributes.npy", "names.json", "collection.json"):
        content = bytearray((kept / name).read_bytes())
        content[-3] ^= 1
        (kept / name).write_bytes(content)
        assert open_collection(folder).dataset.fingerprint == expected


def test_no_image_changes_its_split_when_others_are_added(tmp_path):
    folder = images(tmp_path / "a", 60)
    before = open_collection(folder)
    images(folder, 100)
    after = open_collection(folder)
    split = dict(zip(after.names, after.dataset.membership, strict=True))
    assert all(split[name] == its for name, its in zip(before.names, before.dataset.membership, strict=True))
    assert set(before.dataset.membership) > {0}


def test_twins_are_told_and_contradictions_too(folder):
    for number in range(COUNT):
        write_json(folder / f"{number}.json", token(number))
    save(folder / "100.png", avatar(0))
    write_json(folder / "100.json", token(0))
    save(folder / "101.png", avatar(0))
    write_json(folder / "101.json", token(1))
    collection = open_collection(folder)
    assert named(collection, "duplicate") == ["100.png (as 0.png)"]
    assert named(collection, "contradiction") == ["101.png (as 0.png)"]


@pytest.mark.parametrize(("revealed", "told"), [(0, True), (3, True), (20, False)])
def test_a_picture_that_stands_for_most_images_is_told_once(folder, revealed, told):
    for number in range(COUNT):
        write_json(folder / f"{number}.json", token(number))
        if number >= revealed:
            save(folder / f"{number}.png", avatar(900))
    save(folder / "twin.png", avatar(0))
    write_json(folder / "twin.json", token(0))
    collection = open_collection(folder)
    others = COUNT - revealed - 1
    expected = [f"{revealed}.png (as {others} others of {COUNT + 1})"] if told else []
    assert named(collection, "placeholder") == expected
    assert len(named(collection, "contradiction")) == (0 if told else others)
    assert named(collection, "duplicate") == (["twin.png (as 0.png)"] if revealed else [])
    assert len(collection.dataset) == COUNT + 1


def test_twins_of_which_the_same_is_said_are_no_placeholders(tmp_path):
    for number in range(6):
        save(tmp_path / "a" / f"{number}.png", avatar(0))
        write_json(tmp_path / "a" / f"{number}.json", token(0))
    assert "placeholder" not in kinds(open_collection(tmp_path / "a"))


def test_folders_too_deep_inside_others_are_told(folder):
    deep = folder
    for _ in range(33):
        deep = deep / "d"
    save(deep / "deepest.png", avatar(900))
    save(deep.parent / "deep.png", avatar(901))
    collection = open_collection(folder)
    assert named(collection, "too deep") == ["/".join(33 * "d") + " (32 folders at most lie in each other)"]
    assert "/".join(32 * "d") + "/deep.png" in collection.names


@pytest.mark.parametrize(("resize", "kept"), [("none", 0), ("pad", 1), ("area", 1), ("nearest", 1)])
def test_other_sizes_are_left_out_unless_asked_otherwise(tmp_path, resize, kept):
    folder = images(tmp_path / "a", COUNT)
    save(folder / "small.png", avatar(900)[2:10, 2:10])
    collection = open_collection(folder, settings=CollectionSettings(resize=resize))
    assert len(collection.dataset) == COUNT + kept
    assert kinds(collection) == ({"resized": 1} if kept else {"other size": 1})
    if resize == "pad":
        image = collection.dataset.images[collection.names.index("small.png")].transpose(1, 2, 0)
        assert np.array_equal(image[2:10, 2:10], avatar(900)[2:10, 2:10])
        assert not image[:2].any()


def test_settings_that_cannot_be_are_a_line(folder):
    for text, message in (
        ("layuot = 'images'", "collection.toml: no setting layuot; nearest: layout"),
        ("layout = 'imagse'", 'collection.toml: no layout "imagse"; nearest: images'),
        ("reduce = 'twice'", 'collection.toml: reduce = "twice": must be a whole number'),
        ("resize = 'padd'", "collection.toml: resize = \"padd\": must be 'none', 'pad', 'area' or 'nearest'"),
        ("exclude = 'drafts/*'", 'collection.toml: exclude = "drafts/*": must be a list'),
        ("[traits.Hat]\nkidn = 'ignore'", "collection.toml: no setting traits.Hat.kidn; nearest: kind"),
        ("traits = 3", "collection.toml: traits = 3: must be a section of names and values"),
        ("[traits]\nHat = 'ignore'", 'collection.toml: traits.Hat = "ignore": must be a section'),
        ("size = '12'\nsize = '13'", "collection.toml is not TOML"),
        ("size = 'large'", '"large" is no width x height'),
        ("[traits.Hat]\nkind = 'ignore'", 'no image has a trait "Hat"; there are none'),
        ("mode = 'grey'", "mode = grey would lose what the images have, which is RGBA"),
    ):
        (folder / "collection.toml").write_text(text)
        with pytest.raises(RequestError) as error:
            open_collection(folder)
        assert message in str(error.value)


def test_an_image_that_is_left_out_lacks_no_metadata(folder):
    """What cannot be read is told once, and for one image in the singular, for several in the plural."""
    for number in range(COUNT):
        if number not in (3, 4, 5):
            write_json(folder / f"{number}.json", token(number))
    for number in (3, 4):
        (folder / f"{number}.png").write_text("no image")
    save(folder / "5.png", avatar(5)[:10, :10])
    save(folder / "100.png", avatar(100))
    collection = open_collection(folder)
    assert named(collection, "no metadata") == ["100.png"]
    told = {each["kind"]: (each["title"], each["advice"]) for each in facts(collection)["findings"]}
    assert told["no metadata"] == ("has no metadata; its traits are unknown", "describe it, or remove it")
    assert told["unreadable"] == ("cannot be read as images; left out", "save them again, or remove them")


@pytest.mark.parametrize("kind", KINDS)
def test_every_finding_is_told_of_one_and_of_several(kind):
    one, several = KINDS[kind].says(1), KINDS[kind].says(2)
    assert not {"{", "}", "|"} & set("".join([*one, *several]))
    assert one[0].split()[0] not in ("have", "are", "were", "lie")
    assert several[0].split()[0] not in ("has", "is", "was", "lies")


def test_a_line_of_twins_is_no_wider_than_a_person_reads(tmp_path):
    """Names as long as a file system takes, of many images."""
    folder = tmp_path / "a"
    for number in range(60):
        save(folder / f"{'an-image-with-a-long-name-' * 5}{number}.png", avatar(number % 30))
    collection = open_collection(folder)
    lines = describe(facts(collection)).splitlines()
    twins = lines[next(place for place, line in enumerate(lines) if "the same pixels" in line) + 1]
    assert len(twins) < 220
    assert re.search(r"-30.png \(\S* \S*-0.png\), .*, and 28 more$", twins)


def test_a_sheet_without_the_size_of_its_tiles_says_how_to_tell_it(tmp_path):
    """One large picture, on which no grid is seen: the line that would read it stands there."""
    noise = np.random.default_rng(0).integers(0, 256, (192, 192, 3)).astype(np.uint8)
    for name, told in (("large", noise), ("small", noise[:96, :96])):
        save(tmp_path / name / "heroes.png", told)
        assert 'collection.toml: tile = "16x16"' in str(why_not(open_collection(tmp_path / name)))
        (tmp_path / name / "collection.toml").write_text('tile = "16x16"')
        assert why_not(open_collection(tmp_path / name)) is None
    assert 'tile = "16x16"' in " ".join(KINDS["no grid"].says(1))
