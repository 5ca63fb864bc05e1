"""Which of many values a form offers at once, and how each is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

MOST_SHOWN = 24
"""Values of one attribute that are shown before a person asks for all."""
_MOST_NAMED = 5


@dataclass(frozen=True)
class Offer:
    """What is shown of the values of an attribute.

    Attributes:
        shown: The values, in their order.
        more: How many others fit what is searched for.
    """

    shown: list[str]
    more: int


def commonest_first(counts: Mapping[str, int]) -> list[str]:
    """The values, those of most images first; of as many images in the order that they have.

    Args:
        counts: Images by value.
    """
    return sorted(counts, key=lambda name: -counts[name])


def offer(
    values: Collection[str],
    *,
    search: str = "",
    about: str = "",
    chosen: Collection[str] = (),
    hidden: Collection[str] = (),
    most: int | None = MOST_SHOWN,
) -> Offer:
    """Choose what to show of many values.

    Args:
        values: All, in their order.
        search: A part of their names, or of `about`, in small letters; empty for all.
        about: What they are values of: who searches for it is shown them all.
        chosen: Those that are shown in any case.
        hidden: Those that cannot be asked for.
        most: How many are shown besides those that are chosen; None for all.

    Returns:
        The first that fit, and those that are chosen.
    """
    fit = [each for each in values if fits(search, each, about) and each not in hidden]
    kept = {*fit[:most], *chosen}
    shown = [each for each in values if each in kept]
    return Offer(shown, len([each for each in fit if each not in kept]))


def fits(search: str, value: str, about: str = "") -> bool:
    """Whether a value, or what it is a value of, has in its name what is searched for.

    Args:
        search: In small letters; empty for all.
        value: A name.
        about: The name of its attribute.
    """
    return search in f"{about} {value}".casefold()


def share(count: int, images: int) -> str:
    """How much of the images, such as "38%"; of rare values with a digit more, and never 0% of what is there.

    Args:
        count: Images that have a value.
        images: All.
    """
    part = count / max(images, 1)
    if 0 < part < 0.0005:
        return "<0.1%"
    return f"{part:.1%}" if 0 < part < 0.0995 else f"{part:.0%}"


def named(names: Collection[str], most: int = _MOST_NAMED) -> tuple[str, int]:
    """The first of many names, with commas between, and how many are left.

    Args:
        names: All.
        most: How many are named.
    """
    return ", ".join(list(names)[:most]), max(0, len(names) - most)
