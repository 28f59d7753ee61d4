from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from svc_policy import load
from svc_policy.adapters import LogReading, read_log, read_mapping

Read = Callable[..., LogReading]


@pytest.fixture(scope="session")
def mall() -> Any:
    return load("mall")


@pytest.fixture
def connection() -> Iterator[Any]:
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def read(mall: Any, connection: Any, tmp_path: Path) -> Read:
    """Read a log from its content, with the text of a mapping or without one."""

    def run(content: str | bytes, mapping: str | None = None, name: str = "log.csv") -> LogReading:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        found = None
        if mapping is not None:
            (tmp_path / "mapping.toml").write_text(mapping, "utf-8")
            found = read_mapping(tmp_path / "mapping.toml", mall)
        return read_log(connection, path, found, mall)

    return run


@pytest.fixture
def rejected(connection: Any) -> Callable[[], list[tuple[Any, ...]]]:
    """List line, code and field of the rejected rows, in the order of the lines."""
    return lambda: connection.execute("SELECT line, code, field FROM rejected ORDER BY line, code").fetchall()
