"""An overlay over a base pack: what it keeps, replaces, adds and drops, and what is said of its mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.running import run
from pack.building import change, write_pack
from svc_policy import load
from svc_policy.errors import PackError

BASE = {
    "policy.toml": """
schema = 1
id = "shop-base"
title.en = "What shops share"
title.zh = "门店共用"
timezone = "Asia/Shanghai"
currency = "CNY"

[week]
mon = ["09:00-17:00"]
[calendar]
valid = ["2026-01-01", "2026-12-31"]

[roles.clerk]
en = "clerk"
zh = "业务员"
[roles.head]
en = "head"
zh = "主管"

[interpretations.answer_time]
kind = "allowance"
value = "4 working h"
cite = "base-2"
since = "2026-01-01"
reading.en = "An answer takes four working hours."
reading.zh = "答复时限为四个工作小时。"
""",
    "clauses.csv": "clause,place,en,zh\nbase-1,1,Forms are kept.,表单留存。\nbase-2,2,Answers are prompt.,及时答复。\n"
    "base-3,3,A card is kept.,卡片留存。\n",
    "labels.csv": "name,en,zh\nvoucher,voucher,凭证\ncard,card,卡片\nletter,letter,信函\n",
    "forms.csv": "rule,on_site,then: form,then: owner,then: copies,cite\n"
    "first,-,voucher,clerk,1,base-1\nsecond,yes,card,clerk,2,base-1 base-3\nthird,-,letter,head,1,base-1\n",
    "deadlines.csv": "rule,then: starts,then: ends,then: within,then: owner,cite\n"
    "answer,received,answered,{answer_time},clerk,base-2\n",
    "calendar.csv": "day,windows,why\n2026-03-02,off,base\n2026-03-09,off,base\n",
}
OVERLAY = {
    "policy.toml": """
schema = 1
id = "shop-north"
title.en = "North"
title.zh = "北店"
extends = "./shop-base"

[roles.clerk]
zh = "接待员"

[interpretations.answer_time]
value = "2 working h"

