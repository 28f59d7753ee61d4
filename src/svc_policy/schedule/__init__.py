"""What comes round by itself: the schedule of a period, and the staff that a workload takes."""

from svc_policy.schedule.layout import lay_out
from svc_policy.schedule.reading import read_assets, read_contracts, read_day, read_period
from svc_policy.schedule.records import Asset, Contract, Occurrence, Post, Schedule, Staffing, Undated
from svc_policy.schedule.staffing import count_staff
from svc_policy.schedule.text import ScheduleWords, schedule_text, staffing_text

__all__ = [
    "Asset",
    "Contract",
    "Occurrence",
    "Post",
    "Schedule",
    "ScheduleWords",
    "Staffing",
    "Undated",
    "count_staff",
    "lay_out",
    "read_assets",
    "read_contracts",
    "read_day",
    "read_period",
    "schedule_text",
    "staffing_text",
]
