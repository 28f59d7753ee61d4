"""Start and stop `svc-policy serve`, as who runs it does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import attrs

#: A wait that only a fault makes last.
LONGEST = 30.0


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@attrs.define(kw_only=True)
class Service:
    """A service on one port, which can be stopped and started again."""

    packs: tuple[str, ...]
    log: Path
    options: tuple[str, ...] = ()
    port: int = attrs.field(factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/desk"

    def link(self, policy: str, facts: dict[str, object], at: str = "", digest: str = "") -> str:
        """Write a link as the page does."""
        parts = {"policy": policy, "digest": digest, "at": at, "ticket": json.dumps(facts)}
        return f"{self.page}#{urlencode({name: text for name, text in parts.items() if text})}"

    def start(self) -> None:
        command = [sys.executable, "-m", "svc_policy", "serve", *self.packs, "--port", str(self.port), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "LANG": "C.UTF-8"})
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/live", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
                time.sleep(0.1)
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LONGEST)
            self.process = None
