"""Start the service as its users do, on a free port, and stop it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import httpx

ROOT = Path(__file__).resolve().parents[2]


@attrs.define
class Running:
    """A service that runs: its address, its process, what it wrote on standard error."""

    address: str
    port: int
    process: subprocess.Popen[str]
    written: list[str]

    def client(self, **more) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, trust_env=False, **more)

    @property
    def log(self) -> str:
        return "".join(self.written)

    def memory(self) -> int:
        """Give the resident bytes of the service and its processes."""
        return sum(_resident(pid) for pid in (self.process.pid, *_children(self.process.pid)))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def _resident(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(one) for one in text.split()]
    return []


#: The command with other limits than it has, so that nobody waits for half a minute.
_LIMITED = """
import sys
from svc_policy.cli import main
from svc_policy.server import settings
before = settings.Limits
settings.Limits = lambda **more: before(**{**more, **%r})
%s
main(sys.argv[1:])
"""


@contextlib.contextmanager
def serving(
    *arguments: str, cwd: Path | None = None, limits: dict[str, float] | None = None, first: str = ""
) -> Iterator[Running]:
    """Serve; `arguments` as on the command line, the port apart.

    `limits` are others than those of the command; `first` is run in its process before it.
    """
    command = ["-m", "svc_policy"] if limits is None else ["-c", _LIMITED % (limits, first)]
    process = subprocess.Popen(
        [sys.executable, *command, "serve", *arguments, "--port", "0", "--lang", "en"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd or tempfile.gettempdir(),
        env={**os.environ, "SVC_POLICY_TRACEBACK": "1"},
    )
    written: list[str] = []

    def gather() -> None:
        assert process.stderr is not None
        written.extend(process.stderr)

    thread = threading.Thread(target=gather, daemon=True)

    def lines() -> Iterator[str]:
        assert process.stderr is not None
        for line in process.stderr:
            written.append(line)
            yield line
            if " on http" in line:
                return

    try:
        found = next(
            (match for line in lines() if (match := re.search(r"on (http://\S+?:(\d+))$", line.strip()))), None
        )
        assert found is not None, "".join(written)
        thread.start()
        yield Running(address=found[1], port=int(found[2]), process=process, written=written)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if thread.is_alive():
            thread.join(10)
        assert process.stderr is not None
        process.stderr.close()


def wait_for(what, seconds: float = 10) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)
