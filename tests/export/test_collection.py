"""A collection out of a collection: each member new, the wishes kept, and the same files from the same seed."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

import noisette
from noisette.cli import main
from noisette.data.collections.collection import open_collection
from noisette.errors import Stopped
from noisette.export import collection as module
from noisette.export.collection import crowded_out, make_collection
from noisette.export.rules import read_rules

COUNT = 40


@pytest.fixture(scope="module")
def punks():
    return noisette.load("punks")


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(punks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "new"
    make_collection(punks, count=COUNT, out=folder, seed=3)
    return folder


def test_members_are_new_and_unlike_each_other(made, punks):
    collection = open_collection(made)
    assert {each.kind for each in collection.findings} <= {"rare", "constant"}
    assert len(collection.dataset) == COUNT
    mine = {image.tobytes() for image in collection.dataset.images}
    assert len(mine) == COUNT
    learned = noisette.open_dataset("cryptopunks", background="#638596")
    assert not mine & {image.tobytes() for image in learned.images}
    described = [json.loads((made / "metadata" / f"{number}.json").read_text()) for number in range(COUNT)]
    assert json.loads((made / "_metadata.json").read_text()) == described
    wearing = [frozenset((each["trait_type"], each["value"]) for each in one["attributes"]) for one in described]
    assert len(set(wearing)) == COUNT
    worn = {
        frozenset(
            (name, "yes" if value is True else value) for name, value in punks.schema.decode(row).items() if value
        )
        for row in learned.attributes
    }
    assert not worn & set(wearing)


def test_the_table_counts_what_the_metadata_say(made):
    described = json.loads((made / "_metadata.json").read_text())
    with (made / "noisette-rarity.csv").open() as file:
        for row in csv.DictReader(file):
            said = {"trait_type": row["attribute"], "value": row["value"]}
            assert int(row["members"]) == sum(said in each["attributes"] for each in described)
            assert float(row["share"]) == pytest.approx(int(row["members"]) / COUNT, abs=1e-4)


def test_the_same_seed_makes_the_same_files_whenever_it_was_stopped(made, punks, tmp_path, monkeypatch):
    writes = 0
    write = module.write_atomically

    def interrupted(*arguments):
        nonlocal writes
        writes += 1
        if writes == 21:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(module, "write_atomically", interrupted)
    with pytest.raises(Stopped, match=f"20 of {COUNT} members are in .* and the same command goes on"):
        make_collection(punks, count=COUNT, out=tmp_path / "again", seed=3)
    make_collection(punks, count=COUNT, out=tmp_path / "again", seed=3)
    assert files(tmp_path / "again") == files(made)
    with pytest.raises(noisette.RequestError, match="holds a collection that was made otherwise"):
        make_collection(punks, count=COUNT, out=made, seed=4)


def test_rules_are_kept(punks, tmp_path):
    (tmp_path / "rules.toml").write_text(
        'never = [["Earring", "Male"]]\ntogether = [["Cigarette", "Smile"]]\n'
        "[frequencies]\nEarring = 0.9\n[frequencies.type]\nAlien = 0.2\nFemale = 0.5\n"
    )
    rules = read_rules(tmp_path / "rules.toml", punks.schema, punks.planner.statistics)
    column = punks.schema.names.index("type")
    assert {code: share for (its, code), share in rules.shares.items() if its == column} == {1: 0.5, 4: 0.2}
    made = make_collection(punks, count=30, out=tmp_path / "new", rules=rules)
    assert made.asked == {"Earring": 0.9, "type: Female": 0.5, "type: Alien": 0.2}
    has = [
        {each["trait_type"]: each["value"] for each in one["attributes"]}
        for one in json.loads((tmp_path / "new" / "_metadata.json").read_text())
    ]
    assert not any("Earring" in one and one["type"] == "Male" for one in has)
    assert all("Smile" in one for one in has if "Cigarette" in one)
    assert sum("Earring" in one for one in has) == 27
    assert [sum(one["type"] == each for one in has) for each in ("Female", "Alien")] == [15, 6]
    assert not any("asked for: no more" in note for note in made.notes)


def test_the_end_says_what_was_asked_beside_what_there_is_whenever_it_was_stopped(tmp_path, monkeypatch, capsys):
    (tmp_path / "rules.toml").write_text("[frequencies]\nEarring = 0.3\n[frequencies.type]\nAlien = 0.25\n")
    words = ["collection", "punks", "--count", "20", "--rarity", str(tmp_path / "rules.toml"), "--out"]
    write, writes = module.write_atomically, 0

    def interrupted(*arguments):
        nonlocal writes
        writes += 1
        if writes == 7:
            raise KeyboardInterrupt
        return write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_atomically", interrupted)
        assert main([*words, str(tmp_path / "again")]) == 130
    for name in ("new", "again"):
        capsys.readouterr()
        assert main([*words, str(tmp_path / name)]) == 0
        lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
        asked = lines.index("shares asked for")
        assert lines[asked + 1].startswith("type: Alien 25.0% asked, 25.0% here, 0.1% in the data")
        assert lines[asked + 2].startswith("Earring 30.0% asked, 30.0% here")
    assert files(tmp_path / "new") == files(tmp_path / "again")
    with (tmp_path / "new" / "noisette-rarity.csv").open() as file:
        table = {(row["attribute"], row["value"]): row for row in csv.DictReader(file)}
    assert table["type", "Alien"]["members"] == "5"
    assert (table["Earring", "yes"]["share"], table["Earring", "yes"]["share asked"]) == ("0.3000", "0.3000")
    assert table["type", "Male"]["share asked"] == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("never = [['Earing', 'Male']]", 'no attribute "Earing"; nearest: Earring'),
        ("never = ['Earring']", 'never.0 = "Earring": must be a list'),
        ("never = [['Earring']]", 'never.0 = ["Earring"]: the list is of 1; give 2 at least'),
        ("[frequencies.type]\nMale = 0.9\nFemale = 0.4", "the shares come to 1.3, not to 1"),
        ("[frequencies]\ntype = 0.5", "give a share for some of its options"),
        ("[frequencies.Earring]\nyes = 0.5", "it is there or not; give one share"),
        ("[frequencies]\nEarring = 2", "frequencies.Earring = 2: must be less than or equal to 1"),
        (
            "[frequencies]\nEarring = 'often'",
            'frequencies.Earring = "often": must be a number or a section of names and values',
        ),
        ("[frequencies.type]\nMale = 'often'", 'frequencies.type.Male = "often": must be a number'),
        ("nevver = []", "no setting nevver; nearest: never"),
        ("always = 1", "no setting always; the file takes frequencies, never, together"),
        (
            'together = [["Cigarette", "Smile"]]\n[frequencies]\nCigarette = 0.4\nSmile = 0.1',
            "the rules contradict each other",
        ),
        ("[", "is not TOML"),
    ],
)
def test_wrong_rules_are_a_line_and_nothing_is_made(tmp_path, capsys, text, message):
    (tmp_path / "rules.toml").write_text(text)
    rarity = str(tmp_path / "rules.toml")
    assert main(["collection", "punks", "--out", str(tmp_path / "new"), "--rarity", rarity]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert rarity in err  # whatever is wrong, the file is named
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_what_is_there_is_not_written_over(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "art.png").write_bytes(b"art")
    assert main(["collection", "punks", "--out", str(tmp_path / "mine"), "--count", "2"]) == 2
    assert "is there and is no collection" in capsys.readouterr().err
    assert files(tmp_path / "mine") == {"art.png": b"art"}


def test_a_class_is_no_name_so_members_share_it_and_differ_in_their_pixels(tmp_path):
    made = make_collection("digits", count=24, out=tmp_path / "new")
    pictures = {(tmp_path / "new" / "images" / f"{number}.png").read_bytes() for number in range(24)}
    assert len({image.tobytes() for image in open_collection(tmp_path / "new").dataset.images}) == 24
    assert len(pictures) == made.count == 24


@pytest.mark.parametrize("scale", [1, 3])
def test_an_atlas_tells_where_the_images_of_a_sheet_lie(punks, tmp_path, scale, capsys):
    """Read back by the layout of Aseprite's sheets, it is the images that were drawn."""
    (tmp_path / "a").mkdir()
    sheet = tmp_path / "a" / "punks.png"
    words = ["generate", "punks", "--count", "5", "--seed", "3", "--columns", "2", "--scale", str(scale)]
    assert main([*words, "--atlas", "--duration", "200", "--out", str(sheet)]) == 0
    said = json.loads(sheet.with_suffix(".json").read_text())
    assert said["meta"]["image"] == "punks.png"
    assert said["meta"]["format"] == "I8"
    with Image.open(sheet) as picture:
        assert picture.mode == "P"
    assert {frame["duration"] for frame in said["frames"].values()} == {200}
    assert list(said["frames"]) == [f"seed-{seed:04d}" for seed in range(3, 8)]
    found = open_collection(tmp_path / "a").dataset.images
    assert np.array_equal(found, punks.generate(seeds=range(3, 8)))
    capsys.readouterr()
    for out in ([], ["--out", "-"], ["--out", str(tmp_path / "folder")]):
        assert main([*words, "--atlas", *out]) == 2
        assert "name a .png file for it with --out" in capsys.readouterr().err


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """A run on a folder whose traits are a number, a day, a cape, and a hat that some have."""
    home = tmp_path_factory.mktemp("numbered")
    folder, random = home / "heroes", np.random.default_rng(0)
    folder.mkdir()
    for number in range(120):
        level, day, hat, cape = (int(random.integers(*bounds)) for bounds in ((1, 60), (18_000, 19_000), (3,), (9,)))
        pixels = np.full((16, 16, 3), 255, np.uint8)
        pixels[15, : level // 4 + 1], pixels[: (day - 18_000) // 80 + 1, 15] = (200, 0, 0), (0, 0, 200)
        pixels[6:10, 6:10], pixels[1:3, 2:6] = (25 * cape, 99, 0), (0, 0, 60 * hat)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        traits = [
            {"trait_type": "Level", "display_type": "number", "value": level},
            {"trait_type": "Born", "display_type": "date", "value": day * 86_400},
            {"trait_type": "Cape", "value": f"Cape {cape}"},
            *([{"trait_type": "Hat", "value": ("Cap", "Crown")[hat - 1]}] if hat else []),
        ]
        (folder / f"{number}.json").write_text(json.dumps({"image": f"{number}.png", "attributes": traits}))
    return noisette.train(folder, out=home / "runs" / "mine", steps=30).folder


@pytest.mark.slow
def test_numbers_and_days_are_written_as_marketplaces_read_them(numbered, tmp_path, capsys):
    words = ["collection", str(numbered), "--count", "12", "--out", str(tmp_path / "new")]
    assert main(words) == 0
    schema = noisette.load(numbered).schema
    level, born = (next(each for each in schema.attributes if each.name == name) for name in ("Level", "Born"))
    described = json.loads((tmp_path / "new" / "_metadata.json").read_text())
    counted = {(level.name, option): 0 for option in level.options} | {("Born", option): 0 for option in born.options}
    for one in described:
        traits = {each["trait_type"]: each for each in one["attributes"]}
        assert traits["Level"] == {"trait_type": "Level", "display_type": "number", "value": traits["Level"]["value"]}
        assert traits["Born"]["display_type"] == "date"
        assert all(isinstance(traits[name]["value"], int) for name in ("Level", "Born"))
        counted["Level", level.options[level.code_of(traits["Level"]["value"])]] += 1
        counted["Born", born.options[born.code_of(traits["Born"]["value"] / 86_400)]] += 1
        assert traits.get("Hat", {"value": "Cap"})["value"] in ("Cap", "Crown")
    with (tmp_path / "new" / "noisette-rarity.csv").open() as file:  # of the ranges that were asked for
        rows = [row for row in csv.DictReader(file) if row["attribute"] in ("Level", "Born")]
    assert {(row["attribute"], row["value"]): int(row["members"]) for row in rows} == counted
    before = files(tmp_path / "new")
    (tmp_path / "new" / "metadata" / "3.json").unlink()
    assert main(words) == 0  # it goes on, and reads the numbers again
    assert files(tmp_path / "new") == before


@pytest.mark.slow
def test_tokens_are_called_after_the_folder_of_the_run_or_as_a_person_says(numbered, tmp_path, capsys):
    for more, name in (([], "mine"), (["--name", "Hero"], "Hero")):
        assert main(["collection", str(numbered), "--count", "2", "--out", str(tmp_path / name), *more]) == 0
        described = json.loads((tmp_path / name / "_metadata.json").read_text())
        assert [each["name"] for each in described] == [f"{name} #0", f"{name} #1"]


def test_shares_that_are_far_from_the_data_are_told_with_the_reason():
    near = {"Hat: Cap": (0.42, 0.4), "Shiny": (0.3, 0.2)}
    assert crowded_out(near, 20) == []  # of twenty members six shiny ones are no wonder where four are usual
    [note] = crowded_out({**near, "Shiny": (0.65, 0.2)}, 20)
    assert "(Shiny 65% instead of 20%)" in note
    assert "--rarity" in note
    assert len(crowded_out(near, 2_000)) == 1  # of two thousand they are
