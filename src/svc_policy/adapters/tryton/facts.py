"""What a user states of a complaint: facts by name and value, parts, holds and incidents."""

from __future__ import annotations

from typing import Any

from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.modules.currency.fields import Monetary
from trytond.modules.product import price_digits
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from svc_policy.adapters.tryton.exceptions import StatedFactError
from svc_policy.adapters.tryton.mapping import check_stated, facts_of, name_of
from svc_policy.errors import Place, PolicyError
from svc_policy.facts.registry import BUILT_IN
from svc_policy.messages import language_of

CAUSES = [
    (None, ""),
    ("product", "Product Quality"),
    ("misuse", "Misuse or Lack of Upkeep"),
    ("wear", "Wear"),
    ("accident", "Accident"),
]


class OfComplaint(ModelSQL, ModelView):
    """A line of a complaint: whoever may see or change the complaint may see or change it, as long as it is open."""

    complaint = fields.Many2One(
        "sale.complaint",
        "Complaint",
        required=True,
        ondelete="CASCADE",
        states={"readonly": Eval("complaint_state").in_(["rejected", "done", "cancelled"])},
    )
    complaint_state = fields.Function(
        fields.Selection("get_complaint_states", "Complaint State"), "on_change_with_complaint_state"
    )
    company = fields.Function(fields.Many2One("company.company", "Company"), "on_change_with_company")
    currency = fields.Function(fields.Many2One("currency.currency", "Currency"), "on_change_with_currency")

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()
        cls.__access__.add("complaint")

    @classmethod
    def get_complaint_states(cls) -> Any:
        """List the states of complaints."""
        return Pool().get("sale.complaint").fields_get(["state"])["state"]["selection"]

    @fields.depends("complaint", "_parent_complaint.state")
    def on_change_with_complaint_state(self, name: str | None = None) -> Any:
        """Give the state of the complaint."""
        return self.complaint.state if self.complaint else None

    @fields.depends("complaint", "_parent_complaint.company")
    def on_change_with_company(self, name: str | None = None) -> Any:
        """Give the company of the complaint."""
        return self.complaint.company if self.complaint else None

    @fields.depends("complaint", "_parent_complaint.company")
    def on_change_with_currency(self, name: str | None = None) -> Any:
        """Give the currency in which amounts are: the company's."""
        return self.complaint.company.currency if self.complaint and self.complaint.company else None


class _Input(OfComplaint):
    """A line that users write: when it changes, an open complaint is decided again."""

    @classmethod
    def on_modification(cls, mode: str, records: Any, field_names: Any = None) -> None:
        """Decide the complaints of changed lines."""
        super().on_modification(mode, records, field_names=field_names)
        if mode != "delete":
            cls._svc_decide([record.complaint.id for record in records])

    @classmethod
    def on_delete(cls, records: Any) -> Any:
        """Decide the complaints of lines once they are gone."""
        complaints = [record.complaint.id for record in records]
        return [*super().on_delete(records), lambda: cls._svc_decide(complaints)]

    @classmethod
    def _svc_decide(cls, ids: list[int]) -> None:
        complaint = Pool().get("sale.complaint")
        complaint.svc_redecide(complaint.browse(sorted(set(ids))))


class StatedFact(_Input):
    """A fact that somebody stated; it goes before what other records say."""

    __name__ = "svc_policy.fact"

    fact = fields.Selection("get_facts", "Fact", required=True)
    value = fields.Char("Value", required=True, help="As in a ticket: “yes”, “5 km”, “90 min”, “2026-03-02 09:00”.")

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("fact_unique", Unique(table, table.complaint, table.fact), "svc_policy.msg_fact_unique")
        )

    @fields.depends("fact", "complaint", "_parent_complaint.company")
    def get_facts(self) -> list[tuple[str, str]]:
        """List the facts of the company's policy in the user's language."""
        zh = language_of(Transaction().language) == "zh"
        listed = BUILT_IN["ticket"]
        company = self.complaint.company if self.complaint else None
        if company:
            try:
                policy = Pool().get("sale.configuration.svc_policy").policy_of(company.id)
                listed = tuple(facts_of(policy).values()) if policy else listed
            except PolicyError:
                pass  # Shown with the complaint; the built-in facts can still be stated.
        found = {fact.name: fact.zh if zh else fact.en for fact in listed}
        if self.fact:
            found.setdefault(self.fact, self.fact)
        return sorted(found.items(), key=lambda item: item[1])

    @classmethod
    def validate_fields(cls, records: Any, field_names: Any) -> None:
        """See that values can be read, where the policy is there to say so."""
        super().validate_fields(records, field_names)
        if field_names and not field_names & {"fact", "value", "complaint"}:
            return
        configuration = Pool().get("sale.configuration.svc_policy")
        for record in records:
            company = record.complaint.company
            try:
                policy = configuration.policy_of(company.id)
            except PolicyError:
                continue
            if policy is None:
                continue
            place = Place(file=name_of(record.complaint))
            try:
                check_stated(policy, company.timezone, record.fact, record.value, place)
            except PolicyError as error:
                raise StatedFactError(
                    gettext("svc_policy.msg_fact_unreadable", complaint=record.complaint.rec_name),
                    error.render(language_of(Transaction().language)),
                ) from None

    def get_rec_name(self, name: str) -> str:
        """Name the line by its fact."""
        return str(self.fact)


class Part(_Input):
    """A part that is replaced."""

    __name__ = "svc_policy.part"

    product = fields.Many2One("product.product", "Product", ondelete="RESTRICT")
    part_no = fields.Char("Part Number", help="Leave empty for the product's code.")
    part_class = fields.Char("Part Class", help="A class of parts that the policy knows.")
    quantity = fields.Integer("Quantity", required=True)
    unit_price = Monetary(
        "Unit Price",
        currency="currency",
        digits=price_digits,
        help="Leave empty for the price of the policy's list.",
    )
    part_cause = fields.Selection(CAUSES, "Cause", sort=False, help="Leave empty for the cause of the fault.")
    warranty_until = fields.Date("Warranty Until", help="An explicit last day; leave empty for the policy's.")

    @classmethod
    def default_quantity(cls) -> int:
        """Give one."""
        return 1

    def get_rec_name(self, name: str) -> str:
        """Name the part by its number."""
        return str(self.part_no or (self.product.rec_name if self.product else self.id))


class Hold(_Input):
    """A span of time in which something waits for the customer or for parts."""

    __name__ = "svc_policy.hold"

    hold_kind = fields.Char("Kind", required=True, help="A kind of hold that the policy knows.")
    from_at = fields.DateTime("From", required=True)
    until_at = fields.DateTime("Until", help="Leave empty while it lasts.")

    def get_rec_name(self, name: str) -> str:
        """Name the hold by its kind."""
        return str(self.hold_kind)


class Incident(_Input):
    """Something that went wrong in the service itself, for which somebody may be liable."""

    __name__ = "svc_policy.incident"

    incident_kind = fields.Char("Kind", required=True, help="A kind of incident that the policy knows.")
    occurred_on = fields.Date("Day", required=True)
    occurred_at = fields.DateTime("Time")
    person = fields.Char("Person Responsible")
    record_faulty = fields.Boolean("Record Faulty")
    extra_cost = Monetary("Extra Cost", currency="currency", digits="currency")
    loss = Monetary("Loss", currency="currency", digits="currency")

    def get_rec_name(self, name: str) -> str:
        """Name the incident by its kind."""
        return str(self.incident_kind)
