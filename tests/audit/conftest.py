from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from svc_policy import load
from svc_policy.audit import AuditResult, run_audit

from .row_by_row import decide_row_by_row

ROOT = Path(__file__).parent.parent.parent
Audit = Callable[..., AuditResult]


@pytest.fixture(scope="session")
def mall() -> Any:
    return load("mall")


@pytest.fixture
def audit(mall: Any, tmp_path: Path) -> Iterator[Audit]:
    """Audit rows given as lists, the first of them the heading, ticket by ticket with the Python engine."""
    made: list[AuditResult] = []

    def run(rows: Sequence[Sequence[str]], **arguments: Any) -> AuditResult:
        path = tmp_path / "log.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        result = run_audit(path, mall, decide=decide_row_by_row, **arguments)
        made.append(result)
        return result

    yield run
    for result in made:
        result.close()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data, which is not part of the project."""
    folder = Path(os.environ.get("SVC_POLICY_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data in {folder}; SVC_POLICY_SHARED names the folder")
    return folder
