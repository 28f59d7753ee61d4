"""Audit a foreign log of tickets against a policy: findings like a linter's, and nothing lost.

result = run_audit(Path("events.csv"), load("mall"), mapping=Path("mapping.toml"), at=None, out=Path("audit-out"))
print(result.text("zh"))

See ``docs/audit.md``.
"""

from __future__ import annotations

from svc_policy.audit.result import AuditResult
from svc_policy.audit.run import run_audit

__all__ = ["AuditResult", "run_audit"]
