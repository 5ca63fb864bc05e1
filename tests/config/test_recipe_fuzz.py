"""Recipes and --set with anything in them: a recipe comes of it, or one line that says what is wrong."""

from __future__ import annotations

import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from noisette.config.recipe import Recipe, dump_recipe, load_recipe, parse_recipe, recipe_names
from noisette.errors import RequestError

TEXTS = {name: dump_recipe(load_recipe(name)) for name in ("digits", "punks", "sprites")}
KEYS = sorted(
    {
        f"{section}.{key}"
        for text in TEXTS.values()
        for section, values in tomllib.loads(text).items()
        if isinstance(values, dict)
        for key in values
    }
    | {
        "summary",
        "dataset",
        "sampling.guidance.scale",
        "sampling.guidance.weights.type",
        "samples.steps",
        "a.b",
        "",
        ".",
    }
)
LEAVES = (
    st.none().map(lambda _: [])
    | st.booleans()
    | st.sampled_from([0, -1, 1, 3, 10**12, 2**63, -(10**30), 10**400, 0.0, -0.0, 1e300, 0.5])
    | st.sampled_from([float("inf"), float("-inf"), float("nan")])
    | st.sampled_from(
        ["", "none", "auto", "ddim", "30m", "1e9h", "99999999999999999999h", "#123456", "8x8", "9" * 5000 + "x8"]
    )
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "kind", "scale", "a", "Top-Hat", "\u202e"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def line(of):
    """The one line of what cannot be."""
    try:
        assert isinstance(of(), Recipe)
    except RequestError as error:
        said = str(error)
    else:
        return ""
    assert 0 < len(said) < 1000
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
def test_a_recipe_with_something_else_in_it(name, data):
    values = tomllib.loads(TEXTS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        section = data.draw(st.sampled_from(sorted(values)))
        place = values if data.draw(st.booleans()) or not isinstance(values[section], dict) else values[section]
        key = data.draw(st.sampled_from(sorted(place)) if place else st.just("a"))
        if data.draw(st.booleans()):
            place[key] = data.draw(VALUES)
        else:
            place.pop(key, None)
        values = values or {"a": 1}
    line(lambda: parse_recipe(tomli_w.dumps(values), source="mutated"))


@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_a_text_that_was_cut_and_typed_into(name, data):
    text = TEXTS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        typed = data.draw(
            st.sampled_from(
                ["", "[", "]", "[[", '"', "=", "\n", "1", "\\", "nan", "\x00", "\ud800", "{", "\n[a.b.c]\n"]
            )
        )
        text = text[:place] + typed + text[place + data.draw(st.integers(0, 30)) :]
    line(lambda: parse_recipe(text, source="mutated"))


@given(
    st.sampled_from(recipe_names()),
    st.lists(st.tuples(st.sampled_from(KEYS), VALUES | st.text(max_size=12)), max_size=3),
)
def test_overrides_with_anything_in_them(name, pairs):
    overrides = [
        f"{key}={value if isinstance(value, str) else tomli_w.dumps({'v': value})[4:]}" for key, value in pairs
    ]
    line(lambda: load_recipe(name, overrides))


DEEP = 20_000


@pytest.mark.parametrize(
    "said",
    [
        "[" * DEEP,
        "a = " + "[" * DEEP,
        "a = " + "{a = " * DEEP,
        "[" + ".".join("a" * DEEP) + "]",
        ".".join("a" * DEEP) + " = 1",
        "a = " + "9" * DEEP,
        "a = 0x" + "f" * DEEP,
        TEXTS["digits"].replace("batch_size = ", "batch_size = 0x" + "f" * DEEP + " # "),
        TEXTS["digits"] + "\n[x." + ".".join("a" * DEEP) + "]",
        "\ud800 = 1",
        b"a = 1",
        None,
        3,
    ],
    ids=range(13),
)
def test_what_is_too_deep_or_too_long_is_one_line(said):
    assert line(lambda: parse_recipe(said, source="given"))


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.steps=" + "[" * DEEP],
        [".".join("a" * DEEP) + "=1"],
        ["training.steps=" + "9" * DEEP],
        ["training.steps=0x" + "f" * DEEP],
        ["training.batch_size=1e400"],
        ["dataset.seed=" + "9" * 4000, "dataset.count=" + "9" * 4000],
        ["x" * 10**6],
        "training.steps=3",
        [3],
        None,
        {"training.steps": 3},
    ],
    ids=range(11),
)
def test_overrides_that_are_none(overrides):
    assert line(lambda: load_recipe("sprites", overrides))


@pytest.mark.parametrize(
    "name", ["", "x" * 10**6 + ".toml", "a\x00.toml", "\ud800.toml", "/", ".toml", None, 3, b"digits", ["digits"]]
)
def test_recipes_that_are_none(name):
    assert line(lambda: load_recipe(name))
