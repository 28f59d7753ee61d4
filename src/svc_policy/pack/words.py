"""Check the names that one table of a pack uses of another."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, cast

from svc_policy.errors import Place, Problem, nearest, problem
from svc_policy.facts.registry import MILESTONES, TICKET
from svc_policy.messages import Message, message
from svc_policy.pack.columns import RESULTS
from svc_policy.rules.family import Row
from svc_policy.tables import Test
from svc_policy.units import Literal

WHOLE = 10_000
#: A rating is a level that is counted from 1; a scale of another length would not fit it.
HIGHEST_RATING = next(fact.high or 0 for fact in TICKET if fact.name == "rated_skill")
ANYTHING = Test(kind="text", any=True)


def check_words(
    rows: Mapping[str, Sequence[Row]], broken: Container[str], problems: list[Problem], zones: Iterable[str] = ()
) -> None:
    """Check the names that one table uses of another: targets, fee lines, zones, results.

    `zones` are those that a ticket may state.

    What a table gives is not known while it is `broken`, so nothing is said of it then.
    """
    ends = {row.text("ends") or "" for row in rows.get("deadlines", ())}
    lines = {row.text("line") or "" for row in rows.get("fees", ())}
    for family in ("escalations", "late_penalties"):
        if family in broken:
            continue
        for row in rows.get(family, ()):
            target = row.tests.get("target", ANYTHING)
            named = [str(item.low.value) for item in target.items if isinstance(item.low, Literal)]
            if family == "escalations" and target.any:
                _check_without_target(row, problems)
                continue
            if not named or target.negated:
                _say(row, problems, "target-missing", message("rule `{rule}` names its targets", rule=row.id))
            if family == "late_penalties" and len(named) > 1:
                _say(row, problems, "target-many", message("rule `{rule}` names one target only", rule=row.id))
            if "deadlines" not in broken:
                _unknown(row, named, ends, problems, "target-unknown", message("no deadline ends with it"))
        if family == "escalations":
            for row in rows.get(family, ()):
                if row.tests.get("target", ANYTHING).any:
                    continue
                share = row.tests.get("used_share", ANYTHING).items
                if len(share) != 1 or share[0].low is None or not share[0].low_closed or share[0].high is not None:
                    _say(
                        row,
                        problems,
                        "share-form",
                        message("`used_share` of rule `{rule}` is a threshold, as in `>= 80 %`", rule=row.id),
                    )
    for row in rows.get("surcharges", ()) if "fees" not in broken else ():
        _unknown(
            row,
            cast("tuple[str, ...]", row.results["of"]),
            lines,
            problems,
            "line-unknown",
            message("no fee has that line"),
        )
    for row in rows.get("holds", ()):
        kinds = row.tests.get("hold_kind")
        plain = kinds is not None and kinds.items and not kinds.negated and not kinds.missing
        if not plain or row.since is not None or row.until is not None:
            text = message("rule `{rule}` lists the kinds of hold it is about, and has no dates", rule=row.id)
            _say(row, problems, "hold-form", text)
    for row in rows.get("holds", ()) if "deadlines" not in broken else ():
        stops = cast("tuple[str, ...]", row.results.get("stops") or ())
        _unknown(
            row,
            [item for item in stops if item != "all"],
            ends,
            problems,
            "target-unknown",
            message("no deadline ends with it"),
        )
    _check_fields(rows, broken, problems)
    _check_results(rows, ends, broken, problems)
    if "appraisals" not in broken:
        _check_weights(rows.get("appraisals", ()), problems)
    if "zones" not in broken:
        _check_zones(rows, zones, problems)
    _check_budgets(rows.get("budgets", ()), problems)
    _check_stock(rows.get("stock", ()), problems)
    for row in rows.get("penalties", ()):
        _check_amount(row, problems)
    for row in rows.get("late_penalties", ()):
        _check_amount(row, problems)
    for row in rows.get("compensations", ()):
        _check_limit(row, problems)
    for row in rows.get("fees", ()):
        if row.results.get("rate") is not None and (
            row.results.get("per") is None or row.results.get("measure") is None
        ):
            _say(
                row,
                problems,
                "rate-incomplete",
                message("rule `{rule}` has a rate: it needs `per` and `measure`", rule=row.id),
            )


def _check_fields(rows: Mapping[str, Sequence[Row]], broken: Container[str], problems: list[Problem]) -> None:
    """Check that every field stands on a form that the pack has."""
    forms = dict.fromkeys(row.text("form") or "" for row in rows.get("forms", ()))
    for row in rows.get("fields", ()):
        test = row.tests["form"]
        named = [str(item.low.value) for item in test.items if isinstance(item.low, Literal)]
        if not named or test.negated or test.missing:
            text = message("rule `{rule}` names the forms on which its field stands", rule=row.id)
            _say(row, problems, "form-missing", text)
        elif "forms" not in broken:
            _unknown(row, named, forms, problems, "form-unknown", message("no form has that name"))


def _check_without_target(row: Row, problems: list[Problem]) -> None:
    """Check a row of escalations that fires on its conditions alone."""
    if not row.tests.get("used_share", ANYTHING).any or row.text("when") == "next working day":
        text = message("rule `{rule}` names no target, whose time it could watch", rule=row.id)
        _say(row, problems, "target-missing", text, message("name one in the column `target`, or leave the time out"))
    elif all(test.any for test in row.tests.values()):
        text = message("rule `{rule}` would escalate every ticket: it has no condition", rule=row.id)
        _say(row, problems, "escalation-always", text)


def _check_budgets(rows: Sequence[Row], problems: list[Problem]) -> None:
    """Check that a kind of cost has one budget a year, that there is such a year, and that its warning is in time."""
    seen: dict[tuple[object, ...], Row] = {}
    for row in rows:
        year = row.results["year"]
        stated, warn = (getattr(row.results.get(name), "value", None) for name in ("year", "warn"))
        if isinstance(stated, int) and not 1900 <= stated <= 9999:
            text = message("rule `{rule}` has a budget for the year {year}", rule=row.id, year=stated)
            _say(row, problems, "budget-year", text, message("a year has four digits, as in `2026`"))
        if isinstance(warn, int) and warn > WHOLE:
            text = message("rule `{rule}` warns only when more than the budget is spent", rule=row.id)
            _say(row, problems, "budget-warn", text, message("a warning comes at a share of it, as in `80 %`"))
        named = tuple(sorted((name, repr(test)) for name, test in row.tests.items() if not test.any))
        key = (row.text("kind"), year.value if isinstance(year, Literal) else year, row.since, named)
        first = seen.setdefault(key, row)
        if first is not row:
            text = message(
                "rule `{rule}` gives `{kind}` a second budget for the same year, after rule `{first}`",
                rule=row.id,
                kind=row.text("kind"),
                first=first.id,
            )
            _say(row, problems, "budget-twice", text, message("a kind of cost has one budget a year: add them up"))


def _check_stock(rows: Sequence[Row], problems: list[Problem]) -> None:
    """Check that the least that is kept is not more than the most."""
    for row in rows:
        least, most = (getattr(row.results.get(name), "value", None) for name in ("least", "most"))
        if isinstance(least, int) and isinstance(most, int) and least > most:
            text = message(
                "rule `{rule}` keeps at least {least}, but at most {most}", rule=row.id, least=least, most=most
            )
            _say(row, problems, "stock-range", text)


def _check_zones(rows: Mapping[str, Sequence[Row]], stated: Iterable[str], problems: list[Problem]) -> None:
    """Check that a rule which reads `service_zone` names a zone that a row gives or that tickets may state."""
    given = {row.text("zone") or "" for row in rows.get("zones", ())}
    if not given:
        return
    for of in rows.values():
        for row in of:
            test = row.tests.get("service_zone", ANYTHING)
            named = [str(item.low.value) for item in test.items if isinstance(item.low, Literal)]
            _unknown(row, named, given | set(stated), problems, "zone-unknown", message("no row of `zones` gives it"))


def _check_weights(rows: Sequence[Row], problems: list[Problem]) -> None:
    """Check that the weights which hold together add up to all of it, on the day on which each edition begins."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(sorted((k, repr(v)) for k, v in row.tests.items() if not v.any)), []).append(row)
    for group in groups.values():
        for day in dict.fromkeys(row.since for row in group):
            held = [row for row in group if _in_force(row, day)]
            weights = [cell.value for row in held if isinstance(cell := row.results["weight"], Literal)]
            total = sum(weight for weight in weights if isinstance(weight, int))
            if held and len(weights) == len(held) and total != WHOLE:
                text = message(
                    "the weights that hold together come to {total} %, not 100 %",
                    total=f"{total / 100:g}",
                )
                _say(held[0], problems, "weights-sum", text, message("rules with the same conditions hold together"))
                break
    levels = {int(str(cell.value)) for row in rows if isinstance(cell := row.results["levels"], Literal)}
    if len(levels) > 1:
        text = message("every aspect has the same number of levels")
        _say(rows[0], problems, "levels-differ", text, message("write the same number in `then: levels` of every rule"))
    elif levels - {HIGHEST_RATING}:
        most = HIGHEST_RATING
        text = message("the scale has {levels} levels, but ratings go up to {most}", levels=min(levels), most=most)
        _say(rows[0], problems, "levels-range", text, message("write {most} in `then: levels`", most=most))


