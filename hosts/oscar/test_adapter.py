"""The adapter's contract, over the tables of the shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from svc_policy.adapters.protocol import Sink, Source
from svc_policy.adapters.registry import load_adapter
from svc_policy.errors import AdapterError
from svc_policy.testing.adapter_contract import AdapterContract


class TestShop(AdapterContract):
    facts = ("received_at", "customer", "problem", "distance_km", "delivered_on", "recorded_fee", "on_site", "cause")

    @pytest.fixture(autouse=True)
    def opened(self, shop_state: object) -> None:
        pass

    def hold(self, records: Iterable[Mapping[str, object]]) -> Sequence[str] | None:
        from svc_policy.adapters.oscar.models import ServiceTicket

        ServiceTicket.objects.all().delete()
        ServiceTicket.objects.bulk_create(
            (
                ServiceTicket(
                    number=record["ticket_id"],
                    state=ServiceTicket.HANDED_IN,
                    facts={name: _plain(value) for name, value in record.items() if name != "ticket_id"},
                )
                for record in records
            ),
            batch_size=500,
        )

    def spoil(self, record: str) -> None:
        from svc_policy.adapters.oscar.models import ServiceTicket

        ticket = ServiceTicket.objects.get(number=record)
        ticket.facts["distance_km"] = "rather far"
        ticket.save()

    def source(self) -> Source:
        return load_adapter("oscar").open_source(self.policy(), {"settings": "hosts.oscar.shop.settings"})

    def sink(self) -> Sink:
        return load_adapter("oscar").open_sink(self.policy(), {})

    def kept(self, record: str) -> Mapping[str, object]:
        from svc_policy.adapters.oscar.models import StoredDecision

        one = StoredDecision.objects.get(ticket__number=record, is_current=True)
        return {
            "category": one.category,
            "quote.payable": one.payable,
            "next_change_at": one.next_change_at,
            "policy.digest": one.digest,
        }

    def written(self) -> Mapping[str, object]:
        from svc_policy.adapters.oscar.models import StoredDecision

        decisions: dict[str, list[Any]] = {}
        for one in StoredDecision.objects.order_by("pk").values("ticket__number", *_COLUMNS):
            decisions.setdefault(one.pop("ticket__number"), []).append(one)
        return decisions


_COLUMNS = ("pk", "is_current", "decided_at", "digest", "category", "payable", "next_change_at", "document", "texts")


def _plain(value: object) -> object:
    """Write a value as the app keeps it: JSON, amounts as texts."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())} s"
    return f"{value:f}" if isinstance(value, Decimal) else value


def test_a_draft_is_no_record(shop_state):
    from hosts.oscar.conftest import make_line, make_user
    from svc_policy.adapters.oscar.models import ServiceTicket

    ServiceTicket.objects.all().delete()
    user = make_user()
    ServiceTicket.objects.create(line=make_line(user), user=user)
    assert list(TestShop().source().read()) == []


def test_a_decision_of_no_ticket_is_refused_and_the_next_one_is_stored(shop_state):
    contract = TestShop()
    contract.hold([{"ticket_id": "S-1", "received_at": "2026-03-02T09:00:00+08:00"}])
    policy = contract.policy()
    decisions = [policy.decide({"ticket_id": name, "received_at": "2026-03-02T09:00:00"}) for name in ("S-9", "S-1")]
    written = contract.sink().write(decisions)
    assert (written.made, [one.record for one in written.refused]) == (1, ["S-9"])
    assert "`S-9`" in written.refused[0].problems[0].render()


def test_a_mark_of_another_source_is_refused(shop_state):
    with pytest.raises(AdapterError, match="no mark of a ticket"):
        next(iter(TestShop().source().read("a7")))


def test_a_database_that_is_locked_is_told_as_such_and_nothing_is_lost_or_written_twice(shop_folder):
    import sqlite3

    from django.db import connection

    from svc_policy.errors import UnreachableError

    contract = TestShop()
    contract.hold([{"ticket_id": f"S-{number}", "received_at": "2026-03-02T09:00:00+08:00"} for number in range(3)])
    policy = contract.policy()
    decisions = [policy.decide(reading.ticket) for reading in contract.source().read()]  # type: ignore[union-attr]
    connection.cursor().execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(shop_folder / "shop.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(UnreachableError, match="the shop's database does not answer: database is locked"):
            contract.sink().write(decisions)
    finally:
        other.rollback()
        other.close()
    connection.cursor().execute("PRAGMA busy_timeout = 20000")
    assert contract.written() == {}
    assert contract.sink().write(decisions).made == 3
    assert contract.sink().write(decisions).unchanged == 3


def test_settings_that_are_not_there_are_said(tmp_path):
    """Another process, as Django of this one is set up."""
    import subprocess
    import sys

    code = (
        "from svc_policy import load\nfrom svc_policy.adapters.registry import open_source\n"
        "open_source('oscar', load('mall'), settings='no.such.settings')"
    )
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    last = done.stderr.strip().splitlines()[-2:]
    assert "the shop cannot be opened: ModuleNotFoundError: No module named 'no'" in last[0]
    assert "settings=shop.settings" in last[1]
