"""Which headings a family's table may have: facts, earlier results, parameters, its own results."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final, cast

from svc_policy.facts.registry import BUILT_IN, MILESTONES, TICKET, Fact, Grain
from svc_policy.pack.settings import Settings
from svc_policy.rules.budgets import is_cost
from svc_policy.rules.category import CATEGORIES
from svc_policy.rules.deadlines import STATUSES
from svc_policy.rules.family import Family
from svc_policy.rules.fields import FIELD_KINDS
from svc_policy.rules.payers import CUSTOMER
from svc_policy.rules.schedules import WORDS as SCHEDULE_WORDS
from svc_policy.tables import ColumnSpec, name_key
from svc_policy.units import Kind

Labels = Mapping[str, tuple[str, str]]

#: Results that conditions may read: name → kind, Chinese heading, the family they come from, grain.
RESULTS: Final[Mapping[str, tuple[Kind, str, str, str]]] = {
    "service_zone": ("text", "服务区域", "zones", "ticket"),
    "complaint_class": ("text", "投诉级别", "complaints", "ticket"),
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
    # What the materials of an order come to; a line of materials by itself comes before the table of its processing.
    "line_boxes": ("count", "本行箱数", "materials", "material"),
    "line_weight": ("weight", "本行重量", "materials", "material"),
    "total_boxes": ("count", "总箱数", "materials", "ticket"),
    "total_weight": ("weight", "总重量", "materials", "ticket"),
    "goods_total": ("money", "货款合计", "materials", "ticket"),
    "stock_short": ("bool", "库存不足", "materials", "ticket"),
    "processing_wanted": ("bool", "有加工", "processing", "ticket"),
    "processing_total": ("money", "加工费合计", "processing", "ticket"),
    "vehicle": ("text", "送货车辆", "vehicles", "ticket"),
    # Settled with the totals, before the table of confirmations is read.
    "chargeable": ("bool", "需收费", "overrides", "ticket"),
    "needs_confirmation": ("bool", "需确认", "confirmations", "ticket"),
    "second_costs": ("bool", "有二次费用", "settlements", "ticket"),
    "settlement_first": ("money", "首次结算", "settlements", "ticket"),
    "settlement_second": ("money", "二次结算", "settlements", "ticket"),
    "settlement_total": ("money", "结算合计", "settlements", "ticket"),
    "compensation_limit": ("money", "赔偿上限", "compensations", "ticket"),
    "compensation_allowed": ("money", "可赔偿金额", "compensations", "ticket"),
    # Settled before anything else, from the instant of receipt.
    "received_in_working_hours": ("bool", "工作时间内受理", "intake", "ticket"),
    # Settled before the table of penalties is read, from the instant of the incident.
    "in_working_hours": ("bool", "工作时间内", "approvals", "incident"),
    "appraisal_score": ("share", "评分结果", "appraisals", "ticket"),
}
WORDS_OF: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "category": dict.fromkeys(CATEGORIES, ()),
    "complaint_class": {"serious": ("重大",), "ordinary": ("一般",)},
}
#: Result cells that name a fact: its grain and the kinds that will do.
_FACTS_OF: Final[Mapping[tuple[str, str], tuple[Grain, tuple[str, ...]]]] = {
    ("procedures", "done"): ("ticket", ("instant", "date", "text", "bool")),
    ("appraisals", "aspect"): ("ticket", ("count",)),
    ("penalties", "amount of"): ("incident", ("money",)),
    ("compensations", "limit of"): ("ticket", ("money",)),
}
_RESULT_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "serious": ("重大",),
    "ordinary": ("一般",),
    "return": ("退货",),
    "exchange": ("换货",),
    "repair": ("修理",),
    "penalty": ("处罚",),
    "finding": ("记录",),
    "at once": ("立即",),
    "next working day": ("次一工作日",),
    "rule": ("公司规定",),
    "contract": ("合同",),
    "lesser": ("取低",),
    "greater": ("取高",),
}
#: What a cell of a kind of result is read as before it is understood.
_READ_AS: Final[Mapping[str, str]] = {
    "role": "text",
    "texts": "text",
    "quantity": "text",
    "interval": "text",
    "months": "allowance",
}
_CLOCKS = {"calendar": ("自然时间",), "working": ("工作时间",)}
_STATUSES_ZH: Final = dict(
    zip(
        STATUSES,
        ("未开始", "进行中", "暂停", "按时完成", "逾期完成", "逾期未完成", "已取消", "不适用", "待定"),
        strict=True,
    )
)


#: Columns of built-in facts by the fact's identity; the registry keeps them alive.
_OF_BUILT_IN: Final[dict[int, ColumnSpec]] = {}


@functools.cache
def _status_columns() -> tuple[ColumnSpec, ...]:
    zh_of = {fact.name: fact.zh for fact in TICKET}
    statuses = {status: (zh,) for status, zh in _STATUSES_ZH.items()}
    return tuple(
        ColumnSpec(name=f"{target}_status", kind="text", headings=(f"{zh_of[fact]}状态",), values=statuses)
        for target, fact in MILESTONES.items()
    )


def condition_columns(family: Family, order: tuple[str, ...], settings: Settings) -> list[ColumnSpec]:
    """List what the conditions of a family's table may be named after."""
    columns: list[ColumnSpec] = []
    for own in family.conditions:
        targets = _milestone_values() if own.name == "target" else None
        own_kind: Kind = own.kind
        columns.append(
            ColumnSpec(name=own.name, kind=own_kind, headings=(own.zh,), values=targets, required=own.required)
        )
    taken = {column.name for column in columns}
    if family.grain == "none":
        # Such a table is no part of a decision: there is no ticket whose facts it could read.
        return [*columns, *_of_parameters(settings)]
    for grain, facts in settings.facts.items():
        if grain in ("ticket", family.grain) or family.name in ("warranty", "exclusions"):
            columns.extend(_of_fact(fact, settings) for fact in facts if fact.name not in taken)
    before = order[: order.index(family.name)]
    for name, (kind, zh, source, of_grain) in RESULTS.items():
        if source in before and of_grain in ("ticket", family.grain):
            values = _values_of_result(name, settings)
            columns.append(ColumnSpec(name=name, kind=kind, headings=(zh,), values=values))
    if "deadlines" in before:
        columns.extend(_status_columns())
    return [*columns, *_of_parameters(settings)]


