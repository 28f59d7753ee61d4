"""The documents: what they show runs, what they link to is there, what they name exists."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for folder, pattern in ((ROOT, "*.md"), (ROOT / "docs", "**/*.md"), (ROOT / "examples", "**/*.md"))
    for path in folder.glob(pattern)
)
HAS_COMMANDS = importlib.util.find_spec("svc_policy.cli") is not None
needs_commands = pytest.mark.skipif(not HAS_COMMANDS, reason="svc_policy.cli is not there")


def blocks(page: str, language: str) -> list[str]:
    """List the fenced blocks of a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def prose(path: Path) -> str:
    """Give a page without its fenced blocks and code spans."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path: Path) -> set[str]:
    """List the anchors of a page's headings."""
    headings = re.findall(r"^#+ +(.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


PYTHON = [(page, block) for page in ("README.md", "README.zh.md", "docs/sql.md") for block in blocks(page, "python")]


@pytest.mark.parametrize(("page", "block"), PYTHON, ids=[page for page, _ in PYTHON])
def test_a_block_of_python_runs_and_prints_what_it_says(page: str, block: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block, page, "exec"), {"__name__": "__main__"})
    expected = re.findall(r"^print\(.*\)  # (.+)$", block, flags=re.MULTILINE)
    assert expected, "a block shows what it prints"
    assert printed.getvalue().splitlines() == expected


def test_each_page_that_shows_python_has_a_block() -> None:
    assert {page for page, _ in PYTHON} == {"README.md", "README.zh.md", "docs/sql.md"}


LINKS = [
    (path, target)
    for path in PAGES
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path))
    if not re.match(r"[a-z]+:", target)
]


@pytest.mark.parametrize(
    ("path", "target"), LINKS, ids=[f"{path.relative_to(ROOT)} {target}" for path, target in LINKS]
)
def test_a_link_leads_somewhere(path: Path, target: str) -> None:
    name, _, anchor = unquote(target).partition("#")
    place = (path.parent / name).resolve() if name else path
    assert place.is_relative_to(ROOT)
    assert place.exists()
    if anchor:
        assert anchor in anchors(place)


def test_links_are_found() -> None:
    assert (ROOT / "README.md", "docs/format.md") in LINKS


#: A name in backticks that has a slash, or the ending of a file.
NAMED = re.compile(r"`((?:[\w.+-]+/)+[\w.+-]*|[\w-]+\.(?:py|csv|toml|md))`")
#: Where a bare name of a file may stand: the root, or the pack that the page walks through.
BARE = (ROOT, ROOT / "src" / "svc_policy" / "packs" / "mall")


def paths_named(page: str) -> list[str]:
    """List the files and folders that a page names."""
    return sorted(set(NAMED.findall((ROOT / page).read_text(encoding="utf-8"))))


@pytest.mark.parametrize("name", paths_named("CONTRIBUTING.md"))
def test_a_path_that_contributing_names_is_there(name: str) -> None:
    assert any((folder / name).exists() for folder in BARE)


@pytest.mark.parametrize("name", [name for name in paths_named("docs/architecture.md") if "/" in name])
def test_a_path_that_architecture_names_is_there(name: str) -> None:
    assert (ROOT / name).exists() or (ROOT / "src" / "svc_policy" / name).exists()


def test_paths_are_found() -> None:
    assert {"src/svc_policy/rules/surveys.py", "tests/laws/", "clauses.csv"} <= set(paths_named("CONTRIBUTING.md"))


def test_architecture_names_the_layers_of_the_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    layers = [part.strip() for layer in contract["layers"] for part in layer.split("|")]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", text, flags=re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == layers


# --- commands


