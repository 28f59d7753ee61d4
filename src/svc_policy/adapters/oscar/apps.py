"""The app as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig


class AfterSalesConfig(AppConfig):
    """After-sales service of a shop; its tables and addresses go by the name `svc_policy`."""

    name = "svc_policy.adapters.oscar"
    label = "svc_policy"
    verbose_name = "After-sales service"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks of the setting ``SVC_POLICY``."""
        from django.core.checks import register

        from svc_policy.adapters.oscar.checks import check_settings

        register(check_settings)
