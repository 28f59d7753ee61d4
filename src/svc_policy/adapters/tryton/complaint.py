"""Complaints: what is stated of them, what their policy decides, and the workflow between both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sql.functions import CurrentTimestamp
from trytond.i18n import gettext
from trytond.model import Index, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction, without_check_access

from svc_policy.adapters.tryton import policies
from svc_policy.adapters.tryton.exceptions import ApprovalError, UndecidedError, UndecidedWarning
from svc_policy.adapters.tryton.gathering import gather
from svc_policy.adapters.tryton.mapping import name_of, ticket_of
from svc_policy.adapters.tryton.outcome import DECIDED, Outcome, changed_values, key_of, line_of, outcome_of
from svc_policy.errors import PolicyError
from svc_policy.explain.wording import Wording
from svc_policy.messages import language_of
from svc_policy.policy import Policy

#: States in which a complaint has a decision that follows its facts and the time.
OPEN: Final = ("waiting", "approved")
#: How many complaints of a company the cron entry decides at a time; the rest a minute later.
AT_ONCE: Final = 1000
#: When a complaint that could not be decided is tried again.
LATER: Final = timedelta(hours=1)

_STATED: Final = {"readonly": ~Eval("state").in_(["draft", "waiting", "approved"])}
#: The fields of a complaint that a ticket is made of.
FACTS: Final = frozenset(
    (
        "number",
        "customer",
        "company",
        "type",
        "origin",
        "description",
        "svc_received_at",
        "svc_lot",
        "svc_subscription",
    )
)


class Complaint(metaclass=PoolMeta):
    """A customer's complaint, decided by the policy of its company."""

    __name__ = "sale.complaint"

    if TYPE_CHECKING:
        company: Any
        customer: Any
        origin: Any
        origin_model: Any

    # what is stated
    svc_received_at = fields.DateTime("Received At", states=_STATED, help="When the request came in.")
    svc_lot = fields.Many2One("stock.lot", "Asset", ondelete="RESTRICT", states=_STATED, help="By its lot or serial.")
    svc_subscription = fields.Many2One(
        "sale.subscription",
        "Contract",
        ondelete="RESTRICT",
        domain=[
            ("company", "=", Eval("company", -1)),
            ("party", "=", Eval("customer", -1)),
        ],
        states=_STATED,
    )
    svc_facts = fields.One2Many("svc_policy.fact", "complaint", "Facts", states=_STATED)
    svc_parts = fields.One2Many("svc_policy.part", "complaint", "Parts", states=_STATED)
    svc_holds = fields.One2Many("svc_policy.hold", "complaint", "Holds", states=_STATED)
    svc_incidents = fields.One2Many("svc_policy.incident", "complaint", "Incidents", states=_STATED)

    # what is decided
    svc_category = fields.Selection(
        [
            (None, ""),
            ("A", "A: Paid Service"),
            ("B", "B: Service Under Contract"),
            ("C", "C: Free Service"),
            ("D", "D: Internal Work"),
        ],
        "Category",
        readonly=True,
        sort=False,
    )
    svc_coverage = fields.Selection(
        [
            (None, ""),
            ("warranty", "Under Warranty"),
            ("contract", "Under Contract"),
            ("excluded", "Excluded From Warranty"),
            ("none", "Not Covered"),
            ("undetermined", "Undetermined"),
        ],
        "Coverage",
        readonly=True,
        sort=False,
    )
    svc_covered_until = fields.Date("Covered Until", readonly=True)
    svc_response_target = fields.Char("Response (word)", readonly=True)
    svc_response_name = fields.Function(fields.Char("Next Response"), "get_svc_word")
    svc_response_by = fields.DateTime("Response By", readonly=True)
    svc_currency = fields.Function(fields.Many2One("currency.currency", "Currency"), "on_change_with_svc_currency")
    svc_quote = Monetary("Quote", currency="svc_currency", digits="svc_currency", readonly=True)
    svc_payer = fields.Char("Payer (word)", readonly=True)
    svc_payer_name = fields.Function(fields.Char("Payer"), "get_svc_word")
    svc_needs = fields.Char("Facts Needed", readonly=True)
    svc_missing = fields.Function(fields.Text("What Is Missing"), "get_svc_missing")
    svc_approver_open = fields.Boolean("Approver Not Yet Known", readonly=True)
    svc_approvals = fields.One2Many("svc_policy.approval", "complaint", "Approvals", readonly=True)
    svc_penalties = fields.One2Many("svc_policy.penalty", "complaint", "Penalties", readonly=True)
    svc_escalations = fields.One2Many("svc_policy.escalation", "complaint", "Escalations", readonly=True)
    svc_explanation = fields.Function(fields.Text("Explanation"), "get_svc_explanation")
    svc_problem = fields.Text(
        "Not Decided",
        readonly=True,
        states={"invisible": ~Bool(Eval("svc_problem"))},
        help="Why the policy could not decide the complaint; what is shown beside it was decided before.",
    )

    # on what it rests
    svc_policy = fields.Char("Policy", readonly=True)
    svc_digest = fields.Char("Policy Digest", readonly=True)
    svc_decided_at = fields.DateTime("Decided At", readonly=True)
    svc_next_change_at = fields.DateTime("Next Change At", readonly=True)
    svc_ticket = fields.Text("Ticket", readonly=True)
    svc_basis = fields.Char("Basis", readonly=True)

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()  # type: ignore[misc]
        table = cls.__table__()
        cls._sql_indexes.add(Index(table, (table.svc_next_change_at, Index.Range()), where=table.state.in_(list(OPEN))))
        cls._buttons.update(
            {"svc_decide": {"invisible": ~Eval("state").in_(list(OPEN)), "depends": ["state"]}},
        )

    @classmethod
    def default_svc_received_at(cls) -> datetime:
        """Give now."""
        return cls.svc_now()

    @staticmethod
    def svc_now() -> datetime:
        """Give the instant of now to the second, in UTC and without a zone, as times are kept."""
        return datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    @fields.depends("company")
    def on_change_with_svc_currency(self, name: str | None = None) -> Any:
        """Give the company's currency."""
        return self.company.currency if self.company else None

    # --- reading

    def svc_policy_at_hand(self) -> Policy | None:
        """Give the policy under which the complaint was decided, if it is still there."""
        found = policies.known(self.svc_digest) if self.svc_digest else None
        if found is None and self.svc_digest:
            chosen = Pool().get("sale.configuration.svc_policy").chosen(self.company.id)
            if chosen is not None and chosen[1] == self.svc_digest:
                try:
                    found = policies.policy_of(*chosen)
                except PolicyError:
                    found = None
        return found

    @classmethod
    def get_svc_word(cls, complaints: Any, name: str) -> dict[int, str]:
        """Put a word of the policy into the user's language."""
        language = language_of(Transaction().language)
        found = {}
        for complaint in complaints:
            word = complaint.svc_response_target if name == "svc_response_name" else complaint.svc_payer
            policy = complaint.svc_policy_at_hand() if word else None
            if policy is not None:
                words = Wording(policy, language)
                word = words.milestone(word) if name == "svc_response_name" else words.label(word)
            found[complaint.id] = word or ""
        return found

    def get_svc_missing(self, name: str) -> str:
        """Say in a sentence which facts are to be asked for, the first question first."""
        if not self.svc_needs:
            return ""
        language = language_of(Transaction().language)
        policy = self.svc_policy_at_hand()
        names = self.svc_needs.split(",")
        if policy is None:
            return str(gettext("svc_policy.msg_missing", facts=", ".join(names)))
        words = Wording(policy, language)
        return str(gettext("svc_policy.msg_missing", facts=words.listed(words.fact(fact) for fact in names)))

    def get_svc_explanation(self, name: str) -> str:
        """Explain the decision in the user's language, under the policy and at the instant at which it was made."""
        if not self.svc_ticket or not self.svc_decided_at:
            return ""
        policy = self.svc_policy_at_hand()
        if policy is None:
            return str(gettext("svc_policy.msg_policy_gone", policy=self.svc_policy, digest=self.svc_digest[:12]))
        try:
            decision = policy.decide(policy.ticket(self.svc_ticket), at=self.svc_decided_at.replace(tzinfo=UTC))
            return policy.explain(decision, language_of(Transaction().language))
        except PolicyError as error:
            return error.render(language_of(Transaction().language))

    def svc_first_delivery(self) -> Any:
        """Give the day on which the lot, or the goods of the sale's line, first went to the customer."""
        move = Pool().get("stock.move")
        done = [("state", "=", "done"), ("to_location.type", "=", "customer"), ("effective_date", "!=", None)]
        if self.svc_lot:
            moves = move.search([("lot", "=", self.svc_lot.id), *done], order=[("effective_date", "ASC")])
        elif self.origin_model == "sale.line":
            moves = move.search([("origin", "=", str(self.origin)), *done], order=[("effective_date", "ASC")])
        else:
            return None
        for found in moves:
            shipment = found.shipment
            receiver = getattr(shipment, "customer", None) if shipment else None
            if receiver is None or receiver == self.customer:
                return found.effective_date
        return None

    # --- deciding

    @classmethod
    @ModelView.button
    def svc_decide(cls, complaints: Any) -> None:
        """Decide complaints now."""
        cls.svc_redecide(complaints)

    @classmethod
    @without_check_access
    def svc_redecide(cls, complaints: Any) -> None:
        """Decide those of the complaints that are open; what their policy cannot decide says why."""
        cls._svc_decide_all([complaint for complaint in complaints if complaint.state in OPEN])

    @classmethod
    def _svc_decide_all(cls, complaints: Any, *, transition: bool = False) -> dict[Any, str]:
        """Decide complaints at this instant; give those that could not be decided, each with the reason.

        In a `transition` the decision is stored beside the state that is about to be written: what comes of a
        policy needs no validation, and whatever watches the record sees both.
        """
        now = cls.svc_now()
        language = language_of(Transaction().language)
        configuration = Pool().get("sale.configuration.svc_policy")
        chosen = [one for one in complaints if configuration.chosen(one.company.id) is not None]
        outcomes: list[tuple[Any, Outcome]] = []
        failed: dict[Any, str] = {}
        for one in gather(chosen):
            try:
                policy = configuration.policy_of(one.row["complaint.company"])
                decision = policy.decide(ticket_of(one, policy), at=now.replace(tzinfo=UTC))
                outcomes.append((one.record, outcome_of(decision, policy)))
            except PolicyError as error:
                failed[one.record] = error.render(language)
        cls._svc_write_problems(failed, now, transition=transition)
        cls.svc_write(outcomes, now, transition=transition)
        return failed

    @classmethod
    def _svc_write_problems(cls, failed: dict[Any, str], now: datetime, *, transition: bool) -> None:
        for complaint, reason in failed.items():
            values: dict[str, Any] = {"svc_problem": reason}
            if complaint.svc_next_change_at and complaint.svc_next_change_at <= now:
                values["svc_next_change_at"] = now + LATER
            if transition:
                cls._svc_store(complaint, values)
            elif changed := changed_values(complaint, values):
                cls.write([complaint], changed)

    @classmethod
    @without_check_access
    def svc_write(cls, outcomes: list[tuple[Any, Outcome]], at: datetime, *, transition: bool = False) -> list[bool]:
        """Write outcomes, and nothing where a complaint has it already; say of each whether something was written."""
        actions: list[Any] = []
        written = []
        for complaint, outcome in outcomes:
            is_fresh = complaint.svc_decided_at is None
            values = outcome.values if transition else changed_values(complaint, outcome.values)
            write_lines = cls._svc_store_lines if transition and is_fresh else cls._svc_write_lines
            lines = [
                write_lines(complaint, field, lines, at)
                for field, lines in outcome.lines.items()
                if lines or not is_fresh
            ]
            written.append(bool(values or any(lines) or is_fresh))
            if not written[-1]:
                continue
            values = {**values, "svc_decided_at": at}
            if transition:
                cls._svc_store(complaint, values)
            else:
                actions.extend(([complaint], values))
        if actions:
            cls.write(*actions)
        return written

    @classmethod
    def _svc_store(cls, complaint: Any, values: dict[str, Any]) -> None:
        """Store values in the row of a complaint whose state is written next, which forgets what was read of it."""
        table = cls.__table__()
        columns = [getattr(table, name) for name in values]
        given = [cls._fields[name].sql_format(value) for name, value in values.items()]
        Transaction().connection.cursor().execute(*table.update(columns, given, where=table.id == complaint.id))

    @classmethod
    def _svc_store_lines(cls, complaint: Any, field: str, lines: list[dict[str, Any]], at: datetime) -> bool:
        """Store the first lines of a complaint, as :meth:`_svc_store` does."""
        model = Pool().get(cls._fields[field].model_name)
        table = model.__table__()
        given = [line_of(complaint, field, values, at) for values in lines]
        names = list(given[0])
        rows = [[model._fields[name].sql_format(values[name]) for name in names] for values in given]
        made = [Transaction().user, CurrentTimestamp()]
        columns = [getattr(table, name) for name in (*names, "create_uid", "create_date")]
        Transaction().connection.cursor().execute(*table.insert(columns, [[*row, *made] for row in rows]))
        return True

    @classmethod
    def _svc_write_lines(cls, complaint: Any, field: str, lines: list[dict[str, Any]], at: datetime) -> bool:
        """Make the records of a list agree with a decision: say whether anything had to be done."""
        line_model = Pool().get(cls._fields[field].model_name)
        kept: dict[tuple[object, ...], Any] = {}
        for record in getattr(complaint, field):
            kept.setdefault(key_of(record), []).append(record)
        create: list[dict[str, Any]] = []
        actions: list[Any] = []
        for values in lines:
            records = kept.get(key_of(values))
            if not records:
                create.append(line_of(complaint, field, values, at))
                continue
            record = records.pop(0)
            changed = changed_values(record, values)
            actions.extend(([record], changed) if changed else ())
        delete = [record for records in kept.values() for record in records]
        if delete:
            line_model.delete(delete)
        if actions:
            line_model.write(*actions)
        if create:
            line_model.create(create)
        return bool(delete or actions or create)

    # --- the workflow

    @classmethod
    def wait(cls, complaints: Any) -> None:
        """Decide complaints that are handed in.

        Raises:
            UndecidedWarning: One cannot be decided. Whoever knows better goes on; the complaint says why.
        """
        with Transaction().set_context(_check_access=False):
            drafts = [complaint for complaint in complaints if complaint.state == "draft"]
            failed = cls._svc_decide_all(drafts, transition=True)
        super().wait(complaints)  # type: ignore[misc]
        if not failed:
            return
        warning = Pool().get("res.user.warning")
        for complaint, reason in failed.items():
            key = warning.format("svc_policy_undecided", [complaint])
            if warning.check(key):
                raise UndecidedWarning(
                    key, gettext("svc_policy.msg_undecided_warning", complaint=name_of(complaint)), reason
                )

    @classmethod
    def approve(cls, complaints: Any) -> None:
        """Approve complaints whose policy wants no approver, or has the approval.

        Raises:
            UndecidedError: A complaint cannot be decided, or who must approve it hangs on facts that are missing.
            ApprovalError: An approval that the policy wants is missing.
        """
        with Transaction().set_context(_check_access=False):
            cls._svc_check_approvals(complaints)
        super().approve(complaints)  # type: ignore[misc]

    @classmethod
    def _svc_check_approvals(cls, complaints: Any) -> None:
        waiting = [complaint for complaint in complaints if complaint.state == "waiting"]
        cls._svc_decide_all(waiting)
        configuration = Pool().get("sale.configuration.svc_policy")
        for complaint in waiting:
            if configuration.chosen(complaint.company.id) is None:
                continue
            if complaint.svc_problem:
                raise UndecidedError(
                    gettext("svc_policy.msg_undecided", complaint=name_of(complaint)), complaint.svc_problem
                )
            for approval in complaint.svc_approvals:
                if not approval.is_given:
                    raise ApprovalError(
                        gettext(
                            "svc_policy.msg_approval_missing",
                            complaint=name_of(complaint),
                            role=approval.role_name,
                            subject=approval.subject_name,
                        )
                    )
            if complaint.svc_approver_open:
                raise UndecidedError(
                    gettext("svc_policy.msg_approver_open", complaint=name_of(complaint)),
                    complaint.get_svc_missing("svc_missing"),
                )

    @classmethod
    def on_modification(cls, mode: str, complaints: Any, field_names: Any = None) -> None:
        """Decide open complaints whose facts have changed."""
        super().on_modification(mode, complaints, field_names=field_names)  # type: ignore[misc]
        if mode == "write" and field_names and field_names & FACTS:
            cls.svc_redecide(complaints)

    @classmethod
    def copy(cls, complaints: Any, default: Any = None) -> Any:
        """Copy what is stated, not what was decided or has happened since."""
        default = dict(default or {})
        for name in DECIDED:
            default.setdefault(name, False if name == "svc_approver_open" else None)
        for name in ("svc_holds", "svc_incidents", "svc_approvals", "svc_penalties", "svc_escalations"):
            default.setdefault(name, None)
        default.setdefault("svc_received_at", cls.svc_now())
        return super().copy(complaints, default=default)  # type: ignore[misc]

    # --- what time does

    @classmethod
    @without_check_access
    def svc_make_due(cls, domain: list[Any]) -> None:
        """Have open complaints decided when the cron entry next runs: there may be many."""
        found = cls.search([("state", "in", list(OPEN)), *domain], order=[])
        if found:
            cls.write(found, {"svc_next_change_at": cls.svc_now()})

    @classmethod
    def svc_wake(cls) -> None:
        """Decide the complaints whose decision has changed by itself, of each company on its own."""
        now = cls.svc_now()
        for company in Pool().get("company.company").search([]):
            due = cls.search(
                [("company", "=", company.id), ("state", "in", OPEN), ("svc_next_change_at", "<=", now)],
                order=[("svc_next_change_at", "ASC"), ("id", "ASC")],
                limit=AT_ONCE,
            )
            if due:
                with Transaction().set_context(company=company.id):
                    cls.svc_redecide(due)
