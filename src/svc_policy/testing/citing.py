"""The sentences of an explanation that some clauses are about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator


def clauses_in(line: str) -> set[str]:
    """List the clauses that stand in brackets in a line, or in a whole explanation."""
    return set(re.findall(r"[\w.-]+", " ".join(re.findall(r"\[([^\]]+)\]", line))))


def sentences_citing(explanation: str, clauses: Collection[str]) -> Iterator[str]:
    """Yield the lines of an explanation that cite one of the clauses."""
    for line in explanation.splitlines():
        if not clauses_in(line).isdisjoint(clauses):
            yield line
