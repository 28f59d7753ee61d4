"""Check a pack, and list its rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.framework import FINDINGS, argument, command, json_option, option, pack_argument, refuse
from svc_policy.cli.session import session_of
from svc_policy.errors import PackError, Problem, problem, problem_to_dict
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.check import Finding
    from svc_policy.cli.session import Session
    from svc_policy.pack.cases import Case, Mismatch
    from svc_policy.pack.load import Pack
    from svc_policy.policy import Policy


@command(
    "check",
    message("Check a pack: everything that is wrong with it or worth a look. Exit code 1 if there are errors."),
    examples=(
        "svc-policy check ./my-shop",
        "svc-policy check ./my-shop --cases",
        "svc-policy check ./my-shop --fix-note",
        "svc-policy check mall --all",
        "svc-policy check mall --floor cn-sanbao",
        "svc-policy check my-shop.xlsx --lang zh",
        "svc-policy check mall --json",
    ),
)
@pack_argument
@option("--cases", "with_cases", is_flag=True, words=message("try its worked examples too (`cases.toml`)"))
@option("--all", "every", is_flag=True, words=message("list the findings that the pack accepts, too"))
@option("--fix-note", "proposes", is_flag=True, words=message("write the rows that would close gaps"))
@option("--floor", metavar="PACK", words=message("list where it is worse for the customer than this pack"))
@json_option
@click.pass_context
def check(
    context: click.Context,
    pack: str,
    with_cases: bool,
    every: bool,
    proposes: bool,
    floor: str | None,
    as_json: bool,
) -> int:
    """Check a pack."""
    from svc_policy import load
    from svc_policy.check import check_policy
    from svc_policy.pack.source import find_pack

    if proposes and as_json:
        refuse("fix-json", message("`--fix-note` writes rows, `--json` writes data: give one of them"))
    session = session_of(context)
    find_pack(pack)  # a pack that is not there is wrong use, not a finding
    below = None if floor is None else load(floor)
    found: list[Problem] = []
    accepted: list[Finding] = []
    identity: dict[str, str | None] = {"id": None, "digest": None}
    try:
        policy = load(pack)
        identity = {"id": policy.id, "digest": policy.digest}
        findings = check_policy(policy)
        accepted = [one for one in findings if one.accepted is not None]
        found = [*policy.pack.notes, *(one for one in findings if one.accepted is None)]
        if with_cases:
            found += _failing_cases(policy)
        if below is not None:
            from svc_policy.check.floor import worse_than

            found += [one.to_problem() for one in worse_than(policy, below)]
    except PackError as error:
        found = list(error.problems)
    if proposes:
        return _propose(session, found)
    counts = {severity: sum(one.severity == severity for one in found) for severity in ("error", "warning", "note")}
    if as_json:
        listed = [_finding_to_dict(one) for one in (*found, *(accepted if every else ()))]
        counted = {**counts, "accepted": len(accepted)}
        compared = {} if below is None else {"floor": {"id": below.id, "digest": below.digest, "title": _title(below)}}
        session.write_json({"schema": 1, "policy": identity, **compared, "counts": counted, "problems": listed})
    else:
        for one in (*found, *(accepted if every else ())):
            session.write(one.render(session.language))
            session.write()
        summary = message(
            "errors: {error}, warnings: {warning}, notes: {note}",
            error=counts["error"],
            warning=counts["warning"],
            note=counts["note"],
        )
        session.write(summary)
        if accepted and not every:
            session.note(message("accepted: {count} (`--all` lists them)", count=len(accepted)))
        if below is not None:
            session.note(message("compared with: {title}", title=_title(below)[session.language]))
    return FINDINGS if counts["error"] else 0


def _title(policy: Policy) -> dict[str, str]:
    return dict(policy.pack.settings.titles)


def _propose(session: Session, found: Iterable[Problem]) -> int:
    """Write the rows that would close gaps on stdout, and what else there is to say on stderr."""
    lines = [one.suggestion for one in found if getattr(one, "suggestion", None)]  # type: ignore[attr-defined]
    for one in found:
        session.note(one.render(session.language))
    for line in dict.fromkeys(lines):
        session.write(line)
    return FINDINGS if any(one.severity == "error" for one in found) else 0


def _finding_to_dict(one: Problem) -> dict[str, Any]:
    """Give a problem with what a finding of the proof knows besides; of others that is null."""
    from svc_policy.check import Finding
    from svc_policy.check.findings import nothing_found

    return {**problem_to_dict(one), **(one.to_dict() if isinstance(one, Finding) else nothing_found())}


def _failing_cases(policy: Policy) -> list[Problem]:
    """List where the outcome of a pack's worked examples is not what they say."""
    from svc_policy.pack.cases import cases_of, run_case

    return [one for case in cases_of(policy.pack) for one in problems_of_case(case, run_case(policy, case))]


