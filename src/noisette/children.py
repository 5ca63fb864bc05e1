"""The Python programs that this one starts.

Python looks for every module, `pip` and `torch` too, in the current folder first, and runs what it finds there. That
folder may come from anybody, so what is started here does not look there.
"""

from __future__ import annotations

import os
import sys


def command(*arguments: str) -> list[str]:
    """The command that starts a Python program, such as `command("-m", "noisette", "train", "punks")`.

    Args:
        arguments: Of Python.

    Returns:
        The words of the command; to be started with `environment()`.
    """
    return [sys.executable, "-P", *arguments]


def environment(**variables: str) -> dict[str, str]:
    """The variables that a Python program is started with: this program's, but what it starts does not look into the
    current folder either.

    Args:
        variables: Others.

    Returns:
        The variables by name.
    """
    found = {**os.environ, "PYTHONSAFEPATH": "1", **variables}
    if path := found.pop("PYTHONPATH", ""):  # an empty entry, as of a colon too many, is the current folder
        found["PYTHONPATH"] = os.pathsep.join(filter(None, path.split(os.pathsep)))
    return found
