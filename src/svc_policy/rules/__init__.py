"""The families of rules, one module each, in the order in which a decision is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from svc_policy.rules import (
    approvals,
    category,
    checklists,
    confirmations,
    deadlines,
    duties,
    entitlements,
    escalations,
    exclusions,
    fees,
    forms,
    intake,
    late_penalties,
    overrides,
    part_fees,
    payers,
    penalties,
    routing,
    surcharges,
    surveys,
    warranty,
)
from svc_policy.rules.family import Family

#: Every family; each may read the results of those before it.
FAMILIES: Final[Mapping[str, Family]] = {
    family.name: family
    for family in (
        intake.FAMILY,
        warranty.FAMILY,
        exclusions.FAMILY,
        entitlements.FAMILY,
        category.FAMILY,
        deadlines.HOLDS,
        deadlines.FAMILY,
        fees.FAMILY,
        part_fees.FAMILY,
        surcharges.FAMILY,
        payers.FAMILY,
        overrides.FAMILY,
        confirmations.FAMILY,
        approvals.FAMILY,
        penalties.FAMILY,
        late_penalties.FAMILY,
        escalations.FAMILY,
        routing.FAMILY,
        forms.FAMILY,
        checklists.FAMILY,
        surveys.FAMILY,
        duties.FAMILY,
    )
}
