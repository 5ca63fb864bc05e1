"""Zips that are handed over to the dashboard: kept under their content, and no more of them than there is room for."""

import os

from noisette.dashboard.widgets import own_images


def test_a_zip_that_was_not_used_for_long_makes_room_for_a_new_one(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    monkeypatch.setattr("noisette.files.room.MOST_BYTES", 250)
    one, two = (own_images._kept(name, name[:1].encode() * 100) for name in ("a.zip", "b.zip"))
    os.utime(one.parent, ns=(1, 1))
    os.utime(two.parent, ns=(2, 2))
    assert own_images._kept("a.zip", b"a" * 100) == one  # it is there, and used again
    three = own_images._kept("c.zip", b"c" * 100)
    assert [path.is_file() for path in (one, two, three)] == [True, False, True]
