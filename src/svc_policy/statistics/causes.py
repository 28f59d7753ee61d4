"""Which few make most: rankings after Pareto, and causes by class of problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from svc_policy.statistics.periods import TICKETS, Period
from svc_policy.statistics.repairs import share_of

RANKED = ("cause", "fault_code", "problem_class")
#: The share that the few are to reach, in basis points.
THRESHOLD = 8_000


def ranking(counts: Mapping[str, int], threshold: int = THRESHOLD) -> list[dict[str, Any]]:
    """Rank names by how often they occur, ties by name, with the share so far.

    `few` is true of the smallest leading set that together reaches the threshold.
    """
    total = sum(counts.values())
    found, so_far = [], 0
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        reached = so_far * 10_000 >= threshold * total
        so_far += count
        found.append({"name": name, "tickets": count, "so_far_bp": share_of(so_far, total), "few": not reached})
    return found


def rankings(connection: Any, period: Period, threshold: int = THRESHOLD) -> dict[str, Any]:
    """Rank causes, faults and classes of problems; tickets that do not state them are counted apart."""
    found = {}
    for column in RANKED:
        rows = connection.execute(
            f"SELECT {column}, count(*) FROM {TICKETS} WHERE {period.condition('request_day')} GROUP BY 1"
        ).fetchall()
        counts = {str(name): int(count) for name, count in rows if name is not None}
        missing = sum(count for name, count in rows if name is None)
        found[column] = {"ranking": ranking(counts, threshold), "not_stated": missing}
    return found


def by_class(connection: Any, period: Period) -> list[dict[str, Any]]:
    """Count the causes within each class of problem, the most frequent class first."""
    rows = connection.execute(
        "SELECT problem_class, cause, count(*) AS tickets, "
        f"sum(count(*)) OVER (PARTITION BY problem_class) AS of_class FROM {TICKETS} "
        f"WHERE (problem_class IS NOT NULL OR cause IS NOT NULL) AND {period.condition('request_day')} "
        "GROUP BY 1, 2 ORDER BY of_class DESC, problem_class NULLS LAST, tickets DESC, cause NULLS LAST"
    ).fetchall()
    return [{"problem_class": of, "cause": cause, "tickets": tickets} for of, cause, tickets, _ in rows]
