"""Carry tickets from one system through a policy into another."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from svc_policy.cli.deciding import instant_of
from svc_policy.cli.framework import FINDINGS, command, json_option, option, pack_argument, refuse
from svc_policy.cli.session import Session, session_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.adapters.registry import Option
    from svc_policy.adapters.running import Carried

SCHEMA: Final = 1
#: The sides of a transfer, as options name them.
SIDES: Final = ("from", "to")


@command(
    "transfer",
    message("Decide the tickets of one system and write the decisions to another; a stopped run goes on."),
    examples=(
        "svc-policy transfer mall --from database --to database --set from.table=tickets --set to.create=yes",
        "svc-policy transfer mall --from files --set from.path=tickets.csv --to database --state transfer.json",
        "svc-policy transfer mall --from database --set from.url=env:SHOP_URL --set from.query=@tickets.sql --to …",
    ),
)
@pack_argument
@option("--from", "source", required=True, metavar="NAME", words=message("the adapter that tickets come from"))
@option("--to", "sink", required=True, metavar="NAME", words=message("the adapter that decisions go to"))
@option(
    "--set",
    "settings",
    multiple=True,
    metavar="SIDE.OPTION=VALUE",
    words=message("an option of an adapter, as in `from.table=tickets`; `@FILE` is what a file holds; repeatable"),
)
@option(
    "--at",
    metavar="T",
    words=message("instant of the decisions, as in `2026-03-02T17:30`, in the policy's zone; now unless given"),
)
@option(
    "--state",
    metavar="FILE",
    words=message("keeps how far the transfer is; beside it, in `FILE.unreadable.jsonl`, what could not be carried"),
)
@option(
    "--chunk", type=click.IntRange(1, 1_000_000), metavar="N", words=message("records at a time; 1000 unless given")
)
@option(
    "--patience",
    type=float,
    metavar="SECONDS",
    words=message("for how long a system that does not answer is tried again; 60 unless given"),
)
@json_option
@click.pass_context
def transfer(
    context: click.Context,
    pack: str,
    source: str,
    sink: str,
    settings: tuple[str, ...],
    at: str | None,
    state: str | None,
    chunk: int | None,
    patience: float | None,
    as_json: bool,
) -> None:
    """Carry tickets from one system through a policy into another."""
    from svc_policy import load
    from svc_policy.adapters.protocol import place_of
    from svc_policy.adapters.registry import load_adapter
    from svc_policy.adapters.running import CHUNK, PATIENCE, carry

    session = session_of(context)
    if patience is not None and not (math.isfinite(patience) and patience >= 0):
        refuse(
            "option-value",
            message("`{value}` is no value of `{name}`", value=patience, name="--patience"),
            message("give seconds, as in `{example}`", example="--patience 300"),
        )
    options = _options(settings)
    policy = load(pack)
    reads, writes = load_adapter(source), load_adapter(sink)
    opened = reads.open_source(policy, options["from"])
    closed = writes.open_sink(policy, options["to"])
    carried = carry(
        policy,
        opened,
        closed,
        at=None if at is None else instant_of(at, policy),
        chunk=CHUNK if chunk is None else chunk,
        state=state,
        patience=PATIENCE if patience is None else patience,
        tell=session.note,
        purpose=_purpose(
            (reads.name, place_of(opened), reads.source_options, options["from"]),
            (writes.name, place_of(closed), writes.sink_options, options["to"]),
        ),
    )
    if as_json:
        session.write_json(_plain(policy.id, policy.digest, carried))
    else:
        _show(session, carried)
    if carried.unreadable:
        context.exit(FINDINGS)


def _options(settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read the options of both sides."""
    found: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
    for setting in settings:
        name, equals, value = setting.partition("=")
        side, _, key = name.partition(".")
        if not equals or side not in SIDES or not key:
            # What stands behind the sign may be a secret.
            refuse(
                "option-value",
                message("`{value}` is no value of `{name}`", value=name, name="--set"),
                message("write it as in `{example}`", example="--set from.table=tickets"),
            )
        if key in found[side]:
            refuse(
                "option-value",
                message("`{name}` is set twice", name=name),
                message("keep one of them"),
            )
        found[side][key] = _content(name, value[1:]) if value.startswith("@") else value
    return found


def _content(name: str, path: str) -> str:
    from svc_policy.errors import reason_of

    reason: Any = message("the file is not UTF-8")
    try:
        return Path(path).read_text("utf-8").strip()
    except UnicodeDecodeError:
        pass
    except OSError as error:
        reason = reason_of(error)
    text = message("the file `{file}` of `{name}` cannot be read: {reason}", file=path, name=name, reason=reason)
    return refuse("option-value", text, message("`@` is followed by the name of a file"))


def _purpose(*sides: tuple[str, str, tuple[Option, ...], dict[str, Any]]) -> str:
    """Name a transfer by what it was asked for and where its sides stand, so that a state is of it alone."""
    kept = [
        (name, place, {one.name: given[one.name] for one in known if one.identifies and one.name in given})
        for name, place, known, given in sides
    ]
    # A password is nothing to keep.
    text = re.sub("(://[^:/@]*):[^@]*@", r"\1@", json.dumps(kept, sort_keys=True))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _plain(name: str, digest: str, carried: Carried) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "policy": {"id": name, "digest": digest},
        "at": carried.at.isoformat(),
        "read": carried.read,
        "made": carried.made,
        "changed": carried.changed,
        "unchanged": carried.unchanged,
        "unreadable": carried.unreadable,
        "retries": carried.retries,
        "is_resumed": carried.is_resumed,
        "listed": None if carried.listed is None else str(carried.listed),
    }


def _show(session: Session, carried: Carried) -> None:
    from svc_policy.facts.normal import shown

    for one in carried.shown:
        for found in one.problems:
            # What another system calls a record may hold line breaks, and what a terminal takes for a command.
            session.note(message("record `{record}`: {problem}", record=shown(one.record), problem=found.message))
    more = carried.unreadable - len(carried.shown)
    if more > 0 and carried.shown:
        session.note(message("… and {count} more", count=more))
    session.write(
        message(
            "{read} read: {made} made, {changed} changed, {unchanged} unchanged, {unreadable} could not be carried",
            read=carried.read,
            made=carried.made,
            changed=carried.changed,
            unchanged=carried.unchanged,
            unreadable=carried.unreadable,
        )
    )
    session.write(message("decided at {at}", at=carried.at.isoformat()))
    if carried.listed is not None and carried.unreadable:
        session.write(message("what could not be carried is in `{file}`", file=carried.listed))
    elif carried.listed is not None:
        session.write(message("what earlier runs could not carry is in `{file}`", file=carried.listed))
