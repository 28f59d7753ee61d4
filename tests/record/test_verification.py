"""Each way in which somebody may change a record is found, and said with its line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from record.writing import lines, record, small
from svc_policy import Policy
from svc_policy.errors import UsageError
from svc_policy.record import Position, verify


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return small(tmp_path_factory.mktemp("packs"))


@pytest.fixture
def log(tmp_path: Path, policy: Policy) -> Path:
    """A record of twelve lines: 1 log, 2 policy, 3 layout, rules and decisions from 4 on."""
    made = record(tmp_path / "log", policy, 12)
    assert verify(made).position.lines > 12
    return made


def found(log: Path, **expected: object) -> list[tuple[str, int | None, str]]:
    return [
        (one.code, one.place.line if one.place else None, str(one.message)) for one in verify(log, **expected).problems
    ]


def put(log: Path, content: list[bytes]) -> None:
    log.write_bytes(b"".join(content))


def sealed(line: bytes, **changes: object) -> bytes:
    """Change a line and give it a hash that fits, as somebody would who knows how."""
    body = {**json.loads(line), **changes}
    del body["hash"]
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))[:-1].encode()
    return text + b',"hash":"' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'


def test_a_sound_record(log):
    verified = verify(log)
    assert verified.is_sound and not verified.problems and verified.decisions == 12
    assert verified.position == Position(len(lines(log)), json.loads(lines(log)[-1])["hash"])


@pytest.mark.parametrize("number", [1, 2, 5, 9, -1])
def test_a_changed_line(log, number):
    content = lines(log)
    index = number - 1 if number > 0 else len(content) - 1
    content[index] = content[index].replace(b'"previous"', b'"x":1,"previous"')
    put(log, content)
    assert found(log) == [("record-changed", index + 1, f"line {index + 1} was changed: its hash does not fit")]


@pytest.mark.parametrize("position", [10, 100, -30])
def test_every_byte_counts(log, position):
    content = lines(log)
    changed = bytearray(content[6])
    changed[position] ^= 1
    put(log, [*content[:6], bytes(changed), *content[7:]])
    assert [(code, line) for code, line, _ in found(log)] in (
        [("record-changed", 7)],
        [("record-unreadable-line", 7)],
    )


def test_a_line_written_anew_with_a_hash_that_fits(log):
    content = lines(log)
    content[6] = sealed(content[6], at="2026-03-04T11:00:00+08:00")
    put(log, content)
    wanted = "line 8 does not follow the line before it: line 7 was written anew"
    assert found(log) == [("record-rewritten", 8, wanted)]


def test_missing_lines(log):
    content = lines(log)
    put(log, content[:4] + content[5:8] + content[10:])
    assert found(log) == [
        ("record-missing", 5, "line 5 is missing"),
        ("record-missing", 8, "lines 9 to 10 are missing"),
    ]


def test_moved_lines(log):
    content = lines(log)
    put(log, [*content[:5], content[6], content[5], *content[7:]])
    assert found(log) == [("record-moved", 7, "line 6 was moved: it stands after line 7")]
    put(log, [*content[:5], *content[6:9], content[5], *content[9:]])
    assert found(log) == [("record-moved", 9, "line 6 was moved: it stands after line 9")]


def test_a_repeated_line(log):
    content = lines(log)
    put(log, [*content[:7], content[5], *content[7:]])
    assert found(log) == [("record-repeated", 8, "line 6 is there twice")]


@pytest.mark.parametrize("junk", [b"{\n", b"\n", b"\xff\xfe\n", b"[1]\n", b'{"schema":1}\n'])
def test_a_line_that_is_none(log, junk):
    content = lines(log)
    put(log, [*content[:6], junk, *content[7:]])
    assert found(log) == [("record-unreadable-line", 7, "line 7 cannot be read")]


def test_line_ends_of_another_system(log):
    put(log, [line[:-1] + b"\r\n" for line in lines(log)])
    assert [(code, line) for code, line, _ in found(log)] == [("record-returns", 1)]


def test_lines_taken_off_the_end(log):
    content = lines(log)
    count = len(content)
    put(log, content[:-2])
    wanted = f"the record ends at line {count - 2}, and had {count} lines"
    assert found(log) == [("record-truncated", None, wanted)]
    put(log, content)
    (log.parent / "log.head").unlink()
    assert [code for code, _, _ in found(log)] == ["record-headless"] and verify(log).is_sound


def test_the_whole_record_written_anew(log, policy, tmp_path):
    (tmp_path / "other").mkdir()
    other = record(tmp_path / "other" / "log", policy, 12, cause="misuse")
    log.write_bytes(other.read_bytes())
    count = json.loads((tmp_path / "log.head").read_text())["lines"]
    (problem,) = verify(log).problems
    assert problem.code in ("record-rewritten", "record-truncated") and str(count) in str(problem.message)


def test_what_was_kept_elsewhere(log):
    content = lines(log)
    count, own = len(content), json.loads(content[-1])["hash"]
    earlier = json.loads(content[6])["hash"]
    for sound in (count, count - 3, own, earlier, f"{count}:{own}", f"7:{earlier}", Position(count, own)):
        assert verify(log, expect=str(sound)).is_sound, sound
    for wrong, code in (
        (count + 1, "record-truncated"),
        ("0" * 64, "record-rewritten"),
        (f"6:{earlier}", "record-rewritten"),
        (f"{count + 1}:{own}", "record-truncated"),
    ):
        assert [one.code for one in verify(log, expect=str(wrong)).problems] == [code], wrong
    for unreadable in ("x", "", ":", "-1", "1:2", own[:-1]):
        with pytest.raises(UsageError, match="cannot read"):
            verify(log, expect=unreadable)


def test_an_empty_record_is_sound_unless_it_had_lines(tmp_path, log):
    empty = tmp_path / "empty"
    empty.touch()
    assert verify(empty).is_sound and verify(empty).position.lines == 0
    log.write_bytes(b"")
    assert [code for code, _, _ in found(log)] == ["record-truncated"]


def test_a_policy_that_is_gone_or_changed(log, policy):
    kept = log.parent / "log.policies" / policy.digest / "pack"
    rules = kept / "category.csv"
    rules.write_text(rules.read_text().replace("near,<= 5 km,C", "near,<= 5 km,B"))
    assert [code for code, _, _ in found(log)] == ["record-unexplained", "record-policy-altered"]
    kept.rename(kept.with_name("elsewhere"))
    assert [code for code, _, _ in found(log)] == ["record-unexplained", "record-policy-missing"]
    assert not verify(log).is_sound
