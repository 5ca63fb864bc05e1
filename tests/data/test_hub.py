"""Data sets by name, from a hub on this machine."""

from __future__ import annotations

import io
import json
import socket

import pytest

pytest.importorskip("pyarrow", reason="the extra `huggingface` is not installed")
pytest.importorskip("huggingface_hub", reason="the extra `huggingface` is not installed")

from pyarrow import parquet

from noisette.cli import main
from noisette.data.collections.collection import open_collection
from noisette.data.hub.fetching import fetch_from_hub
from noisette.data.hub.names import HubName, hub_name
from noisette.data.opening import folder_meant, open_dataset
from noisette.errors import NoisetteError, RequestError
from tests.data.collections.avatars import avatar, images
from tests.data.collections.folders import png
from tests.data.collections.layouts.hugging import AS_IMAGE, as_class, pictures, table
from tests.data.fakehub import COMMITS, FakeHub, serving


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(FakeHub()) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        yield fake


def a_table(*shades):
    file = io.BytesIO()
    columns = {"image": pictures(*shades), "label": [shade % 2 for shade in shades]}
    parquet.write_table(table(columns, {"image": AS_IMAGE, "label": as_class("even", "odd")}), file)
    return file.getvalue()


def files_in(folder):
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if not path.parts[0].startswith("."))


def refused(name, kind=RequestError):
    with pytest.raises(kind) as error:
        fetch_from_hub(hub_name(name))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_data_set_is_opened_by_its_name_and_never_asked_for_twice(hub):
    hub.repositories["ann/shades"] = {
        "main": {
            "README.md": b"",
            "shades.py": b"raise SystemExit",
            "data/train-00000-of-00001.parquet": a_table(1, 2, 3),
        }
    }
    collection = open_collection("hf:ann/shades")
    assert collection.dataset.name == "shades"
    assert collection.layout == "huggingface"
    assert collection.dataset.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert files_in(collection.root) == ["data/train-00000-of-00001.parquet"]
    assert collection.given == f"hf:ann/shades@{COMMITS['main']}"
    hub.asked.clear()
    assert open_dataset(collection.given).images.shape == (3, 1, 2, 2)
    assert hub.asked == []


def test_a_revision_is_what_it_says(hub):
    hub.repositories["ann/shades"] = {"main": {"a.parquet": a_table(1)}, "v1": {"a.parquet": a_table(2)}}
    assert open_dataset("hf:ann/shades@v1").images.max() == 2
    assert 'hf:ann/shades has no revision "v2"' in refused("hf:ann/shades@v2")


def test_a_script_is_not_run_and_what_the_hub_made_of_it_is_read(hub):
    hub.repositories["ann/script"] = {
        "main": {"script.py": b"raise SystemExit"},
        "refs/convert/parquet": {"default/train/0000.parquet": a_table(1), "default/test/0000.parquet": a_table(2)},
    }
    collection = open_collection("hf:ann/script")
    assert files_in(collection.root) == ["default/test/0000.parquet", "default/train/0000.parquet"]
    assert collection.given == f"hf:ann/script@{COMMITS['refs/convert/parquet']}"


def test_images_in_a_repository_are_read_as_any_folder(hub, tmp_path):
    folder = images(tmp_path / "a", 3)
    files = {f"train/{path.name}": path.read_bytes() for path in folder.iterdir()}
    lines = [json.dumps({"file_name": f"{number}.png", "Hat": "Cap" if number else None}) for number in range(3)]
    hub.repositories["ann/pngs"] = {"main": {**files, "train/metadata.jsonl": "\n".join(lines).encode(), "run.sh": b""}}
    collection = open_collection("hf:ann/pngs")
    assert collection.layout == "imagefolder"
    assert (collection.dataset.images[2].transpose(1, 2, 0) == avatar(2)).all()
    assert not (collection.root / "run.sh").exists()


def test_of_several_subsets_one_must_be_named(hub):
    names = ("cats/train/0000.parquet", "dogs/train/0000.parquet", "dogs/test/0000.parquet")
    hub.repositories["ann/pets"] = {"main": {name: a_table(1) for name in names}}
    assert refused("hf:ann/pets").endswith("name one, as hf:ann/pets/SUBSET: cats, dogs")
    assert files_in(fetch_from_hub(hub_name("hf:ann/pets/dogs")).folder) == sorted(names[1:])
    assert "nearest: dogs" in refused("hf:ann/pets/dog")


def test_names_that_lead_out_of_the_cache_are_left_out(hub, tmp_path):
    names = ("../../out.parquet", "/abs.parquet", "a/../b.parquet", ".hidden/c.parquet", "fine.parquet")
    hub.repositories["ann/sly"] = {"main": {name: a_table(1) for name in names}}
    assert files_in(fetch_from_hub(hub_name("hf:ann/sly")).folder) == ["fine.parquet"]
    assert not list(tmp_path.rglob("out.parquet"))


