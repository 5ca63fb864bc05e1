"""A run folder from somebody else is not believed: each verb says in a line what is wrong, and changes nothing."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.dashboard.services.model_list import list_models
from noisette.files.atomic import write_text
from noisette.files.reading import is_own_file
from noisette.store.publish import ship
from noisette.store.run import Run
from noisette.store.shipped import Shipped

from ..conftest import CONDITIONAL
from . import forging as forge

DRAWS = ("generate", "evaluate", "resume")
READS = (*DRAWS, "attributes")
LISTS = ("list",)
DEEP = '{"attributes": ' + "[" * 100_000 + "]" * 100_000 + "}"
MANY = [{"kind": "flag", "name": f"flag {number}"} for number in range(5000)]

FORGED = {
    # name: (what is done to the folder, the verbs that must refuse it)
    "schema linked out of the folder": (forge.linked("schema.json"), READS),
    "schema is a pipe": (forge.pipe("schema.json"), READS),
    "schema of a terabyte": (forge.huge("schema.json"), READS),
    "schema of five thousand attributes": (forge.values("schema.json", lambda it: it.update(attributes=MANY)), READS),
    "schema too deep": (forge.text("schema.json", DEEP), READS),
    "schema that says a thing twice": (forge.replaced("schema.json", "{", '{"groups": [], '), READS),
    "schema of another type": (forge.text("schema.json", '{"attributes": {}}'), READS),
    "recipe with layers of four million channels": (
        forge.replaced("recipe.toml", "    8,\n    16,", "    4000000,\n    4000000,"),
        (*READS, *LISTS),
    ),
    "recipe with a thousand million blocks": (
        forge.replaced("recipe.toml", "blocks = 1\n", "blocks = 1000000000\n"),
        (*READS, *LISTS),
    ),
    "recipe whose network is not that of the checkpoint": (
        forge.replaced("recipe.toml", "    8,\n    16,", "    4096,\n    4096,"),
        DRAWS,
    ),
    "recipe too deep": (forge.text("recipe.toml", "a = " + "[" * 100_000), (*READS, *LISTS)),
    "recipe with a number of a million digits": (forge.text("recipe.toml", "a = " + "1" * 900_000), (*READS, *LISTS)),
    "recipe is a pipe": (forge.pipe("recipe.toml"), READS),
    "recipe of a terabyte": (forge.huge("recipe.toml"), (*READS, *LISTS)),
    "statistics of another schema": (
        forge.text("statistics.json", '{"images": 5, "together": [[5]], "seen": ""}'),
        ("generate", "evaluate"),
    ),
    "statistics that are not square": (
        forge.text("statistics.json", '{"images": 5, "together": [[5, 5]], "seen": ""}'),
        ("generate", "evaluate", "attributes"),
    ),
    "statistics that count below nothing": (
        forge.values("statistics.json", lambda it: it["together"][0].__setitem__(0, -1)),
        ("generate", "evaluate", "attributes"),
    ),
    "statistics with an endless number": (
        forge.values("statistics.json", lambda it: it.update(images=math.inf)),
        ("generate", "evaluate", "attributes"),
    ),
    "palette of other channels": (forge.text("palette.json", '{"colours": ["000000"]}'), ("generate", "evaluate")),
    "palette of many colours": (
        forge.text("palette.json", f'{{"colours": {[f"{n:06x}ff" for n in range(5000)]}}}'.replace("'", '"')),
        DRAWS,
    ),
    "palette in disorder": (forge.text("palette.json", '{"colours": ["ffffffff", "000000ff"]}'), DRAWS),
    "step that is a text": (forge.checkpoint(state=lambda it: it.update(step="7")), DRAWS),
    "step below 0": (forge.checkpoint(state=lambda it: it.update(step=-1)), DRAWS),
    "step that is true": (forge.checkpoint(state=lambda it: it.update(step=True)), DRAWS),
    "step that is not the manifest's": (forge.checkpoint(state=lambda it: it.update(step=it["step"] + 1)), DRAWS),
    "state without a step": (forge.checkpoint(state=lambda it: it.pop("step") and it), DRAWS),
    "state that is a list": (forge.checkpoint(state=lambda it: [it]), DRAWS),
    "seconds without end": (forge.checkpoint(state=lambda it: it.update(elapsed=math.inf)), DRAWS),
    "seconds that are no number": (forge.checkpoint(state=lambda it: it.update(elapsed=math.nan)), DRAWS),
    "seconds below 0": (forge.checkpoint(state=lambda it: it.update(elapsed=-5.0)), DRAWS),
    "more averages than steps": (forge.checkpoint(state=lambda it: it.update(updates=it["step"] + 1)), DRAWS),
    "no count of averages": (forge.checkpoint(state=lambda it: it.pop("updates") and it), DRAWS),
    "no fingerprint": (forge.checkpoint(state=lambda it: it.pop("schema") and it), DRAWS),
    "fewer averages than steps": (forge.checkpoint(state=lambda it: it.update(updates=0)), ("resume",)),
    "attributes of another run": (forge.checkpoint(state=lambda it: it.update(schema="ab" * 32)), DRAWS),
    "colours of another run": (forge.checkpoint(state=lambda it: it.update(palette="ab" * 32)), DRAWS),
    "fingerprint that is a number": (forge.checkpoint(state=lambda it: it.update(schema=5)), DRAWS),
    "weights that are no numbers": (forge.checkpoint(forge.filled("average/", math.nan)), ("generate", "evaluate")),
    "weights without end": (forge.checkpoint(forge.filled("average/", math.inf)), ("generate", "evaluate")),
    "weights of int8": (forge.checkpoint(forge.cast("average/", torch.int8)), ("generate", "evaluate")),
    "weights of int64": (forge.checkpoint(forge.cast("average/", torch.int64)), ("generate", "evaluate")),
    "weights of bool": (forge.checkpoint(forge.cast("average/", torch.bool)), ("generate", "evaluate")),
    "weights of complex numbers": (forge.checkpoint(forge.cast("average/", torch.complex64)), ("generate", "evaluate")),
    "weights of another shape": (
        forge.checkpoint(forge.part("average/", lambda tensor: torch.zeros(*tensor.shape, 1))),
        ("generate", "evaluate"),
    ),
    "weights with one missing": (
        forge.checkpoint(lambda held: held.pop("average/enter.weight")),
        ("generate", "evaluate"),
    ),
    "weights with one too many": (
        forge.checkpoint(lambda held: held.update({"average/x": torch.zeros(1)})),
        ("generate", "evaluate"),
    ),
    "head that says it is endless": (
        lambda folder: next((folder / "checkpoints").glob("*20.safetensors")).write_bytes(b"\xff" * 100),
        (),  # an older checkpoint is taken
    ),
    "manifest out of order": (
        forge.checkpoint(manifest=lambda it: it.update(checkpoints=it["checkpoints"] * 2)),
        (*DRAWS, *LISTS),
    ),
    "manifest of a pipe": (forge.pipe("checkpoints/manifest.json"), (*DRAWS, *LISTS)),
    "checkpoint outside": (
        forge.checkpoint(manifest=lambda it: it["checkpoints"][0].update(file="../schema.json")),
        DRAWS,
    ),
    "checkpoints of another run": (forge.linked("checkpoints"), (*DRAWS, *LISTS)),
    "samples of another run": (forge.linked("samples"), ("resume", *LISTS)),
    "metrics of another run": (forge.linked("metrics"), ("resume",)),
    "progress of seven": (forge.values("status.json", lambda it: it.update(progress=7)), LISTS),
    "status that is a list": (forge.text("status.json", "[]"), LISTS),
    "environment with packages in a list": (
        forge.values("environment.json", lambda it: (it.update(packages=[]), it.pop("sha256"))),
        READS,
    ),
    "environment that was changed": (forge.values("environment.json", lambda it: it.update(cores=99)), READS),
}
"""A training does not read its status or its curves: it writes them anew."""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Run:
    """A run of twenty steps that looks as if it had been meant to take thirty."""
    recipe = parse_recipe(CONDITIONAL, source="tiny", overrides=["samples.requests=[]", "samples.count=1"])
    run = noisette.train(recipe, out=tmp_path_factory.mktemp("runs") / "stopped")
    run.write_recipe(run.recipe.model_copy(update={"training": run.recipe.training.model_copy(update={"steps": 30})}))
    return run


def command(verb: str, folder: Path) -> list[str]:
    return {
        "generate": ["generate", str(folder), "--count", "1", "--out", str(folder.parent / "out.png")],
        "evaluate": ["evaluate", str(folder), "--json"],
        "resume": ["resume", str(folder)],
        "attributes": ["attributes", str(folder)],
    }[verb]


@pytest.mark.slow
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_folder_is_refused_and_nothing_is_changed(name, stopped, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    runs, (change, refused) = tmp_path / "runs", FORGED[name]
    shutil.copytree(stopped.folder, runs / "other")
    shutil.copytree(stopped.folder, runs / "forged")
    change(runs / "forged")
    if "environment" not in name and "pipe" not in name and "terabyte" not in name and "linked" not in name:
        forge.seal(runs / "forged")
    before = forge.tree(runs)
    for verb in refused:
        if verb == "list":
            [forged] = [each for each in list_models(runs) if each.folder.name == "forged"]
            assert (forged.state, forged.drawable) == ("damaged", False)
            assert "\n" not in forged.problem
            continue
        capsys.readouterr()
        status = main(command(verb, runs / "forged"))
        lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
        assert status in (1, 2), (verb, lines)
        assert len(lines) == 1, (verb, lines)
        assert lines[0].startswith("error: "), (verb, lines)
        assert "classifier" not in lines[0], (verb, lines)  # evaluate finds what is wrong before that
        assert forge.tree(runs) == before, verb
    assert not (runs / "out.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    {
        "network of no numbers": forge.filled("network/", math.nan),
        "network of int8": forge.cast("network/", torch.int8),
        "moment of another shape": forge.part("optimizer/", lambda tensor: torch.zeros(7)),
        "moment of no parameter": lambda held: held.update({"optimizer/x/exp_avg": torch.zeros(1)}),
        "steps of no number": forge.part("optimizer/enter.bias/step", lambda tensor: tensor * math.nan),
        "square below 0": forge.part("optimizer/enter.bias/exp_avg_sq", lambda tensor: tensor - 1),
        "moment of integers": forge.cast("optimizer/enter.bias/exp_avg", torch.int64),
        "average that is missing": lambda held: [held.pop(name) for name in list(held) if name.startswith("average/")],
    }.items(),
    ids=lambda each: each[0],
)
def test_a_training_does_not_go_on_from_nonsense(change, stopped, tmp_path, capsys):
    shutil.copytree(stopped.folder, tmp_path / "forged")
    forge.checkpoint(change[1])(tmp_path / "forged")
    before = forge.tree(tmp_path)
    assert main(["resume", str(tmp_path / "forged")]) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert "step-00000020.safetensors" in error[0]
    assert forge.tree(tmp_path) == before


@pytest.mark.parametrize("finished", [True, False])
def test_what_may_be_absent_is_not_missed(finished, trained, stopped, tmp_path, capsys):
    """Of a status; whoever writes it by hand may leave it out."""
    folder = shutil.copytree((trained if finished else stopped).folder, tmp_path / "made")
    said = json.loads((folder / "status.json").read_text())
    for name in ("epoch", "loss", "skipped"):
        said.pop(name)
    (folder / "status.json").write_text(json.dumps(said))
    assert main(["resume", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["step"], told["skipped"]) == ("finished", 20 if finished else 30, 0)
    assert (told["loss"] is None) == finished


def test_a_table_that_is_damaged_is_not_shipped(trained, tmp_path):
    run = Run(shutil.copytree(trained.folder, tmp_path / "r"))
    forge.replaced("statistics.json", "1", "2")(run.folder)
    with pytest.raises(noisette.NoisetteError, match=r"statistics\.json is damaged"):
        ship(run, tmp_path / "model")
    shipped = Shipped(ship(trained, tmp_path / "model"))
    for name in ("schema.json", "statistics.json", "palette.json"):
        there, own = shipped.folder / name, trained.folder / name
        assert there.is_file() == own.is_file()
        assert not own.is_file() or there.read_bytes() == own.read_bytes()


def test_the_newest_grid_is_found_by_looking_at_it_alone(tmp_path, monkeypatch):
    (tmp_path / "samples").mkdir()
    for epoch in range(5):
        (tmp_path / f"samples/epoch-{epoch:04d}.png").write_bytes(b"")
    (tmp_path / "samples/epoch-0005.png").symlink_to("/etc/passwd")
    looked = []
    monkeypatch.setattr("noisette.store.run.is_own_file", lambda *at: looked.append(at[0].stem) or is_own_file(*at))
    assert Run(tmp_path).thumbnail == tmp_path / "samples/epoch-0004.png"
    assert looked == ["epoch-0005", "epoch-0004"]


def test_a_recipe_stays_untouched_when_writing_it_dies_twice(trained, tmp_path, monkeypatch):
    run = Run(shutil.copytree(trained.folder, tmp_path / "r"))

    def longer(steps):
        return run.recipe.model_copy(update={"training": run.recipe.training.model_copy(update={"steps": steps})})

    for steps, wanted in ((21, ["environment.json", "recipe.toml"]), (22, ["environment.json"])):
        written = []

        def dying(path, text, wanted=wanted, written=written):
            if written == wanted:
                raise ZeroDivisionError
            written.append(path.name)
            write_text(path, text)

        with monkeypatch.context() as patch:
            patch.setattr("noisette.store.run.write_text", dying)
            with pytest.raises(ZeroDivisionError):
                run.write_recipe(longer(steps))
        assert (run.edited, run.recipe.training.steps) == ((), 21)
    run.write_recipe(longer(23))
    assert (run.edited, run.recipe.training.steps) == ((), 23)


def test_a_lock_that_is_a_link_empties_no_file(asked, tmp_path):
    shutil.copytree(asked.folder, tmp_path / "forged")
    victim = tmp_path / "letter"
    victim.write_text("dear")
    for link, mend in ((Path.symlink_to, "remove it"), (Path.hardlink_to, "it is a hard link, .* with `cp -r`")):
        (tmp_path / "forged/.lock").unlink(missing_ok=True)
        link(tmp_path / "forged/.lock", victim)
        with pytest.raises(noisette.NoisetteError, match=f"lock is no file of this folder alone; {mend}"):
            noisette.resume(tmp_path / "forged")
        assert victim.read_text() == "dear"


def test_only_checkpoints_are_removed_and_no_file_of_a_similar_name(tmp_path):
    from noisette.store.checkpoint import save_checkpoint

    kept = tmp_path / "step-best.safetensors"
    kept.write_bytes(b"mine")
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, {"network": {"w": torch.ones(1)}}, {}, 2)
    assert kept.read_bytes() == b"mine"
    assert [path.name for path in sorted(tmp_path.glob("step-0*"))] == [
        "step-00000002.safetensors",
        "step-00000003.safetensors",
    ]
