"""Reading other people's pickles of plain data without letting them run anything.

A pickle is a program. This reader admits the constructors that NumPy arrays need and refuses every other name, so a file
that asks for `os.system` fails before it is called.
"""

from __future__ import annotations

import io
import pickle

import numpy as np

from noisette.errors import NoisetteError


def _latin1(text: str, encoding: str) -> bytes:
    # The only use of _codecs.encode in a protocol-2 pickle: bytes that Python 2 could write.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"refused to encode as {encoding}")
    return text.encode("latin1")


def _reconstruct(kind: object, shape: object, code: object) -> np.ndarray:
    """numpy's own `_reconstruct`, for plain arrays only: an empty array whose state the pickle then sets."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("refused to build anything but a plain array")
    return np.ndarray((0,), dtype="b")


def _scalar(dtype: object, content: object) -> object:
    if not isinstance(dtype, np.dtype) or dtype.hasobject or not isinstance(content, bytes):
        raise pickle.UnpicklingError("refused to build anything but a plain number")
    return np.frombuffer(content, dtype, count=1)[0]


def _plain_dict(factory: object = None) -> dict[object, object]:
    return {}  # a defaultdict without its default: nothing is ever called


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
    ("collections", "defaultdict"): _plain_dict,
    ("builtins", "int"): int,
    ("builtins", "list"): list,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}") from None


def read_arrays(content: bytes, *, name: str) -> object:
    """What a pickle of arrays, numbers, strings, lists, tuples and dicts holds. `name` is for the error.

    Raises NoisetteError for anything else, and for a damaged file.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    except (pickle.UnpicklingError, ValueError, TypeError, EOFError, AttributeError, IndexError, KeyError, ImportError, MemoryError) as error:
        raise NoisetteError(f"{name} cannot be read: {error}") from error