def problems_of_case(case: Case, mismatches: Iterable[Mismatch]) -> list[Problem]:
    """Put into problems where the outcome of a worked example is not what it says."""
    return [
        problem(
            "case-fails",
            message(
                "case `{name}` expects `{expected}` of `{path}`, but it is `{got}`",
                name=case.name,
                path=one.path,
                expected=one.expected,
                got="-" if one.got is None else one.got,
            ),
            place=case.place,
        )
        for one in mismatches
    ]


@command(
    "rules",
    message("List every rule of a pack: where it stands, what it cites, which interpretations it rests on."),
    examples=("svc-policy rules mall", "svc-policy rules --all --json", "svc-policy rules --all --json --tests tests"),
)
@argument("pack", required=False, words=message("name of a built-in pack, a folder, or a workbook (.xlsx)"))
@option("--all", "every", is_flag=True, words=message("the rules of every built-in pack"))
@option("--tests", metavar="DIR", words=message("with `--json`: name the tests in this folder beside each clause"))
@json_option
@click.pass_context
def rules(context: click.Context, pack: str | None, every: bool, tests: str | None, as_json: bool) -> None:
    """List rules, and as JSON the clauses with what exercises them."""
    from svc_policy.pack.listing import rules_to_dicts
    from svc_policy.pack.load import load_pack
    from svc_policy.pack.source import built_in_packs

    if every == (pack is not None):
        refuse("rules-which", message("name one pack, or give `--all`"))
    if tests is not None and not as_json:
        refuse("tests-json", message("`--tests` adds to what `--json` gives: give both"))
    session = session_of(context)
    names: Iterable[str] = built_in_packs() if pack is None else (pack,)
    loaded = [load_pack(name) for name in names]
    if as_json:
        listed = [one for pack_ in loaded for one in rules_to_dicts(pack_)]
        session.write_json({"schema": 1, "rules": listed, "clauses": _clauses(loaded, tests)})
        return
    # Where rows come from is said where a pack is written over another.
    layered = any(row.layer for pack_ in loaded for rows in pack_.rows.values() for row in rows)
    headings = (
        message("pack"),
        message("rule"),
        message("from"),
        message("until"),
        message("place"),
        message("clauses"),
        message("rests on"),
        *((message("pack below"),) if layered else ()),
    )
    rows = [
        (
            one["pack"],
            f"{one['table']}.{one['rule']}",
            one["from"],
            one["until"],
            f"{one['file']}:{one['line']}",
            " ".join(one["cites"]),
            " ".join((*one["interpretations"], *one["parameters"])),
            *((session.words(_origin(one)),) if layered else ()),
        )
        for pack_ in loaded
        for one in rules_to_dicts(pack_)
    ]
    session.table(headings, rows)


def _clauses(packs: Iterable[Pack], tests: str | None) -> list[dict[str, Any]]:
    from pathlib import Path

    from svc_policy.pack.cases import cases_of
    from svc_policy.pack.trace import named_in_tests, trace_clauses

    named = {} if tests is None else named_in_tests(Path(tests))
    return [trace.to_dict() for pack in packs for trace in trace_clauses(pack, cases_of(pack), named)]


def _origin(rule: dict[str, Any]) -> Message | str:
    """Say of a rule which pack below it comes from, else what it took the place of."""
    if rule["layer"] != rule["pack"]:
        return str(rule["layer"])
    replaced = ", ".join(f"{old['pack']} {old['file']}:{old['line']}" for old in rule["replaces"])
    return message("instead of {replaced}", replaced=replaced) if replaced else ""
