"""Make the example log: 120 tickets of a service desk that keeps its records its own way.

    python examples/log/make_log.py
    python examples/log/make_log.py --year year.csv     (a year of dull tickets, from March 2025 on)

The same text every time. Most tickets are dull; the ones named below are there
so that an audit has every kind of thing to find, and some rows cannot be used.
"""

from __future__ import annotations

import argparse
import csv
import random
from datetime import date, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
TICKETS = 120
FIRST_DAY = date(2025, 3, 3)  # a Monday
HEADINGS = (
    "No.", "Received", "Passed on", "Called", "Solution", "Fee told", "Confirmed", "Set out",
    "On site", "Done", "Back", "Report", "Checked", "Closed", "Type", "Visit", "Metres",
    "Delivered", "Cause", "By phone", "Parts", "Minutes", "Customer", "Phone", "Class", "Charged",
    "Due",
)  # fmt: skip
TYPES = ("failure", "failure", "failure", "failure", "failure", "question", "question", "grievance")


def make(folder: Path = HERE) -> None:
    """Write tickets.csv, incidents.csv and overrides.csv into a folder."""
    rows = [dull(number) for number in range(1, TICKETS + 1)]
    for number, change in SPECIAL.items():
        rows[number - 1].update(change)
    rows += [dict.fromkeys(HEADINGS, "") | row for row in UNUSABLE]
    texts = [[row[heading] for heading in HEADINGS] for row in rows]
    texts.insert(TICKETS, CUT_OFF)
    write(folder / "tickets.csv", HEADINGS, texts)
    write(folder / "incidents.csv", ("No.", "What", "When", "Who", "Extra cost"), INCIDENTS)
    write(folder / "overrides.csv", ("No.", "What", "By", "Why", "Amount"), OVERRIDES)


def make_year(file: Path) -> None:
    """Write a year of dull tickets, two a working day."""
    texts = [[row[heading] for heading in HEADINGS] for row in map(dull, range(1, 2 * 5 * 52 + 1))]
    write(file, HEADINGS, texts)


