"""Working time: calendars, deadlines, holds, and their tables for SQL.

from svc_policy.worktime import WorkCalendar

office = WorkCalendar.from_week(
    tz="Asia/Shanghai",
    week={day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    dates={"2026-02-14": "09:00-12:00;13:00-18:00", "2026-02-16": "off"},
    valid=("2026-01-01", "2026-12-31"),
)
office.deadline(received_at, 8 * 3600, holds=[(held_at, resumed_at)])
"""

from svc_policy.worktime.calendar import WorkCalendar
from svc_policy.worktime.holds import Hold, absolute_deadline_s, absolute_elapsed_s, resumed
from svc_policy.worktime.instants import absolute_deadline, absolute_elapsed
from svc_policy.worktime.months import add_months, add_months_to_day

__all__ = [
    "Hold",
    "WorkCalendar",
    "absolute_deadline",
    "absolute_deadline_s",
    "absolute_elapsed",
    "absolute_elapsed_s",
    "add_months",
    "add_months_to_day",
    "resumed",
]
