"""Stock: how many of a class of spare parts are kept, how they are stored, and which come first.

The usage is counted from many tickets in :mod:`svc_policy.statistics`, which
proposes a level between `least` and `most`. It is no part of a decision.
"""

from __future__ import annotations

from svc_policy.rules.family import Condition, Context, Family, Result


def build(context: Context) -> None:
    """Nothing to compute: a level is proposed from the usage of many tickets."""


FAMILY = Family(
    name="stock",
    zh="备件库存",
    grain="none",
    policy="first",
    governing="none",
    conditions=(Condition("part_class", "text", "配件类别"), Condition("key_equipment", "bool", "关键设备")),
    results=(
        Result("least", "count", "最少"),
        Result("most", "count", "最多"),
        Result("priority", "count", "优先级"),
        Result("storage", "text", "存放方式"),
    ),
    build=build,
)
