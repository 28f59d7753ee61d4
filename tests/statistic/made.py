"""Tickets of a few devices, faults and people, and a policy that has everything that is counted."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import svc_policy
from svc_policy import Incident, Part, Policy, Ticket, load

TABLES = {
    "appraisals.csv": "rule,then: aspect,then: weight,then: levels,cite\n"
    "skill,rated_skill,60 %,4,mall-1.5\nattitude,rated_attitude,40 %,4,mall-1.5\n",
    "budgets.csv": "rule,then: kind,then: year,then: amount,then: warn,cite\n"
    "parts_2026,cost_parts,2026,1200 CNY,80 %,mall-1.4\nlabour_2026,cost_labour,2026,1000 CNY,-,mall-1.4\n"
    "parts_2025,cost_parts,2025,500 CNY,90 %,mall-1.4\n",
    "stock.csv": "rule,part_class,key_equipment,then: least,then: most,then: priority,then: storage,cite\n"
    "key,-,yes,4,9,1,-,mall-5.1\npumps,pump,no,1,3,2,-,mall-5.1\nrest,-,-,0,-,-,-,mall-5.1\n",
}


#: What nothing here counts, and what takes its time to compile.
LEFT_OUT = ("escalations.csv", "routing.csv", "forms.csv", "checklists.csv", "duties.csv", "intake.csv", "cases.toml")


def made_policy(folder: Path) -> Policy:
    """Load the policy of the mall with scores, budgets, stock and an open penalty of its own."""
    shutil.copytree(Path(svc_policy.__file__).parent / "packs" / "mall", folder, ignore=lambda _, names: LEFT_OUT)
    for name, text in TABLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with (folder / "penalties.csv").open("a", encoding="utf-8") as file:
        file.write("rude,not_fed_back,-,-,-,-,person_responsible,-,-,-,{penalty_decider},mall-3.6b,\n")
    return load(folder)


def random_tickets(seed: int, count: int = 150) -> list[Ticket]:
    """Make tickets of a few devices, faults and people, about two years long, with much left out."""
    chance = random.Random(seed)

    def maybe(value: Any, missing: float = 0.2) -> Any:
        return None if chance.random() < missing else value

    made = []
    for number in range(count):
        # Near midnight in Shanghai (16:00 UTC) and near the ends of months.
        day = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(690))
        received = day.replace(hour=chance.choice((3, 15, 16)), minute=chance.choice((0, 59)))
        steps = [
            timedelta(days=chance.randrange(4), hours=chance.randrange(30), seconds=chance.choice((0, -1)))
            for _ in "ab"
        ]
        finished = maybe(received + steps[0], 0.3)
        made.append(
            Ticket(
                ticket_id=f"T{number:03}",
                received_at=maybe(received, 0.03),
                dispatched_at=maybe(received + timedelta(hours=1), 0.5),
                finished_at=finished,
                closed_at=maybe(received + steps[0] + steps[1], 0.5),
                request_kind=chance.choice(("fault", "inquiry")),
                serial_no=maybe(chance.choice("ABC")),
                fault_code=maybe(chance.choice("xy")),
                earlier_repairs=maybe(chance.randrange(3), 0.9),
                cause=maybe(chance.choice(("product", "misuse", "wear", "wear"))),
                problem_class=maybe(chance.choice(("noise", "leak", "leak", "a,b", "<b>"))),
                technician=maybe(chance.choice(("Li", "Wang"))),
                key_equipment=maybe(chance.random() < 0.2),
                solved_by_telephone=maybe(chance.random() < 0.2),
                first_time_fixed=maybe(chance.random() < 0.6, 0.4),
                rated_skill=maybe(chance.randrange(1, 5), 0.4),
                rated_attitude=maybe(chance.randrange(1, 5), 0.2),
                satisfaction=maybe(chance.choice(("satisfied", "fair", "dissatisfied")), 0.5),
                dissatisfied_with=maybe(chance.choice(("skill", "attitude")), 0.8),
                cost_parts=maybe(Decimal(chance.randrange(0, 20_000)) / 100, 0.5),
                cost_labour=maybe(Decimal(chance.randrange(0, 9_000)) / 100, 0.5),
                cost_logistics=maybe(Decimal(chance.randrange(0, 9_000)) / 100, 0.9),
                parts=tuple(
                    Part(
                        part_no=maybe(chance.choice(("P1", "P2", "P3")), 0.1),
                        part_class=maybe(chance.choice(("pump", "fan"))),
                        quantity=maybe(chance.randrange(1, 6)),
                    )
                    for _ in range(chance.choice((0, 0, 1, 2)))
                ),
                incidents=tuple(
                    Incident(
                        incident_kind=chance.choice(("returned_without_consent", "not_fed_back", "not_passed_on")),
                        occurred_on=received.date(),
                        extra_cost=maybe(chance.randrange(2)),
                    )
                    for _ in range(chance.choice((0, 0, 0, 1)))
                ),
            )
        )
    return made
