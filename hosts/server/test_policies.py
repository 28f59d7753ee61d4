"""Policies that change while the service runs: published, refused, activated, kept over restarts."""

from __future__ import annotations

import io
import json
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from hosts.available import require

require("server")

from hosts.server.running import serving  # noqa: E402
from svc_policy import load  # noqa: E402
from svc_policy.pack.export import export_workbook  # noqa: E402

TICKET = {"request_kind": "fault", "on_site": True, "delivered_on": "2020-12-01", "cause": "misuse", "distance_km": 3}
#: Quoted and received on a day of which the fee holds.
TICKET |= {"labour_hours": 1, "received_at": "2026-03-02T09:00"}
ZIP = {"content-type": "application/zip"}
PACKS = Path(load("mall").pack.path).parent


def variant(folder: Path, fee: int) -> Path:
    """Copy the mall's policy, with another fee for a visit."""
    target = folder / f"mall-{fee}"
    shutil.copytree(PACKS / "mall", target)
    file = target / "fees.csv"
    text = file.read_text(encoding="utf-8")
    row = "visit_near,2026-01-01,,A,yes,-,-,<= 5 km,quoted,visit,70 CNY"
    assert row in text
    file.write_text(text.replace(row, row.replace("70 CNY", f"{fee} CNY")), encoding="utf-8")
    return target


def zipped(folder: Path, inside: str = "", more: dict[str, bytes] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, inside + path.relative_to(folder).as_posix())
        for name, content in (more or {}).items():
            file.writestr(name, content)
    return packed.getvalue()


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
    folder = tmp_path_factory.mktemp("variants")
    return [variant(folder, fee) for fee in (81, 92)]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving("mall", "--store", str(tmp_path_factory.mktemp("store")), "--kept", "3") as running:
        yield running


@pytest.fixture
def client(service):
    with service.client() as found:
        yield found


def test_a_policy_is_published_decides_and_can_be_taken_back(client, variants):
    before = client.get("/v1/policies/mall").json()["policy"]["digest"]
    first = client.post("/v1/policies", content=zipped(variants[0], "some folder/"), headers=ZIP)
    assert first.status_code == 201, first.text
    digest = first.json()["policy"]["digest"]
    assert digest == load(variants[0]).digest
    assert first.headers["location"] == f"/v1/policies/mall@{digest}"
    assert client.get("/v1/policies/mall").json()["policy"]["digest"] == digest
    again = client.post("/v1/policies", content=zipped(variants[0]), headers=ZIP)
    assert again.status_code == 200

    now = client.post("/v1/policies/mall/quote", json=TICKET).json()
    then = client.post(f"/v1/policies/mall@{before}/quote", json=TICKET).json()
    fees = [next(line["amount"] for line in one["quote"]["lines"] if line["line"] == "visit") for one in (then, now)]
    assert fees == ["70.00", "81.00"]
    compared = client.get("/v1/diff", params={"old": f"mall@{before}", "new": "mall"}).json()
    assert compared["decides_alike"] is False

    back = client.post("/v1/policies/mall/activate", json={"digest": before})
    assert back.status_code == 200
    assert client.get("/v1/policies/mall").json()["policy"]["digest"] == before
    assert client.post("/v1/policies/mall/activate", json={"digest": "0" * 64}).status_code == 404


def test_a_workbook_and_json_are_policies_too(client, variants, tmp_path):
    book = tmp_path / "mall.xlsx"
    export_workbook(load(variants[1]).pack, book)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    sent = client.post("/v1/policies?activate=no", content=book.read_bytes(), headers={"content-type": kind})
    assert sent.status_code == 201, sent.text
    assert sent.headers["svc-policy-digest"] == load(variants[1]).digest
    active = client.get("/v1/policies/mall").json()["policy"]
    assert active["digest"] != load(variants[1]).digest
    files = {
        path.relative_to(variants[1]).as_posix(): path.read_text(encoding="utf-8-sig")
        for path in variants[1].rglob("*")
        if path.suffix in (".csv", ".toml")
    }
    again = client.post("/v1/policies?activate=no", json={"files": files})
    assert again.status_code == 200, again.text


