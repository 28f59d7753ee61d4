"""Record decisions, verify a record, show what it holds, and decide it again."""

from __future__ import annotations

import itertools
import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.deciding import instant_of
from svc_policy.cli.framework import FINDINGS, UNREADABLE, argument, command, group, json_option, option
from svc_policy.cli.session import Session, session_of
from svc_policy.errors import Place, PolicyError, Problem, problem_to_dict
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.facts.ticket import Ticket
    from svc_policy.policy import Policy
    from svc_policy.record import Recorder, Replay, Shown

_log_argument = argument("log", words=message("the record: a file of JSON lines"))


@group(
    "record",
    message("Keep decisions in an append-only record, verify it, and show what it holds."),
    examples=(
        "svc-policy record append decisions.jsonl tickets.jsonl --policy mall",
        "svc-policy record verify decisions.jsonl",
        "svc-policy record show decisions.jsonl 5 --explain",
    ),
)
def record() -> None:
    """Hold the commands of records together."""


@command(
    "append",
    message("Decide tickets and append every decision; the record is made where there is none."),
    examples=(
        "svc-policy record append decisions.jsonl tickets.jsonl --policy mall",
        "svc-policy record append decisions.jsonl --policy ./my-shop --at 2026-03-02T17:30 --json < tickets.jsonl",
    ),
)
@_log_argument
@argument(
    "tickets",
    required=False,
    default="-",
    words=message("a file of tickets, JSON lines or a JSON list; standard input unless given"),
)
@option(
    "--policy",
    "pack",
    required=True,
    metavar="PACK",
    words=message("name of a built-in pack, a folder, or a workbook (.xlsx)"),
)
@option(
    "--at",
    metavar="T",
    words=message("instant of the decisions, as in `2026-03-02T17:30`, in the policy's zone; now unless given"),
)
@json_option
@click.pass_context
def append(context: click.Context, log: str, tickets: str, pack: str, at: str | None, as_json: bool) -> int:
    """Append decisions to a record."""
    from svc_policy import load
    from svc_policy.record import Recorder

    session = session_of(context)
    policy = load(pack)
    instant = None if at is None else instant_of(at, policy)
    refused: list[Problem] = []
    # Where each ticket stands that was decided, in the order of the decisions.
    places = array("q")
    # A file that cannot be opened leaves no record behind.
    given = _opened(_tickets(policy, tickets))
    recorder = Recorder(log, policy)
    try:
        with recorder:
            for line, ticket in given:
                if isinstance(ticket, tuple):
                    refused += _placed(ticket, tickets, line)
                    continue
                places.append(line)
                try:
                    recorder.decide(ticket, at=instant)
                except PolicyError as error:
                    if any(one.code.startswith("record-") for one in error.problems):
                        raise
                    places.pop()
                    refused += _placed(error.problems, tickets, line)
            position = recorder.flush()
    except BaseException:
        _say_how_far(session, recorder, places, tickets, refused)
        raise
    notes, appended = recorder.notes, recorder.decisions
    for one in notes:
        session.note(one.render(session.language))
    if as_json:
        session.write_json(
            {
                "schema": 1,
                "log": log,
                "policy": {"id": policy.id, "digest": policy.digest},
                "appended": appended,
                "lines": position.lines,
                "hash": position.hash,
                "problems": [problem_to_dict(one) for one in (*notes, *refused)],
            }
        )
    else:
        session.write(message("appended {count} decisions to {log}", count=appended, log=log))
        session.write(message("safe up to {position}", position=position))
    if refused:
        session.report(PolicyError(refused))
        return UNREADABLE
    return 0


def _opened(tickets: Iterator[Any]) -> Iterator[Any]:
    """Open what tickets come from, by reading the first; gives all of them."""
    first = list(itertools.islice(tickets, 1))
    return itertools.chain(first, tickets)


