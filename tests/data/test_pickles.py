from __future__ import annotations

import functools
import os
import pickle
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from noisette.data.pickles import read_arrays
from noisette.errors import NoisetteError

ARRAYS = {
    "bytes": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "floats": np.linspace(-1, 1, 7, dtype=np.float32),
    "column by column": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "every other": np.arange(20)[::2],
    "big-endian": np.arange(3, dtype=">i4"),
    "booleans": np.array([[True, False]]),
    "strings": np.array(["a", "bcd", "é"]),
    "one number": np.array(3.5),
    "nothing": np.zeros((0, 3)),
}
PLAIN = {
    "numbers": [1, -(2**70), 2.5, True, None],
    "texts": ("é", b"\x00\xff", ""),
    "empty": [[], (), {}, b""],
    "counts": defaultdict(int, {"a": 1}),
    "groups": defaultdict(list, {"a": [1]}),
    "nested": {"a": [({"b": 1},)], 2: "c"},
    "scalars": [np.float64(0.1), np.int16(-3), np.bool_(True), np.uint8(255)],
}
PROTOCOLS = range(2, 6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_back(array, protocol):
    read = read_arrays(pickle.dumps({"x": [array, (array, 1)]}, protocol=protocol), name="x")
    for found in (read["x"][0], read["x"][1][0]):
        assert type(found) is np.ndarray
        assert found.dtype == array.dtype
        assert_array_equal(found, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_data_come_back(value, protocol):
    assert read_arrays(pickle.dumps(value, protocol=protocol), name="x") == value


def test_an_array_that_python_2_wrote_comes_back():
    old = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x07\\xff'\ntb."
    assert_array_equal(read_arrays(old, name="x"), [7, 255])


class Call:
    """Pickles as a call, which reading would make."""

    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, ...]:
        return self.call


def calls(witness: Path) -> dict[str, Call]:
    write = f"open({str(witness)!r}, 'w').close()"
    return {
        "os.system": Call(os.system, (f"touch {witness}",)),
        "builtins.exec": Call(exec, (write,)),
        "builtins.eval": Call(eval, (write,)),
        "functools.partial": Call(functools.partial(os.system, f"touch {witness}"), ()),
        "os.mkdir": Call(os.mkdir, (str(witness),)),
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", calls(Path()))
@pytest.mark.parametrize(
    "wrap",
    [lambda call: call, lambda call: {"a": [call]}, lambda call: np.array([call, 1], dtype=object)],
    ids=["bare", "deep", "array"],
)
def test_a_call_is_refused_and_never_made(tmp_path, name, protocol, wrap):
    witness = tmp_path / "witness"
    content = pickle.dumps(wrap(calls(witness)[name]), protocol=protocol)
    with pytest.raises(NoisetteError, match="^some file cannot be read: refused to load "):
        read_arrays(content, name="some file")
    assert not witness.exists()
    pickle.loads(content)  # what a plain reader would have done
    assert witness.exists()


@pytest.mark.parametrize(
    "value",
    [np.array([1, "a"], dtype=object), np.zeros(2, dtype=[("a", "i4")]), {1, 2}, int, np.ndarray, Path("x")],
    ids=str,
)
def test_what_is_not_plain_is_refused(value):
    for protocol in PROTOCOLS:
        with pytest.raises(NoisetteError, match="^x cannot be read: refused"):
            read_arrays(pickle.dumps(value, protocol=protocol), name="x")


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x80", b"\x80\x09.", b"<html>not found</html>", b".", b"]" * 10]
)
def test_garbage_is_refused(content):
    with pytest.raises(NoisetteError, match="^x cannot be read: "):
        read_arrays(content, name="x")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # CPython's own, over truncated bytearrays
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_truncated_file_is_refused(protocol):
    whole = pickle.dumps([*ARRAYS.values(), PLAIN], protocol=protocol)
    for end in range(len(whole)):
        with pytest.raises(NoisetteError):
            read_arrays(whole[:end], name="x")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(deadline=None)
@given(st.data())
def test_damage_is_refused_or_harmless(data):
    content = bytearray(
        pickle.dumps([*ARRAYS.values(), *PLAIN.values()], protocol=data.draw(st.sampled_from(PROTOCOLS)))
    )
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    with suppress(NoisetteError):
        read_arrays(bytes(content), name="x")


@settings(deadline=None)
@given(
    st.integers(2, 5),
    st.sampled_from(["u1", "<f4", ">i2", "?", "<c8"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.randoms(),
)
def test_any_array_comes_back_from_any_protocol(protocol, dtype, shape, random):
    array = np.frombuffer(random.randbytes(16 * 27), np.uint8)[: np.dtype(dtype).itemsize * int(np.prod(shape))].view(
        np.uint8
    )
    array = (array & 1).view(dtype).reshape(shape)
    found = read_arrays(pickle.dumps(array, protocol=protocol), name="x")
    assert found.dtype == array.dtype
    assert_array_equal(found, array)