def _in_force(row: Row, day: int | None) -> bool:
    if day is None:
        return row.since is None
    return (row.since is None or row.since <= day) and (row.until is None or day < row.until)


def _check_amount(row: Row, problems: list[Problem]) -> None:
    """Check that a penalty has one figure, one range, or somebody who decides; a finding none of them."""
    stated = [name for name in ("amount", "amount of", "least", "most") if row.results.get(name) is not None]
    if row.text("outcome") == "finding":
        if stated:
            text = message("rule `{rule}` is a finding: it carries no amount", rule=row.id)
            _say(row, problems, "finding-amount", text)
    elif not stated and row.results.get("decided by") is None:
        text = message("rule `{rule}` gives no amount: who decides it stands in `then: decided by`", rule=row.id)
        _say(row, problems, "penalty-open", text)
    elif len(stated) > 1 and stated != ["least", "most"]:
        names = " + ".join(stated)
        _say(row, problems, "penalty-two", message("rule `{rule}` gives {names} at once", rule=row.id, names=names))


def _check_limit(row: Row, problems: list[Problem]) -> None:
    """Check that the company's own limit of a compensation is a figure or a fact, not both."""
    if row.results.get("limit") is not None and row.results.get("limit of") is not None:
        _say(row, problems, "limit-two", message("rule `{rule}` gives limit + limit of at once", rule=row.id))


