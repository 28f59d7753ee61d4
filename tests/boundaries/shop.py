"""A small pack whose boundaries can be counted by hand."""

from __future__ import annotations

from pathlib import Path

from rules.made import made
from svc_policy import Policy

SETTINGS = """
[parameters.near]
kind = "distance"
values = [{ value = "5 km" }, { from = "2026-06-01", value = "8 km" }]
label.en = "near"
label.zh = "近"
[parameters.reading]
kind = "bool"
value = "no"
label.en = "other reading"
label.zh = "另一种理解"
[facts.floor]
kind = "count"
low = "0"
high = "200"
label.en = "floor"
label.zh = "楼层"
"""
TABLES = {
    "calendar": "day,windows,why\n2026-01-01,off,new year\n2026-02-14,as mon,make-up day\n",
    "warranty": "rule,then: length,then: starts,cite\nyear,12 months,purchased,m-1\n",
    "exclusions": "rule,cause,reading,then: reason,cite\nmisuse,misuse,-,misuse,m-1\nwear,wear,yes,worn,m-1\n",
    "category": "rule,from,until,internal,covered,then: category,cite\n"
    "own,,,yes,-,D,m-1\nfree,,,-,yes,C,m-1\npaid,,2026-05-01,-,no,A,m-1\n",
    "deadlines": "rule,distance_km,category,then: starts,then: ends,then: within,then: clock,cite\n"
    "near,<= {near},-,received,arrived,24 h,calendar,m-1\n"
    'far,(20..50] km,"A, C",received,arrived,2 h,working,m-1\n',
    "fees": "rule,category,floor,fault_type,"
    "then: line,then: fixed,then: rate,then: per,then: measure,then: beyond,cite\n"
    "stairs,A,>= 3,-,stairs,20 CNY,-,-,-,-,m-1\n"
    'drive,A,-,"leak, noise",drive,-,1 CNY,1 km,distance_km,10 km,m-1\n',
    "part_fees": "rule,part_covered,part_class,then: share,cite\n"
    "free,yes,-,0 %,m-1\nseal,no,seal,50 %,m-1\nrest,no,-,100 %,m-1\n",
    "penalties": "rule,incident_kind,extra_cost,then: liable,then: amount,cite\n"
    "missed,missed,> 9.99 CNY,clerk,5 CNY,m-1\n",
    "holds": "rule,hold_kind,then: stops,cite\nparts,parts,arrived,m-1\n",
    "routing": "rule,arrived_status,then: step,then: owner,cite\nremind,breached,remind,clerk,m-1\n",
}


def shop(folder: Path) -> Policy:
    """Write and load the policy: its request day turns on 1 May and 1 June 2026."""
    return made(folder, TABLES, SETTINGS)
