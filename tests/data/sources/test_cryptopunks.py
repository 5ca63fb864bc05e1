from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from noisette.attributes.groups import most_informative_choice
from noisette.attributes.parsing import parse_request
from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import count
from noisette.data.dataset import Dataset
from noisette.data.opening import open_dataset
from noisette.data.pixels import on_background
from noisette.data.sources import cryptopunks
from noisette.data.sources.cryptopunks import (
    BACKGROUND,
    NO_SKIN_TONE,
    SKIN_TONES,
    TYPES,
    _attributes,
    compare_with_official,
    display_name,
)
from noisette.data.sources.sprites import sprites
from noisette.errors import RequestError
from noisette.files.hashes import file_sha256

BEARDS = (
    "Big Beard, Chinstrap, Front Beard, Front Beard Dark, Goat, Handlebars, Luxurious Beard, Mustache, Muttonchops, Normal Beard, "
    "Normal Beard Black, Shadow Beard"
).split(", ")
EYES = (
    "3D Glasses, Big Shades, Blue Eye Shadow, Classic Shades, Clown Eyes Blue, Clown Eyes Green, Eye Mask, Eye Patch, Green Eye Shadow, "
    "Horned Rim Glasses, Nerd Glasses, Purple Eye Shadow, Regular Shades, Small Shades, VR, Welding Goggles"
).split(", ")


def accessories(punks: Dataset) -> np.ndarray:
    """(10000, 87) of 0 and 1."""
    return punks.attributes[:, 2:].astype(int)


def attributes_of(punks: Dataset, number: int) -> dict[str, object]:
    return {name: value for name, value in punks.schema.decode(punks.attributes[number]).items() if value}


@pytest.mark.slow
def test_every_byte_is_that_of_the_official_image(punks):
    pixels = np.ascontiguousarray(punks.images.transpose(0, 2, 3, 1))
    assert pixels.shape == (10_000, 24, 24, 4)
    assert sha256(pixels.tobytes()).hexdigest() == "db0e780ac7553b5dd6a3bb02ed2bf8106c16659e15a36797294e01e8817286bf"


def test_alpha_and_colours(punks):
    alpha, counts = np.unique(punks.images[:, 3], return_counts=True)
    assert alpha.tolist() == [0, 128, 255]
    assert counts[0] / counts.sum() == pytest.approx(0.64, abs=0.005)
    pixels = np.ascontiguousarray(punks.images.transpose(0, 2, 3, 1)).view(np.uint32)
    assert len(np.unique(pixels)) == 222
    assert not punks.images.transpose(0, 2, 3, 1)[punks.images[:, 3] == 0].any()


def test_the_types_are_as_many_as_everyone_counts(punks):
    codes = punks.attributes[:, punks.schema.names.index("type")]
    counts = dict(zip(TYPES, np.bincount(codes), strict=True))
    assert counts == {"Male": 6039, "Female": 3840, "Zombie": 88, "Ape": 24, "Alien": 9}


def test_there_are_87_accessories_and_none_to_seven_on_a_punk(punks):
    flags = [attribute.name for attribute in punks.schema.attributes if attribute.kind == "flag"]
    assert len(flags) == 87
    assert punks.schema.names == ("type", "skin tone", *sorted(flags))
    assert accessories(punks).min() == 0  # nothing is unknown
    per_punk = Counter(accessories(punks).sum(axis=1).tolist())
    assert per_punk == {0: 8, 1: 333, 2: 3560, 3: 4501, 4: 1420, 5: 166, 6: 11, 7: 1}


@pytest.mark.parametrize(
    ("name", "count"),
    [("Beanie", 44), ("Choker", 48), ("Pilot Helmet", 54), ("Tiara", 55), ("Earring", 2459), ("Do-rag", 300)],
)
def test_accessories_are_as_rare_as_everyone_counts(punks, name, count):
    assert (punks.attributes[:, punks.schema.names.index(name)] == 1).sum() == count


def test_how_many_combinations_there_are(punks):
    types, flags = punks.attributes[:, 0], accessories(punks)
    sets = Counter((kind, row.tobytes()) for kind, row in zip(types.tolist(), flags, strict=True))
    assert len(sets) == 6937
    assert sum(count == 1 for count in sets.values()) == 5040
    together = flags.T @ flags
    assert np.count_nonzero(np.triu(together, 1)) == 2135
    assert 87 * 86 // 2 == 3741


