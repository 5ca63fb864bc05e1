"""Let atheris think of files, and see that only the documented errors come out.

    python -m tests.fuzz                     all targets, 20 seconds each
    python -m tests.fuzz toml --seconds 600  one of them, longer

Starts from what is kept in tests/fuzz/corpus; what it finds on its way goes into build/fuzz, and a file that breaks
something beside it, as TARGET-crash-...: put that into the corpus, with the mend.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
FOUND = Path("build/fuzz")
MEGABYTES = 4096  # of memory that a file may take
LONGEST = 100_000  # bytes of a file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="all unless given")
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--merge", action="store_true", help="keep in the corpus what build/fuzz reaches besides")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _inside(options.inside, options.seconds, merge=options.merge)
    names = options.targets or sorted(path.name for path in (HERE / "corpus").iterdir())
    failed = []
    for name in names:
        words = ["--inside", name, "--seconds", str(options.seconds), *(["--merge"] if options.merge else [])]
        print(f"{name}: {options.seconds} seconds", flush=True)
        if subprocess.run([sys.executable, "-m", "tests.fuzz", *words], check=False).returncode:
            failed.append(name)
    print(f"broken: {', '.join(failed)}" if failed else "only documented errors came out")
    return 1 if failed else 0


def _inside(name: str, seconds: int, *, merge: bool) -> int:
    """One target, in a process of its own: libFuzzer ends it."""
    import atheris  # an extra: `pip install noisette[fuzz]`

    with atheris.instrument_imports(include=["noisette", "json", "tomllib"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS, tried

    warnings.simplefilter("error")  # a person would see it

    (FOUND / name).mkdir(parents=True, exist_ok=True)
    limits = [
        f"-rss_limit_mb={MEGABYTES}",
        "-timeout=20",
        f"-max_len={LONGEST}",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    places = [str(FOUND / name), str(HERE / "corpus" / name)]
    if merge:
        words = ["-merge=1", *reversed(places)]
    else:
        words = [f"-max_total_time={seconds}", f"-artifact_prefix={FOUND}/{name}-", *places]
    atheris.Setup([sys.argv[0], *limits, *words], lambda data: tried(TARGETS[name], data))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
