from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag
from noisette.data import opening
from noisette.data.dataset import SPLITS, Dataset, split_by_index
from noisette.data.pixels import on_background
from noisette.data.sources.sprites import SOURCE, sprites
from noisette.errors import RequestError

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="hair", options=("none", "short", "long")),
        Flag(name="Earring"),
        Choice(name="0", options=("a",)),
    )
)


@pytest.fixture
def small() -> Dataset:
    return sprites(60, 8)


def test_the_splits_are_all_images_in_order_each_in_one(small):
    parts = [small.split(name) for name in SPLITS]
    assert [len(part) for part in parts] == [54, 3, 3]
    assert_array_equal(parts[1].images, small.images[[3, 23, 43]])
    assert_array_equal(parts[2].attributes, small.attributes[[13, 33, 53]])
    assert all((part.membership == number).all() for number, part in enumerate(parts))


def test_an_unknown_split_names_those_there_are(small):
    with pytest.raises(RequestError, match='^no split "valid"; there are train, validation, test$'):
        small.split("valid")


@settings(deadline=None)
@given(st.integers(0, 500))
def test_each_run_of_twenty_gives_one_image_to_validation_and_one_to_test(count):
    membership = split_by_index(count)
    assert_array_equal(membership, [{13: 2, 3: 1}.get(number % 20, 0) for number in range(count)])


@settings(deadline=None)
@given(st.lists(st.integers(0, 59), max_size=20))
def test_taking_gives_the_rows_in_the_order_asked_for(indices):
    small = sprites(60, 8)
    taken = small.take(np.array(indices, dtype=np.intp))
    assert (taken.name, taken.schema, len(taken)) == (small.name, small.schema, len(indices))
    for place, index in enumerate(indices):
        assert_array_equal(taken.images[place], small.images[index])
        assert_array_equal(taken.attributes[place], small.attributes[index])
        assert taken.membership[place] == small.membership[index]


def test_other_pixels_keep_their_rows(small):
    flat = small.with_images(lambda images: on_background(images, "#000000"))
    assert (flat.channels, flat.size) == (3, (8, 8))
    assert_array_equal(flat.attributes, small.attributes)


@pytest.mark.parametrize("part", ["images", "attributes", "membership"])
@settings(deadline=None)
@given(data=st.data())
def test_the_fingerprint_changes_with_any_byte(part, data):
    small = sprites(20, 8)
    values = getattr(small, part).copy()
    flat = values.view(np.uint8).reshape(-1)
    place = data.draw(st.integers(0, flat.size - 1))
    flat[place] ^= data.draw(st.integers(1, 255))
    assert replace(small, **{part: values}).fingerprint != small.fingerprint
    flat[place] = getattr(small, part).copy().view(np.uint8).reshape(-1)[place]
    assert replace(small, **{part: values}).fingerprint == small.fingerprint


def test_the_fingerprint_changes_with_the_schema_and_the_shape(small):
    attributes = list(small.schema.attributes)
    attributes[0] = attributes[0].model_copy(update={"name": "Another"})
    assert replace(small, schema=AttributeSchema(attributes=tuple(attributes))).fingerprint != small.fingerprint
    tall = small.with_images(lambda images: images.reshape(60, 4, 16, 4))
    assert tall.fingerprint != small.fingerprint


def test_the_fingerprint_does_not_depend_on_how_the_memory_lies(small):
    assert replace(small, images=np.asfortranarray(small.images)).fingerprint == small.fingerprint


def test_a_data_set_may_have_no_attributes_and_no_images():
    bare = Dataset(
        "bare", np.zeros((2, 1, 3, 3), np.uint8), np.zeros((2, 0), np.int16), AttributeSchema(), np.zeros(2, np.uint8)
    )
    assert len({bare.fingerprint, bare.take(np.array([0])).fingerprint, bare.split("test").fingerprint}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"images": np.zeros((60, 4, 8, 8), np.float32)},
        {"images": np.zeros((60, 2, 8, 8), np.uint8)},
        {"images": np.zeros((60, 8, 8), np.uint8)},
        {"attributes": np.zeros((60, 2), np.int16)},
        {"attributes": np.zeros((59, 10), np.int16)},
        {"membership": np.zeros(59, np.uint8)},
    ],
    ids=str,
)
def test_parts_that_do_not_fit_together_are_refused(small, changes):
    with pytest.raises(ValueError, match="not "):
        replace(small, **changes)


values = {"hair": st.sampled_from(["none", "short", "long"]), "Earring": st.booleans(), "0": st.just("a")}


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=values), max_size=5))
def test_what_is_encoded_is_decoded(rows):
    table = SCHEMA.encode(rows)
    assert (table.shape, table.dtype) == ((len(rows), 3), np.int16)
    assert [SCHEMA.decode(row) for row in table] == rows


def test_unknown_is_not_absent():
    table = SCHEMA.encode([{"Earring": False}, {"Earring": True}, {}])
    assert table.tolist() == [[UNKNOWN, 0, UNKNOWN], [UNKNOWN, 1, UNKNOWN], [UNKNOWN, UNKNOWN, UNKNOWN]]
    assert [SCHEMA.decode(row) for row in table] == [{"Earring": False}, {"Earring": True}, {}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"Earing": True}, 'no attribute "Earing" in the schema; nearest: Earring'),
        ({"HAIRS": "none"}, 'no attribute "HAIRS" in the schema; nearest: hair'),
        ({"xyz": True}, 'no attribute "xyz" in the schema'),
        ({"hair": "curly"}, 'the attribute "hair" cannot be "curly"; it can be: none, short, long'),
        ({"hair": True}, 'the attribute "hair" cannot be "True"; it can be: none, short, long'),
        ({"Earring": "present"}, 'the attribute "Earring" cannot be "present"; it can be: False, True'),
    ],
)
def test_what_is_not_in_the_schema_is_refused_with_what_is(row, message):
    with pytest.raises(RequestError) as caught:
        SCHEMA.encode([{}, row])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Earring", "EARRING"),
        ("m2", "m\u00b2"),
        ("Top-Hat", "Top Hat"),
        ("do_rag", "Do\u2010rag"),
        ("Ma\u00dfe", "Masse"),
    ],
)
def test_two_names_that_a_request_could_not_tell_apart_are_told(one, other):
    with pytest.raises(
        ValueError, match=f'the attributes "{one}" and "{other}" differ by case, spaces or hyphens alone'
    ):
        AttributeSchema(attributes=(Flag(name=one), Flag(name=other)))
    with pytest.raises(ValueError, match=f'of the attribute "hair" the options "{one}" and "{other}" differ by case'):
        Choice(name="hair", options=(one, other))


def test_what_a_source_opens_is_refused_in_one_line_with_both_names(monkeypatch):
    def twice(options, progress):
        return AttributeSchema(attributes=(Flag(name="Top-Hat"), Flag(name="Top Hat")))

    monkeypatch.setattr(opening, "find_source", lambda name: replace(SOURCE, open=twice))
    with pytest.raises(RequestError, match='^sprites: the attributes "Top-Hat" and "Top Hat" differ .*; rename one$'):
        opening.open_dataset("sprites")


def test_names_and_options_stand_there_once():
    with pytest.raises(ValueError, match='the attribute "a" appears twice'):
        AttributeSchema(attributes=(Flag(name="a"), Flag(name="a")))
    with pytest.raises(ValueError, match="at least 1 item"):
        Choice(name="hair", options=())


def test_a_schema_survives_a_file():
    assert AttributeSchema.model_validate_json(SCHEMA.model_dump_json()) == SCHEMA
