"""Explain a decision in whole sentences, each with the clauses it rests on."""

from svc_policy.explain.text import explain, tell
from svc_policy.explain.wording import Wording

__all__ = ["Wording", "explain", "tell"]
