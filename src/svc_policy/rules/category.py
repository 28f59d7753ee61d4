"""The category of a job: A paid, B under contract, C free, D internal."""

from __future__ import annotations

from svc_policy.rules.family import Context, Family, Result

CATEGORIES = ("A", "B", "C", "D")


def build(context: Context) -> None:
    """Write `category`."""
    rows = context.rows("category")
    if rows:
        context.choose(
            "category",
            "category",
            rows,
            {"category": lambda row: context.cell(row.results["category"], "category", "ticket")},
        )


FAMILY = Family(
    name="category",
    zh="服务类别",
    grain="ticket",
    policy="first",
    governing="request",
    results=(Result("category", "text", "类别", required=True, values=CATEGORIES),),
    build=build,
)
