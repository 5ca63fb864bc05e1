"""What a collection is and what is wrong with it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noisette.text import shortened

_MOST = 12  # names of a finding, values of an attribute
_WIDEST = 160  # letters of them in a line
_LONGEST = 72  # letters of one


def describe(found: Mapping[str, Any]) -> str:
    """What a collection is, for a person to read: problems first.

    Args:
        found: What `noisette.data.collections.inspection.facts` gave, its texts made plain.

    Returns:
        Lines of text.
    """
    lines = [
        f"{found['name']}: {found['images']:,} of {found['found']:,} images, {found['width']}x{found['height']}"
        f" {found['mode']}; {found['how']}"
    ]
    for title, severity in (("problems", "problem"), ("notes", "note")):
        rows = [each for each in found["findings"] if each["severity"] == severity]
        if rows:
            lines += ["", title]
            for each in rows:
                advice = f"; {each['advice']}" if each["advice"] else ""
                lines.append(f"  {each['count']:>6,}  {each['title']}{advice}")
                lines.append(f"          {listed(each['names'], each['count'])}")
    if not found["findings"]:
        lines.append("nothing was found that is wrong")
    lines.append("")
    if not found["images"]:
        return "\n".join(lines).rstrip()
    if found["enlarged_by"] > 1:
        lines.append(f"scale        enlarged by {found['enlarged_by']}; reduced exactly")
    if found["files"] != found["folder"]:
        lines.append(f"files        {found['files']}; a collection.toml goes there")
    lines.append("splits       " + ", ".join(f"{name} {count:,}" for name, count in found["splits"].items()))
    colours = found["colours"] if found["colours"] is not None else f"more than {found['colours_at_most']:,}"
    lines.append(
        f"colours      {colours} in all, {found['colours_of_an_image']} in an image; commonest: "
        + ", ".join(f"{colour} {share:.1%}" for colour, share in found["commonest_colours"].items())
    )
    if "transparent" in found:
        half = f", {found['half_transparent']:.1%} half" if found["half_transparent"] else ""
        lines.append(f"alpha        {found['transparent']:.1%} of the pixels are transparent{half}")
    if found["decided_by_attributes"] is not None:
        lines.append(f"alignment    the attributes decide {found['decided_by_attributes']:.0%} of a pixel")
    lines += _attribute_lines(found)
    return "\n".join(lines)


def _attribute_lines(found: Mapping[str, Any]) -> list[str]:
    rows = [row for row in found["attributes"] if row["kind"] != "flag"]
    flags = sorted((row for row in found["attributes"] if row["kind"] == "flag"), key=lambda row: -row["count"])
    if not found["attributes"]:
        return ["attributes   none: nothing can be asked for"]
    lines = []
    for row in rows:
        ordered = list(row["counts"].items())
        if row["kind"] == "choice":
            ordered.sort(key=lambda item: -item[1])
        cells = [f"{option} {count:,}" for option, count in ordered]
        unknown = f"; unknown of {row['unknown']:,}" if row["unknown"] else ""
        lines.append(f"{row['name']:<12} {listed(cells)}{unknown}")
    if flags:
        cells = [f"{row['name']} {row['count']:,}" for row in flags]
        lines.append(f"flags        {listed(cells, lines=5)}")
    for name, members in found["groups"].items():
        lines.append(f"at most one  of {name}: {listed(members)}")
    return lines


def listed(names: Sequence[str], count: int | None = None, *, lines: int = 1) -> str:
    """The first of some names, as many as there is room for but one at least, and how many more there are.

    Args:
        names: That are known.
        count: How many there are in all; no more unless given.
        lines: That may be filled.
    """
    shown: list[str] = []
    room = lines * _WIDEST
    for name in names[: lines * _MOST]:
        cell = _short(name)
        room -= len(cell) + 2
        if shown and room < 0:
            break
        shown.append(cell)
    more = (len(names) if count is None else count) - len(shown)
    return ", ".join(shown) + (f", and {more:,} more" if more else "")


def _short(name: str) -> str:
    """A name with the detail behind it, the middle of each left out where they are long: both end in what tells them
    apart.
    """
    if len(name) <= _LONGEST:
        return name
    about, between, detail = name.removesuffix(")").rpartition(" (") if name.endswith(")") else (name, "", "")
    if not between:
        return shortened(name, _LONGEST)
    return f"{shortened(about, _LONGEST // 2)} ({shortened(detail, _LONGEST // 2)})"
