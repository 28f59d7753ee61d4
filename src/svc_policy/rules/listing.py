"""Families whose whole meaning is which of their rows hold: forms, checklists, duties and their like."""

from __future__ import annotations

from collections.abc import Callable

from svc_policy.rules.family import Context, Result

#: The source says *may*: this role chooses whether.
CHOSEN_BY = Result("chosen by", "role", "由谁决定是否")


def listing(family: str) -> Callable[[Context], None]:
    """Make the meaning of a family that lists every row that holds."""

    def build(context: Context) -> None:
        context.collect(family, family, context.rows(family))

    return build