def commands_shown(page: str) -> Iterator[list[str]]:
    """Yield the words of every command that a page shows, without the program's name."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.findall(r"`svc-policy ([^`]+)`", text)
    for language in ("sh", "console", "shell-session"):
        for block in blocks(page, language):
            shown += re.findall(r"^(?:\$ )?(?:\.venv/bin/)?svc-policy (.+)$", block, flags=re.MULTILINE)
    for line in shown:
        yield shlex.split(line.split(" > ")[0], comments=True)


SHOWN = [
    (page, words)
    for page in ("README.md", "README.zh.md", "CONTRIBUTING.md", "docs/sql.md", "docs/pages.md", "docs/report.md")
    for words in commands_shown(page)
    if words[0] != "COMMAND"
]


@cache
def known_commands() -> frozenset[str]:
    """Name the commands of the program."""
    from svc_policy.cli.commands import commands

    return frozenset(commands.commands)


@needs_commands
@pytest.mark.parametrize(("page", "words"), SHOWN, ids=[f"{page} {' '.join(words)}" for page, words in SHOWN])
def test_a_command_that_is_shown_exists(page: str, words: list[str]) -> None:
    assert words[0] in known_commands()


@needs_commands
def test_the_readme_names_every_command() -> None:
    assert {words[0] for page, words in SHOWN if page == "README.md"} == known_commands()


@needs_commands
@pytest.mark.parametrize("block", blocks("README.md", "console"))
def test_a_command_says_what_the_readme_shows(block: str) -> None:
    command, _, shown = block.removeprefix("$ ").partition("\n")
    done = subprocess.run(
        [sys.executable, "-m", "svc_policy", *shlex.split(command)[1:], "--lang", "en"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONUTF8": "1"},
        timeout=60,
        check=False,
    )
    # The digest changes with the pack; that there is one is enough.
    digest = re.compile(r"(?<=@)[0-9a-f]{12}\b")
    assert digest.search(shown)
    assert (done.returncode, digest.sub("…", done.stdout)) == (0, digest.sub("…", shown)), done.stderr
    assert len(shown.splitlines()) > 5


# --- the first quarter of an hour


def edits_shown(section: str) -> list[tuple[str, str, str]]:
    """List the edits of the tables `file, before, after` of a part of the README."""
    return re.findall(r"^\| `((?:my-policy|shop)/[^`]+)` \| (.+?) \| (.+) \|$", section, flags=re.MULTILINE)


def edit(folder: Path, file: str, before: str, after: str) -> None:
    """Make an edit as it is written: a text for another, a new line, or a line once more with other words."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    if before == "a new line at the end":
        changed = text.rstrip("\n") + f"\n{after.strip('`')}\n"
    elif found := re.fullmatch(r"a new line before `(.+)`", before):
        changed = with_line(text, found[1], lambda line: f"{after.strip('`')}\n{line}")
    elif found := re.fullmatch(r"a copy of the line `(.+)`", before):
        words = re.findall(r"`([^`]+)` for `([^`]+)`", after)
        changed = with_line(text, found[1], lambda line: f"{line}\n{replaced(line, words)}")
    else:
        assert text.count(before.strip("`")) == 1, f"{file} has {before} once"
        changed = text.replace(before.strip("`"), after.strip("`"))
    path.write_text(changed, encoding="utf-8")


def with_line(text: str, beginning: str, change: Callable[[str], str]) -> str:
    """Change the one line that begins so."""
    lines = text.splitlines()
    (index,) = [index for index, line in enumerate(lines) if line.startswith(beginning)]
    lines[index] = change(lines[index])
    return "\n".join(lines) + "\n"


def replaced(line: str, words: list[tuple[str, str]]) -> str:
    """Put each new word in the place of the old one, wherever that stands."""
    for new, old in words:
        assert old in line
        line = line.replace(old, new)
    return line


def as_shown(shown: str) -> re.Pattern[str]:
    """Read an output that is shown.

    A line `…` stands for any lines, `…` at the end of one for the rest of it, `@…` for any digest. Columns may be
    wider, and lines of a file may have other numbers.
    """
    lines = [r"(?:.*\n)*?" if line == "…" else re.escape(line) + r"\n" for line in shown.splitlines()]
    pattern = "".join(lines).replace("@…", "@[0-9a-f]{12}").replace("…", ".*")
    pattern = re.sub(r":\d+:\d+:", lambda _: r":\d+:\d+:", pattern)
    return re.compile(re.sub(r"(?:\\ ){2,}", " {2,}", pattern) + r"\Z")


@needs_commands
def test_the_first_quarter_of_an_hour_goes_as_it_says(tmp_path: Path) -> None:
    ran, edited = perform("A first quarter of an hour", tmp_path, may_find="--cases")
    assert edited == 5
    assert ran == ["new", "decide", "check", "decide", "check", "explain", "book", "schedule"]
    book = (tmp_path / "my-policy.html").read_text(encoding="utf-8")
    assert "8 working hours" in book and "island" in book and "7 working hours" not in book
    calendar = (tmp_path / "march.ics").read_text(encoding="utf-8")
    assert "DTSTART;VALUE=DATE:20260302" in calendar and "DTSTART;VALUE=DATE:20260303" not in calendar


