"""Find a ticket that lies in a region and is decided there: as few facts as possible, in plain values."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from svc_policy.boundaries.candidates import Candidates
from svc_policy.boundaries.days import HOUR, governs, morning_of, plain_day
from svc_policy.boundaries.derived import AT, derived
from svc_policy.boundaries.drafts import Drafts, Facts, Wanted
from svc_policy.boundaries.hints import Hints, day_inside, firings, row_facts, settled_tests
from svc_policy.boundaries.search import Accept, Found, Search, State
from svc_policy.boundaries.written import Value, fact_at, path_of
from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.units import Literal

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing, Row

_TRIES_OF_A_HINT = 200


class Where(Container[Any]):
    """The values for which a predicate holds."""

    def __init__(self, holds: Callable[[Any], bool]) -> None:
        self._holds = holds

    def __contains__(self, value: object) -> bool:
        return self._holds(value)


class Finder:
    """Finds tickets of one policy; the plan is compiled once."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.drafts = Drafts(policy)
        self.candidates = Candidates(policy, self.drafts)
        self.hints = Hints(policy, self.candidates, self._solve)
        self._hangs = derived(policy)

    def ticket(
        self,
        wanted: Accept | Mapping[str, Callable[[Any], bool]],
        facts: Facts | None = None,
        **how: Any,
    ) -> Found | None:
        """Find a ticket whose decision is as wanted.

        Args:
            wanted: A test of the whole decision, or tests of columns and facts by their name.
            facts: The facts that the ticket must have.
            how: The other arguments of :meth:`find`.
        """
        if callable(wanted):
            return self.find(facts or {}, {}, accept=wanted, **how)
        return self.find(facts or {}, {name: Where(test) for name, test in wanted.items()}, **how)

    def find(
        self,
        facts: Facts,
        results: Mapping[str, Container[Value | None]],
        *,
        day: int | None = None,
        governing: Governing = "request",
        grain: str = "ticket",
        accept: Accept | None = None,
        start: Facts | None = None,
        tries: int = 2_000,
    ) -> Found | None:
        """Find a ticket with some facts and results; see :func:`find_ticket`.

        `start` are facts to begin with, which the search may change.
        """
        fixed = {self._path(name, grain): value for name, value in facts.items()}
        wanted = [self._wanted(name, among, grain) for name, among in results.items()]
        if any(self.hints.excludes(item.name, item.among) for item in wanted):
            return None
        fixed, begin = self._begin(fixed, day, governing)
        if day is not None and self.policy.fixed_on is None and governs(governing):
            wanted.append(
                Wanted(name=f"{governing} day", among=(day,), facts=governs(governing), grain=f"day {governing}")
            )
        search = Search(self.candidates, fixed, wanted, grain=grain, accept=accept)
        own = {self._path(name, grain): value for name, value in (start or {}).items()}
        kept = begin if day is not None else {}
        return search.run([{**begin, **hint, **own, **kept, **fixed} for hint in self._hinted(wanted)], tries)

    def _solve(self, name: str, truth: bool, grain: str) -> State:
        """Find facts under which a column is yes or no, but for the instant of receipt."""
        begin = self._begin({}, None, "request")[1]
        search = Search(self.candidates, {}, [self._wanted(name, (truth,), grain)], grain=grain)
        search.run([begin], _TRIES_OF_A_HINT)
        return {path: value for path, value in search.reached.items() if path not in ("received_at", AT)}

    def _hinted(self, wanted: list[Wanted]) -> list[Facts]:
        """List sets of facts to begin with: none, and those of the rows that give what is wanted."""
        found: list[Facts] = [{}]
        for item in wanted:
            hints = list(self.hints.of(item.name, item.among))
            if len(hints) == 1:
                found = [{**known, **hints[0]} for known in found]
            elif hints:
                found += [{**found[0], **hint} for hint in hints]
        return found

    def row(
        self, row: Row, *, day: int | None = None, accept: Accept | None = None, tries: int = 2_000
    ) -> Found | None:
        """Find a ticket for which a row of one of the policy's tables holds.

        Args:
            row: The row, of a table whose records are part of a ticket.
            day: The governing day of its family.
            accept: A test of the decision besides.
            tries: The most tickets that are decided.
        """
        rules = self.policy.pack.rules()
        family = next((rules.families[name] for name, rows in rules.rows.items() if row in rows), None)
        if family is None or family.grain == "none":
            return None
        if day is None and (row.since is not None or row.until is not None):
            day = day_inside(row, plain_day(self.policy))
        start = self._missing(row)
        if family.governing == "none" and day is not None:
            start["received_at"] = morning_of(self.policy, day)
        if family.name == "holds":
            return self._hold(row, accept)
        for firing in firings(self.policy, row):
            results = {**settled_tests(self.policy, row), firing.column: firing.among}
            own = {name: among for name, among in results.items() if self._reads(name, firing.grain)}
            found = self.find(
                {},
                own,
                day=day,
                governing=family.governing,
                grain=firing.grain,
                accept=accept,
                start={**start, **row_facts(self.hints, row, firing.grain)},
                tries=tries,
            )
            if found is not None:
                return found
        return None

    def _missing(self, row: Row) -> State:
        """Give facts under which the target that a row watches is missed."""
        test = row.tests.get("target")
        words = [bound.value for item in test.items if isinstance(bound := item.low, Literal)] if test else []
        for word in words:
            for hint in self.hints.of(f"{word}_status", ("breached",)):
                return hint
        return {}

    def _hold(self, row: Row, accept: Accept | None) -> Found | None:
        """Find a ticket with a hold of the kind that a row names, running."""
        facts = row_facts(self.hints, row, "hold")
        begun = morning_of(self.policy, plain_day(self.policy)) + HOUR
        return self.find({**facts, "from_at": begun}, {}, grain="hold", accept=accept)

    def _reads(self, name: str, grain: str) -> bool:
        column = self.policy.plan.columns.get(name)
        return column is not None and column.grain in ("ticket", grain)

    def _path(self, name: str, grain: str) -> str:
        """Find the fact that a name means at a grain: one of the record, else one of the ticket."""
        if name == AT:
            return AT
        if "." not in name and grain != "ticket" and any(f.name == name for f in self._facts_of(grain)):
            return path_of(grain, name)
        fact = fact_at(self.policy, name)
        return path_of(fact.grain, fact.name)

    def _facts_of(self, grain: str) -> tuple[Any, ...]:
        return tuple(self.policy.pack.settings.facts[grain])  # type: ignore[index]

    def _wanted(self, name: str, among: Container[Value | None], grain: str) -> Wanted:
        plan, compiled = self.policy.plan, self.drafts.compiled
        column = plan.columns.get(name)
        if column is not None:
            of = column.grain
            index = compiled.index.get(of, {}).get(name, -1)
            needs = compiled.index.get(of, {}).get(self._needs_of(name), -1)
            return Wanted(
                name=name,
                among=among,
                facts=self._hangs.get(name, ()),
                grain=of,
                index=index,
                needs=needs,
                constant=compiled.constants.get(name),
            )
        if name in self.policy.pack.settings.parameters:
            return Wanted(name=name, among=among, facts=("received_at",), grain="parameter")
        try:
            path = self._path(name, grain)
        except UsageError:
            text = message("the policy has no fact, result or parameter `{name}`", name=name)
            raise UsageError([problem("result-unknown", text)]) from None
        return Wanted(name=path, among=among, facts=(path,), grain="fact")

    def _needs_of(self, name: str) -> str:
        needs = self.policy.plan.columns[name].needs
        if needs.operator == "column":
            return str(needs.data)
        base = name.removesuffix("_fired").removesuffix("_row")
        return f"{base}_needs"

    def _begin(self, fixed: Facts, day: int | None, governing: Governing) -> tuple[State, State]:
        """Place a ticket in time: on the governing day if there is one, else on a plain day."""
        given = dict(fixed)
        request = plain_day(self.policy)
        begin: State = {}
        if day is not None:
            paths = governs(governing)
            if governing in ("request", "fee"):
                request = day
            elif governing == "purchase":
                stated = next((path for path in paths if given.get(path) is not None), None)
                free = [path for path in paths if path not in given]
                if stated is None and free:
                    # A day of delivery is plainer where both would do: it is what is asked for.
                    begin[free[0]] = day
                request = max(request, day)
            elif governing == "incident" and paths[0] not in given:
                begin[paths[0]] = day
                request = day
        if "received_at" not in given:
            begin["received_at"] = morning_of(self.policy, request)
        return given, begin


