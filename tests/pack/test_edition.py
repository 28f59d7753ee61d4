"""A new edition of a pack: what is copied and dated, what stays byte for byte, what is refused."""

from __future__ import annotations

import difflib
import errno
import itertools
import json
import tomllib
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.running import run
from pack.building import change, write_pack
from svc_policy import load
from svc_policy.errors import UsageError
from svc_policy.pack.dated_parameters import dated
from svc_policy.pack.edition import open_edition
from svc_policy.tables import read_csv
from svc_policy.tables.lines import read_lines

DAY = date(2027, 1, 1)
POLICY = """schema = 1
id = "stand"
title.en = "A repair stand"
title.zh = "维修摊位"
timezone = "Asia/Shanghai"
currency = "CNY"

[money]
prices_include_tax = false
tax = "{vat}"   # added to every line
illustrative = "overrides"

[roles.head]
en = "head"
zh = "主管"

[parameters.vat]
kind = "share"
value = "13 %"  # since long ago
label.en = "tax"
label.zh = "税"

[parameters.share]
kind = "share"
value = "40 %"
label.en = "share"
label.zh = "比例"

[interpretations.hour]
kind = "money"
values = [
  { value = "80 CNY" },   # the first
  { from = "2026-01-01", value = "90 CNY" } # and so on, [really]
]
cite = "stand-1"
since = "2026-01-01"
reading.en = "An hour."
reading.zh = "一小时。"
"""
FILES = {
    "policy.toml": POLICY,
    "clauses.csv": "clause,place,en,zh\nstand-1,1,A visit costs money.,上门收费。\n",
    "labels.csv": "name,en,zh\ngoodwill,goodwill,优惠\n",
    "fees.csv": "rule,from,until,on_site,then: line,then: fixed,cite,note\n"
    "free,,,no,visit,0 CNY,stand-1,stays\n"
    "old,,2025-01-01,yes,visit,50 CNY,stand-1,over\n"
    "near,,2026-01-01,yes,visit,60 CNY,stand-1,\n"
    'near,2026-01-01, ,"yes",visit,70 CNY,stand-1,"a note, with ""quotes"" and\na second line"\n'
    "ends,,2027-06-01,yes,parking,5 CNY,stand-1,a trial\n"
    "hour,,,yes,hour,{hour},stand-1,by a parameter\n",
    "part_fees.csv": "rule,cause,then: share,cite\nmisuse,misuse,{share},stand-1\nother,-,100 %,stand-1\n",
}


@pytest.fixture
def stand(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "stand", FILES)


def refused(pack: Path | str, day: date = DAY, **named: list[str]) -> list[str]:
    with pytest.raises(UsageError) as raised:
        open_edition(pack, day, **named)
    return [item.render("en") for item in raised.value.problems]


def test_amounts_in_force_are_copied_under_the_new_date(stand: Path) -> None:
    open_edition(stand, DAY).write()
    text = (stand / "fees.csv").read_text(encoding="utf-8")
    assert text == (
        "rule,from,until,on_site,then: line,then: fixed,cite,note\n"
        "free,,,no,visit,0 CNY,stand-1,stays\n"
        "old,,2025-01-01,yes,visit,50 CNY,stand-1,over\n"
        "near,,2026-01-01,yes,visit,60 CNY,stand-1,\n"
        'near,2026-01-01,2027-01-01,"yes",visit,70 CNY,stand-1,"a note, with ""quotes"" and\na second line"\n'
        'near,2027-01-01, ,"yes",visit,70 CNY,stand-1,"a note, with ""quotes"" and\na second line"\n'
        "ends,,2027-01-01,yes,parking,5 CNY,stand-1,a trial\n"
        "ends,2027-01-01,2027-06-01,yes,parking,5 CNY,stand-1,a trial\n"
        "hour,,,yes,hour,{hour},stand-1,by a parameter\n"
    )
    # The columns come where there are none; the row whose share is a parameter has no amount of its own.
    assert (stand / "part_fees.csv").read_text(encoding="utf-8") == (
        "rule,from,until,cause,then: share,cite\n"
        "misuse,,,misuse,{share},stand-1\n"
        "other,,2027-01-01,-,100 %,stand-1\n"
        "other,2027-01-01,,-,100 %,stand-1\n"
    )


