"""The examples of `docs/serve.md` work word for word."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from hosts.available import require

require("server")

from hosts.server.running import ROOT, serving  # noqa: E402

TEXT = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```\n([^`]*curl[^`]*)```\n\n```json\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def port():
    with serving("mall", "--quiet") as service:
        yield service.port


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=["one", "batch"])
def test_an_example_says_what_the_page_says(port, command, shown):
    done = subprocess.run(
        ["sh", "-c", command.replace(":8080", f":{port}")], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == shown.strip()
