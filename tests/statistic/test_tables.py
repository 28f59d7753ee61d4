"""What is wrong with a table of budgets or of stock is one clear problem, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack.building import copy_of_mall
from svc_policy import load
from svc_policy.errors import PackError

BUDGETS = "rule,then: kind,then: year,then: amount,then: warn,cite\n"
STOCK = "rule,part_class,key_equipment,then: least,then: most,then: priority,then: storage,cite\n"


@pytest.mark.parametrize(
    "file, text, code, line, says",
    [
        ("budgets.csv", f"{BUDGETS}a,cost_parts,2026,12000 EUR,80 %,mall-1.4\n", "currency", 2, "12000 EUR"),
        ("budgets.csv", f"{BUDGETS}a,amount_claimed,2026,5 CNY,-,mall-1.4\n", "value-unknown", 2, "amount_claimed"),
        (
            "budgets.csv",
            f"{BUDGETS}a,cost_parts,2026,5 CNY,-,mall-1.4\nb,更换零部件成本,2026,6 CNY,-,mall-1.4\n",
            "budget-twice",
            3,
            "after rule `a`",
        ),
        ("budgets.csv", f"{BUDGETS}a,cost_parts,99999,5 CNY,-,mall-1.4\n", "budget-year", 2, "the year 99999"),
        ("budgets.csv", f"{BUDGETS}a,cost_parts,2026,5 CNY,180 %,mall-1.4\n", "budget-warn", 2, "more than the budget"),
        ("stock.csv", f"{STOCK}a,-,yes,5,2,-,-,mall-1.4\n", "stock-range", 2, "at least 5, but at most 2"),
        ("stock.csv", "rule,on_site,then: least,cite\na,yes,5,mall-1.4\n", "heading-unknown", 1, "on_site"),
    ],
)
def test_one_problem(tmp_path: Path, file: str, text: str, code: str, line: int, says: str) -> None:
    pack = copy_of_mall(tmp_path)
    (pack / file).write_text(text, encoding="utf-8")
    with pytest.raises(PackError) as refused:
        load(pack)
    (found,) = refused.value.problems
    assert found.place is not None and found.place.line == line
    assert says in str(found.message)
    assert code in found.code, found.code
