"""Reading other people's pickles of plain data without letting them run anything.

A pickle is a program. This reader admits the few names that arrays of numbers and strings need and refuses every other,
so a file that asks for `os.system` fails before it is called. Not even NumPy's own constructors are handed to the file,
as some of their arguments crash Python: it gets stand-ins, and the arrays are made from those, checked, at the end.
"""

from __future__ import annotations

import io
import pickle
import re

import numpy as np
from numpy.typing import NDArray

from noisette.errors import NoisetteError


def read_arrays(content: bytes, *, name: str) -> object:
    """Read a pickle of arrays, numbers, strings, lists, tuples and dicts.

    Args:
        content: The bytes of the pickle.
        name: What it is called in errors.

    Returns:
        What it holds; arrays are read-only, a defaultdict is a dict.

    Raises:
        NoisetteError: There is anything else in it, or it is damaged.
    """
    try:
        return _finished(_Reader(io.BytesIO(content), encoding="latin1").load())
    except Exception as error:  # a damaged pickle raises all kinds
        raise NoisetteError(f"{name} cannot be read: {' '.join(str(error).split())}") from error


class _Type:
    """Stands in for numpy.dtype."""

    def __init__(self, code: str, *_: object) -> None:
        self._code, self._order = code, "|"

    def __setstate__(self, state: tuple[object, str]) -> None:
        self._order = state[1]

    def finished(self) -> np.dtype[np.generic]:
        if not re.fullmatch(r"[<>|=][biufcSU]\d{1,6}", self._order + self._code):
            raise pickle.UnpicklingError(f"refused an array of type {self._code}")
        return np.dtype(self._order + self._code)


class _Array:
    """Stands in for an array that the pickle makes empty and fills later."""

    def __init__(self, *_: object) -> None:
        self.__setstate__((1, (0,), _Type("u1"), False, b""))

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Type, bool, bytes | str]) -> None:
        _, self._shape, self._type, self._fortran, content = state
        self._content = content.encode("latin1") if isinstance(content, str) else content  # Python 2 had no bytes

    def finished(self) -> NDArray[np.generic]:
        return np.ndarray(self._shape, self._type.finished(), self._content, order="F" if self._fortran else "C")


def _array_of(content: bytes, kind: _Type, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, kind, order == "F", content))
    return array


def _scalar(kind: _Type, content: bytes | str) -> object:
    array = _Array()
    array.__setstate__((1, (), kind, False, content))
    return array.finished()[()]


def _bytes(text: str = "", encoding: str = "latin1") -> bytes:
    """How protocol 2 writes bytes."""
    return text.encode(encoding)


def _dict(*_: object) -> dict[object, object]:
    return {}


_NAME_ONLY = object()
_ADMITTED = {
    "numpy.ndarray": _NAME_ONLY,
    "numpy.dtype": _Type,
    "numpy._core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.numeric._frombuffer": _array_of,
    "_codecs.encode": _bytes,
    "builtins.bytes": _bytes,
    "collections.defaultdict": _dict,
    "builtins.int": _NAME_ONLY,  # what a defaultdict would call
    "builtins.long": _NAME_ONLY,
    "builtins.list": _NAME_ONLY,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        now = f"{module}.{name}".replace("numpy.core.", "numpy._core.").replace("__builtin__.", "builtins.")
        if now not in _ADMITTED:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}")
        return _ADMITTED[now]


def _finished(loaded: object) -> object:
    """`loaded` with arrays in place of what stands in for them, and nothing in it but plain data."""
    if isinstance(loaded, _Array | _Type):
        return loaded.finished()
    if isinstance(loaded, list):
        return [_finished(item) for item in loaded]
    if isinstance(loaded, tuple):
        return tuple(_finished(item) for item in loaded)
    if isinstance(loaded, dict):
        return {_finished(key): _finished(value) for key, value in loaded.items()}
    if loaded is None or isinstance(loaded, bool | int | float | str | bytes | np.generic):
        return loaded
    raise pickle.UnpicklingError(
        f"refused to load a {type(loaded).__name__}" if loaded is not _NAME_ONLY else "refused to load a class"
    )
