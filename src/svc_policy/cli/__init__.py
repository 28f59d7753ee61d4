"""The command line: every command of ``svc-policy``.

Results go to standard output, everything else to standard error. Exit codes:
0 fine, 1 findings, 2 unreadable input or wrong use, 3 internal error.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command with `arguments`, those of the process unless given, and exit with its code."""
    # A command makes much that lasts and little waste: looking for waste less often saves a tenth of its time.
    gc.set_threshold(100_000, 50, 50)
    try:
        from svc_policy.cli.commands import commands

        commands.main(arguments, prog_name="svc-policy")
    except KeyboardInterrupt:  # before the commands are there to end quietly
        sys.exit(130)
