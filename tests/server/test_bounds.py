"""What keeps the service answering: bodies cut into whole lines, places that are counted, turns that are waited for."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time

import pytest

pytest.importorskip("litestar", reason="the extra `serve` is not installed")

from svc_policy.server import batch, turns
from svc_policy.server.batch import FRAME, Workers, _Body
from svc_policy.server.heavy import Heavy
from svc_policy.server.problems import Refused, refuse
from svc_policy.server.settings import Limits


def framed(pieces: list[bytes], line: int) -> list[bytes]:
    """Give the frames that a body is cut into, up to the empty one."""
    left = list(pieces)

    async def receive():
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def frames():
        body = _Body(receive, Limits(line=line))
        found = []
        while frame := await body.lines():
            found.append(frame)
        assert not left
        return found

    return asyncio.run(frames())


def cut(content: bytes, sizes) -> list[bytes]:
    pieces, at = [], 0
    while at < len(content):
        size = sizes()
        pieces.append(content[at : at + size])
        at += size
    return pieces


def test_a_line_longer_than_a_frame_hides_no_other():
    lines = [b"first", b"x" * (FRAME + 2**20), b"one", b"two", b"three"]
    frames = framed(cut(b"\n".join(lines), lambda: 60_000), 2**20)
    got = b"".join(frames).split(b"\n")
    assert got[0] == b"first" and got[2:] == lines[2:]
    assert got[1] == b"x" * (2**20 + 1)
    assert all(len(frame) < FRAME for frame in frames)


def test_however_a_body_is_cut_its_lines_are_the_same():
    chance = random.Random(7)
    for _ in range(200):
        lines = [b"%d" % (number % 10) * chance.choice((0, 3, 9, 10, 11, 40)) for number in range(8)]
        content = b"\n".join(lines) + chance.choice((b"", b"\n"))
        got = b"".join(framed(cut(content, lambda: chance.randint(1, 25)), 10)).split(b"\n")
        whole = content.split(b"\n")
        assert len(got) == len(whole)
        for one, other in zip(got, whole, strict=True):
            # Of what is too long so much comes that it is seen to be.
            assert one == other if len(other) <= 10 else other.startswith(one) and len(one) > 10


def test_half_a_line_is_none_when_the_body_is_refused():
    async def frames():
        pieces = [{"type": "http.request", "body": b'{"a":1}\n{"b"', "more_body": True}]

        async def receive():
            if pieces:
                return pieces.pop()
            raise refuse(408, "serve-body-slow", "late")

        body = _Body(receive, Limits())
        return [await body.lines(), await body.lines(), body.refused.status]

    assert asyncio.run(frames()) == [b'{"a":1}\n', b"", 408]


def test_batches_that_come_together_get_as_many_places_as_there_are():
    async def lease():
        workers = Workers(Limits(batches_at_once=2))
        found = await asyncio.gather(*(workers.lease("key") for _ in range(10)), return_exceptions=True)
        given = [one for one in found if not isinstance(one, Exception)]
        # Two are taken: one that is given back is leased again, with what it has compiled.
        workers.give_back(given[0])
        again = await workers.lease("key")
        workers.stop()
        for one in given:
            await one.process.wait()
        return found, given, again

    found, given, again = asyncio.run(lease())
    assert len(given) == 2 and again is given[0]
    assert {one.status for one in found if isinstance(one, Refused)} == {503}


def test_a_place_that_could_not_be_taken_is_free_again(monkeypatch):
    async def broken(_):
        raise OSError

    async def lease():
        workers = Workers(Limits(batches_at_once=1))
        for _ in range(3):
            with pytest.raises(OSError):
                await workers.lease("key")

    monkeypatch.setattr(batch, "start_worker", broken)
    asyncio.run(lease())


def test_how_a_process_ended_is_said_without_what_it_was_sent():
    async def ended():
        workers = Workers(Limits())
        one = await workers.lease("key")
        await one.send(b"13800138000 is no job")
        with pytest.raises(EOFError):
            await one.receive()
        crashed = await one.how_it_ended()
        other = await Workers(Limits()).lease("key")
        return crashed, await other.how_it_ended()

    crashed, killed = asyncio.run(ended())
    assert crashed.startswith("code 1, ") and "Error at " in crashed and "13800138000" not in crashed
    assert killed == f"code {-signal.SIGKILL}"


class Slow(Heavy):
    """Takes its time; the task says how long and what comes of it."""

    begun = 0

    async def _run(self, task):
        self.begun += 1
        await asyncio.sleep(task["takes"])
        if "wrong" in task:
            raise refuse(409, "wrong", "wrong")
        return json.dumps(task).encode()


def test_waiting_for_a_turn_is_not_counted_as_time():
    async def run():
        heavy = Slow(Limits(heavy=1))
        found = await asyncio.gather(*(heavy.run({"takes": 0.4, "number": one}) for one in range(3)))
        with pytest.raises(Refused) as slow:
            await heavy.run({"takes": 5})
        return found, slow.value.problems[0].code

    found, code = asyncio.run(run())
    assert [json.loads(one)["number"] for one in found] == [0, 1, 2]
    assert code == "serve-heavy-slow"


def test_the_same_is_reckoned_once_whoever_leaves():
    async def run():
        heavy = Slow(Limits(heavy_waiting=1))
        asked = [asyncio.create_task(heavy.answer("same", {"takes": 0.05})) for _ in range(5)]
        await asyncio.sleep(0.01)
        asked[0].cancel()
        found = await asyncio.gather(*asked, return_exceptions=True)
        await heavy.answer("same", {"takes": 0.05})
        wrong = [heavy.answer("wrong", {"takes": 0.01, "wrong": True}) for _ in range(2)]
        refused = await asyncio.gather(*wrong, return_exceptions=True)
        return heavy.begun, found, refused

    begun, found, refused = asyncio.run(run())
    assert begun == 2
    assert isinstance(found[0], asyncio.CancelledError) and len(set(found[1:])) == 1
    assert all(isinstance(one, Refused) for one in refused)


class Client:
    """What a request is to those who wait for a turn: a client that may leave."""

    def __init__(self) -> None:
        self.leaves = asyncio.Event()

    async def receive(self):
        await self.leaves.wait()
        return {"type": "http.disconnect"}


def test_one_at_a_time_so_many_wait_and_none_for_who_has_left():
    running, most, ended = 0, 0, []

    def work(is_wanted):
        nonlocal running, most
        running += 1
        most = max(most, running)
        until = time.monotonic() + 0.05
        while time.monotonic() < until and is_wanted():
            time.sleep(0.002)
        # It is seen late that nobody waits any more.
        time.sleep(0.03)
        running -= 1
        ended.append(is_wanted())
        return "done"

    async def run():
        waited = turns.Turns(3)
        clients = [Client() for _ in range(6)]
        asked = [asyncio.create_task(waited.run(one, work)) for one in clients]
        await asyncio.sleep(0.02)
        # The one that runs and one that waits leave.
        clients[0].leaves.set()
        clients[2].leaves.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(run())
    assert most == 1
    assert found[:4] == [None, "done", None, "done"]
    assert [one.status for one in found[4:]] == [503, 503]
    assert ended == [False, True, True]
