"""Watched rules judged by durable-rules: all tickets on one host state, matched as facts.

What a ticket comes to (its facts, statuses, the instants of shares) is the
policy's decision; which rows hold of that is matched by the engine. It is used
for what it does well, and guarded against what it does not:

- nothing but one host state: no message names a session, of which it bears few;
- the first message is one that does not matter;
- its own threads and timers are never started: the instants are those of the plan, in the desk's own queue;
- what an action raised, which it keeps to itself, is read back and raised;
- a message that no rule matches, which it refuses, is one that changes nothing;
- what no longer holds is retracted, and it is never asked for what is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.adapters.live.deciding import Deciding, day_column
from svc_policy.adapters.live.durable_ruleset import compile_rules
from svc_policy.adapters.live.judging import Judgement, watched_rules
from svc_policy.decision import Cell
from svc_policy.errors import AdapterError, UsageError, problem
from svc_policy.expressions.nodes import ZERO
from svc_policy.facts.normal import company_facts, declared
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.adapters.live.folding import Facts
    from svc_policy.policy import Policy

_RULESET = "watched"
_WARM_UP = {"what": "warm-up"}


@attrs.define
class _Known:
    """What the engine was told of a ticket."""

    fact: dict[str, Any] | None = None
    content: dict[str, Any] | None = None
    reached: dict[int, dict[str, Any]] = attrs.field(factory=dict)
    fired: int = 0


class DurableJudge:
    """Judges tickets by a ruleset of durable-rules.

    Raises:
        UsageError: The extra `durable` is not installed, or this Python cannot load it.
        AdapterError: The engine does not start.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.rules = watched_rules(policy)
        self._compiled = compile_rules(policy, self.rules)
        plan = policy.plan
        self._instants = [rule.instant for rule in self.rules]
        self._readers = [self._reader(name) for name in self._compiled.subjects]
        targets = {rule.target for rule in self.rules if rule.target}
        columns = [name for name in self._compiled.subjects if name in plan.columns]
        columns += [str(plan.columns[name].needs.data) for name in columns if plan.columns[name].needs != ZERO]
        columns += [f"{target}_{what}" for target in targets for what in ("live", "status", "due")]
        columns += [*filter(None, self._instants), "request_day"]
        self._deciding = Deciding(policy, columns, self._compiled.governing)
        self._targets = sorted(targets)
        self._known: dict[str, _Known] = {}
        self._fired: list[int] = []
        self._messages = 0
        self._host = _host()
        definition = {
            name: {**rule, "run": self._action(self._compiled.numbers[name])}
            for name, rule in self._compiled.rules.items()
        }
        definition["warm_up"] = {"all": [{"m": dict(_WARM_UP)}], "run": self._action(-1)}
        self._host.register_rulesets({_RULESET: definition})
        self._send("post", dict(_WARM_UP))
        if self._collected() != [-1]:
            raise AdapterError([problem("durable-start", message("durable-rules did not answer its first message"))])

    def _action(self, number: int) -> Callable[[Any], None]:
        def told(_: Any) -> None:
            self._fired.append(number)

        return told

    def judge(self, ticket: str, facts: Facts, at_s: int) -> Judgement:
        """Tell the engine what changed of a ticket, and collect the rules that it fires.

        Raises:
            CalendarError: An instant lies outside the policy's calendar.
            AdapterError: The engine failed.
        """
        column, next_s = self._deciding.decide(facts, at_s)
        content = self._content(ticket, facts, column)
        ahead, reached = self._clocks(column, content, at_s)
        known = self._known.get(ticket)
        if known is None:
            known = self._known[ticket] = _Known()
        is_new = content != known.content
        if is_new and known.fact is not None:
            self._send("retract_fact", known.fact)
            known.fact = None
        for number in [one for one in known.reached if one not in reached]:
            self._send("retract_fact", known.reached.pop(number))
            known.fired &= ~(1 << number)
        for number in reached - known.reached.keys():
            fact = self._asserted({"what": "reached", "rule": number, "ticket": ticket})
            if fact is not None:
                known.reached[number] = fact
        if is_new:
            self._collected()
            known.fired = 0
            known.content, known.fact = content, self._asserted(content)
        for number in self._collected():
            known.fired |= 1 << number
        next_s = min((one for one in (ahead, next_s) if one is not None), default=None)
        return Judgement(fired=known.fired, next_s=next_s, column=column)

    def forget(self, ticket: str) -> None:
        """Retract everything of a ticket."""
        known = self._known.pop(ticket, None)
        if known is None:
            return
        for fact in (known.fact, *known.reached.values()):
            if fact is not None:
                self._send("retract_fact", fact)

    def _content(self, ticket: str, facts: Facts, column: Callable[[str], Cell]) -> dict[str, Any]:
        """Write what the rules read of a ticket as the properties of its fact."""
        content: dict[str, Any] = {"what": "ticket", "ticket": ticket}
        for index, read in enumerate(self._readers):
            value, is_absent = read(facts, column)
            if value is not None:
                content[f"p{index}"] = int(value) if isinstance(value, bool) else value
                content[f"s{index}"] = 1
            else:
                content[f"n{index}"] = 1
                if is_absent:
                    content[f"a{index}"] = 1
        for target in self._targets:
            if column(f"{target}_live") and column(f"{target}_status") is not None:
                content[f"live_{target}"] = 1
        for governing in self._compiled.governing:
            day = column(day_column(governing))
            if day is not None:
                content[f"day_{governing}"] = day
        return content

    def _clocks(self, column: Callable[[str], Cell], content: dict[str, Any], at_s: int) -> tuple[int | None, set[int]]:
        """Tell which rules' shares are used up, and the next instant at which one will be."""
        ahead: int | None = None
        reached: set[int] = set()
        for number, name in enumerate(self._instants):
            if not name or f"live_{self.rules[number].target}" not in content:
                continue
            instant = column(name)
            if instant is None:
                continue
            if int(instant) <= at_s:
                reached.add(number)
            elif ahead is None or int(instant) < ahead:
                ahead = int(instant)
        return ahead, reached

    def _reader(self, name: str) -> Callable[[Facts, Callable[[str], Cell]], tuple[Cell, bool]]:
        """Make what reads a subject: its value, and where it has none whether it is known that there is none."""
        settings = self.policy.pack.settings
        listed = declared("ticket", settings.company_facts)
        own = {fact.name: fact for fact in company_facts(settings.company_facts)}
        place = next((index for index, fact in enumerate(listed) if fact.name == name), None)
        fact = listed[place] if place is not None else own.get(name)
        lookup = self.policy.pack.rules().lookups.get(("ticket", name))
        if fact is None:
            needs = self.policy.plan.columns[name].needs if name in self.policy.plan.columns else ZERO

            def of_column(_: Facts, column: Callable[[str], Cell]) -> tuple[Cell, bool]:
                return column(name), needs == ZERO or not column(str(needs.data))

            return of_column
        asks = fact.asks

        def of_facts(facts: Facts, _: Callable[[str], Cell]) -> tuple[Cell, bool]:
            value = facts.values[place] if place is not None else facts.extra_values.get(name)
            if value is None and lookup is not None:
                key = facts.value(lookup.key) if lookup.key not in own else facts.extra_values.get(lookup.key)
                value = None if key is None else lookup.values.get(key)
            return value, not asks

        return of_facts

    # --- the engine

    def _asserted(self, content: dict[str, Any]) -> dict[str, Any] | None:
        """Assert a fact; gives what was sent, to be retracted, None where no rule can ever match it."""
        self._messages += 1
        fact = {**content, "id": str(self._messages)}
        return fact if self._send("assert_fact", fact) else None

    def _send(self, how: str, content: dict[str, Any]) -> bool:
        from durable.engine import MessageNotHandledException

        try:
            state = getattr(self._host, how)(_RULESET, content)
        except MessageNotHandledException:
            return False
        except Exception as error:
            # Whatever it raises, a bare `Exception` among it, is the engine's.
            text = message("durable-rules failed: {reason}", reason=str(error) or type(error).__name__)
            raise AdapterError([problem("durable-failed", text)]) from None
        if isinstance(state, dict) and state.get("exception"):
            reason = str(state["exception"]).splitlines()[0]
            raise AdapterError([problem("durable-failed", message("durable-rules failed: {reason}", reason=reason))])
        return True

    def _collected(self) -> list[int]:
        fired, self._fired = self._fired, []
        return fired

    def facts_held(self) -> int:
        """Count the facts that the engine holds."""
        return len(self._host.get_facts(_RULESET))


def _host() -> Any:
    if sys.version_info >= (3, 13):
        text = message("durable-rules does not run on Python {version}", version="3.13")
        advice = message("leave it out: the desk's own way of judging gives the same alerts")
        raise UsageError([problem("durable-python", text, help=advice)])
    try:
        from durable import engine
    except ImportError:
        text = message("the `{module}` package is not installed", module="durable-rules")
        raise UsageError([problem("durable-extra", text, help=message("pip install 'svc-policy[durable]'"))]) from None

    class Host(engine.Host):  # type: ignore[misc, unused-ignore]
        """A host without the threads by which it would run timers and other states."""

        def _run(self) -> None:
            pass

    return Host()


__all__ = ["DurableJudge"]
