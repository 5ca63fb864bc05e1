"""Settings of a recipe as text."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from noisette.dashboard.services.overrides import as_toml

TOML = st.recursive(
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x7f")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\x7f")), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(TOML)
def test_values_are_written_as_toml_has_them(value):
    assert tomllib.loads(f"value = {as_toml(value)}")["value"] == value