@needs_commands
def test_a_policy_is_changed_without_fear_as_it_says(tmp_path: Path) -> None:
    ran, edited = perform("Change a policy without fear", tmp_path, may_find="check")
    assert edited == 3
    assert ran == ["new", "edition", "check", "check", "diff"]
    page = (tmp_path / "change.html").read_text(encoding="utf-8")
    assert "(40, 50] km" in page


def perform(heading: str, folder: Path, *, may_find: str) -> tuple[list[str], int]:
    """Do what a section of the README says, edits and commands in turn; gives the commands and how many edits.

    Every command shows what is printed below it. One that has `may_find` in it may end with findings.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    tickets = re.findall(r"^```json\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    for ticket in tickets:
        (folder / "call.json").write_text(ticket, encoding="utf-8")
    ran, edited = [], 0
    for part in re.split(r"(?<=\n```)\n", section):
        for change in edits_shown(part):
            edit(folder, *change)
            edited += 1
        if found := re.search(r'With `("district": "\w+")` in `call.json`', part):
            changed = re.sub(r'"district": "\w+"', found[1], tickets[0])
            (folder / "call.json").write_text(changed, encoding="utf-8")
        for block in re.findall(r"^```shell-session\n(.*?)^```$", part, flags=re.DOTALL | re.MULTILINE):
            for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, shown = step.partition("\n")
                done = subprocess.run(
                    [sys.executable, "-m", "svc_policy", *shlex.split(command)[1:], "--lang", "en"],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    encoding="utf-8",
                    env={"PYTHONUTF8": "1"},
                    timeout=60,
                    check=False,
                )
                assert done.returncode == (1 if may_find in command and "errors: 0" not in done.stdout else 0), (
                    done.stderr
                )
                assert as_shown(shown).match(done.stdout), f"{command}\n{done.stdout}"
                ran.append(shlex.split(command)[1])
    return ran, edited


def test_the_readme_names_every_service() -> None:
    from svc_policy.pack.source import built_in_packs

    for page in ("README.md", "README.zh.md"):
        rows = re.findall(r"^\| `(\w+)` \| ", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
        # A pack of law is no service.
        assert sorted(rows) == [name for name in built_in_packs() if not name.startswith("cn-")]


def test_the_format_lists_every_family_and_its_results() -> None:
    from svc_policy.rules import FAMILIES

    text = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    rows = {
        row[0]: row[1]
        for row in re.findall(r"^\| `(\w+)` †? ?\| (?:\w[^|]*) \| (.*\|.*\|.*) \|$", text, flags=re.MULTILINE)
    }
    assert set(rows) == set(FAMILIES)
    for name, family in FAMILIES.items():
        own = [item.name for item in family.results if item.name != "chosen by"]
        own += [item.name for item in family.conditions]
        same = rows["penalties"] if name == "late_penalties" else ""
        assert [word for word in own if f"`{word}`" not in rows[name] + same] == [], name
        marked = f"| `{name}` † |" in text
        assert marked == any(item.name == "chosen by" for item in family.results), name


def names_in_first_cells(section: str) -> set[str]:
    """List the names in backticks in the first cells of the tables of a section."""
    rows = re.findall(r"^\| (`.+?) \|", section, flags=re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_format_lists_the_results_that_conditions_read() -> None:
    from svc_policy.pack.columns import RESULTS

    text = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    section = text.split("## 4. Results that conditions may read")[1].split("\n## ")[0]
    listed = names_in_first_cells(section)
    assert set(RESULTS) - listed == set()


def test_the_format_lists_the_keys_of_a_decision() -> None:
    from svc_policy import load

    text = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    section = text.split("## 8. Decision as JSON")[1].split("\n## ")[0]
    listed = names_in_first_cells(section)
    found = load("branches").decide({"received_at": "2026-03-02T09:00:00"}).to_dict()
    assert set(found) == listed


def test_the_readme_shows_rows_of_the_pack() -> None:
    from svc_policy.tables import read_csv

    problems: list[object] = []
    sheet = read_csv(BARE[1] / "deadlines.csv", problems=problems)  # type: ignore[arg-type]
    headings = [cell.text for cell in sheet.header]
    real = {row[0].text: dict(zip(headings, (cell.text for cell in row), strict=True)) for row in sheet.rows}
    lines = re.findall(r"^\| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    start = next(index for index, line in enumerate(lines) if line.startswith("rule | "))
    shown = [line.split(" | ") for line in lines[start : start + 6]]
    for row in shown[2:]:
        for heading, cell in zip(shown[0], row, strict=True):
            assert real[row[0]][heading] == cell


def test_the_licence_is_whole() -> None:
    import hashlib

    text = (ROOT / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