def test_a_row_that_ends_on_the_day_is_not_copied(stand: Path) -> None:
    change(stand, "fees.csv", "ends,,2027-06-01", "ends,,2027-01-01")
    assert open_edition(stand, DAY, parameters=[]).rules["fees"] == ("near",)
    assert open_edition(stand, DAY, tables=["fees"], parameters=[]).rules["fees"] == ("free", "near", "hour")


def test_a_table_that_is_named_is_copied_whole(stand: Path) -> None:
    """Rows without an amount, of nothing and of a parameter too; what is over stays as it is."""
    extra = {
        "deadlines.csv": "rule,distance_km,then: starts,then: ends,then: within,then: owner,cite\n"
        "near,<= 5 km,received,arrived,24 h,head,stand-1\nmiddle,(5..50] km,received,arrived,48 h,head,stand-1\n"
        "far,> 50 km,received,arrived,72 h,head,stand-1\n",
        "payers.csv": "rule,on_site,then: payer,cite\nmaker,yes,head,stand-1\n",
    }
    write_pack(stand, extra)
    opened = open_edition(stand, DAY, tables=["deadlines", "fees"], parameters=[])
    opened.write()
    # The order of the families, and of their rows; `payers` was not named.
    assert opened.rules == {"deadlines": ("near", "middle", "far"), "fees": ("free", "near", "ends", "hour")}
    assert (stand / "payers.csv").read_text(encoding="utf-8") == extra["payers.csv"]
    assert (stand / "deadlines.csv").read_text(encoding="utf-8") == (
        "rule,from,until,distance_km,then: starts,then: ends,then: within,then: owner,cite\n"
        "near,,2027-01-01,<= 5 km,received,arrived,24 h,head,stand-1\n"
        "near,2027-01-01,,<= 5 km,received,arrived,24 h,head,stand-1\n"
        "middle,,2027-01-01,(5..50] km,received,arrived,48 h,head,stand-1\n"
        "middle,2027-01-01,,(5..50] km,received,arrived,48 h,head,stand-1\n"
        "far,,2027-01-01,> 50 km,received,arrived,72 h,head,stand-1\n"
        "far,2027-01-01,,> 50 km,received,arrived,72 h,head,stand-1\n"
    )
    assert (stand / "fees.csv").read_text(encoding="utf-8") == (
        "rule,from,until,on_site,then: line,then: fixed,cite,note\n"
        "free,,2027-01-01,no,visit,0 CNY,stand-1,stays\n"
        "free,2027-01-01,,no,visit,0 CNY,stand-1,stays\n"
        "old,,2025-01-01,yes,visit,50 CNY,stand-1,over\n"
        "near,,2026-01-01,yes,visit,60 CNY,stand-1,\n"
        'near,2026-01-01,2027-01-01,"yes",visit,70 CNY,stand-1,"a note, with ""quotes"" and\na second line"\n'
        'near,2027-01-01, ,"yes",visit,70 CNY,stand-1,"a note, with ""quotes"" and\na second line"\n'
        "ends,,2027-01-01,yes,parking,5 CNY,stand-1,a trial\n"
        "ends,2027-01-01,2027-06-01,yes,parking,5 CNY,stand-1,a trial\n"
        "hour,,2027-01-01,yes,hour,{hour},stand-1,by a parameter\n"
        "hour,2027-01-01,,yes,hour,{hour},stand-1,by a parameter\n"
    )
    # The new edition is closer to the shop by ten kilometres; tickets of the day before keep their 48 hours.
    change(stand, "deadlines.csv", "middle,2027-01-01,,(5..50] km", "middle,2027-01-01,,(5..40] km")
    policy = load(stand)
    for received, due in (("2026-12-31", "2027-01-02 09:00"), ("2027-01-01", "None")):
        at = datetime.fromisoformat(f"{received}T09:00:00+08:00")
        decision = policy.decide({"received_at": at.isoformat(), "on_site": True, "distance_km": 45}, at=at)
        assert [str(target.due)[:16] for target in decision.targets.values()] == [due]
    found = run("check", stand).stdout
    assert "(40, 50] km" in found and "from 2027-01-01" in found


