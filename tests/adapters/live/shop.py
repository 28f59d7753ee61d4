"""A small policy with every kind of escalation, and repeated repairs within a look-back."""

from __future__ import annotations

from pathlib import Path

from rules.made import made
from svc_policy import Policy

TABLES = {
    "holds": "rule,hold_kind,then: stops,cite\nparts,parts,arrived,m-1\nweather,weather,-,m-1\n",
    "deadlines": "rule,distance_km,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
    "dispatch,-,received,dispatched,100 min,calendar,clerk,m-1\n"
    "near,<= 5 km,received,arrived,5 h,calendar,clerk,m-1\n"
    "far,> 5 km,received,arrived,10 h,calendar,clerk,m-1\nleave,-,received,departed,5 working h,working,clerk,m-1\n"
    "called,-,finished,called_back,0 days,calendar,clerk,m-1\n",
    "escalations": "rule,target,used_share,request_kind,injury,closed_at,dispatched_status,"
    "then: level,then: notify,then: action,then: when,cite\n"
    'warn,"dispatched, departed, arrived",>= 80 %,-,-,-,-,1,clerk,-,at once,m-1\n'
    'late,"dispatched, arrived",>= 100 %,"fault, complaint",-,-,-,2,head,-,at once,m-1\n'
    "morning,called_back,>= 100 %,-,-,-,-,1,head,call,next working day,m-1\n"
    "hurt,-,-,complaint,yes,missing,-,3,head,settle,at once,m-1\n"
    "kind,-,-,not(fault),-,missing,-,1,clerk,settle,-,m-1\n"
    "undispatched,-,-,-,-,missing,breached,2,clerk,settle,-,m-1\n",
    "routing": "rule,earlier_repairs,injury,then: step,then: owner,cite\n"
    "again,>= {counted},-,settle,head,m-1\nmany,>= 3,no,settle,clerk,m-1\nalways,-,-,settle,clerk,m-1\n",
    "labels": "name,en,zh\nsettle,settle,处理\ncall,call,回电\nparts,parts,配件\nweather,weather,天气\n",
}
SETTINGS = """
[facts.hold_kind]
values = ["parts", "weather"]
[parameters.repeat_look_back]
kind = "allowance"
values = [{ value = "2 days" }, { from = "2026-03-05", value = "1 day" }]
label.en = "look back"
label.zh = "回溯"
[parameters.counted]
kind = "count"
values = [{ value = "1" }, { from = "2026-03-06", value = "2" }]
label.en = "counted"
label.zh = "计次"
"""


LISTED = {
    "lookups/devices": "key,delivered_on\nS-1,2026-01-20\nS-2,2026-02-20\n",
    "remedies": "rule,from,until,earlier_repairs,then: remedy,cite\n"
    "old,,2026-02-01,>= 1,exchange,m-1\nnew,2026-02-01,,>= 1,return,m-1\n",
}
DEVICES = """
[lookups.devices]
key = "serial_no"
fills = ["delivered_on"]
"""


def shop(folder: Path) -> Policy:
    return made(folder, TABLES, SETTINGS)


def listed_shop(folder: Path) -> Policy:
    """Write a shop that has its customers' devices on a list, with what it offers by the day of their delivery."""
    return made(folder, LISTED, DEVICES)
