"""Sprite sheets: whose size of a tile is said, or seen, and what else lies in their folder."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from noisette.data.collections import tiles as module
from noisette.data.collections.entries import RefusedPicture
from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tiles import Tile
from noisette.data.collections.tree import scan
from noisette.errors import RequestError

from ..folders import layout, read


def sheet(across, down, size=16, *, gap=1):
    """Tiles of noise, all different, with nothing at their edges."""
    whole = np.random.default_rng(across).integers(1, 256, (down * size, across * size, 4), dtype=np.uint8)
    whole[..., 3] = 255
    inside = (np.arange(down * size)[:, None] % size < size - gap) & (np.arange(across * size) % size < size - gap)
    whole[~inside] = 0
    return whole


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def shown(listing):
    return np.stack([entry.picture.read() for entry in listing.entries])


def tiles_of(whole, size=16):
    down, across = whole.shape[0] // size, whole.shape[1] // size
    return whole.reshape(down, size, across, size, -1).swapaxes(1, 2).reshape(-1, size, size, whole.shape[2])


@pytest.mark.parametrize("name", ["heroes.png", "heroes_16x16.png", "heroes-16X16.PNG"])
def test_tiles_come_row_by_row_with_their_numbers(tmp_path, name):
    whole = sheet(5, 3)
    write(tmp_path / name, whole)
    listing, findings = read(tmp_path, "sheet")
    assert np.array_equal(shown(listing), tiles_of(whole))
    assert [entry.name for entry in listing.entries] == [f"{name}#{number}" for number in range(15)]
    assert listing.how == "sprite sheets with tiles of 16x16 pixels"
    assert not findings


def test_empty_tiles_are_left_out_and_numbers_stay(tmp_path):
    whole = sheet(4, 2)
    whole[16:, 32:] = 0
    whole[:16, :16] = (9, 9, 9, 255)
    whole[16, 40] = (77, 0, 0, 0)  # hidden under transparency
    write(tmp_path / "a.png", whole)
    listing, findings = read(tmp_path, "sheet", tile="16")
    assert [entry.name for entry in listing.entries] == ["a.png#1", "a.png#2", "a.png#3", "a.png#4", "a.png#5"]
    assert findings == {"empty tile": ["a.png#0", "a.png#6", "a.png#7"]}


def test_each_sheet_has_its_own_grid(tmp_path):
    write(tmp_path / "a.png", sheet(5, 3))
    write(tmp_path / "b.png", sheet(4, 4))
    (tmp_path / "credits.txt").write_text("me")
    listing, findings = read(tmp_path, "sheet")
    assert len(listing.entries) == 31
    assert findings == {"not understood": ["credits.txt"]}


def test_a_long_strip_is_read(tmp_path):
    whole = sheet(600, 1)  # 9600 pixels, as of 600 frames that Aseprite exports
    write(tmp_path / "strip_16x16.png", whole)
    assert np.array_equal(shown(read(tmp_path, "sheet")[0]), tiles_of(whole))


def test_a_sheet_is_decoded_once_for_all_tiles_and_again_when_it_changes(tmp_path, monkeypatch):
    decodings = []
    monkeypatch.setattr(
        module, "decoded", lambda *given, real=module.decoded, **how: decodings.append(1) or real(*given, **how)
    )
    write(tmp_path / "a.png", sheet(20, 20))
    listing, _ = read(tmp_path, "sheet")
    assert len(shown(listing)) == 400
    assert len(decodings) == 1
    write(tmp_path / "a.png", sheet(20, 21))
    assert np.array_equal(shown(listing), tiles_of(sheet(20, 21))[:400])
    assert len(decodings) == 2


def test_images_whose_names_say_their_own_size_are_no_sheets(tmp_path):
    write(tmp_path / "a_16x16.png", sheet(1, 1))
    assert not layout("sheet").claims(scan(tmp_path, Findings()), CollectionSettings())
    write(tmp_path / "a_16x16.png", np.kron(sheet(1, 1), np.ones((4, 4, 1), np.uint8)))  # enlarged
    assert not layout("sheet").claims(scan(tmp_path, Findings()), CollectionSettings())


def test_sheets_that_cannot_be_cut_are_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    write(tmp_path / "a.png", sheet(5, 3))
    write(tmp_path / "b.png", noise)
    (tmp_path / "c.png").write_text("no image")
    listing, findings = read_as_sheets(tmp_path)
    assert len(listing.entries) == 15
    assert findings == {"no grid": ["b.png"], "unreadable": ["c.png (no image)"]}
    listing, findings = read_as_sheets(tmp_path, tile="16x16")
    assert len(listing.entries) == 15 + 6
    assert findings["rest of a sheet"] == ["b.png (50x40 is no whole number of 16x16)"]
    with pytest.raises(RequestError, match="no tiles are found"):
        read_as_sheets(tmp_path, tile="100x100")


def read_as_sheets(root, **settings):
    findings = Findings()
    listing = layout("sheet").read(scan(root, findings), CollectionSettings(layout="sheet", **settings), findings)
    return listing, {each.kind: each.names for each in findings.all()}


def test_a_tile_stays_on_its_sheet_and_its_canvas(tmp_path):
    write(tmp_path / "a.png", sheet(2, 2))
    path = tmp_path / "a.png"
    for wrong in (Tile(path, tmp_path, 20, 0, 16, 16), Tile(path, tmp_path, 0, 40, 16, 16)):
        with pytest.raises(RefusedPicture, match="out of its sheet"):
            wrong.read()
    with pytest.raises(RefusedPicture, match="out of the image"):
        Tile(path, tmp_path, 0, 0, 16, 16, canvas=(20, 20), offset=(5, 0)).read()
    with pytest.raises(RefusedPicture, match="link"):
        Tile(path, tmp_path / "elsewhere", 0, 0, 16, 16).read()
