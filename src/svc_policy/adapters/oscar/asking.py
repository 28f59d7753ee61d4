"""Ask for what a policy needs, one question after the other, and walk again through what was answered.

Nothing of the way is kept but the answers: from the facts of the line it is
walked anew each time, under the policy as it is now. An answer that is not
asked for any more is passed over, one that cannot be read any more is asked
for again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.adapters.oscar.configuration import Configuration
from svc_policy.adapters.oscar.facts import LineFacts, check_value, ticket_data, ticket_facts
from svc_policy.errors import Problem, problem
from svc_policy.facts.typed import read_typed, unit_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.explain import Wording
    from svc_policy.facts.registry import Fact
    from svc_policy.policy import Policy

#: No policy asks for more: a bound on the walk.
_MOST_QUESTIONS: Final = 200


@attrs.frozen(kw_only=True)
class Step:
    """A question that was answered; `value` is None where whoever was asked does not know."""

    fact: str
    value: Any


@attrs.frozen(kw_only=True)
class Walk:
    """The way so far: answered questions, the next one or None at the end, and the decision on what is known."""

    steps: tuple[Step, ...]
    question: str | None
    decision: Decision
    facts: Mapping[str, Any]
    #: Answers that the policy cannot read any more.
    refused: tuple[str, ...] = ()

    def before(self, fact: str) -> str | None:
        """Name the question before another one, None where that is the first."""
        names = [step.fact for step in self.steps]
        index = names.index(fact) if fact in names else len(names)
        return names[index - 1] if index else None


def walk(
    policy: Policy,
    line_facts: LineFacts,
    answers: Mapping[str, Any],
    *,
    at: datetime,
    configuration: Configuration,
    number: str = "",
) -> Walk:
    """Walk through the questions of a policy with the answers that are there.

    Args:
        policy: Who asks.
        line_facts: What the shop knows.
        answers: By fact the plain value, or None for "I do not know"; in any order.
        at: The instant of the decision, and of the request unless that is known.
        configuration: What is never asked, and where a warranty begins.
        number: The ticket's number.

    Raises:
        TicketError: Facts that cannot be true together.
        CalendarError: The instant lies outside the policy's calendar.
    """
    steps: list[Step] = []
    given: dict[str, Any] = {}
    while True:
        facts = line_facts.with_answers(given, configuration)
        facts.setdefault("received_at", at.isoformat(timespec="seconds"))
        decision = policy.decide(ticket_data(policy, facts, number), at=at)
        done = {step.fact for step in steps}
        open_facts = [name for name in askable(policy, decision, configuration) if name not in done]
        if not open_facts or len(steps) >= _MOST_QUESTIONS:
            return Walk(steps=tuple(steps), question=None, decision=decision, facts=facts)
        name = open_facts[0]
        if name not in answers:
            return Walk(steps=tuple(steps), question=name, decision=decision, facts=facts)
        value = answers[name]
        # What another edition of the policy let through may be none of its words any more.
        if value is not None and check_value(policy, name, value):
            return Walk(steps=tuple(steps), question=name, decision=decision, facts=facts, refused=(name,))
        if value is None and not can_go_on(policy, decision, name, configuration, done):
            return Walk(steps=tuple(steps), question=name, decision=decision, facts=facts)
        steps.append(Step(fact=name, value=value))
        if value is not None:
            given[name] = value


def askable(policy: Policy, decision: Decision, configuration: Configuration) -> Iterator[str]:
    """Name what a decision needs and a person can be asked: facts of the ticket, in the order of the needs."""
    facts = ticket_facts(policy)
    return (name for name in decision.needs if name in facts and name not in configuration.not_asked)


def can_go_on(policy: Policy, decision: Decision, fact: str, configuration: Configuration, done: set[str]) -> bool:
    """Say whether the policy can do without an answer for now.

    It can where it has another question, or where it already says something
    that holds without the answer: a category, or a target that is due or waits.
    """
    others = [name for name in askable(policy, decision, configuration) if name != fact and name not in done]
    if others or decision.category is not None:
        return True
    return any(target.status not in ("undetermined", "not applicable") for target in decision.targets.values())


@attrs.frozen(kw_only=True)
class Question:
    """A question as a page shows it: its fact, label, how it is answered, what it settles."""

    fact: Fact
    label: str
    #: ``choice``, ``date``, ``instant``, ``number``, ``telephone`` or ``text``.
    kind: str
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    settles: tuple[str, ...] = ()
    answer: str = ""
    is_skippable: bool = True

    @property
    def is_yes_or_no(self) -> bool:
        """Whether the label is a statement that is true or not."""
        return self.fact.kind == "bool"


def question_of(
    policy: Policy,
    decision: Decision,
    name: str,
    words: Wording,
    *,
    answer: Any = None,
    zone: tzinfo = UTC,
) -> Question:
    """Make the question for a fact, with the answer that was given before."""
    fact = ticket_facts(policy)[name]
    label = words.fact(name)
    return Question(
        fact=fact,
        label=label[:1].upper() + label[1:],
        kind=_kind(fact),
        choices=tuple(_choices(fact, words)),
        unit=unit_of(fact, policy.pack.settings.currency, words.language),
        settles=tuple(_settled(policy, decision, name, words)),
        answer=shown_answer(fact, answer, zone),
    )


def _kind(fact: Fact) -> str:
    if fact.values or fact.kind == "bool":
        return "choice"
    if fact.kind in ("date", "instant"):
        return str(fact.kind)
    if fact.kind == "text":
        return "telephone" if fact.name.endswith("_phone") else "text"
    return "number"


def _choices(fact: Fact, words: Wording) -> Iterator[tuple[str, str]]:
    from svc_policy.explain.wording import YES_NO

    if fact.kind == "bool":
        yield from (("yes", words(YES_NO[True])), ("no", words(YES_NO[False])))
    for value, texts in fact.values.items():
        yield value, texts[words.language == "zh"]


def _settled(policy: Policy, decision: Decision, name: str, words: Wording) -> Iterator[str]:
    """Name the results that wait for a fact."""
    results = (
        (("covered", "excluded"), message("cover")),
        (("category",), message("category")),
        (("total",), message("price")),
    )
    is_other = True
    for columns, text in results:
        if any(name in policy.asked(decision.column(f"{column}_needs")) for column in columns):
            yield words(text)
            is_other = False
    if any(name in target.needs for target in decision.targets.values()):
        yield words(message("times"))
    elif is_other:
        yield words(message("how it is dealt with"))


def shown_answer(fact: Fact, answer: Any, zone: tzinfo) -> str:
    """Write an answer as the field of its question holds it."""
    if answer is None:
        return ""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if fact.kind == "instant":
        return datetime.fromisoformat(str(answer)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    if fact.kind == "share":
        return str(answer).removesuffix("%").strip()
    return str(answer)


#: Days that have been when a fault is reported.
_PAST: Final = frozenset({"purchased_on", "delivered_on", "installed_on", "accepted_on"})


def read_answer(
    policy: Policy, fact: Fact, text: str, zone: tzinfo = UTC, today: date | None = None
) -> tuple[Any, Problem | None]:
    """Read what somebody typed as the plain value of a fact; or say what is wrong with it.

    Args:
        policy: Whose fact it is.
        fact: What is asked for.
        text: What was typed or chosen.
        zone: In which an instant without an offset was typed.
        today: After which no day of purchase or delivery can lie.
    """
    value: Any = read_typed(fact, text)
    if value is None:
        return None, problem("oscar-answer-missing", message("an answer is missing"))
    if (fact.kind == "bool" and not isinstance(value, bool)) or (fact.values and value not in fact.values):
        return None, problem("oscar-answer-choice", message("choose one of the answers"))
    if fact.kind == "instant":
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None, problem("oscar-answer-instant", message("`{value}` is no date and time", value=value[:60]))
        # What a browser sends has no zone: it is that of whoever looks at the page.
        value = (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()
    problems = check_value(policy, fact.name, value)
    if problems:
        return None, problems[0]
    if fact.kind == "date":
        # However the day was written, it is kept as one.
        day = policy.day(_internal(policy, fact, value))
        assert day is not None
        if today is not None and fact.name in _PAST and day > today:
            return None, problem("oscar-answer-future", message("this day has not come yet"))
        value = day.isoformat()
    return value, None


def _internal(policy: Policy, fact: Fact, value: Any) -> Any:
    """Read the plain value of a fact into the internal one."""
    from svc_policy.facts.registry import TICKET

    ticket = policy.ticket(ticket_data(policy, {fact.name: value}))
    names = [one.name for one in TICKET]
    return ticket.values[names.index(fact.name)] if fact.name in names else ticket.extra_values.get(fact.name)


def shown_value(words: Wording, policy: Policy, fact: Fact, value: Any, zone: tzinfo = UTC) -> str:
    """Write an answer for a person: the label of a word, an amount with its unit, a day as people write it."""
    if value is None:
        return words(message("not known"))
    if fact.kind == "instant":
        return words.instant(datetime.fromisoformat(str(value)).astimezone(zone))
    return words.value(fact, _internal(policy, fact, value))


__all__ = [
    "Question",
    "Step",
    "Walk",
    "askable",
    "can_go_on",
    "question_of",
    "read_answer",
    "shown_value",
    "walk",
]
