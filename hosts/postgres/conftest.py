"""One server for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hosts.postgres.server import Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Start a PostgreSQL server."""
    with running() as started:
        yield started
