"""Decision tables: cells, domains, matching, evaluation, and the sheets they are read from.

Knows nothing of service policies. Workbooks need the extra `xlsx`, and only when they are read or written.
"""

from typing import TYPE_CHECKING, Any

from svc_policy.tables.cells import parse_results, parse_test
from svc_policy.tables.decision_table import Answer, DecisionTable, Outcome, is_in_force, result_value
from svc_policy.tables.domains import Domain, contains, default_domain, neighbours, parse_domain
from svc_policy.tables.matching import all_of, any_of, match, resolve
from svc_policy.tables.printing import (
    canonical_operand,
    canonical_result,
    canonical_rows,
    canonical_test,
    print_test,
)
from svc_policy.tables.records import (
    Absence,
    ColumnSpec,
    HitPolicy,
    Interval,
    Operand,
    Reference,
    Result,
    Rule,
    Test,
    name_key,
)

if TYPE_CHECKING:
    from svc_policy.tables.analysis import Analysis, analyse
    from svc_policy.tables.reading import read_table
    from svc_policy.tables.regions import Axis, Grid, Region
    from svc_policy.tables.sheets import Cell, Sheet, csv_text, make_sheet, neutralise, read_csv, write_csv
    from svc_policy.tables.workbooks import read_workbook, write_workbook

_LATER = {
    "Analysis": "analysis",
    "analyse": "analysis",
    "Axis": "regions",
    "Grid": "regions",
    "Region": "regions",
    "Cell": "sheets",
    "Sheet": "sheets",
    "make_sheet": "sheets",
    "neutralise": "sheets",
    "read_csv": "sheets",
    "write_csv": "sheets",
    "csv_text": "sheets",
    "read_workbook": "workbooks",
    "write_workbook": "workbooks",
    "read_table": "reading",
}


def __getattr__(name: str) -> Any:
    """Import the analysis and the readers of files when asked for: a loaded policy decides without them."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"svc_policy.tables.{_LATER[name]}"), name)


__all__ = [
    "Absence",
    "Analysis",
    "Answer",
    "Axis",
    "Cell",
    "ColumnSpec",
    "DecisionTable",
    "Domain",
    "Grid",
    "HitPolicy",
    "Interval",
    "Operand",
    "Outcome",
    "Reference",
    "Region",
    "Result",
    "Rule",
    "Sheet",
    "Test",
    "all_of",
    "analyse",
    "any_of",
    "canonical_operand",
    "canonical_result",
    "canonical_rows",
    "canonical_test",
    "contains",
    "csv_text",
    "default_domain",
    "is_in_force",
    "make_sheet",
    "match",
    "name_key",
    "neighbours",
    "neutralise",
    "parse_domain",
    "parse_results",
    "parse_test",
    "print_test",
    "read_csv",
    "read_table",
    "read_workbook",
    "resolve",
    "result_value",
    "write_csv",
    "write_workbook",
]
