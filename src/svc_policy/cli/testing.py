"""Test a policy: its cases and properties, what they touch, and which changes they notice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from svc_policy.cli.framework import FINDINGS, command, json_option, option, pack_argument, refuse
from svc_policy.cli.session import Session, session_of
from svc_policy.messages import LANGUAGES, Message, message

if TYPE_CHECKING:
    from svc_policy.pack.cases import Case, Mismatch
    from svc_policy.policy import Policy
    from svc_policy.testing.coverage import Coverage
    from svc_policy.testing.mutation import Finding, Mutation

#: What is told of the tickets that were drawn for a property.
_DRAWN: Final = ("tried", "relevant", "refused")
Failures = Sequence[tuple["Case", Sequence["Mismatch"]]]


@command(
    "test",
    message("Test a policy: run its cases and properties, say what they touch and which changes they notice."),
    examples=(
        "svc-policy test mall",
        "svc-policy test ./my-shop --coverage --fail-under 90",
        "svc-policy test ./my-shop --mutate --only fees",
        "svc-policy test ./my-shop --coverage --mutate --html tested.html",
        "svc-policy test ./my-shop --coverage --cases-only --fail-under 90",
        "svc-policy test mall --coverage --json",
    ),
)
@pack_argument
@option("--coverage", "with_coverage", is_flag=True, words=message("what of the policy cases and properties touch"))
@option("--mutate", "with_mutation", is_flag=True, words=message("change the policy a little: which case notices"))
@option("--only", metavar="TABLE[.RULE]", words=message("with `--mutate`: the changes of one table or rule"))
@option("--cases-only", is_flag=True, words=message("leave the properties out of what is touched and noticed"))
@option("--html", "page", metavar="FILE", words=message("write what is touched and noticed as a page"))
@option(
    "--fail-under",
    "least",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    words=message("exit code 1 where a smaller share is touched or noticed"),
)
@json_option
@click.pass_context
def test(
    context: click.Context,
    pack: str,
    with_coverage: bool,
    with_mutation: bool,
    only: str | None,
    cases_only: bool,
    page: str | None,
    least: float | None,
    as_json: bool,
) -> int:
    """Test a policy."""
    from svc_policy import load
    from svc_policy.pack.cases import cases_of, run_case

    if not (with_coverage or with_mutation) and (page is not None or least is not None):
        refuse("test-what", message("`--html` and `--fail-under` need `--coverage` or `--mutate`"))
    if only is not None and not with_mutation:
        refuse("test-only", message("`--only` needs `--mutate`"))
    if cases_only and not (with_coverage or with_mutation):
        refuse("test-cases-only", message("`--cases-only` needs `--coverage` or `--mutate`"))
    session = session_of(context)
    policy = load(pack)
    cases = cases_of(policy.pack)
    failures = [(case, found) for case in cases if (found := run_case(policy, case))]
    properties = [] if with_coverage or with_mutation else _properties(session, policy)
    coverage = mutation = None
    if with_coverage:
        from svc_policy.testing.coverage import DRAWN, cover

        coverage = cover(policy, cases, drawn=0 if cases_only else DRAWN)
    if with_mutation:
        from svc_policy.testing.mutation import mutate

        mutation = mutate(policy, cases, only=only, with_properties=not cases_only, progress=_progress(session))
    if as_json:
        session.write_json(_as_json(policy, cases, failures, properties, coverage, mutation))
    else:
        _write_cases(session, policy, cases, failures)
        _write_properties(session, properties)
        _write_coverage(session, coverage)
        _write_mutation(session, mutation)
    if page is not None:
        _write_page(session, Path(page), policy, coverage, mutation)
    shares = [coverage.share if coverage is not None else None, mutation.score if mutation is not None else None]
    is_short = least is not None and any(share is not None and share < least * 100 for share in shares)
    failed = any(one["status"] == "failed" for one in properties)
    return FINDINGS if failures or failed or is_short else 0


# --- cases and properties


def _write_cases(session: Session, policy: Policy, cases: Sequence[Case], failures: Failures) -> None:
    from svc_policy.cli.checking import problems_of_case
    from svc_policy.pack.cases import TICKET

    if not cases:
        session.write(message("the policy has no cases: write some into `cases.toml`"))
        return
    for case, found in failures:
        for one in problems_of_case(case, found):
            session.write(one.render(session.language))
        if case.kind == TICKET:
            _write_explanation(session, policy, case)
        session.write()
    held = len(cases) - len(failures)
    session.write(message("cases: {held} of {count} hold", held=held, count=len(cases)))


def _write_explanation(session: Session, policy: Policy, case: Case) -> None:
    """Write why the policy decides as it does, and the rules behind it with their places."""
    from svc_policy.errors import PolicyError

    at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=policy.zone)
    try:
        decision = policy.decide(case.ticket, at=at)
    except PolicyError:
        return
    for line in policy.explain(decision, session.language).splitlines():
        session.write(f"  {line}")
    named = set(case.rules)
    for use in decision.rules:
        if not named or f"{use.table}.{use.rule}" in named:
            session.write(f"  {use.file}:{use.line}: {use.table}.{use.rule}")


def _properties(session: Session, policy: Policy) -> list[dict[str, Any]]:
    """Try the named properties; without Hypothesis there is nothing to draw tickets with."""
    try:
        from svc_policy.testing.properties import check_all
        from svc_policy.testing.running import PropertyFailed
    except ImportError:
        session.note(message("properties are tried with the extra `test`: pip install 'svc-policy[test]'"))
        return []
    found: list[dict[str, Any]] = []
    for result in check_all(policy):
        if isinstance(result, PropertyFailed):
            found.append({"name": result.property, "status": "failed", "detail": result, **dict.fromkeys(_DRAWN)})
        else:
            counts = {name: getattr(result, name) if result.status == "kept" else None for name in _DRAWN}
            found.append({"name": result.name, "status": result.status, "detail": result.reason, **counts})
    return found


def _write_properties(session: Session, properties: Sequence[dict[str, Any]]) -> None:
    if not properties:
        return
    for one in properties:
        if one["status"] == "failed":
            session.write()
            session.write(one["detail"].text(session.language))
    counts = {status: sum(one["status"] == status for one in properties) for status in ("kept", "failed")}
    others = len(properties) - sum(counts.values())
    session.write(
        message(
            "properties: {kept} kept, {failed} failed, {others} do not apply or are off",
            kept=counts["kept"],
            failed=counts["failed"],
            others=others,
        )
    )
    for one in properties:
        if one["status"] != "kept":
            continue
        name, tried, relevant = one["name"], one["tried"], one["relevant"]
        if relevant:
            text = message("{relevant} of {tried} tickets put it to the test", relevant=relevant, tried=tried)
        else:
            text = message("kept, but no ticket put it to the test, of {tried} drawn", tried=tried)
        session.write(f"  {name}: {session.words(text)}")


# --- coverage and mutation


def _percent(basis_points: int | None) -> str:
    return "-" if basis_points is None else f"{basis_points // 100}.{basis_points % 100 // 10} %"


def _write_coverage(session: Session, coverage: Coverage | None) -> None:
    if coverage is None:
        return
    from svc_policy.testing.coverage import KINDS

    session.write()
    for item in coverage.untouched:
        what = session.words(KINDS[item.kind])
        beside = f" ({session.words(message('properties touch it'))})" if item.is_drawn else ""
        session.write(f"{item.file}:{item.line}: {what}: {item.table}: {item.name}{beside}")
    if coverage.untouched:
        session.write()
    rows = [
        (session.words(words), touched, coverage.drawn_of(kind) if coverage.drawn else "-", count, _percent(share))
        for kind, words in KINDS.items()
        for touched, count in (coverage.of(kind),)
        for share in (touched * 10_000 // count if count else None,)
    ]
    headings = ("", message("cases touch"), message("properties touch"), message("of"), message("share of the cases"))
    session.table(headings, rows, right=".rrrr")
    session.write(message("touched by the cases: {share}", share=_percent(coverage.share_of_cases)))
    if coverage.drawn:
        session.write(
            message(
                "touched by the cases or by {count} tickets drawn as properties draw them: {share}",
                count=coverage.drawn,
                share=_percent(coverage.share),
            )
        )


def _write_mutation(session: Session, mutation: Mutation | None) -> None:
    if mutation is None:
        return
    from svc_policy.testing.mutation import VERDICTS

    session.write()
    for table in dict.fromkeys(finding.mutant.table for finding in mutation.findings):
        for finding in mutation.findings:
            if finding.mutant.table == table and (finding.verdict != "noticed" or finding.property):
                session.write(_line_of(session, finding))
    rows = []
    for table in dict.fromkeys(finding.mutant.table for finding in mutation.findings):
        of = [finding.verdict for finding in mutation.findings if finding.mutant.table == table]
        rows.append((table, *(of.count(one) for one in VERDICTS)))
    session.write()
    session.table((message("table"), *VERDICTS.values()), rows, right="." + "r" * len(VERDICTS))
    session.write(
        message(
            "changes that the cases notice: {share} ({noticed} of {count})",
            share=_percent(mutation.score),
            noticed=mutation.count("noticed"),
            count=mutation.counted,
        )
    )
    if mutation.by_properties:
        session.write(message("{count} of those only a property notices, and no case", count=mutation.by_properties))


def _line_of(session: Session, finding: Finding) -> str:
    mutant = finding.mutant
    place = f"{mutant.file}:{mutant.line}: {mutant.name}"
    if finding.property is not None:
        noticed = message("noticed by the property `{name}` only", name=finding.property)
        return f"{place}: {session.words(noticed)}"
    if finding.verdict != "unnoticed":
        words = {
            "alike": message("not told apart"),
            "equivalent": message("changes nothing"),
            "refused": message("no policy"),
        }[finding.verdict]
        return f"{place}: {session.words(words)}: {session.words(finding.reason or '')}"
    said = session.words(message("unnoticed"))
    facts = ", ".join(f"{name} = {value}" for name, value in finding.facts.items())
    hint: Message | str = ""
    if finding.case is not None:
        hint = message("case `{case}` is decided otherwise, and does not say so", case=finding.case)
        if facts:
            hint = message("case `{case}` would notice with {facts}", case=finding.case, facts=facts)
    return f"{place}: {said}: {session.words(hint)}" if hint else f"{place}: {said}"


def _progress(session: Session) -> Callable[[int, int], None] | None:
    """Tell of the progress on one line of a terminal, and of nothing anywhere else."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int, count: int) -> None:
        text = session.words(message("changes tried: {done} of {count}", done=done, count=count))
        click.echo(f"\r{text:<40}" + ("\r" + " " * 60 + "\r" if done >= count else ""), err=True, nl=False)

    return tell


