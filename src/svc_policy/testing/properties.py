"""The named properties that a policy should keep, each a function that takes the policy.

Each draws tickets (:func:`~svc_policy.testing.situations`) and raises
:class:`~svc_policy.testing.PropertyFailed` with the smallest one that breaks
it; otherwise it says that the property is kept, is switched off in
``policy.toml``, or does not apply. A property never judges what is not
determined: a missing fact is asked for, and breaks nothing. Half of the tickets
are such that a row of the tables which the property is about holds, and the
result says how many could have broken it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import wraps
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
from hypothesis import settings as Settings  # noqa: N812 - a class by its nature
from hypothesis import strategies as st

from svc_policy.facts.registry import LISTS
from svc_policy.messages import LANGUAGES, Message, Phrase, message
from svc_policy.pack.properties import PROPERTIES
from svc_policy.testing.citing import clauses_in
from svc_policy.testing.palette import EPOCH, Palette, facts_read
from svc_policy.testing.running import DEFAULT, Failure, PropertyFailed, PropertyResult, Verdict, try_property
from svc_policy.testing.strategies import Situation, aimed

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

_FEES: Final = ("fees", "part_fees", "surcharges", "materials", "processing", "overrides", "category")
_LONGEST: Final = 800
_COVERAGE: Final = ("warranty", "exclusions")
_PENALTIES: Final = ("penalties", "late_penalties")
#: The categories for which a customer pays nothing.
_FREE: Final = ("C", "D")


class Property(Protocol):
    """A named property; the settings are Hypothesis's, the same examples in every run unless given."""

    def __call__(self, policy: Policy, *, settings: Settings | None = None) -> PropertyResult:
        """Try it on a policy.

        Raises:
            PropertyFailed: It does not hold.
        """
        ...


@attrs.frozen
class _Trial:
    """What a property is tried with: drawn tuples that begin with a situation, and the judge of one."""

    drawn: SearchStrategy[Any]
    judge: Callable[..., Verdict]


#: Every named property, in the order of :data:`svc_policy.pack.properties.PROPERTIES`.
NAMED: Final[dict[str, Property]] = {}


def _named(make: Callable[[Policy], _Trial | Message]) -> Property:
    """Make a property of what prepares its trial, or says why it does not apply."""
    name = make.__name__

    @wraps(make)
    def tried(policy: Policy, *, settings: Settings | None = None) -> PropertyResult:
        __tracebackhide__ = True
        off = switched_off(policy, name)
        if off is not None:
            return off
        trial = make(policy)
        if isinstance(trial, Message):
            return PropertyResult(name=name, status="does not apply", reason=trial)
        return try_property(name, policy, trial.drawn, trial.judge, settings=settings)

    NAMED[name] = tried
    return tried


def switched_off(policy: Policy, name: str) -> PropertyResult | None:
    """Give the result of a property that ``policy.toml`` switches off; None if it does not."""
    reason = policy.pack.settings.properties_off.get(name)
    if reason is None:
        return None
    return PropertyResult(name=name, status="off", reason=Phrase(*reason))


def check_all(policy: Policy, *, settings: Settings | None = None) -> Iterator[PropertyResult | PropertyFailed]:
    """Try every named property, and yield what comes of each; what fails is yielded, not raised."""
    for name in PROPERTIES:
        try:
            yield NAMED[name](policy, settings=settings)
        except PropertyFailed as failed:
            yield failed


# --- categories and time


@_named
def total_category(policy: Policy) -> _Trial | Message:
    """Every request has a category, unless a fact that it hangs on is missing."""
    if "category" not in policy.plan.columns:
        return message("the policy has no categories")
    last = policy.pack.rows["category"][-1]
    place = f"{last.file}:{last.line}"

    def judge(situation: Situation) -> Verdict:
        decision = situation.decide(policy)
        if decision.column("category") is not None or decision.column("category_needs"):
            return decision.column("category") is not None
        detail = message("no rule gives this request a category")
        return Failure(detail=detail, decision=decision, place=place)

    return _Trial(st.tuples(_about(policy, "category")), judge)


