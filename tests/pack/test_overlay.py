"""An overlay over a base pack: what it keeps, replaces, adds and drops, and what is said of its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

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
