"""Small packs on which findings are reckoned by hand, and copies of mall with rows changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pack.building import copy_of_mall
from rules.made import made
from svc_policy import Policy, load
from svc_policy.check import Finding, check_policy

BANDS = """rule,distance_km,on_site,then: starts,then: ends,then: within,then: clock,cite
near,<= 5 km,yes,received,arrived,24 h,calendar,m-1
middle,(5..50] km,yes,received,arrived,48 h,calendar,m-1
far,> 50 km,yes,received,arrived,72 h,calendar,m-1
"""


def found(policy: Policy, *codes: str, examples: bool = False) -> list[Finding]:
    """List the findings with some codes, all of them where none is named."""
    return [one for one in check_policy(policy, examples=examples) if not codes or one.code in codes]


def shop(folder: Path, tables: Mapping[str, str], settings: str = "") -> Policy:
    """Make a small pack."""
    return made(folder, tables, settings)


def bands(folder: Path, *changes: tuple[str, str], settings: str = "") -> Policy:
    """Make a pack of three distance bands, with texts replaced in its table."""
    text = BANDS
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return shop(folder, {"deadlines": text}, settings)


def mall_without(folder: Path, *rows: tuple[str, str]) -> Policy:
    """Load a copy of mall without some lines: pairs of a table and how the line begins."""
    path = copy_of_mall(folder)
    for table, begin in rows:
        file = path / f"{table}.csv"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(begin)]
        assert len(kept) == len(lines) - 1, begin
        file.write_text("".join(kept), encoding="utf-8")
    return load(path)


def words(finding: Finding) -> str:
    """Give the region of a finding in words."""
    assert finding.words is not None
    return finding.words.text("en")


def codes(findings: Sequence[Finding]) -> list[str]:
    """List the codes of findings."""
    return [finding.code for finding in findings]