def test_a_table_of_the_day_of_purchase_says_that_tickets_must_tell_it(stand: Path) -> None:
    write_pack(stand, {"warranty.csv": "rule,then: length,then: starts,cite\nyear,12 months,delivered,stand-1\n"})
    opened = open_edition(stand, DAY, tables=["warranty", "fees"], parameters=[])
    (note,) = opened.notes
    assert note.render("en").splitlines() == [
        "stand/warranty.csv: note: the edition of `warranty` hangs on the day of purchase, not on that of the request",
        "help: a ticket that does not tell the day of purchase is now asked for it",
    ]


def test_the_tax_and_what_is_dated_get_a_value(stand: Path) -> None:
    opened = open_edition(stand, DAY)
    opened.write()
    assert opened.parameters == ("vat", "hour")
    text = (stand / "policy.toml").read_text(encoding="utf-8")
    changed = [line for line in difflib.ndiff(POLICY.splitlines(), text.splitlines()) if line[0] in "+-"]
    assert changed == [
        '- value = "13 %"  # since long ago',
        '+ values = [{ value = "13 %" }, { from = "2027-01-01", value = "13 %" }]  # since long ago',
        '-   { from = "2026-01-01", value = "90 CNY" } # and so on, [really]',
        '+   { from = "2026-01-01", value = "90 CNY" }, # and so on, [really]',
        '+   { from = "2027-01-01", value = "90 CNY" }',
    ]
    # Both the old and the new tax are told with the quote.
    change(stand, "policy.toml", '"2027-01-01", value = "13 %"', '"2027-01-01", value = "9 %"')
    policy = load(stand)
    for received, tax, total in (("2026-12-31", "0.13", "186.45"), ("2027-01-01", "0.09", "179.85")):
        at = datetime.fromisoformat(f"{received}T09:00:00+08:00")
        quote = policy.decide({"received_at": at.isoformat(), "on_site": True}, at=at).quote
        # (70 + 5 + 90) CNY, and 13 % or 9 % of it.
        assert (str(quote.tax_rate.normalize()), str(quote.total)) == (tax, total)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("value = 3", 'values = [{ value = 3 }, { from = "2027-01-01", value = 3 }]'),
        (
            "value = '1 [CNY]' # [x]",
            'values = [{ value = "1 [CNY]" }, { from = "2027-01-01", value = "1 [CNY]" }] # [x]',
        ),
        ('values = [{ value = "]" }]', 'values = [{ value = "]" }, { from = "2027-01-01", value = "]" }]'),
        ('values = [{ value = "a" }, ]', 'values = [{ value = "a" }, { from = "2027-01-01", value = "a" } ]'),
        (
            'values = [\n {value = "a"}, # b ]\n]',
            'values = [\n {value = "a"}, # b ]\n { from = "2027-01-01", value = "a" },\n]',
        ),
        (
            "values = [\n\t{ value = true }]",
            'values = [\n\t{ value = true },\n\t{ from = "2027-01-01", value = true }]',
        ),
        (
            'values = [\r\n {value = "a"}\r\n]',
            'values = [\r\n {value = "a"},\r\n { from = "2027-01-01", value = "a" }\r\n]',
        ),
    ],
)
def test_a_value_is_dated_in_its_place(value: str, wanted: str) -> None:
    """However the value is written, comments and line ends stay."""
    before = (
        f'# of [parameters.p]\n[parameters."q"]\nvalue = "1"\n[ parameters . p ] # here\nkind = "x"\n{value}\n[z]\n'
    )
    text = dated(before, "p", "2027-01-01")
    assert text is not None
    found = tomllib.loads(text)["parameters"]
    old = tomllib.loads(before)["parameters"]["p"]
    last = old["value"] if "value" in old else old["values"][-1]["value"]
    first = [{"value": old["value"]}] if "value" in old else old["values"]
    assert found["p"]["values"] == [*first, {"from": "2027-01-01", "value": last}]
    assert text == before.replace(value, wanted)
    assert found["q"] == {"value": "1"}


