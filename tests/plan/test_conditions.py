"""A cell's test as an expression: what it says of stated, absent and unknown subjects, and of unknown bounds."""

from __future__ import annotations

import itertools

import pytest

from svc_policy.expressions import nodes
from svc_policy.expressions.evaluate import evaluate
from svc_policy.expressions.nodes import Expression, constant
from svc_policy.rules.conditions import condition
from svc_policy.tables import Reference, parse_test
from svc_policy.tables.matching import match

VALUES = (0, 4, 5, 6, 50, 51, None)
BOUND = nodes.fact("ticket.bound", "int", nullable=True, asks=True)
ABSENCES = {"unknown": True, "none": False}


def expression(text: str, subject: Expression) -> Expression:
    problems: list[object] = []
    test = parse_test(text, "count", problems=problems)
    assert test is not None and not problems
    return condition(
        test, subject, lambda operand: BOUND if isinstance(operand, Reference) else constant(operand.value)
    )


@pytest.mark.parametrize(
    "text",
    [
        "-",
        "5",
        "<= 5",
        "> 5",
        "(4..50]",
        "[5..50)",
        "5, 50",
        "< 5, >= 50",
        "missing",
        "not(5)",
        "not(missing)",
        "missing, > 5",
        "not(5, 6)",
    ],
)
@pytest.mark.parametrize("absence", ABSENCES)
def test_it_says_what_the_table_says(text: str, absence: str) -> None:
    subject = nodes.fact("ticket.subject", "int", nullable=True, asks=ABSENCES[absence])
    test = parse_test(text, "count", problems=[])
    for value in VALUES:
        expected = match(test, value, absence)
        assert evaluate(expression(text, subject), {"ticket.subject": value}, {}) is expected, (text, value)


@pytest.mark.parametrize(
    "text", ["<= {bound}", "{bound}", "(4..{bound}]", "5, {bound}", "not(< {bound})", "missing, > {bound}"]
)
@pytest.mark.parametrize("absence", ABSENCES)
def test_an_unknown_bound_leaves_it_unknown(text: str, absence: str) -> None:
    subject = nodes.fact("ticket.subject", "int", nullable=True, asks=ABSENCES[absence])
    test = parse_test(text, "count", problems=[])
    for value, bound in itertools.product(VALUES, (5, 50, None)):
        expected = match(test, value, absence, {"bound": bound})
        facts = {"ticket.subject": value, "ticket.bound": bound}
        assert evaluate(expression(text, subject), facts, {}) is expected, (text, value, bound)


@pytest.mark.parametrize(
    ("text", "holds"), [("< 5", False), ("not(< 5)", True), ("< {bound}", False), ("missing", True)]
)
def test_a_result_may_be_absent_or_unknown(text: str, holds: bool) -> None:
    subject = nodes.column("subject", "int", nullable=True, asks=True)
    node = expression(text, subject)
    absent = evaluate(node, {"ticket.bound": 7}, {"subject": None}, undetermined=frozenset())
    assert absent is holds
    unknown = evaluate(node, {"ticket.bound": 7}, {"subject": None}, undetermined=frozenset({"subject"}))
    assert unknown is (True if text == "missing" else None)


def test_a_stated_subject_and_an_unknown_bound() -> None:
    # The bound is a parameter whose date nobody told us: the subject being there must not settle the test.
    subject = nodes.fact("ticket.subject", "int", nullable=False, asks=False)
    node = expression("<= {bound}", subject)
    assert node.nullable and node.asks
    assert evaluate(node, {"ticket.subject": 3, "ticket.bound": None}, {}) is None
    assert evaluate(node, {"ticket.subject": 3, "ticket.bound": 3}, {}) is True
