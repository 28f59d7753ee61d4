"""Complaints of a Tryton database as a source of tickets and a sink of decisions, in this process.

Whoever decides in a process of their own (a nightly run under another policy,
an audit) reads complaints and writes decisions here, through Tryton's models.
Inside Tryton nobody needs it: the workflow decides.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from svc_policy.adapters.protocol import Reading, Unreadable, Written, older
from svc_policy.adapters.registry import Adapter, Option
from svc_policy.adapters.tryton import policies
from svc_policy.adapters.tryton.mapping import MODEL, Gathered, name_of, ticket_of, unfilled
from svc_policy.adapters.tryton.outcome import outcome_of
from svc_policy.errors import AdapterError, Place, PolicyError, UnreachableError, UsageError, problem
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

#: Records that are read or written at a time, and held in memory.
AT_ONCE: Final = 500
STATES: Final = ("waiting", "approved")
#: The user of Tryton's own tasks, who may read and write everything.
_ROOT: Final = 0


class _Connected:
    """A database of Tryton: that of the transaction which is open in this thread, or one that is opened when needed."""

    def __init__(self, policy: Policy, database: str = "", config: str = "", company: str = "") -> None:
        self.policy = policy
        self.database = database
        self.company = company
        try:
            from trytond import config as settings
        except ImportError:
            missing = message("the `{module}` package is not installed", module="trytond")
            raise UsageError(
                [problem("tryton-extra", missing, help=message("pip install 'svc-policy[tryton]'"))]
            ) from None
        if config:
            settings.update_etc(config)

    @contextlib.contextmanager
    def transaction(self, *, readonly: bool) -> Iterator[Any]:
        """Give the complaints' model within a transaction; one that is opened here is committed at the end.

        Raises:
            AdapterError: There is no such database, or the module is not activated in it.
        """
        from trytond import backend
        from trytond.pool import Pool
        from trytond.transaction import Transaction

        # Tryton's own word for one that cannot be reached.
        unreachable = (backend.DatabaseOperationalError, OSError)
        try:
            with contextlib.ExitStack() as stack:
                if Transaction().database is None or (self.database and Transaction().database.name != self.database):
                    if not self.database:
                        text = message("no transaction of Tryton is open, and no database is named")
                        advice = message("give the option `database`")
                        raise AdapterError([problem("tryton-database", text, help=advice)])
                    if self.database not in Pool.database_list():
                        Pool(self.database).init()
                    stack.enter_context(Transaction().start(self.database, _ROOT, readonly=readonly))
                stack.enter_context(Transaction().set_context(_check_access=False))
                model = self._model(Pool())
                yield model
        except unreachable as error:
            text = message("the database `{name}` cannot be reached: {reason}", name=self.database, reason=error)
            advice = message("see whether it runs, and its name in `trytond.conf`")
            raise UnreachableError([problem("tryton-database", text, help=advice)]) from None

    def _model(self, pool: Any) -> Any:
        from trytond.transaction import Transaction

        try:
            pool.get("svc_policy.role")
            return pool.get(MODEL)
        except KeyError:
            name = self.database or Transaction().database.name
            text = message("the module `svc_policy` is not activated in the database `{database}`", database=name)
            advice = message("`{command}` activates it", command=f"trytond-admin -d {name} -u svc_policy")
            raise AdapterError([problem("tryton-module", text, help=advice)]) from None

    def domain(self, pool: Any) -> list[Any]:
        """Give the domain of the company that was named.

        Raises:
            AdapterError: There is none of that name.
        """
        if not self.company:
            return []
        found = pool.get("company.company").search([("party.name", "=", self.company)], limit=2)
        if len(found) != 1:
            text = message("there is no company `{company}`, or several", company=self.company)
            raise AdapterError([problem("tryton-company", text, help=message("give the name of its party"))])
        return [("company", "=", found[0].id)]


class TrytonSource(_Connected):
    """The complaints of a database, in the order of their ids.

    Each chunk is read in a transaction of its own, unless one is open already.

    Args:
        policy: Whose facts are read.
        database: The name of the database; that of the open transaction unless given.
        config: The path of ``trytond.conf``.
        company: The name of a company's party; complaints of all companies unless given.
        states: States of complaints, separated by commas.
        chunk: How many are read at a time.
    """

    def __init__(
        self,
        policy: Policy,
        database: str = "",
        config: str = "",
        company: str = "",
        states: str | Sequence[str] = STATES,
        chunk: int = AT_ONCE,
    ) -> None:
        super().__init__(policy, database, config, company)
        self.states = [state.strip() for state in (states.split(",") if isinstance(states, str) else states)]
        self.chunk = chunk

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        """Read the complaints after a mark.

        Raises:
            AdapterError: The database cannot be reached or has not the module, or the mark is none.
        """
        last = _read_mark(after)
        while found := self._chunk(last):
            yield from found
            last = int(found[-1].mark or 0)

    def _chunk(self, last: int) -> list[Reading | Unreadable]:
        from trytond.pool import Pool

        from svc_policy.adapters.tryton.gathering import gather

        with self.transaction(readonly=True) as model:
            domain = [("id", ">", last), ("state", "in", self.states), *self.domain(Pool())]
            return [self._read(one) for one in gather(model.search(domain, order=[("id", "ASC")], limit=self.chunk))]

    def _read(self, one: Gathered) -> Reading | Unreadable:
        name, mark = name_of(one.record), str(one.record.id)
        try:
            ticket = ticket_of(one, self.policy)
        except PolicyError as error:
            return Unreadable(record=name, problems=error.problems, mark=mark)
        return Reading(record=name, ticket=ticket, unfilled=tuple(unfilled(ticket, self.policy)), mark=mark)


class TrytonSink(_Connected):
    """Write decisions into the complaints that their tickets are named after; a call is one transaction.

    Args:
        policy: The policy that decides.
        database: The name of the database; that of the open transaction unless given.
        config: The path of ``trytond.conf``.
        company: The name of a company's party, where companies number their complaints alike.
    """

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Write decisions: all of a call or, if anything fails, none.

        Raises:
            AdapterError: The database cannot be reached or has not the module.
        """
        from trytond.pool import Pool

        total = Written()
        pending = iter(decisions)
        with self.transaction(readonly=False) as model:
            domain = self.domain(Pool())
            while batch := list(itertools.islice(pending, AT_ONCE)):
                latest, refused = self._latest(batch)
                total = _sum(_sum(total, refused), self._write(model, domain, latest))
        return total

    def _latest(self, batch: Iterable[Decision]) -> tuple[dict[str | None, Decision], Written]:
        """Give the last word on each ticket, as one may stand in a batch twice."""
        found: dict[str | None, Decision] = {}
        refused = []
        for one in batch:
            name = one.ticket.ticket_id
            if name in found and found[name].at_s > one.at_s:
                refused.append(self._older(name or "", found[name].at_s))
            else:
                found[name] = one
        return found, Written(refused=tuple(refused))

    def _older(self, name: str, kept_at_s: int) -> Unreadable:
        return older(name, datetime.fromtimestamp(kept_at_s, self.policy.zone), Place(file=MODEL))

    def _write(self, model: Any, domain: list[Any], decisions: dict[str | None, Decision]) -> Written:
        found: dict[str, list[Any]] = {}
        for complaint in model.search([_named(decisions), *domain]):
            found.setdefault(name_of(complaint), []).append(complaint)
        refused, outcomes = [], []
        by_instant: dict[datetime, list[tuple[Any, Any]]] = {}
        for name, decision in decisions.items():
            complaints = found.get(name or "", [])
            if len(complaints) != 1:
                refused.append(_refused(name or "", len(complaints)))
                continue
            kept_at = complaints[0].svc_decided_at
            if kept_at is not None and (kept_at_s := int(kept_at.replace(tzinfo=UTC).timestamp())) > decision.at_s:
                refused.append(self._older(name or "", kept_at_s))
                continue
            policies.remember(decision.policy)  # type: ignore[arg-type]
            pair = (complaints[0], outcome_of(decision, decision.policy))  # type: ignore[arg-type]
            at = datetime.fromtimestamp(decision.at_s, UTC).replace(tzinfo=None)
            by_instant.setdefault(at, []).append(pair)
            outcomes.append(pair)
        fresh = {complaint.id for complaint, _ in outcomes if complaint.svc_decided_at is None}
        made = changed = 0
        for at, pairs in by_instant.items():
            for (complaint, _), is_written in zip(pairs, model.svc_write(pairs, at), strict=True):
                made += is_written and complaint.id in fresh
                changed += is_written and complaint.id not in fresh
        return Written(made=made, changed=changed, unchanged=len(outcomes) - made - changed, refused=tuple(refused))