[clauses]
"base-1" = "north-1"
"base-2" = "north-2 north-3"
""",
    "clauses.csv": "clause,place,en,zh\nnorth-1,一,Vouchers are kept.,凭证归档。\nnorth-2,二,Answer soon.,尽快答复。\n"
    "north-3,三,Answer well.,妥善答复。\n",
    "labels.csv": "name,en,zh\nnotice,notice,通知\n",
    "forms.csv": "rule,overlay,then: form,then: owner,then: copies,then: recipient,cite\n"
    "second,-,card,clerk,3,head,north-1\nthird,drop,-,-,-,-,north-1\nnew,before second,notice,head,1,-,north-1\n"
    "last,,notice,clerk,1,-,north-2\n",
    "calendar.csv": "day,windows,why\n2026-03-09,09:00-11:00,north\n",
}
TICKET = {"received_at": "2026-03-09T09:30:00", "on_site": True}


@pytest.fixture
def north(tmp_path: Path) -> Path:
    write_pack(tmp_path / "shop-base", BASE)
    return write_pack(tmp_path / "shop-north", OVERLAY)


def mistakes(pack: Path) -> list[str]:
    with pytest.raises(PackError) as raised:
        load(pack)
    return [item.render("en").splitlines()[0] for item in raised.value.problems]


def test_rows_are_replaced_in_their_place_added_and_dropped(north: Path) -> None:
    rows = load(north).pack.rows["forms"]
    assert [row.id for row in rows] == ["first", "new", "second", "last"]
    second = rows[2]
    assert (second.results["copies"].value, second.text("recipient")) == (3, "head")
    assert rows[0].file.endswith("shop-base/forms.csv") and second.file.endswith("shop-north/forms.csv")


def test_clauses_of_the_base_are_called_by_the_overlays_own(north: Path) -> None:
    policy = load(north)
    assert policy.pack.rows["forms"][0].cites == ("north-1",)
    assert policy.pack.rows["deadlines"][0].cites == ("north-2", "north-3")
    assert policy.pack.settings.interpretations["answer_time"].cites == ("north-2", "north-3")
    # What is not mapped stays the base's.
    assert set(policy.pack.clauses) == {"north-1", "north-2", "north-3", "base-3"}


def test_settings_merge_key_by_key(north: Path) -> None:
    policy = load(north)
    assert policy.pack.settings.roles["clerk"] == ("clerk", "接待员")
    # 2026-03-09 is a Monday, of which the overlay leaves two hours: 09:30 and two hours are 11:00 and half an hour
    # on Monday the 16th.
    decision = policy.decide(TICKET, at=policy.ticket(TICKET).received_at)
    assert decision.targets["answered"].due.isoformat() == "2026-03-16T09:30:00+08:00"
    # The base keeps its own: the 9th is off, four hours of the 16th.
    base = load(north.parent / "shop-base")
    due = base.decide(TICKET, at=base.ticket(TICKET).received_at).targets["answered"].due
    assert due.isoformat() == "2026-03-16T13:00:00+08:00"


def test_the_digest_is_of_what_decides(north: Path, tmp_path: Path) -> None:
    before = load(north).digest
    change(north.parent / "shop-base", "labels.csv", "voucher,voucher,凭证", "voucher,Voucher,凭据")
    assert load(north).digest == before
    change(north.parent / "shop-base", "forms.csv", "voucher,clerk,1", "voucher,clerk,2")
    assert load(north).digest != before


def test_a_base_may_extend_another(north: Path) -> None:
    top = write_pack(
        north.parent / "shop-top",
        {
            "policy.toml": 'schema = 1\nid = "shop-top"\ntitle.en = "Top"\ntitle.zh = "顶"\nextends = "./shop-north"\n'
            '[clauses]\n"north-1" = "top-1"\n',
            "clauses.csv": "clause,place,en,zh\ntop-1,1,One.,一。\n",
            "forms.csv": "rule,overlay,then: form,then: owner,cite\nfirst,drop,-,-,top-1\n",
        },
    )
    rows = load(top).pack.rows["forms"]
    assert [(row.id, row.cites) for row in rows] == [
        ("new", ("top-1",)),
        ("second", ("top-1",)),
        ("last", ("north-2",)),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("policy.toml", '"./shop-base"', '"./shop-bace"', "policy.toml:6:1: there is no pack `./shop-bace`"),
        ("policy.toml", '"./shop-base"', '"./shop-north"', "policy.toml:6:1: `./shop-north` extends itself"),
        ("policy.toml", '"base-1"', '"base-9"', "`[clauses]` names `base-9`, which is no clause"),
        ("policy.toml", '"north-1"', '"north-9"', "`[clauses]` names `north-9`, which is no clause"),
        ("forms.csv", "third,drop", "thirt,drop", "forms.csv:3:7: the base has no rule `thirt` in this table"),
        ("forms.csv", "before second", "before secand", "forms.csv:4:5: the base has no rule `secand` in this table"),
        (
            "forms.csv",
            "last,,",
            "new,after second,letter,head,2,-,north-1\nlast,,",
            "forms.csv:5:5: the rows of rule `new` are told two places",
        ),
        ("forms.csv", "before second", "somewhere", "forms.csv:4:5: cannot read `somewhere` in column `overlay`"),
    ],
)
def test_a_mistake_is_named_with_its_place(north: Path, file: str, old: str, new: str, says: str) -> None:
    change(north, file, old, new)
    assert any(says in line for line in mistakes(north)), mistakes(north)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("policy.toml", "./shop-base", "./shop-bace", "there is no pack `./shop-bace`\nhelp: a pack is a folder"),
        ("policy.toml", "./shop-base", "shared-vouchr", "`shared-vouchr`\nhelp: did you mean `shared-voucher`?"),
        ("policy.toml", "./shop-base", "../", "the folder `../` is no pack\nhelp: a pack has a file `policy.toml`"),
        ("policy.toml", "./shop-base", "./shop-north", "extends itself\nhelp: name another pack in `extends`"),
        ("forms.csv", "third,drop", "zzz,drop", "no rule `zzz` in this table\nhelp: known here: first, second, third"),
        ("forms.csv", "new,before second", "new,after new", "rule `new` is placed beside itself\nhelp: name another"),
        (
            "forms.csv",
            "new,before second",
            "new,before third",
            "the base's rule `third` is dropped here, so nothing can stand beside it"
            "\nhelp: name a rule that stays: first, second",
        ),
        (
            "forms.csv",
            "third,drop,-,-,-,-,north-1\n",
            "third,drop,-,-,-,-,north-1\nthird,drop,-,-,-,-,north-1\n",
            "forms.csv:4:7: rule `third` is dropped twice\nhelp: one row drops every edition",
        ),
        (
            "forms.csv",
            "second,-,card",
            "third,-,card",
            "rule `third` is dropped, and given by another row\nhelp: a row",
        ),
    ],
)
def test_a_mistake_is_one_problem_with_a_way_out(north: Path, file: str, old: str, new: str, says: str) -> None:
    change(north, file, old, new)
    with pytest.raises(PackError) as raised:
        load(north)
    (only,) = raised.value.problems
    said = only.render("en").splitlines()
    assert says in f"{said[0]}\n{said[-1]}"


@pytest.mark.parametrize("name", ["3", '""', "[]", "true"])
def test_a_base_that_is_no_name_is_said(north: Path, name: str) -> None:
    change(north, "policy.toml", '"./shop-base"', name)
    assert any("policy.toml:6:1: `extends` names no pack" in line for line in mistakes(north)), mistakes(north)


def test_packs_extend_one_another_eight_deep(tmp_path: Path) -> None:
    write_pack(tmp_path / "p0", BASE)
    for number in range(1, 9):
        text = f'schema = 1\nid = "p"\ntitle.en = "P"\ntitle.zh = "包"\nextends = "./p{number - 1}"\n'
        write_pack(tmp_path / f"p{number}", {"policy.toml": text})
    assert load(tmp_path / "p7").pack.rows["forms"][0].id == "first"
    (only,) = mistakes(tmp_path / "p8")
    assert only.endswith("p1/policy.toml:5:1: more than 8 packs extend one another")


def test_clauses_are_called_otherwise_only_over_a_base(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "alone", BASE)
    text = (pack / "policy.toml").read_text(encoding="utf-8")
    (pack / "policy.toml").write_text(f'{text}\n[clauses]\n"base-1" = "base-2"\n', encoding="utf-8")
    with pytest.raises(PackError) as raised:
        load(pack)
    (only,) = raised.value.problems
    assert only.render("en").endswith("help: `[clauses]` is for a pack that extends another: leave it out")


def test_a_table_that_only_drops_needs_no_other_column(north: Path) -> None:
    (north / "forms.csv").write_text("rule,overlay\nthird,drop\n", encoding="utf-8")
    assert [row.id for row in load(north).pack.rows["forms"]] == ["first", "second"]


def test_only_an_overlay_has_the_column(north: Path) -> None:
    change(north.parent / "shop-base", "forms.csv", "rule,on_site", "rule,overlay")
    assert any("forms.csv:1:6: the column `overlay` is for a pack that extends another" in x for x in mistakes(north))


def test_a_mistake_in_the_base_names_the_bases_file(north: Path) -> None:
    change(north.parent / "shop-base", "forms.csv", "voucher,clerk", "voucher,clark")
    assert any("shop-base/forms.csv:2" in line and "clark" in line for line in mistakes(north))


THIRD = {
    "policy.toml": """
