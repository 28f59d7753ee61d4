"""Print a policy as a document, and its forms as sheets."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

import click

from svc_policy.cli.framework import argument, command, option, pack_argument, refuse
from svc_policy.cli.pages import write_page
from svc_policy.cli.session import Session, session_of
from svc_policy.errors import nearest
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.book import FormSheet
    from svc_policy.policy import Policy

_HTML = message("the page to write, `-` for standard output; one that is there is replaced")


@command(
    "book",
    message("Print a policy as a document: clauses, readings, every table in words, forms, calendar."),
    examples=("svc-policy book mall --html mall.html", "svc-policy book ./my-shop --html my-shop.html --lang zh"),
)
@pack_argument
@option("--html", "page", metavar="F", required=True, words=_HTML)
@option("--at", metavar="DAY", words=message("day of the edition, as in `2026-03-02`; today unless given"))
@click.pass_context
def book(context: click.Context, pack: str, page: str, at: str | None) -> None:
    """Print the book of a policy."""
    from svc_policy import load
    from svc_policy.book import book_page

    session = session_of(context)
    policy = load(pack)
    write_page(session, page, book_page(policy, session.language, None if at is None else _day(at)))


@command(
    "forms",
    message("List the forms of a policy, or print one of them: filled in from a ticket, or blank."),
    examples=(
        "svc-policy forms mall",
        "svc-policy forms mall trip_report ticket.json --html trip-report.html",
        "svc-policy forms ./my-shop visit_form --html blank.html --lang zh",
    ),
)
@pack_argument
@argument("form", required=False, words=message("name of a form; all are listed unless one is given"))
@argument("ticket", required=False, words=message("a JSON or TOML file, or `-` for standard input; blank without it"))
@option("--html", "page", metavar="F", words=_HTML)
@option(
    "--at",
    metavar="T",
    words=message("instant of the decision, as in `2026-03-02T17:30`, in the policy's zone; now unless given"),
)
@click.pass_context
def forms(
    context: click.Context, pack: str, form: str | None, ticket: str | None, page: str | None, at: str | None
) -> None:
    """List or print forms."""
    from svc_policy import load
    from svc_policy.book import find_form, form_page, form_sheet

    session = session_of(context)
    policy = load(pack)
    if form is None:
        if page is not None:
            refuse("form-which", message("name the form that is printed"), _known(policy))
        _list(session, policy)
        return
    name = find_form(policy, form)
    if name is None:
        _list(session, policy)
        _refuse_form(policy, form)
    decision: Any = None
    if ticket is not None:
        from svc_policy.cli.deciding import decided

        decision = decided(policy, ticket, at)
    if page is not None:
        write_page(session, page, form_page(policy, name, decision, session.language))
        return
    _show(session, form_sheet(policy, name, decision, session.language))


def _day(text: str) -> date:
    from svc_policy.units import Refusal, date_of, read_date

    try:
        return date(*date_of(read_date(text)))
    except Refusal as refusal:
        refuse(refusal.code, message("cannot read `{text}` in `{name}`", text=text, name="--at"), refusal.help)


def _refuse_form(policy: Policy, form: str) -> NoReturn:
    from svc_policy.policy.forms import forms_of

    words = {text: name for name in forms_of(policy) for text in (name, *policy.pack.labels.get(name, ()))}
    near = nearest(form, words)
    missing = message("the policy has no form `{name}`", name=form)
    refuse("form-unknown", missing, message("did you mean `{near}`?", near=words[near]) if near else _known(policy))


def _known(policy: Policy) -> Any:
    from svc_policy.policy.forms import forms_of

    known = ", ".join(forms_of(policy))
    return message("known here: {known}", known=known) if known else message("the policy has no forms")


def _list(session: Session, policy: Policy) -> None:
    from svc_policy.book import form_sheet
    from svc_policy.policy.forms import forms_of

    sheets = [form_sheet(policy, name, None, session.language) for name in forms_of(policy)]
    if not sheets:
        session.write(message("the policy has no forms"))
        return
    headings = (message("form"), message("title"), message("fields"), message("in charge"), message("clauses"))
    session.table(
        headings,
        [
            (
                sheet.name,
                sheet.title,
                len(sheet.fields),
                ", ".join(dict.fromkeys(copy.owner for copy in sheet.copies)),
                " ".join(clause.id for clause in sheet.clauses),
            )
            for sheet in sheets
        ],
        right="..r",
    )


def _show(session: Session, sheet: FormSheet) -> None:
    """Write a form to the terminal: each field with what the ticket says of it."""
    session.write(sheet.title)
    if sheet.is_due is False:
        text = message("The policy does not ask for this form on this ticket; it is printed because it was asked for.")
        session.write(text)
    session.write()
    if not sheet.fields:
        session.write(message("The policy says nothing of what stands on it."))
        return
    rows = []
    for entry in sheet.fields:
        ticked = [box.text for box in entry.boxes if box.is_ticked]
        rows.append((entry.label, entry.value or ", ".join(ticked), entry.source or session.words(message("by hand"))))
    session.table((message("field"), message("value"), message("filled from")), rows)
