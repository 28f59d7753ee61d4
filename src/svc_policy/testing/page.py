"""What cases touch and what they notice, as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from svc_policy.messages import Language, message
from svc_policy.pages import BLANK, Figure, render
from svc_policy.policy import Policy
from svc_policy.testing.coverage import KINDS, Coverage, Item
from svc_policy.testing.mutants import CHANGES
from svc_policy.testing.mutation import VERDICTS, Finding, Mutation


def page(policy: Policy, language: Language, coverage: Coverage | None, mutation: Mutation | None) -> str:
    """Make the page: shares, what no case touches, what no case notices, what was counted apart and why."""
    titles = policy.pack.settings.titles
    values: dict[str, Any] = {
        "service": titles.get(language) or policy.id,
        "policy": f"{policy.id} {policy.digest[:12]}",
        "cases": coverage.cases if coverage is not None else mutation.cases if mutation is not None else 0,
        "coverage": coverage,
        "mutation": mutation,
    }
    if coverage is not None:
        values["covered"] = _percent(coverage.share_of_cases)
        values["covered_together"] = _percent(coverage.share)
        values["kinds"] = [
            (
                words,
                touched,
                coverage.drawn_of(kind) if coverage.drawn else "-",
                all_,
                _percent(touched * 10_000 // all_ if all_ else None),
            )
            for kind, words in KINDS.items()
            for touched, all_ in (coverage.of(kind),)
        ]
        values["tables"] = _tables(coverage.items)
        values["untouched"] = [
            (
                _place(item.file, item.line),
                KINDS[item.kind],
                item.name,
                message("properties touch it") if item.is_drawn else "",
            )
            for item in coverage.untouched
        ]
    if mutation is not None:
        values["score"] = _percent(mutation.score)
        values["verdicts"] = [(words, mutation.count(verdict)) for verdict, words in VERDICTS.items()]
        if mutation.by_properties:
            values["verdicts"].insert(1, (message("of those by a property only"), mutation.by_properties))
        values["unnoticed"] = [_told(one) for one in mutation.findings if one.verdict == "unnoticed"]
        values["apart"] = [
            (_place(one.mutant.file, one.mutant.line), one.mutant.name, VERDICTS[one.verdict], one.reason)
            for one in mutation.findings
            if one.verdict in ("alike", "equivalent", "refused")
        ]
    return render("testing/testing.html", language, values)


def _percent(basis_points: int | None) -> str:
    """Show a share with one decimal, rounded down: only what is whole is 100 %."""
    return Figure("-" if basis_points is None else f"{basis_points // 100}.{basis_points % 100 // 10}{BLANK}%")


def _place(file: str, line: int) -> str:
    return f"{file.rpartition('/')[2]}:{line}"


def _tables(items: Sequence[Item]) -> list[tuple[str, int, int, str]]:
    found = []
    for table in dict.fromkeys(item.table for item in items):
        of = [item for item in items if item.table == table]
        touched = sum(item.case is not None for item in of)
        found.append((table, touched, len(of), _percent(touched * 10_000 // len(of))))
    return found


def _told(finding: Finding) -> tuple[object, ...]:
    mutant = finding.mutant
    facts = ", ".join(f"{name} = {value}" for name, value in finding.facts.items())
    return (_place(mutant.file, mutant.line), CHANGES[mutant.change], mutant.name, finding.case or "", facts)
