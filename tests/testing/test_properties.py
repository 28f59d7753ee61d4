"""Each named property holds of a sound policy, and finds the mistake that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_policy import Policy, load
from svc_policy.errors import PackError
from svc_policy.pack.properties import PROPERTIES
from svc_policy.pack.source import built_in_packs
from svc_policy.testing import NAMED, PropertyFailed, check_all
from svc_policy.testing.running import DEFAULT, Failure, seeded, try_property
from svc_policy.testing.strategies import Situation, situations

from .shop import shop

SOME = settings(DEFAULT, max_examples=25)
FEW = settings(DEFAULT, max_examples=8)


def test_the_names_are_those_that_a_pack_may_switch_off() -> None:
    assert set(NAMED) == set(PROPERTIES)


def test_a_sound_policy_keeps_them_all(plain: Policy) -> None:
    found = {result.name: result.status for result in check_all(plain, settings=FEW)}  # type: ignore[union-attr]
    assert found == dict.fromkeys(PROPERTIES, "kept")


#: Property → what stands in a file, what takes its place, and the file and line (or the file) that is blamed.
MISTAKES = {
    "total_category": ("category.csv", "free,-,yes,C,s-1\n", "", "category.csv"),
    "nearer_never_waits_longer": ("deadlines.csv", "arrived,24 h", "arrived,72 h", "deadlines.csv:2"),
    "fees_rise_with_hours": (
        "fees.csv",
        "visit,,2025-01-01,A,visit,40 EUR,-,-,-,-,s-2\nvisit,2025-01-01,,A,visit,45 EUR,-,-,-,-,s-2\n"
        "labour,,,A,labour,-,60 EUR,1 h,labour_hours,30 min,s-2\n",
        "",
        "fees.csv:2",
    ),
    "free_and_internal_cost_nothing": ("fees.csv", "labour,,,A,labour", "labour,,,-,labour", "fees.csv:4"),
    "earlier_report_never_worsens_coverage": (
        "exclusions.csv",
        "rule,cause,then: reason,cite\nmisuse,misuse,misuse,s-1\n",
        "rule,from,until,cause,then: reason,cite\nold,,2025-01-01,-,misuse,s-1\nmisuse,2025-01-01,,misuse,misuse,s-1\n",
        "warranty.csv:2",
    ),
}
BY_HOURS = (
    "rule,labour_hours,then: line,then: fixed,cite\nshort,<= 2 h,labour,100 EUR,s-2\nlong,> 2 h,labour,80 EUR,s-2\n"
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_with_a_small_ticket(name: str, tmp_path: Path) -> None:
    file, old, new, blamed = MISTAKES[name]
    if name == "fees_rise_with_hours":
        old, new = _whole(file), BY_HOURS
    policy = shop(tmp_path, file, old, new)
    with pytest.raises(PropertyFailed) as caught:
        NAMED[name](policy, settings=settings(DEFAULT, max_examples=200))
    failed = caught.value
    assert failed.property == name
    named = [line for line in str(failed).splitlines() if line.startswith("  shop/")]
    assert named and any(f"shop/{blamed}" in line for line in named)
    assert len(failed.ticket) <= 6
    assert failed.rules and all(rule.line for rule in failed.rules)
    # The ticket that is told fails when it is read again, and a smaller one would not do.
    assert policy.decide(policy.ticket(failed.ticket), at=failed.at).rules == failed.rules
    assert failed.explained("zh") != failed.explanation


def _whole(file: str) -> str:
    from .shop import FILES

    return FILES[file]


def test_the_smallest_ticket_without_a_category(tmp_path: Path) -> None:
    policy = shop(tmp_path, "category.csv", "own,yes,-,D,s-1\nfree,-,yes,C,s-1\n", "")
    with pytest.raises(PropertyFailed) as caught:
        NAMED["total_category"](policy)
    # Covered, which takes a request inside the year after the delivery, for a cause that is not excluded.
    assert set(caught.value.ticket) - {"warranty_until"} <= {"received_at", "delivered_on", "cause"}


def test_fees_below_nothing_and_falling_totals_are_found(plain: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pack that loads has negative prices: the engine is made to answer wrongly."""
    honest = type(plain).column

    def lowered(self: Policy, decision: object, name: str) -> object:
        found = honest(self, decision, name)  # type: ignore[arg-type]
        parts = len(decision.ticket.parts)  # type: ignore[attr-defined]
        return found - 500_000_000 * parts if name == "total" and isinstance(found, int) else found

    monkeypatch.setattr(type(plain), "column", lowered)
    for name in ("fees_never_negative", "fees_rise_with_parts"):
        with pytest.raises(PropertyFailed) as caught:
            NAMED[name](plain, settings=settings(DEFAULT, max_examples=200))
        assert caught.value.ticket["parts"]


