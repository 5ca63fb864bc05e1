"""Each layout on a small folder: what is understood, to the pixel and to the trait."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image

from noisette.attributes.schema import UNKNOWN
from noisette.data.collections.collection import open_collection
from noisette.errors import RequestError

from .avatars import avatar, images, kinds, save, token, traits, write_json

COUNT = 30


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))


def assert_read(collection, *, count=COUNT, attributes=True):
    """All avatars are there with their pixels, and with what they have."""
    dataset = collection.dataset
    assert len(dataset) == count
    tails = [name.rpartition("#")[2] if "#" in name else name.rpartition("/")[2] for name in collection.names]
    numbers = [int(tail.partition(".")[0]) for tail in tails]
    assert sorted(numbers) == list(range(count))
    expected = np.stack([avatar(number) for number in numbers]).transpose(0, 3, 1, 2)
    assert np.array_equal(dataset.images, expected)
    if attributes:
        found = [dataset.schema.decode(row) for row in dataset.attributes]
        assert found == [traits(number) for number in numbers]


def test_images_alone_have_no_attributes(tmp_path):
    collection = open_collection(images(tmp_path / "a", COUNT))
    assert collection.layout == "images"
    assert_read(collection, attributes=False)
    assert collection.dataset.schema.attributes == ()
    assert kinds(collection) == {}


@pytest.mark.parametrize("where", ["{number}.json", "metadata/{number}.json", "metadata/{number}"])
def test_erc721_beside_the_images_or_in_a_folder_of_its_own(tmp_path, where):
    folder = images(tmp_path / "a" / ("" if where == "{number}.json" else "images"), COUNT)
    root = tmp_path / "a"
    for number in range(COUNT):
        write_json(root / where.format(number=number), token(number))
    write_json(root / "_metadata.json", [token(number) for number in range(COUNT)])
    collection = open_collection(root)
    assert folder.is_dir()
    assert collection.layout == "erc721"
    assert_read(collection)
    assert kinds(collection) == {}


def test_hashlips_has_one_array_of_all(tmp_path):
    folder = images(tmp_path / "a", COUNT)
    write_json(folder / "_metadata.json", [{**token(number), "edition": number} for number in range(COUNT)])
    collection = open_collection(folder)
    assert collection.layout == "hashlips"
    assert_read(collection)


def test_one_object_by_number_is_read_as_well(tmp_path):
    folder = images(tmp_path / "a", COUNT)
    write_json(folder / "traits.json", {str(number): traits(number) for number in range(COUNT)})
    assert_read(open_collection(folder))


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_imagefolder_with_metadata_beside_it(tmp_path, suffix):
    folder = images(tmp_path / "a", COUNT)
    rows = [{"file_name": f"{number}.png", **traits(number)} for number in range(COUNT)]
    if suffix == "jsonl":
        text = "\n".join(json.dumps(row) for row in rows)
    else:
        text = "file_name,Body,Hat\n" + "".join(f"{','.join(row.values())}\n" for row in rows)
    (folder / f"metadata.{suffix}").write_text(text)
    collection = open_collection(folder)
    assert collection.layout == "imagefolder"
    assert_read(collection)


def test_splits_of_the_layout_count(tmp_path):
    for split, numbers in (("train", range(20)), ("test", range(20, COUNT))):
        for number in numbers:
            save(tmp_path / "a" / split / f"{number}.png", avatar(number))
        rows = "".join(f"{number}.png,{','.join(traits(number).values())}\n" for number in numbers)
        (tmp_path / "a" / split / "metadata.csv").write_text(f"file_name,Body,Hat\n{rows}")
    collection = open_collection(tmp_path / "a")
    assert_read(collection)
    test = {name for name, split in zip(collection.names, collection.dataset.membership, strict=True) if split == 2}
    assert test == {f"test/{number}.png" for number in range(20, COUNT)}


@pytest.mark.parametrize(("delimiter", "between"), [(",", "|"), (";", ", "), ("\t", " / ")])
def test_a_table_with_several_names_in_a_cell(tmp_path, delimiter, between):
    folder = images(tmp_path / "a", COUNT)
    things = {number: [*traits(number).values(), *(["Ring"] if number % 4 == 0 else [])] for number in range(COUNT)}
    lines = [f"id{delimiter}wears", *(f'{number}{delimiter}"{between.join(its)}"' for number, its in things.items())]
    (folder / "list.csv").write_text("\n".join(lines))
    collection = open_collection(folder)
    assert collection.layout == "table"
    assert_read(collection, attributes=False)
    names = set(collection.dataset.schema.names)
    assert names == {"Red", "Green", "Blue", "Cap", "Crown", "Ring"}  # of "None" there is nothing to wear
    ring = collection.dataset.attributes[:, collection.dataset.schema.names.index("Ring")]
    assert [bool(there) for there in ring] == [int(name.partition(".")[0]) % 4 == 0 for name in collection.names]


def test_a_table_without_a_head(tmp_path):
    folder = images(tmp_path / "a", COUNT)
    (folder / "list.csv").write_text("".join(f"{number}.png,{traits(number)['Body']}\n" for number in range(COUNT)))
    collection = open_collection(folder)
    [attribute] = collection.dataset.schema.attributes
    assert attribute.options == ("Blue", "Green", "Red")
    assert kinds(collection) == {}


def test_a_folder_for_each_class(tmp_path):
    for number in range(COUNT):
        save(tmp_path / "a" / traits(number)["Body"] / f"{number}.png", avatar(number))
    collection = open_collection(tmp_path / "a")
    assert collection.layout == "classes"
    assert_read(collection, attributes=False)
    found = [collection.dataset.schema.decode(row)["class"] for row in collection.dataset.attributes]
    assert found == [name.partition("/")[0] for name in collection.names]


def test_arrays_with_labels(tmp_path):
    whole = np.stack([avatar(number) for number in range(COUNT)])
    bodies = np.arange(COUNT) % 3
    (tmp_path / "a").mkdir()
    np.savez(tmp_path / "a" / "set.npz", x_train=whole[:20], y_train=bodies[:20], x_test=whole[20:], y_test=bodies[20:])
    collection = open_collection(tmp_path / "a")
    assert collection.layout == "arrays"
    assert np.array_equal(collection.dataset.images, whole.transpose(0, 3, 1, 2))
    assert [int(row["class"]) for row in map(collection.dataset.schema.decode, collection.dataset.attributes)] == list(
        bodies
    )
    assert (collection.dataset.membership[20:] == 2).all()
    assert (collection.dataset.membership[:20] != 2).all()


def test_a_file_may_stand_in_the_place_of_a_folder(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (COUNT, 9, 14), dtype=np.uint8)
    np.save(tmp_path / "noise.npy", grey)
    dataset = open_collection(tmp_path / "noise.npy").dataset
    assert np.array_equal(dataset.images, grey[:, None])


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files(tmp_path, zipped):
    def write(name, array):
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        content = head + array.tobytes()
        (tmp_path / "a" / f"{name}{'.gz' if zipped else ''}").write_bytes(gzip.compress(content) if zipped else content)

    (tmp_path / "a").mkdir()
    random = np.random.default_rng(0)
    train, test = (random.integers(0, 256, (count, 28, 28), dtype=np.uint8) for count in (40, 10))
    labels = random.integers(0, 10, 50).astype(np.uint8)
    write("train-images-idx3-ubyte", train)
    write("train-labels-idx1-ubyte", labels[:40])
    write("t10k-images-idx3-ubyte", test)
    write("t10k-labels-idx1-ubyte", labels[40:])
    collection = open_collection(tmp_path / "a")
    assert collection.layout == "idx"
    dataset = collection.dataset
    whole = np.concatenate([test, train])  # in the order of the files' names
    assert np.array_equal(dataset.images[:, 0], whole)
    assert [int(dataset.schema.decode(row)["class"]) for row in dataset.attributes] == [*labels[40:], *labels[:40]]
    assert (dataset.membership[:10] == 2).all()
    assert (dataset.membership[10:] != 2).all()


def grid(count, columns=6):
    """A sheet of avatars, the last places empty."""
    rows = -(-count // columns)
    whole = np.zeros((rows * 12, columns * 12, 4), np.uint8)
    for number in range(count):
        top, left = number // columns * 12, number % columns * 12
        whole[top : top + 12, left : left + 12] = avatar(number)
    return whole


@pytest.mark.parametrize("by_name", [True, False])
def test_a_sheet_with_a_regular_grid(tmp_path, by_name):
    save(tmp_path / "a" / ("sheet-12x12.png" if by_name else "sheet.png"), grid(COUNT - 1))
    if not by_name:
        (tmp_path / "a" / "collection.toml").write_text('tile = "12x12"')
    collection = open_collection(tmp_path / "a")
    assert collection.layout == "sheet"
    assert_read(collection, count=COUNT - 1, attributes=False)
    assert kinds(collection) == {"empty tile": 1}


def test_a_sheet_may_stand_in_the_place_of_a_folder(tmp_path):
    save(tmp_path / "sheet_12x12.png", grid(COUNT))
    assert_read(open_collection(tmp_path / "sheet_12x12.png"), attributes=False)


@pytest.mark.parametrize("kind", ["hash", "array"])
def test_the_json_of_aseprite_tells_where_the_images_are(tmp_path, kind):
    """One is cut to what is not transparent, one lies turned, and tags are traits."""
    whole = np.zeros((60, 72, 4), np.uint8)
    frames = []
    for number in range(COUNT):
        image, frame = avatar(number), {}
        left, top = number % 6 * 12, number // 6 * 12
        frame = {"sourceSize": {"w": 12, "h": 12}, "spriteSourceSize": {"x": 0, "y": 0, "w": 12, "h": 12}}
        if number == 1:  # without a hat
            image = image[4:, :]
            frame |= {"trimmed": True, "spriteSourceSize": {"x": 0, "y": 4, "w": 12, "h": 8}}
        if number == 7:
            image = np.rot90(image, -1)
            frame["rotated"] = True
        whole[top : top + image.shape[0], left : left + image.shape[1]] = image
        height, width = image.shape[:2]
        frames.append((f"a {number}.png", {**frame, "frame": {"x": left, "y": top, "w": width, "h": height}}))
    save(tmp_path / "a" / "hero.png", whole)
    frames.append(("broken", {"frame": {"x": 0, "y": 0, "w": -5, "h": 9}}))
    frames.append(("outside", {"frame": {"x": 70, "y": 0, "w": 12, "h": 12}}))
    said = dict(frames) if kind == "hash" else [{"filename": name, **frame} for name, frame in frames]
    tags = [{"name": "walk", "from": 0, "to": 9}, {"name": "run", "from": 10, "to": 31}]
    write_json(tmp_path / "a" / "hero.json", {"frames": said, "meta": {"image": "../../hero.png", "frameTags": tags}})
    collection = open_collection(tmp_path / "a")
    assert collection.layout == "aseprite"
    images_ = collection.dataset.images
    assert np.array_equal(images_, np.stack([avatar(number) for number in range(COUNT)]).transpose(0, 3, 1, 2))
    tags_ = [collection.dataset.schema.decode(row)["tag"] for row in collection.dataset.attributes]
    assert tags_ == ["walk"] * 10 + ["run"] * 20
    assert kinds(collection) == {"metadata": 1, "unreadable": 1}


def test_tar_shards(tmp_path):
    (tmp_path / "a").mkdir()
    for shard in range(2):
        with tarfile.open(tmp_path / "a" / f"{shard}.tar", "w") as archive:

            def add(name, content, archive=archive):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))

            for number in range(15 * shard, 15 * shard + 15):
                picture = io.BytesIO()
                Image.fromarray(avatar(number)).save(picture, "PNG")
                add(f"set/{number}.png", picture.getvalue())
                add(f"set/{number}.json", json.dumps({"attributes": token(number)["attributes"]}).encode())
            add("../../outside.txt", b"no image")
            link = tarfile.TarInfo("set/link.png")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    collection = open_collection(tmp_path / "a")
    assert collection.layout == "webdataset"
    assert_read(collection)
    assert kinds(collection) == {"archive": 2, "no image": 2}


def test_an_image_without_metadata_is_kept_and_unknown(tmp_path):
    folder = images(tmp_path / "a", COUNT)
    for number in range(COUNT):
        if number not in (3, 7):
            write_json(folder / f"{number}.json", token(number))
    write_json(folder / "99.json", token(99))
    collection = open_collection(folder)
    assert kinds(collection) == {"no metadata": 2, "no image": 1}
    assert len(collection.dataset) == COUNT
    unknown = {
        name
        for name, row in zip(collection.names, collection.dataset.attributes, strict=True)
        if (row == UNKNOWN).all()
    }
    assert unknown == {"3.png", "7.png"}


def test_nothing_is_a_line(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(RequestError, match="there are no images in"):
        open_collection(tmp_path / "a")
    with pytest.raises(RequestError, match="no folder"):
        open_collection(tmp_path / "b")
