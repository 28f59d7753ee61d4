"""The adapter for databases against a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

import pytest

from hosts.available import require

require("postgres")

from hosts.postgres.server import Server, running  # noqa: E402
from svc_policy import Policy  # noqa: E402
from tests.adapters.database import cases, contract  # noqa: E402
from tests.adapters.database.shop import counter  # noqa: E402

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return counter(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """Start a server that the tests of this file may stop."""
    with running() as started:
        yield started


@pytest.fixture
def url(own: Server) -> Iterator[str]:
    with own.database(f"counter_{next(NUMBERS)}") as address:
        yield address


class TestReads(cases.Reads):
    pass


class TestWrites(cases.Writes):
    pass


class TestCarries(cases.Carries):
    pass


class TestContractOfInstants(contract.Contract):
    instants = "TIMESTAMPTZ"
    cannot: ClassVar[dict[str, str]] = {"ambiguous_times": "a column of instants holds no local times"}


class TestContractOfLocalTimes(contract.Contract):
    cannot: ClassVar[dict[str, str]] = {"offsets": "a column of local times holds no offsets"}
    many = 2_000
