from __future__ import annotations

import contextlib
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.database import cases, contract
from adapters.database.shop import AT, counter, decide, fill, run
from svc_policy import Policy
from svc_policy.adapters.database import DatabaseSink, DatabaseSource
from svc_policy.adapters.running import carry
from svc_policy.errors import AdapterError
from svc_policy.messages import LANGUAGES, Message


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return counter(tmp_path_factory.mktemp("packs"))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.db"


class TestReads(cases.Reads):
    def test_what_is_no_text_is_refused_with_its_record(self, url: str, policy: Policy) -> None:
        run(
            url,
            "CREATE TABLE t (ticket_id TEXT PRIMARY KEY, customer TEXT, received_at TIMESTAMP, distance_km REAL)",
            "INSERT INTO t VALUES ('a', CAST(x'ff' AS TEXT), NULL, 0.1), ('b', x'00', NULL, 4.35), "
            "('c', 'x', 1.5, 1e300), ('d', 'd', NULL, 0.3)",
        )
        good, bad = cases.read(DatabaseSource(policy, url, table="t"))
        assert cases.names(good) == ["d"] and cases.names(bad) == ["a", "b", "c"]
        assert good[0].ticket.distance_km == Decimal("0.3")

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path, policy: Policy) -> None:
        url = f"sqlite:///{tmp_path}/gone.db"
        for act in (
            lambda: cases.read(DatabaseSource(policy, url, table="t")),
            lambda: DatabaseSink(policy, url).write([decide(policy, ticket_id="a")]),
        ):
            with pytest.raises(AdapterError) as error:
                act()
            assert cases.refusal(error) == "database-missing"
        assert not list(tmp_path.iterdir())

    def test_a_locked_database_is_waited_for(self, url: str, policy: Policy, tmp_path: Path) -> None:
        fill(url, 3)
        with contextlib.closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            source = DatabaseSource(policy, url, table="tickets", key="id", timeout=0.05)
            sink = DatabaseSink(policy, url, create=True, timeout=0.05)
            told: list[str] = []

            def tell(text: Message) -> None:
                told.append(text.text("en"))
                if len(told) == 2:
                    other.execute("COMMIT")

            found = carry(policy, source, sink, at=AT, tell=tell, patience=30)
        assert (found.made, found.retries) == (3, 2) and "locked" in told[0]


class TestAddresses:
    def test_an_address_comes_from_the_environment(
        self, url: str, policy: Policy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(url, 1)
        monkeypatch.delenv("SVC_POLICY_DATABASE_URL", raising=False)
        for given in (None, "env:COUNTER"):
            with pytest.raises(AdapterError) as error:
                DatabaseSource(policy, given, table="tickets")
            assert cases.refusal(error) == "database-url"
            assert (given or "env:SVC_POLICY_DATABASE_URL")[4:] in str(error.value)
        monkeypatch.setenv("SVC_POLICY_DATABASE_URL", url)
        monkeypatch.setenv("COUNTER", url)
        for given in (None, "env:COUNTER", url):
            assert cases.names(cases.read(DatabaseSource(policy, given, table="tickets", key="id"))[0]) == ["T-1"]

    @pytest.mark.parametrize(
        "address",
        [
            "postgresql://li:se%40cret@[/x",
            "oracle://li:se%40cret@host/x",
            "nothing://li:se%40cret@host/x",
            "se@cret",
            "postgresql://li@127.0.0.1:1/x?password=se%40cret",
            "postgresql://li:se%40cret@127.0.0.1:1/x?application_name=se%40cret",
            "postgresql+psycopg2://li:se%40cret@host/x",
        ],
    )
    def test_no_password_is_shown(self, policy: Policy, address: str) -> None:
        with pytest.raises(AdapterError) as error:
            cases.read(DatabaseSource(policy, address, table="t"))
        shown = "".join(error.value.render(language) for language in LANGUAGES)
        assert "cret" not in shown and error.value.problems[0].help is not None
        assert error.value.__cause__ is None and error.value.__suppress_context__

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("shop.db", ("cannot be read", "sqlite:///shop.db")),
            ("oracle://li@host/x", ("`oracle://` needs the driver", "install it")),
            ("postgresql+psycopg2://li@host/x", ("`psycopg2`", "`postgresql://`")),
        ],
    )
    def test_what_an_address_lacks_is_named(self, policy: Policy, address: str, words: tuple[str, ...]) -> None:
        with pytest.raises(AdapterError) as error:
            DatabaseSource(policy, address, table="t")
        for word in words:
            assert word in error.value.render("en")


class TestWrites(cases.Writes):
    pass


class TestCarries(cases.Carries):
    pass


class TestContract(contract.Contract):
    spoilt = "'a lot'"
    many = 3_000
