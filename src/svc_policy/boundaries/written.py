"""Facts by their paths, and how a user would write them down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from svc_policy.errors import UsageError, nearest, problem
from svc_policy.facts.registry import BUILT_IN, LISTS, MEASURES, Fact, Grain
from svc_policy.messages import message
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from svc_policy.policy import Policy

Value = int | str | bool
_PATH = re.compile(r"(?:([a-z]+)(?:\[[0-9]*\])?\.)?(\w+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()


def path_of(grain: str, name: str) -> str:
    """Name a fact as needs do: `distance_km`, `parts[].quantity`."""
    return name if grain == "ticket" else f"{LISTS[grain]}[].{name}"  # type: ignore[index]


def fact_at(policy: Policy, path: str) -> Fact:
    """Find the fact of a path such as `distance_km`, `parts[].quantity` or `parts.quantity`.

    Raises:
        UsageError: The policy knows no such fact.
    """
    found = _PATH.fullmatch(path)
    grains = {field: grain for grain, field in LISTS.items()}
    facts = policy.pack.settings.facts
    if found is not None and (found[1] is None or found[1] in grains):
        grain: Grain = "ticket" if found[1] is None else grains[found[1]]
        for fact in facts[grain]:
            if fact.name == found[2]:
                return fact
    near = nearest(path, [path_of(grain, fact.name) for grain, listed in facts.items() for fact in listed])
    raise UsageError(
        [
            problem(
                "fact-unknown",
                message("the policy knows no fact `{name}`", name=path),
                help=message("did you mean `{meant}`?", meant=near) if near else None,
            )
        ]
    )


def to_written(policy: Policy, facts: Mapping[str, Value | None]) -> dict[str, Any]:
    """Write facts as a user writes a ticket: a mapping that JSON and TOML can hold and `Policy.ticket` reads.

    Numbers count in the unit of the fact's name, money in major units; a share and a time that is no decimal part of
    an hour carry their unit; instants are local times of the policy's zone, with an offset only where the clock shows
    the time twice.

    Args:
        policy: Gives zone, currency and the company's own facts, which are put under `extra`.
        facts: Values in the smallest unit by their path; None leaves a fact out. All facts of one list, as in
            `parts[].quantity`, are those of one record.

    Raises:
        UsageError: There is no such fact.
    """
    written: dict[str, Any] = {}
    own = {fact.name for listed in BUILT_IN.values() for fact in listed}
    for path, value in facts.items():
        if value is None:
            continue
        fact = fact_at(policy, path)
        text = written_value(policy, fact, value)
        if fact.grain != "ticket":
            written.setdefault(LISTS[fact.grain], [{}])[0][fact.name] = text
        elif fact.name in own:
            written[fact.name] = text
        else:
            written.setdefault("extra", {})[fact.name] = text
    return written


def written_value(policy: Policy, fact: Fact, value: Value) -> Any:
    """Write one value, given in the smallest unit of its fact."""
    if isinstance(value, bool | str) or fact.kind == "count":
        return value
    if fact.kind == "date":
        return date.fromordinal(value + _FIRST_DAY).isoformat()
    if fact.kind == "instant":
        return _instant(policy, value)
    if fact.kind == "share":
        return f"{_number(Decimal(value).scaleb(-2))} %"
    if fact.kind == "duration":
        # A third of an hour has no end in decimals.
        return _number(Decimal(value) / 3600) if value % 9 == 0 else f"{value} s"
    digits = MEASURES[fact.kind][1] if fact.kind in MEASURES else minor_digits(policy.pack.settings.currency) or 0
    return _number(Decimal(value).scaleb(-digits))


def _number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _instant(policy: Policy, seconds: int) -> str:
    local = (_EPOCH + timedelta(seconds=seconds)).astimezone(policy.zone)
    is_plain = local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset()
    return (local.replace(tzinfo=None) if is_plain else local).isoformat()
