"""What a service keeps of policies over restarts, and what it does of what it finds there."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("litestar", reason="the extra `serve` is not installed")

from server.desk.shop import shop
from svc_policy.errors import UsageError
from svc_policy.server.managing import Manager
from svc_policy.server.metrics import Metrics
from svc_policy.server.problems import Refused
from svc_policy.server.settings import Limits
from svc_policy.server.shelf import Kept, Shelf
from svc_policy.server.store import STATE, Store
from svc_policy.server.uploads import ZIP


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Close what a test opened."""
    stores: list[Store] = []
    opening = Store.open

    def remembered(folder: Path | None) -> Store:
        stores.append(opening(folder))
        return stores[-1]

    monkeypatch.setattr(Store, "open", remembered)
    yield
    for store in stores:
        store.close()


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def packed(policy):
    folder = Path(policy.pack.path)
    folder = folder if folder.is_dir() else folder.parent
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as file:
        for path in folder.rglob("*"):
            if path.is_file():
                file.write(path, path.relative_to(folder).as_posix())
    return found.getvalue()


def publish(store: Store, policy, packed: bytes, limits: Limits, shelf: Shelf | None = None) -> Shelf:
    """Publish a policy that its trial has nothing against; a store without a shelf is closed afterwards."""
    is_for_this = shelf is None
    shelf = store.shelve((), limits.kept) if shelf is None else shelf
    manager = Manager(shelf, store, limits, Metrics())

    async def tried(_):
        return json.dumps({"policy": {"id": policy.id, "digest": policy.digest}, "counts": {"error": 0}}).encode()

    manager.heavy.run = tried
    asyncio.run(manager.publish(ZIP, packed, activate=True))
    if is_for_this:
        store.close()
    return shelf


def test_two_services_do_not_share_a_folder(tmp_path):
    store = Store.open(tmp_path)
    (tmp_path / "policies" / ".incoming-1").mkdir()
    with pytest.raises(UsageError) as refused:
        Store.open(tmp_path)
    assert refused.value.problems[0].code == "serve-store-held"
    # What the first is about to take in is not swept away by the second.
    assert packs(tmp_path) == [tmp_path / "policies" / ".incoming-1"]
    store.close()
    Store.open(tmp_path).close()
    assert packs(tmp_path) == []


def packs(folder: Path) -> list[Path]:
    return list((folder / "policies").iterdir())


def test_a_policy_for_which_there_is_no_name_left_leaves_nothing(tmp_path, policy, packed):
    store = Store.open(tmp_path)
    with pytest.raises(Refused) as refused:
        publish(store, policy, packed, Limits(names=0))
    assert refused.value.problems[0].code == "serve-policies-many"
    assert packs(tmp_path) == []


def test_a_policy_that_cannot_be_made_ready_leaves_nothing(tmp_path, policy, packed, monkeypatch):
    def broken(_):
        raise RuntimeError

    monkeypatch.setattr("svc_policy.server.managing.answering.ready", broken)
    with pytest.raises(RuntimeError):
        publish(Store.open(tmp_path), policy, packed, Limits())
    assert packs(tmp_path) == []


def test_one_that_does_not_load_any_more_is_said_and_not_forgotten(tmp_path, policy, packed):
    publish(Store.open(tmp_path), policy, packed, Limits())
    before = json.loads((tmp_path / STATE).read_text())
    place = tmp_path / before["policies"][policy.id]["kept"][0]["path"]
    file = place / "fees.csv"
    right = file.read_text()
    file.write_text(right.replace("90 CNY", "ninety"))

    store = Store.open(tmp_path)
    shelf = store.shelve((), 10)
    assert list(shelf) == []
    (problem,) = store.problems
    assert problem.code == "serve-store-lost" and problem.place.file == str(place)
    assert policy.id in str(problem.message)
    # Whatever is saved meanwhile, what is lost stays named, with its files.
    store.save(shelf)
    assert json.loads((tmp_path / STATE).read_text()) == before
    assert file.exists()
    store.close()

    file.write_text(right)
    mended = Store.open(tmp_path)
    assert [one.digest for one in mended.shelve((), 10)] == [policy.digest]
    assert mended.problems == []


def test_what_was_active_and_is_lost_is_active_again_when_it_is_mended(tmp_path, policy, packed):
    given = Kept(policy=shop(tmp_path / "other"), path=tmp_path)
    folder = tmp_path / "store"
    publish(Store.open(folder), policy, packed, Limits())
    state = json.loads((folder / STATE).read_text())
    lost = folder / state["policies"][policy.id]["kept"][0]["path"]
    shutil.move(lost, tmp_path / "aside")
    state["policies"][policy.id]["active"] = state["policies"][policy.id]["kept"][0]["digest"] = "f" * 64
    state["policies"][policy.id]["given"] = given.digest
    (folder / STATE).write_text(json.dumps(state))

    store = Store.open(folder)
    shelf = store.shelve([given], 10)
    # The policy that is given stands in; that does not make it the one that was chosen.
    assert shelf.active(policy.id) is given and len(store.problems) == 1
    store.save(shelf)
    saved = json.loads((folder / STATE).read_text())["policies"][policy.id]
    assert saved["active"] == "f" * 64 and [one["digest"] for one in saved["kept"]] == ["f" * 64]


def test_what_was_altered_behind_its_back_is_put_right_by_publishing_it_again(tmp_path, policy, packed):
    publish(Store.open(tmp_path), policy, packed, Limits())
    (place,) = packs(tmp_path)
    next(place.rglob("fees.csv")).write_text("rule\n")
    store = Store.open(tmp_path)
    shelf = publish(store, policy, packed, Limits(), store.shelve((), 10))
    assert [one.digest for one in shelf] == [policy.digest]
    store.close()
    again = Store.open(tmp_path)
    assert [one.digest for one in again.shelve((), 10)] == [policy.digest]
    assert again.problems == [] and packs(tmp_path) == [place]


def test_what_no_file_names_is_swept_away_and_nothing_else(tmp_path, policy, packed):
    publish(Store.open(tmp_path), policy, packed, Limits())
    (place,) = packs(tmp_path)
    cut_short = tmp_path / "policies" / f"{'0' * 16}-{'1' * 16}"
    mine = tmp_path / "policies" / "mine"
    for folder in (cut_short, mine):
        folder.mkdir()
    store = Store.open(tmp_path)
    store.shelve((), 10)
    store.close()
    assert set(packs(tmp_path)) == {place, mine}
    # Without the file nothing is known: nothing is taken away.
    (tmp_path / STATE).unlink()
    Store.open(tmp_path).shelve((), 10)
    assert place.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"policies": {"a": {}}}',
        b'{"policies": {"a": {"active": "x", "given": 1, "kept": []}}}',
        b'{"policies": {"a": {"active": "x", "given": null, "kept": [{"digest": "x", "path": 1, "since": "y"}]}}}',
    ],
)
def test_a_file_that_it_did_not_write_stops_it(tmp_path, content):
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        Store.open(tmp_path).shelve((), 10)
    assert refused.value.problems[0].code == "serve-store"