def test_a_line_of_a_text_that_looks_like_the_value_is_not_edited() -> None:
    text = '[parameters.vat]\nlabel.en = """\nvalue = "12 %"\n"""\nvalue = "13 %"\n'
    assert dated(text, "vat", "2027-01-01") is None


def test_a_parameter_that_stands_inline_is_left_and_said(stand: Path) -> None:
    text = (stand / "policy.toml").read_text(encoding="utf-8")
    start = text.index("[parameters.vat]")
    end = text.index("[parameters.share]")
    inline = 'parameters.vat = { kind = "share", value = "13 %", label.en = "tax", label.zh = "税" }\n'
    rest = text[:start] + text[end:].replace("[parameters.share]", "[interpretations.share]")
    rest = rest.replace(
        'value = "40 %"\n', 'value = "40 %"\ncite = "stand-1"\nsince = "2026-01-01"\nreading = { en = "a", zh = "b" }\n'
    )
    rest = rest.replace('label.en = "share"\nlabel.zh = "比例"\n', "")
    (stand / "policy.toml").write_text(inline + rest, encoding="utf-8")
    opened = open_edition(stand, DAY)
    assert "vat" not in opened.parameters
    assert [note.code for note in opened.notes] == ["edition-parameter"]
    (only,) = refused(stand, parameters=["vat"], tables=["fees"])
    assert only.startswith("stand/policy.toml: the value of `vat` does not stand under a heading of its own")


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8-sig", "\r\n"), ("gb18030", "\n"), ("gb18030", "\r\n"), ("utf-8", "\r")]
)
def test_everything_else_stays_byte_for_byte(stand: Path, encoding: str, end: str) -> None:
    """Byte order mark, encoding, line ends, quotes, spaces, empty lines, a last line without an end."""
    lines = [
        "rule;from;until;on_site;则：line;then: fixed;cite;备注",
        "",
        'first ; ;;"no";visit;"0 CNY";stand-1; 不变',
        "near;;;yes;visit; 70 CNY ;stand-1;说明",
        ";;;;;;;",
        "last;;;yes;parking;5 CNY;stand-1;无换行",
    ]
    content = end.join(lines).encode(encoding)
    (stand / "fees.csv").write_bytes(content)
    open_edition(stand, DAY, parameters=[]).write()
    wanted = [
        *lines[:3],
        "near;;2027-01-01;yes;visit; 70 CNY ;stand-1;说明",
        "near;2027-01-01;;yes;visit; 70 CNY ;stand-1;说明",
        lines[4],
        "last;;2027-01-01;yes;parking;5 CNY;stand-1;无换行",
        "last;2027-01-01;;yes;parking;5 CNY;stand-1;无换行",
    ]
    assert (stand / "fees.csv").read_bytes() == end.join(wanted).encode(encoding)


