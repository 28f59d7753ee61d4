"""Which headings a family's table may have: facts, earlier results, parameters, its own results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from svc_policy.facts.registry import MILESTONES, TICKET, Fact
from svc_policy.pack.settings import Settings
from svc_policy.rules.category import CATEGORIES
from svc_policy.rules.deadlines import STATUSES
from svc_policy.rules.family import Family
from svc_policy.rules.payers import CUSTOMER
from svc_policy.tables import ColumnSpec, name_key
from svc_policy.units import Kind

Labels = Mapping[str, tuple[str, str]]

#: Results that conditions may read: name → kind, Chinese heading, the family they come from, grain.
RESULTS: Final[Mapping[str, tuple[Kind, str, str, str]]] = {
    "in_warranty": ("bool", "保修期内", "warranty", "ticket"),
    "part_in_warranty": ("bool", "配件保修期内", "warranty", "part"),
    "excluded": ("bool", "除外", "exclusions", "ticket"),
    "covered": ("bool", "在保", "exclusions", "ticket"),
    "part_excluded": ("bool", "配件除外", "exclusions", "part"),
    "part_covered": ("bool", "配件在保", "exclusions", "part"),
    "all_parts_covered": ("bool", "配件全部在保", "exclusions", "ticket"),
    # Settled before the table of entitlements is read, so that it can say what a running contract covers.
    "in_contract": ("bool", "合同期内", "exclusions", "ticket"),
    "contract_labour": ("bool", "合同含人工", "entitlements", "ticket"),
    "contract_parts": ("bool", "合同含配件", "entitlements", "ticket"),
    "contract_visit": ("bool", "合同含上门", "entitlements", "ticket"),
    "category": ("text", "类别", "category", "ticket"),
    "payer": ("text", "付款方", "payers", "ticket"),
    # Settled with the totals, before the table of confirmations is read.
    "chargeable": ("bool", "需收费", "overrides", "ticket"),
    "needs_confirmation": ("bool", "需确认", "confirmations", "ticket"),
}
_CLOCKS = {"calendar": ("自然时间",), "working": ("工作时间",)}
_STATUSES_ZH: Final = dict(
    zip(
        STATUSES,
        ("未开始", "进行中", "暂停", "按时完成", "逾期完成", "逾期未完成", "已取消", "不适用", "待定"),
        strict=True,
    )
)


def condition_columns(family: Family, order: tuple[str, ...], settings: Settings) -> list[ColumnSpec]:
    """List what the conditions of a family's table may be named after."""
    columns: list[ColumnSpec] = []
    for own in family.conditions:
        values = _milestone_values() if own.name == "target" else None
        kind: Kind = own.kind
        columns.append(ColumnSpec(name=own.name, kind=kind, headings=(own.zh,), values=values, required=own.required))
    taken = {column.name for column in columns}
    for grain, facts in settings.facts.items():
        if grain in ("ticket", family.grain) or family.name in ("warranty", "exclusions"):
            columns.extend(_of_fact(fact, settings) for fact in facts if fact.name not in taken)
    before = order[: order.index(family.name)]
    for name, (kind, zh, source, of_grain) in RESULTS.items():
        if source in before and of_grain in ("ticket", family.grain):
            values = dict.fromkeys(CATEGORIES, ()) if name == "category" else None
            if name == "payer":
                values = role_values(settings)
            columns.append(ColumnSpec(name=name, kind=kind, headings=(zh,), values=values))
    if "deadlines" in before:
        zh_of = {fact.name: fact.zh for fact in TICKET}
        statuses = {status: (zh,) for status, zh in _STATUSES_ZH.items()}
        columns.extend(
            ColumnSpec(name=f"{target}_status", kind="text", headings=(f"{zh_of[fact]}状态",), values=statuses)
            for target, fact in MILESTONES.items()
        )
    for name, parameter in settings.parameters.items():
        literal = parameter.values[0][1]
        if literal.kind != "allowance":
            columns.append(ColumnSpec(name=name, kind=literal.kind))
    return columns


def _of_fact(fact: Fact, settings: Settings) -> ColumnSpec:
    values: Mapping[str, tuple[str, ...]] | None = dict(fact.values) or None
    if (fact.grain, fact.name) == ("override", "role"):
        values = role_values(settings)
    return ColumnSpec(name=fact.name, kind=cast("Kind", fact.kind), headings=(fact.zh, fact.en), values=values)


def result_columns(family: Family, settings: Settings) -> list[ColumnSpec]:
    """List the ``then:`` columns of a family's table."""
    columns = []
    for result in family.results:
        values: Mapping[str, tuple[str, ...]] | None = None
        if result.kind == "role":
            values = role_values(settings)
        elif result.name in ("starts", "ends"):
            values = _milestone_values(result.values)
        elif result.name == "clock":
            values = _CLOCKS
        elif result.values:
            values = dict.fromkeys(result.values, ())
        kind = cast(
            "Kind",
            {"role": "text", "texts": "text", "quantity": "text", "months": "allowance"}.get(result.kind, result.kind),
        )
        columns.append(
            ColumnSpec(
                name=result.name,
                kind=kind,
                headings=(result.zh,),
                values=values,
                required=result.required,
                many=result.kind == "texts",
            )
        )
    return columns


def role_values(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Name every role, and the customer, in both languages."""
    return {**settings.roles, CUSTOMER: ("客户",)}


def _milestone_values(names: tuple[str, ...] = tuple(MILESTONES)) -> dict[str, tuple[str, ...]]:
    labels = {fact.name: (fact.en, fact.zh) for fact in TICKET}
    return {name: labels[MILESTONES[name]] for name in names}


def canonical_labels(labels: Labels) -> dict[str, str]:
    """Map every way to write a label to its name."""
    return {name_key(text): name for name, texts in labels.items() for text in (name, *texts)}
