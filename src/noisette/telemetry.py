"""Libraries that would report their use to their makers are told not to, before any of them is imported."""

from __future__ import annotations

import os

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": (
        "1"
    ),  # ONNX Runtime from 1.29 on: a device id in the home folder, and Microsoft's event host is asked for
}
"""Environment variables and what switches telemetry off; its own function for that comes too late in ONNX Runtime."""


def switch_off() -> None:
    """Set the switches, but for those that the person has set."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
