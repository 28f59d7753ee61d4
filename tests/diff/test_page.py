"""The page of a difference: self-contained, escaped, right in its figures, in both languages."""

from __future__ import annotations

import re
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from svc_policy import Policy
from svc_policy.diff import diff
from svc_policy.diff.impact import Impact, impact_of_file
from svc_policy.diff.impact_text import impact_lines
from svc_policy.diff.page import difference_page
from svc_policy.diff.text import difference_lines
from svc_policy.messages import LANGUAGES, Language

from .shop import AT, TICKETS, shop, tickets

pytest.importorskip("vl_convert")
VOID = {"meta", "br", "img", "input", "hr"}
NASTY = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Reads a page: its elements, which must balance, its ids and links, its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        assert not any(name.startswith("on") or name == "src" for name in found)
        self.ids.add(found.get("id") or "")
        if tag == "a":
            self.links.add(found.get("href") or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u00a0", " ")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Policy]:
    folder = tmp_path_factory.mktemp("page")
    return shop(folder / "old"), shop(folder / "new", {"fees": ("100 CNY", "120 CNY"), "deadlines": ("24 h", "12 h")})


@pytest.fixture(scope="module")
def impact(both: tuple[Policy, Policy], tmp_path_factory: pytest.TempPathFactory) -> Impact:
    file = tickets(tmp_path_factory.mktemp("tickets"), TICKETS.replace("T2", NASTY))
    return impact_of_file(*both, file, at=datetime.fromisoformat(AT))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_else_and_shows_the_figures(
    both: tuple[Policy, Policy], impact: Impact, language: Language
) -> None:
    page = difference_page(diff(*both), impact, language)
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert not {"script", "link", "img", "iframe", "object", "use"} & set(reader.tags)
    assert {"svg", "table", "details"} <= set(reader.tags)
    assert not re.search(r"https?:|@import|url\(", page)
    assert {link.removeprefix("#") for link in reader.links} <= reader.ids
    assert {"#ticket-1", "#ticket-2", "#ticket-3"} <= reader.links
    # The visit of T1 with its tenth at night, 22, and that of T2, 20, both with a tax of 10 %.
    assert "+46.20 CNY" in reader.text and "+24.20 CNY" in reader.text and "+22.00 CNY" in reader.text
    names = ("收费.visit", "时限.arrive") if language == "zh" else ("fees.visit", "deadlines.arrive")
    assert all(name in reader.text for name in names)
    assert ("之前" if language == "zh" else "before") in reader.text
    assert NASTY not in page and NASTY in reader.text
    assert ("没有工单写明区域" if language == "zh" else "No ticket states a zone") in reader.text


def test_without_tickets_there_is_no_impact(both: tuple[Policy, Policy]) -> None:
    reader = Reader()
    reader.feed(difference_page(diff(*both), None, "en"))
    assert "impact" not in reader.ids and "svg" not in reader.tags
    assert "120 CNY" in reader.text


def test_a_policy_against_itself_decides_alike(both: tuple[Policy, Policy]) -> None:
    assert "the two policies are the same" in difference_page(diff(both[0], both[0]), None, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_that_went_and_came_stand_before_the_whole_explanations(
    both: tuple[Policy, Policy], language: Language
) -> None:
    page = difference_page(diff(*both), None, language)
    went = re.findall(r'<li class="went"><b>([^<]+)</b> <del>([^<]*)</del>', page)
    came = re.findall(r'<li class="came"><b>([^<]+)</b> <ins>([^<]*)</ins>', page)
    # Told apart by a word, not by colour alone.
    assert {word for word, _ in went} == {"之前" if language == "zh" else "before"}
    assert {word for word, _ in came} == {"之后" if language == "zh" else "after"}
    assert any("100.00" in text for _, text in went) and any("120.00" in text for _, text in came)
    assert not {text for _, text in went} & {text for _, text in came}
    assert page.index('class="went"') < page.index('class="said"')


def test_a_side_is_called_as_it_was_asked_for(both: tuple[Policy, Policy]) -> None:
    old, new = both
    assert old.id == new.id == "made"
    found = diff(old, new, labels=("made", "./shop"))
    text = "\n".join(difference_lines(found, "en"))
    assert text.startswith(f"made {old.digest[:12]} → ./shop (made {new.digest[:12]})")
    assert f"./shop (made {new.digest[:12]})" in difference_page(found, None, "en")
    assert [found.to_dict(most=0)[which]["named"] for which in ("old", "new")] == ["made", "./shop"]


OPENED = {
    "fees": (
        "visit,,,A,-,visit,100 CNY,-,-,-,m-1\nroad,,,A,> 10 km,road,-,2 CNY,1 km,distance_km,m-1\n",
        "visit,,2027-01-01,A,-,visit,100 CNY,-,-,-,m-1\nvisit,2027-01-01,,A,-,visit,120 CNY,-,-,-,m-1\n"
        "road,,2027-01-01,A,> 10 km,road,-,2 CNY,1 km,distance_km,m-1\n"
        "road,2027-01-01,,A,> 10 km,road,-,2 CNY,1 km,distance_km,m-1\n",
    )
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_editions_that_say_the_same_are_one_line(
    both: tuple[Policy, Policy], tmp_path: Path, language: Language
) -> None:
    found = diff(both[0], shop(tmp_path / "new", OPENED))
    said = {
        "en": "new edition, nothing else changed (1): fees.road",
        "zh": "新版，其余未改（1）：收费.road",
    }[language]
    lines = [line.strip() for line in difference_lines(found, language)]
    assert lines.count(said) == 1
    assert not any(line.startswith(("fees.road ", "收费.road ")) for line in lines)
    assert said in difference_page(found, None, language)


def test_chinese_lines_have_chinese_headings_and_punctuation(both: tuple[Policy, Policy]) -> None:
    lines = [line.strip() for line in difference_lines(diff(*both), "zh")]
    assert "各表规则（2）" in lines
    assert "则：固定金额：100 CNY → 120 CNY" in lines
    assert "则：时限：24 h → 12 h" in lines
    assert not any(line.startswith("then:") or "; " in line for line in lines)


def test_an_edition_that_no_ticket_falls_under_is_said(both: tuple[Policy, Policy], tmp_path: Path) -> None:
    new = shop(tmp_path / "new", OPENED)
    file = tickets(tmp_path)
    at = datetime.fromisoformat(AT)
    found = impact_of_file(both[0], new, file, at=at, labels=("made", "./shop"))
    said = "no ticket falls under what begins on 2027-01-01: compare `made@2027-01-01` with `./shop@2027-01-01`"
    assert said in [note.text("en") for note in found.notes]
    # Fixed on the day it applies to all of them; and so it does to one ticket received on the day.
    day = date(2027, 1, 1)
    fixed = impact_of_file(both[0].on(day), new.on(day), file, at=at)
    later = tickets(tmp_path, TICKETS.replace("T3,no,5,normal,2026-04-01", "T3,no,5,normal,2027-01-01"), "later.csv")
    reached = impact_of_file(both[0], new, later, at=at)
    early = TICKETS.replace("T3,no,5,normal,2026-04-01", "T3,no,5,normal,2026-12-31")
    before = impact_of_file(both[0], new, tickets(tmp_path, early, "before.csv"), at=at)
    told = ["no ticket falls" in " ".join(note.text("en") for note in one.notes) for one in (fixed, reached, before)]
    assert told == [False, False, True]
    assert fixed.changed == 2


def test_the_instant_says_where_it_comes_from_and_what_lies_behind_it(
    both: tuple[Policy, Policy], tmp_path: Path
) -> None:
    file = tickets(tmp_path)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        'schema = 1\nshape = "flat"\ntimezone = "Asia/Shanghai"\nas_of = "2026-03-15T09:00:00"\n'
        '[columns]\nticket = "ticket_id"\n[facts]\n'
        + "".join(f'{name} = "{name}"\n' for name in ("received_at", "arrived_at", "distance_km")),
        encoding="utf-8",
    )
    asked = impact_of_file(*both, file, at=datetime.fromisoformat(AT))
    latest = impact_of_file(*both, file)
    mapped = impact_of_file(*both, file, mapping=mapping)
    assert [one.at_from for one in (asked, latest, mapped)] == ["asked", "latest", "mapping"]
    late = "tickets received after that instant: 1, the last on 2026-04-01; `--at` names a later one"
    assert [late in [note.text("en") for note in one.notes] for one in (asked, latest, mapped)] == [False, False, True]
    assert "the instant is `as_of` of the mapping; `--at` names another" in list(impact_lines(mapped, "en"))


def test_alterations_without_effect_are_one_line(tmp_path: Path, both: tuple[Policy, Policy]) -> None:
    edits = {"fees": ("100 CNY", "120 CNY"), "surcharges": ("night,night,10 %", "night,night,20 %")}
    new = shop(tmp_path / "new", edits)
    file = tickets(tmp_path, TICKETS.replace("night", "normal"))
    found = impact_of_file(both[0], new, file, at=datetime.fromisoformat(AT))
    lines = list(impact_lines(found, "en"))
    assert lines.count("no effect on these tickets: surcharges.night") == 1
    assert sum("surcharges.night" in line for line in lines) == 1
    assert "no effect on these tickets: surcharges.night" in difference_page(diff(both[0], new), found, "en")
