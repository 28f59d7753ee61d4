"""Tickets that customers report, and the decisions made on them."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models


def new_number() -> str:
    """Give the number of a new ticket: not to be guessed from another one."""
    return f"S{secrets.token_hex(5).upper()}"


class ServiceTicket(models.Model):
    """A fault of a line of an order: a draft while it is filled in, then handed in.

    `answers` holds what the customer answered, null for "I do not know"; `facts`
    is what the ticket states from the day it was handed in, as plain values by
    the names of the facts; `digest` is that of the policy that asked last.
    """

    DRAFT, HANDED_IN = "draft", "handed in"

    number = models.CharField(max_length=64, unique=True, default=new_number, editable=False)
    state = models.CharField(max_length=16, default=DRAFT, db_index=True)
    line = models.ForeignKey(
        "order.Line", null=True, blank=True, on_delete=models.SET_NULL, related_name="service_tickets"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="service_tickets"
    )
    order_number = models.CharField(max_length=128, blank=True)
    product = models.CharField(max_length=255, blank=True)
    currency = models.CharField(max_length=12, blank=True)
    answers = models.JSONField(default=dict, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    handed_in_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        app_label = "svc_policy"
        ordering = ("-pk",)
        constraints = (
            # Whoever presses the button twice, or in two windows, fills in one form.
            models.UniqueConstraint(
                fields=("line", "user"), condition=models.Q(state="draft"), name="svc_policy_one_draft_a_line"
            ),
        )

    def __str__(self) -> str:
        return str(self.number)

    @property
    def decision(self) -> Any:
        """The decision that holds now, or None for a draft."""
        return self.decisions.filter(is_current=True).first()

    @property
    def is_draft(self) -> bool:
        """Whether it is not handed in yet."""
        return bool(self.state == self.DRAFT)


class StoredDecision(models.Model):
    """A decision as it was made: never changed, followed by another one when something changes.

    `document` is the decision as JSON (``docs/format.md``, section 8), `texts` what
    was told in each language; `fingerprint` is the same for the same decision,
    whenever it was made.
    """

    ticket = models.ForeignKey(ServiceTicket, on_delete=models.CASCADE, related_name="decisions")
    is_current = models.BooleanField(default=True)
    policy = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    engine = models.CharField(max_length=32)
    decided_at = models.DateTimeField()
    category = models.CharField(max_length=8, null=True, blank=True)
    payable = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=12)
    next_change_at = models.DateTimeField(null=True, blank=True, db_index=True)
    document = models.JSONField()
    texts = models.JSONField()
    fingerprint = models.CharField(max_length=64)

    class Meta:
        app_label = "svc_policy"
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("ticket",), condition=models.Q(is_current=True), name="svc_policy_one_current_decision"
            ),
        )

    def __str__(self) -> str:
        return f"{self.policy}@{self.digest[:12]}"
