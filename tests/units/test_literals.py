import subprocess
import sys

import pytest

from svc_policy.errors import Place, PolicyError, Problem
from svc_policy.units import (
    Allowance,
    Kind,
    Literal,
    Value,
    format_literal,
    minor_digits,
    parse_instant,
    parse_literal,
)

HOUR = 3600


@pytest.mark.parametrize(
    "kind, text, value, canonical",
    [
        ("money", "50 CNY", 5000, "50 CNY"),
        ("money", "50CNY", 5000, "50 CNY"),
        ("money", "CNY 50", 5000, "50 CNY"),
        ("money", "50 cny", 5000, "50 CNY"),
        ("money", "50元", 5000, "50 CNY"),
        ("money", "¥50", 5000, "50 CNY"),
        ("money", "￥５０", 5000, "50 CNY"),
        ("money", "¥0.5", 50, "0.50 CNY"),
        ("money", "¥50元", 5000, "50 CNY"),
        ("money", "0.05 CNY", 5, "0.05 CNY"),
        ("money", "50.5 CNY", 5050, "50.50 CNY"),
        ("distance", "5 km", 5000, "5 km"),
        ("distance", "５ km", 5000, "5 km"),
        ("distance", "5公里", 5000, "5 km"),
        ("distance", "5千米", 5000, "5 km"),
        ("distance", "5000 m", 5000, "5 km"),
        ("distance", "500米", 500, "0.5 km"),
        ("distance", "0.125 km", 125, "0.125 km"),
        ("distance", "0 km", 0, "0 km"),
        ("area", "12.5 m2", 125_000, "12.5 m2"),
        ("area", "12.5m²", 125_000, "12.5 m2"),
        ("area", "12.5㎡", 125_000, "12.5 m2"),
        ("area", "１２．５平方米", 125_000, "12.5 m2"),
        ("area", "0.0001 m2", 1, "0.0001 m2"),
        ("area", "3600 cm2", 3_600, "0.36 m2"),
        ("weight", "30 kg", 30_000, "30 kg"),
        ("weight", "30公斤", 30_000, "30 kg"),
        ("weight", "30.125千克", 30_125, "30.125 kg"),
        ("weight", "1.5 t", 1_500_000, "1500 kg"),
        ("weight", "1.5吨", 1_500_000, "1500 kg"),
        ("weight", "0.000001 t", 1, "0.001 kg"),
        ("weight", "500 g", 500, "0.5 kg"),
        ("duration", "1 h", HOUR, "1 h"),
        ("duration", "60 min", HOUR, "1 h"),
        ("duration", "90分钟", 5400, "90 min"),
        ("duration", "0.5 小时", 1800, "30 min"),
        ("duration", "90 s", 90, "90 s"),
        ("duration", "2 d", 172800, "48 h"),
        ("duration", "2 days", 172800, "48 h"),
        ("duration", "2天", 172800, "48 h"),
        ("share", "90 %", 9000, "90 %"),
        ("share", "12.5％", 1250, "12.5 %"),
        ("share", "120%", 12000, "120 %"),
        ("count", "3", 3, "3"),
        ("count", "1000000000000000", 10**15, "1000000000000000"),
        ("months", "12 months", 12, "12 months"),
        ("months", "1 year", 12, "12 months"),
        ("months", "1个月", 1, "1 month"),
        ("months", "0.5 year", 6, "6 months"),
        ("date", "1970-01-02", 1, "1970-01-02"),
        ("date", "2026/1/1", 20454, "2026-01-01"),
        ("date", "2026年1月1日", 20454, "2026-01-01"),
        ("date", "2026年10月10日", 20736, "2026-10-10"),
        ("date", "1969-12-31", -1, "1969-12-31"),
        ("instant", "1970-01-01T08:00:01+08:00", 1, "1970-01-01T00:00:01Z"),
        ("instant", "1970-01-01 00:01Z", 60, "1970-01-01T00:01:00Z"),
        ("instant", "1970-01-01T24:00:00.000Z", 86400, "1970-01-02T00:00:00Z"),
        ("instant", "1969-12-31T18:30:00-05:30", 0, "1970-01-01T00:00:00Z"),
        ("bool", "yes", True, "yes"),
        ("bool", "No", False, "no"),
        ("bool", "是", True, "yes"),
        ("bool", "否", False, "no"),
        ("text", " misuse ", "misuse", "misuse"),
        ("text", "ＡＢ１", "AB1", "AB1"),
        ("text", '"a, ""b"""', 'a, "b"', 'a, "b"'),
        ("text", '"Ａ "', "Ａ ", "Ａ "),
        ("text", "“甲，乙”", "甲，乙", "甲，乙"),
        ("allowance", "24 h", Allowance(24 * HOUR, "s"), "24 h"),
        ("allowance", "4 working h", Allowance(4 * HOUR, "working_s"), "4 working h"),
        ("allowance", "4  Working Hours", Allowance(4 * HOUR, "working_s"), "4 working h"),
        ("allowance", "30 working min", Allowance(1800, "working_s"), "30 working min"),
        ("allowance", "4个工作小时", Allowance(4 * HOUR, "working_s"), "4 working h"),
        ("allowance", "3 working days", Allowance(3, "working_days"), "3 working days"),
        ("allowance", "1个工作日", Allowance(1, "working_days"), "1 working day"),
        ("allowance", "3 days", Allowance(3, "days"), "3 days"),
        ("allowance", "3天", Allowance(3, "days"), "3 days"),
        ("allowance", "6 months", Allowance(6, "months"), "6 months"),
        ("allowance", "1年", Allowance(12, "months"), "12 months"),
    ],
)
def test_a_literal_is_read_and_has_one_canonical_form(kind: Kind, text: str, value: Value, canonical: str) -> None:
    literal = parse_literal(text, kind, currency="CNY")
    assert literal.value == value
    assert type(literal.value) is type(value)
    assert literal.text == text.strip()
    assert format_literal(literal) == canonical


