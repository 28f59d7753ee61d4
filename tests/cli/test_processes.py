"""The command line as a process: streams, pipes, locales, signals, start-up."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.running import PAID, run_process, write_ticket

AT = ("--at", "2026-03-02T10:00")


def test_results_go_to_standard_output_and_problems_to_standard_error(tmp_path):
    fine = run_process("quote", "mall", write_ticket(tmp_path), *AT)
    assert (fine.returncode, fine.stderr) == (0, b"")
    wrong = run_process("quote", "mall", tmp_path / "nothing.json")
    assert (wrong.returncode, wrong.stdout) == (2, b"")


def test_a_pipe_gets_plain_text_whatever_the_width(tmp_path):
    ticket = write_ticket(tmp_path)
    narrow = run_process("decide", "mall", ticket, *AT, COLUMNS="20", TERM="xterm-256color")
    wide = run_process("decide", "mall", ticket, *AT, COLUMNS="300", FORCE_COLOR="1")
    assert narrow.stdout == wide.stdout
    assert b"\x1b" not in narrow.stdout
    assert "…" not in narrow.stdout.decode()


def test_a_terminal_gets_a_framed_table():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "LANG": "zh_CN.UTF-8", "LC_ALL": "", "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "svc_policy", "packs"], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        assert process.wait(60) == 0
    os.close(ours)
    assert "─" in shown.decode() and "商场产品售后服务" in shown.decode()


def test_chinese_is_written_under_every_locale(tmp_path):
    ticket = write_ticket(tmp_path)
    for environment in (
        {"LANG": "C"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
    ):
        shown = run_process("explain", "mall", ticket, *AT, "--lang", "zh", **environment)
        assert shown.returncode == 0, shown.stderr
        assert "客户应付 ¥180.80" in shown.stdout.decode("utf-8")


def test_gb18030_stays_gb18030():
    shown = run_process("packs", "--lang", "zh", PYTHONIOENCODING="gb18030")
    assert "商场产品售后服务" in shown.stdout.decode("gb18030")


def test_standard_input_is_read_as_utf8():
    ticket = {**PAID, "customer": "张三"}
    given = json.dumps(ticket, ensure_ascii=False).encode()
    shown = run_process("decide", "mall", "-", "--json", *AT, stdin=given, PYTHONIOENCODING="latin-1")
    assert json.loads(shown.stdout)["category"] == "A"
    refused = run_process("decide", "mall", "-", stdin="{'张三'}".encode())
    assert refused.returncode == 2 and refused.stderr.decode().startswith("-:1:2: cannot read JSON")


def test_nobody_reading_is_quiet():
    process = subprocess.Popen(
        [sys.executable, "-m", "svc_policy", "rules", "mall", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("command", [("packs",), ("schema", "record"), ("new", "--help")])
def test_output_that_cannot_be_written_is_said_in_one_line(command, buffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "svc_policy", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C", "PYTHONUNBUFFERED": buffered},
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, b"standard output cannot be written: there is no space left\n")


def test_output_that_is_closed_is_said_in_one_line():
    done = subprocess.run(
        ["/bin/sh", "-c", f"'{sys.executable}' -m svc_policy packs --lang en >&-"], stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stderr) == (2, b"standard output cannot be written: it is closed\n")


def test_an_interrupt_is_quiet():
    process = subprocess.Popen(
        [sys.executable, "-m", "svc_policy", "decide", "mall", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background may ignore interrupts; children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(2)  # until it waits for standard input
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


def test_starting_imports_nothing_that_it_does_not_need(tmp_path):
    heavy = (
        "babel",
        "rich",
        "duckdb",
        "sqlglot",
        "pyarrow",
        "pendulum",
        "holidays",
        "xlsxwriter",
        "importlib.resources",
    )
    program = (
        "import sys\nfrom svc_policy.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name in "
        f"{heavy!r}], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "decide", "mall", str(write_ticket(tmp_path)), *AT, "--lang", "zh"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr.decode().strip() in ("[]", "['importlib.resources']")
