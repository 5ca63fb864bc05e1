"""Reading JSON and traits as strangers write them."""

import json
import math
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.data.collections.entries import Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.metadata import MOST_TRAITS, TraitReader, elements, read_json
from noisette.data.collections.records import traits_of

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.sampled_from(["attributes", "traits", "properties", "trait_type", "value", "name", "image"]) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


@given(st.lists(JSON) | st.dictionaries(st.text(), JSON), st.sampled_from([None, 1, "\t"]))
def test_elements_one_by_one_are_those_that_the_whole_has(whole, indent):
    text = json.dumps(whole, indent=indent)
    expected = whole.items() if isinstance(whole, dict) else enumerate(whole)
    assert repr([(element.key, element.value) for element in elements(text)]) == repr(list(expected))


@given(st.text(alphabet='[]{},:"\\ 1ae-'))
def test_a_text_is_json_for_both_or_for_none(text):
    try:
        whole = json.loads(text, object_pairs_hook=list)
    except ValueError:
        whole = None
    if text.strip()[:1] in ("[", "{") and whole is not None:
        assert len(list(elements(text))) == len(whole)
    else:
        with pytest.raises(ValueError, match="."):
            list(elements(text))


def test_elements_come_before_the_end_is_looked_at():
    assert [element.value for element in islice(elements('[1, {"a": 2}, wrong'), 2)] == [1, {"a": 2}]


@pytest.mark.parametrize("text", ["[1] 2", "[1,]", "[,]", '{"a": 1,}', "{1: 2}", "[1 2]", "", "[", "5", "[" * 100_000])
def test_what_is_no_list_and_no_object_is_refused(text):
    with pytest.raises(ValueError, match="."):
        list(elements(text))


@pytest.mark.parametrize("text", ["[" * 41 + "]" * 41, "[" + "0," * 2_000_001 + "0]"])
def test_one_description_is_bounded(text):
    with pytest.raises(ValueError, match="too deep|too many"):
        read_json(text)


@given(JSON)
def test_whatever_is_said_becomes_traits_or_a_finding(said):
    findings = Findings()
    traits = traits_of(said, "1.png", TraitReader(findings), findings)
    assert traits is not None or findings.of("metadata").count
    for trait in traits or ():
        json.dumps([trait.name, trait.value]).encode()
        assert not isinstance(trait.value, float) or math.isfinite(trait.value)


def test_true_and_one_are_two_values():
    reader = TraitReader(Findings())
    made = [reader.trait("a", value, "") for value in (True, 1, 1.0, "1")]
    assert [type(trait.value) for trait in made] == [bool, int, float, str]


def test_an_image_has_a_bounded_number_of_traits():
    findings = Findings()
    traits = TraitReader(findings).attributes([f"trait {number}" for number in range(5000)], "1.png")
    assert traits[-1] == Trait("attribute", f"trait {MOST_TRAITS - 1}")
    assert len(traits) == MOST_TRAITS
    assert findings.of("trait").names == ["1.png (it has more than 1,000, of which the first count)"]
