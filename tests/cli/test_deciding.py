"""`decide`, `quote` and `explain`: what goes in, what comes out, what is refused."""

from __future__ import annotations

import json
import re
from datetime import datetime
from importlib import resources

import pytest
from jsonschema import Draft202012Validator

from cli.running import PAID, run, write_ticket

AT = ("--at", "2026-03-02T10:00")


def schema(name: str) -> Draft202012Validator:
    path = resources.files("svc_policy") / "schemas" / f"{name}.schema.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def test_decide_shows_category_targets_quote_and_clauses(tmp_path):
    shown = run("decide", "mall", write_ticket(tmp_path), *AT)
    assert shown.exit_code == 0
    assert "category: A, paid service" in shown.stdout
    assert "as of: 2026-03-02 10:00+08:00" in shown.stdout
    # 160.00 and 13 % on each line: 9.10 + 11.70
    assert re.search(r"^total +180\.80$", shown.stdout, re.MULTILINE)
    assert re.search(r"^customer contacted +not started", shown.stdout, re.MULTILINE)
    assert "mall-2.2.2b" in shown.stdout
    assert shown.stderr == ""


def test_decide_in_chinese_shows_the_same_in_chinese(tmp_path):
    shown = run("decide", "mall", write_ticket(tmp_path), *AT, "--lang", "zh")
    assert "类别：A 类，有偿服务" in shown.stdout
    assert re.search(r"^合计 +180\.80$", shown.stdout, re.MULTILINE)
    assert "联系客户" in shown.stdout and "未开始" in shown.stdout


def test_decide_asks_next_and_is_fine(tmp_path):
    shown = run("decide", "mall", "-", *AT, stdin='{"received_at": "2026-03-02T09:00"}')
    assert shown.exit_code == 0
    assert "ask next: kind of request (request_kind)" in shown.stdout


def test_decide_as_json_is_the_decision(tmp_path):
    shown = run("decide", "mall", write_ticket(tmp_path), *AT, "--json")
    found = json.loads(shown.stdout)
    assert (found["category"], found["quote"]["total"], found["at"]) == ("A", "180.80", "2026-03-02T10:00:00+08:00")
    assert list(schema("decision").iter_errors(found)) == []


def test_a_ticket_may_be_toml(tmp_path):
    path = tmp_path / "ticket.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in PAID.items()), encoding="utf-8")
    assert json.loads(run("decide", "mall", path, *AT, "--json").stdout)["category"] == "A"


@pytest.mark.parametrize("text", [json.dumps(PAID), "\ufeff" + json.dumps(PAID), 'request_kind = "inquiry"\n'])
def test_a_ticket_may_come_from_standard_input(text):
    assert run("decide", "mall", "-", *AT, stdin=text.encode()).exit_code == 0


def test_the_instant_is_now_unless_given(tmp_path):
    before = datetime.now().astimezone()
    found = json.loads(run("decide", "mall", write_ticket(tmp_path), "--json").stdout)
    assert abs(datetime.fromisoformat(found["at"]) - before).total_seconds() < 60


def test_the_instant_may_have_an_offset(tmp_path):
    found = json.loads(run("decide", "mall", write_ticket(tmp_path), "--at", "2026-03-02T02:00Z", "--json").stdout)
    assert found["at"] == "2026-03-02T10:00:00+08:00"


def test_quote_shows_lines_tax_and_who_pays(tmp_path):
    shown = run("quote", "mall", write_ticket(tmp_path), *AT)
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["visit", "70.00", "mall-2.2.2b"] in lines
    assert ["subtotal", "160.00"] in lines and ["tax", "20.80"] in lines and ["total", "180.80"] in lines
    assert "paid by: customer" in shown.stdout
    assert "illustrative" in shown.stdout
    assert "to be confirmed by the customer: visit outside the period" in shown.stdout


def test_quote_as_json_has_the_quote_alone(tmp_path):
    found = json.loads(run("quote", "mall", write_ticket(tmp_path), *AT, "--json").stdout)
    assert found["quote"]["payable"] == "180.80"
    assert "targets" not in found and found["schema"] == 1


def test_explain_writes_sentences_in_the_language(tmp_path):
    ticket = write_ticket(tmp_path)
    assert "The customer pays CN¥180.80" in run("explain", "mall", ticket, *AT).stdout
    found = json.loads(run("explain", "mall", ticket, *AT, "--json", "--lang=zh").stdout)
    assert found["lang"] == "zh"
    assert "客户应付 ¥180.80" in found["text"]


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    path = write_ticket(tmp_path, request_kind="fautl", distanse_km=3)
    refused = run("decide", "mall", path, "--at", "soon")
    assert refused.exit_code == 2 and refused.stdout == ""
    assert "cannot read `soon` in `--at`" in refused.stderr
    assert "help: did you mean `fault`?" in refused.stderr
    assert "help: did you mean `distance_km`?" in refused.stderr
    assert refused.stderr.endswith("3 problems\n")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"[" * 10_000, "nested too deeply"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"", "cannot read JSON"),
        (b'{"on_site": tru}', "cannot read JSON: expecting value"),
        (b'{"a": 1, "a": 2}', "`a` is given twice"),
        (b"[]", "not a set of named facts"),
    ],
)
def test_what_is_no_ticket_is_refused(tmp_path, content, wanted):
    path = tmp_path / "ticket.json"
    path.write_bytes(content)
    refused = run("decide", "mall", path)
    assert refused.exit_code == 2
    assert wanted in refused.stderr and str(path) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    missing = run("quote", "mall", tmp_path / "nothing.json", "--lang", "zh")
    assert (missing.exit_code, missing.stderr) == (2, f"{tmp_path}/nothing.json: 无法读取文件：没有这个文件\n")
    folder = run("quote", "mall", tmp_path)
    assert (folder.exit_code, folder.stderr) == (2, f"{tmp_path}: cannot read the file: this is a folder\n")


def test_the_caret_stands_under_chinese_text(tmp_path):
    path = tmp_path / "工单.json"
    path.write_text('{"customer": "张三，他说"你好""}', encoding="utf-8")
    refused = run("decide", "mall", path, "--lang", "zh")
    place, line, caret, *_ = refused.stderr.splitlines()
    assert place.startswith(f"{path}:1:21: 无法读取 JSON：")
    # Two columns for each of 张三，他说 before the caret and for 你 over it.
    assert line == '  {"customer": "张三，他说"你好""}'
    assert caret == " " * (2 + 15 + 10 + 1) + "^^" or caret == " " * (2 + 14 + 10 + 1) + "^^"


def test_an_unknown_pack_suggests_the_nearest(tmp_path):
    refused = run("decide", "mal", write_ticket(tmp_path))
    assert (refused.exit_code, refused.stderr) == (2, "there is no pack `mal`\nhelp: did you mean `mall`?\n")


def test_an_instant_outside_the_calendar_is_refused(tmp_path):
    refused = run(
        "decide", "mall", write_ticket(tmp_path, received_at="2031-03-03T09:00:00"), "--at", "2031-03-03T10:00"
    )
    assert refused.exit_code == 2
    assert "outside the calendar" in refused.stderr
