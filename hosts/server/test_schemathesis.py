"""What schemathesis makes of the service: its own client, its default checks, a few hundred cases of each operation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hosts.available import require

require("server")

from hosts.server.running import serving  # noqa: E402

#: Of each operation; `SVC_POLICY_CASES=200` makes more than two thousand in all.
CASES = int(os.environ.get("SVC_POLICY_CASES", "12"))
#: Of each operation with tokens, unless the run is a long one: who may ask is the same for all cases.
FEW = 2
#: So many cases at least are made of the whole, most of them of what the schema bounds.
MOST = 2_000


@pytest.mark.parametrize("kind", ["plain", "tokens"])
def test_schemathesis_finds_nothing(tmp_path, kind):
    program = shutil.which("schemathesis", path=Path(sys.executable).parent) or "schemathesis"
    arguments, headers = ["tile"], []
    if kind == "tokens":
        file = tmp_path / "tokens.json"
        made = subprocess.run(
            [
                sys.executable,
                "-m",
                "svc_policy",
                "token",
                "all",
                "--tokens",
                file,
                "--scopes",
                "decide,read,publish,metrics",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        arguments += ["--tokens", str(file)]
        headers = ["-H", f"Authorization: Bearer {made}"]
    with serving(*arguments, "--quiet") as service:
        done = subprocess.run(
            [
                program,
                "run",
                f"{service.address}/openapi.json",
                "--max-examples",
                str(CASES if kind == "plain" or CASES >= 100 else FEW),
                "--phases",
                "examples,coverage,fuzzing" if kind == "plain" or CASES >= 100 else "fuzzing",
                "--seed",
                "5",
                "--no-color",
                *headers,
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=1500,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        made = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
        assert made is not None and int(made[1]) >= (MOST if kind == "plain" else 1)
        assert service.process.poll() is None
        assert "Error" not in service.log
