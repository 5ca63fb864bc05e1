"""Tar shards: what was read before a fault counts, and the fault is told."""

import io
import json
import tarfile

import pytest

from noisette.errors import RequestError
from tests.data.collections.folders import png, read, said


def shard(path, members, **options):
    """A tar of files: bytes, or what JSON can hold."""
    with tarfile.open(path, "w", **options) as archive:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def sample(number, **more):
    return {f"{number}.png": png(number), f"{number}.json": {"Hat": "Cap"}, **more}


def samples(count):
    return {name: content for number in range(count) for name, content in sample(number).items()}


def place_of(path, name):
    with tarfile.open(path) as archive:
        return archive.getmember(name).offset


def cut(path):
    path.write_bytes(path.read_bytes()[: place_of(path, "2.png") + 512 + 10])


def spoil(path):
    data = bytearray(path.read_bytes())
    data[place_of(path, "2.png")] ^= 1  # its header is none any longer
    path.write_bytes(data)


def turn_back(path):
    """A size below zero leads back to the first header, again and again."""
    data = bytearray(path.read_bytes())
    place = place_of(path, "2.png")
    head = data[place : place + 512]
    head[124:136] = b"\xff" * 10 + (2**16 - place).to_bytes(2, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    data[place : place + 512] = head
    path.write_bytes(data)


@pytest.mark.parametrize("fault", [cut, spoil, turn_back])
def test_what_comes_before_a_fault_is_read(tmp_path, fault):
    shard(tmp_path / "0.tar", samples(4))
    shard(tmp_path / "1.tar", sample(9))
    fault(tmp_path / "0.tar")
    listing, found = read(tmp_path, "webdataset")
    known = [("Hat", "Cap")]
    assert said(listing) == {"0.tar: 0": known, "0.tar: 1": known, "1.tar: 9": known}
    assert all(entry.picture.read().shape == (2, 2, 1) for entry in listing.entries)
    assert list(found) == ["cut off"]
    assert found["cut off"][0].startswith("0.tar (behind 1.json: ")


def test_a_shard_that_is_packed_or_none_is_told_and_the_others_are_read(tmp_path):
    shard(tmp_path / "0.tar", sample(0))
    (tmp_path / "1.tar").write_bytes(b"no tar")
    (tmp_path / "2.tar.gz").write_bytes(b"packed")
    listing, found = read(tmp_path, "webdataset")
    assert len(listing.entries) == 1
    assert [name.partition(" (")[0] for name in found["unreadable"]] == ["2.tar.gz", "1.tar"]


def test_it_is_refused_only_where_no_shard_is_left(tmp_path):
    (tmp_path / "2.tar.gz").write_bytes(b"packed")
    with pytest.raises(RequestError, match=r"holds images: 2.tar.gz \(packed, so its images cannot be read"):
        read(tmp_path, "webdataset")


def test_of_several_images_the_first_is_taken_and_that_is_told(tmp_path):
    members = {"a.seg.png": png(1), "a.png": png(2), "a.jpg": png(3), "b.left.png": png(4), "b.right.png": png(5)}
    shard(tmp_path / "0.tar", members)
    listing, found = read(tmp_path, "webdataset")
    assert [int(entry.picture.read()[0, 0, 0]) for entry in listing.entries] == [2, 4]
    assert found == {
        "several images": [
            "0.tar: a (png is taken, of png, jpg, seg.png)",
            "0.tar: b (left.png is taken, of left.png, right.png)",
        ]
    }


def test_what_is_said_of_an_image_may_be_wrong_in_any_way(tmp_path):
    members = {
        **sample(0),
        "1.png": png(1),
        "1.json": b'{"Hat": ',
        "2.png": png(2),
        "2.cls": "Café".encode("cp1252"),
        "3.png": png(3),
        "3.json": [],
        "3.vec.npy": b"",
        "./3.png": png(4),
    }
    shard(tmp_path / "0.tar", members)
    listing, found = read(tmp_path, "webdataset")
    traits = said(listing)
    assert traits["0.tar: 1"] is None
    assert traits["0.tar: 2"] == [("class", "Café")]
    assert traits["0.tar: 3"] == []
    assert found.pop("metadata")[0].startswith("0.tar: 1 (Expecting value")
    assert found == {
        "encoding": ["0.tar: 2.cls (read as Windows-1252)"],
        "archive": ["0.tar: ./3.png (it is there twice; the first counts)"],
        "not understood": ["0.tar: 3.vec.npy (and all others that end in .vec.npy)"],
    }
