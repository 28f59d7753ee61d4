"""What rows leave out and where they meet, each on a table small enough to see it."""

from __future__ import annotations

from datetime import datetime

import pytest

from check.shops import bands, codes, found, mall_without, shop, words
from svc_policy import load
from svc_policy.check import table_views

FEES = """rule,from,until,on_site,then: line,then: fixed,cite
old,,2026-01-01,yes,visit,60 CNY,m-1
new,2026-01-01,,yes,visit,70 CNY,m-1
"""


# --- gaps


def test_bands_that_touch_leave_nothing_out(tmp_path):
    assert found(bands(tmp_path)) == []


def test_a_band_that_is_missing_is_a_gap_with_its_region_and_an_example(tmp_path):
    policy = mall_without(tmp_path, ("deadlines", "between,"))
    (gap,) = found(policy, "gap", examples=True)
    assert gap.message.text("en") == (
        "gap in `deadlines` for target `arrived`: distance_km (50, 100] km, category C, on_site yes; all dates"
    )
    assert str(gap.place) == "mall/deadlines.csv:6"
    assert (gap.severity, gap.table, gap.rules) == ("error", "deadlines", ("near", "middle", "far"))
    assert gap.days == ((None, None),)
    assert gap.clauses == ("mall-2.1.3",)
    assert gap.example is not None
    assert gap.example.words.text("en") == "75 km"
    assert gap.example.words.text("zh") == "75 公里"
    decided = policy.decide(gap.example.ticket, at=datetime.fromisoformat(gap.example.at))
    assert (decided.category, decided.targets["arrived"].status) == ("C", "not applicable")


@pytest.mark.parametrize(
    "old, new, code, region",
    [
        ("near,<= 5 km", "near,< 5 km", "boundary-gap", "distance_km 5 km, on_site yes"),
        ("far,> 50 km", "far,> 60 km", "gap", "distance_km (50, 60] km, on_site yes"),
        ("near,<= 5 km", "near,[1..5] km", "gap", "distance_km < 1 km, on_site yes"),
        ("middle,(5..50] km,yes", "middle,(5..50] km,-", "", ""),
    ],
)
def test_what_bands_leave_out(tmp_path, old, new, code, region):
    gaps = found(bands(tmp_path, (old, new)))
    assert [(one.code, words(one)) for one in gaps] == ([(code, region)] if code else [])


def test_a_table_of_one_band_speaks_of_nothing_else(tmp_path):
    policy = bands(
        tmp_path,
        ("near,<= 5 km,yes,received,arrived,24 h,calendar,m-1\n", ""),
        ("far,> 50 km,yes,received,arrived,72 h,calendar,m-1\n", ""),
    )
    assert found(policy) == []


def test_absence_is_a_value_to_cover_where_it_is_known_to_be_one(tmp_path):
    text = (
        "rule,channel,then: starts,then: ends,then: within,then: clock,cite\n"
        'by_wire,"telephone, e-mail, online",received,answered,4 h,calendar,m-1\n'
        'on_paper,"letter, counter",received,answered,8 h,calendar,m-1\n'
    )
    (gap,) = found(shop(tmp_path, {"deadlines": text}))
    assert (gap.code, words(gap)) == ("gap", "channel missing")
    # What kind of request it is must be told: nobody has to cover that it is not known yet.
    told = text.replace("channel", "request_kind").replace('"telephone, e-mail, online"', '"inquiry, fault"')
    assert (
        found(shop(tmp_path / "told", {"deadlines": told.replace('"letter, counter"', '"complaint, suggestion"')}))
        == []
    )


def test_of_open_text_nobody_lists_all_values(tmp_path):
    text = (
        "rule,product_class,then: starts,then: ends,then: within,then: clock,cite\n"
        "pumps,pump,received,answered,4 h,calendar,m-1\nvalves,valve,received,answered,8 h,calendar,m-1\n"
    )
    assert found(shop(tmp_path, {"deadlines": text})) == []


def test_editions_without_a_hole_are_whole(tmp_path):
    assert found(shop(tmp_path, {"fees": FEES})) == []


