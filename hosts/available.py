"""Which real systems are here to be tested against, and what to do about those that are not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest

PACKAGES = "`make test-hosts` installs it"


@attrs.frozen(kw_only=True)
class Host:
    """A system: the packages it needs, and whatever else has to be there."""

    packages: tuple[str, ...] = ()
    others: tuple[Callable[[], str | None], ...] = ()

    def missing(self) -> str | None:
        """Say what is missing and where it comes from; nothing where all is there."""
        gone = [name for name in self.packages if importlib.util.find_spec(name) is None]
        if gone:
            return f"no package {', '.join(gone)}: {PACKAGES}"
        return next((reason for other in self.others if (reason := other()) is not None), None)


def chromium() -> str | None:
    """Find the browser, or say that there is none."""
    return None if chromium_path() else "no chromium: `apt-get install chromium`"


def chromium_path() -> str | None:
    """Give the path of the browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def postgres_binaries() -> str | None:
    """Find a PostgreSQL server's programs, or say that there are none."""
    return None if postgres_folder() else "no PostgreSQL server: `apt-get install postgresql`"


def postgres_folder() -> Path | None:
    """Give the folder of the newest PostgreSQL server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def tryton_module() -> str | None:
    """Say whether Tryton is told of the module; that is a distribution of its own."""
    told = {item.name for item in importlib.metadata.entry_points(group="trytond.modules")}
    return None if "svc_policy" in told else f"no svc-policy-tryton: {PACKAGES}"


def python_for_durable() -> str | None:
    """Say whether durable-rules can be imported by this Python."""
    return "durable-rules cannot be imported on Python 3.13 and later" if sys.version_info >= (3, 13) else None


#: One folder beside this file for each; `browser` is part of several.
HOSTS: Mapping[str, Host] = {
    "postgres": Host(packages=("psycopg", "sqlalchemy", "duckdb"), others=(postgres_binaries,)),
    "tryton": Host(packages=("trytond", "proteus"), others=(tryton_module,)),
    "oscar": Host(packages=("oscar", "django")),
    "server": Host(packages=("litestar", "uvicorn", "schemathesis")),
    "desk": Host(packages=("litestar", "uvicorn", "playwright"), others=(chromium,)),
    "live": Host(others=(python_for_durable,), packages=() if sys.version_info >= (3, 13) else ("durable",)),
    "browser": Host(packages=("playwright",), others=(chromium,)),
}


def require(name: str) -> None:
    """Skip what asks, saying why, where a host is not there.

    At the head of a module the whole of it is skipped.
    """
    reason = HOSTS[name].missing()
    if reason is not None:
        pytest.skip(f"{name} could not run: {reason}", allow_module_level=True)
