"""A small policy with a boundary of each kind: a distance, a fee by the half hour, a warranty, words, a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rules.made import ZONE, made
from svc_policy import Decision, Policy

TABLES = {
    "warranty": "rule,then: length,then: starts,cite\nall,12 months,delivered,m-1\n",
    "category": "rule,covered,then: category,cite\nfree,yes,C,m-1\npaid,no,A,m-1\n",
    "deadlines": (
        "rule,distance_km,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
        "near,<= 50 km,received,arrived,24 h,calendar,clerk,m-1\n"
        "far,> 50 km,received,arrived,{far},calendar,clerk,m-1\n"
        "reply,-,received,answered,2 working h,working,clerk,m-1\n"
    ),
    "fees": (
        "rule,category,then: line,then: rate,then: per,then: measure,then: step,cite\n"
        "labour,A,labour,90 CNY,1 h,labour_hours,30 min,m-1\n"
        "none,C,labour,0 CNY,1 h,labour_hours,30 min,m-1\n"
    ),
    "payers": "rule,then: payer,cite\nall,customer,m-1\n",
    "late_penalties": "rule,target,then: liable,then: amount,cite\nlate,answered,clerk,50 CNY,m-1\n",
    "penalties": "rule,incident_kind,then: liable,then: amount,cite\nmissed,missed,clerk,20 CNY,m-1\n",
    "forms": "rule,key_equipment,then: form,then: owner,cite\nkey,yes,key_form,clerk,m-1\n",
}
SETTINGS = """
[money]
prices_include_tax = true
rounding = "half up"
rounding_place = "line"
[interpretations.far]
kind = "allowance"
value = "72 h"
cite = "m-1"
since = "2026-01-01"
reading.en = "Far is three days."
reading.zh = "远即三日。"
"""
#: Covered until 4 March 2026, the day of the request, at which 48 h from nine is Friday at nine.
TICKET: Mapping[str, Any] = {
    "received_at": "2026-03-04T09:00:00",
    "delivered_on": "2025-03-05",
    "distance_km": 50,
    "labour_hours": 1,
}


def shop(folder: Path) -> Policy:
    return made(folder, TABLES, SETTINGS)


def decided(policy: Policy, ticket: Mapping[str, Any] = TICKET, at: str = "2026-03-04T10:00:00") -> Decision:
    return policy.decide(ticket, at=datetime.fromisoformat(at).replace(tzinfo=ZONE))
