"""The facts that a ticket can state: name, kind, grain, what absence means, limits, labels.

This is the one list. The :class:`~svc_policy.facts.ticket.Ticket` fields, the
JSON Schema, the columns of the batch input and the headings that a table may
use all follow from it. A policy adds facts of its own under ``[facts]`` in
``policy.toml``; they are records of the same type.

Absence says what a missing value means:

- ``unknown``: nobody told us; a rule that reads it is undetermined and asks;
- ``none``: there is none (no contract, no explicit end);
- ``not yet``: it has not happened;
- ``default``: `default` holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

Grain = Literal["ticket", "part", "hold", "incident", "override", "material"]
Absence = Literal["unknown", "none", "not yet", "default"]
FactKind = Literal[
    "text", "bool", "money", "distance", "area", "weight", "duration", "share", "count", "date", "instant"
]

GRAINS: Final[tuple[Grain, ...]] = ("ticket", "part", "hold", "incident", "override", "material")
#: The list field of a ticket that holds the records of a grain.
LISTS: Final[Mapping[Grain, str]] = {
    "part": "parts",
    "hold": "holds",
    "incident": "incidents",
    "override": "overrides",
    "material": "materials",
}


#: What is measured in one unit: the unit that stands in the fact's name, and its decimals; stored without a point.
MEASURES: Final[Mapping[str, tuple[str, int]]] = {"distance": ("km", 3), "area": ("m2", 4), "weight": ("kg", 3)}


@attrs.frozen(kw_only=True)
class Fact:
    """One fact: what it is called, what it holds, what it means when it is missing.

    `low` and `high` are the least and greatest sensible values in the internal
    unit (minor units, metres, square centimetres, grams, seconds, count); both included. `values` is the
    enumeration of a text fact, each with its English and Chinese label; empty
    for open text.
    """

    name: str
    kind: FactKind
    grain: Grain = "ticket"
    absence: Absence = "unknown"
    default: int | str | bool | None = None
    low: int | None = None
    high: int | None = None
    values: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    en: str
    zh: str

    @property
    def asks(self) -> bool:
        """Whether a missing value leaves a rule undetermined."""
        return self.absence == "unknown"


MAX_MONEY: Final = 10**13
MAX_DISTANCE: Final = 20_100_000
MAX_LABOUR: Final = 10_000 * 3600
# What a line of materials comes to must fit 64 bits in every engine, its tax (amount × share × 2) included. A line
# covers at most 5 × 10^6 tiles (the record sees to it), so with a wastage of 100 % and one a box it has 10^7 boxes;
# they cost at most 10^14 minor units and weigh 10^14 grams, and area × share stays below 10^14 as well.
MAX_TILES: Final = 5 * 10**6
MAX_AREA: Final = 5 * 10**8
MAX_TILE: Final = 100_000
MAX_BOX_WEIGHT: Final = 10**7
MAX_BOX_PRICE: Final = 10**7
MAX_BOXES: Final = 1_000_000
MAX_PIECES: Final = 10_000_000


def _text(name: str, en: str, zh: str, absence: Absence = "none", grain: Grain = "ticket") -> Fact:
    return Fact(name=name, kind="text", grain=grain, absence=absence, en=en, zh=zh)


def _choice(
    name: str,
    en: str,
    zh: str,
    values: Mapping[str, tuple[str, str]],
    absence: Absence = "unknown",
    default: str | None = None,
    grain: Grain = "ticket",
) -> Fact:
    return Fact(name=name, kind="text", grain=grain, absence=absence, default=default, values=values, en=en, zh=zh)


def _flag(
    name: str,
    en: str,
    zh: str,
    absence: Absence = "unknown",
    default: bool | None = None,
    grain: Grain = "ticket",
) -> Fact:
    return Fact(name=name, kind="bool", grain=grain, absence=absence, default=default, en=en, zh=zh)


def _day(name: str, en: str, zh: str, absence: Absence = "unknown", grain: Grain = "ticket") -> Fact:
    return Fact(name=name, kind="date", grain=grain, absence=absence, en=en, zh=zh)


def _instant(name: str, en: str, zh: str, absence: Absence = "not yet", grain: Grain = "ticket") -> Fact:
    return Fact(name=name, kind="instant", grain=grain, absence=absence, en=en, zh=zh)


def _amount(
    name: str,
    kind: FactKind,
    en: str,
    zh: str,
    absence: Absence = "unknown",
    default: int | None = None,
    grain: Grain = "ticket",
    high: int = MAX_MONEY,
    low: int = 0,
) -> Fact:
    return Fact(
        name=name,
        kind=kind,
        grain=grain,
        absence=absence,
        default=default,
        low=low,
        high=high,
        en=en,
        zh=zh,
    )


TICKET: Final[tuple[Fact, ...]] = (
    # who asks, about what
    _text("customer", "customer", "客户"),
    _text("customer_phone", "customer's telephone", "客户电话", "unknown"),
    _text("customer_address", "customer's address", "客户地址", "unknown"),
    _text("district", "district", "区县"),
    _text("contact_person", "contact person", "联系人"),
    _text("site", "site", "服务地点"),
    _text("site_situation", "situation on site", "现场情况"),
    _choice(
        "customer_kind",
        "kind of customer",
        "客户类型",
        {"person": ("person", "个人"), "organisation": ("organisation", "单位")},
    ),
    _choice(
        "channel",
        "channel",
        "受理渠道",
        {
            "telephone": ("telephone", "电话"),
            "e-mail": ("e-mail", "电子邮件"),
            "online": ("online", "在线"),
            "letter": ("letter", "信函"),
            "counter": ("counter", "当面"),
        },
        "none",
    ),
    _choice(
        "request_kind",
        "kind of request",
        "请求类型",
        {
            "inquiry": ("inquiry", "咨询"),
            "fault": ("fault", "故障"),
            "complaint": ("complaint", "投诉"),
            "suggestion": ("suggestion", "建议"),
        },
    ),
    _text("received_by", "department that took the request", "首接部门"),
    _text("problem", "description of the problem", "问题描述"),
    _text("problem_class", "class of problem", "问题类别", "unknown"),
    _text("department", "department in charge", "承办部门"),
    _amount("departments_needed", "count", "departments needed", "涉及部门数", "default", 1, high=1_000),
    _flag("internal", "internal job", "内部工作", "default", False),
    # the asset
    _text("serial_no", "serial number", "序列号"),
    _text("item_code", "item code", "物料编码"),
    _text("product_class", "product class", "产品类别"),
    _flag("key_equipment", "key equipment", "关键设备", "default", False),
    _text("order_no", "order number", "订单编号"),
    _amount("product_quantity", "count", "quantity of products", "产品数量", "none", high=10**9),
    _text("supplier", "supplier", "供应商"),
    _day("purchased_on", "date of purchase", "购买日期"),
    _day("delivered_on", "date of delivery", "交付日期"),
    _day("installed_on", "date of installation", "安装日期"),
    _day("accepted_on", "date of acceptance", "验收日期"),
    _day("warranty_until", "explicit last day of warranty", "约定保修截止日", "none"),
    _amount(
        "suspended_days",
        "count",
        "days the warranty was suspended",
        "保修中止天数",
        "default",
        0,
        high=36_500,
    ),
    # the contract
    _text("contract_no", "contract number", "合同编号"),
    _text("contract_kind", "kind of contract", "合同类型"),
    _day("contract_from", "first day of the contract", "合同起始日", "none"),
    _day("contract_until", "last day of the contract", "合同截止日", "none"),
    _flag("contract_covers_labour", "contract covers labour", "合同含人工", "none"),
    _flag("contract_covers_parts", "contract covers parts", "合同含配件", "none"),
    _amount("contract_visits_left", "count", "visits left in the contract", "合同剩余次数", "none", high=1_000_000),
    _amount(
        "contract_hours_left",
        "duration",
        "hours left in the contract",
        "合同剩余工时",
        "none",
        high=MAX_LABOUR,
    ),
    # the fault and the job
    _choice(
        "cause",
        "cause",
        "故障原因",
        {
            "product": ("product quality", "产品质量"),
            "misuse": ("misuse or lack of upkeep", "使用或保养不当"),
            "wear": ("wear", "正常磨损"),
            "accident": ("accident", "意外"),
        },
    ),
    _text("fault_type", "type of fault", "故障类型", "unknown"),
    _text("fault_code", "fault, as it is told from others", "故障代码"),
    _amount(
        "earlier_repairs",
        "count",
        "earlier repairs of the same fault",
        "同一故障此前维修次数",
        "default",
        0,
        high=10_000,
    ),
    _flag("fault_grows", "fault grows beyond the job", "故障升级", "default", False),
    _flag("supplier_fault", "caused by the supplier", "供应商原因", "default", False),
    _flag("on_site", "visit on site", "需上门"),
    _flag("solved_by_telephone", "solved by telephone", "电话可解决"),
    _flag("self_service", "customer carries out the solution", "用户自行实施", "default", False),
    _flag("parts_needed", "parts are needed", "需更换配件"),
    _amount("distance_km", "distance", "distance by road", "路程", high=MAX_DISTANCE),
    _text("zone", "zone", "区域", "unknown"),
    _text("technician", "technician", "技术人员"),
    _flag("taken_in", "product taken to the workshop", "携回修理", "default", False),
    _flag("first_time_fixed", "fixed at the first attempt", "一次修复", "none"),
    _amount("labour_hours", "duration", "hours of labour", "工时", high=MAX_LABOUR),
    _choice(
        "visit_time",
        "time of the visit",
        "上门时段",
        {
            "normal": ("working hours", "工作时间"),
            "night": ("night", "夜间"),
            "weekend": ("weekend", "周末"),
            "holiday": ("public holiday", "法定节假日"),
        },
        "default",
        "normal",
    ),
    _choice(
        "parts_delivery",
        "how parts reach the site",
        "配件送达方式",
        {"mailed": ("mailed", "邮寄"), "carried": ("carried along", "自带")},
        "none",
    ),
    # signs of a serious complaint
    _flag("injury", "somebody was hurt", "有人受伤", "default", False),
    _flag("safety_hazard", "danger to safety", "存在安全隐患", "default", False),
    _flag("press_interest", "press or public take part", "媒体或公众介入", "default", False),
    _amount("amount_claimed", "money", "amount claimed", "索赔金额", "none"),
    _amount(
        "earlier_complaints",
        "count",
        "earlier complaints about the same matter",
        "同一事项此前投诉次数",
        "default",
        0,
        high=10_000,
    ),
    _flag("fee_refused", "customer refuses the fee", "客户拒付费用", "default", False),
    _flag("entertainment_claimed", "entertainment expense claimed", "报销应酬费", "default", False),
    _flag("entertainment_agreed", "entertainment agreed beforehand", "应酬费事先同意", "default", False),
    # milestones
    _instant("received_at", "request received", "首次受理时间", "unknown"),
    _instant("registered_at", "entered in the register", "登记时间"),
    _instant("relayed_at", "passed on to the service department", "转达服务部时间"),
    _instant("contacted_at", "customer contacted", "联系客户时间"),
    _instant("answered_at", "inquiry answered", "答复咨询时间"),
    _instant("solution_at", "solution decided", "确定方案时间"),
    _instant("quoted_at", "customer told the fee", "告知费用时间"),
    _instant("confirmed_at", "customer confirmed", "客户确认时间"),
    _instant("dispatched_at", "job dispatched", "派工时间"),
    _instant("promised_at", "time promised to the customer", "约定完成时间"),
    _instant("departed_at", "set out", "出发时间"),
    _instant("arrived_at", "arrived on site", "到达现场时间"),
    _instant("taken_in_at", "product taken in", "携回时间"),
    _instant("finished_at", "work finished", "完工时间"),
    _instant("handed_back_at", "product handed back", "还件时间"),
    _instant("invoiced_at", "invoice made out", "开具发票时间"),
    _instant("returned_at", "returned from the visit", "返回公司时间"),
    _instant("reported_at", "trip report handed in", "提交出差报告时间"),
    _instant("material_returned_at", "issued material returned", "退还物料时间"),
    _instant("handed_in_at", "hand-in complete", "资料交齐时间"),
    _instant("audited_at", "satisfaction confirmed and expenses audited", "满意度确认与费用审核完成时间"),
    _instant("taken_up_at", "taken up by the department in charge", "主管部门受理时间"),
    _instant("investigated_at", "investigation finished", "调查完成时间"),
    _instant("decided_at", "treatment decided", "处理决定时间"),
    _instant("replied_at", "customer replied to", "回复客户时间"),
    _instant("improvement_due_at", "improvement due", "改进措施期限"),
    _instant("improved_at", "improvement carried out", "改进完成时间"),
    _instant("followed_up_at", "satisfaction followed up", "跟踪满意度时间"),
    _instant("called_back_at", "customer called back", "回访时间"),
    _instant("closed_at", "ticket closed", "关闭时间"),
    # what the customer says of it
    *(
        _amount(name, "count", en, zh, "none", low=1, high=4)
        for name, en, zh in (
            ("rated_attitude", "rating of the attitude", "态度评分"),
            ("rated_skill", "rating of the skill", "技术评分"),
            ("rated_arrival", "rating of the arrival time", "到达时间评分"),
            ("rated_promises", "rating of kept promises", "答应事项办理评分"),
        )
    ),
    _choice(
        "satisfaction",
        "satisfaction",
        "满意度",
        {
            "very_satisfied": ("very satisfied", "很满意"),
            "satisfied": ("satisfied", "满意"),
            "fair": ("fair", "一般"),
            "dissatisfied": ("dissatisfied", "不满意"),
        },
        "none",
    ),
    _choice(
        "dissatisfied_with",
        "dissatisfied with",
        "不满意原因",
        {
            "attitude": ("attitude", "服务态度"),
            "skill": ("skill", "技术水平"),
            "response_speed": ("speed of response", "响应速度"),
        },
        "none",
    ),
    # what it cost the company, and what the customer asks for
    _amount("cost_repair", "money", "cost of repair", "维修成本", "none"),
    _amount("cost_parts", "money", "cost of replaced parts", "更换零部件成本", "none"),
    _amount("cost_logistics", "money", "cost of logistics", "物流成本", "none"),
    _amount("cost_labour", "money", "cost of labour", "人工成本", "none"),
    _amount("cost_compensation", "money", "compensation paid", "赔偿成本", "none"),
    _amount("deposit_paid", "money", "deposit paid", "已付定金", "none"),
    _amount("compensation_claimed", "money", "compensation claimed", "要求赔偿金额", "none"),
    _amount("contract_compensation_limit", "money", "most compensation under the contract", "合同约定赔偿上限", "none"),
    # what another system wrote down, to be compared with the policy
    _text("recorded_category", "category on record", "系统记录的类别"),
    _amount("recorded_fee", "money", "fee charged on record", "系统记录的收费", "none"),
    _instant("recorded_due_at", "arrival due on record", "系统记录的到达时限", "none"),
)

PART: Final[tuple[Fact, ...]] = (
    _text("part_no", "part number", "配件编号", grain="part"),
    _text("part_class", "part class", "配件类别", grain="part"),
    # Price × quantity × share must fit 64 bits in every engine.
    _amount("quantity", "count", "quantity", "数量", "default", 1, "part", 100_000),
    _amount("unit_price", "money", "unit price", "单价", grain="part", high=10**9),
    _choice(
        "part_cause",
        "cause of this part's fault",
        "配件故障原因",
        {
            "product": ("product quality", "产品质量"),
            "misuse": ("misuse or lack of upkeep", "使用或保养不当"),
            "wear": ("wear", "正常磨损"),
            "accident": ("accident", "意外"),
        },
        "none",
        grain="part",
    ),
    _day(
        "part_warranty_until",
        "explicit last day of the part's warranty",
        "配件约定保修截止日",
        "none",
        "part",
    ),
)

HOLD: Final[tuple[Fact, ...]] = (
    _text("hold_kind", "kind of hold", "暂停类型", "unknown", "hold"),
    _instant("from_at", "hold began", "暂停开始", "unknown", "hold"),
    _instant("until_at", "hold ended", "暂停结束", "not yet", "hold"),
)

INCIDENT: Final[tuple[Fact, ...]] = (
    _text("incident_kind", "kind of incident", "事件类型", "unknown", "incident"),
    _day("occurred_on", "day of the incident", "事件日期", grain="incident"),
    _text("person", "person responsible", "责任人", grain="incident"),
    _flag("record_faulty", "record unclear, incomplete or wrong", "记录不清或有误", "default", False, "incident"),
    _amount("extra_cost", "money", "extra cost caused", "额外费用", "default", 0, "incident"),
    _amount("loss", "money", "loss caused", "损失金额", grain="incident"),
    _instant("occurred_at", "instant of the incident", "事件时间", "unknown", "incident"),
    _flag("customer_complained", "customer complained about it", "客户投诉", "default", False, "incident"),
    _flag("delayed_repair", "delayed a repair", "造成维修拖延", "default", False, "incident"),
    _flag("unreported", "not reported", "未及时汇报", "default", False, "incident"),
)

OVERRIDE: Final[tuple[Fact, ...]] = (
    _choice(
        "override_kind",
        "what is granted",
        "特批内容",
        {
            "discount": ("discount on the total", "总额减免"),
            "penalty_waiver": ("penalty waived", "免除处罚"),
        },
        "unknown",
        grain="override",
    ),
    _text("role", "who grants it", "批准角色", "unknown", "override"),
    _text("reason", "reason", "理由", "unknown", "override"),
    _amount("amount", "money", "amount", "金额", grain="override"),
)

#: One kind of tile of an order: what is laid, how it is packed, what is done to it, what changed while laying.
MATERIAL: Final[tuple[Fact, ...]] = (
    _text("tile_model", "tile model", "瓷砖型号", grain="material"),
    _amount("area_m2", "area", "area to be laid", "铺贴面积", grain="material", high=MAX_AREA),
    _amount(
        "tile_length_mm", "count", "length of a tile in mm", "砖长（毫米）", grain="material", low=1, high=MAX_TILE
    ),
    _amount("tile_width_mm", "count", "width of a tile in mm", "砖宽（毫米）", grain="material", low=1, high=MAX_TILE),
    _amount("tiles_per_box", "count", "tiles in a box", "每箱片数", grain="material", low=1, high=10_000),
    _amount("box_weight_kg", "weight", "weight of a box", "每箱重量", grain="material", high=MAX_BOX_WEIGHT),
    _amount("box_price", "money", "price of a box", "每箱单价", grain="material", high=MAX_BOX_PRICE),
    _amount("boxes_in_stock", "count", "boxes in stock", "库存箱数", "none", grain="material", high=MAX_BOXES),
    _text("processing", "processing", "加工要求", grain="material"),
    # What is made of the tiles, and at what price, is asked for only where processing is wanted.
    _amount("pieces", "count", "pieces to be processed", "加工件数", grain="material", high=MAX_PIECES),
    _amount(
        "pieces_per_tile", "count", "pieces that a tile gives", "每片砖可出件数", "default", 1, "material", 10_000, 1
    ),
    _amount(
        "processing_price", "money", "price of processing a tile", "每片加工单价", grain="material", high=MAX_BOX_PRICE
    ),
    _amount("boxes_added", "count", "boxes added while laying", "补砖箱数", "default", 0, "material", MAX_BOXES),
    _amount("boxes_returned", "count", "boxes returned", "退砖箱数", "default", 0, "material", MAX_BOXES),
    _amount(
        "tiles_processed_again",
        "count",
        "tiles processed again",
        "二次加工片数",
        "default",
        0,
        "material",
        MAX_BOXES,
    ),
)

#: Every built-in fact by grain, in the order of the records' fields.
BUILT_IN: Final[Mapping[Grain, tuple[Fact, ...]]] = {
    "ticket": TICKET,
    "part": PART,
    "hold": HOLD,
    "incident": INCIDENT,
    "override": OVERRIDE,
    "material": MATERIAL,
}

#: Milestones by the short name that tables use: ``arrived`` for ``arrived_at``, ``purchased`` for ``purchased_on``.
MILESTONES: Final[Mapping[str, str]] = {
    fact.name.rpartition("_")[0]: fact.name
    for fact in TICKET
    if fact.name.endswith(("_at", "_on")) and not fact.name.startswith("recorded_")
}
