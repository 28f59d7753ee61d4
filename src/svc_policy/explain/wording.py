"""Put the words, amounts and instants of a policy into the reader's language.

Money and dates are formatted here and nowhere else, from exact decimals; Babel
is imported by the first that needs it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from svc_policy.decision import Decision, RuleUse
from svc_policy.facts.registry import BUILT_IN, LISTS, MEASURES, MILESTONES, Fact, FactKind
from svc_policy.messages import LOCALES, Language, Message, message
from svc_policy.pack.columns import RESULTS, WORDS_OF
from svc_policy.units import Allowance, Refusal, minor_digits, read_literal

if TYPE_CHECKING:
    from babel import Locale

    from svc_policy.policy import Policy
    from svc_policy.rules.family import Row

YES_NO: Final = {True: message("yes"), False: message("no")}
MISSING: Final = message("missing")
STATUSES: Final[Mapping[str, Message]] = {
    "not started": message("not started"),
    "pending": message("pending"),
    "on hold": message("on hold"),
    "met": message("met"),
    "late": message("late"),
    "breached": message("breached"),
    "cancelled": message("cancelled"),
    "not applicable": message("not applicable"),
    "undetermined": message("undetermined"),
}
CATEGORIES: Final[Mapping[str, Message]] = {
    "A": message("paid service"),
    "B": message("service under contract"),
    "C": message("free service"),
    "D": message("internal work"),
}
_ALLOWANCES: Final[Mapping[str, tuple[Message, Message]]] = {
    "s": (message("{count} hour"), message("{count} hours")),
    "min": (message("{count} minute"), message("{count} minutes")),
    "working_s": (message("{count} working hour"), message("{count} working hours")),
    "working_min": (message("{count} working minute"), message("{count} working minutes")),
    "working_days": (message("{count} working day"), message("{count} working days")),
    "days": (message("{count} day"), message("{count} days")),
    "months": (message("{count} month"), message("{count} months")),
}
_MEASURES: Final[Mapping[str, Message]] = {
    "distance": message("{count} km"),
    "area": message("{count} m²"),
    "weight": message("{count} kg"),
}
_DATE: Final = {"en": "d MMMM y", "zh": "y年M月d日"}
_WEEKDAY: Final = {"en": "EEEE, d MMMM y", "zh": "y年M月d日 EEEE"}
_INSTANT: Final = {"en": "EEE d MMM y, HH:mm", "zh": "y年M月d日（EEE）HH:mm"}
_INSTANT_S: Final = {"en": "EEE d MMM y, HH:mm:ss", "zh": "y年M月d日（EEE）HH:mm:ss"}
_NEVER: Final = 10.0**12


@functools.cache
def locale_of(language: Language) -> Locale:
    """Give Babel's locale of a language, parsed once."""
    from babel import Locale

    return Locale.parse(LOCALES[language])


