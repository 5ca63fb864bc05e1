"""The server of the dashboard as a program: Streamlit's `run`, which asks nobody outside this machine."""

from __future__ import annotations

import os
import signal
import sys


def ask_nobody() -> None:
    """Keep Streamlit from asking Amazon for the address of this machine, to print it, and whenever a page of another
    site tries to connect.
    """
    from streamlit import net_util

    for name in ("get_external_ip", "get_internal_ip"):
        setattr(net_util, name, lambda: None)


def end_quietly_while_starting() -> None:
    """Have Ctrl-C end the process until Streamlit listens for it: in the moment between it would print tracebacks."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored, as under nohup
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def main() -> None:
    """Serve until interrupted, with the arguments of `streamlit run`."""
    end_quietly_while_starting()
    ask_nobody()
    from streamlit.web.cli import main as streamlit

    streamlit(["run", *sys.argv[1:]], prog_name="streamlit")


if __name__ == "__main__":
    main()
