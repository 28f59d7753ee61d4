"""Trace every clause of the services to the rules that cite it and the cases that exercise it: ``make trace``.

The cases are run: one that fails exercises nothing. The exit code is 1 if a
clause is cited by no rule or exercised by no case, if a case fails, or if a
service has not as many clauses as its chapter of the rulebook.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from svc_policy import load
from svc_policy.pack.cases import cases_of
from svc_policy.pack.trace import Trace, failing_cases, trace_clauses
from svc_policy.policy import Policy

#: How many rules of the rulebook each service has.
REGISTER = {"mall": 44, "branches": 45, "works": 29, "campus": 40, "tile": 9, "factory": 27}
HEADINGS = ("pack", "clauses", "rules", "cases", "untraced")


@attrs.frozen(kw_only=True)
class Survey:
    """What the trace of one pack found: its figures, and everything that is wrong."""

    pack: str
    clauses: int
    rules: int
    cases: int
    untraced: int
    complaints: tuple[str, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        return tuple(str(getattr(self, name)) for name in HEADINGS)


def survey(policy: Policy, expected: int) -> Survey:
    """Run the cases of a pack and trace its clauses."""
    cases = cases_of(policy.pack)
    failing = failing_cases(policy, cases)
    traces = trace_clauses(policy.pack, [case for case in cases if case.name not in failing])
    complaints = [
        f"case `{name}` fails at {', '.join(f'`{one.path}`' for one in found)}" for name, found in failing.items()
    ]
    if len(traces) != expected:
        complaints.append(f"{len(traces)} clauses, but the rulebook has {expected}")
    complaints += [text for trace in traces for text in _missing(trace)]
    return Survey(
        pack=policy.id,
        clauses=len(traces),
        rules=sum(len(rows) for rows in policy.pack.rows.values()),
        cases=len(cases),
        untraced=sum(not trace.is_traced for trace in traces),
        complaints=tuple(complaints),
    )


def _missing(trace: Trace) -> Iterable[str]:
    if not trace.rules:
        yield f"`{trace.clause}` is cited by no rule"
    if not trace.cases:
        yield f"`{trace.clause}` is exercised by no case"


def table(surveys: Iterable[Survey]) -> str:
    """Put the figures of packs into columns, their sums below."""
    surveys = tuple(surveys)
    sums = [str(sum(getattr(one, name) for one in surveys)) for name in HEADINGS[1:]]
    rows = [HEADINGS, *(one.figures for one in surveys), ("together", *sums)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.rjust(width) if index else cell.ljust(width) for index, (cell, width) in enumerate(cells))
        for cells in (tuple(zip(row, widths, strict=True)) for row in rows)
    )


def main(packs: Mapping[str | Path, int] = REGISTER) -> int:
    """Trace packs, each with the number of clauses that it should have; print the figures and what is wrong."""
    surveys = [survey(load(pack), expected) for pack, expected in packs.items()]
    print(table(surveys))
    complaints = [f"{one.pack}: {text}" for one in surveys for text in one.complaints]
    for text in complaints:
        print(text, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
