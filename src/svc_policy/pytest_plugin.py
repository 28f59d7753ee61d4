"""Collect packs as tests: ``pytest --svc-policy PATH``, an item for each table checked, each case and each property.

Every run of pytest imports this module wherever the library is installed: it
imports nothing of the library until a pack is asked for.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from svc_policy.decision import Decision, RuleUse
    from svc_policy.errors import PolicyError, Problem
    from svc_policy.pack.cases import Case
    from svc_policy.policy import Policy

#: What is no table of the policy is checked here: settings, calendar, clauses, labels.
_REST: Final = "policy"


def _examples(text: str) -> int:
    """Read how many tickets are drawn.

    Raises:
        ArgumentTypeError: It is no whole number, or less than one.
    """
    count = int(text) if text.isascii() and text.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"a whole number of tickets, at least 1, not `{text}`")
    return count


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("svc-policy", "after-sales service policies")
    group.addoption(
        "--svc-policy",
        action="append",
        default=[],
        metavar="PACK",
        help="test this pack: a built-in name, a folder or a workbook; may be repeated",
    )
    group.addoption(
        "--svc-policy-examples",
        type=_examples,
        default=None,
        metavar="N",
        help="tickets drawn for each property; 100 unless given",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the items of each pack, before `-k` chooses among them."""
    names: Sequence[str] = config.getoption("--svc-policy")
    for name in dict.fromkeys(names):
        collector = PackCollector.from_parent(session, name=name, nodeid=f"svc-policy:{name}", pack=name)
        found = list(collector.collect())
        # As if a file had been collected: this is what counts them.
        report = pytest.CollectReport(collector.nodeid, outcome="passed", longrepr=None, result=list(found))
        config.hook.pytest_collectreport(report=report)
        items.extend(found)


class PackCollector(pytest.Collector):
    """One pack."""

    def __init__(self, *, pack: str, **given: Any) -> None:
        super().__init__(**given)
        self.pack = pack

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the pack's items; one that fails where the pack cannot be loaded."""
        from svc_policy import load
        from svc_policy.errors import PolicyError
        from svc_policy.pack.cases import cases_of
        from svc_policy.pack.source import find_pack

        try:
            find_pack(self.pack)
        except PolicyError as error:
            raise pytest.UsageError(_rendered(error.problems)) from None
        try:
            policy = load(self.pack)
            cases = cases_of(policy.pack)
        except PolicyError as error:
            yield LoadItem.from_parent(self, name="load", refusal=error)
            return
        checks = Checks(policy)
        for table in (*(name for name, rows in policy.pack.rows.items() if rows), _REST):
            yield CheckItem.from_parent(self, name=f"check::{table}", checks=checks, table=table)
        for case in cases:
            yield CaseItem.from_parent(self, name=f"case::{case.name}", policy=policy, case=case)
        from svc_policy.pack.properties import PROPERTIES

        for name in PROPERTIES:
            yield PropertyItem.from_parent(self, name=f"property::{name}", policy=policy, of=name)


class Checks:
    """What checking a policy finds, by the table it stands in; checked when the first of them is asked for."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._found: dict[str, list[Problem]] | None = None

    def of(self, table: str) -> list[Problem]:
        """Give the findings of a table."""
        if self._found is None:
            self._found = {}
            for problem in self.policy.check():
                self._found.setdefault(self._table(problem), []).append(problem)
        return self._found.get(table, [])

    def _table(self, problem: Any) -> str:
        place = getattr(problem, "place", None)
        name = "" if place is None else place.sheet or Path(place.file).stem
        return name if self.policy.pack.rows.get(name) else _REST


class PolicyTestFailed(Exception):  # noqa: N818 - told in its own words, never as a traceback
    """A test of a pack fails: the text to show, and where to look."""


class PolicyItem(pytest.Item):
    """One test of a pack."""

    def __init__(self, *, file: str = "", line: int | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._place = file, line

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what a policy does wrong in its own words; anything else as pytest does."""
        from svc_policy.errors import PolicyError

        error = excinfo.value
        if isinstance(error, PolicyTestFailed):
            return str(error)
        if isinstance(error, PolicyError):
            return _rendered(error.problems)
        return super().repr_failure(excinfo, style)

    def tell(self, text: str, file: str = "", line: int | None = None) -> None:
        """Warn of something; where it has no place, in the name of the pack."""
        # `Node.warn` takes only items that have a line.
        warnings.warn_explicit(pytest.PytestWarning(text), None, file or str(self.reportinfo()[0]), line or 1)

    def reportinfo(self) -> tuple[Path | str, int | None, str]:
        """Say where the test stands: the row, the case, or the pack."""
        file, line = self._place
        pack = self.parent.pack if isinstance(self.parent, PackCollector) else ""
        return file or pack, None if line is None else line - 1, f"{pack}::{self.name}"