@lru_cache(8)
def finder_of(policy: Policy) -> Finder:
    """Give the finder of a policy, made once."""
    return Finder(policy)


def find_ticket(
    policy: Policy,
    facts: Facts,
    results: Mapping[str, Container[Value | None]],
    *,
    day: int | None = None,
    governing: Governing = "request",
    grain: str = "ticket",
    accept: Accept | None = None,
    tries: int = 2_000,
) -> Found | None:
    """Find a ticket that has some facts and results, the smallest readable one that the search meets.

    The search is deterministic: it begins with the facts, fills in what the results ask for in plain values, and
    moves one fact at a time, the best ticket first; what it finds was decided by the policy. Facts that are not
    needed are dropped again.

    Args:
        policy: The policy.
        facts: Values in the smallest unit by path, or by name at `grain`; None says that a fact is missing.
        results: The sets in which other values must lie: of columns of the plan, facts and parameters.
        day: The governing day, in days since 1970-01-01.
        governing: Which day that is.
        grain: The record that lies in the region: the ticket, or its first part, incident, hold, override, material.
        accept: A test of the decision besides.
        tries: The most tickets that are decided.

    Returns:
        The ticket and the instant of the decision in the policy's zone, or None where none was found.

    Raises:
        UsageError: The policy has no such fact or result.
    """
    return finder_of(policy).find(facts, results, day=day, governing=governing, grain=grain, accept=accept, tries=tries)
