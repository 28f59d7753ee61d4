"""The search for a ticket: from one state to the next, the best first, the same way every time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from svc_policy.boundaries.candidates import Candidates
from svc_policy.boundaries.derived import AT
from svc_policy.boundaries.drafts import Facts, Outcome, Wanted
from svc_policy.boundaries.written import Value, path_of, to_written
from svc_policy.errors import CalendarError, TicketError
from svc_policy.facts.registry import LISTS

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.facts.ticket import Ticket

Found = tuple["Ticket", datetime]
Accept = Callable[["Decision"], bool]
State = dict[str, Value | None]
#: What is wrong weighs more than what is not known yet.
_WRONG = 100
_OPEN = 50
_MANY = 40
_FEW = 12


class Queues:
    """What waits for its turn: states with something open, and states that are wrong.

    A move that nothing asked for is a guess. In both queues the states with the fewest guesses come first, among
    them the fullest.
    """

    def __init__(self) -> None:
        self._open: list[tuple[tuple[int, ...], int, State]] = []
        self._wrong: list[tuple[tuple[int, ...], int, State]] = []
        self._spent = {True: 0, False: 0}
        self._count = 0

    def put(self, state: State, total: int, guesses: int, *, is_open: bool) -> None:
        """Let a state wait."""
        self._count += 1
        size = -len(state)
        if is_open:
            heapq.heappush(self._open, ((guesses, total, size), self._count, state))
        else:
            heapq.heappush(self._wrong, ((total, guesses, size), self._count, state))

    def take(self) -> tuple[State, int, bool] | None:
        """Take the next state, its guesses, and whether it is an open one, from the queue that has cost less."""
        is_open = bool(self._open) and (not self._wrong or self._spent[True] <= self._spent[False])
        queue = self._open if is_open else self._wrong
        if not queue:
            return None
        key, _, state = heapq.heappop(queue)
        return state, key[0] if is_open else key[1], is_open

    def spent(self, tries: int, *, is_open: bool) -> None:
        """Note what a turn has cost."""
        self._spent[is_open] += tries


class Search:
    """One search: states are mappings of paths to values, the best first."""

    def __init__(
        self,
        candidates: Candidates,
        fixed: Facts,
        wanted: list[Wanted],
        *,
        grain: str = "ticket",
        accept: Accept | None = None,
    ) -> None:
        self.policy = candidates.policy
        self.drafts = candidates.drafts
        self.candidates = candidates
        self.fixed = fixed
        self.wanted = wanted
        self.grain = grain
        self.accept = accept
        self.seen: set[frozenset[tuple[str, Value | None]]] = set()
        self.left = 0
        #: The state that was found, empty before.
        self.reached: State = {}
        self.hanging = self._hanging()

    def _hanging(self) -> tuple[str, ...]:
        named = dict.fromkeys(path for item in self.wanted for path in item.facts)
        if self.accept is not None:
            own = "" if self.grain == "ticket" else path_of(self.grain, "")
            paths = sorted(self.candidates.paths, key=lambda path: not own or not path.startswith(own))
            named |= dict.fromkeys((AT, *paths))
        return tuple(path for path in named if path not in self.fixed)

    # --- how far a state is from what is wanted

    def score(self, state: Facts, outcome: Outcome) -> tuple[int, list[Wanted]]:
        """Weigh what is not as wanted, and list it."""
        if outcome.early is None:
            return _WRONG * (len(self.wanted) + 1), list(self.wanted)
        total, missed = 0, []
        for item in self.wanted:
            value = self.value(item, state, outcome)
            if value in item.among:
                continue
            missed.append(item)
            needs = self.needs(item, outcome)
            total += _WRONG if needs == 0 else _OPEN + needs.bit_count()
        return total, missed

    def value(self, item: Wanted, state: Facts, outcome: Outcome) -> Value | None:
        """Give what a state says of something wanted."""
        if item.grain == "fact":
            return self.drafts.value(state, item.name) if item.name != AT else outcome.at
        if item.grain == "parameter":
            return self._parameter(item.name, state)
        if item.grain.startswith("day "):
            return self.drafts.governing_day(state, item.grain[4:])  # type: ignore[arg-type]
        if item.index < 0:
            return item.constant
        return self._cell(item.index, item, outcome)

    def needs(self, item: Wanted, outcome: Outcome) -> int:
        """Give the mask of what a result asks for, 0 where it is determined."""
        if item.needs < 0 or outcome.early is None:
            return 0
        found = self._cell(item.needs, item, outcome)
        return found if isinstance(found, int) else 0

    def _cell(self, index: int, item: Wanted, outcome: Outcome) -> Value | None:
        assert outcome.early is not None
        if item.grain == "ticket":
            return outcome.early[index]  # type: ignore[no-any-return]
        lines = outcome.lines.get(item.grain)
        return lines[0][index] if lines else None

    def _parameter(self, name: str, state: Facts) -> Value | None:
        values = self.policy.pack.settings.parameters[name].values
        day = self.drafts.governing_day(state, "request")
        found = values[0][1].value
        for since, literal in values[1:]:
            if since is not None and day is not None and since <= day:
                found = literal.value
        return found if isinstance(found, int | str) else None

    # --- the search

    def run(self, begins: list[State], tries: int) -> Found | None:
        """Search from some states; then from some made at random, always the same ones."""
        self.left = tries
        # Without a result to aim at there is nothing to tell which ticket is nearer.
        is_blind = not self.wanted and self.accept is not None
        found = self._best_first(begins, tries * (1 if is_blind else 2) // 3 if self.hanging else tries)
        chance = random.Random(0)  # noqa: S311 - which tickets are tried first is no secret
        while found is None and self.left > 0 and self.hanging:
            state = dict(begins[-1])
            for path in self.hanging:
                values = self.candidates.of(path, state, None)
                if values and chance.random() < 0.5:
                    state[path] = chance.choice(values[:_MANY])
            state = {path: value for path, value in state.items() if value is not None or path in self.fixed}
            found = self._best_first([state], 1 if is_blind else max(tries // 9, 1))
        return found

    def _best_first(self, begins: list[State], budget: int) -> Found | None:
        """Take turns between what is open, filling it in, and what is wrong, changing it."""
        stop = self.left - budget
        queues = Queues()
        for begin in begins:
            if (found := self._visit(begin, queues, 0)) is not None:
                return found
        self.left -= 1
        while self.left > stop and (taken := queues.take()) is not None:
            state, guesses, is_open = taken
            before = self.left
            outcome = self.drafts.decide(state, self.grain)
            _, missed = self.score(state, outcome)
            if is_open:
                # What is not asked for may help as well, a little later.
                queues.put(state, _WRONG, guesses, is_open=False)
            for path in self._asked(missed, outcome) if is_open else self._all(missed):
                for value in self.candidates.of(path, state, outcome)[: _MANY if is_open else _FEW]:
                    if value == state.get(path):
                        continue
                    if self.left <= stop:
                        return None
                    child = {**state, path: value}
                    if value is None:
                        del child[path]
                    found = self._visit(child, queues, guesses + (not is_open))
                    if found is not None:
                        return found
            queues.spent(before - self.left, is_open=is_open)
        return None

    def _asked(self, missed: list[Wanted], outcome: Outcome) -> tuple[str, ...]:
        """List what a state is asked for: by the results that are missed, else by the whole decision."""
        asked: dict[str, None] = {}
        for item in missed:
            asked |= dict.fromkeys(self.drafts.asked(self.needs(item, outcome)))
        if not missed and self.accept is not None:
            asked |= dict.fromkeys(self.drafts.asked(self.drafts.late(outcome, "needs")))
        return tuple(path for path in asked if path not in self.fixed)

    def _all(self, missed: list[Wanted]) -> tuple[str, ...]:
        if not missed:
            return self.hanging
        named = dict.fromkeys(path for item in missed for path in item.facts)
        if AT in named:
            named = {AT: None, **named}
        return tuple(path for path in named if path not in self.fixed)

    def _visit(self, state: State, queues: Queues, guesses: int) -> Found | None:
        """Judge a state: it is found, or waits for its turn."""
        key = frozenset(state.items())
        if key in self.seen:
            return None
        self.seen.add(key)
        self.left -= 1
        outcome = self.drafts.decide(state, self.grain)
        total, missed = self.score(state, outcome)
        if not missed and self.accepted(state) is not None:
            self.reached = self._shrunk(state)
            found = self.accepted(self.reached)
            if found is not None:
                return found
        queues.put(state, total, guesses, is_open=bool(self._asked(missed, outcome)))
        return None

    def accepted(self, state: Facts) -> Found | None:
        """Read the ticket as anybody's and decide it; None where it cannot be read or is not as wanted."""
        at = datetime.fromtimestamp(self.drafts.at_of(state), self.policy.zone)
        facts = {path: value for path, value in state.items() if path != AT}
        try:
            written = to_written(self.policy, facts)
            if self.grain != "ticket":
                written.setdefault(LISTS[self.grain], [{}])  # type: ignore[index]
            ticket = self.policy.ticket(written)
            decision = self.policy.decide(ticket, at=at)
        except (TicketError, CalendarError):
            return None
        if self.accept is not None and not self.accept(decision):
            return None
        return ticket, at

    # --- making it readable

    def _shrunk(self, state: State) -> State:
        """Drop what is not needed, and put plainer values in the place of others."""
        state = dict(state)
        for path in [path for path in reversed(state) if path not in self.fixed and path != "received_at"]:
            without = {name: value for name, value in state.items() if name != path}
            if self._holds(without):
                state = without
        for path in [path for path in state if path not in self.fixed]:
            for value in self.candidates.of(path, state, None):
                if value == state[path]:
                    break
                other = {**state, path: value}
                if value is not None and self._holds(other):
                    state = other
                    break
        return state

    def _holds(self, state: Facts) -> bool:
        if self.score(state, self.drafts.decide(state, self.grain))[1]:
            return False
        return self.accept is None or self.accepted(state) is not None
