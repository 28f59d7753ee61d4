"""What else a ticket is made of: types, products, lots, contracts. When they change, open complaints are decided."""

from __future__ import annotations

from typing import Any, ClassVar

from trytond.model import fields
from trytond.pool import Pool, PoolMeta

from svc_policy.adapters.tryton.complaint import OPEN
from svc_policy.adapters.tryton.mapping import OF_CONTRACT, OF_LOT

KINDS = [
    (None, ""),
    ("inquiry", "Inquiry"),
    ("fault", "Fault"),
    ("complaint", "Complaint"),
    ("suggestion", "Suggestion"),
]
COVERED = [(None, ""), ("yes", "Yes"), ("no", "No")]


class Watched:
    """A record that facts of complaints are taken from: `_svc_watched` are its fields, `_svc_path` the way to it."""

    __slots__ = ()
    _svc_watched: ClassVar[frozenset[str]] = frozenset()
    _svc_paths: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def on_modification(cls, mode: str, records: Any, field_names: Any = None) -> None:
        """Decide the open complaints that the records say something about."""
        super().on_modification(mode, records, field_names=field_names)  # type: ignore[misc]
        if mode == "delete" or (mode == "write" and field_names and not field_names & cls._svc_watched):
            return
        ids = cls._svc_ids(records)
        if ids:
            complaint = Pool().get("sale.complaint")
            paths = [(path, "in", ids) for path in cls._svc_paths]
            complaint.svc_redecide(complaint.search([("state", "in", list(OPEN)), ["OR", *paths]], order=[]))

    @classmethod
    def _svc_ids(cls, records: Any) -> list[int]:
        return [record.id for record in records]


class ComplaintType(Watched, metaclass=PoolMeta):
    """What kind of request a type of complaint is."""

    __name__ = "sale.complaint.type"
    _svc_watched = frozenset(("svc_request_kind",))
    _svc_paths = ("type",)

    svc_request_kind = fields.Selection(KINDS, "Kind of Request", sort=False)


class Template(Watched, metaclass=PoolMeta):
    """What a policy knows of products."""

    __name__ = "product.template"
    _svc_watched = frozenset(("svc_product_class", "svc_key_equipment"))
    _svc_paths = ("svc_lot.product.template",)

    svc_product_class = fields.Char("Class of the Policy", help="The class of products under which policies know it.")
    svc_key_equipment = fields.Boolean("Key Equipment")


class Product(Watched, metaclass=PoolMeta):
    """What a policy knows of variants."""

    __name__ = "product.product"
    _svc_watched = frozenset(("code", "prefix_code", "suffix_code"))
    _svc_paths = ("svc_lot.product",)


class Lot(Watched, metaclass=PoolMeta):
    """An asset: one unit in the customer's hands, by its serial number."""

    __name__ = "stock.lot"
    _svc_paths = ("svc_lot",)
    _svc_watched = frozenset((*OF_LOT, "product"))

    svc_purchased_on = fields.Date("Purchased On", help="Leave empty for the date of the complaint's sale.")
    svc_delivered_on = fields.Date("Delivered On", help="Leave empty for the first delivery to the customer.")
    svc_installed_on = fields.Date("Installed On")
    svc_accepted_on = fields.Date("Accepted On")
    svc_warranty_until = fields.Date("Warranty Until", help="An explicit last day; leave empty for the policy's.")
    svc_suspended_days = fields.Integer(
        "Days Suspended",
        domain=["OR", ("svc_suspended_days", "=", None), ("svc_suspended_days", ">=", 0)],
        help="Days for which the warranty was suspended, as while in repair.",
    )


class Subscription(Watched, metaclass=PoolMeta):
    """A contract: what it covers."""

    __name__ = "sale.subscription"
    _svc_paths = ("svc_subscription",)
    _svc_watched = frozenset(OF_CONTRACT)

    svc_contract_kind = fields.Char("Kind of Contract", help="A kind of contract that the policy knows.")
    svc_covers_labour = fields.Selection(COVERED, "Covers Labour", sort=False)
    svc_covers_parts = fields.Selection(COVERED, "Covers Parts", sort=False)
    svc_visits_left = fields.Integer("Visits Left")
    svc_hours_left = fields.TimeDelta("Hours Left")


