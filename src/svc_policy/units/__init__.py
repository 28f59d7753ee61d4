"""Money, distances, areas, weights, durations, shares, dates: literals with units, as integers and nothing else."""

from svc_policy.units.arithmetic import floor_div, half_up_div
from svc_policy.units.currencies import minor_digits
from svc_policy.units.days import add_months, date_of, day_of, days_in_month, format_day, is_date
from svc_policy.units.folding import fold
from svc_policy.units.instants import advise_zone, format_instant, open_zone, read_instant
from svc_policy.units.literals import (
    EXAMPLES,
    LARGEST,
    NOUNS,
    format_literal,
    parse_instant,
    parse_literal,
    read_literal,
    read_text,
)
from svc_policy.units.records import KINDS, Allowance, AllowanceUnit, Kind, Literal, Refusal, Value
from svc_policy.units.written_dates import read_date

__all__ = [
    "EXAMPLES",
    "KINDS",
    "LARGEST",
    "NOUNS",
    "Allowance",
    "AllowanceUnit",
    "Kind",
    "Literal",
    "Refusal",
    "Value",
    "add_months",
    "advise_zone",
    "date_of",
    "day_of",
    "days_in_month",
    "floor_div",
    "fold",
    "format_day",
    "format_instant",
    "format_literal",
    "half_up_div",
    "is_date",
    "minor_digits",
    "open_zone",
    "parse_instant",
    "parse_literal",
    "read_date",
    "read_instant",
    "read_literal",
    "read_text",
]
