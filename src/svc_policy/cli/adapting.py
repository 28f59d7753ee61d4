"""List the adapters, and show what one of them can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.framework import argument, command, json_option
from svc_policy.cli.session import Session, session_of
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.adapters.registry import Adapter, Listed, Option

_STATES = {
    "ready": message("ready"),
    "lacking": message("lacks packages"),
    "broken": message("broken"),
    "twice": message("named twice"),
}


@command(
    "adapters",
    message("List the adapters that are installed and what each lacks, or show what one takes and gives."),
    examples=("svc-policy adapters", "svc-policy adapters files", "svc-policy adapters --json"),
)
@argument("name", required=False, words=message("an adapter, to see its options"))
@json_option
@click.pass_context
def adapters(context: click.Context, name: str | None, as_json: bool) -> None:
    """List the adapters."""
    from svc_policy.adapters.registry import list_adapters, load_adapter

    session = session_of(context)
    if name is not None:
        adapter = load_adapter(name)
        if as_json:
            session.write_json({"schema": 1, **_as_dict(session, adapter)})
        else:
            _show(session, adapter)
        return
    found = list_adapters()
    if as_json:
        session.write_json({"schema": 1, "adapters": [_listed(session, one) for one in found]})
        return
    session.table(
        (message("adapter"), message("state"), message("distribution"), message("extra"), message("why")),
        [
            (
                one.name,
                session.words(_STATES[one.state]),
                f"{one.distribution} {one.version}".strip(),
                ", ".join(one.extras),
                session.words(one.reason or ""),
            )
            for one in found
        ],
    )


def _listed(session: Session, one: Listed) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "distribution": one.distribution,
        "version": one.version,
        "object": one.object,
        "extras": list(one.extras),
        "lacks": list(one.lacks),
        "reason": None if one.reason is None else session.words(one.reason),
    }


def _as_dict(session: Session, adapter: Adapter) -> dict[str, Any]:
    def listed(options: tuple[Option, ...]) -> list[dict[str, Any]]:
        return [{"name": one.name, "needed": one.needed, "summary": session.words(one.summary)} for one in options]

    return {
        "name": adapter.name,
        "summary": session.words(adapter.summary),
        "source": None if adapter.source is None else {"options": listed(adapter.source_options)},
        "sink": None if adapter.sink is None else {"options": listed(adapter.sink_options)},
        "page": adapter.page or None,
    }


def _show(session: Session, adapter: Adapter) -> None:
    session.write(message("{name}: {summary}", name=adapter.name, summary=adapter.summary))
    sides: tuple[tuple[Message, object, tuple[Option, ...]], ...] = (
        (message("gives tickets; options:"), adapter.source, adapter.source_options),
        (message("takes decisions; options:"), adapter.sink, adapter.sink_options),
    )
    for heading, side, options in sides:
        if side is None:
            continue
        session.write()
        session.write(heading)
        session.table(
            (message("option"), message("needed"), message("what")),
            [
                (one.name, session.words(message("yes") if one.needed else message("no")), session.words(one.summary))
                for one in options
            ],
        )
    if adapter.page:
        session.write()
        session.write(message("more: {page}", page=adapter.page))
