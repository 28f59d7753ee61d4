"""Tickets and decisions in Django's admin: to be read, never written, as decisions are records."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from svc_policy.adapters.oscar.models import ServiceTicket, StoredDecision


class _ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(ServiceTicket)
class ServiceTicketAdmin(_ReadOnly):
    """Tickets."""

    list_display = ("number", "state", "order_number", "product", "handed_in_at")
    list_filter = ("state",)
    search_fields = ("number", "order_number", "product")


@admin.register(StoredDecision)
class StoredDecisionAdmin(_ReadOnly):
    """Decisions."""

    list_display = ("ticket", "category", "policy", "digest", "decided_at", "next_change_at", "is_current")
    list_filter = ("is_current", "category", "policy")
    search_fields = ("ticket__number", "digest")
