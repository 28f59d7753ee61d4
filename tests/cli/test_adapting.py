"""`svc-policy adapters`: what is installed, what it lacks, what one takes."""

from __future__ import annotations

import json

from cli.running import run


def test_the_list_names_every_adapter_and_its_state():
    shown = run("adapters")
    assert shown.exit_code == 0
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("files ")]
    assert line.split()[:3] == ["files", "ready", "svc-policy"]
    listed = json.loads(run("adapters", "--json").stdout)
    assert listed["schema"] == 1
    (files,) = [one for one in listed["adapters"] if one["name"] == "files"]
    assert (files["state"], files["lacks"], files["reason"]) == ("ready", [], None)


def test_one_shows_both_its_sides_in_both_languages():
    shown = run("adapters", "files").stdout
    assert "gives tickets; options:" in shown and "takes decisions; options:" in shown
    assert "path     yes     the file" in shown
    told = json.loads(run("adapters", "files", "--json").stdout)
    assert [(one["name"], one["needed"]) for one in told["source"]["options"]] == [("path", True), ("mapping", False)]
    assert "来自 CSV、JSON 行或 Parquet 的工单" in run("adapters", "files", "--lang", "zh").stdout


def test_a_name_that_is_none():
    shown = run("adapters", "fils")
    assert (shown.exit_code, shown.stderr) == (2, "there is no adapter `fils`\nhelp: did you mean `files`?\n")
