"""What a change is made of: the alterations that are tried one at a time.

A rule is one alteration with all its editions, as an edition that ends and the
one that follows it mean nothing without each other. A parameter is one with all
the rules whose cells it changed. The rest (the order of a table, taxes, a
calendar, a list, the facts) is one each. Applied to the old policy one after
another they make the new one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from svc_policy.pack.digest import digest
from svc_policy.pack.load import Pack
from svc_policy.pack.settings import Settings
from svc_policy.policy import Policy
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Parameter, Row
from svc_policy.units import Literal

#: In this order the alterations of no table come, before those of the tables.
SETTINGS: Final = ("calendar", "facts", "list", "money", "parameter")
#: What is said of an alteration beside its table and rule; not compared.
_SAID: Final = {"file", "line", "note", "rests_on"}


@attrs.frozen(kw_only=True, eq=False)
class Alteration:
    """One alteration of a policy.

    `kind` is ``rule``, ``order`` (of the rows of a table), ``table`` (all of a
    table at once), ``parameter``, ``money``, ``list``, ``facts`` or ``calendar``
    (the zone, the week, the days); `name` the rule, parameter or list. `cites` are the clauses that the
    rows cite, the new ones first. `apply` makes the altered pack.
    """

    kind: str
    table: str = ""
    name: str = ""
    cites: tuple[str, ...] = ()
    old: tuple[Row, ...] = ()
    new: tuple[Row, ...] = ()
    apply: Callable[[Pack], Pack] = attrs.field(repr=False)

    @property
    def key(self) -> str:
        """Name the alteration in one word, as in `fees/visit_near`."""
        return "/".join(part for part in (self.table or self.kind, self.name) if part)

    def to_dict(self) -> dict[str, Any]:
        """Give the alteration as JSON-ready data."""
        return {
            "kind": self.kind,
            "table": self.table or None,
            "name": self.name or None,
            "clauses": list(self.cites),
            "old": [_place(row) for row in self.old],
            "new": [_place(row) for row in self.new],
        }


def _place(row: Row) -> dict[str, Any]:
    return {"rule": row.id, "file": row.file, "line": row.line}


def alterations(old: Policy, new: Policy, most: int) -> list[Alteration]:
    """List what one policy alters in another, in the order of tables and rules.

    Where there are more than `most`, the rules of a table are altered together.
    A policy that is fixed on a day is pinned to it first (:func:`svc_policy.diff.pinned.pinned`).
    """
    found = [*_of_settings(old, new), *_of_tables(old.pack, new.pack)]
    if len(found) > most:
        found = _by_table(found)
    return found


def altered(policy: Policy, alteration: Alteration, new: Policy) -> Policy:
    """Apply an alteration to a policy, and to nothing else of it."""
    pack = _with_names(alteration.apply(policy.pack), new.pack.settings)
    made = attrs.evolve(pack, digest=digest(pack.settings, pack.rows, pack.lookups, pack.days))
    return Policy(made, policy.fixed_on)


def _with_names(pack: Pack, other: Settings) -> Pack:
    """Add the parameters, roles and facts that only another policy has: nothing of the own rows reads them."""
    own = pack.settings
    facts = {
        grain: (*of, *(fact for fact in other.facts.get(grain, ()) if fact.name not in {item.name for item in of}))
        for grain, of in own.facts.items()
    }
    names = {fact.name for fact in own.company_facts}
    settings = attrs.evolve(
        own,
        parameters={**other.parameters, **own.parameters},
        roles={**other.roles, **own.roles},
        facts=facts,
        company_facts=(*own.company_facts, *(fact for fact in other.company_facts if fact.name not in names)),
    )
    return attrs.evolve(pack, settings=settings)


# --- settings


def _of_settings(old: Policy, new: Policy) -> Iterable[Alteration]:
    before, after = old.pack, new.pack
    was, will = before.settings, after.settings
    if clock_of(before) != clock_of(after):
        yield Alteration(kind="calendar", apply=lambda pack: _with_clock(pack, after))
    if was.facts != will.facts:
        yield Alteration(kind="facts", apply=lambda pack: _with_facts(pack, will))
    for name in sorted({*was.lookups, *will.lookups}):
        if _list_of(before, name) != _list_of(after, name):
            yield Alteration(kind="list", name=name, apply=lambda pack, name=name: _with_list(pack, after, name))  # type: ignore[misc]
    explained = _explained_money(was, will)
    if was.money != will.money and explained is None:
        yield Alteration(
            kind="money",
            apply=lambda pack: attrs.evolve(pack, settings=attrs.evolve(pack.settings, money=will.money)),
        )
    for name in changed_parameters(was, will):
        rows = _rows_of_parameter(before, after, name)
        money = will.money if explained == name else None
        if not rows and money is None and not _is_read(before, after, name):
            continue
        cites = dict.fromkeys([*will.cites.get(name, ()), *was.cites.get(name, ())])
        yield Alteration(
            kind="parameter",
            name=name,
            cites=tuple(cites),
            old=tuple(pair[0] for pairs in rows.values() for pair in pairs),
            new=tuple(pair[1] for pairs in rows.values() for pair in pairs),
            apply=lambda pack, name=name, rows=rows, money=money: _with_parameter(pack, will, name, rows, money),  # type: ignore[misc]
        )


def clock_of(pack: Pack) -> tuple[object, ...]:
    """Give what the clocks of a pack are made of: equal for packs that reckon time alike."""
    settings = pack.settings
    week = {day: tuple(windows) for day, windows in settings.week.items() if windows}
    days = tuple((day.day, day.windows, day.as_weekday) for day in pack.days)
    return (settings.timezone, tuple(sorted(week.items())), settings.valid, days)


def _with_clock(pack: Pack, other: Pack) -> Pack:
    settings = other.settings
    changed = attrs.evolve(pack.settings, timezone=settings.timezone, week=settings.week, valid=settings.valid)
    return attrs.evolve(pack, settings=changed, days=other.days)


def _with_facts(pack: Pack, other: Settings) -> Pack:
    return attrs.evolve(
        pack, settings=attrs.evolve(pack.settings, facts=other.facts, company_facts=other.company_facts)
    )


def _list_of(pack: Pack, name: str) -> object:
    declared = pack.settings.lookups.get(name)
    return None if declared is None else (declared.key, tuple(declared.fills), pack.lookups.get(name))


def _with_list(pack: Pack, other: Pack, name: str) -> Pack:
    declared = {key: value for key, value in pack.settings.lookups.items() if key != name}
    values = {key: value for key, value in pack.lookups.items() if key != name}
    if name in other.settings.lookups:
        declared[name] = other.settings.lookups[name]
        values[name] = other.lookups.get(name, {})
    return attrs.evolve(pack, settings=attrs.evolve(pack.settings, lookups=declared), lookups=values)


# --- parameters


def changed_parameters(was: Settings, will: Settings) -> list[str]:
    """List the parameters that both policies have and that differ in their values, in the order of their names."""
    shared = sorted(was.parameters.keys() & will.parameters.keys())
    return [name for name in shared if was.parameters[name].values != will.parameters[name].values]


def explained_by(old: object, new: object, was: Settings, will: Settings) -> frozenset[str] | None:
    """Name the parameters that account for every difference of two values; None if something else differs too."""
    if old == new:
        return frozenset()
    if isinstance(old, Literal) and isinstance(new, Literal):
        for name in changed_parameters(was, will):
            before, after = was.parameters[name].values, will.parameters[name].values
            if len(before) == len(after) == 1 and (before[0][1], after[0][1]) == (old, new):
                return frozenset({name})
        return None
    if isinstance(old, Parameter) and isinstance(new, Literal):
        return _dated(new, old, will, was)
    if isinstance(old, Literal) and isinstance(new, Parameter):
        return _dated(old, new, was, will)
    if type(old) is not type(new):
        return None
    parts: list[tuple[object, object]]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if list(old) != list(new):
            return None
        parts = [(old[key], new[key]) for key in old]
    elif isinstance(old, tuple) and isinstance(new, tuple):
        if len(old) != len(new):
            return None
        parts = list(zip(old, new, strict=True))
    elif attrs.has(type(old)):
        fields = attrs.fields(type(old))  # type: ignore[arg-type]
        names = [item.name for item in fields if item.eq and item.name not in _SAID]
        parts = [(getattr(old, name), getattr(new, name)) for name in names]
    else:
        return None
    found: set[str] = set()
    for before_part, after_part in parts:
        of = explained_by(before_part, after_part, was, will)
        if of is None:
            return None
        found |= of
    return frozenset(found)


def _dated(plain: Literal, named: Parameter, single: Settings, dated: Settings) -> frozenset[str] | None:
    """Name a parameter that got, or lost, a second value: with one value it stands in cells as that value."""
    known = single.parameters.get(named.name)
    if known is None or named.name not in dated.parameters or len(known.values) != 1 or known.values[0][1] != plain:
        return None
    return frozenset({named.name})


def same_row(old: Row, new: Row) -> bool:
    """Say whether two rows decide and say the same; where they stand in a file does not matter."""
    return all(
        getattr(old, item.name) == getattr(new, item.name) for item in attrs.fields(Row) if item.name not in _SAID
    )


def _explained_money(was: Settings, will: Settings) -> str | None:
    """Name the parameter that alone accounts for a change of the taxes."""
    found = explained_by(was.money, will.money, was, will)
    return next(iter(found)) if found is not None and len(found) == 1 else None


def _rows_of_parameter(before: Pack, after: Pack, name: str) -> dict[str, list[tuple[Row, Row]]]:
    """List, by table, the rules that differ only because a parameter does."""
    found: dict[str, list[tuple[Row, Row]]] = {}
    for table in FAMILIES:
        for old, new in _pairs(before.rows.get(table, ()), after.rows.get(table, ())):
            if name in old.rests_on and name in new.rests_on:
                of = explained_by(old, new, before.settings, after.settings)
                if of == frozenset({name}):
                    found.setdefault(table, []).append((old, new))
    return found


def _is_read(before: Pack, after: Pack, name: str) -> bool:
    """Say whether a parameter has dates, and is read as it stands by rows that do not change."""
    dated = len(before.settings.parameters[name].values) > 1 or len(after.settings.parameters[name].values) > 1
    rows = (row for pack in (before, after) for rows in pack.rows.values() for row in rows)
    return dated and (any(name in row.rests_on for row in rows) or _names(before.settings.money.tax, name))


def _names(cell: object, name: str) -> bool:
    return getattr(cell, "name", None) == name


def _with_parameter(
    pack: Pack, other: Settings, name: str, rows: Mapping[str, Sequence[tuple[Row, Row]]], money: Any
) -> Pack:
    parameters = {**pack.settings.parameters, name: other.parameters[name]}
    settings = attrs.evolve(pack.settings, parameters=parameters)
    if money is not None:
        settings = attrs.evolve(settings, money=money)
    placed = dict(pack.rows)
    for table, pairs in rows.items():
        replaced = {_edition(old): new for old, new in pairs}
        placed[table] = tuple(replaced.get(_edition(row), row) for row in placed[table])
    return attrs.evolve(pack, settings=settings, rows=placed)


# --- tables


def _edition(row: Row) -> tuple[str, int | None]:
    return (row.id, row.since)


def _pairs(old: Sequence[Row], new: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pair the editions that both tables have."""
    before = {_edition(row): row for row in old}
    return [(before[_edition(row)], row) for row in new if _edition(row) in before]


