"""Hypothesis strategies made from a policy: tickets that fall on its boundaries, and where two policies differ.

A drawn ticket states facts that the policy reads and no others. Values are
those on, one step under and one step over each boundary, every value of an
enumeration, and plain ones between; facts are missing now and then. Days are
the first and last of every edition, month ends, nights on which the clock
changes and the exceptions of the calendar; a milestone comes an allowance, or a
second more or less, after the one before it, or at the very due instant.
Everything shrinks to facts that are not stated and to plain values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.errors import PolicyError, UsageError, problem
from svc_policy.facts.registry import LISTS
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import message
from svc_policy.testing.aims import Aim, Aims, RowAims, Start
from svc_policy.testing.palette import DAY_S, EPOCH, Choices, Facts, Palette, ticket_of

try:
    from hypothesis import reject
    from hypothesis import strategies as st
except ImportError:
    _MISSING = message("the `{module}` package is not installed", module="hypothesis")
    raise UsageError([problem("test-extra", _MISSING, help=message("pip install 'svc-policy[test]'"))]) from None

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from svc_policy.decision import Decision
    from svc_policy.diff import Comparison
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Row

#: Of 1,024 chances that a fact is missing: in a ticket that states much, about three in four, little.
_MUCH, _MOST, _LITTLE = 12, 256, 760
_CHANCE: Final = 1023
#: Numbers drawn for a ticket as a whole, for one of its facts, and for where to aim.
_HEAD: Final = 24
_WORDS: Final = 3
_AIMING: Final = 48
#: After how many seconds a ticket is looked at, the plainest first.
_LOOKED: Final = (3600, 0, 1, 4 * 3600, DAY_S, 3 * DAY_S, 30 * DAY_S, -60)
_OFFSETS: Final = (0, -1, 1)


@attrs.frozen
class Situation:
    """What is put to a policy: the facts of a ticket, as its fields hold them, and the instant of the decision."""

    facts: Facts
    at: datetime

    def ticket(self, policy: Policy) -> Ticket:
        """Make the ticket, with what this policy declares.

        Raises:
            TicketError: The facts cannot be true under this policy.
        """
        return ticket_of(policy, self.facts)

    def decide(self, policy: Policy) -> Decision:
        """Decide it.

        Raises:
            PolicyError: This policy refuses the facts, or an instant lies outside its calendar.
        """
        return policy.decide_s(self.ticket(policy), int(self.at.timestamp()))


def tickets(policy: Policy) -> SearchStrategy[Ticket]:
    """Draw tickets that fall on, just under and just over every boundary of a policy."""
    return situations(policy).map(refused(lambda situation: situation.ticket(policy)))


def situations(policy: Policy) -> SearchStrategy[Situation]:
    """Draw tickets as :func:`tickets` does, each with an instant of decision: about what is due, among others."""
    return _drawn(Palette(policy), None)


def aimed(
    policy: Policy, rows: Iterable[Row], result: str = "", accept: Callable[[Decision], bool] | None = None
) -> SearchStrategy[Situation]:
    """Draw situations, half of them tickets for which one of some rows of the policy's tables holds.

    Where a result is named, those tickets state what it needs; `accept` is a test of their decisions.
    """
    return _drawn(Palette(policy), RowAims(policy, rows, result, accept))


def changed(old: Policy, new: Policy, *, decided_differently: bool = True) -> SearchStrategy[Situation]:
    """Draw tickets where two policies differ: on the boundaries of both, most aimed at a row that only one of them has.

    Args:
        old: One policy.
        new: The other; where they declare facts differently, each is given those that it declares.
        decided_differently: Only tickets on which the two decide differently. There may be none, which Hypothesis says.
    """
    drawn = _drawn(Palette(old, new), Aims(old, new))
    if not decided_differently:
        return drawn
    from svc_policy.diff import Comparison

    comparison = Comparison(old, new)
    return drawn.filter(lambda situation: differs(situation, comparison))


def differs(situation: Situation, comparison: Comparison) -> bool:
    """Say whether two policies decide a situation differently; False where one of them refuses the ticket."""
    try:
        old, new = situation.decide(comparison.old), situation.decide(comparison.new)
    except PolicyError:
        return False
    return bool(comparison.differences(old, new))


def _drawn(palette: Palette, aims: Aims | RowAims | None) -> SearchStrategy[Situation]:
    painter = _Painter(palette)

    @st.composite
    def draw_situation(draw: DrawFn) -> Situation:
        aim = aims.choose(_section(draw, _AIMING), palette) if aims is not None else None
        return painter.situation(draw, aim)

    return draw_situation()


class _Section:
    """A run of drawn numbers, one after the other; past its end they are 0.

    Hypothesis draws few long things sooner than many short ones, and lowers them byte by byte when it shrinks.
    """

    def __init__(self, drawn: bytes) -> None:
        self.drawn = drawn
        self.place = 0

    def __call__(self, most: int) -> int:
        """Take a number from 0 to `most`; it falls with what was drawn."""
        word = int.from_bytes(self.drawn[self.place : self.place + 2].ljust(2, b"\0"), "big")
        self.place += 2
        return word * (most + 1) >> 16

    def turn_to(self, number: int) -> None:
        """Go on with the numbers of a fact, so that those of the others do not move when one goes away."""
        self.place = 2 * number


def _section(draw: DrawFn, words: int) -> _Section:
    return _Section(draw(_bytes(2 * words)))


@functools.cache
def _bytes(size: int) -> SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


class _Painter:
    """Draws the facts of one situation after another."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        of_ticket = palette.choices["ticket"]
        self.milestones = tuple(
            choice for choice in of_ticket if choice.fact.kind == "instant" and choice.fact.name != "received_at"
        )
        rest = tuple(choice for choice in of_ticket if choice.fact.kind != "instant")
        #: What must be asked for, then what need not be stated, of which only a few facts are.
        self.plain = tuple(sorted(rest, key=lambda choice: not choice.fact.asks))
        answered = sum(not choice.fact.asks for choice in rest)
        self.unstated = _CHANCE - _CHANCE * 3 // max(6, answered)
        self.targets = tuple(dict.fromkeys(name for policy in palette.policies for name in policy.target_names()))
        self.terms = (0, *(-length for length in palette.months))
        self.looks = (*_LOOKED, *palette.gaps[-12:])

    def situation(self, draw: DrawFn, aim: Aim | None) -> Situation:
        palette = self.palette
        roll = _section(draw, _HEAD)
        start = aim.start if aim is not None else None
        # Beside what makes a row hold little is stated, often nothing.
        shares = (_MUCH, _MUCH, _MOST, _LITTLE) if start is None else (_CHANCE, _LITTLE, _CHANCE, _MOST)
        missing = shares[roll(3)]
        received = self._received(roll, aim)
        roll.turn_to(6)
        facts: dict[str, Any] = {}
        if aim is not None or not self._is_missing(roll, missing // 3):
            facts["received_at"] = received
        reached = roll(len(self.milestones)) if missing != _CHANCE else 0
        today = received.astimezone(palette.zone).date()
        of_ticket = _section(draw, _WORDS * len(self.plain))
        for number, choice in enumerate(self.plain):
            of_ticket.turn_to(_WORDS * number)
            share = missing if choice.fact.asks else max(missing, self.unstated)
            if (value := self._value(of_ticket, choice, share, aim, today)) is not None:
                facts[choice.fact.name] = value
        self._state_milestones(draw, facts, received, aim, reached)
        for grain, field in LISTS.items():
            if choices := palette.choices[grain]:
                wanted = aim is not None and any(path.startswith(f"{field}[]") for path in aim.values)
                count = roll(3) - 1 if not wanted else 1 + roll(1)
                sections = [_section(draw, _WORDS * len(choices)) for _ in range(max(0, count))]
                if sections:
                    facts[field] = tuple(
                        self._line(section, choices, received, today, missing, aim) for section in sections
                    )
        if start is not None:
            return self._begin_with(start, _section(draw, _HEAD + len(start.facts)), facts, received)
        self._meet_a_target(roll, facts, received)
        return Situation(facts, self._look(roll, facts, received))

    def _begin_with(self, start: Start, roll: _Section, facts: Facts, received: datetime) -> Situation:
        """Put the facts of a ticket for which a row holds over drawn ones, now and then all but one of them."""
        names = tuple(start.facts)
        spared = names[roll(len(names) - 1)] if names and roll(7) == 7 else ""
        merged = {**facts, **{name: value for name, value in start.facts.items() if name != spared}}
        roll.turn_to(4)
        return Situation(merged, start.at if roll(2) < 2 else self._look(roll, merged, received))

    # --- values

    def _is_missing(self, roll: _Section, share: int) -> bool:
        # 0 is missing whatever the share, so that a needless fact goes away when an example shrinks.
        return bool(roll(_CHANCE) <= share)

    def _value(self, roll: _Section, choice: Choices, missing: int, aim: Aim | None, today: date) -> Any:
        """Draw a value of a fact or None; the least number is None, the next the plainest value."""
        fact = choice.fact
        if aim is not None and (aimed := aim.values.get(choice.path)) is not None:
            return None if aimed is Aim.ABSENT else self.palette.natural(fact, aimed)
        drawn = roll(_CHANCE) - missing - 1
        if drawn < 0:
            return None
        if fact.kind == "date":
            return self._day(roll, choice, drawn, today)
        return self.palette.natural(fact, choice.values[drawn % len(choice.values)]) if choice.values else None

    def _received(self, roll: _Section, aim: Aim | None) -> datetime:
        palette = self.palette
        stated = aim.start.facts.get("received_at") if aim is not None and aim.start is not None else None
        if isinstance(stated, datetime):
            return stated.astimezone(palette.zone)
        days: Sequence[int] = palette.days
        if aim is not None and aim.request_days:
            days = aim.request_days
        elif aim is not None and (bought := aim.purchase_days):
            day = bought[roll(len(bought) - 1)]
            aim.values["purchased_on"] = day
            months = palette.months[roll(len(palette.months) - 1)]
            days = [_later(day, months) + step for step in (-1, 0, -2, 1)]
        elif palette.instants:
            which = roll(2)
            if which == 2:
                instant = palette.instants[roll(len(palette.instants) - 1)]
                return datetime.fromtimestamp(instant, palette.zone)
            days = palette.all_days if which else palette.days
        day = days[roll(len(days) - 1)]
        return _instant(day, palette.seconds[roll(len(palette.seconds) - 1)], palette)

    def _day(self, roll: _Section, choice: Choices, drawn: int, today: date) -> date:
        """Draw a date: a term before the request, about the request, or on an edge of an edition."""
        months = (0, 12, -12) if choice.fact.name.endswith(("_until", "_from")) else self.terms
        which = drawn % (len(months) + 2)
        if which < len(months):
            return EPOCH + timedelta(days=_later((today - EPOCH).days, months[which]) + roll(3) - 1)
        if which == len(months) or not choice.values:
            return today - timedelta(days=(30, 2000, 400)[roll(2)])
        return EPOCH + timedelta(days=choice.values[roll(len(choice.values) - 1)])

    # --- milestones

    def _state_milestones(
        self, draw: DrawFn, facts: dict[str, Any], received: datetime, aim: Aim | None, reached: int
    ) -> None:
        """Draw the milestones one after the other, each a gap after the one before, up to one of them."""
        now = received
        gaps = self.palette.gaps
        roll = _section(draw, len(self.milestones) + 2) if reached or aim is not None else _Section(b"")
        for number, choice in enumerate(self.milestones[:reached]):
            roll.turn_to(number)
            name = choice.fact.name
            if name == "quoted_at" and aim is not None and aim.fee_days:
                continue
            # A third of them are left out.
            drawn = roll(3 * len(gaps) - 1) - len(gaps)
            if drawn >= 0:
                now += timedelta(seconds=gaps[drawn // 2])
                if name != "closed_at" or drawn % 2:
                    facts[name] = now
        roll.turn_to(len(self.milestones))
        if aim is not None and aim.fee_days and "quoted_at" in self.palette.of_path and roll(1):
            day = aim.fee_days[roll(len(aim.fee_days) - 1)]
            facts["quoted_at"] = _instant(day, self.palette.seconds[0], self.palette)

    def _decided(self, facts: Facts, received: datetime) -> Decision | None:
        try:
            policy = self.palette.policy
            return policy.decide_s(ticket_of(policy, facts), int(received.timestamp()))
        except PolicyError:
            return None

    def _due(self, roll: _Section, facts: Facts, received: datetime) -> tuple[str, int] | None:
        """Draw one of the targets that are due, and when."""
        decision = self._decided(facts, received)
        if decision is None:
            return None
        dues = [(name, due) for name in self.targets if isinstance(due := decision.column(f"{name}_due"), int)]
        return dues[roll(len(dues) - 1)] if dues else None

    def _meet_a_target(self, roll: _Section, facts: dict[str, Any], received: datetime) -> None:
        """Put the end of a target on its due instant, or a second about it."""
        if not self.targets or roll(3) < 3 or (due := self._due(roll, facts, received)) is None:
            return
        name, instant = due
        milestone = next((choice.fact.name for choice in self.milestones if choice.fact.name == f"{name}_at"), None)
        if milestone is not None:
            facts[milestone] = datetime.fromtimestamp(instant + _OFFSETS[roll(2)], self.palette.zone)

    def _look(self, roll: _Section, facts: Facts, received: datetime) -> datetime:
        """Draw the instant of the decision: some time after the request, or about the instant that something is due."""
        which = roll(len(self.looks) + 6)
        if which >= len(self.looks) and (due := self._due(roll, facts, received)) is not None:
            return datetime.fromtimestamp(due[1] + _OFFSETS[roll(2)], self.palette.zone)
        return received + timedelta(seconds=self.looks[which % len(self.looks)])

    # --- records

    def _line(
        self,
        roll: _Section,
        choices: Sequence[Choices],
        received: datetime,
        today: date,
        missing: int,
        aim: Aim | None,
    ) -> dict[str, Any]:
        line: dict[str, Any] = {}
        begun: datetime | None = None
        gaps = self.palette.gaps
        for number, choice in enumerate(choices):
            roll.turn_to(_WORDS * number)
            fact = choice.fact
            share = missing // 3 if fact.grain == "hold" else missing if fact.asks else max(missing, 400)
            value: Any
            if fact.kind == "instant":
                drawn = roll(_CHANCE) - share - 1
                if drawn < 0:
                    continue
                value = (begun or received) + timedelta(seconds=gaps[drawn % len(gaps)])
                begun = begun or value
            elif fact.name == "occurred_on" and aim is not None and aim.incident_days:
                value = EPOCH + timedelta(days=aim.incident_days[roll(len(aim.incident_days) - 1)])
            else:
                value = self._value(roll, choice, share, aim, today)
            if value is not None:
                line[fact.name] = value
        return line


def _later(day: int, months: int) -> int:
    """Give the epoch day so many months later, clamped to the month's end."""
    found = EPOCH + timedelta(days=day)
    number = found.year * 12 + found.month - 1 + months
    year, month = divmod(number, 12)
    for length in range(found.day, 27, -1):
        try:
            return (date(year, month + 1, length) - EPOCH).days
        except ValueError:
            continue
    return (date(year, month + 1, min(found.day, 28)) - EPOCH).days


def _instant(day: int, second: int, palette: Palette) -> datetime:
    """Give the instant so many seconds into a day of the policy's zone."""
    found = EPOCH + timedelta(days=day)
    midnight = datetime(found.year, found.month, found.day, tzinfo=palette.zone)
    wanted = timedelta(seconds=second)
    moment = (midnight.replace(tzinfo=None) + wanted).replace(tzinfo=palette.zone)
    # A time that the clock skips is written as the one that it shows then.
    return moment.astimezone(UTC).astimezone(palette.zone)


def refused(judge: Callable[..., Any]) -> Callable[..., Any]:
    """Pass over situations that a policy refuses: an instant outside its calendar, a value that it does not know."""

    @functools.wraps(judge)
    def judged(*arguments: Any) -> Any:
        try:
            return judge(*arguments)
        except PolicyError:
            return reject()

    return judged


__all__ = ["Situation", "aimed", "changed", "situations", "tickets"]
