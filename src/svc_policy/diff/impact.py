"""What a change would have meant for past tickets, and which of its alterations made the difference.

The old policy, the new one, and the old one with each alteration alone are laid
out as one plan and decided together, so what they share is computed once, and
what cannot differ not at all. Of many tickets, all are decided as they were, and
those that an alteration touches under every variant. Every measure of the whole
difference is the sum of what each alteration does alone and of what they only do together.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

from svc_policy.batch import require
from svc_policy.diff.attribution import Alteration, alterations, altered, clock_of
from svc_policy.diff.breakdown import Breakdown, read_breakdowns
from svc_policy.diff.deciding import Joint, Queries, decide_one_by_one, some_tickets
from svc_policy.diff.measures import CHILDREN, PARTS, Measure, Variant, measures, variant
from svc_policy.diff.pinned import pinned
from svc_policy.diff.tickets import Reading, read_tickets, reader_of, take_tickets
from svc_policy.diff.touched import touch_of, without_rows_alike
from svc_policy.diff.variants import alike, join_plans, plan_like
from svc_policy.errors import MappingError, Place, UsageError, problem
from svc_policy.facts.columns import TABLES
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Language, Message, message
from svc_policy.policy import Policy

#: More alterations than this are tried table by table.
MOST_ALTERATIONS: Final = 40
#: Changed tickets that are shown with both explanations.
TOP: Final = 10
CHUNK: Final = 500_000
#: Up to so many tickets are decided one by one.
FEW: Final = 20_000
_COLUMN: Final = re.compile(r'\b(decided_\d+(?:_\w+?)?)\."([^"]+)"')
#: What an alteration that cannot stand alone may fail with: it reads what only another one brings.
_UNFOUNDED: Final = (LookupError, ValueError, AssertionError, AttributeError)
Progress = Callable[[str, int, int], None]


@attrs.frozen(kw_only=True)
class Line:
    """What one alteration does alone, by the key of each measure that it moves; `touched` tickets decide otherwise.

    `stands_alone` is false for one that makes no policy without the others: all it does is done together.
    """

    alteration: Alteration
    effects: Mapping[str, int]
    touched: int
    stands_alone: bool


@attrs.frozen(kw_only=True)
class Total:
    """One measure over all tickets: under the old policy, under the new one (None where only both tell), the change."""

    measure: Measure
    before: int | None
    after: int | None
    difference: int


@attrs.frozen(kw_only=True)
class ChangedTicket:
    """A ticket that is decided otherwise: in which parts, by how much money, because of which alterations."""

    ticket_id: str
    parts: tuple[str, ...]
    difference: int | None
    because: tuple[str, ...]
    ticket: Ticket = attrs.field(repr=False)


@attrs.frozen(kw_only=True, eq=False)
class Impact:
    """What a change would have meant for past tickets.

    `tickets` counts those in the file; `undecided` those that the old policy, the
    new one or both cannot decide, as an instant lies outside their calendar: they
    are not among the `compared`, of which `changed` are decided otherwise.
    `totals` are the measures that change, `lines` what each alteration does alone,
    `rest` what they only do together. Money is in minor units of `currency`, None if there are two.
    """

    old: Policy
    new: Policy
    at_s: int
    files: tuple[str, ...]
    rows: Mapping[str, int]
    tickets: int
    compared: int
    undecided: Mapping[str, int]
    changed: int
    currency: str | None
    totals: tuple[Total, ...]
    lines: tuple[Line, ...]
    rest: Mapping[str, int]
    breakdowns: tuple[Breakdown, ...]
    top: tuple[ChangedTicket, ...]
    top_money: str | None
    notes: tuple[Message, ...]

    @property
    def at(self) -> datetime:
        """The instant of the decisions, in the zone of the old policy."""
        return datetime.fromtimestamp(self.at_s, self.old.zone)

    def total(self, key: str) -> Total | None:
        """Find a measure by its key; None where nothing of it changes."""
        return next((total for total in self.totals if total.measure.key == key), None)

    def explained(self, item: ChangedTicket, language: Language) -> tuple[str, str]:
        """Explain the old and the new decision of a changed ticket."""
        texts = []
        for policy in (self.old, self.new):
            decision = policy.decide_s(item.ticket.with_facts(policy.pack.settings.company_facts), self.at_s)
            texts.append(policy.explain(decision, language))
        return texts[0], texts[1]

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """Give the impact as JSON-ready data, its explanations in a language."""
        from svc_policy.diff.impact_json import impact_to_dict

        return impact_to_dict(self, language)


def impact_of_file(
    old: Policy,
    new: Policy,
    source: Path,
    *,
    mapping: Path | None = None,
    at: datetime | None = None,
    most_alterations: int = MOST_ALTERATIONS,
    top: int = TOP,
    progress: Progress | None = None,
) -> Impact:
    """Reckon the impact of a change over the tickets of a file.

    Args:
        old: The policy as it is.
        new: The policy as it would be.
        source: CSV, JSON lines or Parquet, as an audit reads them, or a folder of the batch engine's tables in Parquet.
        mapping: The mapping (TOML) of the file, if its headings are not names of facts. Its calendar takes no part.
        at: The instant of all decisions, with an offset; else the mapping's `as_of`, else the latest in the file.
        most_alterations: Where there are more, they are tried table by table.
        top: How many changed tickets are given with both explanations.
        progress: Called with a stage (`read`, `decide`), the steps done and the steps in all.

    Raises:
        MappingError: The file or its mapping cannot be read, or no ticket says when anything happened.
        UsageError: `at` has no offset, the policies contradict each other, or the extra `batch` is not installed.
    """
    engine = require("duckdb")
    require("pyarrow")
    require("sqlglot")
    if at is not None and at.tzinfo is None:
        template = message("`at` has no time zone")
        raise UsageError([problem("at-naive", template, help=message("give it one, as in `2026-03-02T09:00+08:00`"))])
    tell = progress or (lambda stage, done, total: None)
    reader, notes = reader_of(pinned(old), pinned(new))
    with tempfile.TemporaryDirectory(prefix="svc-policy-impact-") as scratch:
        connection = engine.connect(config={"temp_directory": scratch})
        try:
            connection.execute("SET enable_progress_bar = false")
            tell("read", 0, 1)
            reading = read_tickets(connection, source, reader, mapping)
            tell("read", 1, 1)
            at_s = reading.latest_s if at is None else int(at.timestamp() // 1)
            if at_s is None:
                template = message("the log says of no ticket when anything happened")
                place = Place(file=str(source))
                raise MappingError([problem("log-no-instant", template, place=place, help=message("say `--at`"))])
            return impact_of_tables(
                old,
                new,
                connection,
                at_s=at_s,
                most_alterations=most_alterations,
                top=top,
                reader=reader,
                reading=reading,
                notes=notes,
                progress=tell,
            )
        finally:
            connection.close()


def impact_of_tables(
    old: Policy,
    new: Policy,
    connection: Any,
    *,
    at_s: int,
    most_alterations: int = MOST_ALTERATIONS,
    top: int = TOP,
    reader: Policy | None = None,
    reading: Reading | None = None,
    notes: Sequence[Message] = (),
    progress: Progress | None = None,
    chunk: int = CHUNK,
    few: int = FEW,
) -> Impact:
    """Reckon the impact of a change over the tables of a DuckDB connection, as the batch engine reads them.

    More tickets than `few` are decided in DuckDB, `chunk` at a time.
    """
    return _Reckoning(
        old,
        new,
        connection,
        at_s=at_s,
        most_alterations=most_alterations,
        top=top,
        reader=reader or reader_of(pinned(old), pinned(new))[0],
        reading=reading,
        notes=list(notes),
        progress=progress or (lambda stage, done, total: None),
        chunk=chunk,
        few=few,
    ).reckon()


class _Reckoning:
    """One reckoning: lays out, decides chunk by chunk, adds up."""

    def __init__(
        self,
        old: Policy,
        new: Policy,
        connection: Any,
        *,
        at_s: int,
        most_alterations: int,
        top: int,
        reader: Policy,
        reading: Reading | None,
        notes: list[Message],
        progress: Progress,
        chunk: int,
        few: int,
    ) -> None:
        self.asked = (old, new)
        self.old = pinned(old)
        self.new = pinned(new)
        self.connection = connection
        self.at_s = at_s
        self.top = top
        self.reader = reader
        self.reading = reading
        self.notes = notes
        self.progress = progress
        self.chunk = chunk
        self.few = few
        self.with_money = old.pack.settings.currency == new.pack.settings.currency
        self.alterations = alterations(self.old, self.new, most_alterations)
        if any(item.kind == "table" for item in self.alterations):
            self.notes.append(
                message("more than {most} alterations: they are tried table by table", most=most_alterations)
            )
        if not self.with_money:
            currencies = [policy.pack.settings.currency for policy in (old, new)]
            template = message(
                "the policies count in {old} and {new}: amounts of money are not compared",
                old=currencies[0],
                new=currencies[1],
            )
            self.notes.append(template)

    # --- laying out

    def lay_out(self) -> None:
        """Make the variants, the measures, and the programs that decide what they read."""
        policies, plans = [self.old, self.new], alike([self.old, self.new])
        #: By the number of the alteration, the number of its variant.
        self.variant_of: dict[int, int] = {}
        if len(self.alterations) == 1:
            # Alone it is the whole change.
            self.variant_of[0] = 1
        else:
            for number, alteration in enumerate(self.alterations):
                try:
                    policy = altered(self.old, alteration, self.new)
                    plan = plan_like(policy, plans[:2])
                except _UNFOUNDED:
                    continue
                self.variant_of[number] = len(policies)
                policies.append(policy)
                plans.append(plan)
        children = [
            grain
            for grain in CHILDREN
            if self.connection.execute(f"SELECT 1 FROM main.{TABLES[grain]} LIMIT 1").fetchall()
        ]
        groups: dict[object, list[int]] = {}
        for number, policy in enumerate(policies):
            groups.setdefault(_ground_of(policy), []).append(number)
        self.variants: list[Variant] = [None] * len(policies)  # type: ignore[list-item]
        joints: list[Joint] = []
        for group, numbers in enumerate(groups.values()):
            joint = join_plans([plans[number] for number in numbers])
            table = f"decided_{group}"
            clocks = policies[numbers[0]].clocks
            joints.append(
                Joint(table=table, plan=joint.plan, clocks=clocks, numbers=tuple(numbers), wanted=frozenset())
            )
            for number, names in zip(numbers, joint.names, strict=True):
                self.variants[number] = variant(policies[number], plans[number], names, table, children)
        if len(joints) == 1:
            plan, self.variants = without_rows_alike(joints[0].plan, self.variants)
            joints = [attrs.evolve(joints[0], plan=plan)]
        old, new = self.variants[:2]
        self.measures = measures(old, new, self.variants, with_money=self.with_money)
        self.breakdowns = read_breakdowns(old, new, self.measures, self.connection)
        self.expressions = self._expressions()
        wanted = self._wanted()
        self.joints = [attrs.evolve(joint, wanted=frozenset(wanted.get(joint.table, ()))) for joint in joints]

    def _expressions(self) -> dict[tuple[int, int], str]:
        """Write each measure for each variant against the old policy."""
        old = self.variants[0]
        return {
            (index, number): written
            for index, measure in enumerate(self.measures)
            for number, each in enumerate(self.variants)
            if number and (written := measure.pair(old, each)) is not None
        }

    def _wanted(self) -> dict[str, set[str]]:
        texts = [*self.expressions.values(), *(text for each in self.breakdowns for text in each.reads)]
        for measure in self.measures:
            texts += [own for each in self.variants[:2] if measure.own and (own := measure.own(each))]
        found: dict[str, set[str]] = {}
        for text in texts:
            for table, name in _COLUMN.findall(text):
                found.setdefault("_".join(table.split("_")[:2]), set()).add(name)
        return found

    # --- deciding

    def reckon(self) -> Impact:
        """Decide everything and put the result together."""
        ((tickets,),) = self.connection.execute("SELECT count(*) FROM main.tickets").fetchall()
        self.sums: dict[str, int] = {}
        self.tops: list[tuple[Any, ...]] = []
        self.lay_out()
        if self.measures:
            self.connection.execute(
                "CREATE OR REPLACE TEMP TABLE moment AS SELECT CAST(? AS BIGINT) AS at_s", [self.at_s]
            )
            facts = self.reader.pack.settings.company_facts
            if tickets <= self.few:
                decide_one_by_one(self.connection, self.joints, self.variants, facts, self.at_s)
                self._add_up()
            elif len(self.joints) > 1:
                # Policies with other clocks or lists are not one plan, and can touch any ticket.
                self._decide(tickets, "rowid >= {first} AND rowid < {end}")
            elif touched := self._decide_as_it_was(tickets):
                where = "ticket_id IN (SELECT ticket_id FROM touched WHERE number >= {first} AND number < {end})"
                if touched <= self.few:
                    with some_tickets(self.connection) as choose:
                        choose(where.format(first=0, end=touched), kept=True)
                        decide_one_by_one(self.connection, self.joints, self.variants, facts, self.at_s)
                        self._add_up()
                else:
                    self._decide(touched, where, kept=True)
            self.progress("decide", tickets, tickets)
        return self._impact(tickets)

    def _decide_as_it_was(self, tickets: int) -> int:
        """Decide all tickets as they were, add up those that nothing touches, number the others; gives their number."""
        (joint,) = self.joints
        touch = touch_of(joint.plan, self.variants, joint.wanted, with_money=self.with_money)
        own = joint.wanted.intersection(self.variants[0].names.values())
        errors = {"error_0": own, "error_1": own, "error_touch": touch.columns}
        alone = attrs.evolve(joint, wanted=own | touch.columns)
        queries = Queries(self.connection, [alone], {joint.table: errors})
        touches = " OR ".join((*touch.conditions, f"{joint.table}.error_touch"))
        self.connection.execute("CREATE OR REPLACE TEMP TABLE touched (ticket_id VARCHAR, number BIGINT)")
        count = 0
        with some_tickets(self.connection) as choose:
            for start in range(0, tickets, self.chunk):
                choose(f"rowid >= {start} AND rowid < {start + self.chunk}")
                queries.decide()
                ((added,),) = self.connection.execute(
                    f"INSERT INTO touched SELECT ticket_id, {count} + row_number() OVER () - 1 "
                    f"FROM {joint.table} WHERE {touches}"
                ).fetchall()
                count += added
                self._add_up_whole(f"NOT ({touches})")
                self._add_up_groups(f"NOT ({touches})", as_it_was=True)
                self.progress("decide", min(tickets, start + self.chunk), tickets)
        return count

    def _decide(self, tickets: int, where: str, *, kept: bool = False) -> None:
        """Decide tickets under all variants, and add up."""
        errors = {
            joint.table: {
                f"error_{number}": [name for name in self.variants[number].names.values() if name in joint.wanted]
                for number in joint.numbers
            }
            for joint in self.joints
        }
        queries = Queries(self.connection, self.joints, errors)
        with some_tickets(self.connection) as choose:
            for start in range(0, tickets, self.chunk):
                choose(where.format(first=start, end=start + self.chunk), kept=kept)
                queries.decide()
                self._add_up()
                self.progress("decide", min(tickets, start + self.chunk), tickets)

    # --- adding up

    def _source(self) -> str:
        first, *others = (joint.table for joint in self.joints)
        return " ".join([first, *(f"JOIN {table} USING (ticket_id)" for table in others)])

    def _error(self, number: int) -> str:
        return f'{self.variants[number].table}."error_{number}"'

    def _add_up(self) -> None:
        """Add the tickets that are decided now, as they were and what differs in any variant."""
        self._add_up_whole("TRUE")
        pairs = {
            f"pair/{index}/{number}": f"sum(CASE WHEN {self._error(number)} THEN 0 ELSE {written} END)"
            for (index, number), written in self.expressions.items()
        }
        changed = self._index("changed")
        any_changed = [written for (index, _), written in self.expressions.items() if index == changed]
        outside = f"({self._error(0)} OR {self._error(1)})"
        self._add(pairs, f"NOT {outside} AND ({' OR '.join(f'{written} = 1' for written in any_changed)})")
        self._add_up_groups("TRUE", as_it_was=False)
        self._take_top(f"NOT {outside}")

    def _add_up_whole(self, where: str) -> None:
        """Add tickets as they were."""
        old, new = self._error(0), self._error(1)
        made = {
            "compared": f"count(*) FILTER (WHERE NOT ({old} OR {new}))",
            "undecided/old": f"count(*) FILTER (WHERE {old} AND NOT {new})",
            "undecided/new": f"count(*) FILTER (WHERE NOT {old} AND {new})",
            "undecided/both": f"count(*) FILTER (WHERE {old} AND {new})",
        }
        for index, measure in enumerate(self.measures):
            if measure.own is not None and (own := measure.own(self.variants[0])) is not None:
                made[f"before/{index}"] = f"sum({own}) FILTER (WHERE NOT ({old} OR {new}))"
        self._add(made, where)

    def _add_up_groups(self, where: str, *, as_it_was: bool) -> None:
        inside = f"{where} AND NOT ({self._error(0)} OR {self._error(1)})"
        changed = None if as_it_was else self.expressions.get((self._index("changed"), 1))
        for breakdown in self.breakdowns:
            breakdown.add(self.connection, self._source(), inside, changed, as_it_was=as_it_was)

    def _add(self, made: Mapping[str, str], where: str) -> None:
        listed = ", ".join(f"{expression} AS s{number}" for number, expression in enumerate(made.values()))
        (row,) = self.connection.execute(f"SELECT {listed} FROM {self._source()} WHERE {where}").fetchall()
        for key, value in zip(made, row, strict=True):
            self.sums[key] = self.sums.get(key, 0) + int(value or 0)

    def _index(self, key: str) -> int:
        return next((index for index, measure in enumerate(self.measures) if measure.key == key), -1)

    def _take_top(self, inside: str) -> None:
        """Keep the tickets whose money changes most; then those that change in most parts."""
        changed = self.expressions.get((self._index("changed"), 1))
        if changed is None or not self.top:
            return
        money = self.expressions.get((self._index(self.top_money or ""), 1), "0")
        parts = [self.expressions.get((self._index(f"changed/{part}"), 1), "0") for part in PARTS]
        alone = [
            self.expressions.get((self._index("changed"), self.variant_of[number]), "0")
            if number in self.variant_of
            else "0"
            for number in range(len(self.alterations))
        ]
        table = self.variants[0].table
        rows = self.connection.execute(
            f"SELECT * FROM (SELECT {table}.ticket_id, {money} AS difference, [{', '.join(parts)}] AS parts, "
            f"[{', '.join(alone)}] AS alone FROM {self._source()} WHERE {inside} AND {changed} = 1) "
            f"ORDER BY abs(difference) DESC, list_sum(parts) DESC, ticket_id LIMIT {self.top}"
        ).fetchall()
        self.tops = sorted([*self.tops, *rows], key=lambda row: (-abs(row[1]), -sum(row[2]), row[0]))[: self.top]

    @property
    def top_money(self) -> str | None:
        """The amount by which tickets are ranked: what the customer pays, else the first that changes."""
        keys = [measure.key for measure in self.measures if measure.kind == "money"]
        return next((key for key in ("money/payable", "money/total", "money/penalty_most") if key in keys), None)

    def _impact(self, tickets: int) -> Impact:
        totals, effects, rest = [], [dict[str, int]() for _ in self.alterations], dict[str, int]()
        for index, measure in enumerate(self.measures):
            difference = self.sums.get(f"pair/{index}/1", 0)
            alone = [
                self.sums.get(f"pair/{index}/{self.variant_of[number]}", 0) if number in self.variant_of else 0
                for number in range(len(self.alterations))
            ]
            if not difference and not any(alone):
                continue
            own = measure.own is not None
            totals.append(
                Total(
                    measure=measure,
                    before=self.sums.get(f"before/{index}", 0) if own else None,
                    after=self.sums.get(f"before/{index}", 0) + difference if own else None,
                    difference=difference,
                )
            )
            for number, value in enumerate(alone):
                if value:
                    effects[number][measure.key] = value
            if left := difference - sum(alone):
                rest[measure.key] = left
        lines = tuple(
            Line(
                alteration=item,
                effects=effects[number],
                touched=effects[number].get("changed", 0),
                stands_alone=number in self.variant_of,
            )
            for number, item in enumerate(self.alterations)
        )
        found = take_tickets(self.connection, self.reader, [row[0] for row in self.tops])
        top = tuple(
            ChangedTicket(
                ticket_id=name,
                parts=tuple(part for part, differs in zip(PARTS, parts, strict=True) if differs),
                difference=difference if self.top_money else None,
                because=tuple(item.key for item, does in zip(self.alterations, alone, strict=True) if does),
                ticket=found[name],
            )
            for name, difference, parts, alone in self.tops
        )
        changed = self.sums.get(f"pair/{self._index('changed')}/1", 0)
        if not changed:
            self.notes.append(
                message("no decision changes")
                if self.alterations
                else message("the policies decide alike: nothing in them that decides differs")
            )
        reading = self.reading
        return Impact(
            old=self.asked[0],
            new=self.asked[1],
            at_s=self.at_s,
            files=reading.files if reading else (),
            rows={} if reading is None else {"in": reading.rows, "used": reading.used, "rejected": reading.rejected},
            tickets=tickets,
            compared=self.sums.get("compared", tickets),
            undecided={name: self.sums.get(f"undecided/{name}", 0) for name in ("old", "new", "both")},
            changed=changed,
            currency=self.old.pack.settings.currency if self.with_money else None,
            totals=tuple(totals),
            lines=lines,
            rest=rest,
            breakdowns=tuple(each for each in self.breakdowns if each.rows and changed),
            top=top,
            top_money=self.top_money,
            notes=tuple(self.notes),
        )


def _ground_of(policy: Policy) -> tuple[object, ...]:
    """Give what two policies must share to be decided by one program: the clocks and the lists."""
    pack = policy.pack
    lists = tuple(
        (
            name,
            declared.key,
            tuple(declared.fills),
            tuple(sorted((key, tuple(of)) for key, of in pack.lookups[name].items())),
        )
        for name, declared in sorted(pack.settings.lookups.items())
    )
    return (clock_of(pack), lists)
