"""Run the attacks and print the table.

    python -m tests.reliability [--quick] [--only disk --only killed:2-4 …] [--write docs/reliability.md] [--keep RESULTS.json]

Prints a line as soon as an attack is over, what it complains about if anything, and the table in Markdown at last; the
last line is JSON. With --keep, results of an earlier call are taken from that file and new ones put into it, so that
the families can be run one by one, and a large one in parts. Exit status 1 if an attack was not survived.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]  # as pytest does: the attacks use what the tests share
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])

from tests.reliability.table import main  # noqa: E402

main()
