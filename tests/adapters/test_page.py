"""The page on adapters shows the example project as it is, and its lines print what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adapters.md"


def test_the_code_of_the_page_is_that_of_the_example():
    shown = re.findall(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(shown) == 4
    for name, text in shown:
        assert text == (ROOT / name).read_text("utf-8"), f"{name} is another one than {PAGE.name} shows"


def test_the_adapter_is_as_short_as_the_page_says():
    text = (ROOT / "examples/adapter-slips/src/svc_policy_slips/__init__.py").read_text("utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= 60


def test_the_lines_of_the_page_print_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code, wanted = re.search(
        r"```python\n(from pathlib.*?)```\n\n```\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(PAGE), "exec"), {})
    assert out.getvalue() == wanted