schema = 1
id = "acme-contract"
title.en = "The contract of Acme"
title.zh = "艾克米合同"
extends = "./shop-north"

[parameters.vat]
values = [{ value = "6 %" }, { from = "2026-07-01", value = "9 %" }]

[interpretations.answer_time]
value = "1 working h"

[clauses]
"north-1" = "acme-1"
"base-3" = "acme-1"
""",
    "clauses.csv": "clause,place,en,zh\nacme-1,§ 1,Acme gets its papers.,向艾克米提交单据。\n",
    "forms.csv": "rule,overlay,then: form,then: owner,then: copies,cite\n"
    "second,after last,card,clerk,5,acme-1\nnew,drop,-,-,-,acme-1\n",
    "fees.csv": "rule,on_site,then: line,then: fixed,cite\nvisit,yes,visit,40 CNY,acme-1\n",
    "lookups/prices.csv": "key,unit_price\np2,7.00 CNY\n",
    "calendar.csv": "day,windows,why\n2026-03-02,10:00-12:00,acme\n",
}


@pytest.fixture
def acme(north: Path) -> Path:
    """A customer's contract over a branch over the head office."""
    office = north.parent / "shop-base"
    settings = (
        '\n[money]\ntax = "{vat}"\nprices_include_tax = false\nrounding_place = "total"\n'
        '[parameters.vat]\nkind = "share"\nvalue = "13 %"\nlabel.en = "tax"\nlabel.zh = "税"\n'
        '[lookups.prices]\nkey = "part_no"\nfills = ["unit_price"]\n'
    )
    path = office / "policy.toml"
    path.write_text(path.read_text(encoding="utf-8") + settings, encoding="utf-8")
    prices = {"lookups/prices.csv": "key,unit_price\np1,10.00 CNY\np2,20.00 CNY\n"}
    write_pack(office, prices)
    fees = "rule,on_site,then: line,then: fixed,cite\nvisit,yes,visit,60 CNY,base-1\nride,-,ride,8 CNY,base-3\n"
    shares = "rule,then: share,cite\nwhole,100 %,base-3\n"
    write_pack(office, {"fees.csv": fees, "part_fees.csv": shares})
    write_pack(north, {"fees.csv": "rule,on_site,then: line,then: fixed,cite\nvisit,yes,visit,50 CNY,north-1\n"})
    return write_pack(north.parent / "acme", THIRD)


