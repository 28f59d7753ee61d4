"""`pytest --svc-policy PATH`: what it collects, and how it tells what is wrong."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pack.building import write_pack

from .shop import FILES

CASES = """
[[case]]
name = "an hour inside the year"
rules = ["category.free"]
cites = ["s-1"]
at = "2026-03-02T10:00:00"
ticket = { received_at = "2026-03-02T09:00:00", delivered_on = "2026-01-01", cause = "wear", labour_hours = 1 }
expect = { category = "C" }
why = "inside the year"

[[case]]
name = "a case that is wrong"
rules = ["category.paid"]
cites = ["s-1"]
at = "2026-03-02T10:00:00"
ticket = { received_at = "2026-03-02T09:00:00", delivered_on = "2020-01-01", cause = "wear", labour_hours = 1 }
expect = { category = "C" }
why = "somebody hoped so"
"""


def run(folder: Path, *arguments: str, lang: str = "en") -> tuple[int, str]:
    """Run pytest in a project that has nothing of ours but a pack."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "svc_policy.pytest_plugin", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**known, "LC_ALL": lang, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def run_here(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest likewise, but in this process: a second or two sooner."""
    told = io.StringIO()
    before, known = Path.cwd(), dict(os.environ)
    plugins = ["-p", "svc_policy.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    os.chdir(folder)
    os.environ["LC_ALL"] = "en"
    try:
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = pytest.main([*plugins, "-s", "--rootdir", str(folder), *arguments])
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(known)
    return int(code), told.getvalue()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("project"))
    negative = FILES["fees.csv"].replace("labour,,,A,labour", "labour,,,-,labour")
    write_pack(folder / "packs" / "wrong", {**FILES, "fees.csv": negative, "cases.toml": CASES})
    broken = FILES["deadlines.csv"].replace("<= 20 km", "<= 20 kn")
    write_pack(folder / "packs" / "broken", {**FILES, "deadlines.csv": broken})
    return folder


def test_checks_cases_and_properties_are_items(project: Path) -> None:
    code, told = run_here(
        project, "--svc-policy", "packs/wrong", "--collect-only", "-q", "-k", "not property or category"
    )
    items = [line for line in told.splitlines() if line.startswith("svc-policy:")]
    tables = [name.removesuffix(".csv") for name in FILES if name.endswith(".csv") and name != "clauses.csv"]
    assert code == 0
    assert {item.removeprefix("svc-policy:packs/wrong::") for item in items} == {
        *(f"check::{name}" for name in (*tables, "policy")),
        "case::an hour inside the year",
        "case::a case that is wrong",
        "property::total_category",
    }


def test_failures_are_told_in_words(project: Path) -> None:
    chosen = "case or free_and or total_category or deadlines"
    code, told = run_here(project, "--svc-policy", "packs/wrong", "-k", chosen)
    assert code == 1
    assert "2 failed, 3 passed" in told
    assert "Traceback" not in told and ".py:" not in told.replace("site-packages", "")
    # The case: its place, what differs, the row that decided and its sentence.
    assert "wrong/cases.toml:11:1: a case that is wrong" in told
    assert "category: expected 'C', got 'A'" in told
    assert "wrong/category.csv:4: category.paid" in told
    assert "The category is A" in told and "is due" not in told.split("cases.toml:11")[1].split("property::")[0]
    # The property: the row, the ticket and the sentence.
    assert "wrong/fees.csv:4: fees.labour [s-2]" in told
    assert '"internal": true' in told or '"delivered_on"' in told


def test_a_warning_of_a_check_is_a_warning_of_the_test_in_its_place(project: Path) -> None:
    hidden = FILES["category.csv"].replace("own,yes,-,D,s-1\n", "own,yes,-,D,s-1\nagain,yes,-,C,s-1\n")
    write_pack(project / "packs" / "hidden", {**FILES, "category.csv": hidden})
    code, told = run_here(project, "--svc-policy", "packs/hidden", "-k", "check and category", "-Wdefault")
    assert code == 0, told
    assert "1 passed" in told and "1 warning" in told
    assert "hidden/category.csv:3: PytestWarning: " in told


def test_a_broken_pack_is_one_failure_with_each_problem_in_its_place(project: Path) -> None:
    # On a worker of xdist, which collects the same items.
    code, told = run(project, "-p", "no:hypothesispytest", "--svc-policy", "packs/broken", "-n1", lang="zh_CN.UTF-8")
    assert code == 1
    assert "broken/deadlines.csv:2:6: " in told and "<= 20 kn" in told
    assert "1 failed" in told and "Traceback" not in told


def test_a_pack_that_is_not_there_is_wrong_use(project: Path) -> None:
    code, told = run_here(project, "--svc-policy", "packs/nowhere")
    assert code == int(pytest.ExitCode.USAGE_ERROR)
    assert "packs/nowhere" in told and "Traceback" not in told


@pytest.mark.parametrize("count", ["0", "-3", "many", "1.5"])
def test_a_number_of_tickets_that_is_none_is_wrong_use(project: Path, count: str) -> None:
    code, told = run_here(project, "--svc-policy", "packs/wrong", "--svc-policy-examples", count)
    assert code == int(pytest.ExitCode.USAGE_ERROR)
    assert "--svc-policy-examples" in told and f"`{count}`" in told and "Traceback" not in told


def test_a_property_tells_how_many_tickets_put_it_to_the_test(project: Path) -> None:
    asked = ("--svc-policy", "packs/wrong", "--svc-policy-examples", "7", "-k", "penalties_within", "-rP", "-Wdefault")
    code, told = run_here(project, *asked)
    assert code == 0
    assert re.search(r"penalties_within_range: kept; [1-7] of 7 tickets put it to the test", told)
    # So few that none of them has a penalty: a warning, as nothing has been tested.
    code, told = run_here(project, *asked[:3], "1", *asked[4:])
    assert code == 0 and "1 passed" in told and "1 warning" in told
    assert "kept, but no ticket put it to the test, of 1 drawn" in told


def test_without_hypothesis_the_properties_are_skipped_and_say_why(project: Path) -> None:
    (project / "no_hypothesis.py").write_text(
        "import sys\nfor name in [name for name in sys.modules if name.partition('.')[0] == 'hypothesis']:\n"
        "    del sys.modules[name]\nsys.modules['hypothesis'] = None\n"
    )
    code, told = run(
        project, "-p", "no:hypothesispytest", "-p", "no_hypothesis", "--svc-policy", "packs/wrong", "-rs",
        "-k", "total_category or inside",
    )  # fmt: skip
    assert code == 0, told
    assert "1 passed, 1 skipped" in told and "svc-policy[test]" in told


def test_a_run_that_asks_for_no_pack_imports_nothing_of_the_library() -> None:
    script = (
        "import sys, svc_policy.pytest_plugin\n"
        "loaded = [name for name in sys.modules if name.startswith('svc_policy.')]\n"
        "print(loaded, 'hypothesis' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['svc_policy.pytest_plugin'] False", done.stderr
