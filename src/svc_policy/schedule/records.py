"""Contracts and assets, what is due when, and posts: records that become JSON."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date
from typing import Any

import attrs

from svc_policy.decision import RuleUse

SCHEMA = 1


@attrs.frozen(kw_only=True)
class Contract:
    """One contract; `contract_until` is its last day."""

    contract_no: str = ""
    customer: str | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    contract_kind: str | None = None

    @property
    def name(self) -> str:
        """What it is told from others by."""
        return self.contract_no


@attrs.frozen(kw_only=True)
class Asset:
    """One device, or one site with what stands there: it has a serial number, a site, or both."""

    serial_no: str | None = None
    site: str | None = None
    customer: str | None = None
    contract_no: str | None = None
    item_code: str | None = None
    product_class: str | None = None
    purchased_on: date | None = None
    delivered_on: date | None = None
    installed_on: date | None = None
    accepted_on: date | None = None
    warranty_until: date | None = None

    @property
    def name(self) -> str:
        """What it is told from others by."""
        return self.serial_no or self.site or ""


@attrs.frozen(kw_only=True)
class Occurrence:
    """Something due on a day of the policy's zone.

    `over` and `subject` say what it is about where it comes once for each
    contract, asset, site or customer. `counted_from` is the day that `before`
    and `after` are counted from: a date of the subject, or the day of the period.
    `moved_from` is the day it would have been, were that a working day.
    """

    on: date
    occasion: str
    owner: str
    recipient: str | None
    over: str | None
    subject: str | None
    customer: str | None
    phase: int | None
    phase_name: str | None
    counted_from: date
    moved_from: date | None
    rule: RuleUse


@attrs.frozen(kw_only=True)
class Undated:
    """Something that comes round, nobody can say yet when.

    `every` is the rhythm where that is known; `decided_by` decides what is
    open; `missing` names the date of the subject that is not there.
    """

    occasion: str
    owner: str
    recipient: str | None
    over: str | None
    subject: str | None
    customer: str | None
    phase: int | None
    phase_name: str | None
    every: str | None
    decided_by: str | None
    missing: str | None
    rule: RuleUse


@attrs.frozen(kw_only=True)
class Schedule:
    """The schedule of a policy from one day to another, both included, sorted by day."""

    policy_id: str
    digest: str
    from_: date
    until: date
    occurrences: tuple[Occurrence, ...]
    undated: tuple[Undated, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the schedule as JSON-ready data; dates are ISO texts."""
        return {
            "schema": SCHEMA,
            "policy": _policy(self.policy_id, self.digest),
            "from": self.from_.isoformat(),
            "until": self.until.isoformat(),
            "occurrences": [_plain(item) for item in self.occurrences],
            "undated": [_plain(item) for item in self.undated],
        }


@attrs.frozen(kw_only=True)
class Post:
    """How many people a post takes.

    `staff` is `base` and what the workload adds, None where the row has no
    number. `needs` names the workload that is not given, or None.
    """

    post: str
    staff: int | None
    base: int | None
    per: str | None
    each: int | None
    beyond: int | None
    needs: str | None
    decided_by: str | None
    rule: RuleUse


@attrs.frozen(kw_only=True)
class Staffing:
    """The posts that a policy names, for a workload."""

    policy_id: str
    digest: str
    on: date
    workload: Mapping[str, int]
    posts: tuple[Post, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the posts as JSON-ready data."""
        return {
            "schema": SCHEMA,
            "policy": _policy(self.policy_id, self.digest),
            "on": self.on.isoformat(),
            "workload": dict(self.workload),
            "posts": [_plain(post) for post in self.posts],
        }


def _policy(policy_id: str, digest: str) -> dict[str, str]:
    from svc_policy import __version__

    return {"id": policy_id, "digest": digest, "engine": __version__}


@functools.cache
def _shown(kind: type[Any]) -> tuple[str, ...]:
    # What a rule was applied to is said by the record itself.
    left_out = ("subject", "certain") if kind is RuleUse else ()
    return tuple(field.name for field in attrs.fields(kind) if field.name not in left_out)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if attrs.has(type(value)):
        return {name: _plain(getattr(value, name)) for name in _shown(value.__class__)}
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
