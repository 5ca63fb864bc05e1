"""A plan is what a picture carries: it goes through JSON, comes back checked, and is never believed."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError
from noisette.inference.loading import planner_of
from noisette.inference.plan import Plan, Start, alike, joined, with_old_keys
from noisette.store.locate import locate

PUNKS = planner_of(locate("punks"), locate("punks").weights())
SEEDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4)
STARTS = st.builds(Start, around=st.integers(0, 2**63 - 1), strength=st.floats(0, 1)) | st.just(Start())
REQUESTS = st.sampled_from([None, "Female", "Male, no earring", {"type": "Ape"}])


@given(REQUESTS, SEEDS, STARTS, st.booleans())
def test_a_plan_comes_back_from_json_and_is_planned_again_as_it_is(request_, seeds, start, impute):
    plan = PUNKS.plan(request_, seeds=seeds, settings=SamplingSettings.of(impute=impute), start=start)
    again = Plan.from_metadata(json.loads(json.dumps(plan.metadata())))
    assert again == plan.model_copy(update={"notes": ()})
    assert PUNKS.replan(again) == again


@given(SEEDS, STARTS)
def test_the_keys_of_version_0_1_stand_beside_and_are_read_alone(seeds, start):
    plan = PUNKS.plan("Female", seeds=seeds, start=start)
    both = with_old_keys(plan.metadata())
    old = {name: value for name, value in both.items() if name not in ("imputed", "start")}
    old["sampling"] = {name: value for name, value in both["sampling"].items() if name not in ("impute", "palette")}
    guidance = both["sampling"]["guidance"].items()
    old["sampling"]["guidance"] = {name: value for name, value in guidance if name != "negative"}
    assert Plan.from_metadata(old) == plan.model_copy(update={"notes": ()})


def test_plans_that_differ_in_seeds_and_requests_alone_are_drawn_as_one():
    plans = [PUNKS.plan(asked, seeds=[seed]) for asked, seed in (("Female", 3), ("Zombie", 4))]
    together = joined(plans)
    assert together.seeds == (3, 4)
    assert [together.alone(place) for place in range(2)] == [plan.model_copy(update={"notes": ()}) for plan in plans]
    assert not alike(plans[0], PUNKS.plan("Female", seeds=[3], settings=SamplingSettings.of(steps=3)))


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": []},
        {"seeds": [-1]},
        {"seeds": [2**63]},
        {"attributes": [{"type": "Female"}] * 3},
        {"attributes": {"type": "Dog"}},
        {"imputed": [{}, {}]},
        {"scale": 1000},
        {"more": 1},
        {"sampling": None},
        {"start": {"around": 3, "strength": 7}},
    ],
)
def test_a_plan_that_was_changed_is_refused_in_a_line(change):
    said = {**PUNKS.plan("Female", seeds=[1, 2]).metadata(), **change}
    with pytest.raises(RequestError, match="^[^\n]+$"):
        PUNKS.replan(Plan.from_metadata(json.loads(json.dumps(said))))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"sampling": 7}, "sampling should be an object"),
        ({"sampling": {"guidance": [1]}}, "sampling.guidance should be an object"),
        ({"variation": 7}, "variation should be an object with of and strength"),
        ({"variation": {"of": 7}}, "variation should be an object with of and strength"),
        ({"attributes": [{}, {}], "absent": [[1]]}, "absent should be a list of names"),
        ({"attributes": [7, {}], "absent": ["Earring"]}, "attributes should be a list of objects"),
    ],
)
def test_what_was_changed_is_named_in_our_words(change, line):
    said = {**PUNKS.plan("Female", seeds=[1, 2]).metadata(), **change}
    with pytest.raises(RequestError, match=re.escape(f"what it says was changed ({line})")):
        Plan.from_metadata(said)


def test_an_imputed_attribute_that_is_not_what_was_asked_for_is_refused():
    said = PUNKS.plan("Female", seeds=[1]).metadata()
    said["imputed"][0]["type"] = "Male"
    with pytest.raises(RequestError, match="it was changed"):
        PUNKS.replan(Plan.from_metadata(said))


@pytest.mark.parametrize("variation", [7, (7,), (7, 2), (7, "much"), (-1, 0.2), (7, True), "78"])
def test_what_is_no_variation_is_refused(variation):
    with pytest.raises(RequestError, match="^[^\n]+$"):
        Start.of(variation)


@pytest.mark.parametrize(
    "codes",
    [
        np.full((2, 89), 99),
        np.full((2, 89), -2),
        np.zeros((2, 3), int),
        np.zeros(89, int),
        np.zeros((2, 89)),
        np.zeros((3, 89), int),
        np.array(7),
    ],
    ids=["too large", "too small", "too narrow", "flat", "no whole numbers", "too many", "a number"],
)
def test_codes_that_are_none_are_refused(codes):
    assert len(PUNKS.schema.attributes) == 89
    with pytest.raises(RequestError, match="^[^\n]+$"):
        PUNKS.plan(codes, seeds=[1, 2])
