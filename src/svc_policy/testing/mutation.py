"""Change a policy a little, thousands of times, and say which changes none of its cases notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from svc_policy.errors import PolicyError, UsageError, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.pack.cases import TICKET, Case, cases_of, run_case
from svc_policy.policy import Policy
from svc_policy.policy.views import LISTS
from svc_policy.statistics import LOOK_BACK
from svc_policy.testing.judging import Judges, judges_of
from svc_policy.testing.loading import Loader
from svc_policy.testing.mutants import Mutant, mutants_of
from svc_policy.testing.proving import proof_of
from svc_policy.testing.switching import Asked, Changed, Switchboard, Trial, Wanted
from svc_policy.testing.telling import Told, tell_apart

#: `alike`: no ticket was found that tells the change; `equivalent`: it is proved that there is none.
Verdict = Literal["noticed", "unnoticed", "alike", "equivalent", "refused"]

VERDICTS: Final[Mapping[Verdict, Message]] = {
    "noticed": message("noticed"),
    "unnoticed": message("unnoticed"),
    "alike": message("not told apart"),
    "equivalent": message("change nothing"),
    "refused": message("no policy"),
}

#: How many cases are asked before a changed policy is compiled as a whole.
_SHORTLY: Final = 2
#: What a statistics case may rest on beside the columns of its tickets.
_COUNTED: Final = frozenset({"budgets", "stock", "approvals", "penalties", "late_penalties"})
#: Tables whose rows only one kind of case reads.
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "schedules": frozenset({"schedule"}),
    "staffing": frozenset({"staffing"}),
    "budgets": frozenset({"statistics"}),
    "stock": frozenset({"statistics"}),
    "fields": frozenset({TICKET}),
}


@attrs.frozen(kw_only=True)
class Finding:
    """What became of one change.

    `case` is the first case that noticed it, or `property` the property that did where no case does. For an
    unnoticed one `case` is the case from which a ticket is made that tells the two policies apart, with the facts in
    `facts` as they are written there. `reason` says why a change is listed apart.
    """

    mutant: Mutant
    verdict: Verdict
    case: str | None = None
    property: str | None = None
    facts: Mapping[str, str] = attrs.field(factory=dict)
    reason: Message | None = None


@attrs.frozen(kw_only=True)
class Mutation:
    """What became of every change of a policy."""

    policy_id: str
    digest: str
    cases: int
    findings: tuple[Finding, ...]

    def count(self, verdict: Verdict) -> int:
        """Count the changes with a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    @property
    def counted(self) -> int:
        """How many changes the share is of: all that the loader takes and that are not proved to change nothing."""
        return self.count("noticed") + self.count("unnoticed") + self.count("alike")

    @property
    def by_properties(self) -> int:
        """How many of those that are noticed a property notices and no case."""
        return sum(finding.property is not None for finding in self.findings)

    @property
    def score(self) -> int | None:
        """The share of the changes that count which were noticed, in basis points rounded down; None if none counts."""
        return self.count("noticed") * 10_000 // self.counted if self.counted else None


#: What shows the results of a row whose table decides nothing else: the beginnings of paths.
_SHOWN_AS: Final[Mapping[str, tuple[str, ...]]] = {
    **{table: ("escalation",) if table == "escalations" else (key,) for table, key in LISTS.items()},
    "fields": ("forms",),
}

Progress = Callable[[int, int], None]


def mutate(
    policy: Policy,
    cases: Sequence[Case] | None = None,
    *,
    only: str | None = None,
    with_properties: bool = True,
    progress: Progress | None = None,
) -> Mutation:
    """Try every change of a policy on its cases, and those that none of them notices on the named properties.

    Args:
        policy: The policy.
        cases: The cases; those of its pack unless given. One that fails as it is notices nothing.
        only: A table (`fees`), or one of its rules (`fees.labour`).
        with_properties: Whether the properties are asked; without Hypothesis they are not.
        progress: Is told how many changes are done, of how many.

    Raises:
        PackError: The cases cannot be read.
        UsageError: `only` names no table or rule that could be changed.
    """
    cases = cases_of(policy.pack) if cases is None else cases
    mutants = _chosen(mutants_of(policy.pack), only)
    judges = judges_of(policy) if with_properties else None
    run = _Run(policy, [case for case in cases if not run_case(policy, case)], judges)
    loader = Loader(policy.pack)
    tables = dict.fromkeys(mutant.table for mutant in mutants)
    findings: list[Finding] = []
    for table in tables:
        of = [mutant for mutant in mutants if mutant.table == table]
        complaints = {id(mutant): loader.complaint(run.board.pack_of(mutant), mutant) for mutant in of}
        taken = [mutant for mutant in of if complaints[id(mutant)] is None]
        noticed = {id(mutant): case for mutant in taken if (case := run.shortly(mutant)) is not None}
        trials = run.board.changed([mutant for mutant in taken if id(mutant) not in noticed])
        for mutant in of:
            complaint = complaints[id(mutant)]
            if complaint is not None:
                findings.append(Finding(mutant=mutant, verdict="refused", reason=complaint))
            elif id(mutant) in noticed:
                findings.append(Finding(mutant=mutant, verdict="noticed", case=noticed[id(mutant)]))
            else:
                findings.append(run.judge(next(trials)))
            if progress is not None:
                progress(len(findings), len(mutants))
    return Mutation(policy_id=policy.id, digest=policy.digest, cases=len(cases), findings=tuple(findings))


