"""Run the measurements and print the table: `python -m bench [--quick] [--large] [--only NAME]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from bench.reference_tickets import DifferentAnswersError
from bench.timing import Measurement, Settings, machine, table, tell

#: What is measured, in this order, and the module that does it.
MODULES = {
    "scalar": "bench.scalar",
    "clocks": "bench.clocks",
    "starting": "bench.starting",
    "batch": "bench.batches",
    "diff": "bench.diff",
    "impact": "bench.impact",
    "record": "bench.record",
    "differential": "bench.differential",
    "tables": "bench.tables",
    "check": "bench.check",
    "strategies": "bench.strategies",
    "live": "bench.live",
    "postgres": "bench.postgres",
    "postgres-differential": "bench.postgres_differential",
    "serve": "bench.serve",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure svc-policy; progress on standard error, the table on standard output.",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it runs, not how fast")
    parser.add_argument(
        "--large", action="store_true", help="ten times as many tickets as well, with their peak memory"
    )
    parser.add_argument("--only", action="append", choices=MODULES, help="measure only this; may be repeated")
    parser.add_argument("--tickets", type=int, help="tickets of the batch instead of 1,000,000")
    parser.add_argument(
        "--count",
        "--differential",
        dest="differential",
        type=int,
        help="tickets of the differential instead of 200,000",
    )
    parser.add_argument(
        "--folder", type=Path, help="where to keep the generated tickets; a temporary folder by default"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="svc-policy-bench-") as temporary:
        settings = Settings(
            quick=given.quick,
            large=given.large,
            tickets=given.tickets,
            differential=given.differential,
            folder=given.folder or Path(temporary),
        )
        settings.folder.mkdir(parents=True, exist_ok=True)
        found: list[Measurement] = []
        for name in given.only or MODULES:
            tell(f"{name}:")
            try:
                found.extend(import_module(MODULES[name]).measure(settings))
            except DifferentAnswersError as different:
                tell(f"error: {different}")
                return 1
    print(machine())
    print()
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