def _say_how_far(
    session: Session, recorder: Recorder, places: Sequence[int], tickets: str, refused: Sequence[Problem]
) -> None:
    """Say up to which ticket a record is safe that could not be written to its end."""
    if not recorder.was_opened:
        return
    if refused:
        session.report(PolicyError(refused))
    if not recorder.decisions:
        session.note(message("none of the tickets is in the record; append all of them"))
    else:
        session.note(
            message(
                "the record holds the tickets up to line {line} of {tickets}; append those after it",
                line=places[recorder.decisions - 1],
                tickets=tickets,
            )
        )
    session.note(message("safe up to {position}", position=recorder.position))


def _placed(problems: tuple[Problem, ...], file: str, line: int) -> list[Problem]:
    import attrs

    return [attrs.evolve(one, place=one.place or Place(file=file, line=line)) for one in problems]


def _tickets(policy: Policy, name: str) -> Iterator[tuple[int, Ticket | tuple[Problem, ...]]]:
    """Yield tickets with their lines, those of standard input as they come."""
    from svc_policy.facts.reading import read_tickets

    settings = policy.pack.settings
    if name != "-":
        yield from read_tickets(
            Path(name), zone=settings.timezone, currency=settings.currency, facts=settings.company_facts
        )
        return
    stream = sys.stdin.buffer
    for number, data in enumerate(stream, start=1):
        if not data.strip():
            continue
        if data.lstrip().startswith(b"["):
            yield from _listed(policy, data + stream.read())
            return
        try:
            yield number, policy.ticket(data)
        except PolicyError as error:
            yield number, error.problems


