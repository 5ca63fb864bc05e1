"""The models that come with the package: small, documented, offline, and obedient."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

import noisette
from noisette.errors import RequestError
from noisette.store.publish import ship
from noisette.store.shipped import Shipped, shipped_names

HOME = Path(noisette.__file__).parent / "models"


def test_they_are_small():
    assert shipped_names() == ["digits", "punks"]
    assert sum(file.stat().st_size for file in HOME.rglob("*") if file.is_file()) < 12e6


@pytest.mark.parametrize("name", ["digits", "punks"])
def test_each_has_half_precision_weights_and_a_card(name):
    with safe_open(HOME / name / "weights.safetensors", framework="pt") as weights:
        assert {weights.get_slice(key).get_dtype() for key in weights.keys()} == {"BF16"}  # noqa: SIM118
    card = (HOME / name / "card.md").read_text()
    for told in ("Data", "Split", "Recipe", "Figures", "Owner"):
        assert f"**{told}**" in card


@pytest.mark.parametrize("name", ["digits", "punks"])
def test_the_figures_that_ship_are_of_the_weights_that_ship(name):
    figures = HOME / name / "figures.json"
    assert not figures.is_file() or json.loads(figures.read_text())["weights"] == noisette.load(name).weights


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "punks"])
def test_each_has_a_table_of_presets_for_its_weights(name):
    generator = noisette.load(name)
    assert generator.presets is not None, "measured of other weights, or not at all: `noisette tune`"
    nfe = [generator.presets.named(preset).nfe for preset in ("fast", "balanced", "best")]
    assert nfe == sorted(nfe)
    for preset in ("fast", "balanced", "best"):
        assert len(generator.generate(seeds=[0], preset=preset)) == 1
    assert len(generator.generate(seeds=[0], steps=3, sampler="ddim", spacing="fitted")) == 1


@pytest.mark.slow
def test_an_install_draws_punks_at_once_and_offline(tmp_path):
    """In a process that cannot open a connection, with an empty cache."""
    program = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise OSError('no network in this test')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "from noisette.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    environment = {**os.environ, "NOISETTE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-c",
        program,
        "generate",
        "punks",
        "--attributes",
        "Male, Big Shades, no Earring",
        "--count",
        "2",
        "--json",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["attributes"]["Big Shades"] is True
    assert [path.name for path in tmp_path.glob("*.png")] == ["punks-seed-0.png"]
    again = subprocess.run(
        [*command[:3], "regenerate", "punks-seed-0.png"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr


SKINS = {
    "Zombie": (0x7D, 0xA2, 0x69), "Ape": (0x85, 0x6F, 0x56), "Alien": (0xC8, 0xFB, 0xFB),
    "Dark": (0x71, 0x3F, 0x1D), "Medium": (0xAE, 0x8B, 0x61), "Light": (0xDB, 0xB1, 0x80), "Albino": (0xEA, 0xD9, 0xD9),
}  # fmt: skip


@pytest.mark.slow
def test_punks_have_the_skin_that_was_asked_for():
    """Read off the pixels: which of the seven skins most of them have."""
    names = [name for name in SKINS for _ in range(4)]
    requests = [
        {"type": name} if name in ("Zombie", "Ape", "Alien") else {"type": "Male", "skin tone": name} for name in names
    ]
    images = noisette.load("punks").generate(requests, seeds=range(len(names)))[:, :3].astype(int)
    skins = np.array(list(SKINS.values()))
    close = (abs(images[:, None] - skins[None, :, :, None, None]) < 12).all(axis=2).sum(axis=(2, 3))  # (N, 7) pixels
    seen = [list(SKINS)[index] for index in close.argmax(axis=1)]
    assert sum(one == other for one, other in zip(seen, names, strict=True)) >= 26


@pytest.mark.slow
def test_digits_are_the_ones_that_were_asked_for():
    """By the nearest mean of the real digits of each class, which is right for four real ones in five."""
    real = noisette.open_dataset("mnist", size=16).split("validation")
    means = np.stack([real.images[real.attributes[:, 0] == digit].mean(axis=0) for digit in range(10)])
    digits = np.arange(40) % 10
    images = noisette.load("digits").generate([{"digit": int(digit)} for digit in digits], seeds=range(40), steps=10)
    nearest = ((images[:, None] - means[None]) ** 2).sum(axis=(2, 3, 4)).argmin(axis=1)
    assert (nearest == digits).mean() > 0.75


def test_the_folder_of_a_run_wins_over_a_shipped_name(asked, tmp_path, monkeypatch):
    (tmp_path / "punks").symlink_to(asked.folder, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    assert noisette.load("punks").model.size == (8, 8)


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(
        RequestError,
        match="no folder punk, and no model of that name ships with noisette; nearest: punks; there are digits, punks",
    ):
        noisette.load("punk")


@pytest.mark.slow
def test_a_run_can_be_shipped(asked, tmp_path, monkeypatch):
    for module in ("shipped", "locate"):
        monkeypatch.setattr(f"noisette.store.{module}.home", lambda: tmp_path)
    (tmp_path / "mine").mkdir()
    for file in ("card.md", "figures.json", "samples.png", "palette.json"):  # of the model that was there before
        (tmp_path / "mine" / file).write_text("{}")
    ship(asked, tmp_path / "mine")
    assert shipped_names() == ["mine"]
    assert Shipped(tmp_path / "mine").state == "shipped"
    left = {file.name: file.read_bytes() for file in (tmp_path / "mine").iterdir()}
    assert left["card.md"] == b"{}"
    assert not {"figures.json", "samples.png"} & left.keys()
    assert left.get("palette.json") != b"{}"
    shipped, own = noisette.load("mine"), noisette.load(asked.folder)
    assert (shipped.step, shipped.schema, shipped.statistics) == (own.step, own.schema, own.statistics)
    one, other = (generator.generate("Zombie", seeds=range(8)).astype(int) for generator in (shipped, own))
    assert abs(one - other).mean() < 8  # bfloat16 rounds the weights
