"""What is kept of a folder between two readings: the second gives what a fresh one would, and decodes what is new."""

from __future__ import annotations

import logging
import os
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noisette.data.collections import pictures
from noisette.data.collections.collection import open_collection
from noisette.data.collections.settings import CollectionSettings
from noisette.errors import NoisetteError

from .avatars import avatar, images, save, token, write_json

COUNT = 25


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    return images(tmp_path / "a", COUNT)


@pytest.fixture
def decoded(monkeypatch):
    """Grows with each picture that is decoded."""
    counted, decode = [], pictures.decoded

    def counting(content, **settings):
        counted.append(len(content))
        return decode(content, **settings)

    monkeypatch.setattr(pictures, "decoded", counting)
    return counted


def everything(collection):
    dataset = collection.dataset
    arrays = (dataset.images, dataset.attributes, dataset.membership)
    found = [(each.kind, each.count, each.names) for each in collection.findings]
    return [*(array.tobytes() for array in arrays), list(collection.names), dataset.schema, collection.shape, found]


def add(folder, number):
    save(folder / f"{number}.png", avatar(number))
    write_json(folder / f"{number}.json", token(number))


def change(folder, number):
    save(folder / f"{number}.png", avatar(number + 500))


def describe_otherwise(folder, number):
    write_json(folder / f"{number}.json", token(number + 1))


def remove(folder, number):
    (folder / f"{number}.png").unlink(missing_ok=True)


def rename(folder, number):
    if (folder / f"{number}.png").exists():
        (folder / f"{number}.png").rename(folder / f"{number + 1000}.png")


def exchange(folder, number):
    """Another image under the same name, of the same size, which says that it is as old."""
    path, other = folder / f"{number}.png", avatar(number)[::-1]
    if path.exists():
        before = path.stat()
        save(path, other)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def damage(folder, number):
    (folder / f"{number}.png").write_bytes(b"no image")


OPERATIONS = [add, change, describe_otherwise, remove, rename, exchange, damage]


@given(st.lists(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 12)), max_size=3), max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reading_after_changes_is_equal_to_a_fresh_one(tmp_path, changes):
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
    folder = images(tmp_path / "a", 10)
    for number in range(10):
        write_json(folder / f"{number}.json", token(number))
    for together in [[], *changes]:
        for operation, number in together:
            operation(folder, number)
        kept = everything(open_collection(folder))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NOISETTE_CACHE", str(tmp_path / "fresh"))
            assert everything(open_collection(folder)) == kept
        shutil.rmtree(tmp_path / "fresh")


def test_what_is_new_or_changed_is_decoded_and_nothing_else(folder, decoded):
    open_collection(folder)
    assert len(decoded) == COUNT
    for operation, more in ((add, 1), (change, 1), (remove, 0), (describe_otherwise, 0)):
        decoded.clear()
        operation(folder, COUNT)
        open_collection(folder)
        assert len(decoded) == more, operation.__name__


def test_other_settings_decode_nothing(folder, decoded):
    open_collection(folder)
    decoded.clear()
    (folder / "collection.toml").write_text('size = "24x24"\nresize = "nearest"')
    assert open_collection(folder).dataset.size == (24, 24)
    assert not decoded


def test_tiles_of_a_sheet_that_has_not_changed_are_kept(tmp_path, decoded):
    rows = [np.concatenate([avatar(8 * row + column) for column in range(8)], axis=1) for row in range(4)]
    for name in ("one_12x12.png", "two_12x12.png"):
        save(tmp_path / "a" / name, np.concatenate(rows, axis=0))
        rows = [row[:, ::-1] for row in rows]
    before = open_collection(tmp_path / "a")
    (tmp_path / "a" / "notes.txt").write_text("something new")
    after = open_collection(tmp_path / "a")
    assert after.dataset.fingerprint == before.dataset.fingerprint
    assert len(before.dataset) == 64


