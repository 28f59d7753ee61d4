"""The contract of adapters as tests: subclass it, say how your host is filled and read, and run pytest.

    from svc_policy.testing.adapter_contract import AdapterContract

    class TestSlips(AdapterContract):
        facts = ("received_at", "customer", "recorded_fee")

        def hold(self, records): ...      # the host holds exactly these
        def spoil(self, record): ...      # make one of them a record that is no ticket
        def source(self): ...
        def sink(self): ...
        def written(self): ...            # what the host holds of decisions, by record
        def kept(self, record): ...       # what it holds of one of them, by the path in a decision's JSON

What a host cannot do by its nature is declared in `cannot`, with the reason,
which is shown where the test is skipped. ``docs/adapters.md`` explains more.
"""

from __future__ import annotations

from svc_policy.testing.adapter_contract_base import ABILITIES
from svc_policy.testing.adapter_contract_sink import SinkContract
from svc_policy.testing.adapter_contract_source import TEXTS, SourceContract

__all__ = ["TEXTS", "AdapterContract"]


class AdapterContract(SourceContract, SinkContract):
    """What every adapter keeps: subclass it as `Test…`, and give what :class:`.Contract` asks for.

    These are `hold`, `spoil`, `source`, `sink`, `written` and `kept`.

    Attributes:
        facts: The facts of a ticket that the host holds, as the adapter is set up for the tests. One should be an
            instant, one money, one open text, and one a fact that the policy asks for.
        required: Those of them that the host never lacks.
        cannot: What the host cannot do by its nature, with the reason: `source`, `sink`, `round_trip`,
            `missing_facts`, `unicode`, `offsets`, `ambiguous_times`, `money`, `many_records`, `unreadable`,
            `resuming`, `repeated_writing`, `changed_decision`, `older_decision`, `kept_decision`.
        texts: The texts that must come back as they were.
        zone: Where the source reads local times; that of the policy unless given.
        many: How many records are read in bounded memory.
        keeps: What of a decision `kept` gives.
        settled: Facts of tickets whose decisions are compared with what is kept; one costs an odd amount.
        ids: Under what ids they are held, where the host takes any.
        later: How much later a decision is made again to be another one.
    """

    def test_what_it_cannot_do_is_said_with_a_reason(self) -> None:
        """A declared inability is one of those that there are, and says why."""
        known = {"source", "sink", *ABILITIES}
        unknown = sorted(set(self.cannot) - known)
        assert not unknown, f"`cannot` names {unknown}; known are {sorted(known)}"
        silent = sorted(word for word, why in self.cannot.items() if not why.strip())
        assert not silent, f"`cannot` gives no reason for {silent}"
        assert not {"source", "sink"} <= set(self.cannot), "an adapter is a source, a sink or both"