def _write_page(
    session: Session, file: Path, policy: Policy, coverage: Coverage | None, mutation: Mutation | None
) -> None:
    from svc_policy.testing.page import page

    try:
        file.write_text(page(policy, session.language, coverage, mutation), encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        refuse("file-unwritable", message("cannot write `{path}`: {reason}", path=str(file), reason=reason))
    session.note(message("written: {path}", path=str(file)))


# --- JSON


def _as_json(
    policy: Policy,
    cases: Sequence[Case],
    failures: Failures,
    properties: Sequence[dict[str, Any]],
    coverage: Coverage | None,
    mutation: Mutation | None,
) -> dict[str, Any]:
    from svc_policy.cli.checking import problems_of_case
    from svc_policy.errors import problem_to_dict

    found: dict[str, Any] = {
        "schema": 1,
        "policy": {"id": policy.id, "digest": policy.digest},
        "cases": {
            "count": len(cases),
            "failures": [problem_to_dict(one) for case, of in failures for one in problems_of_case(case, of)],
        },
        "properties": [{**one, "detail": None if one["detail"] is None else str(one["detail"])} for one in properties],
    }
    if coverage is not None:
        from svc_policy.testing.coverage import KINDS

        counts = {kind: coverage.of(kind) for kind in KINDS}
        found["coverage"] = {
            "share": coverage.share,
            "share_of_cases": coverage.share_of_cases,
            "drawn": coverage.drawn,
            "kinds": {
                kind: {"touched": touched, "drawn": coverage.drawn_of(kind), "count": count}
                for kind, (touched, count) in counts.items()
            },
            "items": [
                {
                    "kind": item.kind,
                    "table": item.table,
                    "name": item.name,
                    "file": item.file,
                    "line": item.line,
                    "case": item.case,
                    "drawn": item.is_drawn,
                }
                for item in coverage.items
            ],
        }
    if mutation is not None:
        from svc_policy.testing.mutation import VERDICTS

        found["mutation"] = {
            "score": mutation.score,
            "counts": {verdict: mutation.count(verdict) for verdict in VERDICTS},
            "by_properties": mutation.by_properties,
            "changes": [_finding_to_dict(finding) for finding in mutation.findings],
        }
    return found


def _finding_to_dict(finding: Finding) -> dict[str, Any]:
    mutant = finding.mutant
    return {
        "table": mutant.table,
        "rule": mutant.rule,
        "file": mutant.file,
        "line": mutant.line,
        "change": mutant.change,
        "column": mutant.column or None,
        "before": mutant.before,
        "after": mutant.after,
        "verdict": finding.verdict,
        "case": finding.case,
        "property": finding.property,
        "facts": dict(finding.facts),
        "reason": None
        if finding.reason is None
        else {language: finding.reason.text(language) for language in LANGUAGES},
    }
