"""The policies of a process: each is loaded once and found by its digest.

What is chosen for a company is a name or a folder *and the digest that it had
when it was chosen*. A folder that is edited afterwards changes nothing until
somebody chooses it again, in whichever process a complaint is decided.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from svc_policy.errors import AdapterError, Place, PolicyError, problem
from svc_policy.facts.reading import TicketReader
from svc_policy.messages import message
from svc_policy.policy import Policy, load

#: Policies and readers that a process keeps; the one that was not used longest goes first.
MOST: Final = 32

_LOCK = threading.Lock()
_POLICIES: OrderedDict[str, Policy] = OrderedDict()
_READERS: OrderedDict[tuple[str, str], TicketReader] = OrderedDict()

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def choose(name: str) -> Policy:
    """Load what an administrator names, and check it.

    Args:
        name: A built-in policy, or the whole path of a folder or workbook on the server.

    Raises:
        PolicyError: It does not load, a path is not whole, or the check finds errors; with every one of them.
    """
    if ("/" in name or "\\" in name or name.startswith(".")) and not Path(name).is_absolute():
        relative = message("`{name}` is no whole path", name=name)
        raise AdapterError(
            [problem("policy-path", relative, help=message("write the path from the root, as in `/srv/policies/shop`"))]
        )
    policy = load(name)
    errors = [found for found in policy.check() if found.severity == "error"]
    if errors:
        raise PolicyError(errors)
    with _LOCK:
        _keep(_POLICIES, policy.digest, policy)
    return policy


def policy_of(name: str, digest: str) -> Policy:
    """Give the policy that was chosen.

    Raises:
        PolicyError: It was not loaded in this process and cannot be, or its files are no longer what was chosen.
    """
    found = known(digest)
    if found is not None:
        return found
    policy = load(name)
    if policy.digest != digest:
        changed = message(
            "the policy has been changed since it was chosen: it was `{old}` and is now `{new}`",
            old=digest[:12],
            new=policy.digest[:12],
        )
        advice = message("choose it again in the configuration of sales, with the button “Take up the policy again”")
        raise AdapterError([problem("policy-changed", changed, place=Place(file=name), help=advice)])
    with _LOCK:
        _keep(_POLICIES, digest, policy)
    return policy


def known(digest: str) -> Policy | None:
    """Give a policy that this process has loaded, or None."""
    with _LOCK:
        found = _POLICIES.get(digest)
        if found is not None:
            _POLICIES.move_to_end(digest)
        return found


def remember(policy: Policy) -> None:
    """Keep a policy that was loaded elsewhere, so that what it decided can be explained."""
    with _LOCK:
        if _POLICIES.get(policy.digest) is None:
            _keep(_POLICIES, policy.digest, policy)


def reader_of(policy: Policy, zone: str | None) -> TicketReader:
    """Give the reader of a policy's tickets that reads local times in `zone`, in the policy's where there is none."""
    settings = policy.pack.settings
    key = (policy.digest, zone or settings.timezone)
    with _LOCK:
        reader = _READERS.get(key)
    if reader is None:
        reader = TicketReader(zone=ZoneInfo(key[1]), currency=settings.currency, facts=settings.company_facts)
        with _LOCK:
            _keep(_READERS, key, reader)
    return reader


def forget() -> None:
    """Forget every policy, as a fresh process would."""
    with _LOCK:
        _POLICIES.clear()
        _READERS.clear()


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST:
        kept.popitem(last=False)
