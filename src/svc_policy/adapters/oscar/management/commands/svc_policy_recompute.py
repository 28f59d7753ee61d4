"""``manage.py svc_policy_recompute``: decide again what time has changed."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from svc_policy.adapters.oscar.recomputing import recompute
from svc_policy.errors import PolicyError
from svc_policy.messages import language_of, message


class Command(BaseCommand):
    """Decide the tickets again whose decision changes by itself, and has by now."""

    help = (
        "Decide the tickets again whose next change has come; for a cron job. Example: manage.py svc_policy_recompute"
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--all", action="store_true", help="every ticket, as after a change of the policy")
        parser.add_argument("--at", help="the instant, in ISO 8601 with an offset; now unless given")
        parser.add_argument("--json", action="store_true", help="one line of JSON")
        parser.add_argument("--lang", help="en or zh; that of the environment unless given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Decide, and say what it came to.

        Raises:
            CommandError: A ticket could not be decided, or the options cannot be read; exit code 1 or 2.
        """
        lang = language_of(options["lang"])
        try:
            found = recompute(at=_instant(options["at"], lang), everything=options["all"])
        except PolicyError as error:
            raise CommandError(error.render(lang), returncode=2) from None
        if options["json"]:
            counts = {"decided": found.decided, "changed": found.changed, "refused": sorted(found.refused)}
            self.stdout.write(json.dumps({"schema": 1, **counts}))
        else:
            text = message("{decided} decided again, {changed} changed", decided=found.decided, changed=found.changed)
            self.stdout.write(text.text(lang))
        if found.refused:
            lines = (f"{number}: {error.render(lang)}" for number, error in sorted(found.refused.items()))
            raise CommandError("\n".join(lines), returncode=1)


def _instant(text: str | None, lang: Any) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        template = message("`{value}` is no instant with an offset, as in `2026-03-02T09:00:00+08:00`", value=text)
        raise CommandError(template.text(lang), returncode=2)
    return at
