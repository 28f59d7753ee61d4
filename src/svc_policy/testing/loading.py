"""Say whether a changed policy would load: the loader's own checks, put to rows that are there already."""

from __future__ import annotations

from svc_policy.errors import Problem
from svc_policy.messages import Message
from svc_policy.pack.load import Pack
from svc_policy.pack.schedules import check_schedules
from svc_policy.pack.words import check_words
from svc_policy.tables.reading import refuse_repeated
from svc_policy.tables.records import Rule
from svc_policy.testing.mutants import Mutant


class Loader:
    """Puts the checks of the loader to changed packs; what it says of the unchanged one is no complaint."""

    def __init__(self, pack: Pack) -> None:
        self.known = {str(one.message) for one in _problems(pack, tuple(pack.rows))}

    def complaint(self, pack: Pack, mutant: Mutant) -> Message | None:
        """Give the first thing for which the loader refuses a changed pack; None where it takes it."""
        tables = (mutant.table,) if mutant.table in pack.rows else ()
        found = _problems(pack, tables)
        return next((one.message for one in found if str(one.message) not in self.known), None)


def _problems(pack: Pack, tables: tuple[str, ...]) -> list[Problem]:
    problems: list[Problem] = []
    stated = next(fact.values for fact in pack.settings.facts["ticket"] if fact.name == "zone")
    check_words(pack.rows, (), problems, stated)
    check_schedules(pack.rows, pack.settings, (), problems)
    for table in tables:
        rules = [
            Rule(id=row.id, tests=(), results=(), from_day=row.since, until_day=row.until) for row in pack.rows[table]
        ]
        refuse_repeated(rules, problems)
    return [one for one in problems if one.severity == "error"]