def test_type_skin_tone_and_accessories_name_exactly_one_punk(punks):
    assert len({row.tobytes() for row in punks.attributes}) == 10_000


def test_24_accessories_are_on_females_alone_and_28_on_no_female(punks):
    female = punks.attributes[:, 0] == TYPES.index("Female")
    on_females, on_others = accessories(punks)[female].any(axis=0), accessories(punks)[~female].any(axis=0)
    assert (on_females & ~on_others).sum() == 24
    assert (on_others & ~on_females).sum() == 28
    assert (on_females | on_others).all()


def test_the_type_tells_the_most_of_the_accessories_and_the_groups_are_those_that_ship(punks):
    train = punks.split("train")
    assert punks.schema.names[most_informative_choice(train.schema, train.attributes)] == "type"
    shipped = resources.files("noisette").joinpath("models", "punks", "schema.json").read_text(encoding="utf-8")
    assert punks.schema == AttributeSchema.model_validate_json(shipped)


@pytest.mark.parametrize("group", [BEARDS, EYES], ids=["beards", "eyes"])
def test_accessories_fall_in_groups_of_which_a_punk_wears_one(punks, group):
    columns = [punks.schema.names.index(name) for name in group]
    assert punks.attributes[:, columns].sum(axis=1).max() == 1


def test_exactly_the_humans_have_a_skin_tone_and_it_is_in_their_face(punks):
    types, tones = punks.attributes[:, 0], punks.attributes[:, 1]
    assert_array_equal(tones == len(SKIN_TONES), types >= TYPES.index("Zombie"))
    counts = np.bincount(tones)
    assert counts.tolist() == [2824, 3031, 3006, 1018, 121]
    for code, colour in enumerate(SKIN_TONES.values()):
        of_tone = punks.images[tones == code]
        has = (of_tone[:, :3] == np.array(colour)[:, None, None]).all(axis=1)
        assert has.sum(axis=(1, 2)).min() >= 10
        others = [other for other in SKIN_TONES.values() if other != colour]
        assert not any((of_tone[:, :3] == np.array(other)[:, None, None]).all(axis=1).any() for other in others)


def test_the_first_punks_are_who_they_are(punks):
    assert attributes_of(punks, 0) == {
        "type": "Female",
        "skin tone": "Medium",
        "Green Eye Shadow": True,
        "Earring": True,
        "Blonde Bob": True,
    }
    assert attributes_of(punks, 1) == {"type": "Male", "skin tone": "Dark", "Smile": True, "Mohawk": True}
    assert attributes_of(punks, 635) == {
        "type": "Alien",
        "skin tone": NO_SKIN_TONE,
        "Bandana": True,
        "Regular Shades": True,
    }
    assert len(attributes_of(punks, 8348)) - 2 == 7


def test_the_split_goes_by_the_last_digits_of_the_id(punks):
    numbers = np.arange(10_000)
    assert_array_equal(punks.membership == 2, numbers % 20 == 13)
    assert_array_equal(punks.membership == 1, numbers % 20 == 3)
    assert [len(punks.split(name)) for name in ("train", "validation", "test")] == [9000, 500, 500]
    assert_array_equal(punks.split("test").images[1], punks.images[33])


def test_a_full_request_of_the_test_set_was_never_seen_in_training(punks):
    train, test = ({row.tobytes() for row in punks.split(name).attributes} for name in ("train", "test"))
    assert len(test) == 500
    assert not train & test


def test_on_their_usual_background_punks_are_opaque(punks):
    flat = on_background(punks.images[:50], BACKGROUND)
    corner = flat[:, :, 0, 0]
    assert_array_equal(corner, np.broadcast_to(np.frombuffer(bytes.fromhex("638596"), np.uint8), corner.shape))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("greenEyeShadow", "Green Eye Shadow"),
        ("3DGlasses", "3D Glasses"),
        ("vr", "VR"),
        ("doRag", "Do-rag"),
        ("cap", "Cap"),
        ("pinkWithHat", "Pink With Hat"),
        ("alien", "Alien"),
    ],
)
def test_names_are_shown_as_people_write_them(key, name):
    assert display_name(key) == name


def test_no_name_shows_how_it_was_stored(punks):
    assert all(re.fullmatch(r"(3D|VR|Do-rag|[A-Z][a-z]+)( [A-Z][a-z]+)*", name) for name in punks.schema.names[2:])


