"""Turn what a fact holds in Python into the integer, text or truth that rules read.

====================  ===============================  ==========================================
kind                  in Python                        internal value
====================  ===============================  ==========================================
text                  `str`                            the text; blank text counts as missing
bool                  `bool`                           the same
money                 `Decimal` or `int`, major units  minor units (fen, cents)
distance              `Decimal` or `int`, kilometres   metres
area                  `Decimal` or `int`, m²           square centimetres
weight                `Decimal` or `int`, kilograms    grams
duration              `Decimal` or `int`, hours, or    seconds
                      `timedelta`
share                 `int`, basis points              basis points (90 % is 9000)
count                 `int`                            the same
date                  `date`                           days since 1970-01-01
instant               `datetime` with an offset        seconds since 1970-01-01T00:00:00Z
====================  ===============================  ==========================================

Nothing is rounded: a number finer than its unit is refused. The one exception
is an instant, whose fraction of a second is dropped (towards the past).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NoReturn

import attrs

from svc_policy.errors import Problem, UsageError, nearest, problem
from svc_policy.facts.registry import BUILT_IN, MEASURES, Fact, FactKind, Grain
from svc_policy.messages import Message, message

Value = int | str | bool | None

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
#: Explicit ends "for ever" are often 9999-12-31; before 1900 every date is a slip of the keyboard.
FIRST_DATE: Final = date(1900, 1, 1)
LAST_DATE: Final = date(9999, 12, 31)
FIRST_INSTANT: Final = -25_567 * 86_400
#: 9999-12-30, a day before the last, so that every zone can still show it.
LAST_INSTANT: Final = 2_932_895 * 86_400
LONGEST_TEXT: Final = 10_000
#: Limits of a number whose fact declares none: fifteen digits survive JSON and every database.
MOST: Final = 10**15 - 1
MOST_SECONDS: Final = 10**12
#: So many problems of one ticket are told, and for so many names what was probably meant.
MOST_PROBLEMS: Final = 100
_MOST_GUESSES: Final = 20
# Comparing a text of megabytes with every known word takes minutes.
_LONGEST_WORD: Final = 60
BEYOND: Final = 10**40

#: What tuples of declarations come to, the tuple kept beside it.
_KEPT: Final[dict[tuple[str, str, int], tuple[Sequence[Fact], tuple[Fact, ...]]]] = {}
_MOST_KEPT: Final = 512

WANTED: Final[dict[FactKind, Message]] = {
    "text": message("a text"),
    "bool": message("`true` or `false`"),
    "money": message("an amount of money"),
    "distance": message("a number of kilometres"),
    "area": message("a number of square metres"),
    "weight": message("a number of kilograms"),
    "duration": message("a number of hours"),
    "share": message("a whole number of basis points"),
    "count": message("a whole number"),
    "date": message("a date"),
    "instant": message("an instant"),
}


class Refusal(Exception):  # noqa: N818 - says no to one value; its caller gathers the errors
    """One value that cannot be taken, carrying its problem; never leaves this package."""

    def __init__(self, found: Problem) -> None:
        self.problem = found
        super().__init__(str(found.message))


def refuse(code: str, template: Message, explanation: Message | None = None) -> NoReturn:
    """Raise a refusal of one value."""
    raise Refusal(problem(code, template, help=explanation))


def normalise(fact: Fact, value: object, *, field: str, currency_digits: int) -> Value:
    """Make the internal value of one fact; None stays None, its default is not filled in.

    Args:
        fact: What the value states.
        value: What is held in Python, in the unit the table above gives.
        field: The name or path that a problem shows.
        currency_digits: Decimals of the currency: 2 for CNY, 0 for JPY.

    Raises:
        Refusal: The value has another type, is not finite, is too fine, or lies outside the limits of the fact.
    """
    if value is None:
        return None
    kind = fact.kind
    if kind == "text":
        return _text(fact, value, field)
    if kind == "bool":
        return value if isinstance(value, bool) else _wrong(fact, value, field)
    if kind == "instant":
        return _instant(fact, value, field)
    if kind == "date":
        return _date(fact, value, field)
    if kind == "duration":
        amount = _seconds(fact, value, field)
    elif kind == "money":
        amount = _scaled(fact, value, field, currency_digits)
    else:
        amount = _scaled(fact, value, field, MEASURES[kind][1] if kind in MEASURES else 0)
    return _within(fact, amount, value, field, currency_digits)


def limits(fact: Fact) -> tuple[int, int]:
    """Return the least and greatest value of a number in its internal unit, both included."""
    most = MOST_SECONDS if fact.kind == "duration" else MOST
    return (-most if fact.low is None else fact.low, most if fact.high is None else fact.high)


def declared(grain: Grain, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """List the facts of a grain in registry order, a company's declaration in place of the built-in one.

    Raises:
        UsageError: A declaration gives a built-in fact another kind or grain.
    """
    if not facts:
        return BUILT_IN[grain]
    return _kept(("facts", grain), facts, lambda: _declared(grain, facts))


def _kept(what: tuple[str, str], facts: Sequence[Fact], list_them: Callable[[], tuple[Fact, ...]]) -> tuple[Fact, ...]:
    """List facts once for each tuple of declarations: every record of a policy is made with the same one."""
    if not isinstance(facts, tuple):
        return list_them()
    found = _KEPT.get((*what, id(facts)))
    # The tuple is kept beside what it gave: no other can have its id meanwhile.
    if found is None or found[0] is not facts:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        found = _KEPT[*what, id(facts)] = facts, list_them()
    return found[1]


def _declared(grain: Grain, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    instead = {fact.name: fact for fact in facts}
    own = tuple(instead.get(fact.name, fact) for fact in BUILT_IN[grain])
    for built_in, fact in zip(BUILT_IN[grain], own, strict=True):
        if (fact.kind, fact.grain) != (built_in.kind, built_in.grain):
            template = message("`{field}` is built in with another kind and cannot be declared anew", field=fact.name)
            raise UsageError([problem("fact-kind-changed", template)])
    return own


def company_facts(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """List the facts among `facts` that are not built in: those that a ticket holds as `extra`.

    Raises:
        UsageError: Such a fact belongs to something else than the ticket.
    """
    return _kept(("company facts", ""), facts, lambda: _company_facts(facts))


def _company_facts(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    built_in = {fact.name for listed in BUILT_IN.values() for fact in listed}
    own = tuple(fact for fact in facts if fact.name not in built_in)
    for fact in own:
        if fact.grain != "ticket":
            template = message("`{field}` is no fact of the ticket; a company's own facts must be", field=fact.name)
            raise UsageError([problem("fact-wrong-grain", template)])
    return own


def inside(prefix: str, found: Problem) -> Problem:
    """Name the field of a problem by its path from the ticket, as in ``parts[2].unit_price``."""
    field = str(found.message.values.get("field") or "")
    path = f"{prefix}{'.' if prefix and field and not field.startswith('[') else ''}{field}"
    return attrs.evolve(found, message=Message(found.message.template, {**found.message.values, "field": path}))


def mistyped(field: str, value: object, wanted: Message) -> Problem:
    """Make the problem of a value that is no fact at all."""
    template = message("`{field}` is `{value}`, not {wanted}", field=field, value=shown(value), wanted=wanted)
    return problem("ticket-wrong-type", template)


def unknown_field(field: str) -> Problem:
    """Make the problem of a name that is no fact; :func:`listed` adds the known name that was probably meant."""
    return problem("ticket-unknown-field", message("`{field}` is no known fact", field=shown(field)))


def listed(problems: Sequence[Problem], known: Mapping[str, Collection[str]]) -> list[Problem]:
    """List what is wrong with a ticket: its first problems, and how many there are besides.

    Args:
        problems: What was found.
        known: The names that there are, by the path of what holds them: `` for the ticket, `parts`, `extra`.
    """
    told: list[Problem] = []
    guesses = 0
    for found in problems[:MOST_PROBLEMS]:
        if found.code == "ticket-unknown-field" and found.help is None and guesses < _MOST_GUESSES:
            guesses += 1
            found = _guessed(found, known)
        told.append(found)
    if (more := len(problems) - len(told)) > 0:
        template = message("there are more problems, at least {count}", count=more)
        told.append(problem("ticket-problems-more", template, help=message("mend the first ones and try again")))
    return told


def _guessed(found: Problem, known: Mapping[str, Collection[str]]) -> Problem:
    """Add the name that was probably meant; comparing with all of them takes a millisecond or two."""
    path = str(found.message.values["field"])
    holder, _, name = path.rpartition(".")
    holder = holder.partition("[")[0]
    if holder not in known:
        holder, name = "", path
    meant = nearest(name[:_LONGEST_WORD], known[holder])
    return found if meant is None else attrs.evolve(found, help=message("did you mean `{meant}`?", meant=meant))


def check_undeclared(name: str, value: object) -> None:
    """See that the value of a fact without a declaration is one of the kinds that a fact can have.

    Raises:
        Refusal: It is a list or something stranger, or no finite number.
    """
    kinds: tuple[tuple[type, FactKind], ...] = ((str, "text"), (datetime, "instant"), (date, "date"))
    field = shown(name)
    kind: FactKind = next((kind for type_, kind in kinds if isinstance(value, type_)), "count")
    fact = Fact(name=name, kind=kind, en=name, zh=name)
    if kind != "count":
        normalise(fact, value, field=field, currency_digits=0)
    elif isinstance(value, int | float | Decimal):
        _finite(value, field)
    elif not isinstance(value, timedelta | None):
        raise Refusal(mistyped(field, value, message("a value that a fact can have")))


def shown(value: object) -> str:
    """Show what was given on one short line."""
    if isinstance(value, datetime | date):
        text = value.isoformat()
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int):
        # Python refuses to print thousands of digits; nobody wants to read them.
        text = (
            str(value) if value.bit_length() < 200 else f"{'-' if value < 0 else ''}10^{value.bit_length() * 3 // 10}"
        )
    elif isinstance(value, str | Decimal | float | timedelta):
        text = str(value)
    elif isinstance(value, dict):
        text = "{...}"
    elif isinstance(value, list | tuple):
        text = "[...]"
    elif value is None:
        text = "null"
    else:
        text = type(value).__name__
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:80])
    return text if len(text) <= 60 else f"{text[:59]}…"


def _wrong(fact: Fact, value: object, field: str) -> NoReturn:
    template = message(
        "`{field}` is `{value}`, not {wanted}", field=field, value=shown(value), wanted=WANTED[fact.kind]
    )
    refuse("ticket-wrong-type", template)


def _text(fact: Fact, value: object, field: str) -> str | None:
    if not isinstance(value, str):
        _wrong(fact, value, field)
    if not value.strip():
        return None
    if fact.values and value not in fact.values:
        template = message("`{field}` is `{value}`, which is not one of its values", field=field, value=shown(value))
        refuse("ticket-unknown-value", template, _choices(fact, value))
    if len(value) > LONGEST_TEXT:
        template = message("`{field}` is longer than {most} characters", field=field, most=LONGEST_TEXT)
        refuse("ticket-text-too-long", template)
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        # No database stores them, so the same ticket would decide otherwise there.
        template = message(
            "`{field}` is `{value}`, which holds a character that is no text", field=field, value=shown(value)
        )
        refuse("ticket-text-not-unicode", template)
    # A `str` subclass may compare otherwise than the text it shows.
    return value if type(value) is str else str.__str__(value)


def _choices(fact: Fact, value: str) -> Message:
    words = {word: name for name, labels in fact.values.items() for word in (name, *labels)}
    known = ", ".join(f"`{name}`" for name in fact.values)
    meant = nearest(value[:_LONGEST_WORD], words)
    if meant is None:
        return message("its values are {known}", known=known)
    return message("did you mean `{meant}`? its values are {known}", meant=words[meant], known=known)


def _date(fact: Fact, value: object, field: str) -> int:
    if not isinstance(value, date) or isinstance(value, datetime):
        _wrong(fact, value, field)
    if not FIRST_DATE <= value <= LAST_DATE:
        _outside(value, FIRST_DATE.isoformat(), LAST_DATE.isoformat(), value < FIRST_DATE, field)
    return value.toordinal() - EPOCH_DAY


def _instant(fact: Fact, value: object, field: str) -> int:
    if not isinstance(value, datetime):
        _wrong(fact, value, field)
    if value.utcoffset() is None:
        template = message("`{field}` is `{value}`, a local time without an offset", field=field, value=shown(value))
        explanation = message(
            "give an offset, as in `2026-03-02T09:00+08:00`, or use `read_ticket`, which knows the zone of the policy"
        )
        refuse("ticket-naive-instant", template, explanation)
    epoch = (value - EPOCH) // timedelta(seconds=1)
    check_epoch(epoch, value, field)
    if not isinstance(value.tzinfo, timezone):
        there_and_back = value.astimezone(UTC).astimezone(value.tzinfo)
        if there_and_back.replace(tzinfo=None) != value.replace(tzinfo=None):
            template = message(
                "`{field}` is `{value}`, a local time that the clocks skipped", field=field, value=shown(value)
            )
            refuse("ticket-skipped-time", template)
    return epoch


def check_epoch(epoch: int, value: object, field: str) -> None:
    """See that an instant, in epoch seconds, lies in the years that a ticket can speak of.

    Raises:
        Refusal: It lies before 1900 or after 9999.
    """
    if not FIRST_INSTANT <= epoch <= LAST_INSTANT:
        _outside(value, "1900-01-01", "9999-12-30", epoch < FIRST_INSTANT, field)


def _number(fact: Fact, value: object, field: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _wrong(fact, value, field)
    return _finite(value, field)


def _finite(value: int | float | Decimal, field: str) -> Decimal:
    # The shortest text that reads back as the float is what its writer meant.
    number = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        template = message("`{field}` is `{value}`, which is no number", field=field, value=shown(value))
        refuse("ticket-not-finite", template)
    return number


def _scaled(fact: Fact, value: object, field: str, places: int) -> int:
    """Return the number in units of its last allowed decimal place."""
    number = _number(fact, value, field)
    if not number:
        return 0
    if number.adjusted() > 18:
        # Beyond every limit; multiplying out `1e999999999` would fill the memory.
        return -BEYOND if number < 0 else BEYOND
    sign, digits, exponent = number.as_tuple()
    shift = int(exponent) + places
    kept, dropped = (digits, ()) if shift >= 0 else (digits[:shift], digits[shift:])
    if any(dropped):
        _too_fine(fact, value, field, places)
    amount = int("".join(map(str, kept)) or "0") * int(10 ** max(shift, 0))
    return -amount if sign else amount


def _seconds(fact: Fact, value: object, field: str) -> int:
    if isinstance(value, timedelta):
        seconds, rest = divmod(value, timedelta(seconds=1))
        if rest:
            _too_fine(fact, value, field, 0)
        return seconds
    # An hour has 3600 = 2⁴ · 3² · 5² seconds: a whole number of seconds has at most four decimals in hours.
    seconds, left = divmod(_scaled(fact, value, field, 4) * 3600, 10_000)
    if left:
        _too_fine(fact, value, field, 4)
    return seconds


def _too_fine(fact: Fact, value: object, field: str, places: int) -> NoReturn:
    if fact.kind == "duration":
        template = message(
            "`{field}` is `{value}`, which is no whole number of seconds", field=field, value=shown(value)
        )
        explanation = message(
            "round the hours to two decimals, or give minutes: `20 min` in JSON, a `timedelta` in Python"
        )
    elif places == 0 and fact.kind != "money":
        template = message(
            "`{field}` is `{value}`, not {wanted}", field=field, value=shown(value), wanted=WANTED[fact.kind]
        )
        explanation = None
    else:
        template = message(
            "`{field}` is `{value}`, which has more than {places} decimals",
            field=field,
            value=shown(value),
            places=places,
        )
        explanation = message("round it first: nothing is rounded here")
    refuse("ticket-too-precise", template, explanation)


def _within(fact: Fact, amount: int, value: object, field: str, currency_digits: int) -> int:
    low, high = limits(fact)
    if not low <= amount <= high:
        least, greatest = (_in_words(fact, limit, currency_digits) for limit in (low, high))
        _outside(value, least, greatest, amount < low, field)
    return amount


def _in_words(fact: Fact, limit: int, currency_digits: int) -> str:
    if fact.kind == "money":
        return f"{Decimal(limit).scaleb(-currency_digits):f}"
    if fact.kind in MEASURES:
        unit, decimals = MEASURES[fact.kind]
        return f"{Decimal(limit).scaleb(-decimals).normalize():f} {unit}"
    if fact.kind == "duration":
        return f"{limit // 3600} h" if limit % 3600 == 0 else f"{limit} s"
    return str(limit)


def _outside(value: object, least: str, greatest: str, is_below: bool, field: str) -> NoReturn:
    if is_below:
        template = message("`{field}` is `{value}`, less than {least}", field=field, value=shown(value), least=least)
        refuse("ticket-too-small", template)
    template = message(
        "`{field}` is `{value}`, more than {greatest}", field=field, value=shown(value), greatest=greatest
    )
    refuse("ticket-too-large", template)
