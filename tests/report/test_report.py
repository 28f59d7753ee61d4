"""The page of a report: self-contained, escaped, right in its figures, readable on a telephone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.running import run
from svc_policy import Policy, Ticket, load
from svc_policy.messages import LANGUAGES, Language
from svc_policy.report import Report, run_report
from svc_policy.report.charts import folded
from svc_policy.statistics import month, of_tickets, year

from .conftest import tickets_of_report, write_log

pytest.importorskip("vl_convert")
AT = datetime.fromisoformat("2026-11-20T10:00:00+08:00")
VOID = {"meta", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page: its elements, which must balance, and its tables as rows of texts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data.replace("\u00a0", " ")


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module", params=LANGUAGES)
def page(report: Report, request: pytest.FixtureRequest) -> str:
    return report.html(request.param)


def test_the_page_needs_nothing_else(page: str) -> None:
    reader = read(page)
    tags = {tag for tag, _ in reader.elements}
    assert "svg" in tags and "table" in tags
    assert not tags & {"script", "link", "img", "iframe", "object", "image", "use"}
    for _, attributes in reader.elements:
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("src", "href", "xlink:href"), (name, value)
    assert not re.search(r"https?:|@import|url\(", page)
    assert len(page.encode()) < 3 * 1024 * 1024


def test_what_tickets_say_stays_text(page: str) -> None:
    assert "<script" not in page and "<img" not in page
    # In the table and in the chart alike.
    assert page.count("&lt;script&gt;alert(2)") >= 2
    assert "&lt;img src=x&gt;" in page


def test_nothing_is_left_in_another_language(report: Report) -> None:
    shown = " ".join(read(report.html("zh")).texts)
    style = re.search(r"<style>(.*?)</style>", report.html("zh"), re.S)
    assert style is not None
    # The style sheet, what tickets say, and the names of a file, a policy and a command.
    of_tickets = {"Wang", "script", "alert", "leak", "noise", "pump", "tickets", "jsonl", "mall", "policy", "audit"}
    found = set(re.findall(r"[A-Za-z][a-z]{3,}", shown.replace(style[1], "")))
    assert found <= of_tickets


def test_figures_of_the_page_are_those_of_the_statistics(report: Report, policy: Policy) -> None:
    tables = {tuple(table[0]): table[1:] for table in read(report.html("en")).tables}
    found = report.statistics
    counts = next(
        rows for heads, rows in tables.items() if heads[:4] == ("target", "met in time", "met late", "missed")
    )
    assert len(counts) == sum(1 for of in found["targets"].values() if set(of) - {"not applicable"})
    for row, of in zip(counts, (of for of in found["targets"].values() if set(of) - {"not applicable"}), strict=True):
        assert row[1:4] == [f"{of.get(status, 0):,}" for status in ("met", "late", "breached")]
    costs = next(rows for heads, rows in tables.items() if heads[0] == "kind of cost")
    assert [row[2] for row in costs] == [f"{one['spent_minor'] / 100:,.2f} CNY" for one in found["costs"]]
    # 1,200 CNY a year are 300 up to March, 1,000 are 250.
    assert [row[3] for row in costs] == ["300.00 CNY", "–", "250.00 CNY"]
    findings = next(rows for heads, rows in tables.items() if heads[0] == "finding")
    assert sum(int(row[2].replace(",", "")) for row in findings) == sum(
        one["findings"] for one in report.findings.values()
    )


def test_a_report_counts_as_the_policy_does(report: Report, policy: Policy) -> None:
    alone = of_tickets(policy, tickets_of_report(), at_s=int(AT.timestamp()), period=month("2026-03"))
    for name in ("targets", "penalties", "repeats", "parts", "costs", "appraisals", "dispatch"):
        assert report.statistics[name] == alone[name], name


def test_an_empty_month_says_so(log: Path, policy: Policy) -> None:
    empty = run_report(log, policy, period=month("2023-01"), at=AT)
    assert "No ticket was received in this period." in empty.html("en")
    assert "本期没有收到工单。" in empty.html("zh")
    assert read(empty.html("en")).tables


def test_a_log_without_tickets_of_use(policy: Policy, tmp_path: Path) -> None:
    log = write_log(tmp_path / "one.jsonl", [Ticket(ticket_id="A", received_at=AT)])
    found = run_report(log, policy, period=year("2026"), at=AT)
    assert found.statistics["tickets"] == 1
    assert "No part was used." in found.html("en")


def test_the_schedule_of_the_month_after(log: Path, tmp_path: Path, policy: Policy, report: Report) -> None:
    pack = tmp_path / "mall"
    shutil.copytree(policy.pack.path, pack)
    assert report.coming is None
    (pack / "schedules.csv").write_text(
        "rule,then: occasion,then: owner,then: every,then: on,cite\n"
        "stocktaking,stocktaking,service_head,month,10,mall-5.1\n",
        encoding="utf-8",
    )
    found = run_report(log, load(pack), period=month("2026-03"), at=AT)
    assert found.coming is not None and [item.on.isoformat() for item in found.coming.occurrences] == ["2026-04-10"]
    assert "Fri, Apr 10" in found.html("en")


@pytest.mark.parametrize(
    "text, columns, lines",
    [
        ("short", 16, ["short"]),
        ("passed on to the service department", 16, ["passed on to the", "service…"]),
        ("passed on to the service department", 30, ["passed on to the service", "department"]),
        ("满意度确认与费用审核完成时间", 16, ["满意度确认与费用", "审核完成时间"]),
        ("x" * 40, 16, ["x" * 15 + "…"]),
        ("", 16, [""]),
    ],
)
def test_labels_are_broken_into_two_lines(text: str, columns: int, lines: list[str]) -> None:
    assert folded(text, columns) == lines


def test_the_command_writes_the_page_and_prints_the_figures(log: Path, policy: Policy, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = run(
        "report", str(log), "--policy", policy.pack.path, "--month", "2026-03", "--at", AT.isoformat(),
        "--html", str(out), "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["statistics"]["from"] == "2026-03-01" and data["statistics"]["until"] == "2026-03-31"
    assert "March 2026" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--json",), "give `--month 2026-10` or `--year 2026`"),
        (("--month", "2026-10", "--year", "2026", "--json"), "give `--month 2026-10` or `--year 2026`"),
        (("--month", "2026-10"), "give `--html FILE` or `--json`"),
        (("--month", "October", "--json"), "cannot read the month `October`"),
        (("--year", "26", "--json"), "cannot read the year `26`"),
        (("--month", "2023-01", "--html", "/nowhere/page.html"), "/nowhere/page.html: the file cannot be written"),
    ],
)
def test_wrong_use_is_a_problem(log: Path, policy: Policy, arguments: tuple[str, ...], said: str) -> None:
    done = run("report", str(log), "--policy", policy.pack.path, "--lang", "en", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page is not drawn")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_telephone_shows_the_page_without_scrolling_sideways(
    report: Report, language: Language, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    # A frame as wide as a telephone: the window of a browser without a screen is never narrower than 500.
    page.write_text(report.html(language), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe id="f" src="{page.as_uri()}" width="390" height="800"></iframe><p id="o"></p><script>'
        "f.onload=()=>{let d=f.contentDocument,e=d.documentElement;"
        "let seen=s=>[...d.querySelectorAll(s)].filter(x=>getComputedStyle(x).display!='none').length;"
        "o.textContent=[e.scrollWidth<=e.clientWidth,e.scrollHeight>800,seen('.narrow')>0,seen('.wide')==0]}</script>",
        encoding="utf-8",
    )
    made = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=5000",
            "--dump-dom", frame.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert '<p id="o">true,true,true,true</p>' in made.stdout
