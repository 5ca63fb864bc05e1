"""Which of several processes this is, as launchers say it, and what of their environment a training follows."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import torch
from accelerate.utils import DynamoBackend
from hypothesis import given
from hypothesis import strategies as st

import noisette
from noisette.errors import NoisetteError, RequestError
from noisette.training import processes
from noisette.training.launcher import Launch, read_launch, settings_hidden
from noisette.training.processes import own_accelerator

from ..conftest import TINY
from ..e2e.killing import differences

TORCHRUN = {
    "WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
}  # fmt: skip
NOTHING_ASKED = {
    "ACCELERATE_MIXED_PRECISION": "no", "ACCELERATE_DYNAMO_BACKEND": "no", "ACCELERATE_DYNAMO_MODE": "default",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH": "False", "ACCELERATE_USE_CPU": "False", "OMP_NUM_THREADS": "1",
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "1",
}  # fmt: skip
"""What `accelerate launch` sets where nobody asked for anything."""
ASKED = {
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4", "ACCELERATE_DYNAMO_BACKEND": "EAGER",
    "ACCELERATE_MIXED_PRECISION": "bf16", "ACCELERATE_TORCH_DEVICE": "meta", "ACCELERATE_USE_FSDP": "true",
    "ACCELERATE_USE_MEGATRON_LM": "true", "ACCELERATE_USE_DEEPSPEED": "true", "FORK_LAUNCHED": "1",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "true",
}  # fmt: skip
"""What would change a training, or end it in a traceback."""


@pytest.fixture
def variables(monkeypatch):
    """Set variables, with none of a launcher there before."""
    for name in {*TORCHRUN, *NOTHING_ASKED, *ASKED} - {"OMP_NUM_THREADS"}:
        monkeypatch.delenv(name, raising=False)

    def put(values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


def test_a_process_is_alone_unless_a_launcher_started_it():
    assert read_launch({}) == read_launch({"PATH": "/bin", "RANK": ""}) == read_launch({"WORLD_SIZE": "1"}) == Launch()
    assert read_launch({"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}) == Launch()  # torchrun --nproc-per-node 1


def test_a_whole_environment_is_followed():
    launch = read_launch(TORCHRUN)
    assert (launch.processes, launch.rank, launch.local_rank, launch.first) == (4, 3, 1, False)
    assert launch.notes == ["4 processes share each batch"]


@given(st.sets(st.sampled_from(sorted(TORCHRUN)), max_size=5))
def test_a_part_of_it_is_refused_by_what_is_missing(removed):
    left = {name: value for name, value in TORCHRUN.items() if name not in removed}
    removed = removed - {"LOCAL_WORLD_SIZE"}  # it may be left out
    if not removed or removed >= {"WORLD_SIZE", "RANK", "LOCAL_RANK"}:
        read_launch(left)
        return
    with pytest.raises(RequestError, match=r"torchrun") as refusal:
        read_launch(left)
    missing = str(refusal.value).partition(" set, but ")[2].partition(", and a launcher")[0]
    assert set(re.findall(r"[A-Z_]+", missing)) == removed


@pytest.mark.parametrize(
    "wrong",
    [
        {"RANK": "4"}, {"RANK": "-1"}, {"RANK": "one"}, {"WORLD_SIZE": "0"}, {"WORLD_SIZE": "1"}, {"LOCAL_RANK": "2"},
        {"LOCAL_WORLD_SIZE": "5"}, {"LOCAL_WORLD_SIZE": "x"}, {"MASTER_PORT": "0"}, {"MASTER_PORT": "70000"},
        {"MASTER_PORT": "http"}, {"RANK": "²"}, {"WORLD_SIZE": "9" * 5000}, {"ACCELERATE_USE_CPU": "maybe\x1b[2J"},
    ],
)  # fmt: skip
def test_a_contradiction_is_one_line(wrong):
    with pytest.raises(RequestError) as refusal:
        read_launch({**TORCHRUN, **wrong})
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("name", ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"])
def test_processes_of_mpi_would_each_train_alone(name):
    with pytest.raises(RequestError, match="torchrun"):
        read_launch({name: "2"})
    assert read_launch({name: "1"}) == Launch()


def test_one_process_where_several_were_asked_for_is_told():
    """`accelerate launch --num_processes 2 --cpu` starts one, and says nothing."""
    launch = read_launch({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "ACCELERATE_USE_CPU": "True"})
    assert launch.processes == 1
    assert "torchrun" in launch.notes[0]


def test_what_is_not_followed_is_named_once_and_what_asks_for_nothing_is_not():
    assert read_launch(NOTHING_ASKED).notes == []
    assert read_launch({"ACCELERATE_USE_CPU": "True"}) == Launch(on_cpu=True)
    [note] = read_launch(ASKED).notes
    assert all(name in note for name in ASKED)
    assert "ACCELERATE_GRADIENT_ACCUMULATION_STEPS (set training.batch_size)" in note


def test_the_environment_is_as_before(variables):
    variables({**TORCHRUN, **ASKED})
    before = dict(os.environ)
    with settings_hidden(read_launch()):
        assert not [name for name in ASKED if name in os.environ]
        assert os.environ["RANK"] == "3"
    with settings_hidden(Launch()):
        assert "RANK" not in os.environ
        os.environ["LOCAL_WORLD_SIZE"] = os.environ["WORLD_SIZE"] = "7"  # as Accelerate does
    assert dict(os.environ) == before


def test_only_the_recipe_says_how_a_training_computes(variables, trained, tmp_path):
    variables(ASKED)
    with own_accelerator() as accelerator:
        assert accelerator.gradient_accumulation_steps == 1
        assert (accelerator.mixed_precision, accelerator.device) == ("no", torch.device("cpu"))
        assert accelerator.state.dynamo_plugin.backend == DynamoBackend.NO
    again = noisette.train(noisette.load_recipe(_file(tmp_path)), out=tmp_path / "again")
    assert differences(trained, again) == []


def _file(folder):
    path = folder / "tiny.toml"
    path.write_text(TINY)
    return path


def test_what_changes_the_bits_below_pytorch_is_recorded(variables, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    assert noisette.train(tiny, out=tmp_path / "run").environment["variables"] == {"ATEN_CPU_CAPABILITY": "avx2"}


def test_others_that_do_not_come_are_waited_for_and_no_longer(variables, monkeypatch):
    variables({**TORCHRUN, "WORLD_SIZE": "2", "RANK": "1", "MASTER_PORT": "1"})
    monkeypatch.setattr(processes, "_PATIENCE", processes._PATIENCE / 60)
    with pytest.raises(NoisetteError, match=r"did not answer at '127\.0\.0\.1:1'.*within 1 s"), own_accelerator():
        pass


@pytest.mark.parametrize(
    "verb", [["train", "punks"], ["train", "punks", "--dry-run"], ["resume", "r"], ["distil", "r"]]
)
def test_half_a_launcher_is_refused_before_anything_is_loaded(verb, tmp_path):
    code = f"import sys; from noisette.cli import main; status = main({verb!r}); print(status, 'torch' in sys.modules)"
    environment = {**os.environ, "LOCAL_RANK": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 False\n"
    assert done.stderr.startswith("error: LOCAL_RANK is set, but WORLD_SIZE, RANK, MASTER_ADDR, MASTER_PORT are not")
    assert done.stderr.count("\n") == 1
