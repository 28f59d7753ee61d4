"""A database in which the module is activated: made once for the versions that are installed, then copied."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import svc_policy

NAME = "shop"
PASSWORD = "correct horse battery"
MODULE = Path(svc_policy.__file__).parent / "adapters" / "tryton"
#: What the module depends on; activated first, as that takes a minute and changes with Tryton only.
BELOW = ("sale_complaint", "sale_subscription", "stock_lot")


def cache() -> Path:
    """Give the folder in which databases are kept: beside the packages, so that it goes when they go."""
    folder = Path(os.environ.get("SVC_POLICY_HOSTS_CACHE") or Path(sys.prefix) / ".cache" / "svc-policy-hosts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_config(folder: Path) -> Path:
    """Write a configuration whose databases lie in a folder."""
    path = folder / "trytond.conf"
    path.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n", encoding="utf-8")
    return path


def prepared() -> Path:
    """Give a database with the module activated and Chinese loaded; made by Tryton's own command if need be."""
    versions = [
        f"{found.name}={found.version}"
        for found in sorted(metadata.distributions(), key=lambda one: one.name or "")
        if (found.name or "").startswith("trytond")
    ]
    below = cache() / f"tryton-{_digest(versions)}.sqlite"
    files = sorted(path for path in MODULE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    whole = below.with_name(f"{below.stem}-{_digest(path.read_text(encoding='utf-8') for path in files)}.sqlite")
    with (cache() / "tryton.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not below.exists():
            _make(below, BELOW, None)
        if not whole.exists():
            for old in cache().glob(f"{below.stem}-*.sqlite"):
                old.unlink()
            _make(whole, ("svc_policy",), below)
    return whole


def _make(path: Path, modules: Iterable[str], base: Path | None) -> None:
    folder = path.with_suffix(".making")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    database = folder / f"{NAME}.sqlite"
    if base is None:
        database.touch()
    else:
        shutil.copyfile(base, database)
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    command = ["trytond-admin", "-c", str(write_config(folder)), "-d", NAME, "-m", "-u", *modules]
    command += ["--activate-dependencies", "-l", "zh_CN", "--email", "admin@example.com", "--administrator"]
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "password")}
    run = [str(Path(sys.prefix) / "bin" / command[0]), *command[1:]]
    subprocess.run(run, env=environment, check=True, timeout=300)
    os.replace(database, path)
    shutil.rmtree(folder)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
