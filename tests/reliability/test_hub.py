"""A hub on loopback that is slow, wrong, hostile or silent: the next line of models.txt in bounded time, or a named error."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.helpers.hub import COMMIT, Hub
from tests.reliability.attack import SMALL, Attack, Size, Tally, check, complain, run, thin
from translate.model.catalog import BUNDLED

TINY = BUNDLED / "tiny-de-en"
NAME = "Somebody/opus-mt-de-en"
SECONDS = 45
"""From the start of the command to rows by the fallback, or to the error, on a busy machine."""

WRONG = {
    "HTML instead of JSON": "<html>Log in</html>",
    "an empty answer": "",
    "a list": "[]",
    "a deep list": "[" * 100_000,
    "no files": json.dumps({"id": NAME, "sha": COMMIT, "siblings": []}),
    "no commit": json.dumps({"id": NAME, "siblings": [{"rfilename": "model.safetensors"}]}),
    "files elsewhere": json.dumps(
        {"id": NAME, "sha": COMMIT, "siblings": [{"rfilename": "../../../x/model.safetensors"}]}
    ),
    "a commit that is a path": json.dumps(
        {"id": NAME, "sha": "../../x", "siblings": [{"rfilename": "model.safetensors"}]}
    ),
    "a file that is not there": json.dumps(
        {"id": NAME, "sha": COMMIT, "siblings": [{"rfilename": "model.safetensors"}]}
    ),
}
"""What it says when it is asked which files a model has."""
NOWHERE = ("http://127.0.0.1:9", "http://no-such-host.invalid", "ftp://127.0.0.1", "nonsense")
BAD = {
    "half of the weights": {"broken": True},
    "weights with other bytes": {"swapped": True},
    "files that never come": {"stalled": True},
}
MISLED = "hub that answers wrongly, slowly or not at all"


class Liar(ThreadingHTTPServer):
    """Answers everything with the same text; `endless` sends a byte a second and never ends; `loop` redirects to itself."""

    daemon_threads = True

    def __init__(self, text: str, *, endless: bool = False, loop: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.text, self.endless, self.loop = text, endless, loop
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    server: Liar

    def do_GET(self) -> None:
        data = self.server.text.encode()
        self.send_response(302 if self.server.loop else 200)
        if self.server.loop:
            self.send_header("Location", self.path + "/x")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000" if self.server.endless else str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
            while self.server.endless:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(1)
        except OSError:  # who asked did not wait
            return

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Quietly."""


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    for what, text in thin(WRONG.items(), size):
        yield partial(mislead, folder, what, text)
    yield partial(mislead, folder, "endless", endless=True)
    yield partial(mislead, folder, "redirections", loop=True)
    yield partial(keep_silent, folder)
    for address in thin(NOWHERE, size):
        yield partial(ask_nobody, folder, address)
    for what, options in BAD.items():
        yield partial(serve_badly, folder, what, options)


def translate(home: Path, address: str) -> str:
    """What is wrong with how the command ends when models.txt has the hub's model first: it falls back, in time."""
    home.mkdir(parents=True)
    (home / "a.txt").write_text("Das Haus steht leer.\n", encoding="utf-8")
    (home / "models.txt").write_text(f"{NAME}\ntiny-de-en bundled\n", encoding="utf-8")
    hub = {"HF_ENDPOINT": address, "HF_HOME": str(home / "cache"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    started = time.perf_counter()
    done = run(("a.txt", "--engine", "echo"), home, seconds=200, changes=hub)
    seconds = time.perf_counter() - started
    problem = complain(done, 0, f"warning: not using {NAME}", "; using tiny-de-en instead")
    if not problem and seconds > SECONDS:
        problem = f"took {seconds:.0f} s"
    return problem or ("" if (home / "out/tiny-de-en/a.jsonl").exists() else "no rows")


def count(attack: str, what: str, problem: str) -> Tally:
    """One try."""
    tally = Tally(attack)
    tally.add(f"{what}: {problem}" if problem else "")
    return tally


def mislead(folder: Path, what: str, text: str = "{}", *, endless: bool = False, loop: bool = False) -> Tally:
    """A wrong answer, an endless one, redirections without end."""
    with Liar(text, endless=endless, loop=loop) as liar:
        problem = translate(folder / what.replace(" ", "-"), f"http://127.0.0.1:{liar.server_address[1]}")
        liar.shutdown()
    return count(MISLED, what, problem)


def keep_silent(folder: Path) -> Tally:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        return count(MISLED, "silent", translate(folder / "silent", f"http://127.0.0.1:{silent.getsockname()[1]}"))


def ask_nobody(folder: Path, address: str) -> Tally:
    """There is none, or no HTTP."""
    return count(MISLED, address, translate(folder / address.replace("/", "-"), address))


def serve_badly(folder: Path, what: str, options: dict[str, bool]) -> Tally:
    """The hub lists the model well, and then sends other bytes than it promised, half of them, or none."""
    home = folder / what.replace(" ", "-")
    shutil.copytree(TINY, home / "source")
    with Hub(NAME, home / "source", **options) as hub:
        return count("hub that sends other files than it lists", what, translate(home / "run", hub.address))


def test_a_bad_hub_holds_nobody_up(tmp_path: Path) -> None:
    """The next model is used, and standard error says why."""
    check(attacks(SMALL, tmp_path), at_once=4)
