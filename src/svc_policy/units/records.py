"""What a literal is: its kind, its value as integers, and the text it was read from."""

from __future__ import annotations

import typing

import attrs

from svc_policy.messages import Message

Kind = typing.Literal[
    "text",
    "bool",
    "money",
    "distance",
    "area",
    "weight",
    "duration",
    "share",
    "count",
    "date",
    "instant",
    "months",
    "allowance",
]
AllowanceUnit = typing.Literal["s", "working_s", "working_days", "days", "months"]

KINDS: typing.Final[tuple[Kind, ...]] = typing.get_args(Kind)


@attrs.frozen
class Allowance:
    """A time allowance with its clock.

    `value` counts calendar seconds (`s`), working seconds (`working_s`), working
    days, calendar days or months. Values of different units do not compare.
    """

    value: int
    unit: AllowanceUnit


Value = int | str | bool | Allowance


@attrs.frozen
class Literal:
    """A value with its kind.

    `value` is in the smallest unit: minor units of the currency, metres, square
    centimetres, grams, seconds, basis points, days since 1970-01-01, epoch seconds UTC, months. `unit` is the
    currency of money and empty otherwise. `text` is the literal as it was written
    and takes no part in equality: literals are equal when they mean the same.
    """

    kind: Kind
    value: Value
    unit: str = ""
    text: str = attrs.field(default="", eq=False)


class Refusal(Exception):  # noqa: N818 - a reader says no; its caller makes the problem, knowing the place
    """Why a text is refused: a code for the problem and the help that says what would be right."""

    def __init__(self, code: str, help: Message) -> None:  # noqa: A002 - the word that is shown
        self.code = code
        self.help = help
        super().__init__(str(help))
