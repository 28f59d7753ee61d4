"""A mapping tells everything that is wrong with it at once, with its line and the nearest known word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from svc_policy.adapters import read_mapping
from svc_policy.errors import MappingError

FLAT = 'schema = 1\nshape = "flat"\ntimezone = "Asia/Shanghai"\n[columns]\nticket = "id"\n'
EVENTS = (
    'schema = 1\nshape = "events"\ntimezone = "Europe/Rome"\n[columns]\nticket = "id"\nactivity = "what"\n'
    'timestamp = "when"\n'
)


def problems(tmp_path: Path, policy: Any, text: str) -> list[tuple[int | None, str, str]]:
    path = tmp_path / "mapping.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(MappingError) as raised:
        read_mapping(path, policy)
    return [
        (found.place.line if found.place else None, str(found.message), str(found.help or ""))
        for found in raised.value.problems
    ]


def mapping(tmp_path: Path, policy: Any, text: str) -> Any:
    path = tmp_path / "mapping.toml"
    path.write_text(text, "utf-8")
    return read_mapping(path, policy)


def test_unknown_keys_are_told_together_with_their_lines(tmp_path: Path, mall: Any) -> None:
    text = FLAT + '[file]\ndelimeter = ";"\n[facts]\nrecieved_at = "Received"\ncause = { colum = "Cause" }\n'
    assert problems(tmp_path, mall, text) == [
        (7, "there is no key `file.delimeter`", "did you mean `delimiter`?"),
        (9, "there is no fact `recieved_at`", "did you mean `received_at`?"),
        (10, "there is no key `facts.cause.colum`", "did you mean `column`?"),
        (10, "`facts.cause.column` is missing", ""),
    ]


def test_a_constant_is_read_as_a_ticket_would_be(tmp_path: Path, mall: Any) -> None:
    found = mapping(
        tmp_path, mall, FLAT + "[constants]\ndistance_km = 2.5\non_site = true\ndelivered_on = 2024-05-01\n"
    )
    # 2024-05-01 is 19844 days after 1970-01-01: 54 years with 13 leap days, and 121 days.
    assert found.constants == {"distance_km": 2500, "on_site": True, "delivered_on": 54 * 365 + 13 + 121}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("distance_km = -1", "`distance_km` is `-1`, less than 0 km"),
        ('request_kind = "fualt"', "`request_kind` is `fualt`, which is not one of its values"),
        ('on_site = "perhaps"', "`on_site` is `perhaps`, not `true` or `false`"),
    ],
)
def test_a_constant_that_cannot_be(tmp_path: Path, mall: Any, line: str, message: str) -> None:
    assert [found[:2] for found in problems(tmp_path, mall, f"{FLAT}[constants]\n{line}\n")] == [(7, message)]


def test_a_value_map_is_checked(tmp_path: Path, mall: Any) -> None:
    text = FLAT + '[facts.request_kind]\ncolumn = "Type"\nvalues = { X = "fault", Y = "queston" }\n'
    ((line, message, _),) = problems(tmp_path, mall, text)
    assert (line, message) == (8, "`request_kind` is `queston`, which is not one of its values")


def test_a_fact_stated_twice(tmp_path: Path, mall: Any) -> None:
    text = EVENTS + '[milestones]\nreceived = "A"\n[facts]\nreceived_at = "when"\n'
    assert [found[:2] for found in problems(tmp_path, mall, text)] == [(9, "`received_at` is stated twice")]


def test_milestones_belong_to_events(tmp_path: Path, mall: Any) -> None:
    found = problems(tmp_path, mall, FLAT + '[milestones]\nreceived = "A"\n')
    assert found[0][1] == "`milestones` belongs to a log of events"


def test_a_milestone_and_a_hold_that_are_not(tmp_path: Path, mall: Any) -> None:
    text = EVENTS + '[milestones]\nrecieved = "A"\n[[holds]]\nkind = "customer_replay"\nopens = "Wait"\n'
    assert problems(tmp_path, mall, text) == [
        (9, "there is no milestone `recieved`", "did you mean `received`?"),
        (11, "the policy has no kind of hold `customer_replay`", "did you mean `customer_reply`?"),
    ]


def test_another_currency_is_refused(tmp_path: Path, mall: Any) -> None:
    ((_, message, explanation),) = problems(tmp_path, mall, 'currency = "EUR"\n' + FLAT)
    assert (message, explanation) == ("the log is in `EUR`, the policy in `CNY`", "nothing is converted")


def test_a_zone_that_is_not(tmp_path: Path, mall: Any) -> None:
    ((line, message, _),) = problems(tmp_path, mall, FLAT.replace("Asia/Shanghai", "Asia/Shangai"))
    assert (line, message) == (3, "`Asia/Shangai` is no time zone")


def test_what_is_missing(tmp_path: Path, mall: Any) -> None:
    messages = [found[1] for found in problems(tmp_path, mall, "shape = 3")]
    assert "`schema` must be 1" in messages
    assert "`shape` is a text" in messages
    assert "`timezone` is missing" in messages
    assert "`columns.ticket` is missing" in messages


def test_no_toml(tmp_path: Path, mall: Any) -> None:
    ((line, message, _),) = problems(tmp_path, mall, "schema = 1\nshape = \n")
    assert line == 2
    assert message.startswith("the file is no TOML: ")


def test_no_file(tmp_path: Path, mall: Any) -> None:
    with pytest.raises(MappingError, match="the file cannot be read"):
        read_mapping(tmp_path / "nowhere.toml", mall)


def test_the_instant_is_read_in_the_zone(tmp_path: Path, mall: Any) -> None:
    # Noon in Shanghai is 04:00 UTC.
    found = mapping(tmp_path, mall, 'as_of = "1970-01-02T12:00:00"\n' + FLAT)
    assert found.as_of_s == 86400 + 4 * 3600


def test_the_digest_follows_the_text(tmp_path: Path, mall: Any) -> None:
    one, other = mapping(tmp_path, mall, FLAT).digest, mapping(tmp_path, mall, FLAT + "# more\n").digest
    assert len(one) == 64
    assert one != other
