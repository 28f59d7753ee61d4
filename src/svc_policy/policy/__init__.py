"""The façade: a loaded policy that decides, quotes and explains."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from svc_policy.decision import Cell, Decision, Quote
from svc_policy.errors import Problem, TicketError, UsageError, problem
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Language, message
from svc_policy.pack.load import Pack, load_pack
from svc_policy.plan import Plan, make_plan, shape_of
from svc_policy.policy.views import PolicyViews

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from svc_policy.engines.python import Compiled
    from svc_policy.engines.runtime import PolicyClocks
    from svc_policy.facts.reading import TicketReader
    from svc_policy.schedule import Schedule, Staffing

__all__ = ["Policy", "load"]

#: A shape of tickets seen this often gets a function of its own, up to so many shapes.
OFTEN = 500
MOST_SHAPES = 64
#: Shapes that are counted at a time.
MOST_SEEN = 10_000


def load(name: str | os.PathLike[str]) -> Policy:
    """Load a policy: a built-in name such as ``mall``, a folder, or a workbook.

    Raises:
        PackError: with every problem of every file.
    """
    return Policy(load_pack(name))


class Policy(PolicyViews):
    """One policy, loaded and checked. It never changes; `on` gives another."""

    def __init__(self, pack: Pack, fixed_on: date | None = None) -> None:
        self.pack = pack
        super().__init__()
        self.fixed_on = fixed_on
        self.zone = ZoneInfo(pack.settings.timezone)
        self._plan: Plan | None = None
        self._clocks: PolicyClocks | None = None
        self._reader: TicketReader | None = None
        self._whole: Compiled | None = None
        self._by_shape: dict[int, Compiled] = {}
        self._seen: dict[int, int] = {}
        self._names: dict[str, Sequence[str]] = {}
        self._often = OFTEN
        self._beside: Executor | None = None
        self._begun: set[int] = set()

    @property
    def id(self) -> str:
        """The policy's id."""
        return self.pack.id

    @property
    def digest(self) -> str:
        """sha-256 over everything that decides, as 64 hexadecimal digits."""
        return self.pack.digest

    @property
    def plan(self) -> Plan:
        """The plan: steps, columns, facts that may be asked for."""
        if self._plan is None:
            self._plan = make_plan(self.pack.rules(), self._fixed_day())
        return self._plan

    def _fixed_day(self) -> int | None:
        return None if self.fixed_on is None else self.fixed_on.toordinal() - date(1970, 1, 1).toordinal()

    @property
    def clocks(self) -> PolicyClocks:
        """Calendar time in the policy's zone and working time on its calendar."""
        if self._clocks is None:
            from svc_policy.engines.runtime import PolicyClocks

            self._clocks = PolicyClocks(self.zone, self.pack.calendar())
        return self._clocks

    def on(self, day: date | str) -> Policy:
        """Give the policy as if `day` were every governing date: what if it had been asked then.

        Raises:
            UsageError: `day` is no day.
        """
        from svc_policy.schedule import read_day

        return Policy(self.pack, read_day(day, "on"))

    def ticket(self, data: Mapping[str, object] | str | bytes | Path) -> Ticket:
        """Read a ticket from JSON, TOML or a mapping, with this policy's zone, currency and facts.

        Raises:
            TicketError: with everything in it that cannot be read or cannot be true.
        """
        return self.reader.read(data)

    @property
    def reader(self) -> TicketReader:
        """The reader of tickets with this policy's zone, currency and facts."""
        if self._reader is None:
            from svc_policy.facts.reading import TicketReader

            # Making a reader takes a thousand times as long as reading a ticket.
            settings = self.pack.settings
            self._reader = TicketReader(
                zone=settings.timezone, currency=settings.currency, facts=settings.company_facts
            )
        return self._reader

    def ticket_of_json(self, content: str | bytes) -> Ticket:
        """Read a ticket from JSON alone, as :meth:`ticket` does; TOML is no JSON.

        Raises:
            TicketError: with everything in it that cannot be read or cannot be true.
        """
        return self.reader.read_json(content)

    def prepare(self) -> None:
        """Compile the policy now; otherwise the first ticket waits for it."""
        if self._whole is None:
            from svc_policy.engines.python import compile_plan

            self._whole = compile_plan(self.plan, self.clocks, self.id)
        _ = self.reader

    def decide(self, ticket: Ticket | Mapping[str, object], *, at: datetime | None = None) -> Decision:
        """Decide a ticket.

        Args:
            ticket: The facts; a mapping is read as :meth:`ticket` does.
            at: The instant of the decision, with an offset; now unless given.

        Raises:
            TicketError: The facts cannot be read, or `at` has no offset.
            CalendarError: An instant lies outside the policy's calendar.
        """
        if type(ticket) is not Ticket:
            ticket = self.ticket(ticket)  # type: ignore[arg-type]
        return self.decide_s(ticket, _seconds(at))

    def decide_s(self, ticket: Ticket, at_s: int) -> Decision:
        """Decide a ready ticket at an instant in epoch seconds; the hot path of :meth:`decide`.

        Tickets of one shape (the same facts stated) that come often get a
        function of their own, in which what is known of them is folded.
        """
        compiled = self._by_shape.get(ticket.shape)
        if compiled is None:
            compiled = self._compiled_for(ticket.shape)
        early, lines = compiled.decide(ticket, at_s)
        return Decision(self, ticket, at_s, early, lines, compiled)

    def _compiled_for(self, shape: int) -> Compiled:
        if self._whole is None and not self._by_shape:
            # Whoever decides one ticket waits for its own shape only, which is the shorter way.
            return self._compile_shape(shape)
        if self._whole is None:
            from svc_policy.engines.python import compile_plan

            self._whole = compile_plan(self.plan, self.clocks, self.id)
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        seen = self._seen[shape] = self._seen.get(shape, 0) + 1
        if seen < self._often or len(self._by_shape) >= MOST_SHAPES:
            return self._whole
        if self._beside is None:
            return self._compile_shape(shape)
        if shape not in self._begun and len(self._begun) < MOST_SHAPES:
            self._begun.add(shape)
            self._beside.submit(self._compile_shape, shape)
        return self._whole

    def compile_beside(self, beside: Executor, often: int = OFTEN) -> None:
        """Compile the functions of shapes beside the tickets from now on, so that none waits for one.

        Args:
            beside: Where they are compiled, in a thread of this process.
            often: How many tickets a shape has to have had.
        """
        self._beside = beside
        self._often = often

    def _compile_shape(self, shape: int) -> Compiled:
        from svc_policy.engines.python import compile_plan

        plan = make_plan(self.pack.rules(), self._fixed_day(), shape_of(shape, self.plan))
        self._by_shape[shape] = compile_plan(plan, self.clocks, f"{self.id} {shape:x}")
        return self._by_shape[shape]

    def completed(self, decision: Decision) -> Sequence[Cell]:
        """Give all columns of a decision of this policy, the late ones computed now."""
        compiled: Any = decision.layout
        late = dict(zip(compiled.late, decision.late, strict=True))
        found = {name: decision.early[index] for name, index in compiled.index["ticket"].items()}
        # What a shape has no column for is not asked for: 0.
        return tuple(
            found[name] if name in found else late[name] if name in late else compiled.constants.get(name, 0)
            for name in self._names_of("ticket")
        )

    def completed_lines(self, decision: Decision) -> Mapping[str, Sequence[Sequence[Cell]]]:
        """Give the columns of a decision's parts, incidents and overrides in the order of the plan."""
        return {
            grain: [
                tuple(line[index[name]] if name in index else 0 for name in self._names_of(grain)) for line in lines
            ]
            for grain, lines in decision.lines.items()
            for index in (decision.layout.index.get(grain, {}),)
        }

    def _names_of(self, grain: str) -> Sequence[str]:
        """List the columns of a grain in the order of the plan."""
        names = self._names.get(grain)
        if names is None:
            names = self._names[grain] = self.plan.names(grain)
        return names

    def quote_for(self, ticket: Ticket | Mapping[str, object], *, at: datetime | None = None) -> Quote | None:
        """Quote a ticket: the quote of its decision."""
        return self.decide(ticket, at=at).quote

    def explain(self, decision: Decision, lang: Language = "en") -> str:
        """Explain a decision in whole sentences, each with the clause it rests on."""
        from svc_policy.explain import explain

        return explain(decision, self, lang)

    def statistics(
        self,
        tickets: Iterable[Ticket | Mapping[str, object]],
        *,
        month: str | None = None,
        year: str | int | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Compute what depends on many tickets; see :mod:`svc_policy.statistics`.

        Args:
            tickets: All of them, those of earlier times included, as earlier repairs are counted among them.
            month: The month whose tickets count, as in `2026-10`; all of them unless a month or a year is given.
            year: The year, as in `2026`.
            at: The instant of the decisions, with an offset; now unless given.

        Raises:
            TicketError: A ticket cannot be read, two have one name, or `at` has no offset.
            UsageError: There is no such month or year, or the extra `batch` is not installed.
        """
        from svc_policy.statistics import of_tickets, period_of

        return of_tickets(
            self, tickets, at_s=_seconds(at), period=period_of(month, None if year is None else str(year))
        )

    def schedule(
        self,
        contracts: Iterable[Mapping[str, object]] | str | Path = (),
        assets: Iterable[Mapping[str, object]] | str | Path = (),
        *,
        from_: date | str,
        until: date | str,
    ) -> Schedule:
        """Lay out what comes round by itself in a period, both days included.

        Args:
            contracts: Mappings or records, or a file of them: JSON or CSV; see ``docs/format.md``.
            assets: Likewise.
            from_: The first day, in the policy's zone; a date, or a text such as ``2026-01-31``.
            until: The last day.

        Raises:
            UsageError: The period, a contract or an asset cannot be.
            CalendarError: A row counts working days outside the policy's calendar.
        """
        from svc_policy.schedule import lay_out, read_assets, read_contracts, read_period

        first, last = read_period(from_, until)
        return lay_out(self, read_contracts(contracts), read_assets(assets), first, last)

    def staffing(self, workload: Mapping[str, int] | None = None, *, on: date | str | None = None) -> Staffing:
        """Count the people that the policy's posts take for a workload, as in ``{"jobs": 120}``.

        Args:
            workload: How many there are of what rows count in.
            on: The day whose rules hold; that of the policy, else today in its zone, unless given.

        Raises:
            UsageError: A workload is none that a row counts in, or no whole number.
        """
        from svc_policy.schedule import count_staff, read_day

        day = self.fixed_on or datetime.now(self.zone).date()
        return count_staff(self, workload or {}, day if on is None else read_day(on, "on"))

    def check(self) -> Sequence[Problem]:
        """List what the loader noticed, and what :mod:`svc_policy.check` proves of the tables.

        A policy with errors in its files does not load. Findings of the proof know their region and an example;
        those that the pack accepts with a reason are left out.
        """
        from svc_policy.check import check_policy

        return (*self.pack.notes, *(one for one in check_policy(self) if one.accepted is None))

    def sql(self, dialect: str = "duckdb") -> str:
        """Give the policy as a script for ``duckdb`` or ``postgres``; see ``docs/sql.md``.

        Raises:
            UsageError: The dialect is not one of those it can be compiled to.
        """
        try:
            from svc_policy.engines.sql import compile_sql
            from svc_policy.engines.sql_expressions import DIALECTS
        except ImportError:
            missing = message("the `{module}` package is not installed", module="sqlglot")
            raise UsageError(
                [problem("batch-extra", missing, help=message("pip install 'svc-policy[batch]'"))]
            ) from None
        if dialect not in DIALECTS:
            known = message("known here: {known}", known=", ".join(DIALECTS))
            unknown = message("a policy cannot be compiled to `{dialect}`", dialect=dialect)
            raise UsageError([problem("dialect-unknown", unknown, help=known)])
        if dialect == "postgres":
            import svc_policy
            from svc_policy.engines.postgres_script import postgres_script

            return postgres_script(self.pack, self.plan, self.clocks, engine=svc_policy.__version__)
        return compile_sql(self.plan, self.clocks)

    def __repr__(self) -> str:
        return f"<Policy {self.id}@{self.digest[:12]}>"


def _seconds(at: datetime | None) -> int:
    if at is None:
        return int(datetime.now().astimezone().timestamp())
    if not isinstance(at, datetime) or at.tzinfo is None:
        text = message("`at` has no time zone")
        if not isinstance(at, datetime):
            text = message("`{value}` in `{name}` is no datetime", value=at, name="at")
        advice = message("give it one, as in `datetime.now(timezone.utc)`")
        raise TicketError([problem("at-naive", text, help=advice)])
    return int(at.timestamp())
