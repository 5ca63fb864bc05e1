"""Sheets with a JSON of their frames: as Aseprite exports them and as TexturePacker does; and JSON that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan
from noisette.errors import RequestError

from ..folders import folder, layout, read, said, token


def sheet(path, height=20, width=40, channels=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.random.default_rng(1).integers(1, 256, (height, width, channels), dtype=np.uint8)
    if channels == 4:
        whole[..., 3] = 255
    Image.fromarray(whole).save(path)
    return whole


def frame(left, top, width, height, **more):
    return {"frame": {"x": left, "y": top, "w": width, "h": height}, "duration": 100, **more}


def test_what_was_trimmed_and_turned_is_put_back(tmp_path):
    whole = sheet(tmp_path / "art" / "hero.png")
    trimmed = frame(
        0, 0, 8, 6, trimmed=True, spriteSourceSize={"x": 3, "y": 9, "w": 8, "h": 6}, sourceSize={"w": 12, "h": 16}
    )
    turned = frame(
        10, 2, 12, 16, rotated=True, spriteSourceSize={"x": 0, "y": 0, "w": 12, "h": 16}, sourceSize={"w": 12, "h": 16}
    )
    folder(tmp_path, {"art/hero.json": {"frames": {"a": trimmed, "b": turned}, "meta": {"image": "hero.png"}}})
    listing, findings = read(tmp_path, "aseprite")
    first, second = (entry.picture.read() for entry in listing.entries)
    expected = np.zeros((16, 12, 4), np.uint8)
    expected[9:15, 3:11] = whole[0:6, 0:8]
    assert np.array_equal(first, expected)
    assert np.array_equal(second, np.rot90(whole[2:14, 10:26]))  # 16 wide on the sheet, turned back to 12
    assert [entry.name for entry in listing.entries] == ["art/hero.png: a", "art/hero.png: b"]
    assert not findings


def test_without_alpha_what_was_cut_off_is_transparent(tmp_path):
    whole = sheet(tmp_path / "hero.png", channels=3)
    folder(
        tmp_path,
        {
            "hero.json": {
                "frames": [
                    frame(0, 0, 8, 8, spriteSourceSize={"x": 1, "y": 1, "w": 8, "h": 8}, sourceSize={"w": 9, "h": 9})
                ]
            }
        },
    )
    [entry] = read(tmp_path, "aseprite")[0].entries
    assert entry.name == "hero.png#0"
    assert np.array_equal(entry.picture.read()[1:, 1:, :3], whole[:8, :8])
    assert entry.picture.read()[..., 3].tolist() == [[0] * 9, *([[0, *[255] * 8]] * 8)]


def test_tags_are_traits_and_may_overlap(tmp_path):
    sheet(tmp_path / "hero.png")
    tags = [{"name": "walk", "from": 0, "to": 1}, {"name": "hit", "from": 1, "to": 1}, {"name": "x", "from": "1"}, 7]
    frames = [frame(10 * number, 0, 10, 10) for number in range(3)]
    folder(tmp_path, {"hero.json": {"frames": frames, "meta": {"frameTags": tags}}})
    listing, findings = read(tmp_path, "aseprite")
    assert list(said(listing).values()) == [[("tag", "walk")], [("tag", "walk"), ("tag", "hit")], []]
    assert len(findings["trait"]) == 2


def test_each_sheet_has_its_json_and_every_other_file_is_named(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        sheet(tmp_path / name)
    files = {
        f"{name}.json": {"frames": [frame(0, 0, 10, 10)], "meta": {"image": f"D:\\art\\{name}.png"}} for name in "ab"
    }
    files |= {
        "none.json": {"frames": [frame(0, 0, 10, 10)], "meta": {"image": "gone.png"}},
        "other.json": [1],
        "torn.json": "{",
    }
    listing, findings = read(folder(tmp_path, files), "aseprite")
    assert [entry.name for entry in listing.entries] == ["a.png#0", "b.png#0"]
    assert findings["no image"] == ["none.json (its sheet is not there)"]
    assert findings["not understood"] == ["c.png", "other.json", "torn.json"]
    assert findings["metadata"][0].startswith("torn.json")


@pytest.mark.parametrize(
    "wrong",
    [
        7,
        {},
        {"frame": [0, 0, 10, 10]},
        frame(-1, 0, 10, 10),
        frame(0, 0, 0, 10),
        frame(0, 0, 10**9, 10),
        frame(0, 0, "ten", 10),
        frame(0, 0, 10, 10, sourceSize={"w": 10**9, "h": 10**9}),
        frame(0, 0, 10, 10, spriteSourceSize={"x": -3, "y": 0}),
        frame(0, 0, 10, 10, rotated="perhaps"),
    ],
)
def test_a_frame_of_a_wrong_shape_is_named_and_the_rest_is_read(tmp_path, wrong):
    sheet(tmp_path / "a.png")
    listing, findings = read(folder(tmp_path, {"a.json": {"frames": [wrong, frame(0, 0, 10, 10)]}}), "aseprite")
    assert [entry.name for entry in listing.entries] == ["a.png#1"]
    assert len(findings["metadata"]) == 1


def test_json_that_only_speaks_of_frames_is_no_sheet(tmp_path):
    for number in range(10):
        sheet(tmp_path / f"{number}.png")
        folder(tmp_path, {f"{number}.json": {**token(Body="Red"), "frames": ["frame"]}})
    assert not layout("aseprite").claims(scan(tmp_path, Findings()), CollectionSettings())
    with pytest.raises(RequestError, match="no JSON"):
        layout("aseprite").read(scan(tmp_path, Findings()), CollectionSettings(), Findings())
