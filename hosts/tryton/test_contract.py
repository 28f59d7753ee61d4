"""The contract of adapters, kept by the source and the sink on a real database."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from hosts.available import require

require("tryton")

from trytond.pool import Pool  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402

from hosts.tryton.database import NAME  # noqa: E402
from hosts.tryton.shop import Shop  # noqa: E402
from svc_policy import Policy, load  # noqa: E402
from svc_policy.adapters.registry import list_adapters, load_adapter, open_sink, open_source  # noqa: E402
from svc_policy.errors import AdapterError, UnreachableError, UsageError  # noqa: E402
from svc_policy.testing.adapter_contract import AdapterContract  # noqa: E402

#: The company that the contract's complaints belong to; the others of the database are left alone.
COMPANY = "Mall Company"
_FIELDS = {"received_at": "svc_received_at", "problem": "description"}


class TestContract(AdapterContract):
    """Complaints with an asset, a description and stated facts."""

    facts: ClassVar = ("received_at", "problem", "distance_km", "delivered_on", "recorded_fee", "on_site")
    cannot: ClassVar = {
        "ambiguous_times": "Tryton keeps instants in UTC, in which no time comes twice; what users state as facts is "
        "refused when it is typed"
    }

    @pytest.fixture(autouse=True)
    def _of_shop(self, shop: Shop) -> None:
        type(self).shop = shop

    shop: ClassVar[Shop]
    lots: ClassVar[dict[object, int]] = {}

    def hold(self, records: Iterable[Mapping[str, object]]) -> Sequence[str]:
        names: list[str] = []
        with Transaction().start(NAME, 0, context={"company": self.shop.mall.id}) as transaction:
            pool = Pool()
            cursor = transaction.connection.cursor()
            complaint = pool.get("sale.complaint").__table__()
            mine = complaint.select(complaint.id, where=complaint.company == self.shop.mall.id)
            for name in ("fact", "approval", "penalty", "escalation"):
                lines = pool.get(f"svc_policy.{name}").__table__()
                cursor.execute(*lines.delete(where=lines.complaint.in_(mine)))
            cursor.execute(*complaint.delete(where=complaint.company == self.shop.mall.id))
            pending = iter(records)
            while batch := list(itertools.islice(pending, 1000)):
                # A form's way for a few, the database's for thousands: they are held alike.
                make = self._make if len(batch) < 50 else self._insert
                names += make(pool, batch, len(names))
            # The workflow has decided those of a form at once, and by the clock of today.
            for name in ("approval", "penalty", "escalation"):
                lines = pool.get(f"svc_policy.{name}").__table__()
                cursor.execute(*lines.delete(where=lines.complaint.in_(mine)))
            owned = complaint.company == self.shop.mall.id
            cursor.execute(*complaint.update([complaint.svc_decided_at], [None], where=owned))
        return names

    def _make(self, pool: Any, records: Sequence[Mapping[str, object]], begin: int) -> list[str]:
        values = []
        for record in records:
            made, stated = self._values(pool, record)
            lines = [{"fact": name, "value": value} for name, value in stated.items()]
            values.append({**made, "svc_facts": [("create", lines)]})
        return [one.number for one in pool.get("sale.complaint").create(values)]

    def _insert(self, pool: Any, records: Sequence[Mapping[str, object]], begin: int) -> list[str]:
        model, cursor = pool.get("sale.complaint"), Transaction().connection.cursor()
        table, fact = model.__table__(), pool.get("svc_policy.fact").__table__()
        first = max((one.id for one in model.search([], order=[("id", "DESC")], limit=1)), default=0) + 1
        complaints, facts = [], []
        for number, record in enumerate(records):
            made, stated = self._values(pool, record)
            complaints.append({**made, "id": first + number, "number": f"M-{begin + number + 1:05}"})
            facts += [[first + number, name, value] for name, value in stated.items()]
        names = sorted({name for one in complaints for name in one})
        columns = [getattr(table, name) for name in names]
        for start in range(0, len(complaints), 100):
            rows = [[one.get(name) for name in names] for one in complaints[start : start + 100]]
            cursor.execute(*table.insert(columns, rows))
        for start in range(0, len(facts), 100):
            cursor.execute(*fact.insert([fact.complaint, fact.fact, fact.value], facts[start : start + 100]))
        return [str(one["number"]) for one in complaints]

    def _values(self, pool: Any, record: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, str]]:
        made: dict[str, Any] = {
            "company": self.shop.mall.id,
            "customer": self.shop.customer.id,
            "type": self.shop.types["fault"].id,
            "svc_received_at": None,
            "state": "waiting",
        }
        stated = {}
        for name, value in record.items():
            if name == "delivered_on":
                if value not in self.lots:
                    lot = {"number": f"C-{value}", "product": self.shop.product.id, "svc_delivered_on": value}
                    self.lots[value] = pool.get("stock.lot").create([lot])[0].id
                made["svc_lot"] = self.lots[value]
            elif name == "received_at":
                assert isinstance(value, datetime)
                made["svc_received_at"] = value.astimezone(UTC).replace(tzinfo=None)
            elif name in _FIELDS:
                made[_FIELDS[name]] = value
            elif name != "ticket_id":
                stated[name] = _typed(value)
        return made, stated

    def spoil(self, record: str) -> None:
        with Transaction().start(NAME, 0) as transaction:
            pool = Pool()
            (found,) = pool.get("sale.complaint").search([("number", "=", record)])
            # What a form refuses may still stand in a database.
            table = pool.get("svc_policy.fact").__table__()
            mine = (table.complaint == found.id) & (table.fact == "recorded_fee")
            transaction.connection.cursor().execute(*table.update([table.value], ["a lot"], where=mine))

    def source(self) -> Any:
        return open_source("tryton", self.policy(), database=NAME, company=COMPANY)

    def sink(self) -> Any:
        return open_sink("tryton", self.policy(), database=NAME, company=COMPANY)

    def kept(self, record: str) -> Mapping[str, object]:
        with Transaction().start(NAME, 0, readonly=True):
            (one,) = Pool().get("sale.complaint").search([("number", "=", record)])
            changes = one.svc_next_change_at
            return {
                "category": one.svc_category,
                "quote.payable": one.svc_quote,
                "next_change_at": None if changes is None else changes.replace(tzinfo=UTC),
                "policy.digest": one.svc_digest,
            }

    def written(self) -> Mapping[str, object]:
        found = {}
        with Transaction().start(NAME, 0, readonly=True):
            complaint = Pool().get("sale.complaint")
            for one in complaint.search([("company", "=", self.shop.mall.id), ("svc_decided_at", "!=", None)]):
                lines = [
                    (line.id, line.rule, line.write_date)
                    for field in ("svc_approvals", "svc_penalties", "svc_escalations")
                    for line in getattr(one, field)
                ]
                own = (one.svc_category, one.svc_response_by, one.svc_next_change_at, one.svc_ticket, one.write_date)
                found[one.number] = (*own, one.svc_decided_at, lines)
        return found


def _typed(value: object) -> str:
    """Write a value as a user would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"{value // timedelta(minutes=1)} min"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


@pytest.fixture(scope="module")
def mall() -> Policy:
    return load("mall")


def test_it_is_listed_and_ready() -> None:
    (found,) = [one for one in list_adapters() if one.name == "tryton"]
    assert (found.state, found.extras) == ("ready", ("tryton",))
    assert load_adapter("tryton").page == "docs/tryton.md"


def test_what_is_not_there_is_said(shop: Shop, mall: Policy) -> None:
    with pytest.raises(UsageError, match="needs the option `database`"):
        open_source("tryton", mall)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        list(open_source("tryton", mall, database="nowhere").read())
    with pytest.raises(AdapterError, match="there is no company `Nobody`"):
        list(open_source("tryton", mall, database=NAME, company="Nobody").read())
    with pytest.raises(AdapterError, match="`12x` is no mark"):
        list(open_source("tryton", mall, database=NAME).read("12x"))
    decision = mall.decide({"ticket_id": "no-such", "request_kind": "fault"})
    told = open_sink("tryton", mall, database=NAME).write([decision])
    assert [one.record for one in told.refused] == ["no-such"]
    assert (told.made, told.changed, told.unchanged) == (0, 0, 0)
