"""Fields: what stands on each form, and which fact of the ticket fills it.

A form that is due shows its fields; those without a fact are filled in by hand.
"""

from __future__ import annotations

from typing import Final

from svc_policy.rules.family import Condition, Context, Family, Result

#: What a field takes, each with its Chinese name.
FIELD_KINDS: Final = {
    "text": "文字",
    "choice": "选择",
    "signature": "签字",
    "seal": "盖章",
    "date": "日期",
    "number": "数字",
}


def build(context: Context) -> None:
    """Nothing to compute: the fields of the forms that are due are put together when somebody looks."""


FAMILY = Family(
    name="fields",
    zh="表单栏目",
    grain="none",
    policy="collect",
    governing="none",
    conditions=(Condition("form", "text", "表单", required=True),),
    results=(
        Result("field", "text", "栏目", required=True),
        Result("fact", "text", "事实"),
        Result("kind", "text", "类型", values=tuple(FIELD_KINDS)),
        Result("choices", "texts", "选项"),
        Result("order", "count", "顺序"),
    ),
    build=build,
)
