"""Read from the database what complaints say, for many at a time: one query for each, and one for each list.

Models would read every record on the way, field by field; that takes ten times
as long as deciding. What is asked for rarely is read through the models.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final

from trytond.pool import Pool
from trytond.tools import grouped_slice
from trytond.transaction import Transaction

from svc_policy.adapters.tryton.mapping import BOOLEANS, LINES, OF_CONTRACT, OF_LOT, Gathered

#: By the alias of a table: its model, how it is joined, and which of its columns are read.
_JOINED: Final[tuple[tuple[str, str, str, tuple[str, ...]], ...]] = (
    ("type", "sale.complaint.type", "complaint.type", ("svc_request_kind",)),
    ("company", "company.company", "complaint.company", ("timezone",)),
    ("currency", "currency.currency", "company.currency", ("code",)),
    ("party", "party.party", "complaint.customer", ("name",)),
    ("lot", "stock.lot", "complaint.svc_lot", OF_LOT),
    ("product", "product.product", "lot.product", ("code",)),
    ("template", "product.template", "product.template", ("svc_product_class", "svc_key_equipment")),
    ("contract", "sale.subscription", "complaint.svc_subscription", OF_CONTRACT),
)
_OWN: Final = ("id", "number", "company", "origin", "description", "svc_received_at", "svc_lot")
_COLUMNS: Final = (
    *(f"complaint.{name}" for name in _OWN),
    *(f"{alias}.{name}" for alias, _, _, names in _JOINED for name in names),
)
#: The texts of queries for one complaint, by database system: putting one together takes as long as running it.
_TEXTS: dict[tuple[object, str], str] = {}


def gather(complaints: Iterable[Any]) -> list[Gathered]:
    """Read what complaints say, in their order."""
    records = list(complaints)
    found: dict[int, Gathered] = {}
    for part in grouped_slice(records):
        part = list(part)
        by_id = {record.id: record for record in part}
        ids = list(by_id)
        for row in _rows("complaint", _joined, _COLUMNS, ids):
            found[row["complaint.id"]] = Gathered(record=by_id[row["complaint.id"]], row=row)
        for name, (model, readers) in LINES.items():
            for line in _rows(name, functools.partial(_lines, model, readers), ("complaint", *readers), ids):
                found[line.pop("complaint")].lines.setdefault(name, []).append(line)
    return [found[record.id] for record in records]


def _joined(ids: list[int]) -> Any:
    pool = Pool()
    tables = {"complaint": pool.get("sale.complaint").__table__()}
    joined: Any = tables["complaint"]
    for alias, model, by, _ in _JOINED:
        table = tables[alias] = pool.get(model).__table__()
        owner, _, column = by.partition(".")
        joined = joined.join(table, "LEFT", condition=getattr(tables[owner], column) == table.id)
    read = [getattr(tables[alias], name) for alias, _, name in (text.partition(".") for text in _COLUMNS)]
    return joined.select(*read, where=tables["complaint"].id.in_(ids))


def _lines(model: str, names: tuple[str, ...], ids: list[int]) -> Any:
    pool = Pool()
    table = pool.get(model).__table__()
    if "product_code" not in names:
        read = [getattr(table, name) for name in names]
        return table.select(table.complaint, *read, where=table.complaint.in_(ids), order_by=[table.id])
    product = pool.get("product.product").__table__()
    read = [product.code if name == "product_code" else getattr(table, name) for name in names]
    joined = table.join(product, "LEFT", condition=table.product == product.id)
    return joined.select(table.complaint, *read, where=table.complaint.in_(ids), order_by=[table.id])


def _rows(
    name: str, make: Callable[[list[int]], Any], columns: tuple[str, ...], ids: list[int]
) -> list[dict[str, Any]]:
    transaction = Transaction()
    cursor = transaction.connection.cursor()
    key = (type(transaction.database), name)
    if len(ids) == 1 and key in _TEXTS:
        cursor.execute(_TEXTS[key], ids)
    else:
        text, given = make(ids)
        cursor.execute(text, given)
        if len(ids) == 1 and list(given) == ids:
            _TEXTS[key] = text
    # SQLite has no truths.
    return [
        {
            column: bool(value) if value is not None and column in BOOLEANS else value
            for column, value in zip(columns, row, strict=True)
        }
        for row in cursor
    ]