@_named
def nearer_never_waits_longer(policy: Policy) -> _Trial | Message:
    """With all else equal, nothing is due later at a nearer site than at one further away."""
    targets = policy.target_names()
    if "ticket.distance_km" not in facts_read(policy) or not targets:
        return message("nothing is due by the distance")
    palette = Palette(policy)
    choice = palette.of_path["distance_km"]
    distances = _pairs(palette.natural(choice.fact, value) for value in choice.values)

    def judge(situation: Situation, pair: tuple[Decimal, Decimal]) -> Verdict:
        near, far = pair
        close = _with(situation, distance_km=near)
        nearer, further = close.decide(policy), _with(situation, distance_km=far).decide(policy)
        is_due = False
        for target in targets:
            early, late = nearer.column(f"{target}_due"), further.column(f"{target}_due")
            if not isinstance(early, int) or not isinstance(late, int):
                continue
            is_due = True
            if early > late:
                detail = message(
                    "`{target}` is due on {near} at {close} km, and on {far} at {distant} km",
                    target=target,
                    near=policy.instant(early),
                    far=policy.instant(late),
                    close=_plain(near),
                    distant=_plain(far),
                )
                also = {"distance_km": _plain(far)}
                return Failure(detail=detail, decision=nearer, tables=("deadlines",), situation=close, also=also)
        return is_due

    return _Trial(st.tuples(_about(policy, "deadlines"), distances), judge)


@_named
def escalation_never_falls(policy: Policy) -> _Trial | Message:
    """While nothing happens but that time passes, nobody who has been told of a matter is untold."""
    if "escalations_fired" not in policy.plan.columns:
        return message("nothing is escalated")

    def judge(situation: Situation, later: int) -> Verdict:
        after = attrs.evolve(situation, at=situation.at + timedelta(seconds=later))
        before_mask, after_mask = (
            int(each.decide(policy).column("escalations_fired") or 0) for each in (situation, after)
        )
        lost = before_mask & ~after_mask
        if not lost:
            return bool(before_mask)
        rows = [row for index, row in enumerate(policy.plan.tables["escalations"]) if lost >> index & 1]
        detail = message("`{rule}` has fired and no longer does", rule=rows[0].id)
        decision = situation.decide(policy)
        return Failure(detail=detail, decision=decision, tables=("escalations",), also={"at": after.at.isoformat()})

    gaps = st.sampled_from(tuple(gap for gap in Palette(policy).gaps if gap))
    return _Trial(st.tuples(_about(policy, "escalations"), gaps), judge)


# --- money


@_named
def fees_never_negative(policy: Policy) -> _Trial | Message:
    """No line of a quote, and nothing that it comes to, is less than nothing."""
    columns = policy.plan.columns
    if "total" not in columns:
        return message("the policy prices nothing")
    own = tuple(name for name in policy.plan.names("ticket") if re.fullmatch(r"fee_\w+_amount|surcharge_\d+", name))
    names = (*own, *(name for name in ("parts_amount", "subtotal", "tax", "total", "payable") if name in columns))

    def judge(situation: Situation) -> Verdict:
        decision = situation.decide(policy)
        amounts = {name: decision.column(name) for name in names}
        for name, amount in amounts.items():
            if isinstance(amount, int) and amount < 0:
                detail = message("`{name}` is {amount}", name=name, amount=policy.money(amount))
                return Failure(detail=detail, decision=decision, tables=_FEES)
        return any(amounts.values())

    return _Trial(st.tuples(_about(policy, *_FEES, result="total")), judge)


def _totals_fall(policy: Policy, less: Situation, more: Situation, also: Mapping[str, Any]) -> Verdict:
    decision = less.decide(policy)
    small, great = decision.column("total"), more.decide(policy).column("total")
    if not isinstance(small, int) or not isinstance(great, int) or great >= small:
        return isinstance(small, int) and isinstance(great, int) and great > 0
    detail = message("the total is {less}, and {more} for more", less=policy.money(small), more=policy.money(great))
    return Failure(detail=detail, decision=decision, tables=_FEES, situation=less, also=also)


@_named
def fees_rise_with_hours(policy: Policy) -> _Trial | Message:
    """With all else equal, a job of more hours never comes to less."""
    if "total" not in policy.plan.columns or "ticket.labour_hours" not in facts_read(policy):
        return message("nothing is priced by the hour")
    palette = Palette(policy)
    choice = palette.of_path["labour_hours"]
    hours = _pairs(palette.natural(choice.fact, value) for value in choice.values)

    def judge(situation: Situation, pair: tuple[timedelta, timedelta]) -> Verdict:
        few, many = pair
        less, more = (_with(situation, labour_hours=time) for time in (few, many))
        return _totals_fall(policy, less, more, {"labour_hours": _hours(many)})

    rows = [row for row in policy.pack.rows.get("fees", ()) if row.text("measure") == "labour_hours"]
    return _Trial(st.tuples(aimed(policy, rows, "total"), hours), judge)


