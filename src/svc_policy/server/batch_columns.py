"""What a line of a batch's answer says: a few keys from columns of the policy, written from Python and SQL alike.

Money is a text with the currency's decimals, days and instants are ISO (instants in UTC), null stands for what is not
there or not determined. `targets` leaves out those that do not apply.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from svc_policy.decision import Decision
from svc_policy.errors import UsageError, nearest, problem
from svc_policy.messages import message
from svc_policy.policy import Policy
from svc_policy.policy.views import EPOCH
from svc_policy.units import minor_digits

_TRUTHS: Final = ("in_warranty", "covered", "excluded", "in_contract", "needs_confirmation")
_TEXTS: Final = ("category", "payer", "complaint_class", "service_zone")
_MONEY: Final = ("subtotal", "discount", "tax", "total", "payable", "penalty_least", "penalty_most")
_COUNTS: Final = ("appraisal_score",)
_DAYS: Final = ("warranty_end",)
_INSTANTS: Final = ("next_change_at",)
#: Every key, in the order of an answer.
KEYS: Final = (
    "category",
    "in_warranty",
    "warranty_end",
    "covered",
    "excluded",
    "in_contract",
    "complaint_class",
    "service_zone",
    "targets",
    "subtotal",
    "discount",
    "tax",
    "total",
    "payable",
    "payer",
    "needs_confirmation",
    "penalty_least",
    "penalty_most",
    "appraisal_score",
    "next_change_at",
    "needs",
)
#: What is answered unless keys are named.
COMPACT: Final = ("category", "covered", "targets", "total", "payable")


def keys_of(policy: Policy, text: str | None) -> tuple[str, ...]:
    """Read which keys are wanted, in the order of an answer; the compact ones unless given.

    Raises:
        UsageError: There is no such key.
    """
    wanted = set(COMPACT) if text is None else {part.strip() for part in text.split(",")}
    unknown = sorted(wanted - set(KEYS))
    if unknown:
        near = nearest(unknown[0][:60], KEYS)
        help_line = message("its keys are {known}", known=", ".join(KEYS))
        if near:
            help_line = message("did you mean `{near}`?", near=near)
        text_ = message("a line of a batch has no key `{name}`", name=unknown[0][:60])
        raise UsageError([problem("serve-key-unknown", text_, help=help_line)])
    return tuple(name for name in KEYS if name in wanted)


def _columns(policy: Policy, names: Collection[str]) -> list[str]:
    """List the columns that keys are made from, as far as the policy has them."""
    known = set(policy.plan.names("ticket"))
    wanted = [name for name in names if name != "targets"]
    if "targets" in names:
        wanted += [f"{target}_{what}" for target in policy.target_names() for what in ("status", "due")]
    return [name for name in wanted if name in known]


class PythonLines:
    """Writes lines from decisions of the policy's function."""

    def __init__(self, policy: Policy, names: Sequence[str]) -> None:
        self._policy = policy
        self._names = names
        self._targets = policy.target_names()
        self._digits = minor_digits(policy.pack.settings.currency) or 0

    def line(self, number: int, decision: Decision) -> bytes:
        """Write the line of a decision."""
        return json.dumps(
            {
                "line": number,
                "ticket_id": decision.ticket.ticket_id,
                **{name: self._value(decision, name) for name in self._names},
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()

    def _value(self, decision: Decision, name: str) -> Any:
        if name == "targets":
            return dict(self._shown_targets(decision))
        if name == "needs":
            return list(decision.needs)
        value = self._policy.column(decision, name)
        if value is None:
            return None
        if name in _MONEY:
            return money_text(int(value), self._digits)
        if name in _TRUTHS:
            return bool(value)
        if name in _DAYS:
            return date.fromordinal(int(value) + EPOCH).isoformat()
        return instant_text(int(value)) if name in _INSTANTS else value

    def _shown_targets(self, decision: Decision) -> Any:
        for target in self._targets:
            status = self._policy.column(decision, f"{target}_status")
            if status != "not applicable":
                due = self._policy.column(decision, f"{target}_due")
                shown = None if due is None else instant_text(int(due))
                yield target, {"status": "undetermined" if status is None else status, "due": shown}


class SqlLines:
    """Writes lines from the table `decisions`."""

    def __init__(self, policy: Policy, names: Sequence[str]) -> None:
        self._names = names
        self._asked = policy.plan.asked
        self._digits = minor_digits(policy.pack.settings.currency) or 0
        self.columns = _columns(policy, names) or ["category"]
        known = set(self.columns)
        self._needs: dict[int | None, bytes] = {}
        parts = [self._key(name, known, policy) for name in names if name != "needs"]
        needs = "needs" if "needs" in known else "0"
        #: Number, whether an instant lies outside the calendar, the mask of needs, the rest of the line.
        self.query = (
            f"SELECT CAST(ticket_id AS BIGINT) AS number, calendar_error, {needs}, {' || '.join(parts) or _quoted('')} "
            "FROM main.decisions ORDER BY number"
        )

    def body(self, needs: int | None, text: str) -> bytes:
        """Put the end of a line together."""
        if "needs" not in self._names:
            return text.encode()
        made = self._needs.get(needs)
        if made is None:
            if len(self._needs) > 10_000:
                self._needs.clear()
            bits = int(needs or 0)
            listed = [name for index, name in enumerate(self._asked) if bits >> index & 1]
            made = self._needs[needs] = b',"needs":' + json.dumps(listed, separators=(",", ":")).encode()
        return text.encode() + made

    def _key(self, name: str, known: Collection[str], policy: Policy) -> str:
        head = f',"{name}":'
        if name == "targets":
            listed = ", ".join(_target(target) for target in policy.target_names())
            return f"{_quoted(head + '{')} || concat_ws(',', {listed or 'NULL'}) || '}}'"
        if name not in known:
            return _quoted(f"{head}null")
        if name in _MONEY:
            value = f"'\"' || {_money_sql(name, self._digits)} || '\"'"
        elif name in _TRUTHS:
            value = f"CASE WHEN {name} THEN 'true' ELSE 'false' END"
            return f"{_quoted(head)} || CASE WHEN {name} IS NULL THEN 'null' ELSE {value} END"
        elif name in _DAYS:
            value = f"'\"' || strftime(DATE '1970-01-01' + CAST({name} AS INTEGER), '%Y-%m-%d') || '\"'"
        elif name in _INSTANTS:
            value = f"'\"' || {_instant_sql(name)} || '\"'"
        elif name in _COUNTS:
            value = f"CAST({name} AS VARCHAR)"
        else:
            value = f"CAST(to_json({name}) AS VARCHAR)"
        return f"{_quoted(head)} || coalesce({value}, 'null')"


def _target(name: str) -> str:
    status = f"coalesce({name}_status, 'undetermined')"
    due = f"coalesce('\"' || {_instant_sql(f'{name}_due')} || '\"', 'null')"
    head = _quoted(f'"{name}":{{"status":"')
    return f"CASE WHEN {status} <> 'not applicable' THEN {head} || {status} || '\",\"due\":' || {due} || '}}' END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _instant_sql(column: str) -> str:
    return f"strftime(make_timestamp({column} * 1000000), '%Y-%m-%dT%H:%M:%SZ')"


def _money_sql(column: str, digits: int) -> str:
    sign = f"CASE WHEN {column} < 0 THEN '-' ELSE '' END"
    if not digits:
        return f"{sign} || CAST(abs({column}) AS VARCHAR)"
    whole = 10**digits
    rest = f"lpad(CAST(abs({column}) % {whole} AS VARCHAR), {digits}, '0')"
    return f"{sign} || CAST(abs({column}) // {whole} AS VARCHAR) || '.' || {rest}"


def money_text(minor: int, digits: int) -> str:
    """Write minor units in the currency's major unit, as in `12.50`."""
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}" + (f".{rest:0{digits}}" if digits else "")


def instant_text(seconds: int) -> str:
    """Write epoch seconds in UTC, as in `2026-03-02T01:20:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
