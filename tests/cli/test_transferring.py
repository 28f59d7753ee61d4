from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.database.shop import counter, fill
from adapters.database.shop import run as execute
from cli.running import run


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the pack of a shop with ten tickets, the last of them broken; the address is in the environment."""
    url = f"sqlite:///{tmp_path}/shop.db"
    fill(url, 10)
    execute(url, "UPDATE tickets SET distance_km = 'far' WHERE id = 10")
    monkeypatch.setenv("SVC_POLICY_DATABASE_URL", url)
    return counter(tmp_path).pack.path


def transfer(pack: str, *more: str) -> tuple[str, ...]:
    return (
        *("transfer", pack, "--from", "database", "--to", "database", "--at", "2026-03-04T10:00"),
        *("--set", "from.table=tickets", "--set", "from.key=id", *more),
    )


def test_a_transfer_is_told_and_goes_on(shop: str, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    done = run(*transfer(shop, "--set", "to.create=yes", "--state", state, "--chunk", "4"))
    assert done.exit_code == 1
    assert "10 read: 9 made, 0 changed, 0 unchanged, 1 could not be carried" in done.stdout
    assert "`T-10`" in done.stderr and "far" in done.stderr
    again = run(*transfer(shop, "--state", state))
    assert again.exit_code == 0 and "what earlier runs could not carry is in" in again.stdout
    told = json.loads(run(*transfer(shop, "--state", state, "--json")).stdout)
    assert (told["schema"], told["read"], told["unreadable"]) == (1, 0, 0)
    assert "T-10" in Path(told["listed"]).read_text("utf-8")
    told = json.loads(run(*transfer(shop, "--json")).stdout)
    assert (told["read"], told["made"], told["unchanged"], told["unreadable"]) == (10, 0, 9, 1)
    assert told["at"] == "2026-03-04T10:00:00+08:00" and told["policy"]["id"] == "counter"
    other = run(*transfer(shop, "--state", state, "--set", "to.table=elsewhere"))
    assert other.exit_code == 2 and "elsewhere" in other.stderr


def test_a_state_is_of_the_database_that_the_address_leads_to(
    shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = str(tmp_path / "state")
    run(*transfer(shop, "--set", "to.create=yes", "--state", state))
    monkeypatch.chdir(tmp_path)
    # The same one under other names.
    for more in (("--set", "from.url=sqlite:///shop.db"), ("--set", "from.chunk=3", "--set", "to.create=no")):
        done = run(*transfer(shop, "--state", state, *more))
        assert done.exit_code == 0 and "0 read" in done.stdout, done.stderr
    monkeypatch.setenv("SVC_POLICY_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    fill(f"sqlite:///{tmp_path}/other.db", 3)
    done = run(*transfer(shop, "--set", "to.create=yes", "--state", state))
    assert done.exit_code == 2 and "elsewhere" in done.stderr


def test_it_speaks_chinese(shop: str) -> None:
    shown = run(*transfer(shop, "--set", "to.create=yes", "--lang", "zh"))
    assert "9" in shown.stdout and "read" not in shown.stdout and "decided" not in shown.stdout
    assert "record" not in shown.stderr.replace("recorded", "")


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("--set", "from.tabel=x"), "tabel"),
        (("--set", "form.table=x"), "form.table"),
        (("--set", "nonsense"), "nonsense"),
        (("--set", "from.table=y"), "twice"),
        (("--set", "from.chunk=many"), "chunk=1000"),
        (("--set", "from.timeout=-1"), "timeout"),
        (("--set", "to.create=perhaps"), "create=yes"),
        (("--set", "to.columns=due"), "columns=due="),
        (("--set", "to.columns=due=targets.nothing.due"), "targets"),
        (("--set", "from.query=@/nowhere/x.sql"), "/nowhere/x.sql"),
        (("--set", "from.query=SELECT 1"), "query"),
        (("--set", "to.url=env:NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
        (("--set", "to.url=postgresql://li:geheim@127.0.0.1:1/x", "--patience", "0"), "127.0.0.1"),
        (("--patience", "nan"), "--patience"),
        (("--patience", "-1"), "--patience"),
        (("--chunk", "0"), "chunk"),
        (("--to", "databse"), "database"),
        (("--state", "/nowhere/state"), "/nowhere/state"),
    ],
)
def test_a_wrong_use_is_told(shop: str, more: tuple[str, ...], word: str) -> None:
    done = run(*transfer(shop, *more))
    assert done.exit_code == 2, done.stderr
    assert word in done.stderr and "help:" in done.stderr
    assert "geheim" not in done.stderr and "Traceback" not in done.stderr


def test_an_option_is_read_from_a_file(shop: str, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT * FROM tickets WHERE id < 3 ;\n", "utf-8")
    words = [word for word in transfer(shop) if word != "from.table=tickets"]
    words.remove("--set")
    done = run(*words, "--set", f"from.query=@{tmp_path}/q.sql", "--set", "to.create=yes", "--json")
    assert json.loads(done.stdout)["made"] == 2


def test_a_record_is_named_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from datetime import UTC, datetime

    from svc_policy.adapters.protocol import Unreadable
    from svc_policy.adapters.running import Carried
    from svc_policy.cli.session import Session
    from svc_policy.cli.transferring import _show
    from svc_policy.errors import problem
    from svc_policy.messages import message

    odd = Unreadable(record="7\nerror: all is lost\x1b[2J", problems=(problem("x", message("it is odd")),))
    at = datetime(2026, 3, 4, tzinfo=UTC)
    carried = Carried(
        **dict.fromkeys(("made", "changed", "unchanged", "retries"), 0),
        at=at,
        read=1,
        unreadable=1,
        shown=(odd,),
        is_resumed=False,
        listed=None,
    )
    _show(Session("en"), carried)
    assert capsys.readouterr().err == "record `7\\nerror: all is lost\\x1b[2J`: it is odd\n"
