"""Put the findings of a policy together: sentences, places, regions, examples, clauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from svc_policy.check.accepting import accept
from svc_policy.check.declared import find_declared, place_of
from svc_policy.check.examples import Examples
from svc_policy.check.findings import CODES, Finding
from svc_policy.check.possible import Possible
from svc_policy.check.rows import TOTAL, Place, find_in_rows
from svc_policy.check.suggesting import suggest_row
from svc_policy.check.views import TableView, table_views
from svc_policy.check.words import Days, RegionWords, days_of, region_tests
from svc_policy.errors import Severity, UsageError
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: Findings whose weight hangs on whether a ticket can lie there.
_NEEDS_TICKET: Final = frozenset({"gap", "edition-gap", "boundary-gap", "overlap", "boundary-overlap"})
_SHOWN: Final = frozenset({*_NEEDS_TICKET, "overlap-equal"})
#: Findings for which a ticket is looked for; of more of them only the region is given.
_MOST_EXAMPLES: Final = 60


def check_policy(policy: Policy, *, examples: bool = True) -> tuple[Finding, ...]:
    """Check a policy by proof: gaps, overlaps, rows that never decide, what nobody uses.

    Findings stand in the order of the tables, and in a table by line. Those that the policy accepts say why.

    Args:
        policy: The policy; of :meth:`~svc_policy.Policy.on` only what is in force on that day.
        examples: Look for a ticket that lies in each region; without it a region counts as one that can be reached.
    """
    views = table_views(policy)
    possible = Possible(views)
    making = _Making(policy)
    total = TOTAL - ({"category"} if "total_category" in policy.pack.settings.properties_off else set())
    found: list[Finding] = []
    for view in views:
        if not view.rows[0]:
            continue
        of_view: list[Finding] = []
        try:
            # What was found before there were too many ways to look at is told.
            for place in find_in_rows(view, possible, total=total):
                of_view.append(making.finding(view, place))  # noqa: PERF401 - one that fails midway
        except UsageError as error:
            of_view.append(_entangled(view, error))
        found += sorted(of_view, key=lambda one: (one.place.line or 0) if one.place else 0)
    found += find_declared(policy.pack, views, possible)
    judged = accept(found, policy.pack.settings.accepted, policy.pack.settings.currency)
    return making.with_examples(judged) if examples else judged


def _entangled(view: TableView, error: UsageError) -> Finding:
    (problem,) = error.problems
    return Finding(
        code=problem.code,
        message=problem.message,
        place=place_of(view.rows[0][0]),
        help=problem.help,
        severity="warning",
        table=view.table,
    )


#: What tells one finding from another.
_Key = tuple[str, str, tuple[str, ...], str]


def _key(finding: Finding) -> _Key:
    return finding.code, finding.table, finding.rules, finding.message.text("en")


class _Making:
    """Makes findings of places in tables."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.words = RegionWords(policy)
        #: Where each finding that a ticket can show came from.
        self._places: dict[_Key, tuple[TableView, Place]] = {}

    def finding(self, view: TableView, place: Place) -> Finding:
        rows = [view.rows[0][number] for number in place.rows]
        main = rows[-1] if place.code.startswith("row-") else rows[0] if rows else view.rows[0][0]
        text, help_line = _TEXTS[place.code](self, view, place)
        made = Finding(
            code=place.code,
            message=text,
            place=place_of(main),
            help=help_line,
            severity=self._severity(view, place),
            table=view.table,
            rules=tuple(dict.fromkeys(row.id for row in rows)),
            region=tuple(region_tests(view, box) for box in place.boxes),
            words=self.words.region(view, place.boxes, place.axis) if place.boxes else None,
            days=self._days(view, place),
            clauses=tuple(dict.fromkeys(clause for row in rows for clause in row.cites)),
        )
        if place.code in ("gap", "edition-gap", "boundary-gap"):
            suggestion = suggest_row(self.policy.pack, view, place.boxes[0], place.rows, place.axis)
            made = attrs.evolve(made, suggestion=suggestion)
        if place.code in _SHOWN:
            self._places[_key(made)] = view, place
        return made

    def _severity(self, view: TableView, place: Place) -> Severity:
        if place.code == "boundary-overlap" and view.family.policy == "first":
            return "warning"
        if place.code == "edition-gap" and view.family.policy == "collect":
            return "warning"  # such a rule may rest for a season
        return CODES[place.code]

    def with_examples(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Look for a ticket in the region of each finding that is not accepted; without one an error is a warning."""
        examples = Examples(self.policy, self.words)
        made: list[Finding] = []
        looked = 0
        for finding in findings:
            known = self._places.get(_key(finding)) if finding.accepted is None else None
            if known is None or looked >= _MOST_EXAMPLES:
                made.append(finding)
                continue
            looked += 1
            view, place = known
            rows = () if place.code.endswith("gap") else place.rows
            example = examples.find(view, place.boxes, place.axis, rows=rows)
            reached = example is not None or view.family.grain == "none"
            severity: Severity = "warning" if not reached and finding.severity == "error" else finding.severity
            made.append(attrs.evolve(finding, example=example, searched=True, severity=severity))
        return tuple(made)

    def _days(self, view: TableView, place: Place) -> tuple[Days, ...]:
        return tuple(dict.fromkeys(days for box in place.boxes for days in days_of(view, box)))

    def where(self, view: TableView, place: Place) -> tuple[Message, Message]:
        """Give the region and the days in words."""
        return self.words.region(view, place.boxes, place.axis), self.words.days(self._days(view, place))


def _table(view: TableView) -> Message:
    if view.table == "deadlines":
        return message("`{table}` for target `{group}`", table=view.table, group=view.group)
    if view.table == "fees":
        return message("`{table}` for line `{group}`", table=view.table, group=view.group)
    return message("`{table}`", table=view.table)


Texts = tuple[Message, Message]


def _gap(making: _Making, view: TableView, place: Place) -> Texts:
    region, days = making.where(view, place)
    return (
        message("gap in {table}: {region}; {days}", table=_table(view), region=region, days=days),
        message("write a row for it (`--fix-note` proposes one), or accept it in policy.toml with a reason"),
    )


def _edition_gap(making: _Making, view: TableView, place: Place) -> Texts:
    region, days = making.where(view, place)
    return (
        message("no edition in {table}: {region}; {days}", table=_table(view), region=region, days=days),
        message("an edition is in force up to the day before its `until`: write when the next one begins"),
    )


def _boundary_gap(making: _Making, view: TableView, place: Place) -> Texts:
    region, days = making.where(view, place)
    return (
        message(
            "both neighbours in {table} leave out the boundary: {region}; {days}",
            table=_table(view),
            region=region,
            days=days,
        ),
        message("let one of them include it, as in `<= 5` beside `> 5`"),
    )


def _two(view: TableView, place: Place) -> dict[str, str]:
    one, two = (view.rows[0][number].id for number in place.rows[:2])
    return {"one": one, "two": two}


def _overlap(making: _Making, view: TableView, place: Place) -> Texts:
    region, days = making.where(view, place)
    return (
        message(
            "rules `{one}` and `{two}` of {table} both hold and disagree: {region}; {days}",
            table=_table(view),
            region=region,
            days=days,
            **_two(view, place),
        ),
        message("one row of the table may hold: narrow one of them"),
    )


def _boundary_overlap(making: _Making, view: TableView, place: Place) -> Texts:
    region, days = making.where(view, place)
    return (
        message(
            "rules `{one}` and `{two}` of {table} both claim the boundary: {region}; {days}",
            table=_table(view),
            region=region,
            days=days,
            **_two(view, place),
        ),
        message("let one of them leave it out, as in `<= 5` beside `> 5`"),
    )


def _overlap_equal(making: _Making, view: TableView, place: Place) -> Texts:
    region, days = making.where(view, place)
    return (
        message(
            "rules `{one}` and `{two}` of {table} both hold and say the same: {region}; {days}",
            table=_table(view),
            region=region,
            days=days,
            **_two(view, place),
        ),
        message("it does no harm; a later change of one of them will"),
    )


def _never(making: _Making, view: TableView, place: Place) -> Texts:
    rule = view.rows[0][place.rows[0]].id
    return (
        message("rule `{rule}` of {table} never holds", rule=rule, table=_table(view)),
        message("no ticket meets all its conditions at once; what it reads of earlier tables may never come out"),
    )


def _hidden(making: _Making, view: TableView, place: Place) -> Texts:
    rule = view.rows[0][place.rows[0]].id
    by = ", ".join(f"`{view.rows[0][number].id}`" for number in place.by)
    return (
        message(
            "rule `{rule}` of {table} never decides: wherever it holds, so does one of {by} before it",
            rule=rule,
            table=_table(view),
            by=by,
        ),
        message("move it up, narrow what goes before it, or leave it out"),
    )


def _twice(making: _Making, view: TableView, place: Place) -> Texts:
    return (
        message("rules `{one}` and `{two}` of {table} are the same", table=_table(view), **_two(view, place)),
        message("leave one of them out"),
    )


def _contained(making: _Making, view: TableView, place: Place) -> Texts:
    return (
        message("rule `{one}` of {table} says all that rule `{two}` says", table=_table(view), **_two(view, place)),
        message("the result is listed twice where both hold"),
    )


def _mergeable(making: _Making, view: TableView, place: Place) -> Texts:
    return (
        message(
            "rules `{one}` and `{two}` of {table} differ in `{column}` only and could be one",
            table=_table(view),
            column=place.axis,
            **_two(view, place),
        ),
        message("join their cells in that column"),
    )


_TEXTS: Final[Mapping[str, Callable[[_Making, TableView, Place], Texts]]] = {
    "gap": _gap,
    "edition-gap": _edition_gap,
    "boundary-gap": _boundary_gap,
    "overlap": _overlap,
    "boundary-overlap": _boundary_overlap,
    "overlap-equal": _overlap_equal,
    "row-never": _never,
    "row-hidden": _hidden,
    "row-twice": _twice,
    "row-contained": _contained,
    "rows-mergeable": _mergeable,
}
