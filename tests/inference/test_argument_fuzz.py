"""Requests and arguments that can be anything: a plan comes of them, or one line that says what is wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import noisette
from noisette.config.sampling import SETTINGS, SamplingSettings
from noisette.data.opening import open_dataset
from noisette.errors import NoisetteError
from noisette.inference.loading import planner_of
from noisette.inference.plan import Plan, Start
from noisette.store.locate import locate

PLANNERS = {name: planner_of(locate(name), locate(name).weights()) for name in ("punks", "digits")}
NAMES = sorted(
    {name for planner in PLANNERS.values() for name in planner.schema.names}
    | {group.name for planner in PLANNERS.values() for group in planner.schema.groups}
    | {option for planner in PLANNERS.values() for each in planner.schema.attributes for option in each.options}
)
NUMBERS = (
    st.sampled_from([0, 1, -1, 7, 2**32, 2**63 - 1, 2**63, -(2**63), 10**400, -(10**400), 1 << 20_000])
    | st.floats()
    | st.booleans()
    | st.sampled_from(
        [np.int8(3), np.int64(-3), np.uint64(2**64 - 1), np.float32("nan"), np.bool_(True), np.float64(0.5)]
    )
)
ANYTHING = (
    NUMBERS
    | st.none()
    | st.text(max_size=8)
    | st.sampled_from(
        ["x" * 10**5, b"Male", (), [], {}, set(), object(), int, 3j, range(10**12), range(3), slice(None)]
    )
    | st.sampled_from(
        [np.zeros(3), np.zeros((2, 2), int), np.array(3), np.array(["Male"]), np.array([], int), torch.zeros(2)]
    )
    | st.builds(itertools.count)
    | st.builds(lambda: (each for each in [1, 2]))
    | st.lists(NUMBERS | st.text(max_size=3), max_size=3)
    | st.dictionaries(st.text(max_size=3) | st.integers(), NUMBERS | st.text(max_size=3) | st.none(), max_size=3)
)
PARTS = st.tuples(
    st.sampled_from(["", "-", "no ", "+", "!", "not-", '"', "\u2212", "\u00a0", "no no "]),
    st.sampled_from(NAMES) | st.text(max_size=6),
    st.sampled_from(["", "=", ":", '"', "=yes", "=none", "=-1", "=7", "\x00", "=\ud800", "%", "=="]),
    st.sampled_from(["", *NAMES]) | st.text(max_size=4),
).map("".join)
REQUESTS = (
    st.lists(PARTS, max_size=4).map(",".join)
    | st.dictionaries(PARTS | st.sampled_from(NAMES), ANYTHING, max_size=3)
    | st.dictionaries(st.sampled_from(NAMES), st.booleans() | st.sampled_from(NAMES), max_size=3)
    | ANYTHING
)


def line(of):
    """The one line of what cannot be; empty where it can."""
    try:
        of()
    except NoisetteError as error:
        said = str(error)
    else:
        return ""
    assert 0 < len(said) < 2000
    assert "\n" not in said
    return said


@given(st.sampled_from(sorted(PLANNERS)), REQUESTS, st.booleans(), st.booleans())
def test_a_request_can_be_anything(name, request, only, unseen):
    planner = PLANNERS[name]

    def parsed():
        found = planner.parse(request, only=only, allow_unseen=unseen)
        again = planner.parse(found.attributes, allow_unseen=True)
        assert again.attributes == found.attributes

    line(parsed)


@given(st.sampled_from(sorted(PLANNERS)), st.data())
def test_the_arguments_of_a_drawing_can_be_anything(name, data):
    planner = PLANNERS[name]
    settings = data.draw(st.dictionaries(st.sampled_from(sorted(SETTINGS)), ANYTHING, max_size=2))
    wrong = data.draw(st.sampled_from(["request", "seeds", "settings", "preset", "start", "several"]))
    given_ = {
        "request": data.draw(REQUESTS) if wrong == "request" else None,
        "seeds": data.draw(ANYTHING) if wrong == "seeds" else [3],
        "preset": data.draw(ANYTHING) if wrong == "preset" else None,
    }
    if wrong == "several":
        given_["request"] = data.draw(st.lists(REQUESTS, max_size=3))

    def planned():
        start = Start.of(data.draw(ANYTHING | st.tuples(ANYTHING, ANYTHING))) if wrong == "start" else None
        chosen = SamplingSettings.of(**settings) if wrong == "settings" else None
        plan = planner.plan(**given_, settings=chosen, start=start)
        assert Plan.from_metadata(plan.metadata()) == plan.model_copy(update={"notes": ()})

    line(planned)


@given(ANYTHING, ANYTHING, st.sampled_from(["negative", "weights"]), st.data())
def test_amounts_can_be_anything(name, amount, setting, data):
    key = data.draw(PARTS | st.sampled_from(NAMES))
    line(lambda: PLANNERS["punks"].plan("Male", seeds=[0], settings=SamplingSettings.of(**{setting: {key: amount}})))
    line(lambda: PLANNERS["punks"].random_request(name, without=[key]))
    line(lambda: PLANNERS["punks"].random_request(0, without=name))


@given(ANYTHING, ANYTHING)
def test_the_arguments_of_loading_and_opening_can_be_anything(one, other):
    line(lambda: noisette.open_dataset(one, size=other))
    line(lambda: open_dataset("sprites", size=one, count=3))
    line(lambda: open_dataset("sprites", count=1, seed=one, background=other))
    line(lambda: noisette.load_recipe(one, other))
    line(lambda: locate("digits").weights(other))


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([True], "a seed must be a whole number, 0 or more, and below 2**63, not True"),
        ([2**63], "below 2**63, not 9223372036854775808"),
        ([1.0], "a seed must be a whole number"),
        (range(10**12), "a drawing has at most 1,000,000 images"),
        (range(2**70), "a drawing has at most 1,000,000 images"),
        (iter([1]), "seeds are a sequence of whole numbers"),
        (np.array([[1]]), "a seed must be a whole number"),
        (np.array(1), "give at least one seed"),
        ({1, 2}, "seeds are a sequence"),
        ("12", "seeds are a sequence"),
    ],
)
def test_seeds_that_are_none(seeds, message):
    assert message in line(lambda: PLANNERS["digits"].plan("7", seeds=seeds))


def test_seeds_of_numpy_and_torch_are_seeds():
    for seeds in (np.arange(2), torch.arange(2), [np.int64(0), np.uint8(1)], range(2), (0, 1)):
        assert PLANNERS["digits"].plan("7", seeds=seeds).seeds == (0, 1)
