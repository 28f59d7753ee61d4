"""The tables of tickets and decisions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import svc_policy.adapters.oscar.models


class Migration(migrations.Migration):
    """Make them."""

    initial = True

    dependencies = [
        # Any state of Oscar's orders has lines; a shop may have forked them with migrations of its own.
        ("order", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ServiceTicket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "number",
                    models.CharField(
                        default=svc_policy.adapters.oscar.models.new_number, editable=False, max_length=64, unique=True
                    ),
                ),
                ("state", models.CharField(db_index=True, default="draft", max_length=16)),
                ("order_number", models.CharField(blank=True, max_length=128)),
                ("product", models.CharField(blank=True, max_length=255)),
                ("currency", models.CharField(blank=True, max_length=12)),
                ("answers", models.JSONField(blank=True, default=dict)),
                ("facts", models.JSONField(blank=True, default=dict)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("handed_in_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="service_tickets",
                        to="order.line",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="service_tickets",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="StoredDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_current", models.BooleanField(default=True)),
                ("policy", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("engine", models.CharField(max_length=32)),
                ("decided_at", models.DateTimeField()),
                ("category", models.CharField(blank=True, max_length=8, null=True)),
                ("payable", models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True)),
                ("currency", models.CharField(max_length=12)),
                ("next_change_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("document", models.JSONField()),
                ("texts", models.JSONField()),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="svc_policy.serviceticket",
                    ),
                ),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.AddConstraint(
            model_name="serviceticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "draft")), fields=("line", "user"), name="svc_policy_one_draft_a_line"
            ),
        ),
        migrations.AddConstraint(
            model_name="storeddecision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)), fields=("ticket",), name="svc_policy_one_current_decision"
            ),
        ),
    ]
