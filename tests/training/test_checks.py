"""What is refused before any work, by a training and by --dry-run alike."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from noisette.cli import main
from noisette.config.recipe import load_recipe, parse_recipe, recipe_names
from noisette.data.dataset import split_by_index
from noisette.data.description import trained_by_index
from noisette.diffusion.registry import ScheduleName, most_steps
from noisette.diffusion.schedules import make_schedule
from noisette.diffusion.spacing import spaced
from noisette.errors import NoisetteError
from noisette.model import Model, assemble
from noisette.training.checks import assembled, check_recipe, check_room

from ..conftest import CONDITIONAL

WRONG = [
    (["samples.steps=3000"], "sampling: steps must be 1 to 2800, not 3000"),
    (["sampling.steps=200000"], "sampling: steps must be 1 to 2800"),
    (["diffusion.steps=50", "sampling.steps=60"], "60 are more than the 50 levels"),
    (["diffusion.schedule=linear", "diffusion.steps=100000"], "100000 betas from 0.0001 to 0.02 leave no noise"),
    (["diffusion.schedule=linear", "diffusion.steps=1000", "diffusion.beta_start=1e-20"], "leave no noise at the first"),
    (["training.batch_size=55"], "training.batch_size = 55 is more than the 54 images"),
    (['samples.requests=["Zombie", "Top Hatt"]'], "samples.requests: "),
    (['dataset.hold_out=[["Top Hatt", "Blush"]]'], "Top Hat"),
    (['dataset.groups={Head=["Top Hatt", "Blush"]}'], "Top Hat"),
    (["condition.drop_all=0", "sampling.guidance.scale=2.0"], "condition.drop_all"),
]  # fmt: skip


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The name of a recipe, in a folder of its own that is the current one."""
    (tmp_path / "tiny.toml").write_text(CONDITIONAL)
    (tmp_path / "taken").mkdir()
    monkeypatch.chdir(tmp_path)
    return "tiny.toml"


@pytest.mark.parametrize("dry", [True, False], ids=["dry", "train"])
@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[settings[-1] for settings, _ in WRONG])
def test_what_a_training_cannot_do_or_draw_is_refused_first(capsys, recipe, tmp_path, settings, message, dry):
    given = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", recipe, *given, *(["--dry-run"] if dry else [])]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert message in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "tiny.toml"]


@pytest.mark.parametrize("dry", [True, False], ids=["dry", "train"])
@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("taken", "taken exists; choose another place with --out"),
        ("tiny.toml/run", "no folder tiny.toml to write run into: it is no folder"),
        ("taken/" + 250 * "n", "its name is too long; choose a shorter one"),
        (300 * "n" + "/run", "its name is too long"),
        ("taken/link", "exists; choose another place"),
    ],
    ids=["taken", "under a file", "long", "longer", "link to nowhere"],
)
def test_a_place_where_no_run_can_be_is_refused_first(capsys, recipe, tmp_path, out, message, dry):
    (tmp_path / "taken/link").symlink_to("nowhere")
    assert main(["train", recipe, "--out", out, *(["--dry-run"] if dry else [])]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["link"]


def test_a_refusal_loads_no_pytorch(recipe):
    for wrong in (["train", recipe, "--set", "samples.steps=3000"], ["train", "punk"], ["resume", "nowhere"],
                  ["distil", "punks", "--nfe", "2", "--steps", "0"], ["distil", "punks", "--out", "taken"]):  # fmt: skip
        code = f"import sys; from noisette.cli import main; sys.exit(main({wrong!r}) - 2 or 'torch' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (wrong, done.stderr)


@pytest.mark.parametrize("name", ScheduleName.__args__)
def test_all_steps_that_are_allowed_can_be_taken(name):
    most = most_steps(name, None)
    assert len(spaced(make_schedule(name, None), most)) == most


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_ships_can_be_trained(name):
    recipe = load_recipe(name)
    check_recipe(recipe)
    assembled(recipe)


def test_how_many_images_are_trained_on_is_known_before_they_are_there():
    for count in (20, 54, 60, 10_000):
        assert trained_by_index(count) == (split_by_index(count) == 0).sum()


def test_a_disk_without_room_for_checkpoints_is_told_before_the_training(tmp_path, monkeypatch):
    recipe = parse_recipe(CONDITIONAL, source="t")
    model = assemble(recipe, recipe.dataset.description.schema)
    network = Model.network

    def outlined(self):
        assert torch.get_default_device().type == "meta", "it takes memory"
        return network(self)

    monkeypatch.setattr(Model, "network", outlined)
    check_room(tmp_path / "run", model)
    usage = __import__("shutil").disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=2**16))
    with pytest.raises(NoisetteError, match=r"no room for .*run: its checkpoints take \d MiB, and 0 MiB are free"):
        check_room(tmp_path / "run", model)
