"""The reference decision in other rule engines, each in the simplest form that answers correctly.

Every peer is a function of the plain values of a :class:`~bench.reference_tickets.Case`;
what an engine cannot do (adding up parts, in most) is done in Python, which favours it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from bench.hand_written import Answer, labour_fee, months_after, parts_fee, visit_fee

Facts = Mapping[str, Any]
Peer = Callable[[Facts], Answer]
EPOCH = date(1970, 1, 1).toordinal()


def available_peers() -> dict[str, Peer]:
    """Make the peers whose packages are installed."""
    makers = {
        "zen": (zen_expression, zen_graph),
        "business_rules": (business_rules,),
        "durable": (durable_rules,),
    }
    return {
        maker.__name__.replace("_", " "): maker()
        for package, group in makers.items()
        if find_spec(package) is not None
        for maker in group
    }


# --- zen: one compiled expression, and a decision graph -----------------------------------

_IN_WARRANTY = "received_day < d(purchased_on).add(12, 'month').timestamp() / 86400000"
_CATEGORY = (
    "internal ? 'D' : contract_until_day != null and contract_until_day >= received_day ? 'B' "
    ": in_warranty and cause == 'product' ? 'C' : 'A'"
)
_WINDOW = "distance_m <= 5000 ? 86400 : distance_m <= 50000 ? 172800 : 259200"
_VISIT = "distance_m <= 5000 ? 5000 : distance_m <= 50000 ? 10000 : 10000 + 200 * ceil((distance_m - 50000) / 1000)"
_LABOUR = "4000 * max([2, ceil(labour_s / 1800)])"
_PARTS = (
    "len(parts) == 0 ? 0 : in_warranty ? sum(map(parts, floor((#.price * #.quantity * 9 + 5) / 10))) "
    ": sum(map(parts, #.price * #.quantity))"
)
_LEVEL = "arrived ? 0 : used_s * 2 >= window_s * 3 ? 3 : used_s >= window_s ? 2 : used_s * 5 >= window_s * 4 ? 1 : 0"


def _zen_answer(found: Mapping[str, Any]) -> Answer:
    return found["category"], int(found["due_s"]), int(found["fee"]), int(found["level"])


def zen_expression() -> Peer:
    """Write the decision as one compiled expression."""
    import zen

    compiled = zen.compile_expression(
        f"in_warranty = {_IN_WARRANTY}; category = {_CATEGORY}; window_s = {_WINDOW}; used_s = at_s - received_s; "
        "{category: category, due_s: received_s + window_s, "
        f"fee: category == 'A' and on_site ? ({_VISIT}) + {_LABOUR} + ({_PARTS}) : category == 'B' ? ({_PARTS}) : 0, "
        f"level: {_LEVEL}}}"
    )
    evaluate = compiled.evaluate
    return lambda facts: _zen_answer(evaluate(facts))


def zen_graph() -> Peer:
    """Write the decision as a graph: expressions and decision tables, one node a step."""
    import zen

    graph = _Graph()
    graph.expressions("coverage", in_warranty=_IN_WARRANTY, used_s="at_s - received_s")
    graph.table(
        "category",
        ("internal", "contract_until_day", "received_day", "in_warranty", "cause"),
        ("category",),
        [
            (("true", "", "", "", ""), ("'D'",)),
            (("", "$ != null and $ >= received_day", "", "", ""), ("'B'",)),
            (("", "", "", "true", "'product'"), ("'C'",)),
            (("", "", "", "", ""), ("'A'",)),
        ],
    )
    graph.table(
        "window",
        ("distance_m",),
        ("window_s",),
        [(("<= 5000",), ("86400",)), (("(5000..50000]",), ("172800",)), (("> 50000",), ("259200",))],
    )
    graph.table(
        "fees",
        ("category", "on_site", "distance_m"),
        ("visit", "labour", "parts_share"),
        [
            (("'A'", "true", "<= 5000"), ("5000", _LABOUR, "1")),
            (("'A'", "true", "(5000..50000]"), ("10000", _LABOUR, "1")),
            (("'A'", "true", "> 50000"), ("10000 + 200 * ceil((distance_m - 50000) / 1000)", _LABOUR, "1")),
            (("'B'", "", ""), ("0", "0", "1")),
            (("", "", ""), ("0", "0", "0")),
        ],
    )
    graph.expressions("due", due_s="received_s + window_s", fee=f"visit + labour + parts_share * ({_PARTS})")
    graph.table(
        "level",
        ("arrived", "used_s"),
        ("level",),
        [
            (("true", ""), ("0",)),
            (("", "$ * 2 >= window_s * 3"), ("3",)),
            (("", "$ >= window_s"), ("2",)),
            (("", "$ * 5 >= window_s * 4"), ("1",)),
            (("", ""), ("0",)),
        ],
    )
    decision = zen.ZenEngine().create_decision(json.dumps(graph.content()))
    return lambda facts: _zen_answer(decision.evaluate(facts)["result"])


class _Graph:
    """Builds a chain of nodes in zen's JSON decision model; each node passes on what it was given."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = [{"id": "input", "name": "input", "type": "inputNode", "content": {}}]

    def expressions(self, name: str, **expressions: str) -> None:
        listed = [{"id": f"{name}-{key}", "key": key, "value": value} for key, value in expressions.items()]
        self._add(name, "expressionNode", {"expressions": listed})

    def table(
        self,
        name: str,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        rows: list[tuple[tuple[str, ...], tuple[str, ...]]],
    ) -> None:
        self._add(
            name,
            "decisionTableNode",
            {
                "hitPolicy": "first",
                "inputs": [{"id": f"in-{field}", "name": field, "field": field} for field in inputs],
                "outputs": [{"id": f"out-{field}", "name": field, "field": field} for field in outputs],
                "rules": [
                    {
                        "_id": f"{name}-{number}",
                        **{f"in-{field}": cell for field, cell in zip(inputs, tests, strict=True)},
                        **{f"out-{field}": cell for field, cell in zip(outputs, results, strict=True)},
                    }
                    for number, (tests, results) in enumerate(rows)
                ],
            },
        )

    def content(self) -> dict[str, Any]:
        nodes = [*self.nodes, {"id": "output", "name": "output", "type": "outputNode", "content": {}}]
        edges = [
            {"id": f"edge-{number}", "type": "edge", "sourceId": before["id"], "targetId": after["id"]}
            for number, (before, after) in enumerate(pairwise(nodes))
        ]
        return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}

    def _add(self, name: str, kind: str, content: dict[str, Any]) -> None:
        content |= {"passThrough": True, "inputField": None, "outputPath": None, "executionMode": "single"}
        self.nodes.append({"id": name, "name": name, "type": kind, "content": content})


