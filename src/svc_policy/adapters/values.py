"""Read the texts of a log as values of facts, by the rules by which tickets are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs

from svc_policy.adapters.mapping import ANY, ColumnSource
from svc_policy.errors import TicketError, problem
from svc_policy.facts.normal import normalise, shown
from svc_policy.facts.reading import TicketReader
from svc_policy.facts.registry import MEASURES, Fact, FactKind
from svc_policy.messages import Message, message
from svc_policy.units import Refusal, format_day, minor_digits, read_literal

#: What a bare number is multiplied by to give km, m2, kg, hours or major units; minor units go by the currency.
UNITS: Final[Mapping[FactKind, Mapping[str, Decimal]]] = {
    "distance": {"km": Decimal(1), "m": Decimal("0.001")},
    "area": {"m2": Decimal(1), "cm2": Decimal("0.0001")},
    "weight": {"kg": Decimal(1), "g": Decimal("0.001"), "t": Decimal(1000)},
    "duration": {"h": Decimal(1), "min": Decimal(60), "s": Decimal(1)},
    "money": {"major": Decimal(1), "minor": Decimal(1)},
}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?|[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Settings:
    """What values are read with; `missing` are the texts that mean nothing is there."""

    zone: str
    currency: str
    facts: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    tickets: TicketReader = attrs.field(
        init=False,
        eq=False,
        default=attrs.Factory(
            lambda self: TicketReader(zone=self.zone, currency=self.currency, facts=self.facts), takes_self=True
        ),
    )


class ValueReader:
    """Reads texts as the internal value of one fact: epoch seconds and days, minor units, metres, grams, seconds."""

    def __init__(
        self,
        fact: Fact,
        source: ColumnSource | None = None,
        *,
        settings: Settings,
        label: str = "",
    ) -> None:
        self.fact = fact
        self.label = label or fact.name
        self.source = source or ColumnSource(column=fact.name)
        self.currency = settings.currency
        self.tickets = settings.tickets
        self._words = {word: name for name, labels in fact.values.items() for word in (name, *labels)}

    def read(self, text: str) -> int | str | bool | None:
        """Read one text.

        Raises:
            TicketError: It cannot be read, or lies outside the limits of the fact; one problem, naming the fact.
        """
        return self._internal_of(self.given(text))

    def given(self, text: str) -> object:
        """Read one text as what a ticket holds in Python: an amount, an aware datetime, kilometres.

        Raises:
            TicketError: As `read`.
        """
        source = self.source
        if source.values:
            if text not in source.values and ANY not in source.values:
                template = message(
                    "`{field}` is `{value}`, which the mapping does not list", field=self.label, value=shown(text)
                )
                raise TicketError([problem("log-unlisted", template)])
            return self._given(source.values.get(text, source.values.get(ANY)))
        if source.is_internal:
            return self._given(self._internal(text))
        if source.format:
            return self._given(self._formatted(text))
        return self._given(self._natural(text))

    def stated(self, value: object) -> int | str | bool | None:
        """Read a value as a ticket would state it.

        Raises:
            TicketError: As `read`.
        """
        return self._internal_of(self._given(value))

    def _given(self, value: object) -> object:
        if value is None:
            return None
        try:
            return self.tickets.read_fact(self.fact, value)
        except TicketError as error:
            found = error.problems[0]
            field = str(found.message.values.get("field", self.fact.name))
            values = {**found.message.values, "field": self.label if field == self.fact.name else field}
            template = Message(found.message.template, values)
            raise TicketError([problem(found.code, template, help=found.help)]) from None

    def _internal_of(self, given: object) -> int | str | bool | None:
        if given is None:
            return self.fact.default
        return normalise(self.fact, given, field=self.label, currency_digits=minor_digits(self.currency) or 0)

    def _natural(self, text: str) -> object:
        kind = self.fact.kind
        if kind == "bool":
            if text.lower() in ("true", "false"):  # JSON, Parquet and most programs write it so
                return text.lower() == "true"
            try:
                return read_literal(text, "bool").value
            except Refusal:
                return text
        if kind == "text":
            return self._words.get(text, text)
        if (kind in MEASURES or kind in ("money", "duration", "count")) and _NUMBER.fullmatch(text):
            return self._number(text)
        return text

    def _number(self, text: str) -> object:
        try:
            number = Decimal(text)
        except InvalidOperation:
            return text
        unit = self.source.unit
        if self.fact.kind == "count":
            return int(number) if number.is_finite() and number == number.to_integral_value() else float(number)
        if unit == "minor":
            return number.scaleb(-(minor_digits(self.currency) or 0))
        if unit in ("min", "s") and number.is_finite():
            seconds = number * (60 if unit == "min" else 1)
            return f"{seconds:f} s"
        return number * UNITS.get(self.fact.kind, {}).get(unit, Decimal(1))

    def _internal(self, text: str) -> object:
        if not re.fullmatch(r"[+-]?\d{1,18}", text):
            template = message(
                "`{field}` is `{value}`, not {wanted}",
                field=self.label,
                value=shown(text),
                wanted=message("a whole number"),
            )
            raise TicketError([problem("log-unreadable", template)])
        number = int(text)
        kind = self.fact.kind
        if kind == "date":
            return format_day(number) if -30_000 < number < 2_932_897 else text
        if kind == "instant":
            return _instant(number) if abs(number) < 253_402_214_400 else text
        if kind == "duration":
            return f"{number} s"
        if kind in MEASURES:
            return Decimal(number).scaleb(-MEASURES[kind][1])
        if kind == "money":
            return Decimal(number).scaleb(-(minor_digits(self.currency) or 0))
        return f"{Decimal(number).scaleb(-2):f} %" if kind == "share" else number

    def _formatted(self, text: str) -> object:
        written = self.source.format
        wrong = message("cannot read `{value}` in `{field}`", value=shown(text), field=self.label)
        explanation = message("the mapping gives the form `{form}`", form=written)
        try:
            if written in ("epoch_s", "epoch_ms"):
                return _instant(int(text) // (1000 if written == "epoch_ms" else 1))
            found = datetime.strptime(text, written)
        except (ValueError, OverflowError, OSError):
            raise TicketError([problem("log-unreadable", wrong, help=explanation)]) from None
        if self.fact.kind == "date":
            return found.date().isoformat()
        return found.replace(microsecond=0).isoformat()


def _instant(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()
