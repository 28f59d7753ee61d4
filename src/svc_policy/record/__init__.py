"""Record decisions in an append-only log, and decide them again; see ``docs/record.md``.

with Recorder("decisions.jsonl", policy) as recorder:
    decision = recorder.decide(ticket)

assert verify("decisions.jsonl").is_sound
assert replay("decisions.jsonl").is_same
"""

from svc_policy.record.head import Position
from svc_policy.record.recorder import Recorder
from svc_policy.record.replaying import Replay, Shown, recall, replay
from svc_policy.record.verification import Verification, verify

__all__ = ["Position", "Recorder", "Replay", "Shown", "Verification", "recall", "replay", "verify"]
