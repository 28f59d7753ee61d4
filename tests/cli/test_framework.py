"""Wrong use, languages, exit codes: what every command has in common."""

from __future__ import annotations

import re

import click
import pytest

from cli.running import run
from svc_policy import __version__
from svc_policy.cli.commands import commands


def every_command(group: click.Group = commands, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += every_command(command, (*path, name))
    return found


def test_every_command_of_the_design_is_there():
    wanted = [
        "adapters",
        "packs",
        "new",
        "decide",
        "quote",
        "explain",
        "check",
        "diff",
        "edition",
        "rules",
        "calendar",
        "schema",
        "export",
        "compile",
        "audit",
        "schedule",
        "staffing",
        "book",
        "forms",
        "report",
        "record",
        "replay",
        "test",
        "serve",
        "watch",
        "token",
        "transfer",
    ]
    assert sorted(commands.commands) == sorted(wanted)


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_has_an_example_and_speaks_the_language(path, language):
    shown = run(*path, "--help", "--lang", language)
    shown = run(*path, "--lang", language, "--help") if shown.exit_code else shown
    assert shown.exit_code == 0
    heading = {"en": "Examples:", "zh": "示例:"}[language]
    assert re.search(rf"^{heading}\n  (cat .* \| )?svc-policy {path[0]}", shown.stdout, re.MULTILINE)
    sentence = shown.stdout.splitlines()[2]
    assert bool(re.search("[一-鿿]", sentence)) == (language == "zh")


def test_version():
    assert run("--version").stdout == f"svc-policy {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("decid",), "there is no command `decid`\nhelp: did you mean `decide`?\n"),
        (("zzz",), "there is no command `zzz`\nhelp: `svc-policy --help` lists the commands\n"),
        (("decide", "mall"), "`TICKET` is missing\nhelp: `svc-policy decide --help` shows how it is used\n"),
        (("decide", "mall", "-", "--jsn"), "there is no option `--jsn`\nhelp: did you mean `--json`?\n"),
        (
            ("decide", "mall", "-", "--at"),
            "option `--at` needs a value\nhelp: `svc-policy decide --help` shows how it is used\n",
        ),
        (
            ("packs", "more"),
            "there are more arguments than the command takes\nhelp: `svc-policy packs --help` shows how it is used\n",
        ),
        (("schema", "tickt"), "`tickt` is no value of `NAME`\nhelp: did you mean `ticket`?\n"),
        (("packs", "--lang", "fr"), "`fr` is no value of `--lang`\nhelp: known here: en, zh\n"),
        (("compile", "mall"), "`--to` is missing\nhelp: `svc-policy compile --help` shows how it is used\n"),
    ],
)
def test_wrong_use_is_a_problem_like_any_other(arguments, wanted):
    refused = run(*arguments)
    assert (refused.exit_code, refused.stdout, refused.stderr) == (2, "", wanted)


def test_wrong_use_in_chinese():
    refused = run("decide", "mall", "-", "--jsn", "--lang", "zh")
    assert refused.stderr == "没有选项 `--jsn`\n提示: 是否想写 `--json`？\n"
    assert run("--lang", "zh", "decid").stderr == "没有命令 `decid`\n提示: 是否想写 `decide`？\n"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "商场产品售后服务"),
        ({"LANG": "en_GB.UTF-8"}, "After-sales service of a mall"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "商场产品售后服务"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "C"}, "After-sales service of a mall"),
    ],
)
def test_the_language_is_that_of_the_environment(environment, wanted):
    assert wanted in run("packs", **environment).stdout
    assert "商场产品售后服务" in run("packs", "--lang", "zh_CN", **environment).stdout


def test_without_a_command_the_help_is_shown():
    shown = run()
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "Commands:" in shown.stderr


def test_an_internal_error_is_one_line_and_a_way_to_the_traceback(monkeypatch):
    monkeypatch.setattr("svc_policy.pack.source.built_in_packs", lambda: 1 / 0)
    failed = run("packs")
    assert failed.exit_code == 3
    assert failed.stderr == (
        "internal error: ZeroDivisionError: division by zero\nto see where, run it again with SVC_POLICY_TRACEBACK=1\n"
    )
    traced = run("packs", SVC_POLICY_TRACEBACK="1")
    assert traced.exit_code == 3
    assert "Traceback (most recent call last)" in traced.stderr


def test_ctrl_c_is_quiet(monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("svc_policy.pack.source.built_in_packs", interrupt)
    stopped = run("packs")
    assert (stopped.exit_code, stopped.stdout, stopped.stderr.strip()) == (130, "", "")
