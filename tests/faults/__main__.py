"""Try everything: python -m tests.faults failing, or power; see `harness.py` for the options. Minutes to hours."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .shim import built, why_not


def start(
    library: Path, kind: str, folder: Path, *arguments: str, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run the harness with the library before all others."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.faults.harness", kind, str(folder), *arguments]
    return subprocess.run(command, env=environment, text=True, check=False, **settings)  # type: ignore[call-overload,no-any-return]


def main() -> int:
    if missing := why_not():
        print(f"error: this needs {missing}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        return start(built(home), sys.argv[1], home, *sys.argv[2:]).returncode


if __name__ == "__main__":
    raise SystemExit(main())