@pytest.mark.parametrize(
    "kind, text, code, help_line",
    [
        ("distance", "5", "unit-missing", "a distance carries its unit, as in `5 km`"),
        ("money", "50", "unit-missing", "an amount of money carries its unit, as in `50 CNY`"),
        ("allowance", "8", "unit-missing", "a time allowance carries its unit, as in `8 working h`"),
        ("distance", "5 mi", "unit-unknown", "`mi` is no unit of a distance; write it as in `5 km`"),
        ("duration", "5 working h", "unit-unknown", "`working h` is no unit of a duration; write it as in `48 h`"),
        ("count", "3 pcs", "unit-unknown", "a whole number has no unit, as in `3`"),
        ("distance", "5² km", "unit-unknown", "`² km` is no unit of a distance; write it as in `5 km`"),
        ("distance", "-5 km", "number-negative", "a distance is never negative"),
        ("money", "-¥5", "number-negative", "an amount of money is never negative"),
        ("money", "−5 CNY", "number-negative", "an amount of money is never negative"),
        ("count", "NaN", "number-not-finite", "a whole number is a finite number"),
        ("count", "inf", "number-not-finite", "a whole number is a finite number"),
        ("count", "1e9", "number-exponent", "write all digits of a number, without an exponent"),
        ("distance", "1.5E-3 km", "number-exponent", "write all digits of a number, without an exponent"),
        ("distance", ".5 km", "number-point", "a decimal point has digits on both sides, and there is one at most"),
        ("distance", "1.2.3 km", "number-point", "a decimal point has digits on both sides, and there is one at most"),
        ("money", "1,200 CNY", "number-grouped", "write the digits of a number without separators"),
        ("distance", "0.0001 km", "number-too-fine", "`km` takes 3 decimals at most"),
        ("distance", "1.5 m", "number-too-fine", "`m` takes 0 decimals at most"),
        ("share", "0.125 %", "number-too-fine", "`%` takes 2 decimals at most"),
        ("money", "0.005 CNY", "number-too-fine", "`CNY` takes 2 decimals at most"),
        ("duration", "0.0001 h", "number-too-fine", "a duration is not measured that finely"),
        ("allowance", "0.5 working days", "number-too-fine", "a time allowance is not measured that finely"),
        ("count", "3.0", "number-too-fine", "a whole number has no decimals"),
        ("count", "1000000000000001", "number-huge", None),
        ("distance", "1000000000001 km", "number-huge", None),
        ("count", "9" * 5000, "number-huge", None),
        ("money", "50 USD", "currency-other", "the policy's currency is `CNY`"),
        ("money", "50 $", "currency-unclear", "write the currency's code, as in `50 CNY`"),
        ("money", "50 XQZ", "unit-unknown", "`xqz` is no unit of an amount of money; write it as in `50 CNY`"),
        ("count", "٣", "number-unreadable", "a whole number is written as in `3`"),
        ("date", "2026-02-30", "date-missing", "there is no such day: 2026-02 has 28 days"),
        ("date", "2026-12-32", "date-missing", "there is no such day: 2026-12 has 31 days"),
        ("date", "2026-13-01", "date-missing", "there is no such month"),
        ("date", "2026/1-1", "date-unreadable", "a date is written as in `2026-01-31`"),
        ("date", "1/2/2026", "date-unreadable", "a date is written as in `2026-01-31`"),
        ("instant", "2026-03-02T09:00", "instant-without-offset", None),
        ("instant", "2026-03-02T09:60Z", "instant-unreadable", "a time of day runs from 00:00 to 24:00"),
        ("instant", "2026-03-02T24:01Z", "instant-unreadable", "a time of day runs from 00:00 to 24:00"),
        ("instant", "2026-03-02T09:00:00.5Z", "instant-too-fine", "an instant is read to the second"),
        ("instant", "2026-03-02T09:00+24:00", "instant-unreadable", "an offset runs from `-23:59` to `+23:59`"),
        ("bool", "true", "bool-unreadable", "write `yes` or `no`"),
        ("text", '"a', "text-unclosed", None),
        ("text", '"a" b', "text-unclosed", None),
        ("text", "  ", "literal-empty", "a text is written as in `misuse`"),
    ],
)  # fmt: skip
def test_what_is_no_literal_is_a_problem_with_help(kind: Kind, text: str, code: str, help_line: str | None) -> None:
    problems: list[Problem] = []
    assert parse_literal(text, kind, currency="CNY", problems=problems) is None
    (found,) = problems
    assert found.code == code
    assert found.message.text().startswith("cannot read `")
    if help_line is not None:
        assert str(found.help) == help_line


