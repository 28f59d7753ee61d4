"""One server for all tests of a process; and another, for the tests that stop it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from hosts.postgres.server import Server, running
from svc_policy import Policy
from tests.adapters.database.shop import counter

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Start a PostgreSQL server."""
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """Start a server that the tests of one file may stop as often as they like."""
    with running() as started:
        yield started


@pytest.fixture
def url(own: Server) -> Iterator[str]:
    """Make an empty database on that server."""
    with own.database(f"transfers_{next(NUMBERS)}") as address:
        yield address


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Give the policy under which tickets of a database are decided."""
    return counter(tmp_path_factory.mktemp("packs"))
