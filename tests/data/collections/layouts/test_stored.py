"""Arrays in files: a damaged one is told with its reason, and the others are read."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest

from noisette.data.collections.entries import RefusedPicture
from noisette.data.collections.layouts import stored
from noisette.errors import RequestError
from tests.data.collections.folders import read, said

IMAGES = np.arange(5 * 4 * 4, dtype=np.uint8).reshape(5, 4, 4)
LABELS = np.array([0, 1, 0, 1, 1], np.uint8)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npz(path, members, packed=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def idx(array, shape=None, kind=8):
    shape = shape or array.shape
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + array.tobytes()


def lying(shape, dtype="|u1"):
    """A header of such an array, and nothing behind it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def pixels(listing):
    return np.stack([entry.picture.read()[..., 0] for entry in listing.entries])


DAMAGED = {
    "cut off": (npy(IMAGES)[:-20], "its end is missing: 3 of 5 are there"),
    "only a header": (lying((10**5, 10**5, 10**5)), "its end is missing: 0 of 100,000 are there"),
    "objects": (npy(np.array([{}] * 3), allow_pickle=True), "it holds objects of Python"),
    "too many": (lying((10**12, 1, 1)), "it says that it holds 1,000,000,000,000 images"),
    "a shape below zero": (lying((-5, 4, 4)), "its shape is none"),
    "no array": (b"\x93NUMPY\x01\x00v\x00{'descr': __import__('os')}", "it has no header of an array"),
    "a header without an end": (
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(100),
        "it has no header of an array: 4,294",
    ),
    "empty": (b"", "it has no header of an array"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_array_is_told_and_the_others_are_read(tmp_path, damage):
    content, reason = DAMAGED[damage]
    np.save(tmp_path / "good.npy", IMAGES)
    (tmp_path / "bad.npy").write_bytes(content)
    listing, found = read(tmp_path, "arrays")
    assert np.array_equal(pixels(listing), IMAGES)
    assert list(found) == ["unreadable"]
    assert [name.startswith(f"bad.npy ({reason}") for name in found["unreadable"]] == [True]


def test_it_is_refused_only_where_no_array_is_left(tmp_path):
    (tmp_path / "bad.npy").write_bytes(npy(IMAGES)[:-1])
    with pytest.raises(RequestError, match=r"holds images that can be read: bad.npy \(its end is missing: 4 of 5"):
        read(tmp_path, "arrays")


def test_a_damaged_member_of_a_npz_is_told_and_the_others_are_read(tmp_path):
    path = tmp_path / "set.npz"
    members = {"x.npy": npy(IMAGES), "y.npy": npy(LABELS), "image.npy": npy(IMAGES + 100), "notes.txt": "x"}
    npz(path, members, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index((IMAGES + 100).tobytes())] ^= 1
    path.write_bytes(content)
    listing, found = read(tmp_path, "arrays")
    assert said(listing) == {f"set.npz:x#{place}": [("class", label)] for place, label in enumerate(LABELS.tolist())}
    assert np.array_equal(pixels(listing), IMAGES)
    assert found["unreadable"] == ["set.npz:image (Bad CRC-32 for file 'image.npy')"]
    assert found["not understood"] == ["set.npz:notes.txt"]


def test_no_more_of_a_npz_is_unpacked_than_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("noisette.data.collections.packed.HARMLESS", 10**6)
    npz(tmp_path / "bomb.npz", {"x.npy": lying((10**4, 32, 32)) + bytes(32 * 32 * 10**4)})
    np.save(tmp_path / "good.npy", IMAGES)
    unpacked = []
    monkeypatch.setattr(stored, "_check", lambda path, *rest: unpacked.append(path.name))
    listing, found = read(tmp_path, "arrays")
    assert unpacked == ["good.npy"]
    assert len(listing.entries) == len(IMAGES)
    assert found["unreadable"] == ["bomb.npz (it unpacks to 10,240,128 bytes, more than are taken)"]


def test_of_an_array_that_is_not_packed_only_one_image_is_read_at_a_time(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", IMAGES)
    monkeypatch.setattr(stored, "MOST_AT_ONCE", 0)
    assert np.array_equal(pixels(read(tmp_path, "arrays")[0]), IMAGES)


def test_arrays_in_the_order_of_fortran_are_the_same(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(IMAGES))
    assert np.array_equal(pixels(read(tmp_path, "arrays")[0]), IMAGES)


def test_arrays_of_no_pixels_are_no_images(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    np.save(tmp_path / "b.npy", np.zeros((10**6, 0, 0), np.uint8))
    listing, found = read(tmp_path, "arrays")
    assert len(listing.entries) == len(IMAGES)
    assert found == {"not understood": ["b.npy (no images, and no label for each)"]}


def test_images_larger_than_any_that_is_taken_are_refused_before_they_are_read(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        file.write(lying((1, 50_000, 50_000)))
        file.truncate(file.tell() + 50_000**2)
    [entry] = read(tmp_path, "arrays")[0].entries
    with pytest.raises(RefusedPicture, match="too large: 50000x50000"):
        entry.picture.read()


def test_labels_that_are_texts_or_no_numbers(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=np.array([b"a", b"b", b"\xff", b"a", b"a"]), weight=[1, 2, np.nan, 4, 5])
    listing, found = read(tmp_path, "arrays")
    assert said(listing)["a.npz:x#0"] == [("class", "a"), ("weight", 1.0)]
    assert found == {"trait": ['a.npz:x#2 ("weight" is no finite number)']}


@pytest.mark.parametrize("zipped", [False, True])
def test_a_damaged_idx_file_is_told_and_the_others_are_read(tmp_path, zipped):
    whole = idx(IMAGES)
    cut = gzip.compress(idx(IMAGES + 1))[:-20] if zipped else idx(IMAGES + 1)[:-20]
    suffix = ".gz" if zipped else ""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(whole)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS.astype(">i4"), kind=12))
    (tmp_path / f"t10k-images-idx3-ubyte{suffix}").write_bytes(cut)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS)[:6])
    listing, found = read(tmp_path, "idx")
    assert [value for [(_, value)] in said(listing).values()] == LABELS.tolist()
    assert np.array_equal(pixels(listing), IMAGES)
    assert [name.partition(" (")[0] for name in found.pop("unreadable")] == [
        f"t10k-images-idx3-ubyte{suffix}",
        "t10k-labels-idx1-ubyte",
    ]
    assert not found


def test_images_whose_labels_are_damaged_are_kept_and_unknown(tmp_path):
    for split in ("train", "t10k"):
        (tmp_path / f"{split}-images-idx3-ubyte").write_bytes(idx(IMAGES))
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"")
    listing, found = read(tmp_path, "idx")
    test = [f"t10k-images-idx3-ubyte#{place}" for place in range(5)]
    assert [entry.name for entry in listing.entries if entry.traits is None] == test == found["no metadata"]


def test_no_more_of_an_idx_file_is_unpacked_than_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("noisette.data.collections.packed.HARMLESS", 10**6)
    (tmp_path / "a-idx3.gz").write_bytes(gzip.compress(idx(np.zeros((10**4, 32, 32), np.uint8))))
    (tmp_path / "b-idx3").write_bytes(idx(IMAGES))
    listing, found = read(tmp_path, "idx")
    assert len(listing.entries) == len(IMAGES)
    assert found["unreadable"] == ["a-idx3.gz (it unpacks to 10,240,000 bytes, more than are taken; save it as .npy)"]