def _chosen(mutants: Sequence[Mutant], only: str | None) -> Sequence[Mutant]:
    if only is None:
        return mutants
    table, _, rule = only.partition(".")
    found = [mutant for mutant in mutants if mutant.table == table and rule in ("", mutant.rule)]
    if not found:
        names = {mutant.table for mutant in mutants} | {f"{mutant.table}.{mutant.rule}" for mutant in mutants}
        near = nearest(only, sorted(names))
        text = message("there is no table or rule `{name}` in the policy", name=only)
        raise UsageError(
            [problem("only-unknown", text, help=message("did you mean `{near}`?", near=near) if near else None)]
        )
    return found


@attrs.define(eq=False)
class Prepared:
    """A case with a ticket: the ticket ready, what the unchanged policy makes of it, and the rules it rests on."""

    case: Case
    asked: Asked
    at_s: int
    uses: frozenset[str]
    columns: dict[int, Any] = attrs.field(factory=dict)

    def unchanged(self, base: Changed) -> Any:
        """Give the columns under the unchanged policy."""
        key = id(base.compiled)
        if key not in self.columns:
            # Only the tables at hand are kept: a switchboard is done with when the next one is made.
            self.columns = {one: found for one, found in self.columns.items() if len(self.columns) < 4}
            self.columns[key] = base.columns(self.asked, self.at_s)
        return self.columns[key]


def _want(policy: Wanted, case: Case) -> None:
    """Tell a changed policy what a case looks at."""
    heads = {path.partition(".")[0].removesuffix("[]") for path in case.expect}
    policy.keys = frozenset({*heads, "rules"} if case.rules or case.cites else heads)


