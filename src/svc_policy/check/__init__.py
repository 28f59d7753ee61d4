"""Check a policy by proof: what its tables leave out, where rows meet, what never decides and what nobody uses."""

from svc_policy.check.findings import CODES, Example, Finding
from svc_policy.check.running import check_policy
from svc_policy.check.views import Piece, TableView, table_views
from svc_policy.check.words import RegionWords, days_of, region_tests

__all__ = [
    "CODES",
    "Example",
    "Finding",
    "Piece",
    "RegionWords",
    "TableView",
    "check_policy",
    "days_of",
    "region_tests",
    "table_views",
]
