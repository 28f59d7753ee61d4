"""Decide, quote and explain one ticket."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.framework import Decorated, argument, command, json_option, option, pack_argument, refuse
from svc_policy.cli.session import Session, session_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.errors import Problem
    from svc_policy.policy import Policy

_EXAMPLES = (
    "svc-policy {name} mall ticket.json",
    "svc-policy {name} ./my-shop ticket.toml --at 2026-03-02T17:30 --lang zh",
    "cat ticket.json | svc-policy {name} mall - --json",
)


def _examples(name: str) -> tuple[str, ...]:
    return tuple(example.format(name=name) for example in _EXAMPLES)


def _of_ticket(function: Decorated) -> Decorated:
    """Declare what deciding takes: a pack, a ticket, an instant, the form of the output."""
    for declare in (
        json_option,
        option(
            "--at",
            metavar="T",
            words=message("instant of the decision, as in `2026-03-02T17:30`, in the policy's zone; now unless given"),
        ),
        argument("ticket", words=message("a JSON or TOML file, or `-` for standard input")),
        pack_argument,
    ):
        function = declare(function)
    return function


@command(
    "decide",
    message("Decide a ticket: coverage, category, targets, quote, approvals, penalties, what to ask next."),
    examples=_examples("decide"),
)
@_of_ticket
@click.pass_context
def decide(context: click.Context, pack: str, ticket: str, at: str | None, as_json: bool) -> None:
    """Decide a ticket."""
    session = session_of(context)
    policy, decision = _decided(session, pack, ticket, at)
    if as_json:
        session.write_json(decision.to_dict())
        return
    from svc_policy.cli.showing import show_decision

    show_decision(session, policy, decision)


@command("quote", message("Quote a ticket: every line, tax, total, who pays."), examples=_examples("quote"))
@_of_ticket
@click.pass_context
def quote(context: click.Context, pack: str, ticket: str, at: str | None, as_json: bool) -> None:
    """Quote a ticket."""
    session = session_of(context)
    policy, decision = _decided(session, pack, ticket, at)
    if as_json:
        session.write_json(_part_of(decision, "category", "quote"))
        return
    from svc_policy.cli.showing import show_quote

    show_quote(session, policy, decision)


@command(
    "explain",
    message("Explain a decision in whole sentences, each with the clauses it rests on."),
    examples=_examples("explain"),
)
@_of_ticket
@click.pass_context
def explain(context: click.Context, pack: str, ticket: str, at: str | None, as_json: bool) -> None:
    """Explain a decision."""
    session = session_of(context)
    policy, decision = _decided(session, pack, ticket, at)
    text = policy.explain(decision, session.language)
    if as_json:
        session.write_json({**_part_of(decision), "lang": session.language, "text": text})
    else:
        session.write(text.rstrip("\n"))


def _part_of(decision: Decision, *keys: str) -> dict[str, Any]:
    whole = decision.to_dict()
    return {key: whole[key] for key in ("schema", "policy", "at", "ticket_id", *keys, "needs", "next_change_at")}


def _decided(session: Session, pack: str, ticket: str, at: str | None) -> tuple[Policy, Decision]:
    from svc_policy import load

    policy = load(pack)
    return policy, decided(policy, ticket, at)


def decided(policy: Policy, ticket: str, at: str | None) -> Decision:
    """Read a ticket and decide it; problems of the instant and the ticket are told together."""
    from svc_policy.errors import PolicyError

    problems: list[Problem] = []
    instant = None
    facts = None
    try:
        instant = instant_of(at, policy)
    except PolicyError as error:
        problems.extend(error.problems)
    try:
        facts = _ticket(policy, ticket)
    except PolicyError as error:
        problems.extend(error.problems)
    if problems or facts is None:
        raise PolicyError(problems)
    return policy.decide(facts, at=instant)


def _ticket(policy: Policy, name: str) -> Any:
    if name != "-":
        return policy.ticket(Path(name))
    from svc_policy.facts.reading import read_ticket
    from svc_policy.facts.sources import LARGEST_TICKET

    settings = policy.pack.settings
    return read_ticket(
        sys.stdin.buffer.read(LARGEST_TICKET + 1),
        zone=settings.timezone,
        currency=settings.currency,
        facts=settings.company_facts,
        name="-",
    )


def instant_of(text: str | None, policy: Policy, name: str = "--at") -> datetime:
    """Read an instant in the policy's zone, given by the option `name`; now, to the second, if there is none.

    Raises:
        UsageError: It cannot be read.
    """
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    from svc_policy.units import Refusal, read_instant

    try:
        return datetime.fromtimestamp(read_instant(text, policy.pack.settings.timezone), UTC)
    except Refusal as refusal:
        refuse(refusal.code, message("cannot read `{text}` in `{name}`", text=text, name=name), refusal.help)
