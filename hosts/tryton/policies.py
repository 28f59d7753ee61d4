"""The policy of the second company: in euros and Berlin, small enough to be reckoned by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

POLICY = """
schema = 1
id = "depot"
title.en = "Depot"
title.zh = "仓库"
timezone = "Europe/Berlin"
currency = "EUR"

[money]
prices_include_tax = true
tax = "19 %"
rounding = "half up"
rounding_place = "total"

[week]
mon = ["08:00-16:00"]
tue = ["08:00-16:00"]
wed = ["08:00-16:00"]
thu = ["08:00-16:00"]
fri = ["08:00-16:00"]

[calendar]
valid = ["2020-01-01", "2045-12-31"]

[facts.floor]
kind = "count"
absence = "unknown"
label.en = "floor"
label.zh = "楼层"

[facts.share_borne]
kind = "share"
absence = "unknown"
label.en = "share borne"
label.zh = "承担比例"

[facts.incident_kind]
values = ["mistake"]

[roles.chief]
en = "chief of the depot"
zh = "仓库主管"
[roles.clerk]
en = "clerk"
zh = "文员"
"""

FILES: Mapping[str, str] = {
    "policy.toml": POLICY,
    "clauses.csv": "clause,place,en,zh\nd-1,1,What is broken is mended.,坏则修。\n",
    "labels.csv": "name,en,zh\nparts_for,parts for the job,配件\nmistake,mistake,差错\n",
    "warranty.csv": "rule,then: length,then: starts,cite\nall,24 months,delivered,d-1\n",
    "category.csv": "rule,covered,in_contract,then: category,cite\n"
    "free,yes,-,C,d-1\ncontract,no,yes,B,d-1\npaid,no,no,A,d-1\n",
    "deadlines.csv": "rule,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
    "visit,received,arrived,10 h,calendar,clerk,d-1\n",
    "fees.csv": "rule,category,then: line,then: fixed,then: rate,then: per,then: measure,cite\n"
    'free,"B, C",visit,0 EUR,-,-,-,d-1\nvisit,A,visit,40 EUR,2.50 EUR,1,floor,d-1\n',
    "part_fees.csv": "rule,part_covered,then: share,cite\nfree,yes,0 %,d-1\nrest,no,100 %,d-1\n",
    "payers.csv": "rule,then: payer,cite\nall,customer,d-1\n",
    "approvals.csv": "rule,category,parts_needed,then: approver,then: subject,cite\nparts,A,yes,chief,parts_for,d-1\n",
    "penalties.csv": "rule,incident_kind,then: liable,then: amount,cite\nmistake,mistake,clerk,10 EUR,d-1\n",
    "late_penalties.csv": "rule,target,then: liable,then: amount,cite\nlate,arrived,clerk,25 EUR,d-1\n",
    "escalations.csv": "rule,target,used_share,then: level,then: notify,cite\n"
    "half,arrived,>= 50 %,1,clerk,d-1\nlate,arrived,>= 100 %,2,chief,d-1\n",
}


def write_depot(folder: Path, **changed: str) -> Path:
    """Write the policy into a folder; `changed` are other texts of files, by name without the ending."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(changed.get(name.partition(".")[0], text), encoding="utf-8")
    return folder
