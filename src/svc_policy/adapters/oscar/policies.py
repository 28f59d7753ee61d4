"""The policy of the shop: loaded once, and again when its files change."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from svc_policy.adapters.oscar.configuration import configuration
from svc_policy.errors import PolicyError
from svc_policy.messages import Language, language_of

if TYPE_CHECKING:
    from svc_policy.explain import Wording
    from svc_policy.policy import Policy

_LOG: Final = logging.getLogger("svc_policy")
_LOCK: Final = threading.Lock()
#: By the name in the setting: what its files looked like when they were last read, and the policy in use.
_KEPT: Final[dict[str, tuple[object, Policy]]] = {}


def current_policy() -> Policy:
    """Give the policy of the shop.

    A folder or workbook that changed is loaded anew. One that does not load is
    logged, and the policy in use stays.

    Raises:
        PolicyError: The setting cannot be read, or no policy was ever loaded.
    """
    from svc_policy.policy import load

    name = configuration().policy
    looks = _look(name)
    kept = _KEPT.get(name)
    if kept is not None and kept[0] == looks:
        return kept[1]
    with _LOCK:
        kept = _KEPT.get(name)
        if kept is not None and kept[0] == looks:
            return kept[1]
        try:
            policy = load(name)
        except PolicyError as error:
            if kept is None:
                raise
            _LOG.error("the changed policy cannot be used, %s stays:\n%s", kept[1], error.render())
            policy = kept[1]
        _KEPT[name] = looks, policy
    return policy


def _look(name: str) -> object:
    """Say what the files of a policy look like: names, sizes, times of change."""
    path = Path(name)
    if not path.exists():
        return None
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(file, file.stat()) for file in files if file.is_file()]
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file, stat in stats)


def now() -> datetime:
    """Give the instant of the shop."""
    return configuration().now()


def language() -> Language:
    """Give the library's language that is nearest to the one Django speaks to this user."""
    from django.utils.translation import get_language

    return language_of(get_language() or "en")


def words(policy: Policy, lang: Language | None = None) -> Wording:
    """Give the words of a policy, in the user's language unless another is named."""
    from svc_policy.explain import Wording

    return Wording(policy, lang or language())
