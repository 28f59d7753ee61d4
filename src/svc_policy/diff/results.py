"""What an impact is: totals, what each alteration does alone, the tickets that change most."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import attrs

from svc_policy.diff.attribution import Alteration
from svc_policy.diff.breakdown import Breakdown
from svc_policy.diff.measures import Measure
from svc_policy.diff.tickets import Rejection
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Language, Message
from svc_policy.policy import Policy


@attrs.frozen(kw_only=True)
class Line:
    """What one alteration does alone, by the key of each measure that it moves; `touched` tickets decide otherwise.

    `stands_alone` is false for one that makes no policy without the others: all it does is done together.
    """

    alteration: Alteration
    effects: Mapping[str, int]
    touched: int
    stands_alone: bool


@attrs.frozen(kw_only=True)
class Total:
    """One measure over all tickets: under the old policy, under the new one (None where only both tell), the change."""

    measure: Measure
    before: int | None
    after: int | None
    difference: int


@attrs.frozen(kw_only=True)
class ChangedTicket:
    """A ticket that is decided otherwise: in which parts, by how much money, because of which alterations."""

    ticket_id: str
    parts: tuple[str, ...]
    difference: int | None
    because: tuple[str, ...]
    ticket: Ticket = attrs.field(repr=False)


@attrs.frozen(kw_only=True, eq=False)
class Impact:
    """What a change would have meant for past tickets.

    `tickets` counts those in the file; `undecided` those that the old policy, the
    new one or both cannot decide, as an instant lies outside their calendar: they
    are not among the `compared`, of which `changed` are decided otherwise.
    `totals` are the measures that change, `lines` what each alteration does alone,
    `rest` what they only do together. Money is in minor units of `currency`, None if there are two.
    `at_from` says who named the instant of the decisions: whoever `asked`, the
    `mapping`, or the `latest` in the file; `labels` how the policies were named, if not by their ids.
    """

    old: Policy
    new: Policy
    at_s: int
    files: tuple[str, ...]
    rows: Mapping[str, int]
    tickets: int
    compared: int
    undecided: Mapping[str, int]
    changed: int
    currency: str | None
    totals: tuple[Total, ...]
    lines: tuple[Line, ...]
    rest: Mapping[str, int]
    breakdowns: tuple[Breakdown, ...]
    top: tuple[ChangedTicket, ...]
    top_money: str | None
    notes: tuple[Message, ...]
    rejections: tuple[Rejection, ...] = ()
    at_from: Literal["asked", "mapping", "latest"] = "asked"
    labels: tuple[str, str] | None = None

    @property
    def at(self) -> datetime:
        """The instant of the decisions, in the zone of the old policy."""
        return datetime.fromtimestamp(self.at_s, self.old.zone)

    def total(self, key: str) -> Total | None:
        """Find a measure by its key; None where nothing of it changes."""
        return next((total for total in self.totals if total.measure.key == key), None)

    def explained(self, item: ChangedTicket, language: Language) -> tuple[str, str]:
        """Explain the old and the new decision of a changed ticket."""
        texts = []
        for policy in (self.old, self.new):
            decision = policy.decide_s(item.ticket.with_facts(policy.pack.settings.company_facts), self.at_s)
            texts.append(policy.explain(decision, language))
        return texts[0], texts[1]

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """Give the impact as JSON-ready data, its explanations in a language."""
        from svc_policy.diff.impact_json import impact_to_dict

        return impact_to_dict(self, language)
