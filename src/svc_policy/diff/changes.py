"""What changed from one policy to another: rules, parameters, lists, hours, clauses, wording.

Rules are compared by table, id and the day from which they are in force, as they
decide: a cell spelled in another way is no change. A rule that was given a new
edition is one change of the kind ``edition``, which compares the new row with
the one that it follows; that the earlier row now ends there is part of it. A rule
that merely takes another value of a parameter has not changed, the parameter has.
Policies fixed on a day are compared by the rows in force on their days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import attrs

from svc_policy.diff.attribution import explained_by
from svc_policy.diff.pinned import rows_in_force, values_of
from svc_policy.errors import Place
from svc_policy.pack.digest import canonical_cell
from svc_policy.rules.family import Row
from svc_policy.tables import canonical_test
from svc_policy.units import format_day, format_literal

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack
    from svc_policy.policy import Policy

Kind = Literal["added", "dropped", "changed", "edition", "moved"]
Part = Literal[
    "rule",
    "parameter",
    "interpretation",
    "list",
    "calendar",
    "week",
    "fact",
    "role",
    "money",
    "setting",
    "clause",
    "wording",
]
#: Parts that decide nothing: what is said about the rules, and how they are called.
WORDS_ONLY: frozenset[Part] = frozenset({"clause", "wording"})
NOTHING = "-"


@attrs.frozen
class Cells:
    """One cell that is different: its column, and what stood and stands there (`-` for nothing)."""

    column: str
    before: str
    after: str


@attrs.frozen(kw_only=True)
class Change:
    """One thing that is different.

    Args:
        kind: What was done.
        part: To what.
        table: The table of a rule, the name of a list; empty elsewhere.
        name: The rule, parameter, key, day, fact, role, clause, or word.
        since: The day from which the changed row or value is in force, in days since 1970-01-01; None is open.
        cells: What is different in it; empty where it was added or dropped as a whole.
        cites: The clauses of both sides.
        old: The rule's row before.
        new: The rule's row after.
        old_place: Where it stood.
        new_place: Where it stands.
    """

    kind: Kind
    part: Part
    table: str = ""
    name: str
    since: int | None = None
    cells: tuple[Cells, ...] = ()
    cites: tuple[str, ...] = ()
    old: Row | None = None
    new: Row | None = None
    old_place: Place | None = None
    new_place: Place | None = None

    @property
    def decides(self) -> bool:
        """Say whether decisions can depend on it; an edition that says what the one before it said changes nothing."""
        if self.kind in ("changed", "edition") and not self.cells:
            return False
        return self.part not in WORDS_ONLY and any(cell.column not in _SAID for cell in self.cells or _WHOLE)

    @property
    def key(self) -> tuple[str, str, int]:
        """Order changes: by table and rule, dated ones by their day."""
        return (self.table, self.name, -(1 << 40) if self.since is None else self.since)


#: Cells of a row that say something about it and decide nothing.
_SAID = frozenset({"note"})
_WHOLE = (Cells("", NOTHING, NOTHING),)


def find_changes(old: Policy, new: Policy) -> tuple[Change, ...]:
    """List what is different, rules first by table and id, then the rest part by part."""
    is_fixed = old.fixed_on is not None or new.fixed_on is not None
    rules = [
        change
        for table in dict.fromkeys((*old.pack.rows, *new.pack.rows))
        for change in _rules(table, rows_in_force(old, table), rows_in_force(new, table), is_fixed)
    ]
    first, second = old.pack, new.pack
    was, will = first.settings, second.settings
    # A cell that only takes another value of a parameter is that parameter's change.
    rules = [change for change in rules if not explained_by(change.old, change.new, was, will)]
    rest = (
        *_parameters(old, new),
        *_lists(first, second),
        *_calendar(first, second),
        *_settings(first, second),
        *_clauses(first, second),
        *_wording(first, second),
    )
    return (*sorted(rules, key=lambda change: change.key), *rest)


def _rules(table: str, before: Sequence[Row], after: Sequence[Row], is_fixed: bool) -> Iterator[Change]:
    def key(row: Row) -> tuple[str, int | None]:
        return row.id, None if is_fixed else row.since

    old = {key(row): row for row in before}
    new = {key(row): row for row in after}
    follows = {} if is_fixed else _successors(old, new)
    ended = set(follows.values())
    for name, row in old.items():
        if name not in new:
            yield _rule("dropped", table, row, None, ())
    for name, row in new.items():
        if name not in old:
            if name in follows:
                predecessor = new[follows[name]]
                cells = _cells_of(predecessor, row, skip=("from", "until"))
                yield _rule("edition", table, predecessor, row, cells)
            else:
                yield _rule("added", table, None, row, ())
            continue
        skip = ("from", "until") if is_fixed else ("until",) if name in ended else ()
        cells = _cells_of(old[name], row, skip=skip)
        if cells:
            yield _rule("changed", table, old[name], row, cells)
    yield from _moves(table, old, new)


def _successors(
    old: Mapping[tuple[str, int | None], Row], new: Mapping[tuple[str, int | None], Row]
) -> dict[tuple[str, int | None], tuple[str, int | None]]:
    """Find the new rows that begin where a row of the same rule, already there before, was made to end."""
    found = {}
    for name, row in new.items():
        if name in old or row.since is None:
            continue
        for other, candidate in new.items():
            known = old.get(other)
            if other[0] == row.id and candidate.until == row.since and known is not None and known.until != row.since:
                found[name] = other
    return found


def _moves(
    table: str, old: Mapping[tuple[str, int | None], Row], new: Mapping[tuple[str, int | None], Row]
) -> Iterator[Change]:
    """Name the rows that stand elsewhere among those that both have: as few as explain the new order."""
    before = [name for name in old if name in new]
    after = [name for name in new if name in old]
    if before == after:
        return
    place = {name: index for index, name in enumerate(before)}
    kept = set(_longest_rising([place[name] for name in after]))
    for position, name in enumerate(after, start=1):
        if place[name] not in kept:
            cells = (Cells("row", str(place[name] + 1), str(position)),)
            yield _rule("moved", table, old[name], new[name], cells)


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """Give a longest rising subsequence: what can stay where it is."""
    from bisect import bisect_left

    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tails, number)
        before.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [number]
        ends[place : place + 1] = [index]
    found = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(numbers[index])
        index = before[index]
    return found[::-1]


def _rule(kind: Kind, table: str, old: Row | None, new: Row | None, cells: tuple[Cells, ...]) -> Change:
    row = new if new is not None else old
    assert row is not None
    cites = dict.fromkeys((*(old.cites if old else ()), *(new.cites if new else ())))
    return Change(
        kind=kind,
        part="rule",
        table=table,
        name=row.id,
        since=row.since,
        cells=cells,
        cites=tuple(cites),
        old=old,
        new=new,
        old_place=_place(old),
        new_place=_place(new),
    )


def _place(row: Row | None) -> Place | None:
    return None if row is None else Place(file=row.file, line=row.line)


def row_cells(row: Row) -> dict[str, str]:
    """Write what a row says, cell by cell, in the form that all ways of writing it share."""
    cells = {"from": NOTHING if row.since is None else format_day(row.since)}
    cells["until"] = NOTHING if row.until is None else format_day(row.until)
    cells.update((name, canonical_test(test)) for name, test in row.tests.items() if not test.any)
    for name, cell in row.results.items():
        written = canonical_cell(cell)
        if written is not None and written != []:
            cells[f"then: {name}"] = ", ".join(map(str, written)) if isinstance(written, list) else str(written)
    cells["cite"] = " ".join(sorted(row.cites))
    if row.note:
        cells["note"] = row.note
    return cells


def _cells_of(old: Row, new: Row, skip: Iterable[str] = ()) -> tuple[Cells, ...]:
    return _different(row_cells(old), row_cells(new), skip)


def _different(before: Mapping[str, str], after: Mapping[str, str], skip: Iterable[str] = ()) -> tuple[Cells, ...]:
    return tuple(
        Cells(name, before.get(name, NOTHING), after.get(name, NOTHING))
        for name in dict.fromkeys((*before, *after))
        if name not in skip and before.get(name, NOTHING) != after.get(name, NOTHING)
    )


def _parameters(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = _values(old), _values(new)
    cites = {**old.pack.settings.cites, **new.pack.settings.cites}
    readings = {**old.pack.settings.interpretations, **new.pack.settings.interpretations}
    for name in dict.fromkeys((*before, *after)):
        part: Part = "interpretation" if name in readings else "parameter"
        clauses = readings[name].cites if name in readings else tuple(cites.get(name, ()))
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            kind: Kind = "added" if one is None else "dropped"
            cells = tuple(
                Cells(_day(since), NOTHING, value) if one is None else Cells(_day(since), value, NOTHING)
                for since, value in (two or one or {}).items()
            )
            yield Change(kind=kind, part=part, name=name, cells=cells, cites=clauses)
        elif one != two:
            only_added = all(two.get(since) == value for since, value in one.items())
            yield Change(
                kind="edition" if only_added else "changed",
                part=part,
                name=name,
                since=max((since for since in two if since not in one and since is not None), default=None),
                cells=tuple(
                    Cells(_day(since), was, will)
                    for since in sorted({*one, *two}, key=lambda day: -(1 << 40) if day is None else day)
                    for was, will in ((_on(one, since), _on(two, since)),)
                    if was != will
                ),
                cites=clauses,
            )


def _on(values: Mapping[int | None, str], day: int | None) -> str:
    """Give the value that holds on a day: that of the last first day up to it, else the oldest."""
    known = [value for since, value in values.items() if since is None or (day is not None and since <= day)]
    return known[-1] if known else next(iter(values.values()))


def _values(policy: Policy) -> dict[str, dict[int | None, str]]:
    """Give every parameter's values by their first day; of a policy fixed on a day the one of that day."""
    return {
        name: {since: format_literal(literal) for since, literal in values_of(policy, name)}
        for name in policy.pack.settings.parameters
    }


