"""What comes round by itself: the schedule of a period, and the staff that a workload takes."""

from svc_policy.schedule.layout import lay_out
from svc_policy.schedule.reading import read_assets, read_contracts
from svc_policy.schedule.records import Asset, Contract, Occurrence, Post, Schedule, Staffing, Undated
from svc_policy.schedule.staffing import count_staff
from svc_policy.schedule.text import schedule_text, staffing_text

__all__ = [
    "Asset",
    "Contract",
    "Occurrence",
    "Post",
    "Schedule",
    "Staffing",
    "Undated",
    "count_staff",
    "lay_out",
    "read_assets",
    "read_contracts",
    "schedule_text",
    "staffing_text",
]