@pytest.mark.parametrize(
    "old, new, days",
    [
        ("new,2026-01-01", "new,2026-02-01", ("2026-01-01", "2026-02-01")),
        ("new,2026-01-01,,", "new,2026-01-01,2027-01-01,", ("2027-01-01", None)),
    ],
)
def test_a_hole_between_editions_says_its_days(tmp_path, old, new, days):
    (gap,) = found(shop(tmp_path, {"fees": FEES.replace(old, new)}))
    assert (gap.code, words(gap)) == ("edition-gap", "on_site yes")
    assert gap.to_dict()["days"] == [{"from": days[0], "until": days[1]}]
    assert gap.suggestion is not None
    assert gap.suggestion.startswith("old," if days[1] else "new,")


@pytest.mark.parametrize(
    ("until", "since", "days"),
    [
        ("2026-01-01", "2026-02-01", "from 2026-01-01 to 2026-01-31"),
        ("2026-01-01", "2026-01-01", None),
    ],
)
def test_a_rule_that_collects_has_no_hole_between_its_editions(tmp_path, until, since, days):
    rows = (
        f"late,2025-01-01,{until},missed,clerk,20 CNY,m-1\nlate,{since},2027-01-01,missed,clerk,30 CNY,m-1\n"
        "other,,,mistake,clerk,50 CNY,m-1\n"
    )
    policy = shop(tmp_path, {"penalties": f"rule,from,until,incident_kind,then: liable,then: amount,cite\n{rows}"})
    # Before its first edition and after its last one a rule may be silent.
    holes = [one for one in policy.check() if one.code == "edition-gap"]
    assert [(one.severity, one.rules, words(one)) for one in holes] == (
        [("warning", ("late",), "incident_kind missed")] if days else []
    )
    if days:
        assert days in holes[0].message.text("en")
        assert holes[0].example.ticket["incidents"][0]["occurred_on"].startswith("2026-01-")


def test_every_ticket_has_a_payer(tmp_path):
    text = "rule,fee_refused,then: payer,cite\nrefused,yes,head,m-1\n"
    (gap,) = found(shop(tmp_path, {"payers": text}))
    assert (gap.code, words(gap)) == ("gap", "fee_refused no")
    assert found(shop(tmp_path / "whole", {"payers": text + "else,no,customer,m-1\n"})) == []


CATEGORY = "rule,request_kind,internal,then: category,cite\nours,-,yes,D,m-1\nrepair,fault,no,A,m-1\n"
OFF = '[properties.total_category]\noff = "only faults are sorted"\n'


def test_every_ticket_has_a_category_unless_the_policy_says_otherwise(tmp_path):
    (gap,) = found(shop(tmp_path, {"category": CATEGORY}))
    assert words(gap) == "request_kind inquiry or complaint or suggestion, internal no"
    only = "rule,request_kind,internal,then: category,cite\nrepair,fault,no,A,m-1\n"
    assert codes(found(shop(tmp_path / "strict", {"category": only}))) == ["gap", "gap"]
    assert found(shop(tmp_path / "narrow", {"category": only}, OFF)) == []


# --- what earlier tables can give


READS = """rule,category,on_site,then: line,then: fixed,cite
free,C,yes,visit,0 CNY,m-1
paid,A,yes,visit,60 CNY,m-1
"""


def test_a_result_is_covered_as_far_as_it_comes_out(tmp_path):
    two = "rule,in_warranty,then: category,cite\nfree,yes,C,m-1\npaid,no,A,m-1\n"
    assert found(shop(tmp_path, {"category": two, "fees": READS})) == []
    three = "rule,in_warranty,internal,then: category,cite\nours,-,yes,D,m-1\nfree,yes,no,C,m-1\npaid,no,no,A,m-1\n"
    (gap,) = found(shop(tmp_path / "three", {"category": three, "fees": READS}))
    assert words(gap) == "category D, on_site yes"


