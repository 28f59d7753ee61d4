"""What both halves of the contract of adapters stand on: the host that an author gives, the records it is to hold."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import pytest

from svc_policy.adapters.protocol import Sink, Source, Unreadable
from svc_policy.facts.normal import limits
from svc_policy.facts.registry import BUILT_IN, Fact
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_Test = TypeVar("_Test", bound=Callable[..., None])

RECEIVED: Final = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
BUILT_IN_FACTS: Final = frozenset(fact.name for fact in BUILT_IN["ticket"])
#: What a test asks of an adapter, and of which of its sides.
ABILITIES: Final[dict[str, str]] = {}


def ability(name: str, side: str) -> Callable[[_Test], _Test]:
    """Name what a test asks of an adapter; it is skipped where the adapter says that it cannot, and why."""

    def declare(test: _Test) -> _Test:
        ABILITIES[name] = side

        @functools.wraps(test)
        def run(self: Contract) -> None:
            for word in (side, name):
                if word in self.cannot:
                    pytest.skip(f"{word}: {self.cannot[word]}")
            test(self)

        return run  # type: ignore[return-value]

    return declare


class Contract:
    """A host that is filled and read as its author says; see :class:`.AdapterContract`."""

    facts: ClassVar[tuple[str, ...]] = ("received_at", "customer", "distance_km", "delivered_on", "recorded_fee")
    cannot: ClassVar[Mapping[str, str]] = {}

    def policy(self) -> Policy:
        """Give the policy of the tickets; `mall` unless overridden."""
        return _mall()

    def hold(self, records: Iterable[Mapping[str, object]]) -> Sequence[str] | None:
        """Make the host hold exactly these records, in this order, and no decisions.

        Each has `ticket_id` and some of `facts`: texts, truths, whole numbers, decimals (in the unit of the fact's
        name, money in major units), dates, and datetimes: with an offset, or a local time in `zone`.

        Returns:
            The ids under which the host holds them, where it gives its own; None where it keeps `ticket_id`.
        """
        raise NotImplementedError

    def spoil(self, record: str) -> None:
        """Make a record that is held one that cannot be read: a text where an amount should be, an impossible date."""
        raise NotImplementedError

    def source(self) -> Source:
        """Open the source on the host."""
        raise NotImplementedError

    def sink(self) -> Sink:
        """Open the sink on the host."""
        raise NotImplementedError

    def written(self) -> Mapping[str, object]:
        """Give what the host holds of decisions, by record: whatever can be compared, times of writing included."""
        raise NotImplementedError

    def kept(self, record: str) -> Mapping[str, object]:
        """Give what the host holds of the decision on a record, by the path in the decision's JSON: those of `keeps`.

        Amounts are decimals or texts, instants datetimes with an offset or texts of ISO 8601.
        """
        raise NotImplementedError

    # --- how it is done

    @property
    def _digits(self) -> int:
        return minor_digits(self.policy().pack.settings.currency) or 0

    def _facts(self) -> dict[str, Fact]:
        return {fact.name: fact for fact in self.policy().pack.settings.facts["ticket"]}

    def _held(self) -> list[Fact]:
        known = self._facts()
        unknown = sorted(set(self.facts) - known.keys())
        assert not unknown, f"`facts` names {unknown}, which the policy does not know"
        return [known[name] for name in self.facts]

    def _record(self, number: int, facts: Mapping[str, object] | None = None, *, round_: int = 0) -> dict[str, Any]:
        """Make a record with a value for every fact; another one each round."""
        samples = self.__dict__.get("_samples")
        if samples is None:
            samples = {fact.name: samples_of(fact, self._digits) for fact in self._held()}
            self.__dict__["_samples"] = samples
        values = {name: listed[round_ % len(listed)] for name, listed in samples.items()}
        return {"ticket_id": f"C-{number + 1:05}", **values, **(facts or {})}

    def _held_as(self, records: Iterable[Mapping[str, object]]) -> list[str]:
        names: list[str] = []

        def noted() -> Iterator[Mapping[str, object]]:
            for record in records:
                names.append(str(record["ticket_id"]))
                yield record

        ids = self.hold(noted())
        return names if ids is None else list(ids)


@functools.cache
def _mall() -> Policy:
    from svc_policy.policy import load

    return load("mall")


def samples_of(fact: Fact, digits: int) -> tuple[object, ...]:
    """Give values of a fact that a host might hold, within its limits."""
    match fact.kind:
        case "text":
            return tuple(fact.values) or ("Ms Li, third floor", "李女士")
        case "bool":
            return (True, False)
        case "date":
            return (date(2024, 2, 29), date(1999, 12, 31), date(2026, 3, 2))
        case "instant":
            return (RECEIVED, RECEIVED.astimezone(timezone(timedelta(hours=8))), RECEIVED - timedelta(seconds=1))
        case "money":
            return tuple(Decimal(number).scaleb(-digits) for number in _inside(fact, 1250, 1, 99))
        case "distance" | "weight":
            return tuple(Decimal(number).scaleb(-3) for number in _inside(fact, 12_345, 1000, 1))
        case "area":
            return tuple(Decimal(number).scaleb(-4) for number in _inside(fact, 123_456, 10_000))
        case "duration":
            return tuple(timedelta(seconds=number) for number in _inside(fact, 3600, 5400, 60))
        case "share":
            return tuple(f"{Decimal(number).scaleb(-2):f} %" for number in _inside(fact, 1250, 100))
        case _:
            return tuple(_inside(fact, 1, 7, 0))


def _inside(fact: Fact, *numbers: int) -> list[int]:
    low, high = limits(fact)
    return [number for number in numbers if low <= number <= high] or [low]


def problems_of(refused: Iterable[Unreadable]) -> str:
    """Write what is wrong with records on one line."""
    return "; ".join(f"`{one.record}`: {found.render()}" for one in refused for found in one.problems)
