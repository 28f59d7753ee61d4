"""Schedules: what comes round by itself, on which days, who does it and for whom.

A row is no part of a ticket's decision. Its days come from the calendar (`every`
and `on`), from a date of each contract or asset (`anchor`), or are still open
(`decided by`): an open interval is listed without a date, never given one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from svc_policy.rules.family import Condition, Context, Family, Result, Row
from svc_policy.units import Allowance, Literal

#: The words that `every` takes, with their Chinese names; an allowance is an interval of any other length.
EVERY: Final[Mapping[str, tuple[str, ...]]] = {
    "day": ("每日", "每天", "日"),
    "working day": ("每个工作日", "每工作日", "工作日"),
    "week": ("每周", "周"),
    "month": ("每月", "月"),
    "quarter": ("每季度", "每季", "季度"),
    "year": ("每年", "年"),
    "open": ("待定", "未定"),
}
OPEN: Final = "open"
#: How long a word is where the days are counted from a date.
INTERVALS: Final[Mapping[str, Allowance]] = {
    "day": Allowance(1, "days"),
    "working day": Allowance(1, "working_days"),
    "week": Allowance(7, "days"),
    "month": Allowance(1, "months"),
    "quarter": Allowance(3, "months"),
    "year": Allowance(12, "months"),
}
WEEKDAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "mon": ("monday", "周一", "星期一"),
    "tue": ("tuesday", "周二", "星期二"),
    "wed": ("wednesday", "周三", "星期三"),
    "thu": ("thursday", "周四", "星期四"),
    "fri": ("friday", "周五", "星期五"),
    "sat": ("saturday", "周六", "星期六"),
    "sun": ("sunday", "周日", "星期日", "星期天"),
}
_ENDS: Final[Mapping[str, tuple[str, ...]]] = {"first": ("第一天", "首日"), "last": ("最后一天", "末日", "月末")}
MOVED: Final[Mapping[str, tuple[str, ...]]] = {
    "next working day": ("下一工作日", "顺延"),
    "previous working day": ("上一工作日", "提前"),
}
#: The dates of a contract and of an asset that days are counted from.
CONTRACT_DATES: Final[Mapping[str, tuple[str, ...]]] = {
    "contract_from": ("合同起始日",),
    "contract_until": ("合同截止日",),
}
ASSET_DATES: Final[Mapping[str, tuple[str, ...]]] = {
    "purchased_on": ("购买日期",),
    "delivered_on": ("交付日期",),
    "installed_on": ("安装日期",),
    "accepted_on": ("验收日期",),
    "warranty_until": ("约定保修截止日",),
}
OVER: Final[Mapping[str, tuple[str, ...]]] = {
    "contracts": ("合同",),
    "assets": ("设备",),
    "sites": ("服务地点",),
    "customers": ("客户",),
}
#: The words that other result cells take.
WORDS: Final = {"anchor": {**CONTRACT_DATES, **ASSET_DATES}, "moved": MOVED, "over": OVER}


@attrs.frozen
class Day:
    """A day of a week (`weekday` from 0, Monday), of a month (`day`), or of a year (`month` and `day`).

    A day that its month lacks is the month's last; `last` is the last day of
    whatever it is a day of.
    """

    weekday: int | None = None
    month: int | None = None
    day: int = 1
    last: bool = False


def read_day(text: str, every: str) -> Day | None:
    """Read a word of `on`: a day of the period that `every` names; None where it is none."""
    word = text.strip().casefold()
    for name, others in _ENDS.items():
        if word in (name, *others) and every in ("month", "quarter", "year"):
            return Day(last=name == "last")
    if every == "week":
        for number, (name, others) in enumerate(WEEKDAYS.items()):
            if word in (name, *others):
                return Day(weekday=number)
    if every == "month" and (found := re.fullmatch(r"(\d{1,2})[日号]?", word)) and 1 <= int(found[1]) <= 31:
        return Day(day=int(found[1]))
    if every == "year" and (found := re.fullmatch(r"(\d{1,2})(?:-|月)(\d{1,2})日?", word)):
        month, day = int(found[1]), int(found[2])
        if 1 <= month <= 12 and 1 <= day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31):
            return Day(month=month, day=day)
    return None


def every_of(row: Row) -> str | Allowance | None:
    """Take what a row says of its rhythm: a word, an interval, or nothing."""
    cell = row.results.get("every")
    if not isinstance(cell, Literal):
        return None
    return cell.value if isinstance(cell.value, Allowance) else str(cell.value)


def days_of(row: Row) -> tuple[str, ...]:
    """Take the words of `on`."""
    cell = row.results.get("on")
    return cell if isinstance(cell, tuple) else ()


def build(context: Context) -> None:
    """Nothing to compute: a schedule is laid out for a period when somebody asks for it."""


FAMILY = Family(
    name="schedules",
    zh="日程",
    grain="none",
    policy="collect",
    governing="none",
    conditions=(Condition("contract_kind", "text", "合同类型"),),
    results=(
        Result("occasion", "text", "事项", required=True),
        Result("owner", "role", "负责人", required=True),
        Result("recipient", "role", "接收人"),
        Result("every", "interval", "周期"),
        Result("on", "texts", "日子"),
        Result("first", "date", "首次"),
        Result("anchor", "text", "起算日", values=(*CONTRACT_DATES, *ASSET_DATES)),
        Result("before", "allowance", "提前"),
        Result("after", "allowance", "之后"),
        Result("moved", "text", "调整", values=tuple(MOVED)),
        Result("over", "text", "对象", values=tuple(OVER)),
        Result("phases", "count", "阶段数"),
        Result("phase names", "texts", "阶段"),
        Result("decided by", "role", "裁定人"),
    ),
    build=build,
)