def test_a_result_is_followed_to_the_facts_that_lead_to_it(tmp_path):
    # A fault is repaired, so free: of category C and free of charge nobody asks with a complaint.
    category = "rule,request_kind,then: category,cite\nfree,fault,C,m-1\npaid,not(fault),A,m-1\n"
    head = "rule,category,request_kind,then: line,then: fixed,cite\n"
    fees = head + "one,C,fault,visit,0 CNY,m-1\ntwo,A,not(fault),visit,9 CNY,m-1\n"
    assert found(shop(tmp_path, {"category": category, "fees": fees})) == []
    never = fees.replace("two,A,not(fault)", "two,A,fault")
    assert codes(found(shop(tmp_path / "never", {"category": category, "fees": never}), "row-never")) == ["row-never"]


def test_covered_means_in_warranty_and_not_excluded(tmp_path):
    excluded = "rule,cause,then: reason,cite\nmisuse,misuse,misuse,m-1\n"
    head = "rule,covered,in_warranty,excluded,then: category,cite\n"
    category = head + "free,yes,-,-,C,m-1\nmisuse,no,yes,yes,A,m-1\nout,no,no,-,A,m-1\n"
    tables = {"exclusions": excluded, "category": category}
    assert found(shop(tmp_path, tables), "gap", "row-never") == []
    without = {**tables, "category": category.replace("misuse,no,yes,yes,A,m-1\n", "")}
    (gap,) = found(shop(tmp_path / "gap", without), "gap")
    assert words(gap) == "covered no, in_warranty yes"
    # Without exclusions nothing is excluded, so whatever is in warranty is covered.
    (never,) = found(shop(tmp_path / "never", {"category": category}), "row-never")
    assert never.rules == ("misuse",)


# --- rows that meet


@pytest.mark.parametrize(
    "old, new, code, region",
    [
        ("middle,(5..50]", "middle,[5..50]", "boundary-overlap", "distance_km 5 km, on_site yes"),
        ("middle,(5..50]", "middle,(4..50]", "overlap", "on_site yes, distance_km (4, 5] km"),
        (
            "middle,(5..50] km,yes,received,arrived,48 h",
            "middle,(4..50] km,yes,received,arrived,24 h",
            "overlap-equal",
            "on_site yes, distance_km (4, 5] km",
        ),
    ],
)
def test_rows_of_which_one_may_hold_and_two_do(tmp_path, old, new, code, region):
    (overlap,) = found(bands(tmp_path, (old, new)), "overlap", "boundary-overlap", "overlap-equal")
    assert overlap.code == code
    assert sorted(words(overlap).split(", ")) == sorted(region.split(", "))
    assert overlap.rules == ("near", "middle")
    assert overlap.severity == ("note" if code == "overlap-equal" else "error")


def test_rows_that_are_in_force_on_other_days_do_not_meet(tmp_path):
    head = "rule,from,until,then: starts,then: ends,then: within,then: clock,cite\n"
    old, new = (
        "old,,2026-01-01,received,arrived,24 h,calendar,m-1\n",
        "new,2026-01-01,,received,arrived,48 h,calendar,m-1\n",
    )
    assert found(shop(tmp_path, {"deadlines": head + old + new})) == []
    (overlap,) = found(shop(tmp_path / "met", {"deadlines": head + old + new.replace("2026-01-01", "2025-12-31")}))
    assert overlap.to_dict()["days"] == [{"from": "2025-12-31", "until": "2026-01-01"}]


def test_where_the_first_row_decides_only_a_shared_boundary_is_told(tmp_path):
    head = "rule,distance_km,then: line,then: fixed,cite\n"
    exception = head + "near,<= 5 km,visit,6 CNY,m-1\nelse,-,visit,9 CNY,m-1\n"
    assert found(shop(tmp_path, {"fees": exception})) == []
    shared = head + "near,<= 5 km,visit,6 CNY,m-1\nfar,>= 5 km,visit,9 CNY,m-1\n"
    (told,) = found(shop(tmp_path / "shared", {"fees": shared}))
    assert (told.code, told.severity, words(told)) == ("boundary-overlap", "warning", "distance_km 5 km")


# --- rows that never decide


