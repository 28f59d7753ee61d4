"""What an audit takes, refuses, writes, and shows."""

from __future__ import annotations

import csv
import json
import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

from svc_policy.audit import run_audit
from svc_policy.audit.codes import CODES
from svc_policy.audit.outputs import NAMES
from svc_policy.audit.result import KEYS
from svc_policy.errors import MappingError, UsageError

from .conftest import ROOT, Audit
from .row_by_row import decide_row_by_row

HEADINGS = ["ticket_id", "request_kind", "received_at", "relayed_at", "contacted_at", "on_site", "recorded_category"]
#: Passed on at once on Monday 09:00, contacted at 14:01: the four working hours end at 14:00.
LATE = ["=1+1", "inquiry", "2026-03-02T09:00:00", "2026-03-02T09:00:00", "2026-03-02T14:01:00", "no", "A"]
GOOD = ["T-2", "inquiry", "2026-03-02T09:00:00", "2026-03-02T09:00:00", "2026-03-02T14:00:00", "no", "c"]
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_minute_late_and_just_in_time(audit: Audit) -> None:
    result = audit([HEADINGS, LATE, GOOD], at=AT)
    (found,) = result.findings(code="SLA001")
    assert (found["ticket_id"], found["late_s"], found["line"]) == ("=1+1", 60, 2)
    assert found["text"].startswith("customer contacted: late by 1 min of working time (")


def test_letters_of_a_recorded_category_may_be_small(audit: Audit) -> None:
    result = audit([HEADINGS, LATE, GOOD], at=AT)
    assert [found["ticket_id"] for found in result.findings(code="REC001")] == ["=1+1"]


def test_calendar_time_for_a_calendar_target(audit: Audit) -> None:
    # Warranty service at 5 km: 24 hours around the clock, from Friday to Saturday 17:00; arrived Monday 09:00.
    headings = [
        "ticket_id",
        "request_kind",
        "received_at",
        "delivered_on",
        "cause",
        "on_site",
        "distance_km",
        "arrived_at",
    ]
    row = ["1", "fault", "2026-03-06T17:00:00", "2026-01-05", "product", "yes", "5", "2026-03-09T09:00:00"]
    result = audit([headings, row], at=AT)
    found = [one for one in result.findings(code="SLA001") if one["target"] == "arrived"]
    assert [(one["late_s"], one["clock"]) for one in found] == [(40 * 3600, "calendar")]
    assert "late by 40 h 0 min (mall-2.1.3)" in found[0]["text"]


def test_the_latest_instant_is_the_instant(audit: Audit) -> None:
    assert audit([HEADINGS, LATE, GOOD]).summary["at"] == "2026-03-02T14:01:00+08:00"


def test_an_instant_without_an_offset_is_refused(audit: Audit) -> None:
    with pytest.raises(UsageError, match="`at` has no time zone"):
        audit([HEADINGS, LATE], at=datetime(2026, 3, 2))


def test_a_log_without_any_instant_is_refused(audit: Audit) -> None:
    with pytest.raises(MappingError, match="says of no ticket when anything happened"):
        audit([["ticket_id", "customer"], ["1", "x"]])


