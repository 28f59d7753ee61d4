"""SQL databases: tickets from a table or a query, decisions into a table; see ``docs/database.md``.

source = DatabaseSource(policy, "sqlite:///shop.db", table="tickets")
sink = DatabaseSink(policy, "sqlite:///shop.db", create=True)
carry(policy, source, sink, state="transfer.json")
"""

from __future__ import annotations

from svc_policy.adapters.database.reading import DatabaseSource
from svc_policy.adapters.database.writing import DatabaseSink

__all__ = ["DatabaseSink", "DatabaseSource"]