def test_a_row_behind_a_wider_one_never_decides(tmp_path):
    head = "rule,distance_km,then: line,then: fixed,cite\n"
    text = head + "near,<= 5 km,visit,6 CNY,m-1\nfar,> 5 km,visit,9 CNY,m-1\nthird,(2..9] km,visit,7 CNY,m-1\n"
    (hidden,) = found(shop(tmp_path, {"fees": text}))
    assert (hidden.code, hidden.rules, hidden.severity) == ("row-hidden", ("third",), "warning")
    assert "so does one of `near`, `far` before it" in hidden.message.text("en")
    assert (
        found(
            shop(tmp_path / "wider", {"fees": text.replace("> 5 km", "> 7 km").replace("(2..9] km", "(2..9] km")}),
            "row-hidden",
        )
        == []
    )


def test_a_row_of_which_a_fact_is_never_missing_never_holds(tmp_path):
    # `internal` has a default: it is never missing.
    text = "rule,internal,then: owner,then: duty,cite\none,missing,head,call,m-1\ntwo,no,head,visit,m-1\n"
    (never,) = found(shop(tmp_path, {"duties": text}))
    assert (never.code, never.rules) == ("row-never", ("one",))


def test_a_row_that_another_reading_switches_off_is_no_finding(tmp_path):
    reading = (
        '[interpretations.narrow]\nkind = "bool"\nvalue = "no"\ncite = "m-1"\nsince = "2026-01-01"\n'
        'reading.en = "x"\nreading.zh = "x"\n'
    )
    text = "rule,narrow,internal,then: owner,then: duty,cite\none,yes,no,head,call,m-1\ntwo,no,no,head,visit,m-1\n"
    assert found(shop(tmp_path, {"duties": text}, reading)) == []


# --- rows that say the same


def test_rows_that_collect_may_hold_together_but_not_twice(tmp_path):
    head = "rule,internal,on_site,then: owner,then: duty,cite\n"
    plain = head + "one,no,yes,head,call,m-1\ntwo,no,-,clerk,call,m-1\n"
    assert found(shop(tmp_path, {"duties": plain})) == []
    twice = head + "one,no,yes,head,call,m-1\ntwo,no,yes,head,call,m-1\n"
    assert codes(found(shop(tmp_path / "twice", {"duties": twice}))) == ["row-twice"]
    inside = head + "one,no,yes,head,call,m-1\ntwo,no,-,head,call,m-1\n"
    (contained,) = found(shop(tmp_path / "inside", {"duties": inside}), "row-contained")
    assert contained.rules == ("two", "one")


def test_rows_that_could_be_one_cite_the_same_clause(tmp_path):
    head = "rule,request_kind,then: owner,then: duty,cite\n"
    text = head + "one,fault,head,call,m-1\ntwo,complaint,head,call,m-1\n"
    (mergeable,) = found(shop(tmp_path, {"duties": text}))
    assert (mergeable.code, mergeable.rules, mergeable.severity) == ("rows-mergeable", ("one", "two"), "note")
    assert found(shop(tmp_path / "apart", {"duties": text.replace("two,complaint,head", "two,complaint,clerk")})) == []


# --- views


def test_a_dated_parameter_takes_its_row_apart(tmp_path):
    limit = (
        '[parameters.reach]\nkind = "distance"\n'
        'values = [{ value = "5 km" }, { from = "2026-01-01", value = "8 km" }]\n'
        'label.en = "x"\nlabel.zh = "x"\n'
    )
    policy = bands(tmp_path, ("<= 5 km", "<= {reach}"), settings=limit)
    (view,) = table_views(policy)
    assert len(view.pieces[0]) == 4  # `near` before and since 2026, and the other two
    (overlap,) = found(policy)
    assert sorted(words(overlap).split(", ")) == ["8] km", "distance_km (5", "on_site yes"]
    assert overlap.to_dict()["days"] == [{"from": "2026-01-01", "until": None}]


def test_views_of_two_policies_share_a_grid(tmp_path):
    one, two = bands(tmp_path / "one"), bands(tmp_path / "two", ("far,> 50 km", "far,> 60 km"))
    (view,) = table_views(one, two)
    assert (view.table, view.group, len(view.rows)) == ("deadlines", "arrived", 2)
    distance = view.grid.index("distance_km")
    # Cut at 0, 5, 50 and 60 km: four atoms, and both tables are told on them.
    assert view.grid.axes[distance].size == 4
    assert [box[distance] for box in view.boxes[0]] == [0b0001, 0b0010, 0b1100]
    assert [box[distance] for box in view.boxes[1]] == [0b0001, 0b0010, 0b1000]


