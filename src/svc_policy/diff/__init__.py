"""What a change of a policy does: what changed, where decisions differ, and what it would have meant."""

from typing import TYPE_CHECKING, Any

from svc_policy.diff.changes import Change, find_changes
from svc_policy.diff.difference import Difference, diff
from svc_policy.diff.outcomes import Comparison
from svc_policy.diff.regions import Otherwise, differing_regions
from svc_policy.diff.sources import open_policy
from svc_policy.diff.text import difference_lines

if TYPE_CHECKING:
    from svc_policy.diff.impact import Impact, impact_of_file

__all__ = [
    "Change",
    "Comparison",
    "Difference",
    "Impact",
    "Otherwise",
    "diff",
    "difference_lines",
    "differing_regions",
    "find_changes",
    "impact_of_file",
    "open_policy",
]


def __getattr__(name: str) -> Any:
    """Import the impact when it is asked for: it needs the extra `batch`."""
    if name in ("Impact", "impact_of_file"):
        from svc_policy.diff import impact

        return getattr(impact, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
