"""What the README's first command prints, into the README.

    python benchmarks/first_run.py [--write README.md]

Runs `translate data/*.txt` in a folder that holds the samples and nothing else, as it is on this machine: one without
the default model and without a hub shows the fall-back. Prints the block.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import replace_block

ROOT = Path(__file__).resolve().parent.parent


def first_run() -> str:
    """The command and its standard error, as a block of Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "data", folder / "data")
        shutil.copy(ROOT / "models.txt", folder)
        files = sorted(str(path.relative_to(folder)) for path in folder.glob("data/*.txt"))
        code = "from translate.__main__ import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *files], cwd=folder, capture_output=True, text=True, check=True
        )
    return f"```text\n$ translate data/*.txt\n{done.stderr.strip()}\n```"


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="a page whose block `first-run` is written anew")
    options = parser.parse_args()
    block = first_run()
    print(block)
    if options.write:
        replace_block(options.write, "first-run", block)


if __name__ == "__main__":
    main()