def test_a_policy_on_a_day_is_checked_as_of_that_day(tmp_path):
    policy = shop(tmp_path, {"fees": FEES.replace("new,2026-01-01", "new,2026-02-01")})
    assert codes(found(policy)) == ["edition-gap"]
    assert found(policy.on("2026-03-01")) == []


def test_the_shipped_packs_have_nothing_that_they_do_not_accept():
    for name in ("mall", "branches", "works", "campus", "tile", "factory"):
        assert [one.message.text("en") for one in found(load(name)) if one.accepted is None] == [], name


def test_what_must_be_asked_is_no_part_of_a_region(tmp_path):
    text = "rule,accepted_on,internal,then: category,cite\none,missing,yes,D,m-1\ntwo,-,yes,A,m-1\n"
    (gap,) = found(shop(tmp_path, {"category": text}))
    assert words(gap) == "internal no"


def test_a_shared_boundary_with_one_result_is_no_finding_where_the_first_row_decides(tmp_path):
    head = "rule,distance_km,then: line,then: fixed,cite,note\n"
    text = head + "near,<= 5 km,visit,6 CNY,m-1,\nfar,>= 5 km,visit,6 CNY,m-1,\n"
    assert codes(found(shop(tmp_path, {"fees": text}))) == ["rows-mergeable"]


def test_an_edition_that_is_missing_is_named_as_that(tmp_path):
    head = "rule,from,until,distance_km,then: line,then: fixed,cite\n"
    near = "near,,2025-01-01,<= 5 km,visit,1 CNY,m-1\nnear,2025-01-01,2026-01-01,< 2 km,visit,2 CNY,m-1\n"
    # On the days of the hole two other rows tell distances apart: it is still an edition that is missing.
    near += "middle,2025-01-01,2026-01-01,[2..5] km,visit,9 CNY,m-1\n"
    far = "far,,2025-01-01,> 5 km,visit,4 CNY,m-1\nfar,2025-01-01,2026-01-01,> 5 km,visit,5 CNY,m-1\n"
    newest = "near,2026-01-01,,<= 5 km,visit,3 CNY,m-1\nfar,2026-01-01,,> 5 km,visit,6 CNY,m-1\n"
    assert found(shop(tmp_path, {"fees": head + near + far + newest})) == []
    without = far.replace("far,2025-01-01,2026-01-01,> 5 km,visit,5 CNY,m-1\n", "")
    (gap,) = found(shop(tmp_path / "without", {"fees": head + near + without + newest}))
    assert (gap.code, words(gap)) == ("edition-gap", "distance_km > 5 km")
    assert gap.to_dict()["days"] == [{"from": "2025-01-01", "until": "2026-01-01"}]


def test_an_overlap_has_a_ticket_of_which_one_of_the_rows_holds(tmp_path):
    policy = bands(tmp_path, ("far,> 50 km", "far,[2..4] km"), ("(5..50] km", "> 5 km"))
    (overlap,) = found(policy, "overlap", examples=True)
    assert overlap.rules == ("near", "far")
    assert (overlap.severity, overlap.example is not None) == ("error", True)
    assert overlap.example.words.text("en") == "distance_km 3 km, on_site yes"


def test_where_no_ticket_is_found_it_is_said_and_warned_of(tmp_path):
    # Without a table of warranty only a stated last day puts a ticket inside it: no ticket lies in this gap.
    text = "rule,in_warranty,warranty_until,then: category,cite\nin,yes,not(missing),A,m-1\nout,no,-,B,m-1\n"
    (gap,) = found(shop(tmp_path, {"category": text}), examples=True)
    assert (gap.code, gap.severity, gap.searched, gap.example) == ("gap", "warning", True, None)
    assert "no example found" in gap.render("en")
    assert "未找到示例工单" in gap.render("zh")
