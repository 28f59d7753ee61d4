"""Trace every clause of a pack: which rules cite it, which cases and tests exercise it.

A case exercises a clause that it names under `cites`, and the clauses of the
rules that it names under `rules`; a case that fails exercises nothing. A test
exercises the clauses that it names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.errors import Place, UsageError, problem
from svc_policy.messages import message
from svc_policy.pack.cases import Case, Decides, Mismatch, run_case

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack
    from svc_policy.rules.family import Row

#: What may be a clause in the words of a test.
_WORD: Final = re.compile(r"[A-Za-z][\w.-]*")


@attrs.frozen(kw_only=True)
class Trace:
    """One clause of a pack's register: where it stands in the source, and what rests on it.

    `rules` are the rows that cite it, each with its table; `cases` and `tests`
    are the names of those that exercise it.
    """

    clause: str
    pack: str
    place: str
    rules: tuple[tuple[str, Row], ...]
    cases: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def is_traced(self) -> bool:
        """Whether a rule cites the clause and a case exercises it."""
        return bool(self.rules and self.cases)

    def to_dict(self) -> dict[str, Any]:
        """Give the trace as JSON-ready data."""
        return {
            "clause": self.clause,
            "pack": self.pack,
            "place": self.place,
            "rules": [
                {"table": table, "rule": row.id, "file": row.file, "line": row.line} for table, row in self.rules
            ],
            "cases": list(self.cases),
            "tests": list(self.tests),
        }


def trace_clauses(
    pack: Pack, cases: Iterable[Case] = (), tests: Mapping[str, Sequence[str]] | None = None
) -> tuple[Trace, ...]:
    """Trace the clauses of a pack, in the order of its register.

    Args:
        pack: The pack.
        cases: Its cases, or those of them that count.
        tests: The names of tests by the clause that they exercise; see :func:`named_in_tests`.
    """
    citing: dict[str, list[tuple[str, Row]]] = {}
    for table, rows in pack.rows.items():
        for row in rows:
            for clause in dict.fromkeys(row.cites):
                citing.setdefault(clause, []).append((table, row))
    exercised: dict[str, list[str]] = {}
    for case in cases:
        for clause in exercised_by(case, pack):
            exercised.setdefault(clause, []).append(case.name)
    return tuple(
        Trace(
            clause=clause.id,
            pack=pack.id,
            place=clause.place,
            rules=tuple(citing.get(clause.id, ())),
            cases=tuple(exercised.get(clause.id, ())),
            tests=tuple((tests or {}).get(clause.id, ())),
        )
        for clause in pack.clauses.values()
    )


def exercised_by(case: Case, pack: Pack) -> tuple[str, ...]:
    """List the clauses that a case exercises: those that it names, and those of the rules that it names."""
    named = dict.fromkeys(case.cites)
    for table, rows in pack.rows.items():
        for row in rows:
            if f"{table}.{row.id}" in case.rules:
                named.update(dict.fromkeys(row.cites))
    return tuple(named)


def failing_cases(policy: Decides, cases: Iterable[Case]) -> dict[str, list[Mismatch]]:
    """Run cases, and give those that fail with what is not as they say."""
    return {case.name: found for case in cases if (found := run_case(policy, case))}


def named_in_tests(folder: Path) -> dict[str, tuple[str, ...]]:
    """Find the tests under a folder that name a clause, as ``tests/test_file.py::test_name`` by the clause.

    What a test says in its texts counts, those of its decorators included; what
    stands elsewhere in its file does not.

    Raises:
        UsageError: The folder is not there, or a file in it is no Python.
    """
    if not folder.is_dir():
        raise UsageError([problem("tests-missing", message("there is no folder `{path}`", path=str(folder)))])
    found: dict[str, dict[str, None]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        name = path.relative_to(folder.parent).as_posix()
        for test, words in _tests_of(path):
            for word in words:
                found.setdefault(word, {})[f"{name}::{test}"] = None
    return {word: tuple(tests) for word, tests in found.items()}


def _tests_of(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each test of a file with the words of its texts."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        place = Place(file=str(path), line=getattr(error, "lineno", None))
        raise UsageError([problem("tests-unreadable", message("the file is no Python"), place=place)]) from None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            words = (word for text in texts if isinstance(text, str) for word in _WORD.findall(text))
            yield node.name, {word.rstrip(".-") for word in words}
