"""The page shows what happens."""

from __future__ import annotations

import re
from pathlib import Path

from cli.running import run

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "live.md").read_text(encoding="utf-8")


def test_the_example_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (events,) = re.findall(r"^```json\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    ((command, shown),) = re.findall(
        r"^```console\n\$ svc-policy (.*?)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE
    )
    Path("events.jsonl").write_text(events, encoding="utf-8")
    done = run(*command.split())
    assert (done.exit_code, done.stdout + done.stderr) == (0, shown)


def test_the_python_of_the_page_prints_what_it_says(capsys):
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    exec(compile(block, "docs/live.md", "exec"), {})
    said = [line.removeprefix("# ") for line in block.splitlines() if line.startswith("# ")]
    assert len(said) == 3 and capsys.readouterr().out.splitlines() == said
