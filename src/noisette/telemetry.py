"""Libraries that would report their use to their makers are told not to, before any of them is imported."""

from __future__ import annotations

import os

SWITCHES = {
    # ONNX Runtime from 1.29 on writes a device id into the home folder, and asks for Microsoft's event host.
    "ORT_DISABLE_TELEMETRY": "1",
    # Streamlit writes a machine id into the home folder, and its pages report to its maker.
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    # What Accelerate and diffusers load with.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Whoever else follows https://donottrack.sh.
    "DO_NOT_TRACK": "1",
}
"""Environment variables and what switches telemetry off; its own function for that comes too late in ONNX Runtime."""


def switch_off() -> None:
    """Set the switches, but for those that the person has set. What is started from here inherits them."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