def _of_tables(before: Pack, after: Pack) -> Iterable[Alteration]:
    settings = (before.settings, after.settings)
    for table in FAMILIES:
        old, new = before.rows.get(table, ()), after.rows.get(table, ())
        explained = {
            _edition(row)
            for name in changed_parameters(*settings)
            for row, _ in _rows_of_parameter(before, after, name).get(table, ())
        }
        for name in dict.fromkeys(row.id for row in (*old, *new)):
            was = tuple(row for row in old if row.id == name)
            will = tuple(row for row in new if row.id == name)
            same = len(was) == len(will) and all(
                same_row(one, other) or _edition(one) in explained for one, other in zip(was, will, strict=True)
            )
            if same:
                continue
            yield Alteration(
                kind="rule",
                table=table,
                name=name,
                cites=_cited(will, was),
                old=was,
                new=will,
                apply=lambda pack, table=table, name=name, new=new: _with_rule(pack, table, name, new),  # type: ignore[misc]
            )
        if _moved(old, new):
            yield Alteration(
                kind="order",
                table=table,
                apply=lambda pack, table=table, new=new: _in_order(pack, table, new),  # type: ignore[misc]
            )


def _cited(*groups: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clause for rows in groups for row in rows for clause in row.cites))


def _with_rule(pack: Pack, table: str, name: str, new: Sequence[Row]) -> Pack:
    """Put the editions of a rule in the place of those that a table has; a new one comes after the one before it."""
    rows = list(pack.rows.get(table, ()))
    own = {_edition(row): row for row in new if row.id == name}
    at = next((index for index, row in enumerate(rows) if row.id == name), None)
    if at is None:
        ids = list(dict.fromkeys(row.id for row in new))
        before = ids[: ids.index(name)] if own else []
        places = [(before.index(row.id), index + 1) for index, row in enumerate(rows) if row.id in before]
        at = max(places, default=(0, 0))[1]
    placed: list[Row] = []
    for index in range(len(rows) + 1):
        if index == at:
            # Editions that the table lacks, and those before which they stand.
            placed.extend(_first_editions(own, rows))
        if index == len(rows):
            break
        row = rows[index]
        if row.id != name:
            placed.append(row)
        elif _edition(row) in own:
            placed.append(own[_edition(row)])
            placed.extend(_following(own, _edition(row), rows))
    return attrs.evolve(pack, rows={**pack.rows, table: tuple(placed)})


