"""Taking JSON and TOML apart, whoever wrote them."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from svc_policy.errors import Place, TicketError
from svc_policy.facts import sources
from svc_policy.facts.reading import read_ticket
from svc_policy.facts.sources import JsonReader, read_values
from svc_policy.facts.ticket import Ticket

HERE = Place(file="ticket")


def codes(data):
    with pytest.raises(TicketError) as caught:
        read_ticket(data, zone="Asia/Shanghai")
    return [found.code for found in caught.value.problems]


@pytest.mark.parametrize(
    "data, code",
    [
        ('{"extra": {"a": ' + "[" * 10_000 + "]" * 10_000 + "}}", "ticket-nested-too-deeply"),
        ("a = " + "[" * 10_000 + "]" * 10_000, "ticket-nested-too-deeply"),
        ("[" * 100_000, "ticket-nested-too-deeply"),
        ('{"cause": "wear", "cause": "misuse"}', "ticket-key-twice"),
        ('{"parts": [{"quantity": 1, "quantity": 1}]}', "ticket-key-twice"),
        ('cause = "wear"\ncause = "misuse"', "ticket-toml-unreadable"),
        ('{"distance_km": NaN}', "ticket-number-unreadable"),
        ('{"distance_km": -Infinity}', "ticket-number-unreadable"),
        ("distance_km = nan", "ticket-not-finite"),
        ('{"distance_km": 1e99999999999999999999}', "ticket-number-unreadable"),
        ('{"distance_km": 1e999999999}', "ticket-too-large"),
        ('{"distance_km": ' + "9" * 5_000 + "}", "ticket-number-unreadable"),
        ("suspended_days = " + "9" * 5_000, "ticket-toml-unreadable"),
        ('{"distance_km": 1e-999999999}', "ticket-too-precise"),
        ('{"customer": "\\ud800"}', "ticket-text-not-unicode"),
        ("", "ticket-json-unreadable"),
        ("{", "ticket-json-unreadable"),
        ("{} {}", "ticket-json-unreadable"),
        ("{\"cause\": 'wear'}", "ticket-json-unreadable"),
        ("distance_km = ", "ticket-toml-unreadable"),
        (b'{"customer": "\xff"}', "ticket-not-utf-8"),
        ("{}".encode("utf-16"), "ticket-not-utf-8"),
        (b" " * (16 * 2**20 + 1), "ticket-too-long"),
        (" " * (16 * 2**20 + 1), "ticket-too-long"),
        (Path("no such ticket.json"), "ticket-file-unreadable"),
        (Path("."), "ticket-file-unreadable"),
    ],
    ids=range(26),
)
def test_what_is_no_ticket_is_refused(data, code):
    assert codes(data) == [code]


def test_a_file_too_large_is_refused(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(16 * 2**20 + 1)
    assert codes(path) == ["ticket-too-long"]


def test_a_mark_at_the_beginning_is_skipped(tmp_path):
    content = b'\xef\xbb\xbf{"customer": "\xe5\x91\xa8"}'
    path = tmp_path / "marked.json"
    path.write_bytes(content)
    for data in (content, path):
        assert read_ticket(data, zone="UTC") == Ticket(customer="周")
    assert [value for _, value in read_values(path)] == [{"customer": "周"}]


def test_the_suffix_of_a_file_decides(tmp_path):
    toml, other = tmp_path / "ticket.toml", tmp_path / "ticket.txt"
    toml.write_text('"customer"="a"')
    other.write_text('customer = "a"')
    assert read_ticket(toml, zone="UTC") == read_ticket(other, zone="UTC") == Ticket(customer="a")


def test_an_error_shows_the_line_and_a_caret():
    with pytest.raises(TicketError) as caught:
        read_ticket('{\n  "cause": wear\n}', zone="UTC", name="-")
    assert caught.value.render().split("\n") == [
        "-:2:12: cannot read JSON: expecting value",
        '    "cause": wear',
        "             ^",
    ]


def test_an_error_in_toml_names_its_line():
    with pytest.raises(TicketError) as caught:
        read_ticket('cause = "wear"\non_site = maybe\n', zone="UTC", name="-")
    (found,) = caught.value.problems
    assert (found.place.line, found.place.text) == (2, "on_site = maybe")


def test_a_name_of_a_file_is_told_from_its_text():
    with pytest.raises(TicketError, match="give a `Path`"):
        read_ticket("ticket.json", zone="UTC")


def test_numbers_are_decimals():
    assert JsonReader().read('{"a": 0.1, "b": 1}', HERE) == {"a": Decimal("0.1"), "b": 1}


def test_a_line_too_long_spoils_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST_TICKET", 20)
    path = tmp_path / "tickets.jsonl"
    path.write_text('{"a": 1}\n{"a": "' + "x" * 100 + '"}\n{"a": 2}\n')
    found = [(place.line, value) for place, value in read_values(path)]
    assert found[0] == (1, {"a": 1})
    assert found[1][0] == 2
    assert [problem.code for problem in found[1][1].problems] == ["ticket-too-long"]
    assert found[2] == (3, {"a": 2})


def test_one_ticket_over_several_lines(tmp_path):
    path = tmp_path / "ticket.json"
    path.write_text(json.dumps({"a": 1}, indent=2))
    assert [(place.line, value) for place, value in read_values(path)] == [(1, {"a": 1})]


@pytest.mark.parametrize(
    "text, read, line",
    [
        ('[{"a": 1},\n{"a": }]', [{"a": 1}], 2),
        ('[{"a": 1}\n{"a": 2}]', [{"a": 1}], 2),
        ('[{"a": 1}]\n5', [{"a": 1}], 2),
        ('[{"a": 1},\n', [{"a": 1}], 2),
        ('[{"a": 1},]', [{"a": 1}], 1),
    ],
)
def test_a_broken_array_gives_what_stands_before(tmp_path, text, read, line):
    path = tmp_path / "tickets.json"
    path.write_text(text)
    *before, (_, error) = read_values(path)
    assert [value for _, value in before] == read
    assert error.problems[0].code == "ticket-json-unreadable"
    assert error.problems[0].place.line == line


@pytest.mark.parametrize("text, values", [("", []), ("\n\n", []), ("[]", []), (" [ ] ", []), ("\n[1]", [1])])
def test_few_or_no_tickets(tmp_path, text, values):
    path = tmp_path / "tickets.json"
    path.write_text(text)
    assert [value for _, value in read_values(path)] == values


def test_a_missing_file_is_an_error():
    with pytest.raises(TicketError):
        list(read_values(Path("no such file")))
