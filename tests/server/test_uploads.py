"""What is sent as a policy is laid out without being read, and tried where it can be ended."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from time import process_time

import pytest

from svc_policy.errors import PackError
from svc_policy.pack.load import load_pack
from svc_policy.pack.source import unfit
from svc_policy.server.problems import Refused
from svc_policy.server.settings import Limits
from svc_policy.server.uploads import JSON, ZIP, lay_out

DEEP = ".".join("a" * 3_000) + " = 1\n"


def sent(files: dict[str, str]) -> bytes:
    return json.dumps({"files": files}).encode()


def tried(path) -> tuple[str, dict]:
    done = subprocess.run(
        [sys.executable, "-m", "svc_policy.server.work"],
        input=json.dumps({"task": "try", "path": str(path)}) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout, json.loads(done.stderr.splitlines()[-1] if done.stderr else done.stdout)


def test_laying_out_reads_no_toml(tmp_path) -> None:
    begun = process_time()
    place = lay_out(JSON, sent({"policy.toml": 'id = "mine"\n' + DEEP * 800}), tmp_path, Limits())
    assert process_time() - begun < 1
    assert place.name == "mine"
    with pytest.raises(PackError) as raised:
        load_pack(place)
    assert "file-large" in {found.code for found in raised.value.problems}
    assert process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (DEEP, "file-deep"),
        (f"x = {{{DEEP.strip()}}}", "file-deep"),
        ("['" + "' . \"b\". '".join("a" * 40) + "']", "file-deep"),
        ("a . 'b c' = 1\n" * 30 + ".".join("a" * 32) + " = 1", None),
        ("# " + "x" * 2**20, "file-large"),
        ("a" * 1_000_000, None),
        ('"' * 1_000_000, None),
    ],
)
def test_what_takes_long_is_not_read(text: str, code: str | None) -> None:
    begun = process_time()
    found = unfit("policy", text.encode())
    assert (found and found[0]) == code
    assert process_time() - begun < 1


def test_a_name_too_long_for_a_file_system(tmp_path) -> None:
    with pytest.raises(Refused) as raised:
        lay_out(JSON, sent({"policy.toml": "", "字" * 100 + ".csv": ""}), tmp_path, Limits())
    assert raised.value.status in (409, 422)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("policy.toml", "")
        archive.writestr("lookups/" + "字" * 90 + ".csv", "")
    with pytest.raises(Refused):
        lay_out(ZIP, packed.getvalue(), tmp_path, Limits())


def test_it_is_tried_under_its_own_name(tmp_path) -> None:
    place = lay_out(JSON, sent({"policy.toml": 'id = "mine"\nschema = 1\n', "fee.csv": "a"}), tmp_path, Limits())
    out, said = tried(place)
    assert str(tmp_path) not in out + json.dumps(said)
    assert any(found["place"] and found["place"]["file"].startswith("mine") for found in said["problems"]), said


def test_it_extends_built_in_ones_only(tmp_path) -> None:
    place = lay_out(JSON, sent({"policy.toml": 'id = "mine"\nextends = "../other"\n'}), tmp_path, Limits())
    _, said = tried(place)
    assert [found["code"] for found in said["problems"]] == ["serve-upload-extends"]
