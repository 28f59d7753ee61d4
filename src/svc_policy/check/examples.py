"""Find a ticket that lies in the region of a finding, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from svc_policy.boundaries import Finder, Where, plain_value, written_value
from svc_policy.boundaries.days import plain_day
from svc_policy.check.findings import Example
from svc_policy.check.views import TableView
from svc_policy.check.words import RegionWords, days_of, literal_words, phrase, region_tests
from svc_policy.facts.registry import BUILT_IN, LISTS, Fact
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import LANGUAGES, Phrase
from svc_policy.tables.regions import DAY, Axis, Box, Others
from svc_policy.units import Allowance, Literal, minor_digits

if TYPE_CHECKING:
    from svc_policy.policy import Policy

Value = int | str | bool
_TRIES = 1_200
_MOST_BOXES = 4
#: What a text that no cell names is called in an example.
_OTHER = "other"


class Examples:
    """Finds tickets in regions of one policy's tables; what it needs is made when it is first asked."""

    def __init__(self, policy: Policy, words: RegionWords) -> None:
        self.policy = policy
        self.words = words
        self._finder: Finder | None = None
        self._facts: dict[str, Fact] = {
            fact.name: fact for facts in policy.pack.settings.facts.values() for fact in facts
        }

    def find(
        self, view: TableView, boxes: Sequence[Box], axis: str | None, *, rows: Sequence[int] = ()
    ) -> Example | None:
        """Find a ticket in one of the boxes for which one of `rows` holds, none of the table without them."""
        if view.family.grain == "none" or not boxes:
            return None
        for box in boxes[:_MOST_BOXES]:
            for grain in _grains(view):
                found = self._find_in(view, box, axis, rows, grain)
                if found is not None:
                    return found
        return None

    def _find_in(self, view: TableView, box: Box, axis: str | None, rows: Sequence[int], grain: str) -> Example | None:
        if self._finder is None:
            self._finder = Finder(self.policy)
        results: dict[str, Container[Value | None]] = {}
        row_column = _row_column(view, grain)
        if row_column is not None:
            if row_column not in self.policy.plan.columns:
                return None
            results[row_column] = {0} if not rows else {row + 1 for row in rows}
        facts: dict[str, Value | None] = {}
        written = region_tests(view, box)
        for one, mask in zip(view.grid.axes, box, strict=True):
            if one.name == DAY or one.name not in written:
                continue
            if one.name in self._facts:
                facts[one.name] = self._value(one, mask)
            elif one.name in self.policy.plan.columns:
                results[one.name] = set(_values(one, mask)) if one.values else Where(_inside(one, mask))
        found = self._finder.find(
            facts,
            results,
            day=self._day(view, box),
            governing=view.family.governing if view.family.governing != "none" else "request",
            grain=grain,
            tries=_TRIES,
        )
        if found is None:
            return None
        ticket, at = found
        named: dict[str, Value | None] = {
            **facts,
            **{
                name: next(iter(among)) for name, among in results.items() if isinstance(among, set) and len(among) == 1
            },
        }
        told = {axis: facts[axis]} if axis in facts else {name: named[name] for name in written if name in named}
        return Example(
            ticket=written_ticket(self.policy, ticket),
            at=at.isoformat(),
            words=self._say(told) if told else self.words.region(view, (box,)),
        )

    def _day(self, view: TableView, box: Box) -> int | None:
        spans = days_of(view, box)
        if (None, None) in spans or self.policy.fixed_on is not None:
            return None
        plain = plain_day(self.policy)
        for since, until in spans:
            if (since is None or since <= plain) and (until is None or plain < until):
                return plain
        since, until = spans[-1]
        return since if since is not None else (until or 1) - 1

    def _value(self, axis: Axis, mask: int) -> Value | None:
        present = mask & ~axis.absent
        if not present:
            return None
        index = (present & -present).bit_length() - 1
        if axis.values:
            value = axis.values[index]
            return _OTHER if isinstance(value, Others | Allowance) else value
        # Neighbouring atoms are one interval.
        last = index
        while present >> (last + 1) & 1:
            last += 1
        low, high = axis.cuts[index], axis.cuts[last + 1]
        digits = minor_digits(self.policy.pack.settings.currency) or 0
        return plain_value(
            axis.kind,
            low // 2 if abs(low) < 1 << 60 else None,
            high // 2 if abs(high) < 1 << 60 else None,
            low_closed=low % 2 == 0,
            high_closed=high % 2 == 1,
            domain=axis.domain,
            digits=digits,
        )

    def _say(self, facts: Mapping[str, Value | None]) -> Phrase:
        texts = {}
        for language in LANGUAGES:
            said = []
            for name, value in facts.items():
                if value is None:
                    text = self.words.missing(language)
                elif isinstance(value, bool | str):
                    text = self.words.value(name, value, language)
                else:
                    kind = self._facts[name].kind
                    unit = self.policy.pack.settings.currency if kind == "money" else ""
                    text = literal_words(Literal(kind, value, unit), language)
                # `75 km` says of what it is; `yes` does not.
                is_plain = len(facts) == 1 and isinstance(value, int) and not isinstance(value, bool)
                said.append(text if is_plain else f"{self.words.name(name, language)} {text}")
            texts[language] = ("、" if language == "zh" else ", ").join(said)
        return phrase(texts["en"], texts["zh"])


def _grains(view: TableView) -> Iterator[str]:
    if view.table in ("warranty", "exclusions"):
        yield "ticket"
    yield view.family.grain


def _row_column(view: TableView, grain: str) -> str | None:
    """Name the column that says which row of a view holds; None where no result hangs on it."""
    if view.family.policy == "collect" or view.table == "holds":
        return None
    match view.table:
        case "deadlines":
            return f"{view.group}_row"
        case "fees":
            return f"fee_{view.group}_row"
        case "warranty":
            return "part_warranty_row" if grain == "part" else "warranty_row"
        case _:
            return f"{view.table}_row"


def _inside(axis: Axis, mask: int) -> Callable[[Value | None], bool]:
    return lambda value: bool(axis.mask_of(value) & mask)


def _values(axis: Axis, mask: int) -> Iterator[Value | None]:
    if mask & axis.absent:
        yield None
    for index, value in enumerate(axis.values):
        if mask >> index & 1 and not isinstance(value, Others | Allowance):
            yield value


def written_ticket(policy: Policy, ticket: Ticket) -> dict[str, Any]:
    """Write a ticket as a user does: its facts that are stated, with their units, its records in their lists."""
    written: dict[str, Any] = {}
    for fact in BUILT_IN["ticket"]:
        if getattr(ticket, fact.name) is not None:
            value = ticket.values[_place(fact)]
            if value is not None:
                written[fact.name] = written_value(policy, fact, value)
    for grain, field in LISTS.items():
        lines = getattr(ticket, field)
        if lines:
            written[field] = [
                {
                    fact.name: written_value(policy, fact, value)
                    for fact, value in zip(BUILT_IN[grain], line.values, strict=True)
                    if value is not None and getattr(line, fact.name) is not None
                }
                for line in lines
            ]
    own = {fact.name: fact for fact in policy.pack.settings.facts["ticket"]}
    extra = {name: written_value(policy, own[name], ticket.extra_values[name]) for name in ticket.extra}
    return {**written, "extra": extra} if extra else written


def _place(fact: Fact) -> int:
    return next(index for index, one in enumerate(BUILT_IN["ticket"]) if one is fact)
