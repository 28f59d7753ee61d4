"""Tickets in the making: facts in the smallest unit by their path, decided without being read from anywhere."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.boundaries.days import governs, morning_of, plain_day
from svc_policy.boundaries.derived import AT
from svc_policy.boundaries.written import Value, path_of
from svc_policy.engines.python import compile_plan
from svc_policy.errors import CalendarError
from svc_policy.facts.normal import company_facts, declared
from svc_policy.facts.registry import LISTS, Fact

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing

Facts = Mapping[str, Value | None]
#: Instants of a ticket that lie ahead of what has happened.
AHEAD = ("promised_at", "improvement_due_at", "recorded_due_at", "holds[].until_at")


class Record:
    """What an engine reads of a record: its values in the order of the facts."""

    __slots__ = ("values",)

    def __init__(self, values: list[Value | None]) -> None:
        self.values = values


class Draft(Record):
    """What an engine reads of a ticket."""

    __slots__ = ("extra_values", "holds", "incidents", "materials", "overrides", "parts")

    def __init__(self, values: list[Value | None], extra: dict[str, Value], lists: Mapping[str, list[Record]]) -> None:
        super().__init__(values)
        self.extra_values = extra
        self.parts = lists["parts"]
        self.holds = lists["holds"]
        self.incidents = lists["incidents"]
        self.overrides = lists["overrides"]
        self.materials = lists["materials"]


@attrs.frozen
class Outcome:
    """The columns of a draft; none where an instant lies outside the calendar."""

    early: tuple[Any, ...] | None
    lines: Mapping[str, list[Any]]
    draft: Draft
    at: int


@attrs.frozen(kw_only=True)
class Wanted:
    """One thing that a ticket must be: a column, a fact or a parameter whose value lies in a set."""

    name: str
    among: Container[Value | None]
    #: The facts that it hangs on, and the place of its value.
    facts: tuple[str, ...]
    grain: str = ""
    index: int = -1
    needs: int = -1
    constant: Value | None = None


class Drafts:
    """Decides drafts of one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.compiled = compile_plan(policy.plan, policy.clocks, f"{policy.id} drafts")
        facts = policy.pack.settings.company_facts
        self._slots: dict[str, tuple[str, int, Fact]] = {}
        self._empty: dict[str, list[Value | None]] = {}
        for grain in ("ticket", *LISTS):
            listed = declared(grain, facts)
            self._empty[grain] = [fact.default for fact in listed]
            for index, fact in enumerate(listed):
                self._slots[path_of(grain, fact.name)] = (grain, index, fact)
        own = company_facts(facts)
        self._extra = {fact.name: fact.default for fact in own if fact.default is not None}
        self._own = {fact.name: fact for fact in own}
        self._tables = dict(self.compiled.index)

    def fact(self, path: str) -> Fact:
        """Give the fact of a path in its plain form."""
        return self._own[path] if path in self._own else self._slots[path][2]

    def value(self, facts: Facts, path: str) -> Value | None:
        """Give what a draft says of a fact, its default included."""
        found = facts.get(path)
        return self.fact(path).default if found is None else found

    def at_of(self, facts: Facts) -> int:
        """Give the instant of the decision: the one stated, else that of the last thing that happened."""
        stated = facts.get(AT)
        if isinstance(stated, int):
            return stated
        happened = [
            value
            for path, value in facts.items()
            if isinstance(value, int) and path.endswith("_at") and path not in AHEAD
        ]
        return max(happened) if happened else morning_of(self.policy, plain_day(self.policy))

    def decide(self, facts: Facts, grain: str = "ticket") -> Outcome:
        """Decide a draft; a record of `grain` is there even if nothing is stated of it."""
        values = self._empty["ticket"].copy()
        extra = self._extra.copy()
        records: dict[str, list[Value | None]] = {} if grain == "ticket" else {grain: self._empty[grain].copy()}
        for path, value in facts.items():
            if value is None or path == AT:
                continue
            if path in self._own:
                extra[path] = value
                continue
            of, index, _ = self._slots[path]
            if of == "ticket":
                values[index] = value
            else:
                if of not in records:
                    records[of] = self._empty[of].copy()
                records[of][index] = value
        lists = {field: [Record(records[of])] if of in records else [] for of, field in LISTS.items()}
        draft = Draft(values, extra, lists)
        at = self.at_of(facts)
        try:
            early, lines = self.compiled.decide(draft, at)
        except (CalendarError, OverflowError):
            return Outcome(None, {}, draft, at)
        return Outcome(early, lines, draft, at)

    def late(self, outcome: Outcome, name: str) -> int | None:
        """Give a late column of a draft: `next_change_at` or `needs`; None where it has none."""
        if outcome.early is None or name not in self.compiled.late:
            return None
        try:
            late = self.compiled.later(outcome.draft, outcome.early, outcome.at)
        except (CalendarError, OverflowError):
            return None
        found = late[self.compiled.late.index(name)]
        return found if isinstance(found, int) else None

    def governing_day(self, facts: Facts, governing: Governing) -> int | None:
        """Give the governing day of a draft in days since 1970-01-01, None where it is not stated."""
        for path in governs(governing):
            found = facts.get(path)
            if isinstance(found, int):
                return found if path.endswith("_on") else self.policy.clocks.local_day(found)
        return None

    def column(self, outcome: Outcome, name: str, grain: str = "ticket") -> Value | None:
        """Give one column of the ticket or of the record that a draft has of a grain."""
        index = self._tables.get(grain, {}).get(name)
        if outcome.early is None:
            return None
        if index is None:
            return self.compiled.constants.get(name)
        found = outcome.early[index] if grain == "ticket" else outcome.lines[grain][0][index]
        return found if found is None or isinstance(found, int | str) else None

    def asked(self, mask: Value | None) -> tuple[str, ...]:
        """Name the facts behind a mask of needs by their paths."""
        if not isinstance(mask, int):
            return ()
        named = (name for bit, name in enumerate(self.policy.plan.asked) if mask >> bit & 1)
        return tuple(name.replace(".", "[].") if "." in name else name for name in named)
