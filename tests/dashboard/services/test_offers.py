"""What a form shows of many values."""

from __future__ import annotations

import pytest

from noisette.dashboard.services.offers import Offer, commonest_first, named, offer, share

HATS = [f"Hat {number}" for number in range(300)]


def test_the_commonest_come_first_and_equals_keep_their_order():
    assert commonest_first({"a": 1, "b": 9, "c": 1, "d": 4}) == ["b", "d", "a", "c"]


def test_the_first_are_shown_and_the_others_counted():
    assert offer(HATS, most=3) == Offer(["Hat 0", "Hat 1", "Hat 2"], 297)
    assert offer(HATS, most=None) == Offer(HATS, 0)


def test_what_is_chosen_is_shown_whatever_is_searched_for_or_hidden():
    assert offer(HATS, search="hat 11", chosen=["Hat 250"], hidden=["Hat 250", "Hat 110"], most=2) == Offer(
        ["Hat 11", "Hat 111", "Hat 250"], 8
    )


def test_who_searches_for_the_attribute_is_shown_its_values():
    assert offer(["Red", "Blue"], search="colour", about="Colour").shown == ["Red", "Blue"]
    assert offer(["Red", "Blue"], search="re", about="Colour").shown == ["Red"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0%"), (1, "<0.1%"), (44, "0.4%"), (990, "9.9%"), (3840, "38%"), (10_000, "100%")]
)
def test_a_share_is_never_nothing_of_what_is_there(count, text):
    assert share(count, 10_000) == text


def test_many_names_are_cut():
    assert named(HATS, 2) == ("Hat 0, Hat 1", 298)
    assert named(["a"]) == ("a", 0)