def test_a_literal_that_cannot_be_read_is_raised_with_its_place() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_literal("5", "distance", place=Place(file="policy.toml", line=3))
    assert str(caught.value) == (
        "policy.toml:3: cannot read `5` as a distance\nhelp: a distance carries its unit, as in `5 km`"
    )


def test_the_sign_of_the_yuan_needs_the_currency() -> None:
    assert parse_literal("¥50", "money", currency="JPY") == Literal("money", 50, "JPY")
    with pytest.raises(PolicyError, match="code"):
        parse_literal("50元", "money", currency="USD")
    with pytest.raises(PolicyError, match="code"):
        parse_literal("50元", "money")


@pytest.mark.parametrize(
    "currency, digits", [("CNY", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0), ("XQZ", None), ("cny", None)]
)
def test_minor_digits(currency: str, digits: int | None) -> None:
    assert minor_digits(currency) == digits


def test_any_currency_is_read_when_none_is_given() -> None:
    assert parse_literal("1.5 KWD", "money") == Literal("money", 1500, "KWD")
    assert format_literal(Literal("money", 1500, "KWD")) == "1.500 KWD"
    assert format_literal(Literal("money", -1500, "JPY")) == "-1500 JPY"


def test_equality_is_of_meaning() -> None:
    assert parse_literal("5公里", "distance") == parse_literal("5000 m", "distance")
    assert parse_literal("24 h", "allowance") != parse_literal("1 day", "allowance")


def test_a_local_time_is_read_in_its_zone() -> None:
    assert parse_instant("2026-03-02T09:00:00", "Asia/Shanghai") == parse_instant("2026-03-02T01:00:00Z")
    assert parse_instant("2026年3月2日9:00", "Asia/Shanghai") == 1772413200


@pytest.mark.parametrize(
    "text, help_line",
    [
        (
            "2026-03-29 02:30",
            "`Europe/Berlin` skips this time: write `2026-03-29T02:30:00+01:00` or `2026-03-29T02:30:00+02:00`",
        ),
        (
            "2026-10-25 02:30",
            "`Europe/Berlin` has this time twice: write `2026-10-25T02:30:00+02:00` or `2026-10-25T02:30:00+01:00`",
        ),
    ],
)
def test_a_time_that_a_zone_skips_or_repeats_names_both_readings(text: str, help_line: str) -> None:
    problems: list[Problem] = []
    assert parse_instant(text, "Europe/Berlin", problems=problems) is None
    assert [str(found.help) for found in problems] == [help_line]


def test_an_hour_beside_the_gap_is_read() -> None:
    # 01:59:59 is still at +01:00, 03:00:00 already at +02:00: one second apart.
    before = parse_instant("2026-03-29T01:59:59", "Europe/Berlin")
    assert parse_instant("2026-03-29T03:00:00", "Europe/Berlin") == before + 1


def test_a_zone_that_is_not_there_is_a_problem() -> None:
    with pytest.raises(PolicyError, match="did you mean `Asia/Shanghai`"):
        parse_instant("2026-03-02T09:00", "Asia/Shangai")


def test_the_last_hour_that_can_be_written_is_no_traceback() -> None:
    with pytest.raises(PolicyError, match="a year runs from"):
        parse_instant("9999-12-31T24:00", "UTC")


def test_importing_units_imports_nothing_heavy() -> None:
    heavy = "{'decimal', 'babel', 'zoneinfo', 'pendulum', 'python_calamine', 'xlsxwriter'}"
    code = f"import sys, svc_policy.tables; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
