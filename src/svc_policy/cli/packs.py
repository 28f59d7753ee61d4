"""List the built-in packs, and copy one to edit."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from svc_policy.cli.framework import argument, command, json_option, option, refuse
from svc_policy.cli.session import session_of
from svc_policy.messages import message


@command("packs", message("List the packs that come with the library."), examples=("svc-policy packs",))
@json_option
@click.pass_context
def packs(context: click.Context, as_json: bool) -> None:
    """List the packs."""
    from svc_policy.pack.load import load_pack
    from svc_policy.pack.source import built_in_packs

    session = session_of(context)
    found: list[dict[str, Any]] = []
    for name in built_in_packs():
        pack = load_pack(name)
        found.append(
            {
                "name": name,
                "title": dict(pack.settings.titles),
                "rules": sum(len(rows) for rows in pack.rows.values()),
                "clauses": len(pack.clauses),
                "digest": pack.digest,
                "path": pack.path,
            }
        )
    if as_json:
        session.write_json({"schema": 1, "packs": found})
        return
    session.table(
        (message("pack"), message("title"), message("rules"), message("clauses"), message("digest")),
        [
            (one["name"], one["title"][session.language], one["rules"], one["clauses"], one["digest"][:12])
            for one in found
        ],
        right="..rr",
    )


@command(
    "new",
    message("Copy a pack into a new folder, to be edited; or begin one that is written over another."),
    examples=(
        "svc-policy new my-shop",
        "svc-policy new my-shop --from mall",
        "svc-policy new my-shop --from mall.xlsx",
        "svc-policy new my-branch --extends mall",
    ),
)
@argument("folder", metavar="DIR", words=message("the folder to make; one that is there must be empty"))
@option("--from", "source", metavar="PACK", default="mall", show_default=True, words=message("the pack that is copied"))
@option(
    "--extends", "base", metavar="PACK", words=message("make an overlay of this pack: it says only what is different")
)
@click.pass_context
def new(context: click.Context, folder: str, source: str, base: str | None) -> None:
    """Copy a pack, or begin an overlay."""
    from svc_policy.pack.export import copy_pack, write_overlay

    session = session_of(context)
    if base is not None:
        if context.get_parameter_source("source") is ParameterSource.COMMANDLINE:
            refuse("new-which", message("`--from` copies a pack, `--extends` writes over one: give one of them"))
        pack = write_overlay(base, Path(folder), language=session.language)
        session.write(message("{folder} is written over `{pack}`", pack=pack.id, folder=folder))
        listing = f"svc-policy rules {shlex.quote(base)}"
        advice = message("next: add rows with the ids of its rules (`{command}`)", command=listing)
        session.note(advice)
        return
    pack = copy_pack(source, Path(folder))
    session.write(message("copied `{pack}` to {folder}", pack=pack.id, folder=folder))
    session.note(message("next: edit the tables, then `{command}`", command=f"svc-policy check {_spelled(folder)}"))


def _spelled(folder: str) -> str:
    """Name a folder so that it is not taken for a built-in pack, nor torn apart by a shell."""
    path = Path(folder)
    return shlex.quote(folder if path.is_absolute() or len(path.parts) > 1 else f"./{folder}")