def _check_results(
    rows: Mapping[str, Sequence[Row]], ends: set[str], broken: Container[str], problems: list[Problem]
) -> None:
    """Check that the results which conditions read are given by a table that the pack has."""
    tables = {name for name in rows if rows[name]} | {
        name for names in GIVERS.values() for name in names if name in broken
    }
    given = {
        **{name: not tables.isdisjoint(givers) for name, givers in GIVERS.items()},
        **{f"{target}_status": target in ends or "deadlines" in broken for target in MILESTONES},
    }
    for of in rows.values():
        for row in of:
            for name, test in row.tests.items():
                if not test.any and not given.get(name, True):
                    _say(
                        row,
                        problems,
                        "result-absent",
                        message(
                            "rule `{rule}` reads `{name}`, which no table of the pack gives", rule=row.id, name=name
                        ),
                        _giver(name),
                    )


#: Families whose results come out without a row of theirs, too.
_NEEDS_NO_ROW: Final = frozenset({"warranty", "exclusions", "entitlements", "intake", "approvals"})
#: Results that other tables give than the family they come from: any one of these will do.
_GIVEN_BY_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "chargeable": ("fees", "part_fees", "materials"),
    "needs_confirmation": ("confirmations", "fees", "part_fees", "materials"),
    **dict.fromkeys((name for name, (_, _, family, _) in RESULTS.items() if family == "settlements"), ("materials",)),
}
#: Results that no ticket has without one of these tables, the likeliest first.
GIVERS: Final[Mapping[str, tuple[str, ...]]] = {
    name: _GIVEN_BY_OTHERS.get(name, (family,))
    for name, (_, _, family, _) in RESULTS.items()
    if family not in _NEEDS_NO_ROW
}


def _giver(result: str) -> Message:
    """Say which table gives a result."""
    target = result.removesuffix("_status")
    if target != result:
        return message("write a row of `deadlines` that ends with `{milestone}`, or leave it out", milestone=target)
    return message("write the table `{table}`, or leave the condition out", table=GIVERS[result][0])


def _unknown(
    row: Row, names: Iterable[str], known: Iterable[str], problems: list[Problem], code: str, why: Message
) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            _say(
                row,
                problems,
                code,
                message("rule `{rule}` names `{name}`: {why}", rule=row.id, name=name, why=why),
                message("did you mean `{near}`?", near=near) if near else None,
            )


def _say(row: Row, problems: list[Problem], code: str, text: Message, help_line: Message | None = None) -> None:
    problems.append(problem(code, text, place=Place(file=row.file, line=row.line), help=help_line))
