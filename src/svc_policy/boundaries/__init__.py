"""The interesting values of a policy's facts, and tickets that lie where somebody looks."""

from svc_policy.boundaries.derived import AT, derived, read_facts
from svc_policy.boundaries.finder import Finder, Where, find_ticket, finder_of
from svc_policy.boundaries.plain import plain_value
from svc_policy.boundaries.points import domain_of, points
from svc_policy.boundaries.written import fact_at, path_of, to_written, written_value

__all__ = [
    "AT",
    "Finder",
    "Where",
    "derived",
    "domain_of",
    "fact_at",
    "find_ticket",
    "finder_of",
    "path_of",
    "plain_value",
    "points",
    "read_facts",
    "to_written",
    "written_value",
]
