"""Answer what went wrong as problem details (RFC 9457), in the language of who asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from svc_policy.errors import (
    CalendarError,
    PackError,
    PolicyError,
    Problem,
    TicketError,
    UsageError,
    problem,
    problem_to_dict,
)
from svc_policy.messages import Language, Message, message

MEDIA_TYPE: Final = "application/problem+json"
#: Codes of problems of a text that is no JSON at all, as against a ticket that cannot be.
_UNREADABLE: Final = frozenset(
    {
        "ticket-json-unreadable",
        "ticket-toml-unreadable",
        "ticket-not-utf-8",
        "ticket-nested-too-deeply",
        "ticket-key-twice",
        "ticket-number-unreadable",
    }
)
#: Codes of what no schema can say: facts that are each of the right form and cannot be.
_CONTRADICTING: Final = frozenset(
    {
        "ticket-hold-ends-early",
        "ticket-too-many-tiles",
        "ticket-too-precise",
        "ticket-skipped-time",
        "ticket-instant-skipped",
        "ticket-instant-twice",
        "ticket-date-impossible",
    }
)
TITLES: Final[Mapping[int, Message]] = {
    400: message("the request cannot be read"),
    401: message("a token is needed"),
    403: message("this is not allowed"),
    404: message("there is nothing here"),
    405: message("this method is not allowed here"),
    408: message("the request took too long to arrive"),
    409: message("this is of the right form and cannot be"),
    413: message("the request is too large"),
    415: message("a body of this kind is not read here"),
    421: message("the request is meant for another host"),
    422: message("this is not of the form that is asked for"),
    431: message("the head of the request is too large"),
    499: message("the client has left"),
    500: message("an error of the service"),
    503: message("the service is busy"),
}


class Refused(Exception):  # noqa: N818 - says no to one request
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        problems: Sequence[Problem],
        headers: Mapping[str, str] | None = None,
        findings: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.status = status
        self.problems = tuple(problems)
        #: What a check found, as it says it: listed after the problems.
        self.findings = tuple(findings)
        self.headers = dict(headers or {})
        super().__init__(f"{status}: {'; '.join(str(one.message) for one in problems)}")


def refuse(
    status: int,
    code: str,
    text: Message,
    help_line: Message | None = None,
    headers: Mapping[str, str] | None = None,
) -> Refused:
    """Make the refusal of a request, to be raised."""
    return Refused(status, [problem(code, text, help=help_line)], headers)


def status_of(error: PolicyError) -> int:
    """Choose the status of an error of the library.

    400 is what cannot be read at all, 422 what is not of the form that the schema gives, 409 what no schema
    can say: facts that contradict each other, an instant outside the policy's calendar, a policy that does not check.
    """
    if isinstance(error, TicketError):
        if any(one.code in _UNREADABLE for one in error.problems):
            return 400
        return 409 if all(one.code in _CONTRADICTING for one in error.problems) else 422
    if isinstance(error, CalendarError | PackError):
        return 409
    return 400 if isinstance(error, UsageError) else 422


def problem_body(
    status: int,
    problems: Sequence[Problem],
    language: Language,
    instance: str,
    findings: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """Write the body of a problem: `type`, `title`, `status`, `detail`, `instance`, and our `problems`."""
    head = TITLES.get(status)
    named = head.text(language) if head is not None else HTTPStatus(status).phrase.lower()
    said = [(one.code, one.message.text(language)) for one in problems]
    said += [(one["code"], one["message"][language]) for one in findings if one.get("severity") == "error"]
    detail = "; ".join(dict.fromkeys(text for _, text in said)) or named
    kind = f"urn:svc-policy:problem:{said[0][0]}" if said else "about:blank"
    return msgspec.json.encode(
        {
            "type": kind,
            "title": named,
            "status": status,
            "detail": detail,
            "instance": instance,
            "problems": [*map(_with_field, problems), *findings],
        }
    )


def _with_field(one: Problem) -> dict[str, Any]:
    """Give a problem with the path of the fact that it is about, `parts[2].unit_price`, so that a form can mark it."""
    return {**problem_to_dict(one), "field": one.message.values.get("field")}


def language_in(query: str | None, accepted: str | None) -> Language:
    """Choose the language of an answer: the one asked for, else that of `Accept-Language`, else English."""
    if query is not None:
        return "zh" if query.lower().startswith("zh") else "en"
    best: tuple[float, Language] = (0.0, "en")
    for part in (accepted or "").split(",")[:20]:
        name, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest.strip() else 1.0
        except ValueError:
            continue
        known: Language | None = (
            "zh" if name.lower().startswith("zh") else "en" if name.lower().startswith("en") else None
        )
        if known is not None and weight > best[0]:
            best = (weight, known)
    return best[1]
