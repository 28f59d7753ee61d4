"""Show what a decision says of the matter itself: its zone, class, compensation, rating, and the steps it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from svc_policy.cli.session import Session
from svc_policy.decision import Decision
from svc_policy.explain.wording import Wording
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_CLASSES = {"serious": message("serious"), "ordinary": message("ordinary")}
_STATES = {"done": message("done"), "next": message("next"), "later": message("later")}


def show_standing(session: Session, words: Wording, decision: Decision) -> None:
    """Show the zone and the class of the complaint, where there are any."""
    zone = decision.column("service_zone")
    if zone is not None:
        session.write(message("zone: {zone}", zone=words.label(str(zone))))
    graded = decision.column("complaint_class")
    if graded is not None:
        session.write(message("complaint: {grade}", grade=_CLASSES[str(graded)]))


def show_judgement(session: Session, words: Wording, policy: Policy, decision: Decision) -> None:
    """Show what compensation is allowed and what the customer's ratings come to."""
    found = policy.compensation(decision)
    if found is not None:
        session.write(
            message("compensation: {text}", text=_compensation(words, found.allowed, found.limit, found.decided_by))
        )
    score = decision.column("appraisal_score")
    if score is not None:
        session.write(message("rating: {score}", score=words.share(int(score))))


def _compensation(words: Wording, allowed: object, limit: object, decided_by: str | None) -> Message:
    if allowed is not None:
        return message("{amount} allowed", amount=words.money(allowed))  # type: ignore[arg-type]
    if limit is not None:
        return message("at most {amount}", amount=words.money(limit))  # type: ignore[arg-type]
    if decided_by is not None:
        return message("decided by {role}", role=words.role(decided_by))
    return message("no limit stated")


def show_procedures(session: Session, words: Wording, decision: Decision) -> None:
    """Show the steps of every procedure, and which comes next."""
    rows = [
        (
            words.label(item.cells["procedure"]),
            words.label(item.cells["step"]),
            words.label(item.cells["owner"]),
            words(_STATES[item.cells["state"]]),
            " ".join(item.rule.cites),
        )
        for item in decision.items("procedures")
    ]
    if rows:
        session.write()
        headings = (message("procedure"), message("step"), message("owner"), message("state"), message("clauses"))
        session.table(headings, rows)