@_named
def fees_rise_with_parts(policy: Policy) -> _Trial | Message:
    """With all else equal, a job with more parts, or more of a part, never comes to less."""
    if "total" not in policy.plan.columns or "parts_amount" not in policy.plan.columns:
        return message("no parts are priced")

    def judge(situation: Situation, more: int) -> Verdict:
        parts = tuple(situation.facts.get("parts", ()))
        if not parts:
            return False
        if more:
            last = {**parts[-1], "quantity": (parts[-1].get("quantity") or 1) + more}
            larger = (*parts[:-1], last)
        else:
            larger = (*parts, parts[-1])
        return _totals_fall(policy, situation, _with(situation, parts=larger), {"parts": larger})

    return _Trial(st.tuples(_about(policy, "part_fees", result="total"), st.sampled_from((0, 1, 10))), judge)


@_named
def free_and_internal_cost_nothing(policy: Policy) -> _Trial | Message:
    """The customer pays nothing for a job of category C or D, but for parts that are not covered, and goods."""
    columns = policy.plan.columns
    if "category" not in columns or "payable" not in columns:
        return message("the policy has no categories, or prices nothing")
    fees = tuple(name for name in policy.plan.names("ticket") if re.fullmatch(r"fee_\w+_amount", name))

    def judge(situation: Situation) -> Verdict:
        decision = situation.decide(policy)
        payable = decision.column("payable")
        if decision.column("category") not in _FREE or not payable:
            return decision.column("category") in _FREE and payable is not None
        charged = [name for name in fees if decision.column(name)]
        numbers = range(len(situation.facts.get("parts", ())))
        uncovered = any(policy.child_column(decision, "part", number, "part_covered") is not True for number in numbers)
        if not charged and (uncovered or situation.facts.get("materials")):
            return True
        detail = message(
            "the category is {category}, and the customer pays {amount}",
            category=decision.column("category"),
            amount=policy.money(payable),
        )
        return Failure(detail=detail, decision=decision, tables=_FEES)

    rows = [row for row in policy.pack.rows["category"] if row.text("category") in _FREE]
    return _Trial(st.tuples(aimed(policy, rows, "payable")), judge)


@_named
def penalties_within_range(policy: Policy) -> _Trial | Message:
    """No penalty is less than nothing or outside its range, and all together come to what they come to one by one."""
    if not (policy.pack.rows.get("penalties") or policy.pack.rows.get("late_penalties")):
        return message("the policy has no penalties")

    def judge(situation: Situation) -> Verdict:
        decision = situation.decide(policy)
        least_of_all = most_of_all = Decimal(0)
        for item in decision.penalties:
            low = item.amount if item.amount is not None else item.least
            high = item.amount if item.amount is not None else item.most
            if (low is not None and low < 0) or (low is not None and high is not None and high < low):
                detail = message(
                    "a penalty of `{rule}` lies between {low} and {high}", rule=item.rule.rule, low=low, high=high
                )
                return Failure(detail=detail, decision=decision, tables=_PENALTIES)
            least_of_all += low or 0
            most_of_all += high or 0
        least, most = (policy.money(decision.column(name)) for name in ("penalty_least", "penalty_most"))
        waived = any(line.get("override_kind") == "penalty_waiver" for line in situation.facts.get("overrides", ()))
        within = least is None or most is None or (0 <= least <= most and (waived or least == least_of_all))
        if within and (most is None or most <= most_of_all):
            return bool(decision.penalties)
        detail = message(
            "the penalties come to {least} to {most}, one by one to {low} to {high}",
            least=least,
            most=most,
            low=least_of_all,
            high=most_of_all,
        )
        return Failure(detail=detail, decision=decision, tables=_PENALTIES)

    return _Trial(st.tuples(_about(policy, *_PENALTIES)), judge)


# --- coverage


