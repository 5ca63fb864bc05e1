"""What the cache may take of the disk: what was used least recently goes first, and never what is in use."""

import gc
import logging
import os

import pytest

from noisette.files import room


@pytest.fixture
def things(tmp_path):
    """Four of 100 bytes, used one after the other."""
    made = [tmp_path / name for name in "abcd"]
    for number, thing in enumerate(made):
        thing.mkdir()
        (thing / "content").write_bytes(bytes(100))
        os.utime(thing, ns=(number, number))
    return made


class User:
    pass


def left(things):
    return [thing.name for thing in things if thing.exists()]


def test_the_limit_is_16_gib_or_half_of_what_is_free_with_what_is_used():
    gib = 2**30
    assert room.limit(used=0, free=100 * gib) == 16 * gib
    assert room.limit(used=4 * gib, free=6 * gib) == 5 * gib


def test_what_was_used_least_recently_makes_room_and_that_is_told(things, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(room, "MOST_BYTES", 250)
    room.used(things[0])
    with caplog.at_level(logging.INFO):
        assert room.make_room(tmp_path, things) == 50
    assert left(things) == ["a", "d"]
    assert [str(thing) in line for thing, line in zip(things[1:3], caplog.messages, strict=True)] == [True, True]
    assert room.make_room(tmp_path, things, needed=100) == 150
    assert left(things) == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_in_use_stays_until_it_is_no_longer(things, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MOST_BYTES", 100)
    user = User()
    room.hold(things[0], user)
    assert room.make_room(tmp_path, things) == 0
    assert left(things) == ["a"]
    monkeypatch.setattr(room, "MOST_BYTES", 0)
    del user
    gc.collect()
    room.make_room(tmp_path, things)
    assert left(things) == []


def test_the_mark_of_a_killed_process_keeps_nothing(things, tmp_path, monkeypatch):
    (things[0] / "in-use-1-0.lock").touch()
    assert not room.is_used(things[0])
    assert room.remove(things[0])


def test_what_is_damaged_goes_though_it_is_in_use(things):
    user = User()
    room.hold(things[0], user)
    assert not room.remove(things[0])
    assert room.remove(things[0], even_used=True)
    assert not things[0].exists()
