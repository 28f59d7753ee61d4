"""What a decision lists, as records: penalties, escalations, and the approvals that it wants."""

from __future__ import annotations

from typing import Any

from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.model.exceptions import AccessError
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from svc_policy.adapters.tryton.exceptions import ApprovalError
from svc_policy.adapters.tryton.facts import OfComplaint
from svc_policy.explain.wording import Wording
from svc_policy.messages import language_of


class _Result(OfComplaint):
    """A line that decisions write, and nobody else. Words of the policy are shown in the reader's language."""

    rule = fields.Char("Rule", readonly=True, help="The row of the policy's table, and the clauses that it cites.")

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()
        cls.complaint.readonly = True

    @classmethod
    def check_modification(cls, mode: str, records: Any, values: Any = None, external: bool = False) -> None:
        """See that users make no results and take none away: access to the complaint would let them."""
        super().check_modification(mode, records, values=values, external=external)
        if external and mode in ("create", "delete"):
            raise AccessError(gettext("svc_policy.msg_result_readonly"))

    @classmethod
    def get_label(cls, records: Any, name: str) -> dict[int, str]:
        """Put words of the policy into the user's language, as they are where the policy is not at hand."""
        language = language_of(Transaction().language)
        field = name.removesuffix("_name")
        found = {}
        for record in records:
            word = getattr(record, field)
            policy = record.complaint.svc_policy_at_hand()
            found[record.id] = _label(Wording(policy, language), field, word) if policy and word else word or ""
        return found

    def get_rec_name(self, name: str) -> str:
        """Name the line by its rule."""
        return str(self.rule)


def _label(words: Wording, field: str, word: str) -> str:
    return words.milestone(word) if field == "target" else words.label(word)


def _label_of(field: str, title: str) -> Any:
    return fields.Function(fields.Char(title), "get_label")


class Penalty(_Result):
    """A penalty, or a finding that is noted without one."""

    __name__ = "svc_policy.penalty"

    outcome = fields.Selection([("penalty", "Penalty"), ("finding", "Finding")], "Outcome", readonly=True, sort=False)
    liable = fields.Char("Liable (word)", readonly=True)
    liable_name = _label_of("liable", "Liable")
    amount = Monetary("Amount", currency="currency", digits="currency", readonly=True)
    least = Monetary("At Least", currency="currency", digits="currency", readonly=True)
    most = Monetary("At Most", currency="currency", digits="currency", readonly=True)
    decided_by = fields.Char("Decided By (word)", readonly=True)
    decided_by_name = _label_of("decided_by", "Decided By")
    incident = fields.Integer("Incident", readonly=True, help="The number of the incident, from 1.")
    target = fields.Char("Target (word)", readonly=True)
    target_name = _label_of("target", "Target")


class Escalation(_Result):
    """Somebody who is to be told, as a target is nearly or wholly used up."""

    __name__ = "svc_policy.escalation"

    target = fields.Char("Target (word)", readonly=True)
    target_name = _label_of("target", "Target")
    level = fields.Integer("Level", readonly=True)
    notify = fields.Char("Notify (word)", readonly=True)
    notify_name = _label_of("notify", "Notify")
    action = fields.Char("Action (word)", readonly=True)
    action_name = _label_of("action", "Action")
    raised_at = fields.DateTime("Raised At", readonly=True)


class Approval(_Result):
    """An approval that the policy wants, and who has given it.

    It counts for the decision for which it was given: when category, coverage,
    amount, what is to be approved or the policy itself changes, it is asked for again.
    """

    __name__ = "svc_policy.approval"

    role = fields.Char("Role (word)", readonly=True)
    role_name = _label_of("role", "Approver")
    subject = fields.Char("Subject (word)", readonly=True)
    subject_name = _label_of("subject", "Subject")
    approved_by = fields.Many2One("res.user", "Approved By", readonly=True, ondelete="RESTRICT")
    approved_at = fields.DateTime("Approved At", readonly=True)
    basis = fields.Char("Basis", readonly=True)
    is_given = fields.Function(fields.Boolean("Given"), "get_is_given")

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()
        cls._buttons.update(
            {
                "give": {
                    "invisible": Eval("is_given", False) | ~Eval("complaint_state").in_(["waiting"]),
                    "depends": ["is_given", "complaint_state"],
                },
            }
        )

    def get_rec_name(self, name: str) -> str:
        """Name the approval as people do: by what is approved, and by whom."""
        return f"{self.subject_name or self.rule} ({self.role_name or self.role})"

    def get_is_given(self, name: str) -> bool:
        """Say whether it was given for the decision as it is now."""
        return bool(self.approved_by) and self.basis == self.complaint.svc_basis

    @classmethod
    @ModelView.button
    def give(cls, approvals: Any) -> None:
        """Give approvals in the name of the user.

        Raises:
            ApprovalError: No group stands for the role, or the user is in none of them.
        """
        pool = Pool()
        user = pool.get("res.user")
        role = pool.get("svc_policy.role")
        complaint = pool.get("sale.complaint")
        own = set(user.get_groups())
        # What is approved is the decision of now, not one from before somebody looked.
        complaint.svc_redecide(sorted({approval.complaint for approval in approvals}, key=lambda one: one.id))
        for approval in cls.browse([found.id for found in cls.search([("id", "in", [one.id for one in approvals])])]):
            groups = role.groups_of(approval.complaint.company, approval.role)
            names = {"role": approval.role_name, "complaint": approval.complaint.rec_name}
            if not groups:
                raise ApprovalError(gettext("svc_policy.msg_role_without_group", **names))
            if not own & groups:
                raise ApprovalError(gettext("svc_policy.msg_approval_not_yours", **names))
            cls.write(
                [approval],
                {
                    "approved_by": Transaction().user,
                    "approved_at": complaint.svc_now(),
                    "basis": approval.complaint.svc_basis,
                },
            )