def test_the_files(audit: Audit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = audit([HEADINGS, LATE, GOOD, ["T-3"]], at=AT, out=out)
    assert sorted(path.name for path in out.iterdir()) == sorted(NAMES)
    assert json.loads((out / "summary.json").read_text("utf-8")) == result.summary
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert (out / "findings.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (out / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result.found
    assert {row["ticket_id"] for row in rows} <= {"'=1+1", "T-2"}
    with (out / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [(row["line"], row["code"], row["raw"]) for row in rejected] == [("4", "log-cells", "T-3")]
    decided = duckdb.sql(
        f"SELECT ticket_id, contacted_status, contacted_rule, contacted_due_s, epoch(contacted_due)::BIGINT "
        f"FROM '{out / 'decisions.parquet'}'"
    ).fetchall()
    # 2026-03-02 14:00 in Shanghai is 06:00 UTC.
    due = int(datetime(2026, 3, 2, 6, tzinfo=UTC).timestamp())
    assert decided == [
        ("=1+1", "late", "deadlines.contact", due, due),
        ("T-2", "met", "deadlines.contact", due, due),
    ]


def test_an_earlier_audit_is_replaced(audit: Audit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit([HEADINGS, LATE, GOOD], at=AT, out=out)
    result = audit([HEADINGS, GOOD], at=AT, out=out)
    assert json.loads((out / "summary.json").read_text("utf-8")) == result.summary


@pytest.mark.parametrize("name", ["notes.txt", "summary.json"])
def test_a_folder_of_something_else_is_refused(audit: Audit, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("{}")
    with pytest.raises(UsageError, match="the folder holds something else"):
        audit([HEADINGS, LATE], at=AT, out=out)
    assert [path.name for path in out.iterdir()] == [name]


def test_an_earlier_audit_with_a_file_of_somebody_is_refused(audit: Audit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit([HEADINGS, LATE], at=AT, out=out)
    (out / "my notes.txt").write_text("precious")
    with pytest.raises(UsageError, match=r"`my notes\.txt`"):
        audit([HEADINGS, LATE], at=AT, out=out)


def test_nothing_is_written_when_the_log_cannot_be_read(audit: Audit, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(MappingError):
        audit([["colour"], ["red"]], at=AT, out=out)
    assert not out.exists()


def test_json_follows_its_schema(audit: Audit) -> None:
    result = audit([HEADINGS, LATE, GOOD], at=AT)
    whole = json.loads("".join(result.render("json")))
    schema = json.loads((ROOT / "src/svc_policy/schemas/finding.schema.json").read_text("utf-8"))
    assert whole["summary"] == result.summary
    assert len(whole["findings"]) == result.found > 0
    for found in whole["findings"]:
        jsonschema.validate(found, schema)
    assert set(schema["properties"]) == set(KEYS)
    assert schema["properties"]["code"]["enum"] == list(CODES)


def test_csv_is_harmless(audit: Audit) -> None:
    rows = list(csv.DictReader("".join(audit([HEADINGS, LATE], at=AT).render("csv")).splitlines()))
    assert {row["ticket_id"] for row in rows} == {"'=1+1"}


def test_the_summary_in_words(audit: Audit) -> None:
    text = audit([HEADINGS, LATE, GOOD, ["T-3"]], at=AT).text("en")
    assert "rows: 3 = 2 used + 1 rejected" in text
    assert "log.csv:4: the row has 1 cells, the heading 7" in text
    assert "SLA001" in text and "target met late" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_stands_alone(audit: Audit, language: Any) -> None:
    page = "".join(audit([HEADINGS, [*LATE[:1], *LATE[1:]], GOOD], at=AT).render("html", language))
    found = _Tags()
    found.feed(page)
    assert found.open == []
    assert "svg" in found.seen and not found.seen & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?:", page)


def test_a_page_shows_text_as_text(audit: Audit) -> None:
    row = ["<script>alert(1)</script>", *LATE[1:]]
    page = "".join(audit([HEADINGS, row], at=AT).render("html"))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


class _Tags(HTMLParser):
    """Sees to it that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_without_the_extra_the_help_names_it(mall: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError) as raised:
        run_audit(tmp_path / "log.csv", mall)
    assert str(raised.value.problems[0].help) == "pip install 'svc-policy[batch]'"


def test_rows_that_do_not_add_up_are_a_defect(mall: Any, tmp_path: Path) -> None:
    def forget_one(policy: Any, connection: Any, *, at_s: int) -> None:
        decide_row_by_row(policy, connection, at_s=at_s)
        connection.execute("DELETE FROM decisions WHERE ticket_id = 'T-2'")

    path = tmp_path / "log.csv"
    path.write_text("\n".join(",".join(row) for row in (HEADINGS, LATE, GOOD)) + "\n")
    with pytest.raises(RuntimeError, match="2 tickets in, but 1 decided and 0 rejected"):
        run_audit(path, mall, at=AT, decide=forget_one)
