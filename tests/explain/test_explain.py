"""Explanations: whole sentences, each with its clauses, nothing left out and nothing invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engines.tickets import random_instants, random_tickets
from engines.workshop import workshop
from svc_policy import Policy, load
from svc_policy.decision import Decision
from svc_policy.errors import CalendarError
from svc_policy.explain import Wording
from svc_policy.messages import LANGUAGES, Language
from svc_policy.pack.cases import Case, cases_of

MALL = load("mall")
BASE = {
    "ticket_id": "T-1",
    "received_at": "2026-03-02T09:00:00",
    "request_kind": "fault",
    "customer_phone": "0571-0000000",
    "customer_kind": "person",
    "delivered_on": "2025-09-01",
    "cause": "product",
    "on_site": True,
    "solved_by_telephone": False,
    "parts_needed": False,
    "distance_km": 3,
    "labour_hours": 1,
}


def explain(language: Language, at: str = "2026-03-02T10:00", **facts: object) -> str:
    decision = MALL.decide({**BASE, **facts}, at=datetime.fromisoformat(at).replace(tzinfo=MALL.zone))
    return MALL.explain(decision, language)


def sentences(text: str, heading: str) -> list[str]:
    """Take the sentences of one section."""
    section = next(block for block in text.split("\n\n") if block.splitlines()[0] == heading)
    return [line.strip() for line in section.splitlines()[1:]]


def decisions(policy: Policy, count: int) -> Iterator[Decision]:
    tickets = random_tickets(policy, count, seed=11)
    for ticket, at in zip(tickets, random_instants(policy, tickets, seed=11), strict=True):
        try:
            yield policy.decide_s(ticket, at)
        except CalendarError:
            continue


def decided(case: Case) -> Decision:
    """Decide a worked example; its instant is a local time unless it has an offset."""
    return MALL.decide(case.ticket, at=case.at if case.at.tzinfo else case.at.replace(tzinfo=MALL.zone))


@pytest.fixture(scope="module", params=["mall", "workshop"])
def policy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return MALL if request.param == "mall" else workshop(Path(tmp_path_factory.mktemp("packs")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_that_fired_is_cited_and_every_reading_given(policy, language):
    seen = 0
    for decision in decisions(policy, 150):
        text = policy.explain(decision, language)
        cited = set(re.findall(r"[\w.-]+", " ".join(re.findall(r"\[([^\]]+)\]", text))))
        for rule in decision.rules:
            assert set(rule.cites) <= cited, rule
            for name in rule.interpretations:
                reading = policy.pack.settings.interpretations[name]
                sentence = reading.zh if language == "zh" else reading.en
                assert text.count(f"{sentence}") == 1
                assert name in text and reading.since in text
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_a_sentence_made_for_it(policy, language):
    heading = {"en": "Other rules", "zh": "其他规则"}[language]
    for decision in decisions(policy, 150):
        assert f"\n{heading}\n" not in policy.explain(decision, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worked_examples_read_as_sentences(language):
    for case in cases_of(MALL.pack):
        text = MALL.explain(decided(case), language)
        for line in text.splitlines()[1:]:
            if line.startswith("  "):
                assert re.search(r"[.。）)](?: \[[^\]]+\])?$", line), line
                assert "{" not in line and "None" not in line and "  " not in line.strip(), line


def test_coverage_gives_dates_and_reasons():
    said = sentences(explain("en"), "Coverage")
    assert said[0] == (
        "The warranty runs for 12 months from the date of delivery, 1 September 2025; "
        "its last day is 31 August 2026. [mall-2.0 mall-2.1.1 mall-3.2a]"
    )
    assert said[1].startswith("The request came on 2 March 2026, inside the warranty.")
    said = sentences(explain("zh", cause="misuse"), "保修")
    assert said[0] == (
        "保修期自交付日期（2025年9月1日）起 12 个月，保修截止日为2026年8月31日。 [mall-2.0 mall-2.1.1 mall-3.2a]"
    )
    assert "不属保修范围：使用、维护或保养不当（故障原因：使用或保养不当）。 [mall-2.1.2 mall-2.1.1]" in said


def test_an_agreed_end_and_a_suspension_are_said():
    assert "The last day of warranty was agreed: 30 June 2026." in explain("en", warranty_until="2026-06-30")
    assert "另加保修中止的 10 天，保修截止日为2026年9月10日。" in explain("zh", suspended_days=10)


def test_the_category_gives_what_it_follows_from():
    assert sentences(explain("en", cause="misuse"), "Category") == [
        "The category is A, paid service (covered: no, in warranty: yes, excluded: yes). [mall-2.1.2]"
    ]
    assert sentences(explain("zh"), "类别")[0].startswith("服务类别为 C 类，免费服务（在保：是）。")


def test_a_pending_target_says_who_by_when_and_how_much_is_left():
    said = sentences(explain("en"), "Targets")
    assert said[0] == (
        "“passed on to the service department” is due from whoever took the request by Mon 2 Mar 2026, 14:00: "
        "4 working hours from “request received” on Mon 2 Mar 2026, 09:00. [mall-2.2.5a mall-2.2.4 mall-cal]"
    )
    # An hour of four is used; from 10:00 to 14:00 are four hours, the break among them.
    assert said[1].startswith("Of this time 25 % is used, with 4 hours left.")
    zh = sentences(explain("zh"), "时限")
    assert zh[0].startswith("“转达服务部”（责任方：信息接收人）应于2026年3月2日（周一）14:00前完成：")
    assert zh[1].startswith("时限已用 25%，剩余4小时。")


def test_late_and_overdue_targets_say_by_how_much():
    text = explain("en", at="2026-03-03T10:00", relayed_at="2026-03-02T15:30")
    said = sentences(text, "Targets")
    assert said[0].startswith(
        "“passed on to the service department” was done late, on Mon 2 Mar 2026, 15:30; "
        "it was due from whoever took the request by Mon 2 Mar 2026, 14:00:"
    )
    # Worked 9 to 12 and 13 to 15:30: 5.5 hours of 4.
    assert said[1].startswith("It is 1 hour 30 minutes past its time; 137 % of the time allowed is used.")
    assert (
        "“solution decided” is overdue; it was due from the mall service department by Mon 2 Mar 2026, 18:00:" in text
    )
    # 16 hours on the clock; 9 of 8 working hours.
    assert "It is 16 hours past its time; 112 % of the time allowed is used." in text


def test_a_hold_is_told_with_what_it_stops_and_when_it_would_be_due():
    text = explain("zh", at="2026-03-02T20:00", holds=[{"hold_kind": "customer_wait", "from_at": "2026-03-02T15:00"}])
    assert (
        "自2026年3月2日（周一）15:00起，因“用户要求改期”暂停“到达现场”、“出发”的计时。 [mall-2.1.3 mall-2.2.3]" in text
    )
    # 6 of 24 hours are used: 18 remain from 20:00.
    assert "若现在恢复计时，应于2026年3月3日（周二）14:00前完成；时限已用 25%。" in text
    closed = {"hold_kind": "customer_wait", "from_at": "2026-03-02T15:00", "until_at": "2026-03-02T16:00"}
    assert "From Mon 2 Mar 2026, 15:00 to Mon 2 Mar 2026, 16:00 “customer asked for a later visit” stopped" in explain(
        "en", at="2026-03-02T20:00", holds=[closed]
    )


def test_the_quote_gives_lines_tax_total_and_payer():
    said = sentences(explain("en", delivered_on="2024-03-01"), "Quote")
    because = "category: A, visit on site: yes, distance by road from the mall to the site: 3 km"
    assert said[0] == f"“visit” costs CN¥70.00 ({because}). [mall-2.2.2b]"
    assert "The lines come to CN¥160.00." in said
    assert "Tax (13 %) adds CN¥20.80." in said
    assert "The total is CN¥180.80." in said
    assert any(one.startswith("The customer pays CN¥180.80 (") for one in said)
    assert "The figures of the fees are illustrative: the source does not give them." in said
    assert any(one.startswith("Before the service the customer must confirm: visit outside the period") for one in said)
    zh = sentences(explain("zh", delivered_on="2024-03-01"), "报价")
    assert "另计税额（13%）：¥20.80。" in zh and "服务费的金额为示例，制度原文未列出。" in zh


def test_whoever_else_pays_is_named():
    text = explain("en", delivered_on="2024-03-01", fee_refused=True)
    assert (
        "The cost is borne by the company (customer refuses the fee: yes); the customer pays nothing. [mall-3.4b]"
        in text
    )
    assert "“service although the customer refuses the fee” must be approved by the mall service director" in text


def test_a_penalty_is_a_figure_or_a_range_and_never_invented():
    incidents = [
        {"incident_kind": "returned_without_consent", "occurred_on": "2026-03-05", "extra_cost": 100},
        {"incident_kind": "not_passed_on", "occurred_on": "2026-03-05"},
    ]
    said = sentences(explain("en", incidents=incidents), "Penalties")
    assert said == [
        "For incident 1 (returned without consent) a penalty between CN¥50.00 and CN¥500.00 falls on the person "
        "responsible; the amount is open, decided by the mall service director. [mall-3.6b]",
        "For incident 2 (opinion or information not passed on, beyond this request's own times) a penalty of CN¥50.00 "
        "falls on the person responsible, decided by the mall service director. [mall-2.2.6]",
        "Together the penalties come to between CN¥100.00 and CN¥550.00.",
    ]
    assert "处罚责任人 ¥50.00 至 ¥500.00，具体金额待定，由商场服务部总监裁定。" in explain("zh", incidents=incidents)


def test_a_penalty_without_a_figure_says_so(tmp_path):
    from svc_policy.pack.export import copy_pack

    copy_pack("mall", tmp_path / "open")
    path = tmp_path / "open" / "penalties.csv"
    text = path.read_text(encoding="utf-8")
    assert ",-,50 CNY,500 CNY," in text
    path.write_text(text.replace(",-,50 CNY,500 CNY,", ",-,-,-,"), encoding="utf-8")
    policy = load(tmp_path / "open")
    incident = {"incident_kind": "returned_without_consent", "occurred_on": "2026-03-05", "extra_cost": 100}
    decision = policy.decide({**BASE, "incidents": [incident]}, at=datetime(2026, 3, 2, 10, tzinfo=policy.zone))
    (said,) = sentences(policy.explain(decision, "en"), "Penalties")
    assert "the source gives no figure, so the amount is open, decided by the mall service director" in said
    assert not re.search(r"\d+\.\d\d", said)


def test_overrides_are_always_shown_accepted_or_refused():
    overrides = [
        {"override_kind": "discount", "role": "service_director", "reason": "regular", "amount": 100},
        {"override_kind": "discount", "role": "service_head", "reason": "regular", "amount": 100.01},
        {"override_kind": "discount", "role": "technician", "reason": "friend", "amount": 10},
        {"override_kind": "discount", "role": "service_director", "reason": "more"},
    ]
    said = sentences(explain("en", delivered_on="2024-03-01", overrides=overrides), "Overrides")
    assert said[0] == (
        "Override 1 is accepted: discount on the total, CN¥100.00, by the mall service director (reason: regular); "
        "the limit is CN¥500.00. [mall-3.4b]"
    )
    assert said[1].startswith("Override 2 is refused:") and "the limit is CN¥100.00" in said[1]
    assert said[2].startswith("Override 3 is refused:") and "no rule lets them grant it" in said[2]
    assert said[3].startswith("Override 4 is refused:") and "states no amount" in said[3]
    assert "特批 2 未采纳：售后主管领导批准总额减免 ¥100.01（理由：regular），超过限额 ¥100.00。" in explain(
        "zh", delivered_on="2024-03-01", overrides=overrides
    )


def test_escalations_say_who_is_told_and_why():
    text = explain("zh", at="2026-03-03T10:00")
    assert "“转达服务部”通知售后主管领导（第 2 级）：用时已达时限的 225%。 [mall-1.1]" in text


def test_what_is_open_says_what_to_ask():
    decision = MALL.decide({"received_at": "2026-03-02T09:00"}, at=datetime(2026, 3, 2, 10, tzinfo=MALL.zone))
    text = MALL.explain(decision, "en")
    assert "The category cannot be said yet; still to be asked: kind of request" in text
    asked = [MALL_WORDS.fact(name) for name in decision.needs]
    assert sentences(text, "Next")[0] == f"To decide the rest, ask for: {', '.join(dict.fromkeys(asked))}."


MALL_WORDS = Wording(MALL, "en")


def test_the_next_change_is_said():
    # 80 % of 4 working hours from 09:00 are 3.2 hours: 13:12.
    assert sentences(explain("zh"), "下一步")[-1] == "若无其他变化，以上结果将于2026年3月2日（周一）13:12改变。"
    ended = explain("en", at="2026-12-30T10:00", closed_at="2026-03-02T09:30")
    assert sentences(ended, "Next")[-1] == "If nothing else happens, time alone changes nothing."


def test_the_lists_are_short_and_cited():
    text = explain("en")
    assert (
        "On site: uniform tidy; polite words; asked how the product is used; plan explained in short. [mall-4.1]"
        in text
    )
    assert "Service technician: answer the customer and record it. [mall-2.2.4]" in text


@pytest.mark.parametrize(
    ("language", "wanted"),
    [("en", "1 day 2 hours 3 minutes"), ("zh", "1天2小时3分钟")],
)
def test_spans_are_exact(language, wanted):
    words = Wording(MALL, language)
    assert words.span(timedelta(days=1, hours=2, minutes=3)) == wanted
    assert words.span(-timedelta(days=1, hours=2, minutes=3)) == wanted
    assert words.span(timedelta(days=10)) == {"en": "10 days", "zh": "10天"}[language]
    assert words.span(timedelta()) == {"en": "no time", "zh": "0 分钟"}[language]


@pytest.mark.parametrize(
    ("text", "clock", "en", "zh"),
    [
        ("4 working h", "working", "4 working hours", "4 个工作小时"),
        ("1 working h", "working", "1 working hour", "1 个工作小时"),
        ("4 h", "working", "4 working hours", "4 个工作小时"),
        ("90 min", "calendar", "90 minutes", "90 分钟"),
        ("72 h", "calendar", "72 hours", "72 小时"),
        ("3 working days", "working", "3 working days", "3 个工作日"),
        ("3 days", "calendar", "3 days", "3 天"),
        ("12 months", "calendar", "12 months", "12 个月"),
    ],
)
def test_allowances_are_worded_with_their_clock(text, clock, en, zh):
    assert Wording(MALL, "en").allowance(text, clock) == en
    assert Wording(MALL, "zh").allowance(text, clock) == zh


def test_money_is_never_rounded_on_the_way():
    assert Wording(MALL, "en").money(Decimal("1234567.05")) == "CN¥1,234,567.05"
    assert Wording(MALL, "zh").money(Decimal("0.10")) == "¥0.10"


def test_the_end_of_a_day_is_written_as_such():
    at = datetime(2026, 3, 5, 23, 59, 59, tzinfo=MALL.zone)
    assert Wording(MALL, "en").instant(at) == "the end of 5 March 2026"
    assert Wording(MALL, "zh").instant(at) == "2026年3月5日24:00"