def test_other_bytes_than_were_listed_are_refused(hub):
    hub.repositories["ann/shades"] = {"main": {"a.parquet": a_table(1)}}
    hub.lying = True
    assert "a.parquet was refused: its SHA-256 is" in refused("hf:ann/shades", NoisetteError)
    hub.lying = False
    assert open_dataset("hf:ann/shades").images.max() == 1


def test_too_much_is_not_fetched(hub, monkeypatch):
    hub.repositories["ann/large"] = {"main": {"a.parquet": a_table(1)}}
    monkeypatch.setattr("noisette.data.hub.listing.MOST_BYTES", 100)
    assert "download the part that you want" in refused("hf:ann/large")
    assert not any("resolve" in each for each in hub.asked)


def test_what_the_hub_refuses_is_one_line(hub):
    hub.repositories |= {"ann/locked": {"main": {}}, "ann/text": {"main": {"a.txt": b"x"}}}
    hub.gated.add("ann/locked")
    assert "there is no data set hf:ann/none on the hub, or it is private" in refused("hf:ann/none")
    assert "hf:ann/locked is gated: ask for it on https://huggingface.co/datasets/ann/locked" in refused(
        "hf:ann/locked"
    )
    assert "hf:ann/text has no files that can be read" in refused("hf:ann/text")


@pytest.fixture
def nobody(monkeypatch):
    """A hub that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")


def test_a_hub_that_cannot_be_reached_is_one_line(hub, nobody):
    message = refused("hf:ann/shades", NoisetteError)
    assert message.startswith("the hub at 127.0.0.1 gave no answer for hf:ann/shades (")
    assert message.endswith("check the network, or download it elsewhere and name its folder")


def test_without_the_hub_what_was_fetched_last_is_taken(hub, monkeypatch):
    hub.repositories["ann/shades"] = {"main": {"a.parquet": a_table(1)}}
    first = fetch_from_hub(hub_name("hf:ann/shades"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch_from_hub(hub_name("hf:ann/shades")) == first


def test_offline_mode_is_one_line(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids to ask the hub" in refused("hf:ann/shades", NoisetteError)


def test_without_the_extra_one_line_says_what_to_install(hub, monkeypatch):
    monkeypatch.setattr("noisette.data.hub.fetching.is_installed", lambda: False)
    assert refused("hf:ann/shades").endswith("install it with: pip install 'noisette[huggingface]'")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hf:mnist", HubName("mnist")),
        ("hf:ylecun/mnist", HubName("ylecun/mnist")),
        ("hf:ylecun/mnist/small@refs/pr/1", HubName("ylecun/mnist", "small", "refs/pr/1")),
        ("sprites", None),
        ("./hf:mnist", None),
    ],
)
def test_names_of_the_hub(written, meant):
    assert hub_name(written) == meant
    assert meant is None or str(meant) == written


@pytest.mark.parametrize("written", ["hf:", "hf:a/../b", "hf:/a", "hf:a/b/c/d", "hf:a b", "hf://a/b", "hf:a@"])
def test_names_that_are_none_are_refused(written):
    with pytest.raises(RequestError, match="is no name of a data set of the hub"):
        hub_name(written)


def test_a_folder_that_is_called_so_can_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hf:ann").mkdir()
    (tmp_path / "hf:ann" / "1.png").write_bytes(png(1))
    assert folder_meant("./hf:ann", ()) == tmp_path / "hf:ann"


def test_a_recipe_names_the_commit(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = images(tmp_path / "a", 60)
    rows = [{"bytes": (folder / f"{number}.png").read_bytes(), "path": None} for number in range(60)]
    file = io.BytesIO()
    parquet.write_table(table({"image": rows, "n": [number % 2 for number in range(60)]}), file)
    hub.repositories["ann/sprites"] = {"main": {"data/train-0.parquet": file.getvalue()}}
    assert main(["train", "hf:ann/sprites", "--dry-run"]) == 0
    assert f'path = "hf:ann/sprites@{COMMITS["main"]}"' in capsys.readouterr().out
    assert main(["data", "inspect", "hf:ann/sprites"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("sprites (folder): 60 of 60 images, 12x12 RGBA; Parquet files (Hugging Face)")
    assert (tmp_path / "sprites-contact-sheet.png").is_file()
    assert main(["data", "fetch", "hf:ann/sprites"]) == 0
    assert capsys.readouterr().out.startswith(f"hf:ann/sprites@{COMMITS['main']}: {tmp_path / 'cache'}")
    assert main(["data", "inspect", "hf:ann/none"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
