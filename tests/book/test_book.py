"""The book of every pack: nothing left out, every link leads somewhere, nothing but text from texts."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from book.shop import POLICY, Page, shop
from pack.building import MALL, change, copy_of_mall, write_pack
from svc_policy import load
from svc_policy.book import book_page
from svc_policy.book.phrases import Phrases, epoch_day
from svc_policy.book.tables import Rule, Table, Tables
from svc_policy.pack.source import built_in_packs
from svc_policy.policy import Policy

PACKS = [name for name in built_in_packs() if not name.startswith("shared-")]
DAY = date(2026, 3, 2)


@cache
def _policy(name: str) -> Policy:
    return load(name)


@cache
def _book(name: str, language: str) -> Page:
    return Page(book_page(_policy(name), language, DAY))  # type: ignore[arg-type]


def _spaced(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PACKS)
class TestOfEveryPack:
    def test_every_link_leads_to_one_place(self, name: str, language: str) -> None:
        page = _book(name, language)
        assert len(page.ids) == len(set(page.ids))
        assert set(page.links) - set(page.ids) == set()
        assert page.outside == []

    def test_every_clause_is_there_in_our_words(self, name: str, language: str) -> None:
        page = _book(name, language)
        for clause in _policy(name).pack.clauses.values():
            assert f"clause-{clause.id}" in page.ids
            assert _spaced(clause.zh if language == "zh" else clause.en) in page.text

    def test_every_rule_is_there_and_leads_to_its_clauses_and_back(self, name: str, language: str) -> None:
        page, pack = _book(name, language), _policy(name).pack
        rows = [(table, row) for table, of in pack.rows.items() for row in of]
        assert sum(anchor.startswith("rule-") for anchor in page.ids) == len(rows) > 0
        for table, row in rows:
            anchor = f"rule-{table}-{row.id}"
            assert anchor in page.ids
            for cite in row.cites:
                assert f"clause-{cite}" in page.inside[anchor]
                assert anchor in page.inside[f"clause-{cite}"]

    def test_every_reading_is_marked_and_leads_to_its_rules_and_back(self, name: str, language: str) -> None:
        page, pack = _book(name, language), _policy(name).pack
        for reading in pack.settings.interpretations.values():
            anchor = f"reading-{reading.name}"
            assert anchor in page.ids
            assert f"◆ {_spaced(reading.zh if language == 'zh' else reading.en)}" in page.text
        for table, of in pack.rows.items():
            for row in of:
                for rested in row.rests_on:
                    kind = "reading" if rested in pack.settings.interpretations else "parameter"
                    assert f"{kind}-{rested}" in page.inside[f"rule-{table}-{row.id}"]
                    assert f"rule-{table}-{row.id}" in page.inside[f"{kind}-{rested}"]

    def test_the_title_page_says_which_policy_it_is(self, name: str, language: str) -> None:
        page, policy = _book(name, language), _policy(name)
        assert policy.pack.settings.titles[language] in page.text
        assert policy.digest[:12] in page.text
        assert ("2026年3月2日" if language == "zh" else "2 March 2026") in page.text

    def test_no_raw_cell_of_a_condition_is_left(self, name: str, language: str) -> None:
        text = _book(name, language).text
        assert "{" not in text
        assert "]" not in text.replace("[", "")


def _table(name: str, policy: Policy, language: str = "en", day: date = DAY) -> Table:
    tables = Tables(Phrases(policy, language), epoch_day(day))  # type: ignore[arg-type]
    return next(table for table in tables.tables() if table.name == name)


def _rule(table: Table, name: str, number: int = 0) -> Rule:
    return [rule for rule in table.rules if rule.name == name][number]


def test_a_deadline_of_mall_in_words() -> None:
    table = _table("deadlines", _policy("mall"))
    assert table.headings == ("what is due", "within", "in charge")
    middle = _rule(table, "middle")
    assert middle.when == (
        "category: C, free service",
        "visit on site: yes",
        "distance by road from the mall to the site: more than 5 km, up to 50 km",
    )
    assert middle.cells == ("arrived on site", "48 hours, counted from “request received”", "service technician")
    assert (middle.clauses, middle.readings) == (("mall-2.1.3",), ("arrival_clock",))
    assert _rule(table, "pass_on").cells[1] == "4 working hours, counted from “request received”"
    assert _rule(table, "pass_on").when == ()


def test_a_deadline_of_mall_in_chinese_words() -> None:
    table = _table("deadlines", _policy("mall"), "zh")
    assert table.headings == ("应完成事项", "时限", "负责人")
    assert _rule(table, "middle").when == (
        "类别：C 类，免费服务",
        "需上门：是",
        "商场至服务现场的路程：超过5 公里、不超过50 公里",
    )
    assert _rule(table, "middle").cells == ("到达现场", "自“首次受理”起48 小时", "售后服务人员")


def test_the_editions_of_a_fee_say_when_they_are_in_force() -> None:
    table = _table("fees", _policy("mall"))
    assert table.is_illustrative
    assert not _table("deadlines", _policy("mall")).is_illustrative
    found = [(rule.dates, rule.state) for rule in table.rules if rule.name == "labour"]
    assert found == [
        ("until 31 December 2024", "no longer in force"),
        ("from 1 January 2025 to 31 December 2025", "no longer in force"),
        ("from 1 January 2026", ""),
    ]
    earlier = _table("fees", _policy("mall"), day=date(2024, 12, 31))
    assert [rule.state for rule in earlier.rules if rule.name == "labour"] == [
        "",
        "not yet in force",
        "not yet in force",
    ]


def test_a_fee_is_one_phrase() -> None:
    amount = _rule(_table("fees", _policy("mall")), "labour", 2).cells[1]
    assert (
        amount
        == "CN¥90.00 for each 1 hour of “hours of labour”, at least for 1 hour, rounded up in steps of 30 minutes"
    )


def test_a_rule_of_another_reading_says_so() -> None:
    unnamed = _rule(_table("exclusions", _policy("mall")), "unnamed")
    assert unnamed.state == "not in force: another reading is adopted"
    assert unnamed.when == ("cause: wear or accident",)
    assert unnamed.readings == ("unnamed_causes_free",)


def test_penalties_never_invent_a_figure(tmp_path: Path) -> None:
    table = _table("penalties", _policy("mall"))
    returned = _rule(table, "returned").cells
    assert returned[0] == "person responsible"
    assert returned[1] == "CN¥50.00 to CN¥500.00; the mall service director decides"


def test_the_merged_tables_of_an_overlay_are_printed() -> None:
    page = _book("branches", "en")
    own = {row.id for row in load("branches").pack.rows["fields"]}
    lines = (MALL.parent / "shared-voucher" / "fields.csv").read_text(encoding="utf-8").splitlines()[1:]
    base = {line.split(",")[0] for line in lines}
    assert base and base <= own
    assert own - base
    assert all(f"rule-fields-{rule}" in page.ids for rule in own)


def test_whoever_approves_is_named(tmp_path: Path) -> None:
    assert "approved by: owner of the shop" in Page(book_page(load(shop(tmp_path)), "en", DAY)).text


def test_texts_of_a_pack_stay_texts(tmp_path: Path) -> None:
    mall = copy_of_mall(tmp_path)
    change(mall, "clauses.csv", "The purchasing department buys", "<script>alert(1)</script> & buys")
    text = book_page(load(mall), "en", DAY)
    assert "<script" not in text
    assert "<script>alert(1)</script> & buys" in Page(text).text


def test_a_pack_of_nothing_has_a_book(tmp_path: Path) -> None:
    plain = POLICY.split("approver")[0].split("[money]")[0]
    money = '[money]\nprices_include_tax = true\nrounding = "half up"\nrounding_place = "line"\n'
    folder = write_pack(tmp_path / "none", {"policy.toml": plain + money, "clauses.csv": "clause,place,en,zh\n"})
    page = Page(book_page(load(folder), "en", DAY))
    assert "The policy lists no clauses." in page.text
    assert "clauses: 0; rules: 0; readings of open places: 0" in page.text
    assert set(page.links) - set(page.ids) == set()


def test_a_list_is_printed_as_far_as_it_is_readable(tmp_path: Path) -> None:
    entries = "".join(f"d-{number:03},outer\n" for number in range(60))
    folder = shop(tmp_path)
    (folder / "lookups" / "zones.csv").write_text("key,zone\n" + entries, encoding="utf-8")
    text = Page(book_page(load(folder), "en", DAY)).text
    assert "The first 40 of 60 entries." in text
    assert "d-039" in text
    assert "d-040" not in text


def test_working_hours_and_exceptions_are_told() -> None:
    page = _book("mall", "en")
    assert "Monday 09:00–12:00, 13:00–18:00" in page.text
    assert "Saturday closed" in page.text
    # The notice for 2026: the Saturday 14 February is worked in exchange, by the hours of a Monday.
    assert "14 February 2026 worked as on Monday" in page.text
    assert "Exceptions in 2026" in page.text


def test_words_of_parameters_are_in_the_language() -> None:
    chinese = Phrases(_policy("mall"), "zh")
    assert chinese.parameter("warranty_start") == "交付日期"
    assert chinese.parameter("customer_wait_stops") == "到达现场、出发"
    assert chinese.parameter("arrival_clock") == "按自然时间"
    assert Phrases(_policy("mall"), "en").parameter("far_gap") == "72 hours"


def test_a_parameter_that_changes_is_given_with_its_dates(tmp_path: Path) -> None:
    words = Phrases(load(shop(tmp_path)), "en")
    assert words.parameter("with_seal") == "no (until 31 December 2025); yes (from 1 January 2026)"
