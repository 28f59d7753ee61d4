"""Check the names that one table of a pack uses of another."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import cast

from svc_policy.errors import Place, Problem, nearest, problem
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import Message, message
from svc_policy.rules.family import Row
from svc_policy.units import Literal


def check_words(rows: Mapping[str, Sequence[Row]], broken: Container[str], problems: list[Problem]) -> None:
    """Check the names that one table uses of another: targets, fee lines, results.

    What a table gives is not known while it is `broken`, so nothing is said of it then.
    """
    ends = {row.text("ends") or "" for row in rows.get("deadlines", ())}
    lines = {row.text("line") or "" for row in rows.get("fees", ())}
    for family in ("escalations", "late_penalties"):
        if family in broken:
            continue
        for row in rows.get(family, ()):
            named = [str(item.low.value) for item in row.tests["target"].items if isinstance(item.low, Literal)]
            if not named or row.tests["target"].negated:
                _say(row, problems, "target-missing", message("rule `{rule}` names its targets", rule=row.id))
            if family == "late_penalties" and len(named) > 1:
                _say(row, problems, "target-many", message("rule `{rule}` names one target only", rule=row.id))
            if "deadlines" not in broken:
                _unknown(row, named, ends, problems, "target-unknown", message("no deadline ends with it"))
        if family == "escalations":
            for row in rows.get(family, ()):
                share = row.tests["used_share"].items
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
    _check_results(rows, ends, broken, problems)
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


def _check_results(
    rows: Mapping[str, Sequence[Row]], ends: set[str], broken: Container[str], problems: list[Problem]
) -> None:
    """Check that the results which conditions read are given by a table that the pack has."""
    tables = {name for name in rows if rows[name] or name in broken}
    priced = bool(tables & {"fees", "part_fees"})
    given = {
        "category": "category" in tables,
        "payer": "payers" in tables,
        "chargeable": priced,
        "needs_confirmation": priced or "confirmations" in tables,
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
                    )


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