# --- business-rules ------------------------------------------------------------------------


def business_rules() -> Peer:
    """Write the decision as lists of conditions, evaluated list by list until one triggers."""
    from business_rules.actions import BaseActions, rule_action
    from business_rules.engine import run_all
    from business_rules.fields import FIELD_NUMERIC, FIELD_TEXT
    from business_rules.variables import (
        BaseVariables,
        boolean_rule_variable,
        numeric_rule_variable,
        string_rule_variable,
    )

    class Variables(BaseVariables):
        def __init__(self, facts: Facts, answer: dict[str, Any]) -> None:
            self.facts = facts
            self.answer = answer

        @boolean_rule_variable
        def internal(self) -> bool:
            return self.facts["internal"]

        @boolean_rule_variable
        def in_contract(self) -> bool:
            until = self.facts["contract_until_day"]
            return until is not None and until >= self.facts["received_day"]

        @boolean_rule_variable
        def in_warranty(self) -> bool:
            return self.answer["in_warranty"]

        @boolean_rule_variable
        def on_site(self) -> bool:
            return self.facts["on_site"]

        @boolean_rule_variable
        def arrived(self) -> bool:
            return self.facts["arrived"]

        @string_rule_variable
        def cause(self) -> str:
            return self.facts["cause"]

        @string_rule_variable
        def category(self) -> str:
            return self.answer["category"]

        @numeric_rule_variable
        def distance_m(self) -> int:
            return self.facts["distance_m"]

        @numeric_rule_variable
        def used_tenths(self) -> int:
            return 10 * (self.facts["at_s"] - self.facts["received_s"]) // self.answer["window_s"]

    class Actions(BaseActions):
        def __init__(self, facts: Facts, answer: dict[str, Any]) -> None:
            self.facts = facts
            self.answer = answer

        @rule_action(params={"category": FIELD_TEXT})
        def set_category(self, category: str) -> None:
            self.answer["category"] = category

        @rule_action(params={"seconds": FIELD_NUMERIC})
        def set_window(self, seconds: int) -> None:
            self.answer["window_s"] = seconds

        @rule_action(params={"level": FIELD_NUMERIC})
        def set_level(self, level: int) -> None:
            self.answer["level"] = level

        @rule_action()
        def charge_visit(self) -> None:
            facts = self.facts
            self.answer["fee"] += visit_fee(facts["distance_m"]) + labour_fee(facts["labour_s"])

        @rule_action()
        def charge_parts(self) -> None:
            self.answer["fee"] += _parts_fee(self.facts, self.answer["in_warranty"])

    def rule(*actions: tuple[str, dict[str, Any]], **tests: tuple[str, Any]) -> dict[str, Any]:
        conditions = [{"name": name, "operator": test, "value": value} for name, (test, value) in tests.items()]
        return {
            "conditions": {"all": conditions},
            "actions": [{"name": name, "params": params} for name, params in actions],
        }

    yes, no = ("is_true", None), ("is_false", None)
    anything = {"distance_m": ("greater_than_or_equal_to", 0)}
    category = [
        rule(("set_category", {"category": "D"}), internal=yes),
        rule(("set_category", {"category": "B"}), in_contract=yes),
        rule(("set_category", {"category": "C"}), in_warranty=yes, cause=("equal_to", "product")),
        rule(("set_category", {"category": "A"}), **anything),
    ]
    window = [
        rule(("set_window", {"seconds": 86_400}), distance_m=("less_than_or_equal_to", 5_000)),
        rule(("set_window", {"seconds": 172_800}), distance_m=("less_than_or_equal_to", 50_000)),
        rule(("set_window", {"seconds": 259_200}), **anything),
    ]
    fees = [
        rule(("charge_visit", {}), ("charge_parts", {}), category=("equal_to", "A"), on_site=yes),
        rule(("charge_parts", {}), category=("equal_to", "B")),
    ]
    level = [
        rule(("set_level", {"level": number}), arrived=no, used_tenths=("greater_than_or_equal_to", tenths))
        for number, tenths in ((3, 15), (2, 10), (1, 8))
    ]

    def decide(facts: Facts) -> Answer:
        answer: dict[str, Any] = {"fee": 0, "level": 0, "in_warranty": _in_warranty(facts)}
        variables, actions = Variables(facts, answer), Actions(facts, answer)
        for rules in (category, window, fees, level):
            run_all(rules, variables, actions, stop_on_first_trigger=True)
        return answer["category"], facts["received_s"] + answer["window_s"], answer["fee"], answer["level"]

    return decide