def test_a_penalty_outside_its_range_is_found(plain: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = type(plain).column

    def doubled(self: Policy, decision: object, name: str) -> object:
        found = honest(self, decision, name)  # type: ignore[arg-type]
        return found * 2 if name == "penalty_least" and isinstance(found, int) else found

    monkeypatch.setattr(type(plain), "column", doubled)
    with pytest.raises(PropertyFailed) as caught:
        NAMED["penalties_within_range"](plain)
    assert [set(line) for line in caught.value.ticket["incidents"]] == [{"incident_kind"}]


def test_an_escalation_that_is_taken_back_is_found(plain: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = type(plain).column

    def forgotten(self: Policy, decision: object, name: str) -> object:
        found = honest(self, decision, name)  # type: ignore[arg-type]
        return 2 if name == "escalations_fired" and found == 3 else found

    monkeypatch.setattr(type(plain), "column", forgotten)
    with pytest.raises(PropertyFailed, match="`half` has fired and no longer does"):
        NAMED["escalation_never_falls"](plain, settings=settings(DEFAULT, max_examples=400))


def test_an_explanation_that_leaves_out_a_clause_is_found(plain: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = type(plain).explain
    monkeypatch.setattr(
        type(plain),
        "explain",
        lambda self, decision, lang="en": (
            honest(self, decision, lang).replace("s-2", "s 2") if lang == "zh" else honest(self, decision, lang)
        ),
    )
    with pytest.raises(PropertyFailed, match=r"\(zh\) does not cite `s-2`"):
        NAMED["explanation_cites_rules"](plain, settings=SOME)


def test_a_batch_that_answers_otherwise_is_found(plain: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    from svc_policy import batch

    honest = batch.decide_batch

    def wrong(policy: Policy, connection: object, **given: object) -> None:
        honest(policy, connection, **given)  # type: ignore[arg-type]
        connection.execute("UPDATE decisions SET category = 'B' WHERE category = 'D'")  # type: ignore[attr-defined]

    monkeypatch.setattr(batch, "decide_batch", wrong)
    with pytest.raises(PropertyFailed, match="`category` is `D` in Python and `B` in DuckDB"):
        NAMED["sql_is_python"](plain, settings=SOME)


def test_what_a_policy_has_not_does_not_apply(tmp_path: Path) -> None:
    from pack.building import write_pack

    from .shop import FILES

    bare = {name: FILES[name] for name in ("policy.toml", "clauses.csv", "deadlines.csv")}
    policy = load(write_pack(tmp_path / "bare", bare))
    kept = ("nearer_never_waits_longer", "explanation_cites_rules")
    for name in PROPERTIES[:-1]:
        assert NAMED[name](policy, settings=FEW).status == ("kept" if name in kept else "does not apply"), name


# --- what was put to the test


def test_a_property_that_no_ticket_puts_to_the_test_says_so(tmp_path: Path, plain: Policy) -> None:
    # Nothing is used up so often by a ticket that is drawn.
    rows = "half,arrived,>= 50 %,1,head,s-2\nover,arrived,>= 100 %,2,head,s-2\n"
    late = shop(tmp_path, "escalations.csv", rows, "never,arrived,>= 9000000000 %,1,head,s-2\n")
    result = NAMED["escalation_never_falls"](late, settings=SOME)
    assert (result.status, result.tried, result.relevant) == ("kept", 25, 0)
    assert result.told().text("en") == "kept, but no ticket put it to the test, of 25 drawn"
    assert "25" in result.told().text("zh") and result.told().text("zh") != result.told().text("en")
    result = NAMED["escalation_never_falls"](plain, settings=SOME)
    assert result.told().text("en") == f"kept; {result.relevant} of 25 tickets put it to the test" and result.relevant


def test_tickets_are_counted_by_what_the_judge_says_of_them(plain: Policy) -> None:
    seen: list[str] = []

    def judge(situation: Situation) -> Failure | bool:
        stated = "refused" if "internal" in situation.facts else str("distance_km" in situation.facts)
        seen.append(stated)
        if stated == "refused":
            raise PackError([])
        return stated == "True"

    result = try_property("counted", plain, st.tuples(situations(plain)), judge, settings=SOME)
    counts = (seen.count("True") + seen.count("False"), seen.count("True"), seen.count("refused"))
    assert (result.tried, result.relevant, result.refused) == counts
    assert result.tried == 25 and all(counts)


def test_examples_do_not_hang_on_the_source_text_of_a_test(plain: Policy) -> None:
    first: list[Situation] = []
    second: list[Situation] = []

    def keep(situation: Situation) -> None:
        first.append(situation)

    def keep_otherwise(situation: Situation) -> None:
        # The same, in other words.
        second[len(second) :] = [situation]

    for test in (keep, keep_otherwise):
        seeded(FEW, "keep")(given(situations(plain))(test))()
    assert first == second


# --- switched off


def test_a_property_is_switched_off_with_a_reason_in_each_language(tmp_path: Path, plain: Policy) -> None:
    off = '[properties.total_category]\noff = true\nwhy.en = "Only repairs."\nwhy.zh = "仅限维修。"\n'
    policy = shop(tmp_path, "category.csv", "paid,-,no,A,s-1\n", "", settings=off)
    result = NAMED["total_category"](policy)
    assert result.status == "off" and result.reason is not None
    assert (result.reason.text("en"), result.reason.text("zh")) == ("Only repairs.", "仅限维修。")
    short = shop(tmp_path / "short", settings='[properties.sql_is_python]\noff = "no batch here"\n')
    assert NAMED["sql_is_python"](short).status == "off"
    # What is tried is no part of what is decided.
    assert short.digest == plain.digest


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('[properties.total_categry]\noff = "so"\n', "property-unknown", 1),
        ("[properties.total_category]\noff = true\n", "property-reason", 1),
        ('[properties.total_category]\noff = ""\n', "property-reason", 1),
        ("[properties.total_category]\noff = 3\n", "property-reason", 1),
        ('[properties.total_category]\noff = "so"\nbecause = "x"\n', "settings-unknown", 3),
        ("[properties]\ntotal_category = true\n", "settings-type", 2),
    ],
)
def test_a_switch_that_cannot_be_read_is_one_problem(tmp_path: Path, text: str, code: str, line: int) -> None:
    from .shop import SETTINGS

    with pytest.raises(PackError) as caught:
        shop(tmp_path, settings=text)
    (found,) = caught.value.problems
    assert found.code == code and (found.help is not None or code == "settings-type")
    assert found.place is not None and found.place.line == SETTINGS.count("\n") + line


@pytest.mark.parametrize("name", built_in_packs())
def test_the_shipped_packs_keep_their_properties(name: str) -> None:
    policy = load(name)
    for property_name in PROPERTIES:
        if property_name not in ("sql_is_python", "explanation_cites_rules"):
            result = NAMED[property_name](policy, settings=settings(DEFAULT, max_examples=16))
            # Half of the tickets are aimed at what the property is about.
            assert result.status != "kept" or result.relevant >= 2, (property_name, result)


def test_without_the_batch_extra_the_batch_does_not_apply(plain: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = NAMED["sql_is_python"](plain)
    assert result.status == "does not apply" and "svc-policy[batch]" in str(result.reason)
