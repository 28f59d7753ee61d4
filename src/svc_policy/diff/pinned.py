"""A policy fixed on a day without its dates: the rows and values in force then, as if there were no others.

Two editions fixed on two days can be compared row by row so, whatever day each
row begins on; and a row of one can stand in the other.
"""

from __future__ import annotations

import attrs

from svc_policy.pack.digest import digest
from svc_policy.pack.settings import Settings
from svc_policy.policy import Policy
from svc_policy.policy.views import EPOCH
from svc_policy.rules.family import Cell, Parameter, ParameterValues, Row
from svc_policy.units import Literal


def pinned(policy: Policy) -> Policy:
    """Give a policy that decides as one fixed on a day does, and has no dates; any other as it is.

    Rows that are not in force on the day are left out, the rest has neither `since`
    nor `until`; a parameter has the one value of the day, which stands in the cells that named it.
    """
    if policy.fixed_on is None:
        return policy
    pack = policy.pack
    settings = _settings_on(pack.settings, policy.fixed_on.toordinal() - EPOCH)
    rows = {table: tuple(_undated(row, settings) for row in rows_in_force(policy, table)) for table in pack.rows}
    made = attrs.evolve(pack, settings=settings, rows=rows, digest=digest(settings, rows, pack.lookups, pack.days))
    return Policy(made)


def rows_in_force(policy: Policy, table: str) -> tuple[Row, ...]:
    """List the rows of a table; of a policy fixed on a day those in force then, with their dates."""
    rows = policy.pack.rows.get(table, ())
    if policy.fixed_on is None:
        return rows
    day = policy.fixed_on.toordinal() - EPOCH
    return tuple(
        row for row in rows if (row.since is None or row.since <= day) and (row.until is None or day < row.until)
    )


def values_of(policy: Policy, name: str) -> tuple[tuple[int | None, Literal], ...]:
    """List the values of a parameter, each with its first day; of a policy fixed on a day the one that holds then."""
    parameter = policy.pack.settings.parameters[name]
    if policy.fixed_on is None:
        return parameter.values
    return ((None, _value_on(parameter, policy.fixed_on.toordinal() - EPOCH)),)


def _value_on(parameter: ParameterValues, day: int) -> Literal:
    """Find the value of a day; before the first day of all the oldest one holds."""
    oldest, *later = parameter.values
    return next((value for since, value in reversed(later) if since is None or since <= day), oldest[1])


def _settings_on(settings: Settings, day: int) -> Settings:
    parameters = {
        name: attrs.evolve(parameter, values=((None, _value_on(parameter, day)),))
        for name, parameter in settings.parameters.items()
    }
    tax = settings.money.tax
    if isinstance(tax, Parameter):
        tax = parameters[tax.name].values[0][1]
    return attrs.evolve(settings, parameters=parameters, money=attrs.evolve(settings.money, tax=tax))


def _undated(row: Row, settings: Settings) -> Row:
    def placed(cell: Cell) -> Cell:
        return settings.parameters[cell.name].values[0][1] if isinstance(cell, Parameter) else cell

    results = {name: placed(cell) for name, cell in row.results.items()}
    return attrs.evolve(row, since=None, until=None, results=results)