def _day(since: int | None) -> str:
    return NOTHING if since is None else format_day(since)


def _keyed(part: Part, table: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        one, two = before.get(name), after.get(name)
        if one == two:
            continue
        kind: Kind = "added" if one is None else "dropped" if two is None else "changed"
        cells = (Cells("", NOTHING if one is None else one, NOTHING if two is None else two),)
        yield Change(kind=kind, part=part, table=table, name=name, cells=cells)


def _lists(old: Pack, new: Pack) -> Iterator[Change]:
    for name in dict.fromkeys((*old.settings.lookups, *new.settings.lookups)):
        heads = [
            {name: " ".join((lookup.key, *lookup.fills))} if (lookup := pack.settings.lookups.get(name)) else {}
            for pack in (old, new)
        ]
        yield from _keyed("list", "", *heads)
        written = [
            {key: ", ".join(map(str, values)) for key, values in pack.lookups.get(name, {}).items()}
            for pack in (old, new)
        ]
        yield from _keyed("list", name, *written)


def _calendar(old: Pack, new: Pack) -> Iterator[Change]:
    def days(pack: Pack) -> dict[str, str]:
        return {day.day.isoformat(): day.as_weekday or _windows(day.windows) for day in pack.days}

    yield from _keyed(
        "week",
        "",
        *({day: " ".join(hours) for day, hours in pack.settings.week.items() if hours} for pack in (old, new)),
    )
    valid = [{"valid": " – ".join(pack.settings.valid)} if pack.settings.valid else {} for pack in (old, new)]
    yield from _keyed("calendar", "", *valid)
    yield from _keyed("calendar", "", days(old), days(new))


def _windows(windows: Iterable[tuple[int, int]]) -> str:
    def clock(seconds: int) -> str:
        return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"

    return " ".join(f"{clock(start)}-{clock(end)}" for start, end in windows) or "off"


def _settings(old: Pack, new: Pack) -> Iterator[Change]:
    def facts(pack: Pack) -> dict[str, str]:
        return {
            f"{fact.grain}.{fact.name}": f"{fact.kind}, {fact.absence}, {fact.default}, {fact.low}..{fact.high}, "
            + " ".join(sorted(fact.values))
            for fact in pack.settings.company_facts
        }

    def money(pack: Pack) -> dict[str, str]:
        settings = pack.settings.money
        return {
            "tax": str(canonical_cell(settings.tax) or NOTHING),
            "prices_include_tax": "yes" if settings.prices_include_tax else "no",
            "rounding_place": settings.rounding_place,
        }

    def identity(pack: Pack) -> dict[str, str]:
        return {"id": pack.id, "timezone": pack.settings.timezone, "currency": pack.settings.currency}

    pairs: tuple[tuple[Part, Callable[[Pack], dict[str, str]]], ...] = (
        ("setting", identity),
        ("money", money),
        ("fact", facts),
        ("role", lambda pack: dict.fromkeys(pack.settings.roles, "")),
    )
    for part, written in pairs:
        if part == "money" and explained_by(old.settings.money, new.settings.money, old.settings, new.settings):
            continue
        yield from _keyed(part, "", written(old), written(new))


def _clauses(old: Pack, new: Pack) -> Iterator[Change]:
    for change in _keyed(
        "clause",
        "",
        *({name: f"{one.place}\n{one.en}\n{one.zh}" for name, one in pack.clauses.items()} for pack in (old, new)),
    ):
        before, after = old.clauses.get(change.name), new.clauses.get(change.name)
        cells = _different(
            {} if before is None else {"place": before.place, "en": before.en, "zh": before.zh},
            {} if after is None else {"place": after.place, "en": after.en, "zh": after.zh},
        )
        yield attrs.evolve(change, cells=cells, cites=(change.name,))


def _wording(old: Pack, new: Pack) -> Iterator[Change]:
    def words(pack: Pack) -> dict[str, str]:
        settings = pack.settings
        return {
            **{f"title.{language}": text for language, text in settings.titles.items()},
            **{f"labels.{name}": " / ".join(texts) for name, texts in pack.labels.items()},
            **{f"roles.{name}": " / ".join(texts) for name, texts in settings.roles.items()},
            **{f"parameters.{name}": " / ".join(texts) for name, texts in settings.labels.items()},
            **{f"interpretations.{name}": f"{one.en} / {one.zh}" for name, one in settings.interpretations.items()},
            **{f"facts.{fact.name}": f"{fact.en} / {fact.zh}" for fact in settings.company_facts},
        }

    yield from _keyed("wording", "", words(old), words(new))