@pytest.mark.slow
def test_the_report_saw_them_resized_and_blurred(punks):
    """Bilinear, from 24 to 32 pixels: between two flat colours there are new ones."""
    large = open_dataset("cryptopunks", size=32)
    assert large.images.shape == (10_000, 4, 32, 32)
    assert_array_equal(large.attributes, punks.attributes)
    assert len(np.unique(large.images[:50, :3].transpose(0, 2, 3, 1).reshape(-1, 3), axis=0)) > 222
    assert abs(large.images[:50].mean() - punks.images[:50].mean()) < 3


@pytest.mark.parametrize(("kinds", "said"), [({}, "0 types (none)"), ({"male": 1, "ape": 1}, "2 types (Ape, Male)")])
def test_a_punk_without_a_type_or_with_two_is_refused(kinds, said):
    names = dict.fromkeys(("male", "female", "zombie", "ape", "alien", "earring"), 0)
    good, bad = {**names, "male": 1}, {**names, **kinds}
    with pytest.raises(RequestError) as error:
        _attributes(np.zeros((2, 4, 24, 24), dtype=np.uint8), [good, bad])
    assert f"the metadata of punk 1 give it {said}, not one" in str(error.value)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [({"Pilot Helmet": True, "Wild Hair": True}, "any hair"), ({"Pilot Helmet": True, "Tiara": True}, "any hair")],
)
def test_no_punk_wears_two_hats(punks, asked, kind):
    train = punks.split("train")
    statistics = count(train.schema, train.attributes)
    with pytest.raises(RequestError, match=kind):
        parse_request(asked, train.schema, statistics)
    for hats in (
        {"Cap", "Fedora"},
        {"Beanie", "Mohawk"},
        {"Big Beard", "Mustache"},
        {"Hot Lipstick", "Black Lipstick"},
        {"Pipe", "Vape"},
    ):
        with pytest.raises(RequestError, match="no image has two"):
            parse_request(dict.fromkeys(hats, True), train.schema, statistics)


@pytest.fixture
def official(punks, tmp_path, monkeypatch) -> Path:
    """The punks as one image, 100 in a row, standing in for the official file."""
    path = tmp_path / "punks.png"
    save_as_official(whole(punks), path, monkeypatch)
    return path


def whole(punks) -> np.ndarray:
    return punks.images.reshape(100, 100, 4, 24, 24).transpose(0, 3, 1, 4, 2).reshape(2400, 2400, 4).copy()


def save_as_official(pixels: np.ndarray, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(pixels).save(path, compress_level=1)
    monkeypatch.setattr(cryptopunks, "OFFICIAL", file_sha256(path))


@pytest.mark.slow
def test_punks_equal_to_the_official_image_are_identical(punks, official):
    assert compare_with_official(punks, official) == "identical in every byte"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("places", "told"), [([(0, 0)], "1 punk differs"), ([(0, 0), (5, 7), (2399, 2399)], "2 punks differ")]
)
def test_one_changed_pixel_is_one_punk_that_differs(punks, tmp_path, monkeypatch, places, told):
    pixels = whole(punks)
    for y, x in places:
        pixels[y, x, 3] ^= 1
    save_as_official(pixels, tmp_path / "changed.png", monkeypatch)
    assert compare_with_official(punks, tmp_path / "changed.png") == told


def test_another_file_is_not_the_official_image(punks, tmp_path):
    path = tmp_path / "punks.png"
    with pytest.raises(RequestError, match=rf"^no file {path}; give a copy of the official punks.png$"):
        compare_with_official(punks, path)
    Image.new("RGBA", (2400, 2400)).save(path, compress_level=1)
    with pytest.raises(
        RequestError,
        match=rf"^{path} is not the official image: its SHA-256 is [0-9a-f]{{64}}, not ac39af47[0-9a-f]{{56}}$",
    ):
        compare_with_official(punks, path)


def test_only_all_punks_with_their_alpha_can_be_compared(punks, official):
    with pytest.raises(
        RequestError, match="^only all 10,000 punks can be compared with the official image, not 500 of cryptopunks$"
    ):
        compare_with_official(punks.split("test"), official)
    with pytest.raises(
        RequestError, match="^only all 10,000 punks can be compared with the official image, not 20 of sprites$"
    ):
        compare_with_official(sprites(20, 24), official)
    with pytest.raises(
        RequestError,
        match="^the official image has alpha and punks of 24 pixels; leave --background and --size out to compare$",
    ):
        compare_with_official(punks.with_images(lambda images: images[:, :3]), official)
