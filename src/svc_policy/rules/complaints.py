"""Complaints: serious or ordinary, by a table of signs; who takes it up follows from the class."""

from __future__ import annotations

from svc_policy.rules.family import Context, Family, Result

CLASSES = ("serious", "ordinary")


def build(context: Context) -> None:
    """Write `complaint_class`; where no row holds there is none."""
    rows = context.rows("complaints")
    if rows:
        context.choose(
            "complaints",
            "complaints",
            rows,
            {"complaint_class": lambda row: context.cell(row.results["class"], "complaints", "ticket")},
        )


FAMILY = Family(
    name="complaints",
    zh="投诉分级",
    grain="ticket",
    policy="first",
    governing="request",
    results=(Result("class", "text", "级别", required=True, values=CLASSES),),
    build=build,
)
