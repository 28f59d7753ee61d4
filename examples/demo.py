"""Show what svc-policy does, by its commands, as anybody would type them: ``make demo``.

It audits the example log into demo-out, then explains and quotes one of its
tickets. It can be run again and says the same.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = "demo-out"
LOG = "examples/log"
#: What a command may end with: findings are no failure of an audit.
FINE, FINDINGS = 0, 1
STEPS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    (
        "A service desk's log, 120 tickets, held against the policy of a mall. Its headings are its own: a mapping\n"
        "says what they mean. Nothing is lost: what cannot be used is counted, with its line and the reason.",
        FINDINGS,
        (
            "--lang",
            "en",
            "audit",
            f"{LOG}/tickets.csv",
            "--policy",
            "mall",
            "--mapping",
            f"{LOG}/mapping.toml",
            "--out",
            OUT,
        ),
    ),
    (
        "One of these tickets, T-0020: why is it decided as it is? Every sentence names its clause. First in Chinese …",
        FINE,
        ("--lang", "zh", "explain", "mall", f"{LOG}/ticket.json", "--at", "2025-03-14T13:45:00"),
    ),
    (
        "… and in English.",
        FINE,
        ("--lang", "en", "explain", "mall", f"{LOG}/ticket.json", "--at", "2025-03-14T13:45:00"),
    ),
    (
        "What the customer is told before anybody sets out: the quote. In the end 200.00 was charged (REC002 above).",
        FINE,
        ("--lang", "en", "quote", "mall", f"{LOG}/ticket.json", "--at", "2025-03-14T13:45:00"),
    ),
)


def main() -> int:
    """Run the steps; gives the exit code of the first that fails."""
    environment = {**os.environ, "PYTHONUTF8": "1"}
    for number, (words, expected, arguments) in enumerate(STEPS, start=1):
        print(f"{'' if number == 1 else chr(10)}{'─' * 100}\n{number}. {words}\n")
        print(f"$ svc-policy {shlex.join(arguments)}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", "svc_policy", *arguments], cwd=ROOT, env=environment, check=False)
        if done.returncode not in (FINE, expected):
            print(f"\nthis step failed with exit code {done.returncode}", file=sys.stderr)
            return done.returncode
    print(f"\n{'─' * 100}\nThe whole audit is in {OUT}/: findings.csv, rejected.csv, summary.json, and Parquet files.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
