"""Say of an impact what its figures alone would hide: an edition that no ticket falls under, tickets after the instant.

Neither is an error: of last year's tickets under next year's edition nothing
changes, and a ticket that comes in after the instant of the decisions has
everything ahead of it. Both look like a change without effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from svc_policy.boundaries.days import governs
from svc_policy.diff.changes import Change, find_changes
from svc_policy.facts.columns import TABLES, columns
from svc_policy.messages import Message, message
from svc_policy.rules.family import Parameter
from svc_policy.units import format_day
from svc_policy.units.days import day_of

if TYPE_CHECKING:
    from svc_policy.facts.registry import Grain
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing

#: The most days of editions that are named.
_MOST: Final = 3
_DATED: Final[tuple[Governing, ...]] = ("purchase", "request", "fee", "incident")


def notes_on_time(
    old: Policy, new: Policy, connection: Any, *, at_s: int, labels: tuple[str, str] | None = None
) -> Iterator[Message]:
    """Say what is to be said of the days of tickets, in the tables of a connection, under a change.

    `at_s` is the instant of the decisions; `labels` name the two policies as whoever compares them would.
    """
    (count, latest) = connection.execute(
        f"SELECT count(*) FILTER (WHERE received_at_s > {at_s}), max(received_at_s) FROM main.{TABLES['ticket']}"
    ).fetchone()
    if count:
        yield message(
            "tickets received after that instant: {count}, the last on {day}; `--at` names a later one",
            count=f"{count:,}",
            day=datetime.fromtimestamp(latest, old.zone).date(),
        )
    if old.fixed_on is not None or new.fixed_on is not None:
        return
    names = labels or (old.id, new.id)
    latest_days = _latest_days(old, connection)
    begins: dict[int, bool] = {}
    for change in find_changes(old, new):
        if change.since is None or not change.decides:
            continue
        dates = _governing(change, new)
        is_met = not dates or any(latest_days.get(date, change.since) >= change.since for date in dates)
        begins[change.since] = begins.get(change.since, False) or is_met
    for since in [day for day, is_met in sorted(begins.items()) if not is_met][:_MOST]:
        day = format_day(since)
        yield message(
            "no ticket falls under what begins on {day}: compare `{old}` with `{new}`",
            day=day,
            old=f"{names[0]}@{day}",
            new=f"{names[1]}@{day}",
        )


def _governing(change: Change, policy: Policy) -> set[str]:
    """List the governing dates by which a change is in force."""
    rules = policy.pack.rules()
    if change.part == "rule":
        return {rules.families[change.table].governing} if change.table in rules.families else set()
    found = {
        rules.families[table].governing
        for table, rows in rules.rows.items()
        if any(change.name in row.rests_on for row in rows)
    }
    tax = policy.pack.settings.money.tax
    return found | ({"fee"} if isinstance(tax, Parameter) and tax.name == change.name else set())


def _latest_days(policy: Policy, connection: Any) -> Mapping[str, int]:
    """Give the latest of each governing date among the tickets; none where every ticket leaves it open."""
    found: dict[str, int] = {}
    for governing in _DATED:
        facts = governs(governing)
        grain: Grain = "incident" if facts[0].startswith("incidents[]") else "ticket"
        held = {item.fact.name: item.name for item in columns(grain, ()) if item.fact is not None}
        names = [held[path.rpartition(".")[2]] for path in facts]
        ((rows, latest),) = connection.execute(
            f"SELECT count(*), max(coalesce({', '.join(names)})) FROM main.{TABLES[grain]}"
        ).fetchall()
        if latest is not None:
            found[governing] = _day(policy, latest) if facts[0].endswith("_at") else latest
        elif not rows:
            found[governing] = -(1 << 40)
    return found


def _day(policy: Policy, instant_s: int) -> int:
    day = datetime.fromtimestamp(instant_s, policy.zone)
    return day_of(day.year, day.month, day.day)