def _values_of_result(name: str, settings: Settings) -> Mapping[str, tuple[str, ...]] | None:
    match name:
        case "payer":
            return role_values(settings)
        case "service_zone":
            return _zones(settings)
        case _:
            return WORDS_OF.get(name)


def _zones(settings: Settings) -> dict[str, tuple[str, ...]] | None:
    """Name the zones where the policy lists them, as values of the fact `zone`; then there are no others."""
    zones: dict[str, tuple[str, ...]] = {}
    for fact in settings.facts["ticket"]:
        if fact.name == "zone":
            zones.update(fact.values)
    return zones or None


def _of_parameters(settings: Settings) -> list[ColumnSpec]:
    kinds = {name: parameter.values[0][1].kind for name, parameter in settings.parameters.items()}
    return [ColumnSpec(name=name, kind=kind) for name, kind in kinds.items() if kind != "allowance"]


def _of_fact(fact: Fact, settings: Settings) -> ColumnSpec:
    """Make the column of a fact; the built-in facts are the same in every table of every policy."""
    known = _OF_BUILT_IN.get(id(fact))
    if known is not None:
        return known
    spec = _column_of(fact, settings)
    # The roles that may grant an override are the policy's own.
    if fact.name != "role" and id(fact) in _built_in():
        _OF_BUILT_IN[id(fact)] = spec
    return spec


@functools.cache
def _built_in() -> frozenset[int]:
    return frozenset(id(fact) for facts in BUILT_IN.values() for fact in facts)


def _column_of(fact: Fact, settings: Settings) -> ColumnSpec:
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
        elif (family.name, result.name) == ("fields", "fact"):
            values = {fact.name: (fact.zh, fact.en) for fact in settings.facts["ticket"]}
        elif (family.name, result.name) == ("fields", "kind"):
            values = {kind: (zh,) for kind, zh in FIELD_KINDS.items()}
        elif (family.name, result.name) == ("budgets", "kind"):
            values = {fact.name: (fact.zh, fact.en) for fact in settings.facts["ticket"] if is_cost(fact)}
        elif (family.name, result.name) == ("zones", "zone"):
            values = _zones(settings)
        elif (family.name, result.name) in _FACTS_OF:
            grain, kinds = _FACTS_OF[family.name, result.name]
            values = {
                fact.name: (fact.zh, fact.en)
                for fact in settings.facts[grain]
                if fact.kind in kinds and (result.name != "aspect" or fact.name.startswith("rated_"))
            }
        elif family.name == "schedules" and result.name in SCHEDULE_WORDS:
            values = SCHEDULE_WORDS[result.name]
        elif result.values:
            values = {value: _RESULT_WORDS.get(value, ()) for value in result.values}
        kind = cast(
            "Kind",
            _READ_AS.get(result.kind, result.kind),
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
    texts = {name_key(text): name for name, texts in labels.items() for text in texts}
    # A word that is a name means itself, whatever another word is called.
    return {**texts, **{name_key(name): name for name in labels}}
