from __future__ import annotations

import pytest
import torch
from safetensors import safe_open

from noisette.errors import NoisetteError
from noisette.store.checkpoint import discard_from, latest_checkpoint, save_checkpoint


def standing(step):
    return {"step": step, "elapsed": 0.0, "skipped": 0, "updates": 0, "schema": "", "palette": ""}


def save(folder, step):
    return save_checkpoint(
        folder,
        step,
        {"network": {"w": torch.full((3,), float(step))}, "optimizer": {"w/m": torch.ones(2)}},
        standing(step),
        2,
    )


def test_what_was_saved_comes_back(tmp_path):
    save(tmp_path, 5)
    found, notes = latest_checkpoint(tmp_path)
    assert notes == []
    assert found.state == standing(5)
    assert torch.equal(found.tensors("network")["w"], torch.full((3,), 5.0))
    assert list(found.tensors("optimizer")) == ["w/m"]


def test_no_checkpoint_yet_is_not_an_error(tmp_path):
    assert latest_checkpoint(tmp_path) == (None, [])


def test_the_newest_are_kept_and_nothing_else_is_left(tmp_path):
    for step in range(1, 6):
        save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.json",
        "step-00000004.safetensors",
        "step-00000005.safetensors",
    ]


@pytest.mark.parametrize("damage", ["truncated", "tampered", "removed"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_says_so(tmp_path, damage):
    save(tmp_path, 1)
    save(tmp_path, 2)
    file = tmp_path / "step-00000002.safetensors"
    content = bytearray(file.read_bytes())
    if damage == "removed":
        file.unlink()
    else:
        content[-1] ^= 1
        file.write_bytes(content if damage == "tampered" else content[: len(content) // 2])
    found, notes = latest_checkpoint(tmp_path)
    assert found.state == standing(1)
    assert len(notes) == 1
    assert "step-00000002.safetensors" in notes[0]


def test_when_all_are_damaged_the_error_names_each(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2)
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(b"")
    with pytest.raises(
        NoisetteError, match="step-00000002.safetensors is damaged.*step-00000001.safetensors is damaged"
    ):
        latest_checkpoint(tmp_path)


@pytest.mark.parametrize("content", ["{", "{}", "[]", ""])
def test_a_damaged_manifest_is_an_error_and_not_an_empty_run(tmp_path, content):
    save(tmp_path, 1)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(NoisetteError, match="manifest.json is damaged"):
        latest_checkpoint(tmp_path)


def test_a_removed_manifest_is_an_error_and_costs_no_checkpoint(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2)
    (tmp_path / "manifest.json").unlink()
    for attempt in (lambda: latest_checkpoint(tmp_path), lambda: save(tmp_path, 3)):
        with pytest.raises(NoisetteError, match="manifest.json is missing"):
            attempt()
    assert len(list(tmp_path.glob("step-*.safetensors"))) == 2


def test_a_manifest_cannot_point_outside_its_folder(tmp_path):
    folder = tmp_path / "checkpoints"
    save(folder, 1)
    (folder / "step-00000001.safetensors").rename(tmp_path / "outside.safetensors")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("step-00000001.safetensors", "../outside.safetensors"))
    with pytest.raises(NoisetteError, match="lies outside its folder"):
        latest_checkpoint(folder)


def test_a_death_between_the_file_and_the_manifest_loses_nothing(tmp_path, monkeypatch):
    save(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr("noisette.store.checkpoint.write_text", lambda *_: (_ for _ in ()).throw(OSError("killed here")))
        with pytest.raises(OSError, match="killed here"):
            save(tmp_path, 2)
    found, notes = latest_checkpoint(tmp_path)
    assert (found.state, notes) == (standing(1), [])
    save(tmp_path, 2)
    assert latest_checkpoint(tmp_path)[0].state == standing(2)


def test_checkpoints_can_be_taken_back(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2)
    discard_from(tmp_path, 2)
    assert latest_checkpoint(tmp_path)[0].state == standing(1)
    discard_from(tmp_path, 0)
    assert latest_checkpoint(tmp_path) == (None, [])
    assert list(tmp_path.glob("*.safetensors")) == []


def test_no_pickle_is_written(tmp_path):
    save(tmp_path, 1)
    with safe_open(tmp_path / "step-00000001.safetensors", framework="pt") as file:
        assert sorted(file.keys()) == ["network/w", "optimizer/w/m"]


@pytest.mark.parametrize("field", ["step", "elapsed", "skipped", "updates", "schema", "palette"])
def test_a_checkpoint_that_lost_what_it_says_is_none(tmp_path, field):
    said = {name: value for name, value in standing(1).items() if name != field}
    save_checkpoint(tmp_path, 1, {"network": {"w": torch.ones(1)}}, said, 2)
    with pytest.raises(NoisetteError, match=r"step-00000001.safetensors is not a checkpoint of noisette"):
        latest_checkpoint(tmp_path)
