"""The contract of adapters, kept by the one for databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from svc_policy.adapters.database import DatabaseSink, DatabaseSource
from svc_policy.testing.adapter_contract import AdapterContract

from .shop import run


class Contract(AdapterContract):
    """Tickets in one table, decisions in another."""

    #: The type of the column of instants, and a value that its types take and a ticket does not.
    instants: ClassVar[str] = "TIMESTAMP"
    spoilt: ClassVar[str] = "-1"

    @pytest.fixture(autouse=True)
    def _at(self, url: str) -> None:
        self.url = url

    def hold(self, records: Iterable[Mapping[str, object]]) -> None:
        run(
            self.url,
            "DROP TABLE IF EXISTS decisions",
            "DROP TABLE IF EXISTS tickets",
            f"CREATE TABLE tickets (ticket_id VARCHAR(40) PRIMARY KEY, received_at {self.instants}, customer TEXT, "
            "distance_km NUMERIC(9, 3), delivered_on DATE, recorded_fee NUMERIC(14, 2))",
        )
        names = ("ticket_id", *self.facts)
        kinds = {"received_at": self.instants, "delivered_on": "DATE"}
        statement = f"INSERT INTO tickets ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        if not self.url.startswith("sqlite"):
            for name, kind in kinds.items():
                statement = statement.replace(f":{name}", f"CAST(:{name} AS {kind})")
        else:
            kinds = {}
        listed = iter(records)
        while some := [
            {name: self.bound(record.get(name)) for name in names} for record in itertools.islice(listed, 2000)
        ]:
            run(self.url, statement, rows=some)

    def bound(self, value: Any) -> object:
        if isinstance(value, datetime):
            if self.instants == "TIMESTAMP" and not self.url.startswith("sqlite") and value.tzinfo is not None:
                value = value.astimezone(ZoneInfo(self.zone or "Asia/Shanghai")).replace(tzinfo=None)
            return value.isoformat()
        if isinstance(value, Decimal) and self.url.startswith("sqlite"):
            return str(value)
        return value

    def spoil(self, record: str) -> None:
        run(self.url, f"UPDATE tickets SET recorded_fee = {self.spoilt} WHERE ticket_id = '{record}'")

    def source(self) -> DatabaseSource:
        return DatabaseSource(self.policy(), self.url, table="tickets")

    def sink(self) -> DatabaseSink:
        return DatabaseSink(self.policy(), self.url, create=True)

    def kept(self, record: str) -> Mapping[str, object]:
        of_path = {column.path: column.name for column in self.sink().columns}
        names = ", ".join(of_path[path] for path in self.keeps)
        quoted = record.replace("'", "''").replace("%", "%%")
        (row,) = run(self.url, f"SELECT {names} FROM decisions WHERE ticket_id = '{quoted}'")
        return dict(zip(self.keeps, row, strict=True))

    def written(self) -> Mapping[str, object]:
        version = "rowid" if self.url.startswith("sqlite") else "xmin::text, ctid::text"
        return {str(row[0]): row for row in run(self.url, f"SELECT *, {version} FROM decisions")}
