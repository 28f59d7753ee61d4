"""Fields of forms: in a decision, in its explanation, on paper; and what is wrong with a table of them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from book.shop import FILES, TICKET, Page, shop
from svc_policy import load
from svc_policy.book import find_form, form_page, form_sheet
from svc_policy.decision import Decision
from svc_policy.errors import PackError, UsageError
from svc_policy.policy import Policy

AT = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return load(shop(tmp_path))


def _decide(policy: Policy, **facts: Any) -> Decision:
    stated = {name: value for name, value in {**TICKET, **facts}.items() if value is not None}
    return policy.decide(stated, at=AT)


def _form(decision: Decision) -> dict[str, Any]:
    (form,) = json.loads(json.dumps(decision.to_dict()))["forms"]
    return dict(form)


class TestInADecision:
    def test_the_fields_stand_in_their_order_those_without_one_last(self, policy: Policy) -> None:
        names = [field["field"] for field in _form(_decide(policy))["fields"]]
        assert names == ["l_name", "l_time", "l_fee", "l_content", "l_content", "l_place", "l_sign", "l_seal", "l_day"]

    def test_a_field_has_its_fact_its_kind_and_what_the_ticket_says(self, policy: Policy) -> None:
        fields = _form(_decide(policy, arrived_at="2026-03-02T11:30:00"))["fields"]
        assert fields[1] == {
            "field": "l_time",
            "fact": "arrived_at",
            "kind": "date",
            "value": "2026-03-02T11:30:00+08:00",
        }
        assert fields[2] == {"field": "l_fee", "fact": "recorded_fee", "kind": "number", "value": "1234.50"}
        assert fields[3]["value"] is True
        assert fields[6] == {"field": "l_sign", "fact": None, "kind": "signature", "value": None}

    def test_a_kind_that_is_not_said_is_text(self, policy: Policy) -> None:
        assert _form(_decide(policy))["fields"][5]["kind"] == "text"

    def test_what_a_list_says_fills_a_field(self, policy: Policy) -> None:
        assert _form(_decide(policy))["fields"][5]["value"] == "inner"
        assert _form(_decide(policy, zone="stated"))["fields"][5]["value"] == "stated"
        assert "zone" in _form(_decide(policy, district="south"))["missing"]

    def test_missing_are_the_facts_of_fields_that_the_ticket_lacks(self, policy: Policy) -> None:
        assert _form(_decide(policy))["missing"] == ["arrived_at"]
        assert _form(_decide(policy, customer=None, recorded_fee=None))["missing"] == [
            "customer",
            "arrived_at",
            "recorded_fee",
        ]

    def test_the_edition_is_that_of_the_day_of_the_request(self, policy: Policy) -> None:
        def names(day: str) -> list[str]:
            return [field["field"] for field in _form(_decide(policy, received_at=f"{day}T09:00:00"))["fields"]]

        # `floor` is in force until 1 March 2026, the seal is asked for from 1 January 2026 on.
        assert "l_floor" in names("2026-02-28")
        assert "l_floor" not in names("2026-03-01")
        assert "l_seal" in names("2026-01-01")
        assert "l_seal" not in names("2025-12-31")
        assert "l_seal" not in [
            field["field"] for field in _form(policy.on(datetime(2025, 6, 1).date()).decide(TICKET, at=AT))["fields"]
        ]

    def test_the_rules_of_the_fields_are_among_those_of_the_decision_once(self, policy: Policy) -> None:
        used = [use.rule for use in _decide(policy).rules if use.table == "fields"]
        assert used == ["name", "time", "fee", "content", "mood", "place", "sign", "seal", "day"]
        assert [use.rule for use in _decide(policy, on_site=False).rules if use.table == "fields"] == ["name"]
        sealed = next(use for use in _decide(policy).rules if use.rule == "seal")
        assert (sealed.cites, sealed.interpretations) == (("c-2",), ("with_seal",))

    def test_a_form_that_is_not_due_brings_no_fields(self, policy: Policy) -> None:
        decision = _decide(policy, on_site=None)
        assert decision.items("forms") == ()
        assert [use for use in decision.rules if use.table == "fields"] == []

    def test_one_sentence_a_form_says_what_is_still_to_be_filled_in(self, policy: Policy) -> None:
        told = policy.explain(_decide(policy))
        sentence = (
            "“visit form”, still to be filled in: arrival, satisfied?, signature of the customer, seal, date. [c-1 c-2]"
        )
        assert told.count("still to be filled in") == 1
        assert sentence in told
        assert "Rule fields." not in told
        spare = policy.explain(_decide(policy, on_site=False))
        assert "“spare form” is filled in from the ticket. [c-1]" in spare

    def test_the_sentence_is_said_in_chinese(self, policy: Policy) -> None:
        assert "“上门单”尚待填写：到达时间、是否满意、客户签字、盖章、日期。" in policy.explain(_decide(policy), "zh")


class TestOnPaper:
    def test_texts_of_tickets_stay_texts(self, policy: Policy) -> None:
        page = form_page(policy, "visit_form", _decide(policy))
        assert "<script" not in page
        assert "<script>alert(1)</script> second line" in Page(page).text

    def test_what_the_ticket_says_is_filled_in(self, policy: Policy) -> None:
        sheet = form_sheet(policy, "visit_form", _decide(policy))
        values = {entry.label: entry.value for entry in sheet.fields}
        assert values["fee charged"] == "CN¥1,234.50"
        assert values["zone"] == "inner"
        assert values["arrival"] == values["date"] == ""
        assert sheet.ticket == "S-1"
        assert sheet.is_due is True

    def test_choices_are_boxes_and_the_one_that_holds_is_ticked(self, policy: Policy) -> None:
        sheet = form_sheet(policy, "visit_form", _decide(policy))
        content, mood = (entry for entry in sheet.fields if entry.kind == "choice")
        assert [(box.text, box.is_ticked) for box in content.boxes] == [("yes", True), ("no", False)]
        assert [(box.text, box.is_ticked) for box in mood.boxes] == [("fine", False), ("poor", False)]
        text = Page(form_page(policy, "visit_form", _decide(policy, first_time_fixed=False), "zh")).text
        assert "☐ 是" in text
        assert "☑ 否" in text
        assert "☐ 好" in text
        assert "☐ 差" in text

    def test_there_are_places_for_number_signature_and_seal_copies_and_clauses(self, policy: Policy) -> None:
        page = form_page(policy, "visit_form", _decide(policy))
        text = Page(page).text
        assert "form number" in text
        assert page.count('class="seal"') == 1
        assert "signature of the customer" in text
        assert "In charge: clerk. Copies: 2. Goes to: owner of the shop." in text
        assert "[c-2] § 2: The form is <signed> & sealed." in text
        assert f"Policy shop@{policy.digest[:12]}" in text

    def test_a_blank_form_has_nothing_filled_in(self, policy: Policy) -> None:
        sheet = form_sheet(policy, "visit_form")
        assert all(entry.is_open for entry in sheet.fields)
        assert (sheet.ticket, sheet.at, sheet.is_due) == ("", "", None)
        assert "ticket" not in Page(form_page(policy, "visit_form")).text

    def test_a_form_that_the_ticket_does_not_ask_for_says_so(self, policy: Policy) -> None:
        said = "The policy does not ask for this form on this ticket"
        assert said in Page(form_page(policy, "spare_form", _decide(policy))).text
        assert said not in Page(form_page(policy, "visit_form", _decide(policy))).text

    def test_a_form_of_which_nothing_is_said_leaves_room_to_write(self) -> None:
        mall = load("mall")
        text = Page(form_page(mall, "trip_report")).text
        assert "The policy names this form and says nothing of what stands on it." in text
        assert "Filled in by (name, date)" in text

    def test_a_form_is_found_by_its_name_and_its_labels(self, policy: Policy) -> None:
        assert {find_form(policy, name) for name in ("visit_form", "Visit  Form", "上门单")} == {"visit_form"}
        assert find_form(policy, "visit") is None


class TestTheTable:
    @pytest.mark.parametrize(
        ("old", "new", "says", "helps"),
        [
            ("time,,,visit_form", "time,,,visit_from", "no form has that name", "did you mean `visit_form`?"),
            ("arrived_at", "arived_at", "cannot read `arived_at` in column `fact`", "did you mean `arrived_at`?"),
            # A fact of a part is none of the ticket's.
            ("recorded_fee", "unit_price", "cannot read `unit_price` in column `fact`", ""),
            ("signature,", "signatur,", "cannot read `signatur` in column `kind`", "did you mean `signature`?"),
            ("time,,,visit_form", "time,,,-", "names the forms on which its field stands", ""),
            ("time,,,visit_form", "time,,,not(visit_form)", "names the forms on which its field stands", ""),
        ],
    )
    def test_a_mistake_is_one_problem_with_its_place(
        self, tmp_path: Path, old: str, new: str, says: str, helps: str
    ) -> None:
        assert FILES["fields.csv"].count(old) == 1
        with pytest.raises(PackError) as raised:
            load(shop(tmp_path, fields=FILES["fields.csv"].replace(old, new)))
        (found,) = raised.value.problems
        told = found.render()
        line = 1 + FILES["fields.csv"][: FILES["fields.csv"].index(old)].count("\n")
        assert told.startswith(f"shop/fields.csv:{line}")
        assert says in told
        assert helps in told

    def test_no_fact_of_the_ticket_can_be_a_condition(self, tmp_path: Path) -> None:
        with pytest.raises(PackError) as raised:
            load(shop(tmp_path, fields=FILES["fields.csv"].replace("with_seal", "on_site", 1)))
        assert "on_site" in raised.value.problems[0].render()

    def test_typed_in_chinese_it_is_the_same_table(self, tmp_path: Path) -> None:
        chinese = (
            FILES["fields.csv"]
            .replace(
                "rule,from,until,form,with_seal,then: field,then: fact,then: kind,then: choices,then: order,cite",
                "规则,自,至,表单,with_seal,则：栏目,则：事实,则：类型,则：选项,则：顺序,依据",
            )
            .replace("visit_form", "上门单")
            .replace("l_sign", "客户签字")
            .replace("recorded_fee,number", "系统记录的收费,数字")
            .replace("signature", "签字")
            .replace("fine, poor", "好、差")
            .replace("yes", "是")
        )
        assert load(shop(tmp_path / "zh", fields=chinese)).digest == load(shop(tmp_path / "en")).digest

    def test_an_unknown_approver_is_a_problem(self, tmp_path: Path) -> None:
        with pytest.raises(PackError) as raised:
            load(shop(tmp_path, policy=FILES["policy.toml"].replace('approver = "owner"', 'approver = "ownr"')))
        (found,) = raised.value.problems
        assert "`ownr` is no role" in found.render()
        assert "did you mean `owner`?" in found.render()

    def test_who_approves_is_no_part_of_the_digest(self, tmp_path: Path) -> None:
        other = FILES["policy.toml"].replace('approver = "owner"', 'approver = "clerk"')
        assert load(shop(tmp_path / "a", policy=other)).digest == load(shop(tmp_path / "b")).digest


def test_a_form_that_the_policy_lacks_is_refused(policy: Policy) -> None:
    name = policy.pack.rows["forms"][0].text("form") or ""
    with pytest.raises(UsageError, match=f"no form `{name}x`\\nhelp: did you mean `{name}`"):
        form_page(policy, f"{name}x", None, "zh")
    with pytest.raises(UsageError, match="no form `zzz`"):
        form_page(policy, "zzz", _decide(policy))
