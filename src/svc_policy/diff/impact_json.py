"""An impact as JSON-ready data; see ``docs/impact.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.facts import ticket_to_dict
from svc_policy.messages import Language

if TYPE_CHECKING:
    from svc_policy.diff.impact import Impact

SCHEMA = 1


def impact_to_dict(impact: Impact, language: Language) -> dict[str, Any]:
    """Give an impact as JSON-ready data: money in minor units, explanations in a language."""
    return {
        "schema": SCHEMA,
        "kind": "svc-policy impact",
        "old": {"id": impact.old.id, "digest": impact.old.digest},
        "new": {"id": impact.new.id, "digest": impact.new.digest},
        "at": impact.at.isoformat(),
        "at_from": impact.at_from,
        "currency": impact.currency,
        "files": list(impact.files),
        "rows": dict(impact.rows),
        "rejections": [attrs.asdict(item) for item in impact.rejections],
        "tickets": {
            "in": impact.tickets,
            "compared": impact.compared,
            "changed": impact.changed,
            "undecided": dict(impact.undecided),
        },
        "notes": [note.text(language) for note in impact.notes],
        "measures": [
            {
                "key": total.measure.key,
                "kind": total.measure.kind,
                "list": total.measure.list or None,
                "name": total.measure.name or None,
                "unit": total.measure.unit,
                "before": total.before,
                "after": total.after,
                "difference": total.difference,
            }
            for total in impact.totals
        ],
        "attribution": {
            "lines": [
                {
                    **line.alteration.to_dict(),
                    "key": line.alteration.key,
                    "stands_alone": line.stands_alone,
                    "touched": line.touched,
                    "effects": dict(line.effects),
                }
                for line in impact.lines
            ],
            "together": dict(impact.rest),
        },
        "breakdowns": {
            each.name: {
                "amount": each.amount,
                "rows": [
                    {
                        "name": row.name or None,
                        "tickets": row.tickets,
                        "changed": row.changed,
                        "before_minor": row.before if each.amount else None,
                        "after_minor": row.after if each.amount else None,
                        "late_before": row.late_before if each.with_late else None,
                        "late_after": row.late_after if each.with_late else None,
                    }
                    for row in each.rows
                ],
            }
            for each in impact.breakdowns
        },
        "top": [
            {
                "anchor": f"ticket-{number}",
                "ticket_id": item.ticket_id,
                "ticket": ticket_to_dict(item.ticket),
                "parts": list(item.parts),
                "difference_minor": item.difference,
                "because": list(item.because),
                "old": old,
                "new": new,
            }
            for number, item in enumerate(impact.top, start=1)
            for old, new in [impact.explained(item, language)]
        ],
    }
