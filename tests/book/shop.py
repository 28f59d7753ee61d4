"""A small pack whose forms have fields of every kind, and a reader of pages."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from pack.building import write_pack

POLICY = """
schema = 1
id = "shop"
title.en = "Service of a shop"
title.zh = "商店售后服务"
timezone = "Asia/Shanghai"
currency = "CNY"
approver = "owner"
[money]
prices_include_tax = true
rounding = "half up"
rounding_place = "line"
[facts.floor]
kind = "count"
absence = "none"
label.en = "floor"
label.zh = "楼层"
[roles.owner]
en = "owner of the shop"
zh = "店主"
[roles.clerk]
en = "clerk"
zh = "店员"
[lookups.zones]
key = "district"
fills = ["zone"]
[interpretations.with_seal]
kind = "bool"
values = [{ value = "no" }, { from = "2026-01-01", value = "yes" }]
cite = "c-2"
since = "2025-01-01"
reading.en = "From 2026 on the visit form is sealed."
reading.zh = "自2026年起上门单须盖章。"
"""

FILES = {
    "policy.toml": POLICY,
    "clauses.csv": (
        "clause,place,en,zh\nc-1,§ 1,A visit has a form.,上门要填单。\n"
        "c-2,§ 2,The form is <signed> & sealed.,单子要签字盖章。\n"
    ),
    "labels.csv": (
        "name,en,zh\nvisit_form,visit form,上门单\nspare_form,spare form,备用单\n"
        "l_name,customer,客户\nl_time,arrival,到达时间\nl_fee,fee charged,收费\n"
        "l_content,satisfied?,是否满意\nl_place,zone,区域\nl_sign,signature of the customer,客户签字\n"
        "l_seal,seal,盖章\nl_day,date,日期\nl_floor,floor,楼层\nfine,fine,好\npoor,poor,差\n"
    ),
    "forms.csv": (
        "rule,on_site,then: form,then: owner,then: copies,then: recipient,cite\n"
        "visit,yes,visit_form,clerk,2,owner,c-1\nspare,no,spare_form,clerk,1,-,c-1\n"
    ),
    "fields.csv": (
        "rule,from,until,form,with_seal,then: field,then: fact,then: kind,then: choices,then: order,cite\n"
        "time,,,visit_form,-,l_time,arrived_at,date,-,2,c-1\n"
        'name,,,"visit_form, 备用单",-,l_name,customer,text,-,1,c-1\n'
        "fee,,,visit_form,-,l_fee,recorded_fee,number,-,3,c-1\n"
        "content,,,visit_form,-,l_content,first_time_fixed,choice,-,4,c-1\n"
        'mood,,,visit_form,-,l_content,-,choice,"fine, poor",5,c-1\n'
        "place,,,visit_form,-,l_place,zone,-,-,6,c-1\n"
        "floor,,2026-03-01,visit_form,-,l_floor,floor,number,-,7,c-1\n"
        "sign,,,visit_form,-,l_sign,-,signature,-,8,c-2\n"
        "seal,,,visit_form,yes,l_seal,-,seal,-,9,c-2\n"
        "day,,,visit_form,-,l_day,-,date,-,-,c-2\n"
    ),
    "lookups/zones.csv": "key,zone\nnorth,inner\n",
}

#: A visit of 2 March 2026: sealed by the reading, and after the field `floor` went out of use.
TICKET = {
    "ticket_id": "S-1",
    "received_at": "2026-03-02T09:00:00",
    "on_site": True,
    "customer": "<script>alert(1)</script>\nsecond line",
    "recorded_fee": 1234.5,
    "district": "north",
    "first_time_fixed": True,
}


def shop(folder: Path, **changed: str) -> Path:
    """Write the pack into a folder; `changed` replaces files by their stem."""
    files = {name: changed.get(name.split(".")[0], text) for name, text in FILES.items()}
    return write_pack(folder / "shop", files)


#: Elements that have no end.
_VOID = {"meta", "br", "wbr", "link", "hr", "img", "col", "input"}


class Page(HTMLParser):
    """What stands on a page: ids, links within it, texts; its elements are seen to be nested well."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.tags: list[str] = []
        self.inside: dict[str, list[str]] = {}
        self._holders: list[str | None] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for name in ("href", "src", "action"):
            if name in found:
                link = str(found[name])
                if not link.startswith("#"):
                    self.outside.append(link)
                    continue
                self.links.append(link[1:])
                for holder in filter(None, self._holders):
                    self.inside.setdefault(holder, []).append(link[1:])
        if tag not in _VOID:
            self.open.append(tag)
            self._holders.append(found.get("id"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()
        if tag in ("td", "th", "li", "div", "p"):
            self.said.append(" ")
        self._holders.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said.append(data)

    @property
    def text(self) -> str:
        """Give what a reader sees, spaces put together."""
        return " ".join("".join(self.said).split())