def test_what_does_not_check_is_refused_and_the_running_policy_stays(client, variants):
    before = client.get("/v1/policies/mall").json()["policy"]
    broken = zipped(variants[0], more={"category.csv": b"rule,cause\nx,5.."})
    twice = client.post("/v1/policies", content=broken, headers=ZIP)
    assert twice.status_code == 409
    folder = variants[0]
    text = (folder / "fees.csv").read_text(encoding="utf-8")
    files = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8-sig")
        for path in folder.rglob("*")
        if path.suffix in (".csv", ".toml")
    }
    files["fees.csv"] = text.replace("81 CNY", "eighty CNY")
    refused = client.post("/v1/policies", json={"files": files})
    assert refused.status_code == 409
    body = refused.json()
    found = body["problems"]
    assert any(one["place"] and one["place"]["file"].endswith("fees.csv") for one in found)
    assert body["type"] == f"urn:svc-policy:problem:{found[0]['code']}"
    assert "`eighty CNY`" in body["detail"]
    assert client.get("/v1/policies/mall").json()["policy"] == before


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"../../escaped.csv": b"x"}, "serve-upload-file"),
        ({"/etc/escaped.csv": b"x"}, "serve-upload-file"),
        ({"lookups/../../escaped.csv": b"x"}, "serve-upload-file"),
        ({"program.py": b"x"}, "serve-upload-file"),
        ({"notes.csv": bytes(80 * 2**20)}, "serve-upload-large"),
        ({f"lookups/{number}.csv": b"x" for number in range(600)}, "serve-upload-files"),
    ],
    ids=["up", "absolute", "up from lists", "program", "bomb", "many"],
)
def test_archives_cannot_lead_out_nor_fill_the_memory(client, service, variants, more, code):
    before = service.memory()
    answer = client.post("/v1/policies", content=zipped(variants[0], more=more), headers=ZIP)
    assert answer.status_code in (409, 413)
    assert answer.json()["problems"][0]["code"] == code
    assert service.memory() - before < 150 * 2**20
    assert not list(Path("/").glob("escaped*")) and not list(Path("/etc").glob("escaped*"))


def test_only_built_in_policies_are_extended(client, tmp_path):
    secret = tmp_path / "secret"
    shutil.copytree(PACKS / "mall", secret)
    for base in (str(secret), "../secret", "./mall"):
        settings = f'id = "spy"\nextends = "{base}"\n'
        answer = client.post("/v1/policies", json={"files": {"policy.toml": settings}})
        assert answer.status_code == 409
        assert answer.json()["problems"][0]["code"] == "serve-upload-extends"


def test_swapping_twenty_times_loses_no_request_and_mixes_nothing(client, service, variants):
    digests = {}
    for folder, fee in zip(variants, ("81.00", "92.00"), strict=True):
        sent = client.post("/v1/policies", content=zipped(folder), headers=ZIP)
        assert sent.status_code in (200, 201), sent.text
        digests[sent.json()["policy"]["digest"]] = fee
    stop = threading.Event()
    seen: list[tuple[str, str]] = []
    failures: list[str] = []

    def ask() -> None:
        with service.client() as own:
            while not stop.is_set():
                answer = own.post("/v1/policies/mall/quote", json=TICKET)
                if answer.status_code != 200:
                    failures.append(answer.text)
                    continue
                body = answer.json()
                visit = next(line["amount"] for line in body["quote"]["lines"] if line["line"] == "visit")
                if body["policy"]["digest"] != answer.headers["svc-policy-digest"]:
                    failures.append("head and body differ")
                seen.append((body["policy"]["digest"], visit))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    names = list(digests)
    for turn in range(20):
        if turn % 5 == 4:
            # One that is sent again is loaded and compiled again, and swapped.
            answer = client.post("/v1/policies", content=zipped(variants[turn % 2]), headers=ZIP)
        else:
            answer = client.post("/v1/policies/mall/activate", json={"digest": names[turn % 2]})
        assert answer.status_code == 200, answer.text
        count = len(seen)
        while len(seen) < count + 8 and not failures:
            stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(seen) > 100
    assert {digest for digest, _ in seen} == set(names)
    assert all(digests[digest] == visit for digest, visit in seen)


def test_what_was_published_is_there_after_a_restart(tmp_path, variants):
    store = tmp_path / "store"
    with serving("mall", "--store", str(store)) as service, service.client() as client:
        digest = client.post("/v1/policies", content=zipped(variants[0]), headers=ZIP).json()["policy"]["digest"]
        assert service.stop() == 0
    assert json.loads((store / "served.json").read_text())["policies"]["mall"]["active"] == digest
    with serving("mall", "--store", str(store)) as service, service.client() as client:
        policy = client.get("/v1/policies/mall").json()["policy"]
        assert policy["digest"] == digest
        assert [one["published"] for one in policy["kept"]] == [False, True]
        given = next(one["digest"] for one in policy["kept"] if not one["published"])
        client.post("/v1/policies/mall/activate", json={"digest": given})
    with serving("mall", "--store", str(store)) as service, service.client() as client:
        assert client.get("/v1/policies/mall").json()["policy"]["digest"] == given
    # Files that were changed behind its back are not served.
    (next((store / "policies").glob("*/mall/fees.csv"))).write_text("rule\n", encoding="utf-8")
    with serving("mall", "--store", str(store)) as service, service.client() as client:
        assert len(client.get("/v1/policies/mall").json()["policy"]["kept"]) == 1
