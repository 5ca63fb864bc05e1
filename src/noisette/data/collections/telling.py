"""What a collection is and what is wrong with it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST_NAMES = 12  # of a finding
_MOST_VALUES = 12  # of an attribute


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
                names = each["names"][:_MOST_NAMES]
                more = f", and {each['count'] - len(names):,} more" if each["count"] > len(names) else ""
                lines.append(f"          {', '.join(names)}{more}")
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
        cells = [f"{option} {count:,}" for option, count in ordered[:_MOST_VALUES]]
        more = f", and {len(ordered) - _MOST_VALUES} more" if len(ordered) > _MOST_VALUES else ""
        unknown = f"; unknown of {row['unknown']:,}" if row["unknown"] else ""
        lines.append(f"{row['name']:<12} {', '.join(cells)}{more}{unknown}")
    if flags:
        cells = [f"{row['name']} {row['count']:,}" for row in flags[: 5 * _MOST_VALUES]]
        more = f", and {len(flags) - len(cells)} more" if len(flags) > len(cells) else ""
        lines.append(f"flags        {', '.join(cells)}{more}")
    for name, members in found["groups"].items():
        lines.append(f"at most one  of {name}: {', '.join(members[:_MOST_VALUES])}")
    return lines
