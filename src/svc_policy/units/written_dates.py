"""Read dates as people write them: `2026-01-01`, `2026/1/1`, `2026年1月1日`."""

from __future__ import annotations

import re
from typing import Final

from svc_policy.messages import message
from svc_policy.units.days import day_of, days_in_month, is_date
from svc_policy.units.folding import fold
from svc_policy.units.records import Refusal

DATE: Final = (
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
    r"|[0-9]{4}\s*年\s*[0-9]{1,2}\s*月\s*[0-9]{1,2}\s*日"
)


def read_date(text: str) -> int:
    """Read a date as days since 1970-01-01.

    Raises:
        Refusal: It is not written as a date, or there is no such day.
    """
    return day_of(*read_date_parts(fold(text).strip()))


def read_date_parts(text: str) -> tuple[int, int, int]:
    """Read the year, month and day of a folded text.

    Raises:
        Refusal: It is not written as a date, or there is no such day.
    """
    if re.fullmatch(DATE, text) is None:
        raise Refusal("date-unreadable", message("a date is written as in `2026-01-31`"))
    year, month, day = (int(part) for part in re.findall("[0-9]+", text))
    if not is_date(year, month, day):
        raise Refusal(
            "date-missing",
            message(
                "there is no such day: {month} has {days} days",
                month=f"{year:04}-{month:02}",
                days=days_in_month(year, month),
            )
            if year and 1 <= month <= 12
            else message("there is no such month"),
        )
    return year, month, day
