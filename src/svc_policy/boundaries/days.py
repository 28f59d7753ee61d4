"""Days and instants that a policy turns on: editions, month ends, frozen days, working hours, the clock's changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from svc_policy.engines.runtime import zone_changes
from svc_policy.rules.family import Parameter
from svc_policy.units.days import add_months, date_of, day_of, days_in_month
from svc_policy.worktime.windows import WEEKDAYS, Windows, read_week

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing, Row

#: Where neither a calendar nor an edition says in which year a policy lives.
SOME_YEAR = 2026
HOUR = 3600
_MORNING = 10 * HOUR
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_WEDNESDAY = 2


def governs(governing: Governing) -> tuple[str, ...]:
    """List the facts, by their paths, that a governing day is taken from, the first before the others."""
    paths: dict[str, tuple[str, ...]] = {
        "purchase": ("purchased_on", "delivered_on"),
        "request": ("received_at",),
        "fee": ("quoted_at", "received_at"),
        "incident": ("incidents[].occurred_on",),
    }
    return paths.get(governing, ())


def edition_starts(policy: Policy, governing: Governing) -> tuple[int, ...]:
    """List the days on which an edition begins or ends by a governing date, its dated parameters included."""
    rules = policy.pack.rules()
    found: set[int] = set()
    for name, rows in rules.rows.items():
        if rules.families[name].governing != governing:
            continue
        for row in rows:
            found.update(day for day in (row.since, row.until) if day is not None)
            found.update(since for used in _parameters_of(policy, row) for since, _ in used if since is not None)
    tax = policy.pack.settings.money.tax
    if governing == "fee" and isinstance(tax, Parameter):
        found.update(since for since, _ in policy.pack.settings.parameters[tax.name].values if since is not None)
    return tuple(sorted(found))


def _parameters_of(policy: Policy, row: Row) -> list[tuple[tuple[int | None, object], ...]]:
    known = policy.pack.settings.parameters
    return [known[name].values for name in row.rests_on if name in known]


def windows_on(policy: Policy, day: int) -> Windows:
    """Give the working hours of a day, in seconds after its midnight; none where it is off or there is no week."""
    week = _week(policy)
    frozen = _frozen(policy).get(day)
    if frozen is None:
        return week[(day + 3) % 7]  # 1970-01-01 was a Thursday
    as_weekday, windows = frozen
    return windows if as_weekday is None else week[WEEKDAYS.index(as_weekday)]


@lru_cache(32)
def _week(policy: Policy) -> tuple[Windows, ...]:
    return tuple(read_week({day: list(windows) for day, windows in policy.pack.settings.week.items()}, []))


@lru_cache(32)
def _frozen(policy: Policy) -> dict[int, tuple[str | None, Windows]]:
    return {item.day.toordinal() - _EPOCH_DAY: (item.as_weekday, item.windows) for item in policy.pack.days}


def frozen_days(policy: Policy) -> tuple[int, ...]:
    """List the holidays and make-up days of the calendar, as days since 1970-01-01."""
    return tuple(sorted(_frozen(policy)))


def validity(policy: Policy) -> tuple[int, int] | None:
    """Give the first and last day of the policy's calendar, None where it has none."""
    if policy.pack.settings.valid is None:
        return None
    first, last = (date.fromisoformat(text).toordinal() - _EPOCH_DAY for text in policy.pack.settings.valid)
    return first, last


@lru_cache(32)
def plain_day(policy: Policy) -> int:
    """Choose an ordinary working day under the newest editions: a Wednesday in spring if there is one."""
    valid = validity(policy)
    kinds: tuple[Governing, ...] = ("request", "fee", "purchase", "incident")
    starts = [day for kind in kinds for day in edition_starts(policy, kind)]
    if valid is not None:
        starts = [day for day in starts if valid[0] <= day <= valid[1] - 60] or [valid[0]]
        year = date_of(valid[1])[0]
    else:
        year = max((date_of(day)[0] for day in starts), default=SOME_YEAR)
    base = max([day_of(year, 3, 1), *starts])
    if valid is not None and base > valid[1] - 30:
        base = max(valid[0], *(day for day in starts if day <= valid[1]))
    week = _week(policy)
    if not any(week):
        return base + (_WEDNESDAY - (base + 3)) % 7
    days = [day for day in range(base, base + 60) if windows_on(policy, day) and day not in _frozen(policy)]
    midweek = [day for day in days if (day + 3) % 7 == _WEDNESDAY]
    return (midweek or days or [base])[0]


def instant_on(policy: Policy, day: int, second: int) -> int:
    """Give the instant at which the wall clock of the policy's zone shows a second of a day, in epoch seconds."""
    wall = datetime.fromordinal(day + _EPOCH_DAY) + timedelta(seconds=second)
    return int(wall.replace(tzinfo=policy.zone).timestamp())


def morning_of(policy: Policy, day: int) -> int:
    """Choose a plain instant of a day: 10:00, or an hour after opening where it is closed then."""
    windows = windows_on(policy, day)
    second = _MORNING
    if windows and not any(begins <= second < ends for begins, ends in windows):
        begins, ends = windows[0]
        second = begins + HOUR if begins + HOUR < ends else begins
    return instant_on(policy, day, second)


def working_edges(policy: Policy, day: int) -> list[int]:
    """List opening and closing of a day's hours, a second before and after each."""
    edges = [edge for window in windows_on(policy, day) for edge in window]
    return [instant_on(policy, day, edge) + step for edge in edges for step in (-1, 0, 1)]


def month_ends(policy: Policy) -> list[int]:
    """List days on which months of other lengths end: 28 and 29 February, 1 March, 30 April, 31 January."""
    year = date_of(plain_day(policy))[0]
    leap = next(item for item in range(year, year - 9, -1) if days_in_month(item, 2) == 29)
    common = next(item for item in range(year, year - 9, -1) if days_in_month(item, 2) == 28)
    return sorted(
        {
            day_of(leap, 2, 29),
            day_of(leap, 3, 1),
            day_of(common, 2, 28),
            day_of(common, 3, 1),
            day_of(common, 4, 30),
            day_of(common, 1, 31),
        }
    )


@lru_cache(32)
def clock_changes(policy: Policy) -> tuple[int, ...]:
    """List the instants about the plain day, two years back and one on, at which the zone's clock is put."""
    day = plain_day(policy)
    return zone_changes(policy.zone, add_months(day, -24), add_months(day, 12))[0]
