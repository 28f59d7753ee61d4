"""How the two policies of a comparison are called, and their tables, columns and results.

In English a table is called by its file and a column by its heading, as a pack
has them; in Chinese by their Chinese headings, which a pack may have as well.
Rules, parameters and clauses keep their ids in both languages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from svc_policy.diff.changes import Change
from svc_policy.explain.wording import Wording
from svc_policy.messages import Language
from svc_policy.rules import FAMILIES
from svc_policy.tables.reading import FIXED

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_RESULT: Final = "then: "


class Naming:
    """Names tables and columns of a change in one language; what only the old policy has by that one's labels."""

    def __init__(self, old: Policy, new: Policy, language: Language) -> None:
        self.language: Language = language
        self._of = (Wording(new, language), Wording(old, language))

    @property
    def is_chinese(self) -> bool:
        """Say whether headings are put into Chinese."""
        return self.language == "zh"

    def table(self, name: str) -> str:
        """Name a table."""
        return FAMILIES[name].zh if self.is_chinese and name in FAMILIES else name

    def change(self, change: Change) -> str:
        """Name what was changed: table and rule, list and key, or what else it is."""
        return f"{self.table(change.table)}.{change.name}" if change.table else change.name

    def column(self, table: str, name: str) -> str:
        """Name a column of a table by its heading; a result with its prefix."""
        if not self.is_chinese or table not in FAMILIES:
            return name
        if name.startswith(_RESULT):
            return f"则：{self.result(table, name.removeprefix(_RESULT))}"
        if name in FIXED:
            return FIXED[name][-1]
        own = next((each.zh for each in FAMILIES[table].conditions if each.name == name), None)
        return own or self.fact(name)

    def result(self, table: str, name: str) -> str:
        """Name a result of a table, without its prefix."""
        results = FAMILIES[table].results if self.is_chinese and table in FAMILIES else ()
        return next((each.zh for each in results if each.name == name), name)

    def fact(self, name: str) -> str:
        """Name a fact or an earlier result."""
        if not self.is_chinese:
            return name
        plain = name.replace("_", " ")
        return next((found for words in self._of if (found := words.column(name)) != plain), name)


def side(policy: Policy, label: str | None = None) -> str:
    """Name one side: how it was named, its id, the first digits of its digest, and the day on which it is fixed."""
    name = f"{policy.id} {policy.digest[:12]}"
    if policy.fixed_on is not None:
        name = f"{name} @{policy.fixed_on}"
    return name if label in (None, policy.id, f"{policy.id}@{policy.fixed_on}") else f"{label} ({name})"


__all__ = ["Naming", "side"]