class _Run:
    """Puts changed policies to the cases."""

    def __init__(self, policy: Policy, cases: Sequence[Case], judges: Judges | None) -> None:
        self.policy = policy
        self.judges = judges
        self.board = Switchboard(policy)
        self.tickets: list[Prepared] = []
        self.others: list[Case] = []
        self.counted: dict[str, list[Prepared]] = {}
        for case in cases:
            ready = self._prepared(case)
            if ready is None:
                self.others.append(case)
            else:
                self.tickets.append(ready)

    def _prepared(self, case: Case) -> Prepared | None:
        if case.kind != TICKET:
            return None
        at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=self.policy.zone)
        try:
            ticket = self.policy.ticket(case.ticket)
            decision = self.policy.decide(ticket, at=at)
        except PolicyError:
            return None
        asked = self.board.ready[id(case.ticket)] = Asked(ticket)
        uses = frozenset(f"{use.table}.{use.rule}" for use in decision.rules)
        return Prepared(case=case, asked=asked, at_s=int(at.timestamp()), uses=uses)

    def judge(self, trial: Trial) -> Finding:
        """Say what becomes of one change."""
        mutant = trial.mutant
        if trial.policy is None:
            reason = message("the policy cannot be made: its cells do not go together")
            return Finding(mutant=mutant, verdict="refused", reason=reason)
        for case in self._cases_for(trial):
            try:
                noticed = bool(run_case(self._asked_of(trial, case), case))
            except Exception:  # a changed policy may break anywhere
                reason = message("the policy cannot decide: its cells do not go together")
                return Finding(mutant=mutant, verdict="refused", reason=reason)
            if noticed:
                return Finding(mutant=mutant, verdict="noticed", case=case.name)
        proved = proof_of(trial)
        if proved is not None:
            return Finding(mutant=mutant, verdict="equivalent", reason=proved)
        broken = self.judges.broken_by(trial) if self.judges is not None else None
        if broken is not None:
            return Finding(mutant=mutant, verdict="noticed", property=broken)
        told: Told = tell_apart(trial, self.tickets, self.others)
        if told.is_apart:
            return Finding(mutant=mutant, verdict="unnoticed", case=told.case, facts=told.facts)
        return Finding(mutant=mutant, verdict="alike", reason=told.reason)

    def shortly(self, mutant: Mutant) -> str | None:
        """Name one of the likeliest cases where it notices a change that needs a plan of its own.

        A plan for what one ticket states is made in a quarter of the time that the whole takes.
        """
        if self.board.way_of(mutant) != "anew":
            return None
        policy = self.board.shortly(mutant)
        for one in self._likeliest(mutant)[:_SHORTLY]:
            policy.forget_shapes()
            _want(policy, one.case)
            try:
                if run_case(policy, one.case):
                    return one.case.name
            except Exception:  # a changed policy may break anywhere; the whole of it says how
                return None
        return None

    def _likeliest(self, mutant: Mutant) -> list[Prepared]:
        """Give the cases that name a changed rule, then those that rest on one."""
        named = [one for one in self.tickets if not mutant.rules.isdisjoint(one.case.rules)]
        using = [one for one in self.tickets if not mutant.rules.isdisjoint(one.uses)]
        return list(dict.fromkeys([*named, *using]))

    def _asked_of(self, trial: Trial, case: Case) -> Policy:
        assert trial.policy is not None
        _want(trial.policy, case)
        return trial.policy

    def _cases_for(self, trial: Trial) -> Iterator[Case]:
        """Give the cases that can notice a change, the likeliest first."""
        mutant = trial.mutant
        rules = mutant.rules
        kinds = _KINDS.get(mutant.table)
        if kinds is None or TICKET in kinds:
            for one in dict.fromkeys([*self._likeliest(mutant), *self.tickets]):
                if self._reaches(trial, one):
                    yield one.case
        for case in sorted(self.others, key=lambda one: (one.kind == "statistics", rules.isdisjoint(one.rules))):
            if (kinds is None or case.kind in kinds) and self._may_matter(trial, case):
                yield case

    @staticmethod
    def _reaches(trial: Trial, one: Prepared) -> bool:
        """Say whether a ticket's outcome may be another one: its columns are, or what is shown of its rows."""
        assert trial.policy is not None
        mutant = trial.mutant
        if mutant.table == "holds" and one.asked.ticket.holds:
            # Which rule a hold is of is read off the row, and no column.
            return True
        if trial.way != "switch" and (one.case.rules or one.case.cites) and not mutant.rules.isdisjoint(one.uses):
            return True
        key = _SHOWN_AS.get(mutant.table)
        is_cell = mutant.column.startswith("then: ")
        says = key is not None and any(path.startswith(key) for path in one.case.expect)
        if mutant.table == "fields" and not is_cell:
            # A field may come to stand on another form.
            return says or not mutant.rules.isdisjoint(one.uses)
        if trial.way == "seen" and is_cell and key is not None and not says:
            # Only the list in which the row stands shows its cells.
            return False
        is_shown = mutant.settings is not None or mutant.column.startswith("then: ") or not mutant.column
        if is_shown and not mutant.rules.isdisjoint(one.uses):
            return True
        return trial.way != "seen" and trial.policy.columns(one.asked, one.at_s) != one.unchanged(trial.base)

    def _may_matter(self, trial: Trial, case: Case) -> bool:
        """Say whether a case that asks no ticket can rest on what changed."""
        mutant = trial.mutant
        if case.kind != "statistics":
            return mutant.table in (case.kind, f"{case.kind}s", "parameters", "interpretations", "policy")
        tables = {mutant.table, *(rule.partition(".")[0] for rule in mutant.rules)}
        if not tables.isdisjoint(_COUNTED) or mutant.rule == LOOK_BACK or mutant.column == "earlier_repairs":
            return True
        return trial.way != "seen" and any(self._reaches(trial, one) for one in self._counted(case))

    def _counted(self, case: Case) -> Sequence[Prepared]:
        """Give the tickets of a case of statistics, ready."""
        if case.name not in self.counted:
            at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=self.policy.zone)
            try:
                at_s = int(at.timestamp())
                tickets = [self.policy.ticket(one) for one in case.arguments["tickets"]]  # type: ignore[attr-defined]
            except (PolicyError, OverflowError, ValueError):
                tickets = []
            self.counted[case.name] = [
                Prepared(case=case, asked=Asked(ticket), at_s=at_s, uses=frozenset()) for ticket in tickets
            ]
        return self.counted[case.name]