class Wording:
    """The words of one policy in one language."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self.policy = policy
        self.language = language
        self.facts: dict[str, Fact] = {fact.name: fact for of in policy.pack.settings.facts.values() for fact in of}

    # --- texts

    def __call__(self, template: Message) -> str:
        """Put a message into words."""
        return template.text(self.language)

    def listed(self, items: Iterable[str]) -> str:
        """Join short items."""
        return ("、" if self.language == "zh" else ", ").join(items)

    def parted(self, items: Iterable[str]) -> str:
        """Join items that may hold commas."""
        return ("；" if self.language == "zh" else "; ").join(items)

    def both(self, items: Iterable[str]) -> str:
        """Join items as the subject of a sentence: the last with `and`."""
        *first, last = items
        return self(message("{items} and {last}", items=self.listed(first), last=last)) if first else last

    def label(self, name: str | None) -> str:
        """Give the label of a word that tables use."""
        return "" if name is None else self.policy.pack.label(name, self.language)

    def role(self, name: str | None) -> str:
        """Name a role as it stands in a sentence: in English with its article."""
        text = self.label(name)
        if self.language == "zh" or text.startswith(("the ", "who")):
            return text
        return f"the {text}"

    def fact(self, name: str) -> str:
        """Give the label of a fact; one of a list is asked for as ``materials.area_m2``."""
        fact = self.facts.get(name.rpartition(".")[2])
        if fact is None:
            return self.label(name)
        return fact.zh if self.language == "zh" else fact.en

    def milestone(self, name: str) -> str:
        """Name a milestone by what happens at it."""
        text = self.fact(MILESTONES.get(name, name))
        return text.removesuffix("时间") if self.language == "zh" else text

    def column(self, name: str) -> str:
        """Name a condition column: a fact, an earlier result, a target's status, a parameter."""
        zh = self.language == "zh"
        if name in self.facts:
            return self.fact(name)
        if name in RESULTS:
            return RESULTS[name][1] if zh else name.replace("_", " ")
        if name.endswith("_status") and name.removesuffix("_status") in MILESTONES:
            return self(message("status of “{target}”", target=self.milestone(name.removesuffix("_status"))))
        labels = self.policy.pack.settings.labels.get(name)
        return labels[zh] if labels else self.label(name)

    # --- amounts and times

    def money(self, amount: Decimal) -> str:
        """Write an amount in the policy's currency."""
        from babel.numbers import format_currency

        return str(format_currency(amount, self.policy.pack.settings.currency, locale=locale_of(self.language)))

    def share(self, basis_points: int) -> str:
        """Write a share in whole percent, as far as it is used up: never more than it is."""
        return f"{basis_points // 100}%" if self.language == "zh" else f"{basis_points // 100} %"

    def rate(self, rate: Decimal) -> str:
        """Write an exact share."""
        text = f"{(rate * 100).normalize():f}"
        return f"{text}%" if self.language == "zh" else f"{text} %"

    def day(self, day: date) -> str:
        """Write a date."""
        from babel.dates import format_date

        return str(format_date(day, _DATE[self.language], locale=locale_of(self.language)))

    def weekday_and_day(self, day: date) -> str:
        """Write a date with its weekday."""
        from babel.dates import format_date

        return str(format_date(day, _WEEKDAY[self.language], locale=locale_of(self.language)))

    def instant(self, at: datetime) -> str:
        """Write an instant, which is in the policy's zone; the last second of a day is its end."""
        from babel.dates import format_datetime

        if (at.hour, at.minute, at.second) == (23, 59, 59):
            return self(message("the end of {day}", day=self.day(at.date())))
        pattern = (_INSTANT_S if at.second else _INSTANT)[self.language]
        return str(format_datetime(at, pattern, locale=locale_of(self.language)))

    def span(self, span: timedelta) -> str:
        """Write a length of time, without its sign: days, hours and minutes as far as there are any."""
        from babel.dates import format_timedelta

        seconds = abs(int(span.total_seconds()))
        parts: list[str] = []
        for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
            count, seconds = divmod(seconds, size)
            if count and not (unit == "second" and parts):
                parts.append(
                    format_timedelta(
                        timedelta(seconds=count * size),
                        granularity=unit,
                        threshold=_NEVER,
                        locale=locale_of(self.language),
                    )
                )
        if not parts:
            return self(message("no time"))
        return ("" if self.language == "zh" else " ").join(parts)

    def allowance(self, text: str, clock: str | None) -> str:
        """Write an allowance (``4 working h``, ``72 h``) with its clock."""
        try:
            value = read_literal(text, "allowance").value
        except Refusal:
            return text
        if not isinstance(value, Allowance):
            return text
        unit = value.unit
        if clock == "working":
            unit = {"s": "working_s", "days": "working_days"}.get(unit, unit)  # type: ignore[assignment]
        count: int = value.value
        form = str(unit)
        if form.endswith("s") and form in ("s", "working_s"):
            if count % 3600 == 0:
                count //= 3600
            else:
                form, count = form.removesuffix("s") + "min", count // 60
        return self(message(_ALLOWANCES[form][count != 1].template, count=count))

    def measure(self, kind: str, value: int) -> str:
        """Write a distance, area or weight, stored in its smallest unit."""
        count = Decimal(value).scaleb(-MEASURES[kind][1])
        return self(message(_MEASURES[kind].template, count=f"{count.normalize():f}"))

    # --- values

    def value(self, fact: Fact | None, value: object) -> str:
        """Write an internal value of a fact or result."""
        if value is None:
            return self(MISSING)
        if isinstance(value, bool):
            return self(YES_NO[value])
        kind = fact.kind if fact else "text"
        if fact and fact.values and value in fact.values:
            texts = fact.values[str(value)]
            return texts[self.language == "zh"]
        if not isinstance(value, int):
            return self.label(str(value)) if fact is None or str(value) in self.policy.pack.labels else str(value)
        if kind == "bool":
            return self(YES_NO[bool(value)])
        if kind == "money":
            return self.money(Decimal(value).scaleb(-(minor_digits(self.policy.pack.settings.currency) or 0)))
        if kind in MEASURES:
            return self.measure(kind, value)
        if kind == "duration":
            return self.span(timedelta(seconds=value))
        if kind == "share":
            return self.rate(Decimal(value).scaleb(-4))
        if kind == "date":
            found = self.policy.day(value)
            return self.day(found) if found else str(value)
        if kind == "instant":
            at = self.policy.instant(value)
            return self.instant(at) if at else str(value)
        return str(value)

    def reasons(self, decision: Decision, use: RuleUse) -> str:
        """Say what the conditions of a rule found: facts and earlier results with their values."""
        row = self.row(use)
        if row is None:
            return ""
        grain, _, number = use.subject.partition(" ")
        found: list[str] = []
        for name, test in row.tests.items():
            if test.any or name in self.policy.pack.settings.parameters or name in ("target", "used_share"):
                continue
            value = self._found(decision, name, grain, int(number) - 1 if number.isdigit() else 0)
            found.append(self(message("{name}: {value}", name=self.column(name), value=value)))
        return ("，" if self.language == "zh" else ", ").join(found)

    def row(self, use: RuleUse) -> Row | None:
        """Find the row of a rule."""
        for row in self.policy.pack.rows.get(use.table, ()):
            if (row.id, row.file, row.line) == (use.rule, use.file, use.line):
                return row
        return None

    def _found(self, decision: Decision, name: str, grain: str, number: int) -> str:
        fact = self.facts.get(name)
        if fact is not None:
            return self.value(fact, self._stated(decision, fact, number))
        value = decision.column(name)
        if grain == "part" and name.startswith("part_"):
            value = self.policy.child_column(decision, "part", number, name)
        if name.endswith("_status") and value in STATUSES:
            return self(STATUSES[str(value)])
        if grain == "material" and name.startswith("line_"):
            value = self.policy.child_column(decision, "material", number, name)
        kind = RESULTS[name][0] if name in RESULTS else "text"
        if kind == "bool" and value is not None:
            return self(YES_NO[bool(value)])
        if kind in (*MEASURES, "money", "share") and value is not None:
            return self.value(Fact(name=name, kind=cast("FactKind", kind), en=name, zh=name), value)
        if name in WORDS_OF and value in WORDS_OF[name] and self.language == "zh":
            return next(iter(WORDS_OF[name][str(value)]), str(value))
        return self.value(None, value)

    def _stated(self, decision: Decision, fact: Fact, number: int) -> Any:
        record: Any = decision.ticket
        if fact.grain != "ticket":
            lines: Sequence[Any] = getattr(record, LISTS[fact.grain])
            if number >= len(lines):
                return None
            record = lines[number]
        names = [one.name for one in BUILT_IN[fact.grain]]
        return record.values[names.index(fact.name)] if fact.name in names else record.extra_values.get(fact.name)

    def category(self, name: str | None) -> str:
        """Name a category with what it means."""
        if name is None:
            return self(STATUSES["undetermined"])
        if name in CATEGORIES:
            return self(message("{category}, {meaning}", category=name, meaning=self(CATEGORIES[name])))
        return self.label(name)
