"""The questions of the shop's form: their order, what may stay open, what an answer means. No shop is needed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from rules.made import made
from svc_policy import load
from svc_policy.adapters.oscar.asking import question_of, read_answer, shown_value, walk
from svc_policy.adapters.oscar.configuration import Configuration, read_configuration
from svc_policy.adapters.oscar.facts import LineFacts, check_value, ticket_data, ticket_facts
from svc_policy.adapters.oscar.telling import plain
from svc_policy.explain import Wording

AT = datetime(2026, 3, 4, 2, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))
SETTINGS = """
[facts.floor]
kind = "count"
label.en = "floor"
label.zh = "楼层"
[facts.share_borne]
kind = "share"
label.en = "share borne"
label.zh = "承担比例"
"""
TABLES = {
    "category": "rule,cause,on_site,floor,then: category,cite\n"
    "free,product,-,-,C,m-1\nhigh,-,yes,>= 3,A,m-1\nlow,-,yes,-,B,m-1\nrest,-,-,-,D,m-1\n",
}


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return made(tmp_path_factory.mktemp("asking"), TABLES, SETTINGS)


@pytest.fixture(scope="module")
def configuration():
    return Configuration(policy="made")


def way(policy, configuration, answers, **facts):
    return walk(policy, LineFacts(facts=facts), answers, at=AT, configuration=configuration)


def test_one_question_follows_from_the_other(policy, configuration):
    assert way(policy, configuration, {}).question == "cause"
    assert way(policy, configuration, {"cause": "product"}).question is None
    assert way(policy, configuration, {"cause": "wear"}).question == "on_site"
    assert way(policy, configuration, {"cause": "wear", "on_site": True}).question == "floor"
    found = way(policy, configuration, {"cause": "wear", "on_site": True, "floor": 3})
    assert (found.question, found.decision.category) == (None, "A")
    assert found.facts["floor"] == 3
    assert way(policy, configuration, {"cause": "wear", "on_site": False}).decision.category == "D"


def test_an_answer_that_is_not_asked_for_any_more_does_not_count(policy, configuration):
    found = way(policy, configuration, {"floor": 3, "cause": "wear", "on_site": False})
    assert [step.fact for step in found.steps] == ["cause", "on_site"]
    assert "floor" not in found.facts


def test_the_question_before_another_one(policy, configuration):
    found = way(policy, configuration, {"cause": "wear", "on_site": True})
    assert [found.before(name) for name in ("cause", "on_site", "floor")] == [None, "cause", "on_site"]


def test_what_is_known_is_not_asked(policy, configuration):
    assert way(policy, configuration, {}, cause="wear", on_site=True).question == "floor"


def test_what_customers_are_never_asked_stays_open(policy):
    found = way(policy, Configuration(policy="made", not_asked=("cause",)), {})
    assert (found.question, found.steps) == (None, ())
    assert found.decision.needs == ("cause",)
    assert found.decision.category is None


def test_the_last_question_of_a_policy_that_says_nothing_else_must_be_answered(policy, configuration):
    # While another question is open, the first can be left.
    facts = {"on_site": False}
    assert way(policy, configuration, {"cause": None}, **facts).question == "cause"
    assert way(policy, configuration, {"cause": "wear"}, **facts).question is None


def test_an_answer_that_the_policy_does_not_know_is_asked_for_again(policy, configuration):
    found = way(policy, configuration, {"cause": "sabotage", "on_site": True})
    assert (found.question, found.refused) == ("cause", ("cause",))


@pytest.mark.parametrize(
    "fact, typed, value",
    [
        ("on_site", "yes", True),
        ("on_site", "no", False),
        ("cause", "wear", "wear"),
        ("floor", " 12 ", 12),
        ("distance_km", "0.8", "0.8"),
        ("distance_km", "800 m", "800 m"),
        ("share_borne", "12.5", "12.5 %"),
        ("delivered_on", "2026-03-04", "2026-03-04"),
        ("delivered_on", "2026年3月4日", "2026-03-04"),
        ("arrived_at", "2026-03-04T09:30", "2026-03-04T09:30:00+08:00"),
        ("amount_claimed", "12.30", "12.30"),
    ],
)
def test_what_is_typed_is_read(policy, fact, typed, value):
    found = read_answer(policy, ticket_facts(policy)[fact], typed, CHINA, date(2026, 3, 4))
    assert found == (value, None)


@pytest.mark.parametrize(
    "fact, typed, code",
    [
        ("on_site", "perhaps", "oscar-answer-choice"),
        ("cause", "sabotage", "oscar-answer-choice"),
        ("cause", "  ", "oscar-answer-missing"),
        ("floor", "1.5", "ticket-wrong-type"),
        ("distance_km", "-1", None),
        ("distance_km", "0.0001", None),
        ("delivered_on", "2026-03-05", "oscar-answer-future"),
        ("delivered_on", "2026-02-30", None),
        ("arrived_at", "half past nine", "oscar-answer-instant"),
        ("amount_claimed", "12.345", None),
        ("amount_claimed", "12 EUR", None),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(policy, fact, typed, code):
    value, wrong = read_answer(policy, ticket_facts(policy)[fact], typed, CHINA, date(2026, 3, 4))
    assert value is None
    assert wrong is not None and wrong.message.text("zh")
    assert code is None or wrong.code == code


def test_an_answer_comes_back_into_its_field_as_it_was_typed(policy, configuration):
    decision = way(policy, configuration, {}).decision
    for fact, answer, shown in (
        ("on_site", True, "yes"),
        ("share_borne", "12.5 %", "12.5"),
        ("arrived_at", "2026-03-04T01:30:00+00:00", "2026-03-04T09:30"),
        ("floor", 12, "12"),
    ):
        question = question_of(policy, decision, fact, Wording(policy, "en"), answer=answer, zone=CHINA)
        assert question.answer == shown


def test_a_question_has_its_words_in_both_languages(policy, configuration):
    decision = way(policy, configuration, {}).decision
    en, zh = (question_of(policy, decision, "cause", Wording(policy, lang)) for lang in ("en", "zh"))
    assert (en.label, en.kind, en.settles) == ("Cause", "choice", ("category",))
    assert (zh.label, zh.settles) == ("故障原因", ("类别",))
    assert ("wear", "正常磨损") in zh.choices
    money = question_of(policy, decision, "amount_claimed", Wording(policy, "en"))
    assert (money.kind, money.unit) == ("number", "CNY")


def test_answers_are_shown_in_words(policy):
    facts = ticket_facts(policy)
    shown = {
        name: shown_value(Wording(policy, "zh"), policy, facts[name], value, CHINA)
        for name, value in (("on_site", True), ("distance_km", "0.8"), ("floor", 3), ("cause", None))
    }
    assert shown == {"on_site": "是", "distance_km": "0.8 公里", "floor": "3", "cause": "不清楚"}


def test_a_companys_own_fact_stands_under_extra(policy):
    assert ticket_data(policy, {"floor": 3, "on_site": True}, "S1") == {
        "ticket_id": "S1",
        "on_site": True,
        "extra": {"floor": 3},
    }


def test_the_products_own_warranty_runs_from_a_day_that_is_answered():
    read = LineFacts(facts={}, warranty_months=24)
    configuration = Configuration(policy="mall")
    assert "warranty_until" not in read.with_answers({}, configuration)
    found = read.with_answers({"delivered_on": "2025-03-04"}, configuration)
    assert found["warranty_until"] == "2027-03-03"
    agreed = read.with_answers({"delivered_on": "2025-03-04", "warranty_until": "2026-01-01"}, configuration)
    assert agreed["warranty_until"] == "2026-01-01"


def test_a_setting_is_read_or_everything_that_is_wrong_is_told():
    found, problems = read_configuration({"policy": "mall", "not_asked": ["cause"], "warranty_months": None})
    assert not problems
    assert found is not None and found.not_asked == ("cause",)
    found, problems = read_configuration({"policy": 7, "polcy": "x", "attributes": [], "always": {"on_site": True}})
    assert found is None
    assert [one.place.file for one in problems if one.place] == [
        "SVC_POLICY",
        'SVC_POLICY["policy"]',
        'SVC_POLICY["attributes"]',
    ]
    assert all(one.help is not None for one in problems)


def test_the_same_decision_has_the_same_fingerprint_whenever_it_is_made():
    from svc_policy.adapters.oscar.storing import fingerprint_of

    mall = load("mall")
    ticket = {
        "request_kind": "fault",
        "received_at": "2026-03-02T09:00:00",
        "cause": "wear",
        "delivered_on": "2026-01-01",
    }
    prints = [
        fingerprint_of(mall.decide(ticket, at=datetime(2026, 3, 2, hour, minute, tzinfo=CHINA)).to_dict())
        for hour, minute in ((9, 30), (10, 0), (13, 11), (13, 12))
    ]
    # 80 % of four hours of work are used up at 13:12, and somebody is warned.
    assert prints[0] == prints[1] == prints[2] != prints[3]


def test_every_question_says_what_it_settles():
    mall = load("mall")
    words = Wording(mall, "en")
    long_ago = {"request_kind": "fault", "customer_kind": "person", "delivered_on": "2023-12-01", "on_site": True}
    decision = mall.decide({**long_ago, "received_at": "2026-03-02T09:00"}, at=AT)
    settles = {name: question_of(mall, decision, name, words).settles for name in decision.needs}
    assert settles["cause"] == ("cover",)
    assert settles["distance_km"] == ("price", "times")
    assert settles["solved_by_telephone"] == ("how it is dealt with",)
    assert all(settles.values())


@pytest.mark.parametrize(
    "name, value, en, zh",
    [
        ("distance_km", "far", "“far” in “distance by road", "无法识别“商场至服务现场的路程”中的“far”"),
        ("distance_km", "30000", "“distance by road from the mall to the site” is “30000”, more than", "“30000”"),
        # What was typed stays what it is, also where it is the name of a fact.
        ("distance_km", "cause", "“cause” in “distance by road", "“cause”"),
    ],
)
def test_what_is_wrong_is_said_without_names_of_fields(name, value, en, zh):
    mall = load("mall")
    (problem,) = check_value(mall, name, value)
    for language, said in (("en", en), ("zh", zh)):
        text = plain(problem.message, Wording(mall, language))
        assert said in text
        assert "`" not in text and name not in text
