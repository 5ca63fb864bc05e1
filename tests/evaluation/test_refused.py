"""A wrong request to measure is refused before PyTorch is loaded, which takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys

WRONG = [
    ["evaluate", "nowhere"],
    ["evaluate", "punks", "--steps", "0"],
    ["evaluate", "punks", "--preset", "nonsense"],
    ["evaluate", "punks", "--checkpoint", "7"],
    ["evaluate", "--fit-classifier", "nowhere"],
    ["evaluate", "--fit-classifier", "cryptopunks", "--split", "nonsense"],
    ["sweep", "nowhere", "--over", "steps=5"],
    ["sweep", "punks", "--over", "nonsense=1"],
    ["sweep", "punks", "--over", "steps=5,0"],
    ["sweep", "punks", "--over", "steps=5", "--figure", "nonsense"],
    ["report", "punks", "nowhere"],
    ["noising", "nowhere"],
    ["tune", "nowhere"],
]
PROGRAM = """
import json, sys
from noisette.cli import main
for arguments in json.loads(sys.argv[1]):
    print(json.dumps([arguments, main(arguments), "torch" in sys.modules]))
"""


def test_a_refused_request_loads_no_pytorch(tmp_path):
    command = [sys.executable, "-P", "-c", PROGRAM, json.dumps(WRONG)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[each, 2, False] for each in WRONG]
    assert done.stderr.count("\n") == len(WRONG), done.stderr
