"""What is wrong with a pack: said with its place, all of it at once, never as a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack.building import change, copy_of_mall
from svc_policy.errors import PackError, Problem
from svc_policy.pack.load import load_pack


@pytest.fixture
def mall(tmp_path: Path) -> Path:
    return copy_of_mall(tmp_path)


def problems_of(pack: Path | str) -> tuple[Problem, ...]:
    with pytest.raises(PackError) as raised:
        load_pack(pack)
    return raised.value.problems


def only_problem_of(pack: Path | str) -> Problem:
    found = problems_of(pack)
    assert len(found) == 1, [item.render() for item in found]
    return found[0]


def test_an_interval_that_does_not_open_is_shown_with_a_caret(mall: Path) -> None:
    change(mall, "deadlines.csv", "middle,-,C,yes,-,(5..50] km", "middle,-,C,yes,-,5..50] km")
    assert only_problem_of(mall).render() == (
        "mall/deadlines.csv:7:18: cannot read `5..50] km` in column `distance_km` of rule `middle`\n"
        "  middle,-,C,yes,-,5..50] km,-,-,received,arrived,48 h,{arrival_clock},technician,mall-2.1.3,\n"
        "                   ^^^^^^^^^\n"
        "help: an interval opens with `(` or `[`, as in `(5..50] km`"
    )


#: file, what stands there, what is put there, the code, the place, a part of the sentence, a part of the help
MISTAKES = [
    ("deadlines.csv", "distance_km", "distanse_km", "heading-unknown", "1:49", "distanse_km", "`distance_km`"),
    ("forms.csv", "then: copies", "then: copys", "heading-unknown", "1:", "copys", "copies"),
    ("overrides.csv", "head_discount,discount,service_head", "head_discount,discount,servce_head", "value-unknown", "3:24", "servce_head", "service_head"),
    ("approvals.csv", "mailed,-,-,-,mailed,-,-,-,mall_director", "mailed,-,-,-,mailed,-,-,-,mal_director", "value-unknown", "3:27", "mal_director", "mall_director"),
    ("deadlines.csv", "answer,inquiry", "answer,inquirey", "value-unknown", "4:8", "inquirey", "inquiry"),
    ("category.csv", "-,-,C,mall-2.0", "-,-,E,mall-2.0", "value-unknown", "3:", "`E`", ""),
    ("warranty.csv", "{warranty_length}", "{waranty_length}", "parameter-unknown", "2:10", "waranty_length", "{warranty_length}"),
    ("escalations.csv", ">= {late_share}", ">= {late_shares}", "parameter-unknown", "3:", "late_shares", "{late_share}"),
    ("warranty.csv", "{warranty_length}", "{far_gap}", "not-months", "2:", "12 months", ""),
    ("part_fees.csv", "{misuse_parts_share}", "{far_gap}", "parameter-kind", "4:", "far_gap", ""),
    ("deadlines.csv", "report,-,-,yes,-,-,-,-,returned,reported,3 working days", "report,-,-,yes,-,-,-,-,returned,reported,{vat}", "parameter-kind", "14:", "vat", ""),
    ("policy.toml", 'value = "service_director"', 'value = "service_directer"', "value-unknown", "2:", "service_directer", "service_director"),
    ("warranty.csv", "mall-2.0 mall-2.1.1 mall-3.2a", "-", "rule-uncited", "2:1", "cites no clause", "cite"),
    ("warranty.csv", "mall-3.2a", "mall-3.2aa", "clause-unknown", "2:45", "mall-3.2aa", "`mall-3.2a`"),
    ("warranty.csv", "mall-2.0 mall-2.1.1", "mall-2.0、mall-2.1.1", "cite-separator", "2:45", "mall-2.0", "spaces"),
    ("fees.csv", "quoted,visit,70 CNY", "quoted,visit,70", "", "5:", "`70`", "CNY"),
    ("fees.csv", "quoted,visit,70 CNY", "quoted,visit,70 USD", "", "5:", "USD", "CNY"),
    ("fees.csv", "1 h,labour_hours,-,30 min,1 h,mall-2.2.2b,illustrative\nlabour,2025", "1 h,labour_hours,-,0 min,1 h,mall-2.2.2b,illustrative\nlabour,2025", "quantity-zero", "15:", "more than 0", ""),
    ("fees.csv", "80 CNY,1 h,labour_hours", "80 CNY,1 h,customer", "measure-unknown", "15:", "customer", ""),
    ("fees.csv", "80 CNY,1 h,labour_hours,-,30 min,1 h", "80 CNY,-,labour_hours,-,30 min,1 h", "rate-incomplete", "15", "`per`", ""),
    ("fees.csv", "visit_near,2026-01-01,", "visit_near,2025-06-01,", "rule-twice", "5:1", "visit_near", "2025-01-01"),
    ("fees.csv", "visit_near,2025-01-01,2026-01-01,", "visit_near,2026-01-01,2025-01-01,", "dates-empty", "4:23", "ends before it begins", "until"),
    ("surcharges.csv", '"visit, labour",mall-2.2.2b,illustrative\nweekend', '"visit, labor",mall-2.2.2b,illustrative\nweekend', "line-unknown", "2", "labor", "labour"),
    ("escalations.csv", 'warn,"relayed, ', 'warn,"closed, ', "target-unknown", "2", "closed", ""),
    ("escalations.csv", ">= {late_share}", "< {late_share}", "share-form", "3", "threshold", ""),
    ("late_penalties.csv", "late_passing,relayed", 'late_passing,"relayed, contacted"', "target-many", "2", "one target", ""),
    ("policy.toml", 'value = "arrived, departed"', 'value = "arived, departed"', "target-unknown", "2", "arived", "arrived"),
    ("policy.toml", 'currency = "CNY"', 'curency = "CNY"', "settings-unknown", "6:1", "curency", "currency"),
    ("policy.toml", 'currency = "CNY"', 'currency = "XXQ"', "currency-unknown", "6:1", "XXQ", "CNY"),
    ("policy.toml", "Asia/Shanghai", "Asia/Shanghia", "zone-unknown", "5:1", "Asia/Shanghia", "Asia/Shanghai"),
    ("policy.toml", 'rounding = "half up"', 'rounding = "up"', "money-rounding", "12:1", "half up", ""),
    ("policy.toml", 'mon = ["09:00-12:00", ', 'mon = ["12:00-09:00", ', "calendar-window", "18:1", "`12:00-09:00` of `mon`", ""),
    ("policy.toml", 'sat = []', 'sat = 5', "settings-type", "23:1", "week.sat", ""),
    ("policy.toml", '["2015-01-01", "2026-12-31"]', '["2026-12-31", "2015-01-01"]', "settings-type", "27:1", "calendar.valid", "2015-01-01"),
    ("policy.toml", 'value = "13 %"', 'value = "13"', "", "119:1", "`13`", "%"),
    ("policy.toml", 'kind = "months"', 'kind = "month"', "parameter-kind", "111:1", "month", "months"),
    ("policy.toml", 'en = "technician"', 'eng = "technician"', "settings-unknown", "", "eng", "en"),
    ("clauses.csv", "mall-1.2,一.2", "mall-1.1,一.2", "name-twice", "3:1", "mall-1.1", ""),
    ("clauses.csv", "clause,place,en,zh", "clause,place,en,cn", "heading-unknown", "1:17", "cn", ""),
    ("calendar.csv", "2015-01-01,off", "2015-01-41,off", "", "2", "2015-01-41", ""),
]


@pytest.mark.parametrize(("file", "old", "new", "code", "at", "says", "helps"), MISTAKES, ids=lambda value: None)
def test_a_mistake_is_named_with_its_place(
    mall: Path, file: str, old: str, new: str, code: str, at: str, says: str, helps: str
) -> None:
    if (file, new) == ("policy.toml", 'eng = "technician"'):
        old = 'en = "service technician"'
    change(mall, file, old, new)
    found = problems_of(mall)
    told = [item for item in found if says in item.message.text("en")]
    assert told, [item.render() for item in found]
    assert not code or told[0].code == code
    assert helps in (told[0].help.text("en") if told[0].help else "")
    if file.endswith(".csv") or code != "value-unknown":
        assert str(told[0].place).startswith(f"mall/{file if code not in ('target-unknown',) else str(told[0].place)[5:]}")
    assert f":{at}" in f"{told[0].place}:" if at else True