@_named
def earlier_report_never_worsens_coverage(policy: Policy) -> _Trial | Message:
    """With all else equal, whoever reports a fault earlier is covered wherever a later report is."""
    if not policy.pack.rows.get("warranty"):
        return message("the policy has no warranty")
    names = tuple(name for name in ("in_warranty", "covered") if name in policy.plan.columns)
    of_part = tuple(name for name in ("part_in_warranty", "part_covered") if name in policy.plan.columns)

    palette = Palette(policy)

    def judge(situation: Situation, before: int) -> Verdict:
        received = situation.facts.get("received_at")
        if received is None:
            return False
        # So many days, or on the day on which an edition begins or ends.
        days = before if before <= _LONGEST else (received.astimezone(policy.zone).date() - EPOCH).days - before
        if days <= 0:
            return False
        earlier = _with(situation, received_at=received - timedelta(days=days))
        late, early = situation.decide(policy), earlier.decide(policy)
        pairs = [(name, late.column(name), early.column(name)) for name in names]
        for number in range(len(situation.facts.get("parts", ()))):
            for name in of_part:
                then, before_then = (policy.child_column(each, "part", number, name) for each in (late, early))
                pairs.append((name, then, before_then))
        worse = [name for name, then, before in pairs if then is True and before is False]
        if not worse:
            return any(then is True and before is True for _, then, before in pairs)
        detail = message(
            "`{name}` holds of a request, and not of the same one {days} days earlier", name=worse[0], days=days
        )
        also = {"received_at": received.isoformat()}
        return Failure(detail=detail, decision=early, tables=_COVERAGE, situation=earlier, also=also)

    spans = st.sampled_from((1, 2, 30, 366, _LONGEST, *palette.days))

    def is_covered(decision: Decision) -> bool:
        columns = [
            policy.child_column(decision, "part", number, name)
            for number in range(len(decision.ticket.parts))
            for name in of_part
        ]
        return True in (*(decision.column(name) for name in names), *columns)

    return _Trial(st.tuples(aimed(policy, policy.pack.rows["warranty"], accept=is_covered), spans), judge)


# --- explanations and engines


@_named
def explanation_cites_rules(policy: Policy) -> _Trial | Message:
    """An explanation, in either language, cites every clause of every rule that made the decision."""

    def judge(situation: Situation) -> Verdict:
        decision = situation.decide(policy)
        for language in LANGUAGES:
            text = policy.explain(decision, language)
            cited = clauses_in(text)
            for rule in decision.rules:
                if missing := set(rule.cites) - cited:
                    detail = message(
                        "the explanation ({language}) does not cite `{clause}` of `{rule}`",
                        language=language,
                        clause=min(missing),
                        rule=f"{rule.table}.{rule.rule}",
                    )
                    return Failure(detail=detail, decision=decision, tables=(rule.table,))
        return any(rule.cites for rule in decision.rules)

    return _Trial(st.tuples(_about(policy, *policy.pack.rows)), judge)


def sql_is_python(policy: Policy, *, settings: Settings | None = None) -> PropertyResult:
    """DuckDB, in one batch, decides every drawn ticket as Python does, in every result of every grain."""
    __tracebackhide__ = True
    from svc_policy.testing.batches import try_batch

    return switched_off(policy, "sql_is_python") or try_batch(policy, settings or DEFAULT)


NAMED["sql_is_python"] = sql_is_python


# --- what is drawn, and what is changed


def _pairs(values: Iterable[Any]) -> SearchStrategy[tuple[Any, Any]]:
    """Draw two values of a fact, the smaller one first."""
    return st.sampled_from(list(combinations(sorted(values), 2)))


def _about(policy: Policy, *families: str, result: str = "") -> SearchStrategy[Situation]:
    """Draw situations, half of them tickets for which a row of some tables holds; those state what a result needs."""
    return aimed(policy, (row for name in families for row in policy.pack.rows.get(name, ())), result)


def _with(situation: Situation, **facts: Any) -> Situation:
    """State other facts, lists among them."""
    assert all(name not in LISTS.values() or isinstance(value, tuple) for name, value in facts.items())
    return attrs.evolve(situation, facts={**situation.facts, **facts})


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _hours(time: timedelta) -> str:
    seconds = time // timedelta(seconds=1)
    return _plain(Decimal(seconds) / 3600) if seconds % 9 == 0 else f"{seconds} s"
