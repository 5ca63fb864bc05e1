"""Verbs that make something of a model for others: collection."""

from __future__ import annotations

from pathlib import Path

import click

from noisette.cli.common import answer, as_json
from noisette.cli.paths import NEW_FOLDER, PATH
from noisette.text import LONGEST_NAME, plain

_TOLD = 12  # values


@click.command()
@click.argument("run", type=PATH)
@click.option("--count", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many members.")
@click.option("--out", type=NEW_FOLDER, required=True, help="The folder to make; a half-made one goes on.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed makes the same files."
)
@click.option(
    "--rarity",
    "rules",
    type=PATH,
    help="A TOML file: how often things are, and what must (together) or must not (never) be together; see below.",
)
@click.option("--scale", type=click.IntRange(1, 64), default=1, show_default=True, help="Whole factor to enlarge by.")
@click.option("--name", default="", help="What the tokens are called, before their number.  [default: RUN]")
@as_json
def collection(
    run: Path, count: int, out: Path, seed: int, rules: Path | None, scale: int, name: str, json_: bool
) -> None:
    """Make a collection of new members with RUN: pictures, ERC-721 metadata, how rare things are, a contact sheet.

    No two members have the same picture, and none is one of the images that RUN learned from. Where attributes name the
    image, as those of avatars do and a class does not, no two have the same attributes either, nor those of such an
    image. Attributes are as frequent as in the data, where there are enough new combinations, and a note says where
    not; or as --rarity has it, as exactly as whole numbers allow:

    \b
    never = [["Crown", "Robot"]]          # no member has both
    together = [["Crown", "Earring"]]     # whoever has the first has the second
    [frequencies]
    Earring = 0.1                         # a flag: the share that has it
    [frequencies.Hat]                     # a choice: the rest keep their proportions
    Crown = 0.01

    \b
    noisette collection punks --count 100 --out new-punks
    noisette collection punks --count 20 --out enlarged --scale 10
    """
    from noisette.store.locate import locate

    bundle = locate(run)
    from noisette.export.rules import NO_RULES, read_rules

    wanted = NO_RULES if rules is None else read_rules(rules, bundle.schema, bundle.statistics)
    from noisette.cli.display import making
    from noisette.export.collection import make_collection

    with making(str(run)) as progress:
        made = make_collection(
            run, count=count, out=out, seed=seed, rules=wanted, scale=scale, name=name, progress=progress
        )
    others = [item for item in made.frequencies.items() if item[0] not in made.asked]
    apart = sorted(others, key=lambda item: -abs(item[1][0] - item[1][1]))[:_TOLD]
    lines = [
        f"{made.count:,} members in {made.folder}: images/, metadata/, _metadata.json, noisette-rarity.csv,"
        " noisette-contact-sheet.png",
        f"{made.redrawn:,} pictures were drawn anew: like another, or not what was asked for",
        *(f"note: {note}" for note in made.notes),
        *(["shares asked for"] if made.asked else []),
        *(
            f"  {plain(label, LONGEST_NAME):<40} {share:.1%} asked, {made.frequencies[label][0]:.1%} here,"
            f" {made.frequencies[label][1]:.1%} in the data"
            for label, share in made.asked.items()
        ),
        "shares that differ most from the data",
        *(f"  {plain(label, LONGEST_NAME):<40} {mine:.1%} here, {its:.1%} in the data" for label, (mine, its) in apart),
    ]
    facts = {
        "folder": str(made.folder),
        "members": made.count,
        "redrawn": made.redrawn,
        "notes": list(made.notes),
        "frequencies": {
            label: {"here": mine, "data": its} | ({"asked": made.asked[label]} if label in made.asked else {})
            for label, (mine, its) in made.frequencies.items()
        },
    }
    answer(json_, facts, "\n".join(lines))
