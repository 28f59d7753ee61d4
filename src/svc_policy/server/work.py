"""What is done in a process of its own: ``python -m svc_policy.server.work`` reads its task on standard input.

A task is one line of JSON. `check` and `try` write what `svc-policy check --json` does, `diff` what `svc-policy diff
--json` does; `batch` goes on over frames, see :mod:`.batch_work`. What is wrong is JSON on standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from svc_policy.errors import PolicyError, problem_to_dict

MEMORY = "SVC_POLICY_WORK_MEMORY"


def main() -> int:
    """Do one task."""
    _bound_memory(int(os.environ.get(MEMORY, "0")))
    # One byte after the other: what follows the line belongs to the task.
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    if not line:
        return 0
    task = json.loads(line)
    try:
        return _do(task)
    except PolicyError as error:
        _say(409, [problem_to_dict(one) for one in error.problems])
    except MemoryError:
        pass
    return 2


def _do(task: dict[str, Any]) -> int:
    kind = task["task"]
    if kind == "diff":
        return _diff(task)
    if kind == "batch":
        from svc_policy.server.batch_work import serve_batches

        return serve_batches(task)
    path = Path(task["path"])
    if kind == "try":
        from svc_policy.server.problems import Refused
        from svc_policy.server.uploads import check_base

        try:
            check_base(path)
        except Refused as refused:
            _say(refused.status, [problem_to_dict(one) for one in refused.problems])
            return 2
        # Whoever sent it is told of its files, not of where they lie here.
        os.chdir(path.parent)
        path = Path(path.name)
    command = [sys.executable, "-m", "svc_policy", "check", f"./{path}" if kind == "try" else str(path)]
    command += ["--json", "--lang", "en"]
    # Our own command, in the place of this process.
    return os.execv(sys.executable, command)  # noqa: S606


def _diff(task: dict[str, Any]) -> int:
    from svc_policy import load
    from svc_policy.diff import diff

    found = diff(load(task["old"]), load(task["new"]), labels=tuple(task["labels"]))
    json.dump(found.to_dict(most=task["most"], language=task["language"]), sys.stdout, ensure_ascii=False)
    return 0


def _say(status: int, problems: list[dict[str, Any]]) -> None:
    print(json.dumps({"status": status, "problems": problems}, ensure_ascii=False), file=sys.stderr)


def _bound_memory(most: int) -> None:
    if most <= 0:
        return
    try:
        import resource
    except ImportError:  # not on every system
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    sys.exit(main())
