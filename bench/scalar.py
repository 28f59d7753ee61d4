"""One ticket at a time: the reference decision in every engine, and the full policy of the mall."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from bench import hand_written
from bench.peers import Peer, available_peers
from bench.reference_tickets import Case, compare, policy_answer, reference_cases, reference_policy
from bench.timing import Limit, Measurement, Settings, calling, interleaved, shown, tell
from svc_policy import Policy, Ticket, load
from svc_policy.errors import CalendarError
from svc_policy.pack.cases import cases_of

MALL_SAMPLE = 200


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure both decisions, answers compared first."""
    cases = reference_cases(400 if settings.quick else 2_000)
    policy = reference_policy()
    peers = available_peers()
    tell(f"  comparing answers over {len(cases):,} tickets: svc-policy, {', '.join(peers)}")
    engines = {"svc-policy": policy_answer(policy), **{name: _answering(peer) for name, peer in peers.items()}}
    compare(cases, engines)
    yield Measurement(name="reference decision, answers compared", figure=f"{len(cases):,} tickets, 0 differences")

    tell("  timing the reference decision and the mall's")
    sample = cases[:100] if settings.quick else cases[:400]
    mall = load("mall")
    tickets = mall_tickets(mall)[:MALL_SAMPLE]
    decide = policy.decide_s
    runs = {
        "by hand": calling(hand_written.decide, [(case.job, case.at_s) for case in sample]),
        "svc-policy": calling(decide, [(case.ticket, case.at_s) for case in sample]),
        "mall": calling(mall.decide_s, tickets),
        "whole": calling(
            lambda ticket, at_s: decide(ticket, at_s).values, [(case.ticket, case.at_s) for case in sample]
        ),
        "listed": calling(
            lambda ticket, at_s: decide(ticket, at_s).rules, [(case.ticket, case.at_s) for case in sample]
        ),
        "whole mall": calling(lambda ticket, at_s: mall.decide_s(ticket, at_s).values, tickets),
        **{name: calling(peer, [(case.facts,) for case in sample]) for name, peer in peers.items()},
    }
    sizes = {name: len(tickets) if "mall" in name else len(sample) for name in runs}
    times = interleaved(runs, settings.rounds(41))

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
    for name, what in (
        ("whole", "reference decision with needs and next change"),
        ("listed", "reference decision with its rules listed as records"),
        ("whole mall", "full mall decision with needs and next change"),
    ):
        yield Measurement(name=what, figure=f"{shown(ratio(name, 'by hand'))} × by hand ({note(name)})")


def mall_tickets(mall: Policy) -> list[tuple[Ticket, int]]:
    """Read the worked examples of the mall, each at its own instant and half a day later."""
    found: list[tuple[Ticket, int]] = []
    for later in (timedelta(0), timedelta(hours=12)):
        for case in cases_of(mall.pack):
            at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=mall.zone)
            ticket, at_s = mall.ticket(case.ticket), int((at + later).timestamp())
            try:
                mall.decide_s(ticket, at_s)
            except CalendarError:
                continue
            found.append((ticket, at_s))
    return found


def _answering(peer: Peer) -> Callable[[Case], hand_written.Answer]:
    return lambda case: peer(case.facts)
