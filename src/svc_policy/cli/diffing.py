"""Compare two policies: what changed, where they decide otherwise, what it would have meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from svc_policy.cli.auditing import progress_of
from svc_policy.cli.framework import FINDINGS, argument, command, json_option, option, refuse
from svc_policy.cli.pages import OUTPUT, expect_page, write_page
from svc_policy.cli.session import session_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.diff import Difference, Impact

_SIDE = message("a pack, folder or workbook, `@` and a day for an edition of it, or `git:REVISION:PATH`")


@command(
    "diff",
    message("Compare two policies: what changed, where they decide otherwise, what it would have meant for tickets."),
    examples=(
        "svc-policy diff mall ./my-shop",
        "svc-policy diff mall@2025-12-31 mall@2026-01-01",
        "svc-policy diff git:HEAD~1:policy/ policy/ --exit-code",
        "svc-policy diff mall ./my-shop --tickets tickets.csv --mapping mapping.toml --html change.html",
    ),
)
@argument("old", words=_SIDE)
@argument("new", words=_SIDE)
@option("--tickets", metavar="FILE", words=message("past tickets: what the change would have meant for them"))
@option("--mapping", metavar="FILE", words=message("a TOML file that says which column is which fact"))
@option(
    "--at",
    metavar="T",
    words=message(
        "instant at which the tickets are decided; the mapping's `as_of`, else the latest in the file, unless given"
    ),
)
@option("--html", "page", metavar="FILE", words=message("the page to write; one that is there is replaced"))
@option("--all", "everything", is_flag=True, words=message("list everything, however long"))
@option("--exit-code", "tells", is_flag=True, words=message("exit with 1 if the two decide otherwise"))
@json_option
@click.pass_context
def diff(
    context: click.Context,
    old: str,
    new: str,
    tickets: str | None,
    mapping: str | None,
    at: str | None,
    page: str | None,
    everything: bool,
    tells: bool,
    as_json: bool,
) -> int:
    """Compare two policies."""
    from svc_policy.diff import diff as compare
    from svc_policy.diff import difference_lines
    from svc_policy.diff.sources import open_policy

    session = session_of(context)
    if tickets is None and (mapping is not None or at is not None):
        refuse("diff-tickets", message("`--mapping` and `--at` say how tickets are read: give `--tickets FILE` too"))
    if page is not None:
        expect_page(page)
    found = compare(open_policy(old), open_policy(new), labels=(old, new))
    impact = None if tickets is None else _impact(context, found, tickets, mapping, at)
    most = None if everything else _MOST
    if page is not None:
        from svc_policy.diff.page import difference_page

        text = difference_page(found, impact, session.language)
    if as_json:
        session.write_json(found.to_dict(impact=impact, most=most, language=session.language))
    elif page != OUTPUT:
        for line in difference_lines(found, session.language, most):
            session.write(line)
        if impact is not None:
            from svc_policy.diff.impact_text import impact_lines

            for line in impact_lines(impact, session.language):
                session.write(line)
    if page is not None:
        write_page(session, page, text, aside=as_json)
    return FINDINGS if tells and not found.decides_alike else 0


#: The most changes of a part, and the most regions, that are listed unless everything is asked for.
_MOST = 40


def _impact(context: click.Context, found: Difference, tickets: str, mapping: str | None, at: str | None) -> Impact:
    from svc_policy.cli.deciding import instant_of
    from svc_policy.diff import impact_of_file

    return impact_of_file(
        found.old,
        found.new,
        Path(tickets),
        mapping=None if mapping is None else Path(mapping),
        at=None if at is None else instant_of(at, found.old),
        labels=found.labels,
        progress=progress_of(session_of(context)),
    )
