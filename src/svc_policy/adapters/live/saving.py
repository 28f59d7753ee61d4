"""A desk on the disk: what it must know to go on after a restart, as JSON lines.

A state is written beside its file and put into its place when it is whole. It
has the events of the tickets that are kept, what was told of them, the ends of
repairs, and how far the stream had been read. Restoring it runs the tickets'
courses again: what was told is not told twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from svc_policy.adapters.holding import hold
from svc_policy.adapters.live.course import Log
from svc_policy.adapters.live.desk import KEEP, LiveDesk
from svc_policy.errors import Place, PolicyError, UsageError, problem, reason_of
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.adapters.live.events import Reader
    from svc_policy.adapters.live.judging import Judge
    from svc_policy.policy import Policy

SCHEMA = 1
_CHUNK = 1_000


def hold_state(path: Path) -> IO[bytes]:
    """Keep other processes from a state until what is given is closed; it is a context manager.

    Raises:
        UsageError: Another desk is running with this state, or it cannot be written.
    """
    try:
        held = hold(path)
    except OSError as error:
        _unwritable(path, error)
    if held is None:
        text = message("another desk is running with this state")
        advice = message("end that one first, or name another state")
        raise UsageError([problem("live-state-locked", text, place=Place(file=str(path)), help=advice)])
    return held


def save(desk: LiveDesk, path: Path, *, position: int = 0) -> None:
    """Write a desk's state; `position` is how much of its stream it has taken.

    One process at a time may write a state: see :func:`hold_state`.

    Raises:
        UsageError: The file cannot be written.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            for line in _lines(desk, position):
                file.write(json.dumps(line, ensure_ascii=False, default=_plain) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        _unwritable(path, error)


def _lines(desk: LiveDesk, position: int) -> Iterator[dict[str, Any]]:
    state = desk.state()
    yield {
        "schema": SCHEMA,
        "policy": desk.policy.id,
        "digest": desk.policy.digest,
        "now": state.now_s,
        "position": position,
        "tickets": len(state.logs),
    }
    for repaired in state.repairs:
        yield {"repairs": repaired}
    gone = list(state.gone)
    for begin in range(0, len(gone), _CHUNK):
        yield {"gone": gone[begin : begin + _CHUNK]}
    names = [rule.name for rule in desk.judge.rules]
    for log in state.logs:
        told = [[names[number], since, *kept] for (number, since), kept in log.course.reached.items()]
        yield {"ticket": log.name, "events": [event.given for event in log.events], "told": told}


def restore(
    policy: Policy,
    path: Path,
    *,
    keep: timedelta = KEEP,
    follows_events: bool = True,
    judge: Judge | None = None,
    reader: Reader | None = None,
) -> tuple[LiveDesk, int]:
    """Make a desk from a state; gives it and how much of the stream it has taken.

    Raises:
        UsageError: The file cannot be read, is no whole state, or is of another policy.
    """
    desk = LiveDesk(policy, keep=keep, follows_events=follows_events, judge=judge, reader=reader)
    lines = _read(path)
    number, head = next(lines, (1, {}))
    if head.get("schema") != SCHEMA or "digest" not in head:
        _refuse(path, number, message("this is no state of a live desk"))
    if head["digest"] != policy.digest:
        text = message("the state is of the policy {old}, not of {new}", old=_named(head), new=_named_policy(policy))
        _refuse(path, number, text, message("begin a new state: what holds of a ticket may be something else now"))
    logs: list[Log] = []
    told: dict[str, set[tuple[int, int]]] = {}
    numbers = {rule.name: number for number, rule in enumerate(desk.judge.rules)}
    state = desk.state()
    state.now_s = head.get("now")
    try:
        for number, line in lines:
            if "repairs" in line:
                serial, fault, older, ends = line["repairs"]
                desk.restore_repairs((serial, fault), older, ends)
            elif "gone" in line:
                state.gone.extend(line["gone"])
            else:
                log = desk.new_log(line["ticket"])
                for given in line["events"]:
                    event = desk.reader.read(given, Place(file=str(path), line=number))
                    if event is not None:
                        log.add(event)
                logs.append(log)
                told[log.name] = {(numbers[rule], since) for rule, since, *_ in line["told"]}
    except (KeyError, TypeError, ValueError):
        _refuse(path, number, message("this line is no part of a state"))
    except PolicyError as error:
        raise UsageError(error.problems) from None
    if len(logs) != head["tickets"]:
        _refuse(path, number, message("the state ends early"), message("take an older one, or begin anew"))
    state.logs = logs
    desk.go_on_from(state, told)
    return desk, int(head.get("position") or 0)


def _read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise ValueError(text)
                yield number, line
    except OSError as error:
        _refuse(path, None, message("cannot read the state: {reason}", reason=reason_of(error)))
    except (ValueError, RecursionError):
        _refuse(path, None, message("this is no state of a live desk"))


def _unwritable(path: Path, error: OSError) -> NoReturn:
    text = message("cannot write the state: {reason}", reason=reason_of(error))
    raise UsageError([problem("live-state-unwritable", text, place=Place(file=str(path)))]) from None


def _refuse(path: Path, line: int | None, text: Message, advice: Message | None = None) -> Any:
    raise UsageError([problem("live-state-unreadable", text, place=Place(file=str(path), line=line), help=advice)])


def _named(head: Mapping[str, Any]) -> str:
    return f"{head.get('policy')}@{str(head['digest'])[:12]}"


def _named_policy(policy: Policy) -> str:
    return f"{policy.id}@{policy.digest[:12]}"


def _plain(value: object) -> object:
    # A decimal as a text keeps every digit, and is read as the number.
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