def _first_editions(own: Mapping[tuple[str, int | None], Row], rows: Sequence[Row]) -> list[Row]:
    """List the new editions that stand before all that the table has."""
    there = {_edition(row) for row in rows}
    return list(itertools.takewhile(lambda row: _edition(row) not in there, own.values()))


def _following(
    own: Mapping[tuple[str, int | None], Row], edition: tuple[str, int | None], rows: Sequence[Row]
) -> list[Row]:
    """List the new editions that stand just after one that the table has."""
    there = {_edition(row) for row in rows}
    after = list(own)[list(own).index(edition) + 1 :]
    return [own[key] for key in itertools.takewhile(lambda key: key not in there, after)]


def _moved(old: Sequence[Row], new: Sequence[Row]) -> bool:
    """Say whether the rules that both tables have stand in another order."""
    before, after = (list(dict.fromkeys(row.id for row in rows)) for rows in (old, new))
    return [name for name in before if name in after] != [name for name in after if name in before]


def _in_order(pack: Pack, table: str, new: Sequence[Row]) -> Pack:
    """Put the rows of a table into the order of another; rules that it lacks stay beside the one before them."""
    order = {name: index for index, name in enumerate(dict.fromkeys(row.id for row in new))}
    places: dict[int, tuple[int, int]] = {}
    last = -1
    for index, row in enumerate(pack.rows.get(table, ())):
        last = order.get(row.id, last)
        places[index] = (last, index)
    rows = pack.rows.get(table, ())
    return attrs.evolve(
        pack, rows={**pack.rows, table: tuple(rows[index] for index in sorted(places, key=places.__getitem__))}
    )


def _by_table(found: Sequence[Alteration]) -> list[Alteration]:
    """Alter all rules of a table together."""
    made: dict[str, list[Alteration]] = {}
    for item in found:
        made.setdefault(item.table or item.key, []).append(item)
    return [items[0] if len(items) == 1 else _together(table, items) for table, items in made.items()]


def _together(table: str, items: Sequence[Alteration]) -> Alteration:
    def apply(pack: Pack) -> Pack:
        for item in items:
            pack = item.apply(pack)
        return pack

    return Alteration(
        kind="table",
        table=table,
        cites=tuple(dict.fromkeys(clause for item in items for clause in item.cites)),
        old=tuple(row for item in items for row in item.old),
        new=tuple(row for item in items for row in item.new),
        apply=apply,
    )
