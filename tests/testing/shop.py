"""A small repair shop, and the same with one thing wrong."""

from __future__ import annotations

from pathlib import Path

from pack.building import write_pack
from svc_policy import Policy, load

SETTINGS = """
schema = 1
id = "shop"
title.en = "Repair shop"
title.zh = "维修店"
timezone = "Europe/Berlin"
currency = "EUR"
[week]
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]
[calendar]
valid = ["2020-01-01", "2028-12-31"]
[facts.incident_kind]
values = ["rude", "late"]
[roles.head]
en = "head"
zh = "主管"
"""
FILES = {
    "policy.toml": SETTINGS,
    "clauses.csv": "clause,place,en,zh\ns-1,1,One rule.,一条。\ns-2,2,Another rule.,另一条。\n",
    "warranty.csv": "rule,then: length,then: starts,cite\nyear,12 months,delivered,s-1\n",
    "exclusions.csv": "rule,cause,then: reason,cite\nmisuse,misuse,misuse,s-1\n",
    "category.csv": "rule,internal,covered,then: category,cite\nown,yes,-,D,s-1\nfree,-,yes,C,s-1\npaid,-,no,A,s-1\n",
    "deadlines.csv": "rule,distance_km,then: starts,then: ends,then: within,then: clock,cite\n"
    "near,<= 20 km,received,arrived,24 h,calendar,s-2\nfar,> 20 km,received,arrived,48 h,calendar,s-2\n",
    "fees.csv": "rule,from,until,category,then: line,then: fixed,then: rate,then: per,then: measure,then: step,cite\n"
    "visit,,2025-01-01,A,visit,40 EUR,-,-,-,-,s-2\nvisit,2025-01-01,,A,visit,45 EUR,-,-,-,-,s-2\n"
    "labour,,,A,labour,-,60 EUR,1 h,labour_hours,30 min,s-2\n",
    "part_fees.csv": "rule,part_covered,then: share,cite\ncovered,yes,0 %,s-2\ncharged,no,100 %,s-2\n",
    "penalties.csv": "rule,incident_kind,then: liable,then: amount,then: least,then: most,cite\n"
    "rude,rude,head,20 EUR,-,-,s-2\nlate,late,head,-,5 EUR,50 EUR,s-2\n",
    "escalations.csv": "rule,target,used_share,then: level,then: notify,cite\nhalf,arrived,>= 50 %,1,head,s-2\n"
    "over,arrived,>= 100 %,2,head,s-2\n",
}


def shop(folder: Path, file: str = "", old: str = "", new: str = "", *, settings: str = "") -> Policy:
    """Write and load the pack, with `new` in the place of `old`, which stands once in `file`."""
    files = dict(FILES)
    files["policy.toml"] += settings
    if file:
        assert files[file].count(old) == 1, old
        files[file] = files[file].replace(old, new)
    return load(write_pack(folder / "shop", files))
