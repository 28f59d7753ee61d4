"""The adapter for databases against a real PostgreSQL."""

from __future__ import annotations

from typing import ClassVar

from hosts.available import require

require("postgres")

from tests.adapters.database import cases, contract  # noqa: E402


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
