"""A ticket with thousands of faults: the first are told, nothing is guessed for the rest, and it is soon said."""

from __future__ import annotations

from time import process_time

import pytest

from svc_policy.errors import TicketError
from svc_policy.facts.reading import TicketReader
from svc_policy.facts.ticket import Ticket

READER = TicketReader(zone="Asia/Shanghai")


def refused(raw: object) -> TicketError:
    with pytest.raises(TicketError) as raised:
        READER.structure(raw)
    return raised.value


@pytest.mark.parametrize(
    "raw",
    [
        {f"delivered_{number}": 1 for number in range(3_000)},
        {"parts": [{"part_n": 1}] * 3_000},
        {"parts": [{f"part_{number}": 1 for number in range(3_000)}]},
    ],
    ids=["names of the ticket", "records", "names of a record"],
)
def test_a_hundred_are_told(raw: dict[str, object]) -> None:
    begun = process_time()
    problems = refused(raw).problems
    assert process_time() - begun < 2
    assert len(problems) == 101
    assert problems[-1].code == "ticket-problems-more"
    assert 1 <= sum(found.help is not None for found in problems[:-1]) <= 20


def test_the_rest_is_counted() -> None:
    last = refused({f"k{number}": 1 for number in range(350)}).problems[-1]
    assert last.message.values == {"count": 250}
    assert len(refused({f"k{number}": 1 for number in range(100)}).problems) == 100


def test_a_name_is_guessed_among_those_of_its_place() -> None:
    problems = refused({"deliverd_on": "x", "parts": [{"part_no": "A"}, {"part_nr": 1}], "incidents": [3]}).problems
    told = {str(found.message).split("`")[1]: found.help and found.help.values["meant"] for found in problems}
    assert told == {"deliverd_on": "delivered_on", "parts[1].part_nr": "part_no", "incidents[0]": None}


def test_a_ticket_made_in_python_guesses_too() -> None:
    from svc_policy.facts.registry import Fact

    floor = Fact(name="floor", kind="count", en="floor", zh="楼层")
    with pytest.raises(TicketError) as raised:
        Ticket(extra={"flor": 1}, facts=(floor,))
    assert raised.value.problems[0].help is not None
    assert raised.value.problems[0].message.values["field"] == "extra.flor"
