"""The days that every engine knows, tables of SQL included; beyond them nothing is answered."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final

from svc_policy.errors import CalendarError
from svc_policy.units import add_months as add_months_uncached
from svc_policy.worktime import refusals
from svc_policy.worktime.windows import DAY, day_number

#: Local days, and the instants a clock may give, are known for these days: 1970-01-02 to 2199-12-30.
FIRST_DAY: Final = 1
LAST_DAY: Final = 84_004
#: The same in epoch seconds, both included.
FIRST_INSTANT: Final = FIRST_DAY * DAY
LAST_INSTANT: Final = (LAST_DAY + 1) * DAY - 1
#: Months are counted from and to these days: 1900-01-01 to 2299-12-31.
FIRST_MONTH_DAY: Final = day_number(dt.date(1900, 1, 1))
LAST_MONTH_DAY: Final = day_number(dt.date(2299, 12, 31))


# Anniversaries repeat: the products of a shop are sold on few days.
@lru_cache(maxsize=65_536)
def add_months(day: int, months: int) -> int:
    """Move an epoch day by months, clamped to the end of the month it lands in.

    Raises:
        CalendarError: The day, or the one it is moved to, lies outside the years in which months are counted.
    """
    for counted in (day, add_months_uncached(day, months)):
        if not FIRST_MONTH_DAY <= counted <= LAST_MONTH_DAY:
            raise CalendarError([refusals.date_unknown(counted, FIRST_MONTH_DAY, LAST_MONTH_DAY)])
    return counted


def check_instant(instant: int) -> None:
    """See that an instant, in epoch seconds, lies within the years in which a zone's clock is known.

    Raises:
        CalendarError: It does not.
    """
    if not FIRST_INSTANT <= instant <= LAST_INSTANT:
        raise CalendarError([refusals.date_unknown(instant // DAY, FIRST_DAY, LAST_DAY)])


def check_day(day: int) -> None:
    """See that an epoch day lies within the years in which a zone's clock is known.

    Raises:
        CalendarError: It does not.
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        raise CalendarError([refusals.date_unknown(day, FIRST_DAY, LAST_DAY)])
