"""What is written within one turn of the loop goes out in one piece, in its order, and before the connection closes."""

from __future__ import annotations

import asyncio

from svc_policy.server.gathering import Gathered


class Wire:
    def __init__(self):
        self.sent, self.closed = [], False

    def write(self, content):
        assert not self.closed
        self.sent.append(content)

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def get_extra_info(self, name):
        return f"the {name}"


def test_one_piece_a_turn():
    async def run():
        wire = Wire()
        gathered = Gathered(wire, asyncio.get_running_loop())
        gathered.write(b"head ")
        gathered.write(b"body")
        assert wire.sent == []
        await asyncio.sleep(0)
        gathered.write(b"next")
        gathered.close()
        await asyncio.sleep(0)
        assert wire.sent == [b"head body", b"next"] and gathered.is_closing()
        assert gathered.get_extra_info("peer") == "the peer"

    asyncio.run(run())


def test_much_is_not_kept():
    async def run():
        wire = Wire()
        gathered = Gathered(wire, asyncio.get_running_loop())
        gathered.write(b"a" * 70_000)
        assert wire.sent == [b"a" * 70_000]

    asyncio.run(run())
