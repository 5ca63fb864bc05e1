"""What goes wrong in a training."""

from __future__ import annotations

import numpy as np

from noisette.dashboard.services.alerts import alerts


def test_what_goes_wrong_is_said():
    running = {"state": "running", "skipped": 0, "updated": 100.0}
    assert alerts(running, 110.0) == []
    assert "was heard" in alerts(running, 400.0)[0].text
    assert "is gone" in alerts(running, 120.0, alive=False)[0].text
    assert "not finite" in alerts({**running, "skipped": 3}, 101.0)[0].text
    rising = [(step, loss) for step, loss in enumerate([3.0, 2.0, 2.2, 2.3, 2.4])]
    assert alerts(running, 110.0, held_out=rising[:4]) == []
    assert alerts(running, 110.0, held_out=rising)[0].values == {"step": 1}
    assert "failed" in alerts({"state": "failed", "skipped": 0, "updated": 0.0}, 400.0)[0].text


def test_a_loss_that_stalls_is_told():
    running = {"state": "running", "skipped": 0, "updated": 100.0}
    steps = np.arange(1000)
    noise = 0.1 * np.random.default_rng(0).standard_normal(1000)
    assert alerts(running, 101.0, losses=np.exp(-steps / 500) + 0.1 * noise) == []
    assert "not fallen" in alerts(running, 101.0, losses=np.exp(-steps / 20) + steps / 1e4 + 0.1 * noise)[0].text
    assert "not fallen" in alerts(running, 101.0, losses=np.where(steps % 3, 1.0, np.nan))[0].text
    assert alerts(running, 101.0, losses=np.ones(50)) == []
    assert alerts({**running, "state": "finished"}, 101.0, losses=np.ones(1000)) == []
