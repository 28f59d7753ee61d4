"""Serve policies over HTTP, and make the tokens of those who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.framework import argument, command, json_option, option, refuse
from svc_policy.cli.session import session_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.server.shelf import Kept


@command(
    "serve",
    message("Serve policies over HTTP: decisions, explanations, batches, the policy desk."),
    examples=(
        "svc-policy serve mall",
        "svc-policy serve mall ./my-shop --port 9000",
        "svc-policy serve mall --host 0.0.0.0 --tokens tokens.json --store /var/lib/svc-policy",
    ),
)
@argument("packs", nargs=-1, required=True, words=message("names of built-in packs, folders, or workbooks (.xlsx)"))
@option(
    "--host", default="127.0.0.1", metavar="HOST", words=message("address to listen on; this machine only unless given")
)
@option(
    "--port", default=8080, type=click.IntRange(0, 65535), metavar="PORT", words=message("port; 0 takes a free one")
)
@option("--tokens", metavar="FILE", words=message("file of tokens; who has none may ask nothing (`svc-policy token`)"))
@option("--store", metavar="DIR", words=message("folder that keeps published policies over restarts"))
@option(
    "--kept",
    default=10,
    type=click.IntRange(1, 1000),
    metavar="N",
    words=message("policies of a name that can still be asked for by digest"),
)
@option(
    "--stop",
    "stop",
    default=20,
    type=click.IntRange(0, 3600),
    metavar="SECONDS",
    words=message("how long requests may take once it is told to stop"),
)
@option("--quiet", is_flag=True, words=message("write no line for each request"))
@click.pass_context
def serve(
    context: click.Context,
    packs: tuple[str, ...],
    host: str,
    port: int,
    tokens: str | None,
    store: str | None,
    kept: int,
    stop: int,
    quiet: bool,
) -> int:
    """Serve policies over HTTP."""
    _require("litestar", "uvicorn", "prometheus_client", "msgspec", "httptools")
    from svc_policy.errors import UsageError
    from svc_policy.server.running import run
    from svc_policy.server.settings import Limits, Settings

    session = session_of(context)
    settings = Settings(
        host=host,
        port=port,
        tokens=None if tokens is None else Path(tokens),
        store=None if store is None else Path(store),
        access_log=not quiet,
        limits=Limits(kept=kept, stop=stop),
    )
    given = [_loaded(pack) for pack in packs]

    def started(address: str) -> None:
        session.note(message("serving {policies} on {address}", policies=", ".join(packs), address=address))
        if settings.tokens is None:
            session.note(message("without tokens: whoever is on this machine may do everything"))

    return run(given, settings, started, lambda problems: session.report(UsageError(problems)))


def _loaded(name: str) -> Kept:
    from svc_policy import load
    from svc_policy.server.shelf import Kept

    policy = load(name)
    return Kept(policy=policy, path=Path(policy.pack.path).absolute())


@command(
    "token",
    message("Make a token for `svc-policy serve`. It is shown once; the file keeps its hash."),
    examples=(
        "svc-policy token shop --tokens tokens.json --scopes decide",
        "svc-policy token owner --tokens tokens.json --scopes decide,read,publish --days 90",
    ),
)
@argument("name", words=message("who has it; the log says this name"))
@option("--tokens", required=True, metavar="FILE", words=message("file of tokens, made if it is not there"))
@option(
    "--scopes",
    default="decide",
    metavar="LIST",
    words=message("what it allows: decide, read, publish, metrics; `decide` unless given"),
)
@option(
    "--days", type=click.IntRange(1, 36500), metavar="N", words=message("how many days it works; for ever unless given")
)
@json_option
@click.pass_context
def token(context: click.Context, name: str, tokens: str, scopes: str, days: int | None, as_json: bool) -> None:
    """Make a token."""
    from svc_policy.server.tokens import make_token

    session = session_of(context)
    if not name.isprintable() or not 0 < len(name.strip()) <= 100:
        refuse("token-name", message("`{name}` is no name for a token", name=name[:60]))
    wanted = [scope for scope in (part.strip() for part in scopes.split(",")) if scope]
    made = make_token(Path(tokens), name, wanted, days)
    if as_json:
        session.write_json({"schema": 1, "name": name, "scopes": wanted, "days": days, "token": made})
        return
    session.write(made)
    session.note(message("this is the only time that it is shown; {file} keeps its hash", file=tokens))


def _require(*modules: str) -> Any:
    from importlib import util

    from svc_policy.errors import UsageError, problem

    for name in modules:
        if util.find_spec(name) is None:
            text = message("the `{module}` package is not installed", module=name)
            advice = message("pip install 'svc-policy[serve]'")
            raise UsageError([problem("serve-extra", text, help=advice)])
