"""The adapter keeps the contract of svc-policy."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from svc_policy import load
from svc_policy.adapters import open_source
from svc_policy.errors import AdapterError
from svc_policy.testing.adapter_contract import AdapterContract

FIELDS = {
    "received_at": "came",
    "customer": "name",
    "on_site": "visit",
    "distance_km": "metres",
    "delivered_on": "delivered",
    "recorded_fee": "charged",
}


def toml(value):
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | datetime) else f"{value:f}"


class TestSlips(AdapterContract):
    facts = tuple(FIELDS)

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        self.slips = tmp_path

    def hold(self, records):
        for path in self.slips.iterdir():
            path.unlink()
        for record in records:
            slip = {FIELDS[name]: value for name, value in record.items() if name in FIELDS}
            if "metres" in slip:
                slip["metres"] = int(slip["metres"] * 1000)
            lines = [f"{field} = {toml(value)}\n" for field, value in slip.items()]
            (self.slips / f"{record['ticket_id']}.toml").write_text("".join(lines), "utf-8")

    def spoil(self, record):
        (self.slips / f"{record}.toml").write_text('came = "sometime"\n', "utf-8")

    def source(self):
        return open_source("slips", self.policy(), folder=self.slips)

    sink = source  # one class is both sides

    def written(self):
        return {path.stem: (path.read_text("utf-8"), path.stat().st_mtime_ns) for path in self.slips.glob("*.json")}

    def kept(self, record):
        decision = json.loads((self.slips / f"{record}.json").read_text("utf-8"))
        return {
            "category": decision["category"],
            "quote.payable": decision["quote"]["payable"],
            "next_change_at": decision["next_change_at"],
            "policy.digest": decision["policy"]["digest"],
        }


def test_the_slips_that_come_with_it():
    slips = Path(__file__).parents[1] / "slips"
    first, second = open_source("slips", load("mall"), folder=slips).read()
    assert (first.record, first.ticket.distance_km, first.ticket.recorded_fee) == ("S-0001", Decimal("6.4"), None)
    assert second.record == "S-0002"
    assert "03-02T25:00" in second.problems[0].render()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(AdapterError) as raised:
        list(open_source("slips", load("mall"), folder=tmp_path / "none").read())
    assert "the folder of slips cannot be read: No such file or directory" in str(raised.value)
