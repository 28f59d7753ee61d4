"""Counts and times for Prometheus by route, method and status; of policies the digests, of tickets nothing."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from svc_policy.server.shelf import Shelf

#: Litestar adds the charset of every text.
MEDIA_TYPE: Final = CONTENT_TYPE_LATEST.partition("; charset")[0]
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"})


class Metrics:
    """The counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "svc_policy_requests",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "svc_policy_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._tickets = Counter(
            "svc_policy_batch_lines", "Lines of batches answered.", ("outcome",), registry=self.registry
        )
        self._open = Gauge("svc_policy_requests_open", "Requests being answered.", registry=self.registry)
        self._policies = Gauge(
            "svc_policy_policy", "1 for the active policy of a name.", ("policy", "digest"), registry=self.registry
        )
        self._swaps = Counter(
            "svc_policy_swaps", "Times that another policy of a name became active.", registry=self.registry
        )
        # Finding a child by its labels costs more than counting.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self.open = 0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (route, method if method in _METHODS else "other", status)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._requests.labels(route, key[1], str(status))
        counter.inc()
        histogram = self._histograms.get(route)
        if histogram is None:
            histogram = self._histograms[route] = self._seconds.labels(route)
        histogram.observe(seconds)

    def decided(self, answered: int, refused: int) -> None:
        """Count the lines of a batch."""
        self._tickets.labels("answered").inc(answered)
        self._tickets.labels("refused").inc(refused)

    def swapped(self) -> None:
        """Count that another policy became active."""
        self._swaps.inc()

    def text(self, shelf: Shelf) -> bytes:
        """Write everything in the text form of Prometheus."""
        self._open.set(self.open)
        self._policies.clear()
        for kept in shelf:
            self._policies.labels(kept.id, kept.digest).set(1)
        found: bytes = generate_latest(self.registry)
        return found