def test_enlarged_art_is_kept_as_small_as_it_is(tmp_path, decoded):
    folder = tmp_path / "a"
    for number in range(COUNT):
        save(folder / f"{number}.png", np.kron(avatar(number), np.ones((20, 20, 1), np.uint8)))
    first = open_collection(folder)
    assert (first.shape.enlarged.factor, first.dataset.size) == (20, (12, 12))
    assert (first.kept / "pixels").stat().st_size == COUNT * 12 * 12 * avatar(0).shape[2]
    decoded.clear()
    save(folder / "0.png", np.kron(avatar(0), np.ones((10, 10, 1), np.uint8)))  # all by 10 from now on
    (folder / "collection.toml").write_text("reduce = 10\nresize = 'nearest'\nsize = '24x24'")
    again = open_collection(folder)
    assert len(decoded) == 1
    assert again.dataset.size == (24, 24)
    twice = np.kron(first.dataset.images[1:], np.ones((1, 1, 2, 2), np.uint8))
    assert np.array_equal(again.dataset.images[1:], twice)


def test_without_room_everything_is_read_as_well_and_nothing_is_kept(folder, monkeypatch):
    expected = everything(open_collection(folder))
    monkeypatch.setenv("NOISETTE_CACHE", str(folder.parent / "small"))
    monkeypatch.setattr("noisette.files.room.MOST_BYTES", 0)
    collection = open_collection(folder)
    assert everything(collection) == expected
    assert (collection.kept / "pixels").stat().st_size == 0


@pytest.mark.parametrize("name", ["pixels", "pixels.npy", "texts", "texts.npy", "collection.json"])
def test_what_is_damaged_is_made_anew_with_a_line(folder, name, caplog):
    for number in range(COUNT):
        write_json(folder / f"{number}.json", token(number))
    kept = open_collection(folder).kept
    content = bytearray((kept / name).read_bytes())
    content[len(content) // 2] ^= 1
    (kept / name).write_bytes(content)
    change(folder, 3)
    with caplog.at_level(logging.WARNING):
        found = everything(open_collection(folder))
    [line] = [record.getMessage() for record in caplog.records]
    assert "damaged, and is made anew" in line
    shutil.rmtree(folder.parent / "cache")
    assert everything(open_collection(folder)) == found


@pytest.mark.parametrize("refused", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_is_cut_short_leaves_nothing_that_counts(folder, tmp_path, monkeypatch, refused):
    def refuse(*_):
        raise refused

    with monkeypatch.context() as patch:
        patch.setattr("noisette.data.collections.collection.understand", refuse)
        with pytest.raises(KeyboardInterrupt if isinstance(refused, KeyboardInterrupt) else NoisetteError):
            open_collection(folder)
    assert not [path for path in (tmp_path / "cache" / "collections").iterdir() if path.is_dir()]
    assert len(open_collection(folder).dataset) == COUNT


def test_what_a_killed_process_left_is_removed(folder, tmp_path):
    kept = open_collection(folder).kept
    left = kept.with_name(f".{kept.name}.abc.noisette-tmp")
    kept.rename(left)
    assert len(open_collection(folder).dataset) == COUNT
    assert not left.exists()


def test_a_disk_that_is_full_is_told_in_a_line(folder, monkeypatch):
    monkeypatch.setattr("noisette.files.room.free_bytes", lambda _: 2**10)
    with pytest.raises(
        NoisetteError, match=r"the images of this folder need .* MiB in the cache, .* are free; set NOISETTE"
    ):
        open_collection(folder)


def test_two_at_once_read_once(folder, decoded):
    with ThreadPoolExecutor(2) as both:
        one, other = both.map(open_collection, [folder, folder])
    assert everything(one) == everything(other)
    assert len(decoded) == COUNT


def test_of_a_zip_nothing_stays_unpacked_and_a_changed_one_is_read_again(folder, tmp_path):
    path = tmp_path / "mine.zip"
    for count in (COUNT, COUNT - 1):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("collection.toml", 'exclude = ["0.png"]')
            for number in range(count):
                archive.write(folder / f"{number}.png", f"{number}.png")
        for _ in range(2):
            collection = open_collection(path)
            assert len(collection.dataset) == count - 1
        assert not list((tmp_path / "cache").rglob("*.png"))


def test_a_link_out_of_the_folder_is_noticed_though_no_file_has_changed(folder):
    open_collection(folder)
    (folder / "link.png").symlink_to("/etc/hostname")
    assert [each.kind for each in open_collection(folder).findings] == ["link"]


def test_settings_that_are_given_are_read_beside_those_of_the_folder(folder):
    assert len(open_collection(folder, settings=CollectionSettings(exclude=["1*.png"])).dataset) == COUNT - 11
    assert len(open_collection(folder).dataset) == COUNT