# --- durable-rules -------------------------------------------------------------------------


def durable_rules() -> Peer:
    """Write the decision as four sets of rules on one host state; each ticket is an event for each of them."""
    from durable.lang import m, post, pri, ruleset, when_all

    answer: dict[str, Any] = {}

    def put(key: str, value: object) -> Callable[[Any], None]:
        def action(_: Any) -> None:
            answer[key] = value

        return action

    # An event is used up by the first rule that takes it, so priorities make a table of the rules.
    with ruleset("category"):
        when_all(pri(1), m.internal == True)(put("category", "D"))  # noqa: E712 - builds an expression
        when_all(pri(2), m.contract_days_left >= 0)(put("category", "B"))
        when_all(pri(3), (m.in_warranty == True) & (m.cause == "product"))(put("category", "C"))  # noqa: E712
        when_all(pri(4), m.distance_m >= 0)(put("category", "A"))
    with ruleset("window"):
        when_all(pri(1), m.distance_m <= 5_000)(put("window_s", 86_400))
        when_all(pri(2), m.distance_m <= 50_000)(put("window_s", 172_800))
        when_all(pri(3), m.distance_m > 50_000)(put("window_s", 259_200))
    with ruleset("fees"):
        when_all(pri(1), (m.category == "A") & (m.on_site == True))(put("charged", ("visit", "parts")))  # noqa: E712
        when_all(pri(2), m.category == "B")(put("charged", ("parts",)))
        when_all(pri(3), m.distance_m >= 0)(put("charged", ()))
    with ruleset("level"):
        when_all(pri(1), m.arrived == True)(put("level", 0))  # noqa: E712
        when_all(pri(2), m.used_tenths >= 15)(put("level", 3))
        when_all(pri(3), m.used_tenths >= 10)(put("level", 2))
        when_all(pri(4), m.used_tenths >= 8)(put("level", 1))
        when_all(pri(5), m.used_tenths >= 0)(put("level", 0))

    def decide(facts: Facts) -> Answer:
        answer.clear()
        in_warranty = _in_warranty(facts)
        until, distance_m = facts["contract_until_day"], facts["distance_m"]
        event = {name: facts[name] for name in ("internal", "cause", "distance_m")} | {"in_warranty": in_warranty}
        if until is not None:
            event["contract_days_left"] = until - facts["received_day"]
        post("category", event)
        post("window", {"distance_m": distance_m})
        post("fees", {"category": answer["category"], "on_site": facts["on_site"], "distance_m": distance_m})
        tenths = 10 * (facts["at_s"] - facts["received_s"]) // answer["window_s"]
        post("level", {"arrived": facts["arrived"], "used_tenths": tenths})
        fee = visit_fee(distance_m) + labour_fee(facts["labour_s"]) if "visit" in answer["charged"] else 0
        if "parts" in answer["charged"]:
            fee += _parts_fee(facts, in_warranty)
        return answer["category"], facts["received_s"] + answer["window_s"], fee, answer["level"]

    return decide


def _in_warranty(facts: Facts) -> bool:
    end = months_after(date.fromisoformat(facts["purchased_on"]), 12).toordinal() - EPOCH
    return bool(facts["received_day"] < end)


def _parts_fee(facts: Facts, in_warranty: bool) -> int:
    return parts_fee(tuple((part["price"], part["quantity"]) for part in facts["parts"]), in_warranty)
