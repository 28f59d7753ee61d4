"""Whatever a file holds, an answer is a problem and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from svc_policy.adapters import read_log
from svc_policy.errors import PolicyError

LINES = st.lists(
    st.text(alphabet='ab",;\n\r\t 0-9.\0é好{}[]:\ud800', max_size=40).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    max_size=8,
).map(b"\n".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=200), LINES),
    name=st.sampled_from(["a.csv", "a.jsonl", "a.parquet"]),
    head=st.booleans(),
)
def test_any_bytes(mall: Any, tmp_path: Path, content: bytes, name: str, head: bool) -> None:
    path = tmp_path / name
    path.write_bytes((b"ticket_id,customer,distance_km\n" if head else b"") + content)
    with duckdb.connect() as connection:
        try:
            found = read_log(connection, path, None, mall)
        except PolicyError:
            return
        assert found.rows == found.used + found.rejected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16(mall: Any, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(
        ("\ufeff" if encoding == "utf-16-be" else "").encode(encoding) + "ticket_id,customer\n1,好\n".encode(encoding)
    )
    with duckdb.connect() as connection:
        read_log(connection, path, None, mall)
        assert connection.execute("SELECT ticket_id, customer FROM tickets").fetchall() == [("1", "好")]


def test_a_folder(mall: Any, tmp_path: Path) -> None:
    (tmp_path / "log.csv").mkdir()
    with duckdb.connect() as connection, pytest.raises(PolicyError, match="this is a folder"):
        read_log(connection, tmp_path / "log.csv", None, mall)
