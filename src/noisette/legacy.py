"""Names of version 0.1 in JSON: files that carry them are read, and `--json` prints them beside the new ones.

This holds for one version. Then this module goes, with the few calls of its functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RENAMED = {
    "judge": "classifier",
    "obedience": "attribute_accuracy",
    "new_pairs": "novel_pairs",
    "exactness": "pixel_accuracy",
    "by_pixels.judge_agrees": "by_pixels.classifier_agrees",
    "memorisation.unworn": "memorisation.novel_combinations",
    "pixel_art.stray": "pixel_art.isolated",
    "by_value.*.asked": "by_value.*.requested",
    "by_rarity.*.asked": "by_rarity.*.requested",
    "by_rarity.worn by under 1 %": "by_rarity.in under 1 %",
    "by_rarity.by 1 to 5 %": "by_rarity.in 1 to 5 %",
    "by_rarity.by 5 to 20 %": "by_rarity.in 5 to 20 %",
    "by_rarity.by over 20 %": "by_rarity.in over 20 %",
    "guidance.excluded": "guidance.negative",
    "sampling.complete": "sampling.impute",
    "hidden": "occluded",
    "hidden_images": "occluded_images",
    "hidden_beside": "occluded_beside",
}
"""Old name to new name. With dots, the last part is renamed below keys that end in the rest; * stands for any key."""

_OF_THE_DATA = ("by_value", "hidden", "occluded", "weights", "excluded", "negative")
"""Keys whose own keys are names of attributes and values, which are never renamed."""

_PATHS = ("plotted",)
"""Keys of lists of paths to figures."""

_Rules = Mapping[tuple[str, ...], str]

_TO_NEW: _Rules = {tuple(old.split(".")): new.rpartition(".")[2] for old, new in RENAMED.items()}
_TO_OLD: _Rules = {tuple(new.split(".")): old.rpartition(".")[2] for old, new in RENAMED.items()}


def modernise(tree: Any) -> Any:
    """Rename what a file of version 0.1 calls otherwise.

    Args:
        tree: What JSON can hold, with old names, new ones, or both.

    Returns:
        A copy with new names alone.
    """
    return _modernised(tree, ())


def with_old_keys(tree: Any) -> Any:
    """Add the names of version 0.1, so that a script that looks for them finds them.

    Args:
        tree: What JSON can hold, with new names.

    Returns:
        A copy in which each renamed key has its value under the old name too, after all new ones.
    """
    return _with_old_keys(tree, ())


def old_path(path: str) -> str:
    """Translate the path of a figure.

    Args:
        path: Its path today, such as `pixel_art.isolated`.

    Returns:
        Its path in version 0.1, such as `pixel_art.stray`; the same if it was not renamed.
    """
    found: str = _translated((), path, _TO_OLD)
    return found


def _modernised(tree: Any, above: tuple[str, ...]) -> Any:
    if isinstance(tree, Mapping):
        return {_translated(above, key, _TO_NEW): _modernised(each, (*above, str(key))) for key, each in tree.items()}
    if isinstance(tree, list | tuple):
        return [_modernised(each, above) for each in tree]
    return _translated((), tree, _TO_NEW) if above and above[-1] in _PATHS else tree


def _with_old_keys(tree: Any, above: tuple[str, ...]) -> Any:
    if isinstance(tree, Mapping):
        new = {key: _with_old_keys(each, (*above, str(key))) for key, each in tree.items()}
        old = {_translated(above, key, _TO_OLD): each for key, each in new.items()}
        return new | {key: each for key, each in old.items() if key not in new}
    if isinstance(tree, list | tuple):
        return [_with_old_keys(each, above) for each in tree]
    return tree


def _translated(above: tuple[str, ...], key: Any, rules: _Rules) -> Any:
    """A key below others, each of its parts renamed; what is no text, or is a name of the data, stays."""
    if not isinstance(key, str) or (above and above[-1] in _OF_THE_DATA):
        return key
    before, after = above, []
    for part in key.split("."):
        before = (*before, part)
        after.append(next((to for rule, to in rules.items() if _ends_with(before, rule)), part))
    return ".".join(after)


def _ends_with(path: tuple[str, ...], rule: tuple[str, ...]) -> bool:
    return len(path) >= len(rule) and all(
        wanted in ("*", there) for wanted, there in zip(rule, path[-len(rule) :], strict=True)
    )
