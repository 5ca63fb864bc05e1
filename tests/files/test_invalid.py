"""What pydantic finds wrong is said in our words, wherever it comes from."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from noisette.errors import RequestError
from noisette.files.invalid import in_short
from noisette.files.toml import read_toml


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    share: float | dict[str, float] = 0.0
    names: tuple[str, ...] = Field((), max_length=2)


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(1, ge=1)
    on: bool = True
    parts: dict[str, Part] = {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cuont = 3", "no setting cuont; nearest: count"),
        ("zzz = 3", "no setting zzz; the file takes count, on, parts"),
        ("count = 0", "count = 0: must be greater than or equal to 1"),
        ("count = 1.5", "count = 1.5: must be a whole number"),
        ("count = [1]", "count = [1]: must be a whole number"),
        ("on = 'perhaps'", 'on = "perhaps": must be true or false'),
        ("[parts.a]\nshrae = 1", "no setting parts.a.shrae; nearest: share"),
        ("[parts.a]\nzzz = 1", "no setting parts.a.zzz; a takes share, names"),
        ("[parts.a]\nshare = 'x'", 'parts.a.share = "x": must be a number or a section of names and values'),
        ("[parts.a.share]\nb = 'x'", 'parts.a.share.b = "x": must be a number'),
        ("[parts.a]\nnames = ['b', 3]", "parts.a.names.1 = 3: must be a text"),
        ("[parts.a]\nnames = ['b', 'c', 'd']", 'parts.a.names = ["b", "c", "d"]: the list is of 3; give 2 at most'),
        ("count = ", "is not TOML: "),
    ],
)
def test_a_wrong_file_is_one_line_with_file_key_and_mend(tmp_path, text, told):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(RequestError) as error:
        read_toml(Whole, file)
    assert str(error.value).startswith(str(file))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"count": "many"}, "count: must be a whole number"),
        ({"more": 1}, "more: there is no such key"),
        ({"parts": [1]}, "parts: must be a section of names and values"),
    ],
)
def test_of_a_damaged_file_no_content_is_told(values, told):
    with pytest.raises(ValidationError) as error:
        Whole.model_validate(values)
    assert in_short(error.value) == told
