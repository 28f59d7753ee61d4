"""Reckon an impact: lay the variants of a policy out, decide tickets under them, add up.

The old policy, the new one, and the old one with each alteration alone are laid
out as one plan and decided together, so what they share is computed once, and
what cannot differ not at all. Of many tickets, all are decided as they were, and
those that an alteration touches under every variant. Every measure of the whole
difference is the sum of what each alteration does alone and of what they only do together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import attrs

from svc_policy.adapters.tickets import take_tickets
from svc_policy.diff.attribution import alterations, altered, clock_of
from svc_policy.diff.beginnings import notes_on_time
from svc_policy.diff.breakdown import read_breakdowns
from svc_policy.diff.deciding import Joint, Queries, decide_one_by_one, some_tickets
from svc_policy.diff.measures import CHILDREN, PARTS, Variant, measures, variant
from svc_policy.diff.pinned import pinned
from svc_policy.diff.results import ChangedTicket, Impact, Line, Total
from svc_policy.diff.tickets import Reading
from svc_policy.diff.touched import touch_of, without_rows_alike
from svc_policy.diff.variants import alike, join_plans, plan_like
from svc_policy.facts.columns import TABLES
from svc_policy.messages import Message, message
from svc_policy.policy import Policy

_COLUMN: Final = re.compile(r'\b(decided_\d+(?:_\w+?)?)\."([^"]+)"')
#: What an alteration that cannot stand alone may fail with: it reads what only another one brings.
_UNFOUNDED: Final = (LookupError, ValueError, AssertionError, AttributeError)
Progress = Callable[[str, int, int], None]


class Reckoning:
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
        at_from: Literal["asked", "mapping", "latest"] = "asked",
        labels: tuple[str, str] | None = None,
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
        self.at_from: Literal["asked", "mapping", "latest"] = at_from
        self.labels = labels
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
        self.notes += notes_on_time(*self.asked, self.connection, at_s=self.at_s, labels=self.labels)
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
            rejections=reading.rejections if reading else (),
            at_from=self.at_from,
            labels=self.labels,
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
