"""Read instants: ISO 8601 with an offset, or a local time in a named zone; epoch seconds, UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from svc_policy.errors import nearest
from svc_policy.messages import Message, message
from svc_policy.units.days import day_of, format_day
from svc_policy.units.folding import fold
from svc_policy.units.records import Refusal
from svc_policy.units.written_dates import DATE, read_date_parts

if TYPE_CHECKING:
    from datetime import timedelta
    from zoneinfo import ZoneInfo

_INSTANT = (
    rf"(?P<date>{DATE})(?:[Tt]|\s+|(?<=日))(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?\s*"
    r"(?P<offset>[Zz]|[+\-−][0-9]{2}:?[0-9]{2})?"
)


def read_instant(text: str, zone: str | None = None) -> int:
    """Read an instant as epoch seconds, UTC.

    Args:
        text: `2026-03-02T09:00:00+08:00`, `2026-03-02T01:00Z`, or, with a zone, `2026-03-02 09:00`.
        zone: The IANA name of the zone in which a time without an offset is read.

    Raises:
        Refusal: It is no instant, or a local time that its zone skips or repeats.
    """
    match = re.fullmatch(_INSTANT, fold(text).strip())
    if match is None:
        raise Refusal("instant-unreadable", message("an instant is written as in `2026-03-02T09:00:00+08:00`"))
    if (match["fraction"] or "").strip("0"):
        raise Refusal("instant-too-fine", message("an instant is read to the second"))
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    of_day = 3600 * hour + 60 * minute + second
    if of_day > 86400 or hour > 24 or minute > 59 or second > 59:
        raise Refusal("instant-unreadable", message("a time of day runs from 00:00 to 24:00"))
    local = 86400 * day_of(*read_date_parts(match["date"])) + of_day
    if match["offset"]:
        return local - _offset(match["offset"])
    if zone is None:
        raise Refusal(
            "instant-without-offset",
            message("say where the clock hangs, as in `{example}`", example=f"{_local_text(local)}+08:00"),
        )
    return _in_zone(local, zone)


def format_instant(instant: int) -> str:
    """Write epoch seconds as `2026-03-02T01:00:00Z`."""
    return f"{_local_text(instant)}Z"


def _offset(text: str) -> int:
    if text in "Zz":
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise Refusal("instant-unreadable", message("an offset runs from `-23:59` to `+23:59`"))
    return (60 * hours + minutes) * (60 if text[0] == "+" else -60)


def _in_zone(local: int, zone: str) -> int:
    """Read a local time; both readings of a fold or a gap are named, never chosen between."""
    import datetime as time

    there = open_zone(zone)
    try:
        clock = time.datetime(1970, 1, 1) + time.timedelta(seconds=local)
    except OverflowError:
        raise Refusal("instant-unreadable", message("a year runs from 0001 to 9999")) from None
    first, second = (_seconds(clock.replace(tzinfo=there, fold=turn).utcoffset()) for turn in (0, 1))
    if first == second:
        return local - first
    # At a gap the offset before it is the smaller one, at a fold the larger.
    code = "instant-skipped" if first < second else "instant-twice"
    template = (
        message("`{zone}` skips this time: write `{first}` or `{second}`", **_readings(local, zone, first, second))
        if first < second
        else message(
            "`{zone}` has this time twice: write `{first}` or `{second}`", **_readings(local, zone, first, second)
        )
    )
    raise Refusal(code, template)


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else 86400 * offset.days + offset.seconds


def open_zone(zone: str) -> ZoneInfo:
    """Open a time zone by its IANA name.

    Raises:
        Refusal: There is no such zone.
    """
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        meant = nearest(zone, available_timezones())
        raise Refusal(
            "zone-unknown",
            message("`{zone}` is no time zone; did you mean `{meant}`?", zone=zone, meant=meant)
            if meant
            else message("`{zone}` is no time zone; zones are named as in `Asia/Shanghai`", zone=zone),
        ) from None


def advise_zone(zone: str) -> Message:
    """Say what a name that is no time zone may have meant."""
    from zoneinfo import available_timezones

    meant = nearest(zone, available_timezones())
    if meant is not None:
        return message("did you mean `{near}`?", near=meant)
    return message("zones are named as in `{example}`", example="Asia/Shanghai")


def _readings(local: int, zone: str, first: int, second: int) -> dict[str, str]:
    texts = []
    for offset in (first, second):
        minutes = abs(offset) // 60
        sign = "-" if offset < 0 else "+"
        texts.append(f"{_local_text(local)}{sign}{minutes // 60:02}:{minutes % 60:02}")
    return {"zone": zone, "first": texts[0], "second": texts[1]}


def _local_text(seconds: int) -> str:
    day, of_day = divmod(seconds, 86400)
    return f"{format_day(day)}T{of_day // 3600:02}:{of_day // 60 % 60:02}:{of_day % 60:02}"
