from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from noisette.attributes.schema import AttributeSchema, Choice, Flag
from noisette.evaluation.attribute_accuracy import (
    ValueAccuracy,
    attribute_accuracy,
    by_rarity,
    differences,
    has_novel_pair,
)

SCHEMA = AttributeSchema(
    attributes=(Choice(name="type", options=("Male", "Female")), Flag(name="Hat"), Flag(name="Pipe"))
)


def measured(requested, seen):
    return attribute_accuracy(np.array(requested, dtype=np.int16), np.array(seen, dtype=np.int16), SCHEMA)


def test_obedience_by_hand():
    found = measured([[0, 1, 0], [1, 1, 1]], [[0, 1, 1], [1, 0, 1]])
    assert found.recall == 4 / 5  # Male, Hat, Female and Pipe of five
    assert found.precision == 4 / 5  # and a Pipe that nobody requested
    assert found.exact == 0
    assert found.by_value == {
        "type=Male": ValueAccuracy(requested=1, seen=1, recall=1, precision=1),
        "type=Female": ValueAccuracy(requested=1, seen=1, recall=1, precision=1),
        "Hat": ValueAccuracy(requested=2, seen=1, recall=0.5, precision=1),
        "Pipe": ValueAccuracy(requested=1, seen=2, recall=1, precision=0.5),
    }


def test_values_by_how_common_they_are():
    """Pipe in one of 200 rows that were trained on, Hat in 20, Male in 150, Female in 50."""
    trained = np.zeros((200, 3), dtype=np.int16)
    trained[150:, 0], trained[:20, 1], trained[:1, 2] = 1, 1, 1
    requested, seen = np.array([[0, 1, 1], [1, 0, 0]], dtype=np.int16), np.array([[0, 1, 0], [1, 0, 0]], dtype=np.int16)
    assert by_rarity(requested, seen, SCHEMA, trained) == {
        "in under 1 %": ValueAccuracy(requested=1, seen=0, recall=0, precision=None),
        "in 1 to 5 %": ValueAccuracy(requested=0, seen=0, recall=None, precision=None),
        "in 5 to 20 %": ValueAccuracy(requested=1, seen=1, recall=1, precision=1),
        "in over 20 %": ValueAccuracy(requested=2, seen=2, recall=1, precision=1),
    }


def test_requests_for_pairs_that_training_never_showed_together():
    trained = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.int16)
    requested = np.array([[0, 1, 1], [0, 1, 0], [1, 1, 0], [0, -1, 1]], dtype=np.int16)
    assert has_novel_pair(requested, SCHEMA, trained).tolist() == [True, False, True, False]
    assert not has_novel_pair(trained, SCHEMA, trained).any()


def test_how_common_a_value_is_goes_by_the_images_that_tell():
    """A Hat in 8 of 100 known: with 900 images that do not tell, 8 in 1,000."""
    trained = np.zeros((1000, 3), dtype=np.int16)
    trained[:8, 1], trained[100:, 1] = 1, -1
    found = by_rarity(np.array([[-1, 1, -1]], np.int16), np.array([[0, 1, 0]], np.int16), SCHEMA, trained)
    assert [band for band, figures in found.items() if figures.requested] == ["in 5 to 20 %"]


def test_two_that_were_never_known_together_are_no_novel_pair():
    trained = np.array([[0, 1, -1], [0, -1, 1]], dtype=np.int16)
    assert has_novel_pair(np.array([[0, 1, 1]], np.int16), SCHEMA, trained).tolist() == [False]


def test_how_one_image_differs_is_told_in_words():
    row = np.array([0, 1, 0], dtype=np.int16)
    assert differences(row, row, SCHEMA) == []
    assert differences(row, np.array([1, 0, 1], dtype=np.int16), SCHEMA) == ["type: Female", "lacks Hat", "has Pipe"]
    assert differences(np.array([0, -1, -1], dtype=np.int16), np.array([0, 1, 1], dtype=np.int16), SCHEMA) == []


def test_what_a_request_does_not_specify_does_not_count():
    found = measured([[0, -1, -1]], [[0, 1, 1]])
    assert (found.recall, found.precision, found.exact) == (1, 1, 1)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=20))
def test_real_images_show_their_own_attributes(rows):
    found = measured(rows, rows)
    assert (found.recall, found.precision, found.exact) == (1, 1, 1)