def dull(number: int) -> dict[str, str]:
    """Make a ticket that is handled as it should be: two a working day, one in the morning, one after lunch."""
    chance = random.Random(number)
    day = FIRST_DAY + timedelta(days=7 * ((number - 1) // 10) + (number - 1) // 2 % 5)
    received = datetime(day.year, day.month, day.day, 9 if number % 2 else 13, chance.randrange(5, 30))
    row = dict.fromkeys(HEADINGS, "")
    kind = TYPES[chance.randrange(len(TYPES))]
    relayed = received + timedelta(minutes=chance.randrange(5, 40))
    called = relayed + timedelta(minutes=chance.randrange(10, 60))
    solved = called + timedelta(minutes=chance.randrange(5, 40))
    row |= {
        "No.": f"T-{number:04}",
        "Received": shown(received),
        "Passed on": shown(relayed),
        "Called": shown(called),
        "Type": kind,
        "Visit": "N",
        "Parts": "N",
        "By phone": "Y",
        "Customer": "P" if chance.random() < 0.7 else "O",
        "Phone": f"0571-{chance.randrange(10**7):07}",
        # Since 2024-06-01 or so: in the twelve months' period on every day of the log.
        "Delivered": (date(2024, 7, 1) + timedelta(days=chance.randrange(200))).isoformat(),
        "Cause": "quality",
        "Closed": shown(solved + timedelta(hours=1)),
    }
    if kind == "failure":
        row |= {"Solution": shown(solved), "Class": "C"}
        if chance.random() < 0.5:
            arrived = solved + timedelta(hours=chance.randrange(1, 4))
            back = arrived + timedelta(hours=3)
            row |= {
                "By phone": "N",
                "Visit": "Y",
                "Metres": str(chance.randrange(800, 60_000)),
                "Set out": shown(solved + timedelta(minutes=30)),
                "On site": shown(arrived),
                "Done": shown(arrived + timedelta(hours=1)),
                "Back": shown(back),
                "Minutes": "60",
                "Report": shown(back + timedelta(days=1)),
                "Checked": shown(back + timedelta(days=2)),
                "Closed": shown(back + timedelta(days=3)),
            }
    elif kind == "question":
        row["Solution"] = shown(solved)
    return row


def shown(moment: datetime) -> str:
    """Write a time as the desk does: day first."""
    return moment.strftime("%d.%m.%Y %H:%M")


OUT_OF_PERIOD = {
    "Delivered": "2022-05-10",
    "Class": "A",
    "Cause": "quality",
    "Type": "failure",
    "By phone": "N",
    "Parts": "N",
}
VISIT = {"Visit": "Y", "Metres": "3000", "Minutes": "60"}
NO_VISIT = dict.fromkeys(
    ("Visit", "Set out", "On site", "Done", "Back", "Report", "Checked", "Metres", "Minutes"), ""
) | {"Visit": "N"}
#: What is told of them is reckoned by hand in tests/audit/test_example_log.py.
SPECIAL: dict[int, dict[str, str]] = {
    # Passed on at 09:10, called five working hours and twelve minutes later: 1 h 12 min late, with its penalty.
    3: {
        "Received": "04.03.2025 09:05",
        "Passed on": "04.03.2025 09:10",
        "Called": "04.03.2025 15:22",
        "Closed": "04.03.2025 17:00",
    },
    # Never called, and closed all the same.
    8: {"Called": "", "Closed": "07.03.2025 18:00"},
    # The same fault, recorded as paid although the product is in its period.
    12: NO_VISIT | {"Type": "failure", "Cause": "quality", "Class": "A", "By phone": "Y"},
    # Out of its period: visit 65, an hour of labour 84, and 13 % tax are 168.37; 200 was charged.
    20: OUT_OF_PERIOD
    | VISIT
    | {
        "Received": "14.03.2025 13:00",
        "Passed on": "14.03.2025 13:10",
        "Called": "14.03.2025 13:20",
        "Solution": "14.03.2025 13:40",
        "Fee told": "14.03.2025 13:40",
        "Confirmed": "14.03.2025 13:45",
        "Set out": "14.03.2025 14:00",
        "On site": "14.03.2025 15:00",
        "Done": "14.03.2025 16:00",
        "Back": "14.03.2025 17:00",
        "Report": "14.03.2025 18:00",
        "Checked": "14.03.2025 18:00",
        "Charged": "200.00",
        "Closed": "",
    },
    # The next one was charged rightly.
    21: OUT_OF_PERIOD
    | VISIT
    | {
        "Received": "17.03.2025 09:00",
        "Passed on": "17.03.2025 09:10",
        "Called": "17.03.2025 09:20",
        "Solution": "17.03.2025 09:40",
        "Fee told": "17.03.2025 09:40",
        "Confirmed": "17.03.2025 09:45",
        "Set out": "17.03.2025 10:00",
        "On site": "17.03.2025 11:00",
        "Done": "17.03.2025 12:00",
        "Back": "17.03.2025 13:00",
        "Report": "17.03.2025 18:00",
        "Checked": "17.03.2025 18:00",
        "Charged": "168.37",
        "Closed": "",
    },
    # 3 km: 24 hours from 09:00, so due the next day at 09:00; the desk wrote 48 hours.
    31: VISIT
    | {
        "Type": "failure",
        "Cause": "quality",
        "Class": "C",
        "By phone": "N",
        "Received": "24.03.2025 09:00",
        "Passed on": "24.03.2025 09:10",
        "Called": "24.03.2025 09:20",
        "Solution": "24.03.2025 09:40",
        "Set out": "24.03.2025 10:00",
        "On site": "24.03.2025 11:00",
        "Done": "24.03.2025 12:00",
        "Back": "24.03.2025 13:00",
        "Report": "24.03.2025 18:00",
        "Checked": "24.03.2025 18:00",
        "Due": "26.03.2025 09:00",
        "Closed": "",
    },
    # Paid, and set out without asking.
    40: OUT_OF_PERIOD
    | VISIT
    | {
        "Received": "28.03.2025 13:00",
        "Passed on": "28.03.2025 13:10",
        "Called": "28.03.2025 13:20",
        "Solution": "28.03.2025 13:40",
        "Set out": "28.03.2025 14:00",
        "On site": "28.03.2025 15:00",
        "Done": "28.03.2025 16:00",
        "Back": "28.03.2025 17:00",
        "Report": "28.03.2025 18:00",
        "Checked": "28.03.2025 18:00",
        "Closed": "",
    },
    # Paid, and confirmed an hour after setting out.
    41: OUT_OF_PERIOD
    | VISIT
    | {
        "Received": "31.03.2025 09:00",
        "Passed on": "31.03.2025 09:10",
        "Called": "31.03.2025 09:20",
        "Solution": "31.03.2025 09:40",
        "Fee told": "31.03.2025 09:40",
        "Confirmed": "31.03.2025 11:00",
        "Set out": "31.03.2025 10:00",
        "On site": "31.03.2025 10:30",
        "Done": "31.03.2025 12:00",
        "Back": "31.03.2025 13:00",
        "Report": "31.03.2025 18:00",
        "Checked": "31.03.2025 18:00",
        "Closed": "",
    },
    # Nobody wrote down when the product was delivered, nor what was wrong.
    55: NO_VISIT | {"Type": "failure", "Delivered": "", "Cause": "", "Class": ""},
    # Written down in the wrong century's calendar: the policy's begins in 2015.
    60: {"Received": "11.04.2014 13:10", "Passed on": "", "Called": "", "Solution": "", "Closed": ""},
    # A needle in a spreadsheet: a customer's telephone that a spreadsheet would compute.
    70: {"Phone": "=1+1"},
    # The last ticket is still waiting for a call: it escalates.
    120: NO_VISIT | {"Called": "", "Solution": "", "Closed": "", "Type": "failure", "Cause": "quality", "By phone": ""},
}
#: A distance below nothing, a day that is not, a ticket twice, no ticket, a word that nobody mapped.
UNUSABLE: list[dict[str, str]] = [
    {"No.": "T-0122", "Received": "26.05.2025 09:10", "Type": "failure", "Visit": "Y", "Metres": "-3000"},
    {"No.": "T-0123", "Received": "31.06.2025 09:20", "Type": "failure", "Visit": "N"},
    {"No.": "T-0001", "Received": "26.05.2025 09:30", "Type": "failure", "Visit": "N"},
    {"No.": "", "Received": "26.05.2025 09:40", "Type": "failure", "Visit": "N"},
    {"No.": "T-0126", "Received": "26.05.2025 09:50", "Type": "mystery", "Visit": "N"},
]
#: A row that somebody cut off.
CUT_OFF = ["T-0121", "26.05.2025 09:00"]
INCIDENTS = [
    ["T-0005", "not fed back", "2025-03-06", "Chen", "0"],
    ["T-0020", "went home", "2025-03-14", "Li", "320.00"],
    ["T-0999", "not fed back", "2025-03-14", "Li", "0"],
]
OVERRIDES = [
    ["T-0041", "discount", "service_head", "made to wait", "150.00"],
    ["T-0021", "discount", "clerk", "regular customer", "20.00"],
]


def write(path: Path, headings: tuple[str, ...], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(headings)
        writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the example log anew, or a year of tickets.")
    parser.add_argument("--year", type=Path, metavar="FILE", help="write a year of dull tickets instead")
    year = parser.parse_args().year
    make() if year is None else make_year(year)