def _named(names: Iterable[str | None]) -> list[Any]:
    """Write the domain of complaints that are called so: by number, or by id where they have none."""
    ids = [name.removeprefix(f"{MODEL},") for name in names if name and name.startswith(f"{MODEL},")]
    return [
        "OR",
        ("number", "in", [name for name in names if name]),
        [("number", "=", None), ("id", "in", [int(text) for text in ids if text.isdecimal()])],
    ]


def _refused(name: str, count: int) -> Unreadable:
    if count:
        text = message("several complaints are called `{record}`", record=name)
        advice = message("give the option `company`")
    else:
        text = message("there is no complaint `{record}`", record=name)
        advice = message("a ticket is called after the number of its complaint")
    return Unreadable(record=name, problems=(problem("tryton-record", text, place=Place(file=MODEL), help=advice),))


def _sum(one: Written, other: Written) -> Written:
    return Written(
        made=one.made + other.made,
        changed=one.changed + other.changed,
        unchanged=one.unchanged + other.unchanged,
        refused=(*one.refused, *other.refused),
    )


def _read_mark(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        template = message("`{mark}` is no mark of this source", mark=text[:60])
        raise AdapterError([problem("tryton-mark", template, help=message("read it from the beginning"))])
    return int(text)


_DATABASE: Final = Option(name="database", summary=message("the name of the database"), needed=True)
_CONFIG: Final = Option(name="config", summary=message("the path of `trytond.conf`"))
_COMPANY: Final = Option(name="company", summary=message("the name of a company; all of them unless given"))

TRYTON: Final = Adapter(
    name="tryton",
    summary=message("complaints of a Tryton database, in this process"),
    source=TrytonSource,
    sink=TrytonSink,
    source_options=(
        _DATABASE,
        _CONFIG,
        _COMPANY,
        Option(name="states", summary=message("states of complaints, as in `waiting,approved`")),
    ),
    sink_options=(_DATABASE, _CONFIG, _COMPANY),
    page="docs/tryton.md",
)
