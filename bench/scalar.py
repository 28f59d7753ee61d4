"""One ticket at a time: the reference decision in every engine, and the full policy of the mall."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from bench import hand_written
from bench.differential import services
from bench.peers import Peer, available_peers
from bench.reference_tickets import Case, compare, policy_answer, reference_cases, reference_policy
from bench.timing import Limit, Measurement, Settings, calling, interleaved, shown, tell
from svc_policy import Policy, Ticket, load
from svc_policy.errors import CalendarError
from svc_policy.pack.cases import cases_of
from svc_policy.policy import OFTEN

SAMPLE = 200


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure both decisions, answers compared first."""
    cases = reference_cases(400 if settings.quick else 2_000)
    policy = reference_policy()
    peers = available_peers()
    tell(f"  comparing answers over {len(cases):,} tickets: svc-policy, {', '.join(peers)}")
    engines = {"svc-policy": policy_answer(policy), **{name: _answering(peer) for name, peer in peers.items()}}
    compare(cases, engines)
    yield Measurement(name="reference decision, answers compared", figure=f"{len(cases):,} tickets, 0 differences")

    sample = cases[:100] if settings.quick else cases[:400]
    by_hand = [(case.job, case.at_s) for case in sample]
    reference = [(case.ticket, case.at_s) for case in sample]
    mall = load("mall")
    tickets = examples(mall)[: 20 if settings.quick else SAMPLE]
    tell("  timing the decisions of shapes that come often")
    settle(policy, reference)
    settle(mall, tickets)
    runs = {
        "by hand": calling(hand_written.decide, by_hand),
        "svc-policy": calling(policy.decide_s, reference),
        "mall": calling(mall.decide_s, tickets),
        **{f"{view.__name__} reference": calling(partial(view, policy), reference) for view in VIEWS},
        **{f"{view.__name__} mall": calling(partial(view, mall), tickets) for view in VIEWS},
        **{name: calling(peer, [(case.facts,) for case in sample]) for name, peer in peers.items()},
    }
    sizes = {name: len(tickets) if name.endswith("mall") else len(sample) for name in runs}
    times = interleaved(runs, settings.rounds(31))

    def ratio(name: str, to: str) -> float:
        return times.ratio(name, to) * sizes[to] / sizes[name]

    def note(name: str) -> str:
        return f"{shown(times.median(name) / sizes[name] * 1e6)} µs"

    yield Measurement(name="reference decision by hand", figure=note("by hand"))
    yield Limit(5, "× by hand").judge("reference decision", ratio("svc-policy", "by hand"), note("svc-policy"))
    for name, what, bound in (
        ("zen expression", "zen's compiled expression", 1),
        ("zen graph", "zen's decision graph", 20),
    ):
        if name in peers:
            judged = Limit(bound, "× faster", above=True)
            yield judged.judge(f"  than {what}", ratio(name, "svc-policy"), note(name))
    for name in ("business rules", "durable rules"):
        if name in peers:
            figure = f"{shown(ratio(name, 'svc-policy'))} × faster ({note(name)})"
            yield Measurement(name=f"  than {name}", figure=figure)
    yield Limit(35, "× by hand").judge("full mall decision", ratio("mall", "by hand"), note("mall"))

    yield from measure_services(settings, by_hand)

    tell("  timing the decisions of shapes that were not seen before")
    rounds = settings.rounds(8)
    unseen = {
        "by hand": calling(hand_written.decide, by_hand),
        "reference": _on_fresh(policy, reference, rounds),
        "mall": _on_fresh(mall, tickets, rounds),
    }
    first = interleaved(unseen, rounds)
    for name, what, bound in (("reference", "reference decision", 5), ("mall", "full mall decision", 35)):
        size = len(tickets) if name == "mall" else len(sample)
        found = first.ratio(name, "by hand") * len(sample) / size
        microseconds = shown(first.median(name) / size * 1e6)
        yield Limit(bound, "× by hand").judge(f"{what}, shapes not seen before", found, f"{microseconds} µs")

    for name, what in (("reference", "reference decision"), ("mall", "full mall decision")):
        for view in VIEWS:
            run = f"{view.__name__} {name}"
            figure = f"{shown(ratio(run, 'by hand'))} × by hand ({note(run)})"
            yield Measurement(name=f"{what}, {(view.__doc__ or '').rstrip('.')}", figure=figure)


