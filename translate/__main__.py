"""Where the command begins, installed or as `python -m translate`."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """The program `translate`. Ctrl-C while it is being imported ends it at once: there is nothing to keep yet."""
    shut_working_folder_out()
    signal.signal(signal.SIGINT, end_at_once)
    from translate.cli.app import main as run

    run()


def shut_working_folder_out() -> None:
    """Nothing that lies in the working folder is ever imported, by this process or by one that it starts.

    A folder that was downloaded is data. Python puts the working folder first in its path for `-c`, which is how it starts
    processes of multiprocessing, for `-m`, and for an empty name in PYTHONPATH.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = list(filter(os.path.isabs, given))
    if named:
        os.environ["PYTHONPATH"] = os.pathsep.join(named)
    else:
        os.environ.pop("PYTHONPATH", None)
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        here = os.getcwd()
    except OSError:  # it has been deleted: there is nothing in it
        here = ""
    unsafe = {here, *(os.path.normpath(os.path.join(here, name)) for name in given if not os.path.isabs(name))} - {
        ours,
        *named,
    }
    sys.path[:] = [place for place in sys.path if os.path.isabs(place) and os.path.normpath(place) not in unsafe]


def end_at_once(number: int, _: FrameType | None) -> None:
    """What a Ctrl-C does as long as nothing has to be put away: an exception would come up in the midst of some library."""
    os.write(2, b"stopped\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
