"""The findings that an audit knows: code, severity, what each is about, and its texts.

The texts are templates of :mod:`svc_policy.messages`. A finding's text is put
together in SQL, in bulk; a template's placeholders are columns there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from svc_policy.messages import Message, message

Severity = Literal["error", "warning", "note"]


@attrs.frozen
class Code:
    """A kind of finding; `texts` has a template for each form that it takes."""

    code: str
    severity: Severity
    title: Message
    texts: Mapping[str, Message]


def _code(code: str, severity: Severity, title: Message, **texts: Message) -> Code:
    return Code(code, severity, title, texts)


CODES: Final[Mapping[str, Code]] = {
    item.code: item
    for item in (
        _code(
            "SLA001",
            "error",
            message("target met late"),
            measured=message("{target}: late by {late} ({clauses})"),
            unmeasured=message("{target}: late ({clauses})"),
        ),
        _code(
            "SLA002",
            "error",
            message("target missed, not done"),
            measured=message("{target}: not done, overdue by {late} ({clauses})"),
            unmeasured=message("{target}: not done, overdue ({clauses})"),
        ),
        _code(
            "REC001",
            "warning",
            message("category on record disagrees"),
            text=message("category {recorded} on record, {decided} by the policy ({clauses})"),
        ),
        _code(
            "REC002",
            "warning",
            message("fee on record disagrees"),
            text=message("fee of {recorded} on record, {decided} by the policy"),
        ),
        _code(
            "REC003",
            "warning",
            message("due date on record disagrees"),
            later=message("arrival due on record is {late} later than by the policy ({clauses})"),
            earlier=message("arrival due on record is {late} earlier than by the policy ({clauses})"),
        ),
        _code(
            "PEN001",
            "warning",
            message("penalty due"),
            amount=message("penalty of {least} for the {liable} ({clauses})"),
            range=message("penalty of {least} to {most} for the {liable}, set by the {decider} ({clauses})"),
            open=message("penalty for the {liable}, its amount set by the {decider} ({clauses})"),
        ),
        _code(
            "APR001",
            "note",
            message("approval required"),
            text=message("{subject}: approval of the {approver} required ({clauses})"),
        ),
        _code(
            "CNF001",
            "error",
            message("visit without confirmation"),
            missing=message("the visit began without the customer's confirmation"),
            after=message("the visit began {late} before the customer confirmed"),
        ),
        _code(
            "NEED001",
            "note",
            message("undetermined: facts missing"),
            text=message("undetermined until stated: {needs}"),
        ),
        _code(
            "ESC001",
            "warning",
            message("escalation level reached"),
            text=message("{target}: level {level} of escalation, the {notify} to be told ({clauses})"),
        ),
        _code(
            "OVR001",
            "error",
            message("override over its limit"),
            over=message("{kind} of {amount} by {role} is over the limit of {limit} ({clauses})"),
            none=message("{kind} of {amount} by {role}, who may not grant it"),
        ),
        _code(
            "CAL001",
            "error",
            message("outside the calendar"),
            text=message("a time of the ticket lies outside the calendar, which is valid from {first} to {last}"),
        ),
    )
}

#: How severities are called and sorted.
SEVERITIES: Final[Mapping[Severity, Message]] = {
    "error": message("error"),
    "warning": message("warning"),
    "note": message("note"),
}

#: Pieces of texts that are put together in SQL.
WORKING: Final = message("{time} of working time")
HOURS: Final = message("{hours} h {minutes} min")
MINUTES: Final = message("{minutes} min")
SECONDS: Final = message("{seconds} s")
DAYS: Final = message("{days} d {hours} h")
