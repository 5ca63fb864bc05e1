"""What a model can be asked for, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import numpy as np

from noisette.attributes.evidence import surprising
from noisette.attributes.schema import AttributeSchema, Value
from noisette.attributes.statistics import Statistics, value_names

_MOST_UNSEEN = 1000
"""Pairs with an option in them that are all told."""


def attribute_facts(schema: AttributeSchema, statistics: Statistics) -> dict[str, Any]:
    """What can be asked for, how common it is, and what never occurs together.

    Args:
        schema: The attributes.
        statistics: Counts of the images that were trained on.

    Returns:
        What JSON can hold.

    Raises:
        RequestError: The statistics are of another schema.
    """
    statistics.check(schema)
    names = value_names(schema)
    counts = dict(zip(names, statistics.counts, strict=True))
    unit_of = dict(zip(schema.names, schema.units, strict=True))
    members = {member for group in schema.groups for member in group.members}
    choices, flags = (
        [attribute for attribute in schema.attributes if attribute.kind in kind]
        for kind in (("choice", "range"), ("flag",))
    )
    never: dict[str, list[str]] = {}  # by the option of a choice
    among: list[list[str]] = []
    flag = np.array([what is True for _, what in names], dtype=np.bool_)
    units = np.array([unit_of[name] for name, _ in names])
    both_known = statistics.known_of_values(schema)
    unseen = (statistics.table == 0) & (units[:, None] != units) & (both_known > 0)
    # Of hundreds of options nearly no two were seen together, and that says nothing but where chance would show them.
    of_options = unseen & ~(flag[:, None] & flag)
    if of_options.sum() > 2 * _MOST_UNSEEN:
        unseen &= ~of_options | surprising(schema, statistics)
    for first, second in np.argwhere(np.triu(unseen)):
        one, two = names[first], names[second]
        if one[1] is not True:
            never.setdefault(_label(one), []).append(_label(two))
        elif two[1] is not True:
            never.setdefault(_label(two), []).append(_label(one))
        else:
            among.append([_label(one), _label(two)])
    known = dict(zip((name for name, _ in names), both_known.diagonal().tolist(), strict=True))
    return {
        "images": statistics.images,
        "known": {name: count for name, count in known.items() if count < statistics.images},
        "ranges": [choice.name for choice in choices if choice.kind == "range"],
        "choices": {
            choice.name: {option: counts[choice.name, option] for option in choice.options} for choice in choices
        },
        "groups": {group.name: {member: counts[member, True] for member in group.members} for group in schema.groups},
        "flags": {flag.name: counts[flag.name, True] for flag in flags if flag.name not in members},
        "never_with": never,
        "never_together": among,
    }


def describe_attributes(found: Mapping[str, Any], *, everything: bool) -> str:
    """What can be asked for, for a person to read.

    Args:
        found: What `attribute_facts` gave.
        everything: Also the long lists of what was never seen together.

    Returns:
        Lines of text.
    """
    lines = [f"counted in the {found['images']:,} images it was trained on"]
    for title, sections in (("exactly one of", found["choices"]), ("at most one of", found["groups"])):
        for name, members in sections.items():
            known = f"; known of {found['known'][name]:,}" if name in found["known"] else ""
            lines += ["", f"{name} ({title}{known})", *_cells(members, in_order=name in found["ranges"])]
    if found["flags"]:
        lines += ["", "any of", *_cells(found["flags"])]
    flags = [flag for members in (*found["groups"].values(), found["flags"]) for flag in members]
    if fewer := [f"{flag} {found['known'][flag]:,}" for flag in flags if flag in found["known"]]:
        lines += ["", "known of fewer images, present or absent", *wrap(", ".join(fewer), 98, initial_indent="  ")]
    if found["never_with"]:
        lines += ["", "never seen with"]
        for name, others in found["never_with"].items():
            shown_names = (
                others
                if everything or len(others) <= 8
                else [*others[:8], f"and {len(others) - 8} more (--all lists them)"]
            )
            lines += wrap(f"{name}: {', '.join(shown_names)}", 100, initial_indent="  ", subsequent_indent="    ")
    if among := found["never_together"]:
        lines += [
            "",
            f"{len(among):,} other pairs were never seen together" + ("" if everything else " (--all lists them)"),
        ]
        lines += [f"  {one} and {two}" for one, two in among] if everything else []
    return "\n".join(lines)


def _label(value: tuple[str, Value]) -> str:
    name, what = value
    return name if what is True else f"{name} {what}"


def _cells(counts: Mapping[str, int], *, in_order: bool = False) -> list[str]:
    """Names with counts, commonest first unless their order says something, in columns."""
    ordered = list(counts.items()) if in_order else sorted(counts.items(), key=lambda item: -item[1])
    width = max(len(f"{name} {count:,}") for name, count in ordered) + 3
    cells = [f"{name} {count:,}".ljust(width) for name, count in ordered]
    across = max(1, 98 // width)
    return ["  " + "".join(cells[start : start + across]).rstrip() for start in range(0, len(cells), across)]
