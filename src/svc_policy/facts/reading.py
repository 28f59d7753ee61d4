"""Read tickets from JSON, TOML or a mapping, and write them back.

The keys are the names of the fields. Numbers stand for the unit in the name
(`distance_km`, `labour_hours`) and money for major units; a text may carry
its unit instead: `"800 m"`, `"90 min"`, `"50 CNY"`, and for a share `"90 %"`.
An instant has an offset or is a local time in the zone of the policy. `null`
means the same as a missing key.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy import units
from svc_policy.errors import Place, Problem, TicketError, UsageError, problem
from svc_policy.facts.normal import (
    EPOCH,
    EPOCH_DAY,
    Refusal,
    Value,
    check_epoch,
    company_facts,
    declared,
    inside,
    normalise,
    refuse,
    shown,
)
from svc_policy.facts.registry import LISTS, Fact
from svc_policy.facts.sources import (
    LARGEST_LIST,
    LARGEST_TICKET,
    JsonReader,
    check_size,
    decode,
    is_toml,
    place_at,
    read_bytes,
    read_toml,
    skip_space,
)
from svc_policy.facts.ticket import (
    TICKET_ID,
    Hold,
    Incident,
    Override,
    Part,
    Record,
    Ticket,
    mistyped,
    settle_extra,
    unknown_field,
)
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from cattrs import Converter

_RECORDS: Final[tuple[type[Record], ...]] = (Part, Hold, Incident, Override, Ticket)
_SETTINGS: Final = ("currency_digits", "facts")
_FRACTION = re.compile(r"(:[0-9]{2}:[0-9]{2})[.,][0-9]+")


class TicketReader:
    """Read tickets for one policy: its zone, its currency, the facts it declares.

    Making one takes some milliseconds; keep it when there are many tickets.

    Args:
        zone: Where local times are read, as in `Asia/Shanghai`.
        currency: What money is counted in; its decimals are those of ISO 4217.
        facts: What the policy declares: facts of its own, read from `extra`, or other values of a built-in one.

    Raises:
        UsageError: There is no such zone or currency, or a declaration contradicts a built-in fact.
    """

    def __init__(self, *, zone: str | ZoneInfo, currency: str = "CNY", facts: Sequence[Fact] = ()) -> None:
        name = zone if isinstance(zone, str) else zone.key
        try:
            self._zone = units.open_zone(name or "")
        except units.Refusal as refusal:
            template = message("cannot use `{zone}` as the zone of a policy", zone=shown(name))
            raise UsageError([problem(refusal.code, template, help=refusal.help)]) from None
        digits = units.minor_digits(currency)
        if digits is None:
            template = message("`{currency}` is no currency", currency=shown(currency))
            explanation = message("a currency is written as in `CNY`")
            raise UsageError([problem("currency-unknown", template, help=explanation)])
        self._currency = currency
        self._digits = digits
        self._facts = tuple(facts)
        self._company = {fact.name: fact for fact in company_facts(self._facts)}
        self._converter = self._make_converter()

    def read(self, data: Mapping[str, Any] | str | bytes | Path, *, name: str = "") -> Ticket:
        """Read one ticket from a mapping, from the text of JSON or TOML, or from a file.

        Args:
            data: A mapping; JSON or TOML as text or as UTF-8; the path of a file of at most 16 MB.
            name: What problems call the input; for a path, the path.

        Raises:
            TicketError: Everything that is wrong with the ticket, each problem with its path (`parts[2].unit_price`).
        """
        place = Place(file=str(data) if isinstance(data, Path) else name or "ticket")
        is_named = bool(name) or isinstance(data, Path)
        if isinstance(data, Mapping):
            return self.structure(data, place if is_named else None)
        if isinstance(data, Path):
            data = read_bytes(data)
        if isinstance(data, bytes):
            data = decode(data, place)
        if not isinstance(data, str):
            raise TicketError([mistyped("ticket", data, message("a ticket as JSON, TOML or a mapping"))])
        check_size(len(data), place)
        raw = read_toml(data, place) if is_toml(data, place) else JsonReader().read(data, place)
        return self.structure(raw, place if is_named else None)

    def structure(self, raw: object, place: Place | None = None) -> Ticket:
        """Make a ticket from plain values, each problem standing at `place`.

        Raises:
            TicketError: As :meth:`read`.
        """
        from cattrs import BaseValidationError

        try:
            return self._converter.structure(raw, Ticket)
        except (BaseValidationError, TicketError, Refusal) as error:
            problems = _problems(error, "")
            raise TicketError(attrs.evolve(found, place=place) for found in problems) from None

    def _make_converter(self) -> Converter:
        # cattrs costs a tenth of a second to import: deciding a ticket made in Python must not pay for it.
        from cattrs import Converter
        from cattrs.gen import make_dict_structure_fn, override

        converter = Converter(detailed_validation=True)
        for record in _RECORDS:
            hooks: dict[str, Callable[[Any, Any], Any]] = {name: _as_it_is for name in _SETTINGS}
            for fact in declared(record.grain, self._facts):
                hooks[fact.name] = functools.partial(self._read_checked, fact)
            if record is Ticket:
                hooks["ticket_id"] = lambda raw, _: self._read_checked(TICKET_ID, raw, _) or ""
                hooks["extra"] = self._read_extra
                for grain in LISTS:
                    hooks[LISTS[grain]] = functools.partial(_read_list, converter)
            overrides = {name: override(struct_hook=hook) for name, hook in hooks.items()}
            structure = make_dict_structure_fn(record, converter, _cattrs_forbid_extra_keys=True, **overrides)
            converter.register_structure_hook(record, functools.partial(self._read_record, record, structure))
        return converter

    def _read_record(
        self, record: type[Record], structure: Callable[[Any, Any], Record], raw: object, _: object
    ) -> Record:
        if not isinstance(raw, Mapping):
            raise Refusal(mistyped(record.__name__.lower(), raw, message("a set of named facts")))
        # The settings travel the way of the facts, so nobody else may send them.
        problems = [self._unknown(name, record) for name in _SETTINGS if name in raw]
        try:
            made = structure({**raw, "currency_digits": self._digits, "facts": self._facts}, record)
        except Exception as error:
            if not problems:
                raise
            problems += _problems(error, "", self._unknown)
        if problems:
            raise TicketError(problems)
        return made