@pytest.mark.parametrize(("mark", "end"), [("utf-8-sig", "\r\n"), ("utf-8", "\r\n"), ("utf-8-sig", "\n")])
def test_the_settings_keep_their_mark_and_line_ends(stand: Path, mark: str, end: str) -> None:
    (stand / "policy.toml").write_bytes(POLICY.replace("\n", end).encode(mark))
    open_edition(stand, DAY, parameters=["vat"]).write()
    new = 'values = [{ value = "13 %" }, { from = "2027-01-01", value = "13 %" }]'
    wanted = POLICY.replace('value = "13 %"', new).replace("\n", end).encode(mark)
    assert (stand / "policy.toml").read_bytes() == wanted


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_files_are_all_written_or_none(stand: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """Whichever of the three files cannot be put into its place."""
    before = {path: path.read_bytes() for path in stand.iterdir()}
    opened = open_edition(stand, DAY)
    assert len(opened.files) == 3
    replace, count = Path.replace, itertools.count(1)

    def refusing(path: Path, target: Path) -> Path:
        if next(count) == failing:
            raise PermissionError(13, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(UsageError, match="cannot be written"):
        opened.write()
    assert before == {path: path.read_bytes() for path in stand.iterdir()}


def test_a_file_that_cannot_be_put_back_is_named(stand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_edition(stand, DAY)
    replace, count = Path.replace, itertools.count(1)

    def refusing(path: Path, target: Path) -> Path:
        if next(count) > 1:
            raise PermissionError(13, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(UsageError) as raised:
        opened.write()
    # The last file comes into its place first.
    assert [(item.code, item.place.file) for item in raised.value.problems][-1] == ("edition-left", "stand/policy.toml")


def test_a_full_disk_leaves_every_file(stand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in stand.iterdir()}
    opened = open_edition(stand, DAY)
    write, count = Path.write_bytes, itertools.count(1)

    def refusing(path: Path, content: bytes) -> int:
        if next(count) == 2:
            write(path, content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", refusing)
    with pytest.raises(UsageError, match="cannot be written"):
        opened.write()
    assert before == {path: path.read_bytes() for path in stand.iterdir()}


def test_only_until_or_only_from_gets_its_companion(stand: Path) -> None:
    for heading, wanted in (
        ("rule,自,on_site", "rule,自,until,on_site\nnear,,2027-01-01,yes\nnear,2027-01-01,,yes\n"),
        ("rule,失效日,on_site", "rule,from,失效日,on_site\nnear,,2027-01-01,yes\nnear,2027-01-01,,yes\n"),
    ):
        rest = ",then: line,then: fixed,cite"
        text = f"{heading}{rest}\nnear,,yes,visit,70 CNY,stand-1\n"
        (stand / "fees.csv").write_text(text, encoding="utf-8")
        open_edition(stand, DAY, tables=["fees"], parameters=[]).write()
        found = (stand / "fees.csv").read_text(encoding="utf-8")
        assert found.replace(rest, "").replace(",visit,70 CNY,stand-1", "") == wanted


@given(
    st.lists(
        st.lists(st.sampled_from(["a", " b ", '"c, d"', '"e""f"', '"g\nh"', ""]), min_size=2, max_size=2), min_size=1
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_records_are_those_that_are_read(rows: list[list[str]], end: str, is_ended: bool) -> None:
    """What is cut into records is the file again, and each record stands where the reader finds its row."""
    text = end.join(",".join(row) for row in [["x", "y"], *rows]) + (end if is_ended else "")
    lines = read_lines(text.encode())
    assert lines is not None and lines.content() == text.encode()
    sheet = read_csv(text.encode(), problems=[])
    assert [row[0].line for row in sheet.rows] == [record.line for record in lines.records if not record.is_empty][1:]


@given(
    received=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    on_site=st.booleans(),
    causes=st.lists(st.sampled_from(["misuse", "wear"]), max_size=2),
)
@settings(max_examples=25, deadline=None)
def test_nothing_before_the_date_is_decided_otherwise(
    editions: tuple[Path, Path], received: date, on_site: bool, causes: list[str]
) -> None:
    before, after = load_once(editions[0]), load_once(editions[1])
    assert before.digest != after.digest
    at = datetime.fromisoformat(f"{received}T23:59:59+08:00")
    parts = [{"part_no": "p", "quantity": 2, "unit_price": "10.00", "part_cause": cause} for cause in causes]
    ticket = {"received_at": at.isoformat(), "on_site": on_site, "parts": parts}
    one, other = (policy.decide(ticket, at=at).to_dict() for policy in (before, after))
    for decision in (one, other):
        del decision["policy"]["digest"]
    assert without_places(one) == without_places(other)


LOADED = {}


def load_once(pack: Path):
    if pack not in LOADED:
        LOADED[pack] = load(pack)
    return LOADED[pack]


def without_places(value: object) -> object:
    """Leave out files and lines: those of the rows below a copy move down."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items() if key not in ("file", "line")}
    return [without_places(item) for item in value] if isinstance(value, list) else value


TARGETS = (
    "rule,on_site,then: starts,then: ends,then: within,then: owner,cite\n"
    "visit,yes,received,arrived,24 h,head,stand-1\nanswer,-,received,answered,48 h,head,stand-1\n"
)
PAYERS = "rule,on_site,then: payer,cite\nhouse,no,head,stand-1\nother,-,customer,stand-1\n"


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("editions")
    before = write_pack(folder / "before" / "stand", FILES)
    after = write_pack(folder / "after" / "stand", FILES)
    for folder_of_one in (before, after):
        write_pack(folder_of_one, {"deadlines.csv": TARGETS, "payers.csv": PAYERS})
    open_edition(after, DAY, tables=["deadlines", "payers", "fees", "part_fees"], parameters=["vat", "hour"]).write()
    for old, new in (("visit,2027-01-01,,yes,received,arrived,24 h", "visit,2027-01-01,,yes,received,arrived,12 h"),):
        change(after, "deadlines.csv", old, new)
    change(after, "payers.csv", "other,2027-01-01,,-,customer", "other,2027-01-01,,-,head")
    # The new amounts are another's; what was decided before must not see them.
    text = (after / "fees.csv").read_text(encoding="utf-8")
    (after / "fees.csv").write_text(
        text.replace('near,2027-01-01, ,"yes",visit,70', 'near,2027-01-01, ,"yes",visit,99'), encoding="utf-8"
    )
    return before, after


def test_what_stands_against_an_edition_is_named_with_its_place(stand: Path) -> None:
    open_edition(stand, DAY).write()
    before = {path: path.read_bytes() for path in stand.iterdir()}
    again = refused(stand)
    assert again[0] == (
        "stand/fees.csv:7: `fees.near` has an edition from 2027-01-01 already\nhelp: edit that one, or name a later day"
    )
    assert [text.splitlines()[0] for text in again[1:]] == [
        "stand/part_fees.csv:4: `part_fees.other` has an edition from 2027-01-01 already",
        "stand/policy.toml: `vat` has an edition from 2027-01-01 already",
        "stand/policy.toml: `hour` has an edition from 2027-01-01 already",
    ]
    assert refused(stand, date(2026, 6, 1))[0].startswith(
        "stand/fees.csv:7: `fees.near` has an edition from 2027-01-01, after 2026-06-01"
    )
    assert before == {path: path.read_bytes() for path in stand.iterdir()}


OWN = "holds, fees, part_fees"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (
            {"tables": ["calendar"]},
            f"there is no table `calendar`\nhelp: its own tables: {OWN}",
        ),
        (
            {"tables": ["holds"]},
            "no date governs the table `holds`\nhelp: tables that can have editions: fees, part_fees",
        ),
        ({"tables": ["fes"]}, "there is no table `fes`\nhelp: did you mean `fees`?"),
        ({"tables": ["forms"]}, f"the pack has no table `forms` of its own\nhelp: its own tables: {OWN}"),
        ({"parameters": ["vatt"]}, "the pack has no parameter `vatt` of its own\nhelp: did you mean `vat`?"),
    ],
)
def test_what_cannot_be_copied_is_said(stand: Path, named: dict[str, list[str]], says: str) -> None:
    write_pack(stand, {"holds.csv": "rule,hold_kind,then: stops,cite\n"})
    assert refused(stand, **named) == [says]


def test_built_in_packs_and_workbooks_are_copied_first(stand: Path, tmp_path: Path) -> None:
    assert refused("mall") == ["the pack `mall` is built in\nhelp: copy it first: `svc-policy new DIR --from mall`"]
    assert run("export", stand, "--xlsx", tmp_path / "stand.xlsx").exit_code == 0
    (only,) = refused(tmp_path / "stand.xlsx")
    assert only.startswith("an edition is opened in a folder, and `stand.xlsx` is a workbook")


def test_nothing_to_copy_is_said(stand: Path) -> None:
    assert refused(stand, tables=[], parameters=[])[0].startswith("the pack has nothing that changes from edition")
    over = "rule,until,cause,then: share,cite\nmisuse,2026-06-01,-,{share},stand-1\n"
    (stand / "part_fees.csv").write_text(over, encoding="utf-8")
    (only,) = refused(stand, tables=["part_fees"], parameters=[])
    assert only.startswith("stand/part_fees.csv: no row of `part_fees` is in force on the day before 2027-01-01\nhelp:")


def test_a_pack_with_errors_is_not_edited(stand: Path) -> None:
    change(stand, "fees.csv", "70 CNY", "70 CNX")
    before = (stand / "fees.csv").read_bytes()
    answer = run("edition", stand, "--from", "2027-01-01")
    assert (answer.exit_code, answer.stdout) == (2, "") and "fees.csv:5" in answer.stderr
    assert (stand / "fees.csv").read_bytes() == before


def test_a_dry_run_writes_nothing_and_shows_the_change(stand: Path) -> None:
    before = {path: path.read_bytes() for path in stand.iterdir()}
    shown = run("edition", stand, "--from", "2027-01-01", "--dry-run", "--tables", "part_fees")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == (
        "--- stand/part_fees.csv\n+++ stand/part_fees.csv\n@@ -1,3 +1,5 @@\n"
        "-rule,cause,then: share,cite\n-misuse,misuse,{share},stand-1\n-other,-,100 %,stand-1\n"
        "+rule,from,until,cause,then: share,cite\n"
        "+misuse,,2027-01-01,misuse,{share},stand-1\n+misuse,2027-01-01,,misuse,{share},stand-1\n"
        "+other,,2027-01-01,-,100 %,stand-1\n+other,2027-01-01,,-,100 %,stand-1\n"
    )
    assert before == {path: path.read_bytes() for path in stand.iterdir()}


def test_the_command_writes_and_says_what(stand: Path) -> None:
    done = run("edition", stand, "--from", "2027-01-01", "--json")
    found = json.loads(done.stdout)
    assert found["rules"] == {"fees": ["near", "ends"], "part_fees": ["other"]}
    assert (found["written"], found["parameters"], found["from"]) == (True, ["vat", "hour"], "2027-01-01")
    assert found["digest"]["after"] == load(stand).digest != found["digest"]["before"]
    assert run("edition", stand, "--from", "31.12.").exit_code == 2


def test_a_calendar_that_ends_before_is_noted(stand: Path) -> None:
    week = '\n[week]\nmon = ["09:00-17:00"]\n[calendar]\nvalid = ["2026-01-01", "{last}"]\n'
    text = (stand / "policy.toml").read_text(encoding="utf-8")
    for last, codes in (("2026-12-31", ["edition-calendar"]), ("2027-12-31", [])):
        (stand / "policy.toml").write_text(text + week.replace("{last}", last), encoding="utf-8")
        assert [note.code for note in open_edition(stand, DAY).notes] == codes


def test_an_overlay_copies_its_own_rows_only(stand: Path) -> None:
    overlay = write_pack(
        stand.parent / "north",
        {
            "policy.toml": 'schema = 1\nid = "north"\ntitle.en = "North"\ntitle.zh = "北"\nextends = "./stand"\n',
            "fees.csv": "rule,overlay,on_site,then: line,then: fixed,cite\nextra,before near,yes,extra,9 CNY,stand-1\n"
            "ends,drop,-,-,-,stand-1\n",
        },
    )
    base = {path: path.read_bytes() for path in stand.iterdir()}
    opened = open_edition(overlay, DAY)
    opened.write()
    assert (opened.rules, opened.parameters) == ({"fees": ("extra",)}, ())
    assert (overlay / "fees.csv").read_text(encoding="utf-8") == (
        "rule,from,until,overlay,on_site,then: line,then: fixed,cite\n"
        "extra,,2027-01-01,before near,yes,extra,9 CNY,stand-1\n"
        "extra,2027-01-01,,before near,yes,extra,9 CNY,stand-1\n"
        "ends,,,drop,-,-,-,stand-1\n"
    )
    assert [row.id for row in load(overlay).pack.rows["fees"]] == [
        "free",
        "old",
        "extra",
        "extra",
        "near",
        "near",
        "hour",
    ]
    assert base == {path: path.read_bytes() for path in stand.iterdir()}
