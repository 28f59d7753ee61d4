"""``manage.py svc_policy_demo``: orders to try the app with."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from svc_policy.adapters.oscar.demo import make_orders
from svc_policy.messages import language_of, message


class Command(BaseCommand):
    """Make a customer with an order of each kind worth looking at."""

    help = "Make a customer and orders to try the app with. Example: manage.py svc_policy_demo ann@example.com"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("email", help="the customer's address; made with the password if there is none")
        parser.add_argument("--password", default="demo-password-1", help="the password of a new customer")
        parser.add_argument("--force", action="store_true", help="also where DEBUG is off")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, and say which.

        Raises:
            CommandError: The project is no trial one.
        """
        lang = language_of()
        if not settings.DEBUG and not options["force"]:
            raise CommandError(message("DEBUG is off: give --force to make orders here").text(lang), returncode=2)
        with warnings.catch_warnings():
            # Haystack says so of each product where the shop searches in its database.
            warnings.filterwarnings("ignore", "update is not implemented in this backend")
            for order, text in make_orders(options["email"], options["password"]):
                self.stdout.write(message("order {number}: {what}", number=order.number, what=text).text(lang))