def test_three_layers_are_one_policy(acme: Path) -> None:
    """A contract over a branch over the head office: each says only what is different."""
    policy = load(acme)
    # `new` of the branch is gone, `second` stands after `last`; `first` of the head office cites the contract.
    assert [(row.id, row.cites) for row in policy.pack.rows["forms"]] == [
        ("first", ("acme-1",)),
        ("last", ("north-2",)),
        ("second", ("acme-1",)),
    ]
    assert set(policy.pack.clauses) == {"acme-1", "north-2", "north-3"}
    assert policy.pack.settings.interpretations["answer_time"].cites == ("north-2", "north-3")
    parts = [{"part_no": "p1"}, {"part_no": "p2"}]
    for day, total in (("2026-03-02", "68.90"), ("2026-07-06", "70.85")):
        ticket = {"received_at": f"{day}T09:30:00", "on_site": True, "parts": parts}
        decision = policy.decide(ticket, at=policy.ticket(ticket).received_at)
        # 40 for the visit, 8 for the ride, 10 and 7 for the parts: 65, and 6 % or 9 % of it.
        assert str(decision.quote.total) == total
        if day == "2026-03-02":
            # An hour of work on a day of which the contract leaves 10:00 to 12:00.
            assert decision.targets["answered"].due.isoformat() == "2026-03-02T11:00:00+08:00"


def test_each_row_says_where_it_comes_from_and_what_it_took_the_place_of(acme: Path) -> None:
    fees = {row.id: row for row in load(acme).pack.rows["fees"]}
    visit, ride = fees["visit"], fees["ride"]
    assert (visit.layer, ride.layer, ride.replaced) == ("acme-contract", "shop-base", ())
    places = [(old.layer, old.file.split("/")[-2], old.line) for old in visit.replaced]
    assert places == [("shop-north", "shop-north", 2), ("shop-base", "shop-base", 2)]
    found = {
        one["rule"]: one for one in json.loads(run("rules", acme, "--json").stdout)["rules"] if one["table"] == "fees"
    }
    assert (found["ride"]["layer"], found["ride"]["replaces"]) == ("shop-base", [])
    assert [old["pack"] for old in found["visit"]["replaces"]] == ["shop-north", "shop-base"]
    listed = run("rules", acme).stdout.splitlines()
    assert next(line for line in listed if "fees.ride" in line).endswith("shop-base")
    assert "instead of shop-north" in next(line for line in listed if "fees.visit" in line)
    # A pack that stands alone has no such column, and all its rows are its own.
    alone = acme.parent / "shop-base"
    assert {one["layer"] for one in json.loads(run("rules", alone, "--json").stdout)["rules"]} == {"shop-base"}
    assert "pack below" not in run("rules", alone).stdout


