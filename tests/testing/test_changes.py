"""Properties about a change: what they allow, what they find, what they ask for in vain."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings

from pack.building import write_pack
from svc_policy import Policy, load
from svc_policy.errors import UsageError
from svc_policy.testing import PropertyFailed, budget_within, never_worse_for_customer, only_changes
from svc_policy.testing.changes import CHANGES

from .shop import FILES, shop

SOME = settings(CHANGES, max_examples=80)
DEARER = ("fees.csv", "visit,2025-01-01,,A,visit,45 EUR", "visit,2025-01-01,,A,visit,46 EUR")
SLOWER = ("deadlines.csv", "arrived,48 h", "arrived,60 h")
SHORTER = ("warranty.csv", "12 months", "11 months")


def test_a_change_where_none_may_be_is_told_with_its_row(plain: Policy, tmp_path: Path) -> None:
    with pytest.raises(PropertyFailed) as caught:
        only_changes(plain, shop(tmp_path, *DEARER), settings=SOME)
    failed = caught.value
    assert [(rule.table, rule.rule, rule.line) for rule in failed.rules_shown] == [("fees", "visit", 3)] * 2
    assert "fee_visit_amount 45.00 → 46.00" in str(failed)
    # A job of category A on a day of the later edition; why it is A is left to whatever is shortest.
    assert failed.ticket.keys() & {"received_at", "quoted_at"}
    assert len(failed.ticket) <= 3 and not failed.ticket.keys() & {"labour_hours", "distance_km", "parts"}


def test_a_change_stays_where_and_in_what_it_may_be(plain: Policy, tmp_path: Path) -> None:
    dearer = shop(tmp_path, *DEARER)
    amounts = ["fee_visit_amount", "subtotal", "total", "payable", "needs_confirmation", "chargeable", "tax"]
    assert only_changes(plain, dearer, where={"category": "A"}, settings=SOME).status == "kept"
    assert only_changes(plain, dearer, results=amounts, settings=SOME).tried >= 60
    assert only_changes(plain, dearer, where=lambda decision: decision.category == "A", settings=SOME).status == "kept"
    for given in ({"where": {"category": "C"}}, {"results": ["fee_labour_*"]}, {"where": {"distance_km": "> 20 km"}}):
        with pytest.raises(PropertyFailed):
            only_changes(plain, dearer, settings=SOME, **given)  # type: ignore[arg-type]


def test_a_region_of_two_facts_is_both_of_them(plain: Policy, tmp_path: Path) -> None:
    slower = shop(tmp_path, *SLOWER)
    assert only_changes(plain, slower, where={"distance_km": "> 20 km"}, settings=SOME).status == "kept"
    with pytest.raises(PropertyFailed):
        only_changes(plain, slower, where={"distance_km": "> 20 km", "internal": "yes"}, settings=SOME)


@pytest.mark.parametrize(
    "given", [{"where": {"distanc_km": "> 1 km"}}, {"where": {"distance_km": "far"}}, {"results": ["totl"]}]
)
def test_what_cannot_be_meant_is_refused(plain: Policy, given: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        only_changes(plain, plain, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "result"), [(DEARER, "payable"), (SLOWER, "arrived_due"), (SHORTER, "covered|in_warranty")]
)
def test_a_customer_who_is_worse_off_is_found(
    plain: Policy, tmp_path: Path, change: tuple[str, str, str], result: str
) -> None:
    worse = shop(tmp_path, *change)
    with pytest.raises(PropertyFailed, match=f"`({result})` was .* and is"):
        # Every seed of a dozen finds each within 250.
        never_worse_for_customer(plain, worse, settings=settings(CHANGES, max_examples=400))
    # The other way round it is better.
    better = never_worse_for_customer(worse, plain, settings=SOME)
    assert better.status == "kept" and better.relevant > 10


def in_dollars(folder: Path) -> Policy:
    """Write the shop as it reckons in another currency: the same numbers, the same in all else."""
    files = {name: text.replace("EUR", "USD") for name, text in FILES.items()}
    return load(write_pack(folder / "dollars", files))


def test_amounts_in_two_currencies_are_not_compared_and_the_rest_is(plain: Policy, tmp_path: Path) -> None:
    dollars = in_dollars(tmp_path)
    for result in (
        never_worse_for_customer(plain, dollars, settings=SOME),
        only_changes(plain, dollars, settings=SOME),
    ):
        assert result.status == "kept"
        assert str(result.reason) == "amounts are not compared: one policy reckons in EUR, the other in USD"
        assert str(result.reason) in str(result.told())
    slower = shop(tmp_path, *SLOWER)
    with pytest.raises(PropertyFailed, match="`arrived_due` was"):
        never_worse_for_customer(dollars, slower, settings=settings(CHANGES, max_examples=400))
    with pytest.raises(PropertyFailed, match="arrived within: 48 h → within: 60 h"):
        only_changes(dollars, slower, settings=settings(CHANGES, max_examples=400))
    # 45.00 EUR are more than 44.00 USD or less: nobody is told that they are more.
    dearer = shop(tmp_path / "dear", *DEARER)
    assert never_worse_for_customer(dollars, dearer, settings=SOME).status == "kept"
    with pytest.raises(UsageError, match="amounts are not compared"):
        budget_within(plain, dollars, [(TICKET, AT)], 1)


TICKET = {"received_at": "2026-03-02T09:00:00", "delivered_on": "2020-01-01", "cause": "wear", "labour_hours": 1}
AT = datetime.fromisoformat("2026-03-02T10:00:00+01:00")


def test_a_budget_counts_what_tickets_come_to(plain: Policy, tmp_path: Path) -> None:
    dearer = shop(tmp_path, *DEARER)
    # A visit of 45 and an hour of 60, and what is not determined yet: 105 becomes 106, by 0.952… %.
    jobs = [(TICKET, AT), ({**TICKET, "labour_hours": None}, AT)]
    assert budget_within(plain, dearer, jobs, "0.96").tried == 1
    with pytest.raises(PropertyFailed, match=r"`total` of 1 tickets goes from 105.00 to 106.00 \(\+0.95 %\)"):
        budget_within(plain, dearer, jobs, "0.95")
    with pytest.raises(UsageError):
        budget_within(plain, dearer, jobs, 1, amount="totl")
