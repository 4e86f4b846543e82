"""Where the command begins, installed or as `python -m translate`."""

from __future__ import annotations

import signal


def main() -> None:
    """The program `translate`. Ctrl-C while it is being imported ends it at once: there is nothing to keep yet."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from translate.cli.app import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