class Party(Watched, metaclass=PoolMeta):
    """The customer's name."""

    __name__ = "party.party"
    _svc_watched = frozenset(("name",))
    _svc_paths = ("customer",)


class _OfParty(Watched):
    """Something of a party: complaints are found by the party."""

    __slots__ = ()
    _svc_paths = ("customer",)

    @classmethod
    def _svc_ids(cls, records: Any) -> list[int]:
        return sorted({record.party.id for record in records if record.party})


class Address(_OfParty, metaclass=PoolMeta):
    """The customer's address."""

    __name__ = "party.address"
    _svc_watched = frozenset(
        ("street", "building_name", "unit_number", "floor_number", "room_number", "postal_code", "city", "active",
         "country", "subdivision", "sequence", "delivery", "party_name")
    )  # fmt: skip


class ContactMechanism(_OfParty, metaclass=PoolMeta):
    """The customer's telephone."""

    __name__ = "party.contact_mechanism"
    _svc_watched = frozenset(("value", "type", "active", "sequence"))


class Sale(Watched, metaclass=PoolMeta):
    """The day of purchase."""

    __name__ = "sale.sale"
    _svc_watched = frozenset(("sale_date", "number"))

    @classmethod
    def on_modification(cls, mode: str, records: Any, field_names: Any = None) -> None:
        """Decide the open complaints about a sale or its lines."""
        super().on_modification(mode, records, field_names=field_names)
        if mode == "write" and (not field_names or field_names & cls._svc_watched):
            complaint = Pool().get("sale.complaint")
            ids = [record.id for record in records]
            about = [
                "OR",
                ("origin.id", "in", ids, "sale.sale"),
                ("origin.sale", "in", ids, "sale.line"),
            ]
            complaint.svc_redecide(complaint.search([("state", "in", list(OPEN)), about], order=[]))

    @classmethod
    def _svc_ids(cls, records: Any) -> list[int]:
        return []


class Move(Watched, metaclass=PoolMeta):
    """A delivery: that of a lot, or that of a sale's line."""

    __name__ = "stock.move"
    _svc_watched = frozenset(("state", "effective_date", "lot"))
    _svc_paths = ("svc_lot",)

    @classmethod
    def on_modification(cls, mode: str, records: Any, field_names: Any = None) -> None:
        """Decide the open complaints about what was delivered."""
        super().on_modification(mode, records, field_names=field_names)
        if mode == "write" and (not field_names or field_names & cls._svc_watched):
            lines = [str(record.origin) for record in records if record.state == "done" and _is_sold(record)]
            if lines:
                complaint = Pool().get("sale.complaint")
                complaint.svc_redecide(
                    complaint.search([("state", "in", list(OPEN)), ("origin", "in", lines)], order=[])
                )

    @classmethod
    def _svc_ids(cls, records: Any) -> list[int]:
        return sorted({record.lot.id for record in records if record.lot and record.state == "done"})


def _is_sold(move: Any) -> bool:
    return bool(move.origin) and move.origin.__name__ == "sale.line"


class Company(metaclass=PoolMeta):
    """The zone in which users state times, and the currency in which they state amounts."""

    __name__ = "company.company"

    @classmethod
    def on_modification(cls, mode: str, companies: Any, field_names: Any = None) -> None:
        """Have the open complaints of a company decided again when the cron entry next runs."""
        super().on_modification(mode, companies, field_names=field_names)  # type: ignore[misc]
        if mode == "write" and field_names and field_names & {"timezone", "currency"}:
            complaint = Pool().get("sale.complaint")
            ids = [company.id for company in companies]
            complaint.svc_make_due([("company", "in", ids)])
