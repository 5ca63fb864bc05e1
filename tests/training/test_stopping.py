"""A training that is asked to stop."""

from __future__ import annotations

import shutil

import pytest

import noisette
from noisette.errors import Stopped
from noisette.store.run import open_run
from noisette.training.callback import NullCallback

from .helpers import Collecting, final, same


@pytest.mark.slow
def test_a_stop_request_saves_and_says_how_to_go_on(tiny, trained, tmp_path):
    import os
    import signal

    class Terminating(NullCallback):
        def on_step(self, info):
            if info.step == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="noisette resume") as stopped:
        noisette.train(tiny, out=tmp_path / "r", callback=Terminating())
    assert stopped.value.exit_status == 75
    assert open_run(tmp_path / "r").status["state"] == "stopped"
    assert open_run(tmp_path / "r").checkpoint()[0].state["step"] == 5
    shutil.copytree(tmp_path / "r", tmp_path / "copy")
    same(final(noisette.resume(tmp_path / "r"))[0], final(trained)[0])

    for file in (tmp_path / "copy/checkpoints").iterdir():
        file.unlink()
    callback = Collecting()
    resumed = noisette.resume(tmp_path / "copy", callback=callback)
    assert any("no checkpoint was kept of the 5 steps" in note for note in callback.notes)
    same(final(resumed)[0], final(trained)[0])
