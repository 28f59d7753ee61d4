"""Lay what a pack accepts over what was found; an acceptance that means nothing is found itself."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from svc_policy.check.findings import CODES, Finding
from svc_policy.check.words import phrase
from svc_policy.errors import nearest
from svc_policy.messages import message
from svc_policy.pack.accepted import Accepted
from svc_policy.rules import FAMILIES


def accept(findings: Sequence[Finding], accepted: Sequence[Accepted]) -> tuple[Finding, ...]:
    """Mark the findings that are accepted, and add what is to be said of the acceptances themselves."""
    made: list[Finding] = []
    used: set[int] = set()
    for finding in findings:
        index = next((index for index, one in enumerate(accepted) if _covers(one, finding)), None)
        if index is None:
            made.append(finding)
            continue
        used.update(place for place, one in enumerate(accepted) if _covers(one, finding))
        made.append(attrs.evolve(finding, accepted=phrase(*accepted[index].why)))
    for index, one in enumerate(accepted):
        if index not in used and one.place.line is not None:
            made.append(_meaningless(one))
    return tuple(made)


def _covers(accepted: Accepted, finding: Finding) -> bool:
    return (
        accepted.code == finding.code
        and accepted.table in (None, finding.table)
        and set(accepted.rules) <= set(finding.rules)
        and accepted.name in (None, finding.subject)
    )


def _meaningless(one: Accepted) -> Finding:
    for word, known, text in (
        (one.code, tuple(CODES), message("there is no finding `{name}` to accept", name=one.code)),
        (
            one.table or "",
            tuple(FAMILIES),
            message("there is no table `{name}` to accept a finding in", name=one.table),
        ),
    ):
        if word and word not in known:
            near = nearest(word, known)
            help_line = message("did you mean `{near}`?", near=near) if near else None
            return Finding(code="accept-unknown", message=text, place=one.place, help=help_line, severity="warning")
    return Finding(
        code="accept-unmatched",
        message=message("finding `{code}` is accepted, but there is none", code=one.code),
        place=one.place,
        help=message("leave it out"),
        severity="warning",
        subject=one.code,
    )