def _listed(policy: Policy, data: bytes) -> Iterator[tuple[int, Ticket | tuple[Problem, ...]]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tickets.json"
        path.write_bytes(data)
        yield from _tickets(policy, str(path))


@command(
    "verify",
    message("Find what was changed, taken out or moved in a record. Exit code 1 if anything was."),
    examples=(
        "svc-policy record verify decisions.jsonl",
        "svc-policy record verify decisions.jsonl --expect 1200 --json",
    ),
)
@_log_argument
@option(
    "--expect",
    metavar="WHAT",
    words=message("what was kept elsewhere: a number of lines, the hash of a line, or both as COUNT:HASH"),
)
@json_option
@click.pass_context
def verify(context: click.Context, log: str, expect: str | None, as_json: bool) -> int:
    """Verify a record."""
    from svc_policy.record import verify as verify_record

    session = session_of(context)
    found = verify_record(log, expect=expect)
    if as_json:
        session.write_json({**found.to_dict(), "problems": [problem_to_dict(one) for one in found.problems]})
        return 0 if found.is_sound else FINDINGS
    for one in found.problems:
        session.write(one.render(session.language))
        session.write()
    summary = message(
        "{lines} lines, {decisions} decisions; the last line has hash {hash}",
        lines=found.position.lines,
        decisions=found.decisions,
        hash=found.position.hash,
    )
    session.write(summary)
    session.write(message("the record is sound") if found.is_sound else message("the record is not as it was written"))
    return 0 if found.is_sound else FINDINGS


@command(
    "show",
    message("Show a decision of a record, decided again under the policy that the record keeps."),
    examples=(
        "svc-policy record show decisions.jsonl 5",
        "svc-policy record show decisions.jsonl 5 --explain --lang zh",
    ),
)
@_log_argument
@argument("line", type=click.IntRange(min=1), words=message("number of its line, from 1"))
@option("--explain", "with_reasons", is_flag=True, words=message("explain it in whole sentences"))
@json_option
@click.pass_context
def show(context: click.Context, log: str, line: int, with_reasons: bool, as_json: bool) -> int:
    """Show a recorded decision."""
    from svc_policy.record import recall

    session = session_of(context)
    shown = recall(log, line)
    text = shown.policy.explain(shown.decision, session.language) if with_reasons else None
    if as_json:
        session.write_json(_shown(shown, session, text))
    else:
        _say_how(shown, session)
        if text is not None:
            session.write(text.rstrip("\n"))
        else:
            from svc_policy.cli.showing import show_decision

            show_decision(session, shown.policy, shown.decision)
    return FINDINGS if shown.differs else 0


def _say_how(shown: Shown, session: Session) -> None:
    if shown.is_same:
        session.write(message("line {line}: decided again, every result is the same", line=shown.recorded.line))
    elif not shown.differs:
        names = ", ".join(sorted(name.removeprefix("ticket.") for name in shown.recorded.taken_out))
        session.write(
            message(
                "line {line}: the record does not hold {facts}; without them the decision is",
                line=shown.recorded.line,
                facts=names,
            )
        )
    else:
        session.write(
            message("line {line}: decided again, it comes out otherwise than recorded", line=shown.recorded.line)
        )
    session.write()


def _shown(shown: Shown, session: Session, text: str | None) -> dict[str, Any]:
    recorded = shown.recorded
    found: dict[str, Any] = {
        "schema": 1,
        "line": recorded.line,
        "same": shown.is_same,
        "left": list(shown.left),
        "taken_out": sorted(recorded.taken_out),
        "engine": recorded.engine,
        "dates": dict(recorded.dates),
        "ticket": dict(recorded.ticket),
        "results": dict(recorded.results),
        "decision": shown.decision.to_dict(),
    }
    if text is not None:
        found |= {"lang": session.language, "text": text}
    return found


@command(
    "replay",
    message("Decide a record again: under its own policies all must be the same, under another one see what differs."),
    examples=(
        "svc-policy replay decisions.jsonl",
        "svc-policy replay decisions.jsonl --policy ./my-shop",
        "svc-policy replay decisions.jsonl --policy mall --json --examples 100",
    ),
)
@_log_argument
@option("--policy", "pack", metavar="PACK", words=message("decide under this pack instead of those that decided"))
@option(
    "--examples",
    "most",
    type=click.IntRange(min=0),
    default=5,
    metavar="N",
    words=message("how many changed decisions to show; 5 unless given"),
)
@json_option
@click.pass_context
def replay(context: click.Context, log: str, pack: str | None, most: int, as_json: bool) -> int:
    """Replay a record."""
    from svc_policy import load
    from svc_policy.record import replay as replay_record

    session = session_of(context)
    policy = None if pack is None else load(pack)
    found = replay_record(log, policy, examples=most)
    if as_json:
        session.write_json({**found.to_dict(), "problems": [problem_to_dict(one) for one in found.problems]})
    else:
        _show_replay(session, found, policy)
    return 0 if found.is_same else FINDINGS


def _show_replay(session: Session, found: Replay, policy: Policy | None) -> None:
    for one in found.problems:
        session.write(one.render(session.language))
        session.write()
    counts = (
        (message("decisions"), found.decisions),
        (message("the same"), found.same),
        (message("otherwise"), found.changed),
        (message("in part, as facts were left out"), found.partly),
        (message("not at all"), found.failed),
    )
    session.table(
        (message("decided again"), message("count")),
        [(session.words(name), count) for name, count in counts],
        right=".r",
    )
    for heading, counted in (
        (message("result"), found.results),
        (message("rule no longer"), found.rules_gone),
        (message("rule now"), found.rules_new),
        (message("not compared"), found.left),
        (message("fact left out"), found.left_facts),
    ):
        if counted:
            session.write()
            session.table((heading, message("decisions")), counted.items(), right=".r")
    for example in found.examples:
        session.write()
        session.write(
            message("line {line} {ticket} at {at}", line=example.line, ticket=example.ticket_id or "-", at=example.at)
        )
        for change in example.changes:
            before, after = (_in_words(change.result, value, policy) for value in (change.before, change.after))
            session.write(f"  {change.result}: {before} → {after}")
        for sign, rules in (("-", example.rules_gone), ("+", example.rules_new)):
            for rule in rules:
                session.write(f"  {sign} {rule}")


_INSTANT = re.compile(r"(_due(_days)?|_share_\d+|^next_change_at)$")
_DAY = re.compile(r"warranty_end$")


def _in_words(name: str, value: Any, policy: Policy | None) -> str:
    """Show an instant as one, in the zone of the policy that decides; anything else as it stands in the record."""
    if value is None:
        return "-"
    if type(value) is int and _INSTANT.search(name):
        from datetime import UTC

        return datetime.fromtimestamp(value, UTC if policy is None else policy.zone).isoformat()
    if type(value) is int and _DAY.search(name):
        from svc_policy.units import format_day

        return format_day(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


for _command in (append, verify, show):
    record.add_command(_command)
