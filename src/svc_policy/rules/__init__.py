"""The families of rules, one module each, in the order in which a decision is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from svc_policy.rules import (
    appraisals,
    approvals,
    budgets,
    category,
    checklists,
    compensations,
    complaints,
    confirmations,
    deadlines,
    duties,
    entitlements,
    escalations,
    exclusions,
    fees,
    fields,
    forms,
    intake,
    late_penalties,
    materials,
    overrides,
    part_fees,
    payers,
    penalties,
    procedures,
    processing,
    routing,
    schedules,
    settlements,
    staffing,
    stock,
    surcharges,
    surveys,
    vehicles,
    warranty,
    zones,
)
from svc_policy.rules.family import Family

#: Every family; each may read the results of those before it.
FAMILIES: Final[Mapping[str, Family]] = {
    family.name: family
    for family in (
        intake.FAMILY,
        zones.FAMILY,
        complaints.FAMILY,
        warranty.FAMILY,
        exclusions.FAMILY,
        entitlements.FAMILY,
        category.FAMILY,
        deadlines.HOLDS,
        deadlines.FAMILY,
        materials.FAMILY,
        processing.FAMILY,
        vehicles.FAMILY,
        fees.FAMILY,
        part_fees.FAMILY,
        surcharges.FAMILY,
        payers.FAMILY,
        overrides.FAMILY,
        confirmations.FAMILY,
        settlements.FAMILY,
        compensations.FAMILY,
        approvals.FAMILY,
        penalties.FAMILY,
        late_penalties.FAMILY,
        escalations.FAMILY,
        routing.FAMILY,
        procedures.FAMILY,
        forms.FAMILY,
        fields.FAMILY,
        checklists.FAMILY,
        surveys.FAMILY,
        appraisals.FAMILY,
        duties.FAMILY,
        schedules.FAMILY,
        staffing.FAMILY,
        budgets.FAMILY,
        stock.FAMILY,
    )
}