def test_an_explanation_marks_what_comes_from_a_pack_below(acme: Path) -> None:
    policy = load(acme)
    ticket = {"received_at": "2026-03-02T09:30:00", "on_site": True, "parts": []}
    decision = policy.decide(ticket, at=policy.ticket(ticket).received_at)
    lines = policy.explain(decision).splitlines()
    assert any(line.endswith("[acme-1; from shop-base]") and "ride" in line for line in lines), lines
    assert not any("from" in line and "visit:" in line.casefold() for line in lines), lines
    assert any("shop-base]" in line for line in policy.explain(decision, "zh").splitlines())
    used = {(rule["table"], rule["rule"]): rule.get("layer") for rule in decision.to_dict()["rules"]}
    assert (used["fees", "visit"], used["fees", "ride"]) == (None, "shop-base")


def test_a_service_does_not_name_the_base_that_serves_nobody() -> None:
    policy = load("works")
    rows = policy.pack.rows["procedures"]
    assert {row.layer for row in rows} == {"works", "shared-voucher"}
    base = next(row for row in rows if row.layer == "shared-voucher")
    assert policy.rule_use("procedures", base).layer == ""


def test_packs_in_a_circle_are_named_with_their_place(north: Path) -> None:
    """A circle of three, from whichever of them one begins."""
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = f'schema = 1\nid = "{name}"\ntitle.en = "A"\ntitle.zh = "甲"\nextends = "./{other}"\n'
        write_pack(north.parent / name, {"policy.toml": text})
    for name, last, back in (("a", "c", "./a"), ("b", "a", "./b"), ("c", "b", "./c")):
        (only,) = mistakes(north.parent / name)
        assert only.endswith(f"{last}/policy.toml:5:1: `{back}` extends itself")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            "second,2026-06-01,,card\nsecond,2026-06-01,,card\n",
            "forms.csv:3:1: rule `second` is there twice on the same days",
        ),
        (
            "second,,2026-06-01,card\nsecond,2026-05-31,,card\n",
            "forms.csv:3:1: rule `second` is there twice on the same days",
        ),
        ("second,2026-06-01,2026-06-01,card\n", "forms.csv:2:19: rule `second` ends before it begins"),
        ("second,,2026-06-01,card\nsecond,2026-06-01,,card\n", ""),
    ],
)
def test_editions_of_a_rule_do_not_meet(north: Path, rows: str, says: str) -> None:
    """Two from the same day, and one that begins before the other ends, by a day; from the day of its end is well."""
    head = "rule,from,until,then: form,then: owner,cite\n"
    text = head + "".join(f"{row},clerk,north-1\n" for row in rows.splitlines())
    (north / "forms.csv").write_text(text, encoding="utf-8")
    if not says:
        assert [row.id for row in load(north).pack.rows["forms"]] == ["first", "second", "second", "third"]
        return
    (only,) = mistakes(north)
    assert only.endswith(says)


def test_an_overlay_is_begun_beside_its_base_or_over_a_built_in_one(north: Path, tmp_path: Path) -> None:
    office = north.parent / "shop-base"
    for folder, base, named in (
        (north.parent / "West & Co", office, "./shop-base"),
        (tmp_path / "deep" / "er" / "one", office, "../../shop-base"),
        (tmp_path / "bare", "tile", "tile"),
    ):
        done = run("new", folder, "--extends", base)
        assert done.exit_code == 0, done.stderr
        assert f'extends = "{named}"' in (folder / "policy.toml").read_text(encoding="utf-8")
        assert run("check", folder).exit_code == 0
        over, below = load(folder), load(base)
        assert {name: [row.id for row in rows] for name, rows in over.pack.rows.items()} == {
            name: [row.id for row in rows] for name, rows in below.pack.rows.items()
        }
    assert load(north.parent / "West & Co").id == "west-co"
    # It is ready to be edited: a row by the id of the base's takes its place.
    west = north.parent / "West & Co"
    write_pack(west, {"forms.csv": "rule,then: form,then: owner,then: copies,cite\nfirst,voucher,clerk,7,base-1\n"})
    assert load(west).pack.rows["forms"][0].results["copies"].value == 7


def test_an_overlay_is_not_begun_where_something_is(north: Path) -> None:
    before = (north / "policy.toml").read_bytes()
    assert run("new", north, "--extends", "mall").exit_code == 2
    assert run("new", north.parent / "x", "--extends", "mall", "--from", "mall").exit_code == 2
    assert run("new", north.parent / "x", "--extends", "no-such-pack").exit_code == 2
    assert (north / "policy.toml").read_bytes() == before and not (north.parent / "x").exists()