def measure_services(settings: Settings, by_hand: Sequence[tuple[hand_written.Job, int]]) -> Iterator[Measurement]:
    """Measure the full decision of every service, the slowest against its target."""
    tell("  timing the decisions of every service")
    runs: dict[str, Callable[[], None]] = {"by hand": calling(hand_written.decide, by_hand)}
    sizes: dict[str, int] = {}
    for name in services():
        policy = load(name)
        # Each shape takes its time to settle: whether it runs is seen of a few.
        tickets = examples(policy)[: 5 if settings.quick else SAMPLE]
        settle(policy, tickets)
        runs[name] = calling(policy.decide_s, tickets)
        sizes[name] = len(tickets)
    times = interleaved(runs, settings.rounds(15))
    found = {name: times.ratio(name, "by hand") * len(by_hand) / size for name, size in sizes.items()}
    first, *others = sorted(found, key=lambda name: found[name], reverse=True)
    yield Limit(60, "× by hand").judge("slowest full decision", found[first], first)
    for name in others:
        yield Measurement(name=f"  {name}", figure=f"{shown(found[name])} × by hand")


def columns_read(policy: Policy, ticket: Ticket, at_s: int) -> None:
    """category, due, total and escalations read."""
    decision = policy.decide_s(ticket, at_s)
    for name in ("category", "arrived_due", "total", "escalations_fired"):
        decision.column(name)


def next_asked(policy: Policy, ticket: Ticket, at_s: int) -> None:
    """needs and next change asked for."""
    decision = policy.decide_s(ticket, at_s)
    _ = decision.needs, decision.next_change_at


def rules_listed(policy: Policy, ticket: Ticket, at_s: int) -> None:
    """its rules listed as records."""
    _ = policy.decide_s(ticket, at_s).rules


VIEWS = (columns_read, next_asked, rules_listed)


def settle(policy: Policy, tickets: Sequence[tuple[Ticket, int]]) -> None:
    """Decide as many tickets of each shape as it takes until the shape has a function of its own."""
    shapes = {ticket.shape: (ticket, at_s) for ticket, at_s in tickets}
    for ticket, at_s in shapes.values():
        for _ in range(OFTEN):
            policy.decide_s(ticket, at_s)


def _on_fresh(policy: Policy, tickets: Sequence[tuple[Ticket, int]], rounds: int) -> Callable[[], None]:
    """Decide tickets by a policy that has decided two of other shapes before, a new one at each call.

    The first ticket compiles its own shape, the second the function for all of them.
    """
    fresh = [Policy(policy.pack) for _ in range(rounds + 1)]
    first = tickets[0]
    second = next(one for one in tickets if one[0].shape != first[0].shape)
    for each in fresh:
        each.decide_s(*first)
        each.decide_s(*second)

    def run() -> None:
        decide = fresh.pop().decide_s
        for each in tickets:
            decide(*each)

    return run


def examples(policy: Policy) -> list[tuple[Ticket, int]]:
    """Read the worked examples of a policy, each at its own instant and half a day later."""
    found: list[tuple[Ticket, int]] = []
    for later in (timedelta(0), timedelta(hours=12)):
        for case in cases_of(policy.pack):
            at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=policy.zone)
            ticket, at_s = policy.ticket(case.ticket), int(at.timestamp() + later.total_seconds())
            try:
                policy.decide_s(ticket, at_s)
            except CalendarError:
                continue
            found.append((ticket, at_s))
    return found


def _answering(peer: Peer) -> Callable[[Case], hand_written.Answer]:
    return lambda case: peer(case.facts)
