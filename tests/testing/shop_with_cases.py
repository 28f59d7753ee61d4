"""A small shop: a visit in two editions, a category, a list, a deadline in two bands, and cases of it."""

from __future__ import annotations

from pathlib import Path

from pack.building import write_pack
from rules.made import POLICY
from svc_policy import Policy, load

TABLES = {
    "category": "rule,cause,then: category,cite\nours,product,C,m-1\nothers,-,A,m-1\n",
    "deadlines": (
        "rule,distance_km,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
        "near,<= 5 km,received,arrived,24 h,calendar,clerk,m-1\n"
        "far,(5..50] km,received,arrived,48 h,calendar,clerk,m-1\n"
    ),
    "fees": (
        "rule,from,until,category,then: line,then: fixed,cite\n"
        "visit,,2026-03-01,A,visit,60 CNY,m-1\n"
        "visit,2026-03-01,,A,visit,{visit_fee},m-1\n"
    ),
    "checklists": "rule,category,then: stage,then: item,cite\npaid,A,before,price_told,m-1\n",
}
PARAMETERS = """
[parameters.visit_fee]
kind = "money"
value = "70 CNY"
label.en = "the visit"
label.zh = "上门费"
[interpretations.unread]
kind = "count"
value = "3"
cite = "m-2"
since = "2026-01-01"
reading.en = "Nothing reads this."
reading.zh = "无人采用。"
"""


def case(name: str, day: str, *, distance: str, cause: str = "misuse", expect: str) -> str:
    """Write a case: a request at nine on a day, decided an hour later."""
    return (
        f'[[case]]\nname = "{name}"\nat = "{day}T10:00:00"\nwhy = "by hand"\n'
        f'ticket = {{ received_at = "{day}T09:00:00", cause = "{cause}", distance_km = {distance} }}\n'
        f"expect = {{ {expect} }}\n"
    )


#: 24 hours from nine are nine the next day, 48 the day after; 60 CNY before March, 70 from it on.
NEAR = case(
    "near", "2026-03-04", distance="5", expect='"quote.total" = "70.00", "targets.arrived.due" = "2026-03-05T09:00:00"'
)
FAR = case("far", "2026-03-04", distance="5.001", expect='"targets.arrived.due" = "2026-03-06T09:00:00"')
LAST = case("last", "2026-02-28", distance="50", expect='"quote.total" = "60.00", "checklist[].item" = ["price_told"]')
FIRST = case(
    "first", "2026-03-01", distance="51", expect='"quote.total" = "70.00", "targets.arrived.status" = "not applicable"'
)
FREE = case(
    "free", "2026-03-04", distance="5", cause="product", expect='category = "C", "quote.total" = "0.00", checklist = []'
)


def shop(folder: Path, *cases: str, **tables: str) -> Policy:
    """Write and load the shop."""
    files = {
        "policy.toml": POLICY + PARAMETERS,
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\nm-2,2,Another.,又一条。\n",
        **{f"{name}.csv": text for name, text in {**TABLES, **tables}.items() if text},
    }
    if cases:
        files["cases.toml"] = "\n".join(cases)
    return load(write_pack(folder / "shop", files))
