"""What a person typed. `typed.json` is tested here and in a browser: the page of the desk reads the same."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from svc_policy.errors import TicketError
from svc_policy.facts.reading import TicketReader
from svc_policy.facts.registry import Fact
from svc_policy.facts.typed import read_truth, read_typed, unit_of

CASES = json.loads(Path(__file__).with_name("typed.json").read_text(encoding="utf-8"))
READER = TicketReader(zone="Asia/Shanghai")


def fact(kind, **more):
    return Fact(name="one", kind=kind, en="one", zh="一", **more)


@pytest.mark.parametrize("kind, text, value", CASES)
def test_what_is_typed_is_a_value_of_the_ticket(kind, text, value):
    found = read_typed(fact(kind), text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["yes", "Yes", " TRUE ", "是", "1", "１"])
def test_yes_in_both_languages_and_as_programs_write_it(text):
    assert read_typed(fact("bool"), text) is True is read_truth(text)


@pytest.mark.parametrize("text", ["no", "No", "false", "否", "0"])
def test_no_in_both_languages_and_as_programs_write_it(text):
    assert read_typed(fact("bool"), text) is False is read_truth(text)


def test_neither_yes_nor_no_stays_for_the_reader_to_refuse():
    assert read_truth("perhaps") is None is read_truth("")
    assert read_typed(fact("bool"), " perhaps ") == "perhaps"
    with pytest.raises(TicketError):
        READER.read_fact(fact("bool"), "perhaps")


def test_a_word_is_typed_by_its_name_or_by_its_label_in_either_language():
    cause = fact("text", values={"wear": ("Wear and tear", "正常磨损"), "misuse": ("misuse", "使用不当")})
    for text in ("wear", "wear and tear", "Wear and Tear ", "正常磨损"):
        assert read_typed(cause, text) == "wear"
    assert read_typed(cause, "sabotage") == "sabotage"


@pytest.mark.parametrize(
    "kind, text, held",
    [
        ("share", "10", 1000),
        ("share", "0.1", 10),
        ("distance", "０．８", Decimal("0.8")),
        ("money", "1.50", Decimal("1.5")),
    ],
)
def test_the_reader_of_tickets_takes_what_was_typed(kind, text, held):
    assert READER.read_fact(fact(kind), read_typed(fact(kind), text)) == held


def test_the_unit_beside_a_field():
    kinds = ("money", "distance", "area", "weight", "duration", "share", "count", "text", "bool")
    assert [unit_of(fact(kind), "EUR", "en") for kind in kinds] == ["EUR", "km", "m²", "kg", "h", "%", "", "", ""]
    assert [unit_of(fact(kind), "EUR", "zh") for kind in kinds[:6]] == ["EUR", "公里", "平方米", "千克", "小时", "%"]


def test_a_field_that_is_left_blank_states_nothing():
    own = TicketReader(zone="Asia/Shanghai", facts=(fact("share"),))
    ticket = own.structure({"extra": {"one": read_typed(fact("share"), "  ")}})
    assert ticket.extra.get("one") is None
