import os
import sys
from contextlib import suppress

with suppress(OSError):  # of a current folder that is gone
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109
        del sys.path[0]  # Python put it there: nothing that merely lies in the current folder is run

from noisette.cli import main

raise SystemExit(main())
