"""Count the people that posts take for a workload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from svc_policy.errors import Problem, UsageError, nearest, problem
from svc_policy.messages import message
from svc_policy.rules.family import Row
from svc_policy.schedule.records import Post, Staffing
from svc_policy.schedule.rows import EPOCH, Holding
from svc_policy.units import Literal

if TYPE_CHECKING:
    from svc_policy.policy import Policy

FAMILY: Final = "staffing"


def count_staff(policy: Policy, workload: Mapping[str, int], on: date) -> Staffing:
    """Count the posts that are in force on a day.

    A post takes its base, and one more for each full `each` of its workload
    beyond `beyond`.

    Raises:
        UsageError: A workload is none that a row counts in, or no whole number.
    """
    day = on.toordinal() - EPOCH
    holding = Holding(policy)
    _check(policy, workload)
    rows = [row for row in policy.pack.rows.get(FAMILY, ()) if holding.in_force(row, day) and holding.holds(row, day)]
    return Staffing(
        policy_id=policy.id,
        digest=policy.digest,
        on=on,
        workload=dict(workload),
        posts=tuple(_post(policy, holding, row, workload, day) for row in rows),
    )


def _check(policy: Policy, workload: Mapping[str, int]) -> None:
    if not isinstance(workload, Mapping):
        text = message("`{value}` is no workload", value=workload)
        raise UsageError([problem("workload-type", text, help=message("write it as in `jobs=120`"))])
    known: set[str] = set()
    for row in policy.pack.rows.get(FAMILY, ()):
        if (name := row.text("per")) is not None:
            known.add(name)
    problems: list[Problem] = []
    for name, count in workload.items():
        if name not in known:
            near = nearest(name, sorted(known))
            help_line = message("no post grows with a workload")
            if known:
                help_line = message("known here: {known}", known=", ".join(sorted(known)))
            if near:
                help_line = message("did you mean `{near}`?", near=near)
            text = message("no post is counted in `{name}`", name=name)
            problems.append(problem("workload-unknown", text, help=help_line))
        elif not isinstance(count, int) or isinstance(count, bool) or count < 0:
            text = message("the workload `{name}` is a whole number, not `{value}`", name=name, value=count)
            problems.append(problem("workload-count", text, help=message("write it as in `jobs=120`")))
    if problems:
        raise UsageError(problems)


def _post(policy: Policy, holding: Holding, row: Row, workload: Mapping[str, int], day: int) -> Post:
    base, each, beyond = (_count(holding, row, name, day) for name in ("staff", "each", "beyond"))
    per = holding.text(row, "per", day)
    staff, needs = base, None
    if base is not None and per is not None and each:
        given = workload.get(per)
        needs = per if given is None else None
        staff = base + max(0, (given or 0) - (beyond or 0)) // each
    return Post(
        post=holding.text(row, "post", day) or "",
        staff=staff,
        base=base,
        per=per,
        each=each,
        beyond=beyond,
        needs=needs,
        decided_by=holding.text(row, "decided by", day),
        rule=policy.rule_use(FAMILY, row),
    )


def _count(holding: Holding, row: Row, name: str, day: int) -> int | None:
    cell = holding.cell(row, name, day)
    return int(cell.value) if isinstance(cell, Literal) else None  # type: ignore[arg-type]
