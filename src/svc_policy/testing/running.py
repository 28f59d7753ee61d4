"""Try a property on drawn situations; when it fails, the smallest ticket on which it does and the rules behind it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
from hypothesis import HealthCheck, Phase, Verbosity, given, reject, seed, settings

from svc_policy.errors import PolicyError
from svc_policy.facts.reading import ticket_to_dict
from svc_policy.facts.registry import LISTS
from svc_policy.messages import Language, Message, message
from svc_policy.testing.citing import sentences_citing
from svc_policy.testing.palette import Palette
from svc_policy.testing.strategies import Situation

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from svc_policy.decision import Decision, RuleUse
    from svc_policy.policy import Policy

#: The same examples in every run, none kept on disk, none too slow.
DEFAULT: Final = settings(
    max_examples=100,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    # Shrinking is done here: it knows what a fact is.
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    verbosity=Verbosity.quiet,
    print_blob=False,
)
#: A ticket is tried without one of its facts at most so often.
_MOST_TRIES: Final = 400

Status = Literal["kept", "off", "does not apply"]


@attrs.frozen(kw_only=True)
class PropertyResult:
    """What came of a property that did not fail.

    `reason` says why it is off, does not apply or was not tried, or what of it was not. Of the `tried` tickets
    `relevant` put it to the test: the others cannot break it, whatever the policy does with them. `refused` were drawn
    besides, and state what cannot be true.
    """

    name: str
    status: Status
    reason: Message | None = None
    tried: int = 0
    relevant: int = 0
    refused: int = 0

    def told(self) -> Message:
        """Say in words what came of it."""
        if self.status == "off":
            return message("off: {reason}", reason=self.reason or "")
        if self.status == "does not apply":
            return message("does not apply: {reason}", reason=self.reason or "")
        if not self.relevant:
            found = message("kept, but no ticket put it to the test, of {tried} drawn", tried=self.tried)
        else:
            found = message(
                "kept; {relevant} of {tried} tickets put it to the test", relevant=self.relevant, tried=self.tried
            )
        return found if self.reason is None else message("{found} ({reason})", found=found, reason=self.reason)


@attrs.frozen(kw_only=True)
class Failure:
    """What a judge found: the sentence, the decision it is about, the rules or the tables whose rules made it.

    `situation` is what was decided where the judge stated facts of its own; `place` is the file and line to look at
    where no rule fired; `also` what was stated otherwise for a second decision.
    """

    detail: Message
    decision: Decision
    tables: tuple[str, ...] = ()
    rules: tuple[RuleUse, ...] = ()
    situation: Situation | None = None
    place: str = ""
    also: Mapping[str, Any] = attrs.field(factory=dict)


class PropertyFailed(AssertionError):  # noqa: N818 - says what happened; a test that calls a property fails by it
    """A property does not hold: its name, the smallest ticket as it is written, the instant, why, and the rules.

    `ticket` is ready for JSON; `explanation` is the decision's in English, `rules` are all that made it, each with
    file and line, and `rules_shown` those that it is about. `also` is what was stated otherwise for the second of two
    decisions, where there are two.
    """

    def __init__(self, name: str, policy: Policy, situation: Situation, failure: Failure) -> None:
        situation = failure.situation or situation
        self.property = name
        self.policy = policy
        self.detail = failure.detail
        self.ticket = ticket_to_dict(situation.ticket(policy))
        self.at = situation.at
        self.also = dict(failure.also)
        self.rules = failure.decision.rules
        self.rules_shown = failure.rules or tuple(rule for rule in self.rules if rule.table in failure.tables)
        self.place = failure.place
        self._decision = failure.decision
        super().__init__(self.text())

    @property
    def explanation(self) -> str:
        """The whole explanation of the decision, in English."""
        return self.explained("en")

    def explained(self, language: Language) -> str:
        """Explain the decision in a language."""
        decided_by: Any = self._decision.policy
        return str(decided_by.explain(self._decision, language))

    def text(self, language: Language = "en") -> str:
        """Tell it in lines: what does not hold, the rules with file and line, the ticket, the explanation."""
        head = message(
            "`{policy}` does not keep `{name}`: {detail}", policy=self.policy.id, name=self.property, detail=self.detail
        )
        lines = [head.text(language)]
        if self.place:
            lines.append(f"  {self.place}")
        for rule in dict.fromkeys(
            (rule.file, rule.line, rule.table, rule.rule, rule.cites) for rule in self.rules_shown
        ):
            file, line, table, name, cites = rule
            lines.append(f"  {file}:{line}: {table}.{name} [{' '.join(cites)}]")
        at = self.at.isoformat()
        lines += [message("ticket, at {at}:", at=at).text(language), f"  {_written(self.ticket)}"]
        if self.also:
            changed = _written({name: str(value) for name, value in self.also.items()})
            lines.append(message("the other decision, with {changed}", changed=changed).text(language))
        told = tuple(self._relevant(language))
        if told:
            lines.append(message("explanation:").text(language))
        return "\n".join((*lines, *told))

    def _relevant(self, language: Language) -> Iterator[str]:
        """Yield the sentences of the explanation that cite one of the rules shown."""
        cites = {clause for rule in self.rules_shown for clause in rule.cites}
        return sentences_citing(self.explained(language), cites)


def _written(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


#: A judge gives what it finds; else whether the situation put the property to the test at all.
Verdict = Failure | bool
Judge = Callable[..., Verdict]


class _Broken(Exception):  # noqa: N818 - how an example tells Hypothesis that it failed
    pass


def try_property(
    name: str,
    policy: Policy,
    drawn: SearchStrategy[tuple[Any, ...]],
    judge: Judge,
    *,
    settings: settings | None = None,
    random_seed: int | None = None,
    palette: Palette | None = None,
    reason: Message | None = None,
) -> PropertyResult:
    """Judge drawn situations, each with what else was drawn; the first of a drawn tuple is the situation.

    The examples hang on the name of the property and on the policy, unless the settings say otherwise. `reason` says
    what is not judged.

    Raises:
        PropertyFailed: with the smallest situation that fails.
    """
    __tracebackhide__ = True
    worst: list[tuple[Any, ...]] = []
    count = {"tried": 0, "relevant": 0, "refused": 0}

    def attempt(example: tuple[Any, ...]) -> None:
        try:
            verdict = judge(*example)
        except PolicyError:
            # An instant outside its calendar, a value that it does not know.
            count["refused"] += 1
            reject()
        count["tried"] += 1
        if isinstance(verdict, Failure):
            worst[:] = [example]
            raise _Broken
        count["relevant"] += verdict

    tried = seeded(settings or DEFAULT, name, random_seed)(given(drawn)(attempt))
    try:
        tried()
    except _Broken:
        pass
    else:
        return PropertyResult(name=name, status="kept", reason=reason, **count)
    situation, *others = worst[0]
    situation = smallest(situation, lambda smaller: _fails(judge, smaller, *others), palette or Palette(policy))
    failure = judge(situation, *others)
    assert isinstance(failure, Failure)
    raise PropertyFailed(name, policy, situation, failure)


def seeded(wanted: settings, name: str, number: int | None = None) -> Callable[[Any], Any]:
    """Give a test its settings, and a seed: the number, else one that hangs on a name and on nothing else.

    Hypothesis takes its own from the source text of the test, so that a comment there would draw other examples.
    """

    def decorated(test: Any) -> Any:
        if number is None and not wanted.derandomize:
            return wanted(test)
        return seed(zlib.crc32(name.encode()) if number is None else number)(wanted(test))

    return decorated


def _fails(judge: Judge, *example: Any) -> bool:
    try:
        return isinstance(judge(*example), Failure)
    except PolicyError:
        return False


def smallest(situation: Situation, fails: Callable[[Situation], bool], palette: Palette | None = None) -> Situation:
    """Leave out every fact and record without which it still fails; then choose plainer values and instants."""
    left = _MOST_TRIES
    shrinking = True
    while shrinking and left > 0:
        shrinking = False
        candidates = (attrs.evolve(situation, facts=facts) for facts in smaller(situation.facts))
        for candidate in (*candidates, *(plainer(situation, palette) if palette is not None else ())):
            left -= 1
            if fails(candidate):
                situation = candidate
                shrinking = True
                break
            if left <= 0:
                break
    received = situation.facts.get("received_at")
    if isinstance(received, datetime):
        for after in (0, 3600):
            candidate = attrs.evolve(situation, at=received + timedelta(seconds=after))
            if candidate.at != situation.at and fails(candidate):
                return candidate
    return situation


def plainer(situation: Situation, palette: Palette) -> Iterator[Situation]:
    """Yield it about a plain day, at the time of opening, and with plainer values of one fact after the other."""
    facts = situation.facts
    first = palette.plain_instant()
    begun = facts.get("received_at", situation.at)
    moved = (first.date() - begun.date(), first - begun)
    for shift in moved if moved[0] else moved[1:]:
        if shift:
            yield Situation(_shifted(facts, shift), situation.at + shift)
    for name, value in facts.items():
        if name in LISTS.values():
            for number, line in enumerate(value):
                for fact, given in line.items():
                    for plain in palette.plainer(f"{name}[].{fact}", given):
                        changed = (*value[:number], {**line, fact: plain}, *value[number + 1 :])
                        yield attrs.evolve(situation, facts={**facts, name: changed})
            continue
        for plain in palette.plainer(name, value):
            yield attrs.evolve(situation, facts={**facts, name: plain})


def _shifted(value: Any, shift: timedelta) -> Any:
    """Move every date and instant of drawn facts."""
    if isinstance(value, Mapping):
        return {name: _shifted(each, shift) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_shifted(each, shift) for each in value)
    return value + shift if isinstance(value, date) else value


def smaller(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the facts without one of them, without one record, and without one fact of a record."""
    lists = set(LISTS.values())
    for name, value in facts.items():
        rest = {other: kept for other, kept in facts.items() if other != name}
        yield rest
        if name not in lists:
            continue
        lines: Sequence[Mapping[str, Any]] = value
        for number, line in enumerate(lines):
            others = (*lines[:number], *lines[number + 1 :])
            if others:
                yield {**facts, name: others}
            for fact in line:
                without = {other: kept for other, kept in line.items() if other != fact}
                yield {**facts, name: (*lines[:number], without, *lines[number + 1 :])}
