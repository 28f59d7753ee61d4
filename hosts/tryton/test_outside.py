"""From outside: a server, its JSON-RPC, and the views that its clients draw."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from lxml import etree

from hosts.available import require

require("tryton")

from proteus import Model  # noqa: E402

from hosts.tryton.database import NAME  # noqa: E402
from hosts.tryton.shop import HTML, Shop  # noqa: E402

PASSWORD = "a long enough phrase"


@attrs.define
class Client:
    """A session of the JSON-RPC protocol."""

    url: str
    session: str = ""

    def call(self, method: str, *given: Any) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": list(given)}).encode()
        headers = {"Content-Type": "application/json"}
        if self.session:
            headers["Authorization"] = f"Session {base64.b64encode(self.session.encode()).decode()}"
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=60) as answer:
            found = json.load(answer)
        if "error" in found:
            raise RuntimeError(found["error"])
        return found["result"]

    def login(self, user: str) -> None:
        number, session, *_ = self.call("common.db.login", user, {"password": PASSWORD}, "en")
        self.session = f"{user}:{number}:{session}"


@pytest.fixture
def client(shop: Shop) -> Iterator[Client]:
    for login in ("clerk", "chief"):
        user = Model.get("res.user")(shop.users[login].id)
        user.password = PASSWORD
        user.save()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = shop.folder / "server.conf"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {shop.folder}\n[web]\nlisten = 127.0.0.1:{port}\n", encoding="utf-8"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("TRYTOND_DATABASE_URI", "DB_NAME")}
    log = (shop.folder / "server.log").open("w")
    server = subprocess.Popen(
        [str(Path(sys.prefix) / "bin" / "trytond"), "-c", str(config), "-d", NAME],
        env=environment,
        stdout=log,
        stderr=log,
    )
    try:
        found = Client(f"http://127.0.0.1:{port}/{NAME}/rpc/")
        for _ in range(240):
            try:
                found.login("clerk")
                break
            except urllib.error.HTTPError:
                raise
            except OSError:
                assert server.poll() is None, (shop.folder / "server.log").read_text(encoding="utf-8")
                time.sleep(0.25)
        yield found
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def test_complaints_are_read_handed_in_and_seen_over_json_rpc(shop: Shop, client: Client) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        lot = shop.lot("R-1", svc_delivered_on=date(2022, 1, 10))
        complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
        complaint.svc_parts.new(part_no="P-1", unit_price=Decimal("80.00"))
        shop.state(complaint, parts_needed="yes", floor="3")
    context = {"company": shop.depot.id, "language": "zh_CN"}
    client.call("model.sale.complaint.wait", [complaint.id], context)
    names = ["number", "state", "svc_category", "svc_coverage", "svc_quote", "svc_response_by", "svc_missing"]
    names += ["svc_policy", "svc_digest", "svc_explanation", "svc_approvals", "svc_problem", "customer.rec_name"]
    names += ["svc_penalties", "svc_payer_name"]
    (found,) = client.call(
        "model.sale.complaint.search_read", [["id", "=", complaint.id]], 0, None, None, names, context
    )
    assert (found["state"], found["svc_category"], found["svc_coverage"]) == ("waiting", "A", "none")
    assert found["svc_quote"] == {"__class__": "Decimal", "decimal": "127.50"}
    assert found["svc_payer_name"] == "客户"
    assert found["svc_digest"] == shop.chosen(shop.depot)[1]
    assert found["svc_problem"] is None
    assert found["customer."]["rec_name"] == HTML
    # The server's clock is not set: the visit is long overdue, and was due at 11:00 UTC.
    due = found["svc_response_by"]
    assert [due[name] for name in ("year", "month", "day", "hour", "minute")] == [2026, 3, 2, 11, 0]
    (penalty,) = client.call(
        "model.svc_policy.penalty.read", found["svc_penalties"], ["amount", "liable_name"], context
    )
    assert penalty["amount"]["decimal"] == "25.00"
    assert penalty["liable_name"] == "文员"
    assert re.search(r"127[.,]50", found["svc_explanation"])
    with pytest.raises(RuntimeError, match="须先由仓库主管批准"):
        client.call("model.sale.complaint.approve", [complaint.id], context)
    # What was decided by one process is explained by another.
    with shop.of(shop.depot):
        complaint.reload()
        assert "127.50" in complaint.svc_explanation


VIEWS = {
    "sale.complaint": ("svc_category", "svc_facts", "svc_missing", "svc_explanation", "svc_approvals"),
    "sale.complaint.type": ("svc_request_kind",),
    "sale.configuration": ("svc_policy", "svc_policy_digest"),
    "stock.lot": ("svc_delivered_on", "svc_suspended_days"),
    "sale.subscription": ("svc_contract_kind", "svc_hours_left"),
    "product.template": ("svc_product_class", "svc_key_equipment"),
    "svc_policy.fact": ("fact", "value"),
    "svc_policy.part": ("part_no", "unit_price"),
    "svc_policy.hold": ("hold_kind", "until_at"),
    "svc_policy.incident": ("incident_kind", "loss"),
    "svc_policy.penalty": ("liable_name", "amount"),
    "svc_policy.escalation": ("level", "notify_name"),
    "svc_policy.approval": ("role_name", "is_given"),
    "svc_policy.role": ("role", "group"),
}


def test_views_are_drawn_in_both_languages(shop: Shop) -> None:
    with shop.of(shop.depot):
        for model, names in VIEWS.items():
            proxy = Model.get(model)._proxy
            for kind in ("form", "tree"):
                for language in ("en", "zh_CN"):
                    context = {**shop.config.context, "language": language}
                    view = proxy.fields_view_get(None, kind, context)
                    tree = etree.fromstring(view["arch"])
                    assert tree.tag == kind
                    drawn = {one.get("name") for one in tree.iter("field")}
                    assert drawn <= set(view["fields"]) | {None}
                    if kind == "form":
                        assert set(names) <= drawn, (model, drawn)
                        label = view["fields"][names[0]]["string"]
                        assert (re.search("[\u4e00-\u9fff]", label) is not None) == (language == "zh_CN"), label
            assert Model.get(model) is not None


def test_every_text_of_the_module_is_translated(shop: Shop) -> None:
    from babel.messages import pofile
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    import svc_policy

    with Transaction().start(NAME, 0):
        wanted = Pool().get("ir.translation").translation_export("en", "svc_policy")
    path = Path(svc_policy.__file__).parent / "adapters" / "tryton" / "locale" / "zh_CN.po"
    with path.open("rb") as file:
        known = {(one.context, one.id): one.string for one in pofile.read_po(file) if one.id}
    texts = {(one.context, one.id) for one in pofile.read_po(wanted.decode().splitlines()) if one.id}
    assert texts - known.keys() == set()
    assert known.keys() - texts == set(), "translations of texts that are gone"
    assert [key for key, text in known.items() if not text] == []
    for (_, text), translated in known.items():
        assert sorted(re.findall(r"%\(\w+\)s", text)) == sorted(re.findall(r"%\(\w+\)s", str(translated)))
