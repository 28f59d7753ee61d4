"""Lay what a pack accepts over what was found; an acceptance that means nothing is found itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from svc_policy.check.findings import CODES, Finding
from svc_policy.check.words import Days, phrase
from svc_policy.errors import Problem, nearest, problem
from svc_policy.messages import message
from svc_policy.pack.accepted import Accepted
from svc_policy.rules import FAMILIES
from svc_policy.tables import Test
from svc_policy.tables.cells import parse_test
from svc_policy.tables.covering import is_covered
from svc_policy.tables.regions import Grid, cut_axis, day_axis
from svc_policy.units import Literal

#: The days of a box, as the columns of a table call them.
_DATES: Final = ("from", "until")


def accept(findings: Sequence[Finding], accepted: Sequence[Accepted], currency: str = "") -> tuple[Finding, ...]:
    """Mark the findings that are accepted, and add what is to be said of the acceptances themselves.

    A finding that reaches beyond where it is accepted is not; `currency` is that of amounts without one.
    """
    made: list[Finding] = []
    used: set[int] = set()
    told: list[Finding] = []
    for finding in findings:
        meant = [index for index, one in enumerate(accepted) if _covers(one, finding)]
        used.update(meant)
        index = next((index for index in meant if lies_within(finding, accepted[index], currency)), None)
        if index is None:
            made.append(finding)
            told.extend(_wider(accepted[index], finding) for index in meant)
            continue
        made.append(attrs.evolve(finding, accepted=phrase(*accepted[index].why)))
    made += told
    for index, one in enumerate(accepted):
        if index not in used and one.place.line is not None:
            made.append(_meaningless(one))
    return tuple(made)


def lies_within(finding: Finding, accepted: Accepted, currency: str = "") -> bool:
    """Say whether a finding lies where it is accepted, on all its days; where no place is named it does.

    A cell that cannot be read covers nothing.
    """
    if not accepted.where or not finding.region:
        return True
    kinds = {name: test.kind for box in finding.region for name, test in box.items()}
    boxes: list[dict[str, Test]] = []
    spans: list[Days] = []
    for cells in accepted.where:
        problems: list[Problem] = []
        box = {
            name: test
            for name, text in cells.items()
            if name not in _DATES
            # Of a column that the finding does not speak of, it lies everywhere.
            and (test := parse_test(text, kinds.get(name, "text"), problems=problems, currency=currency)) is not None
        }
        days = [_day_of(cells.get(name), problems) for name in _DATES]
        if not problems:
            boxes.append({name: test for name, test in box.items() if not test.any})
            spans.append((days[0], days[1]))
    return _are_inside(finding.region, boxes) and _are_days_inside(finding.days, spans)


def _day_of(text: str | None, problems: list[Problem]) -> int | None:
    if text is None:
        return None
    test = parse_test(text, "date", problems=problems)
    bound = test.items[0].low if test is not None and len(test.items) == 1 and test.items[0].is_single else None
    if isinstance(bound, Literal) and isinstance(bound.value, int):
        return bound.value
    problems.extend(() if problems else (problem("date", message("`{text}` is no day", text=text)),))
    return None


def _are_inside(found: Sequence[Mapping[str, Test]], accepted: Sequence[Mapping[str, Test]]) -> bool:
    """Say whether all points of some boxes lie in others."""
    names = dict.fromkeys(name for box in (*found, *accepted) for name in box)
    axes = []
    for name in names:
        tests = [box[name] for box in (*found, *accepted) if name in box]
        # Both sides are written alike, so that what absence means makes no difference between them.
        axes.append(cut_axis(name, tests[0].kind, None, tests, absence="none"))
    grid = Grid(tuple(axes))
    within = [grid.box(box) for box in accepted]
    return all(is_covered(grid.box(box), within) for box in found)


def _are_days_inside(found: Sequence[Days], accepted: Sequence[Days]) -> bool:
    axis = day_axis(day for span in (*found, *accepted) for day in span)
    grid = Grid((axis,))
    within = [grid.box({}, *span) for span in accepted]
    return all(is_covered(grid.box({}, *span), within) for span in found)


def _wider(one: Accepted, finding: Finding) -> Finding:
    return Finding(
        code="accept-wider",
        message=message(
            "finding `{code}` is accepted in part only: it reaches beyond `where`, to {region}",
            code=one.code,
            region=finding.words,
        ),
        place=one.place,
        help=message("see whether the reason holds of all of it, then widen `where`; or change the rules back"),
        severity="warning",
        table=finding.table,
        subject=one.code,
    )


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