class LoadItem(PolicyItem):
    """A pack that cannot be loaded: fails with every problem."""

    def __init__(self, *, refusal: PolicyError, **given: Any) -> None:
        place = refusal.problems[0].place
        super().__init__(file=place.file if place else "", line=place.line if place else None, **given)
        self.refusal = refusal

    def runtest(self) -> None:
        """Fail."""
        raise PolicyTestFailed(_rendered(self.refusal.problems))


class CheckItem(PolicyItem):
    """What checking finds in one table: errors fail, the rest warns."""

    def __init__(self, *, checks: Checks, table: str, **given: Any) -> None:
        super().__init__(**given)
        self.checks = checks
        self.table = table

    def runtest(self) -> None:
        """Check."""
        found = self.checks.of(self.table)
        errors = [problem for problem in found if problem.severity == "error"]
        others = [problem for problem in found if problem.severity != "error"]
        if others:
            self.add_report_section("call", "svc-policy", _rendered(others))
        if errors:
            raise PolicyTestFailed(_rendered(errors))
        for problem in others:
            if problem.severity == "warning":
                place = problem.place
                self.tell(problem.render(_language()), place.file if place else "", place.line if place else None)


class CaseItem(PolicyItem):
    """One worked example."""

    def __init__(self, *, policy: Policy, case: Case, **given: Any) -> None:
        super().__init__(file=case.place.file, line=case.place.line, **given)
        self.policy = policy
        self.case = case

    def runtest(self) -> None:
        """Put its question to the policy, and compare."""
        from svc_policy.pack.cases import TICKET, run_case
        from svc_policy.testing.citing import sentences_citing

        found = run_case(self.policy, self.case)
        if not found:
            return
        lines = [f"{self.case.place}: {self.case.name}", *(f"  {mismatch}" for mismatch in found), f"  {self.case.why}"]
        if self.case.kind == TICKET:
            at = self.case.at if self.case.at.tzinfo else self.case.at.replace(tzinfo=self.policy.zone)
            decision = self.policy.decide(self.case.ticket, at=at)
            named = _named(decision, self.case)
            lines += [f"  {rule.file}:{rule.line}: {rule.table}.{rule.rule}" for rule in named]
            clauses = {clause for rule in named for clause in rule.cites}
            lines += sentences_citing(self.policy.explain(decision, _language()), clauses)
        raise PolicyTestFailed("\n".join(lines))


class PropertyItem(PolicyItem):
    """One named property; skipped, with the reason, where it is switched off or does not apply."""

    def __init__(self, *, policy: Policy, of: str, **given: Any) -> None:
        super().__init__(**given)
        self.policy = policy
        self.of = of

    def runtest(self) -> None:
        """Try it."""
        from svc_policy.errors import UsageError

        try:
            from svc_policy.testing import NAMED, PropertyFailed
        except UsageError as error:
            # Hypothesis is an extra: the other items do without it.
            pytest.skip(_rendered(error.problems))
        try:
            with warnings.catch_warnings():
                # A pack has no say in what a project makes of the warnings of its own tests.
                warnings.simplefilter("ignore")
                result = NAMED[self.of](self.policy, settings=self._settings())
        except PropertyFailed as failed:
            raise PolicyTestFailed(failed.text(_language())) from None
        if result.status != "kept":
            reason = "" if result.reason is None else result.reason.text(_language())
            pytest.skip(f"{result.status}: {reason}")
        told = result.told().text(_language())
        self.user_properties += [("tried", result.tried), ("relevant", result.relevant), ("refused", result.refused)]
        self.add_report_section("call", "svc-policy", f"{self.of}: {told}")
        if not result.relevant:
            self.tell(f"{self.of}: {told}")

    def _settings(self) -> Any:
        from hypothesis import settings

        from svc_policy.testing.running import DEFAULT

        count = self.config.getoption("--svc-policy-examples")
        return DEFAULT if count is None else settings(DEFAULT, max_examples=count)


def _named(decision: Decision, case: Case) -> list[RuleUse]:
    """List the rules that a case names as far as they fired; else those of the clauses that it cites."""
    wanted = [rule for rule in decision.rules if f"{rule.table}.{rule.rule}" in case.rules]
    return wanted or [rule for rule in decision.rules if set(rule.cites) & set(case.cites)]


def _language() -> Any:
    from svc_policy.messages import language_of

    return language_of()


def _rendered(problems: Iterable[Problem]) -> str:
    return "\n".join(problem.render(_language()) for problem in problems)
