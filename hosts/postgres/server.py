"""A PostgreSQL server of our own: made in a temporary folder from the system's binaries, thrown away at the end.

    with running() as server:
        with server.database("tickets") as url:
            psycopg.connect(url)

It listens on a free port of the loopback and on a socket in its own folder, and takes no other password than the
one it was made with. PostgreSQL refuses to run as root; started by root it runs as the system's `postgres`, or as
`nobody`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

#: Nothing that is written here has to outlive the machine.
SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "max_connections": "40",
    "log_min_messages": "warning",
}
STARTING_S: Final = 60.0
USER: Final = "svc_policy"


def binaries() -> Path | None:
    """Find the folder of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("postgres")
    return Path(there).resolve().parent if there else None


class Server:
    """A cluster in a folder; `start`, `stop` and `restart` it as often as a test likes."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError("PostgreSQL is not installed")
        self.bin = found
        self.folder = folder
        self.data = folder / "data"
        self.settings = {**SETTINGS, **(settings or {})}
        self.port = _free_port()
        self.password = secrets.token_urlsafe(12)
        self.owner = _owner()
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make the cluster."""
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        if self.owner is not None:
            for path in (self.folder, secret):
                shutil.chown(path, self.owner)
        subprocess.run(
            [
                self.bin / "initdb",
                *("-D", self.data, "-U", USER, "-E", "UTF8", "--no-locale", "--no-sync"),
                *("-A", "scram-sha-256", "--pwfile", secret),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.owner,
            cwd=self.folder,
        )
        secret.unlink()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        listed = {
            **self.settings,
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
        }
        options = [text for name, value in listed.items() for text in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, *options],
                stdout=log,
                stderr=log,
                user=self.owner,
                cwd=self.folder,
                # A group of its own: what interrupts the tests does not interrupt it before they have ended.
                start_new_session=True,
            )
        until = time.monotonic() + STARTING_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server: open transactions are rolled back; `at_once` is as if it had crashed."""
        if self.process is not None:
            # It stops the processes that it started.
            self.process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self.process.wait(timeout=STARTING_S)
            self.process = None

    def restart(self, *, at_once: bool = False) -> None:
        """Stop and start it again, on the same port."""
        self.stop(at_once=at_once)
        self.start()

    def log(self) -> str:
        """Read the end of what the server wrote."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-4_000:]

    def url(self, database: str, *, scheme: str = "postgresql") -> str:
        """Give the address of a database; `postgresql+psycopg` is the scheme for SQLAlchemy."""
        return f"{scheme}://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Make an empty database, give its address, and drop it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            if self.process is not None:
                with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server of our own; its folder is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="svc-policy-pg-"))
    try:
        server = Server(folder, settings)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    """Name whom the server runs as; None is whoever runs this."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
