"""A hub on this machine: the part of the Hugging Face protocol that fetching a model uses, over real HTTP."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one folder as a repository, at one commit and at main.

    `status` answers every request with that error; `delay` waits so many seconds before each answer; `broken` cuts the
    weights off half way; `swapped` sends other bytes than those whose sha256 it has told; `stalled` sends no file at all.
    `asked` holds the paths of all requests.
    """

    daemon_threads = True

    def __init__(
        self,
        repository: str,
        folder: Path,
        *,
        status: int = 0,
        delay: float = 0.0,
        broken: bool = False,
        swapped: bool = False,
        stalled: bool = False,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repository, self.folder = repository, folder
        self.status, self.delay, self.broken = status, delay, broken
        self.swapped, self.stalled = swapped, stalled
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """What HF_ENDPOINT has to be."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub = self.server
        hub.asked.append(self.path)
        time.sleep(hub.delay)
        path = self.path.split("?")[0]
        revisions = ("main", COMMIT)
        if hub.status:
            self._send(hub.status, b"{}", {}, body=body)
        elif path in {
            f"/api/models/{hub.repository}",
            *(f"/api/models/{hub.repository}/revision/{name}" for name in revisions),
        }:
            names = [_describe(file) for file in sorted(hub.folder.iterdir())]
            self._send_json({"id": hub.repository, "sha": COMMIT, "siblings": names}, body=body)
        elif path.startswith(f"/{hub.repository}/resolve/") and path.split("/")[4] in revisions:
            self._send_file(hub.folder / path.split("/")[5], body=body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)

    def _send_json(self, value: Any, *, body: bool) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, body=body)

    def _send_file(self, file: Path, *, body: bool) -> None:
        if not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body=body)
            return
        if self.server.stalled and body:
            time.sleep(300)
        data = file.read_bytes()
        if self.server.swapped and body and file.suffix == ".safetensors":
            data = data[:-8] + bytes(8)
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = len(data) // 2 if self.server.broken and body and file.suffix == ".safetensors" else len(data)
        self.close_connection = end < len(data)
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if asked else 200, data[start:end], headers, body=body, length=len(data) - start)

    def _send(
        self, status: int, data: bytes, headers: dict[str, str], *, body: bool, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data) if length is None else length)}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            with suppress(BrokenPipeError):  # who asked did not wait
                self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quietly."""


def _describe(file: Path) -> dict[str, Any]:
    """As the hub lists a file: one that is kept as a large file with its sha256."""
    if file.suffix != ".safetensors":
        return {"rfilename": file.name}
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"rfilename": file.name, "lfs": {"sha256": digest, "size": file.stat().st_size, "pointerSize": 133}}
