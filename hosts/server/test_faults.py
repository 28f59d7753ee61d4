"""Clients that send too much, too slowly or not at all, and a service that is told to stop."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import threading
import time

import pytest

from hosts.available import require

require("server")

from hosts.server.running import serving, wait_for  # noqa: E402
from svc_policy.server.settings import Limits  # noqa: E402
from svc_policy.server.tokens import make_token  # noqa: E402

LONGEST_HEAD = Limits().head_size

LINES = {"content-type": "application/x-ndjson"}
HEAD = "POST /v1/policies/tile/{what} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"


@pytest.fixture(scope="module")
def service():
    with serving("tile", "--quiet") as running:
        yield running


@pytest.fixture
def client(service):
    with service.client() as found:
        yield found


def connected(service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=30)


def test_a_body_of_a_gigabyte_is_cut_at_the_limit(service):
    before = service.memory()
    with connected(service) as one:
        one.sendall(
            HEAD.format(what="decide", kind="application/json").encode() + b"transfer-encoding: chunked\r\n\r\n"
        )
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        sent = 0
        with contextlib.suppress(ConnectionError):
            for _ in range(2**30 // 65536):
                one.sendall(piece)
                sent += 65536
        # It did not have to read it all to say no: what lies in the buffers of two sockets comes on top of the limit.
        assert sent < 64 * 2**20
    assert service.memory() - before < 32 * 2**20
    with connected(service) as one:
        one.sendall(
            HEAD.format(what="decide", kind="application/json").encode() + b"content-length: 1073741824\r\n\r\n"
        )
        assert one.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_head_without_end_is_cut(service):
    with connected(service) as one:
        one.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n")
        sent = 0
        # What comes after the refusal would take its answer away: it is read as soon as it is there.
        one.setblocking(False)
        answer = b""
        while not answer and sent < 4 * LONGEST_HEAD:
            with contextlib.suppress(BlockingIOError):
                sent += one.send(b"x-head: %s\r\n" % (b"a" * 1000))
            time.sleep(0.005)
            with contextlib.suppress(BlockingIOError):
                answer = one.recv(4096)
        assert answer.startswith(b"HTTP/1.1 431 ") and b'"serve-head-large"' in answer
        assert LONGEST_HEAD <= sent + 100 < 2 * LONGEST_HEAD
        one.setblocking(True)
        assert is_cut(one, 5)


def test_what_is_no_http_is_refused(service):
    with connected(service) as one:
        one.sendall(b"\x16\x03\x01 what is this\r\n\r\n")
        assert one.recv(2000).startswith(b"HTTP/1.1 400")


def test_a_thousand_slow_connections_leave_the_others_alone(service, client):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    slow = []
    try:
        for number in range(1000):
            one = connected(service)
            # Half of them send a part of the head, half a part of the body.
            one.sendall(
                b"POST /v1/pol"
                if number % 2
                else HEAD.format(what="decide", kind="application/json").encode() + b"content-length: 50\r\n\r\n{"
            )
            slow.append(one)
        took = []
        for _ in range(50):
            begun = time.perf_counter()
            assert client.post("/v1/policies/tile/decide?keys=needs", json={}).status_code == 200
            took.append(time.perf_counter() - begun)
        assert sorted(took)[25] < 0.25
        # They are not waited for without end: the heads are given up after ten seconds, the bodies after twenty.
        slow[0].settimeout(40)
        slow[1].settimeout(40)
        assert slow[1].recv(100).startswith(b"HTTP/1.1 408")
        assert slow[0].recv(100).startswith(b"HTTP/1.1 408")
    finally:
        for one in slow:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_cut(one: socket.socket, seconds: float) -> bool:
    """Say whether a connection ends within a time, whatever it still says."""
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0:
            one.settimeout(left)
            if not one.recv(65536):
                return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return False


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """Serve with limits of seconds, for holders of tokens."""
    tokens = tmp_path_factory.mktemp("impatient") / "tokens.json"
    token = make_token(tokens, "all", ["decide", "read"], None)
    limits = {"idle": 1.0, "headers": 1.0, "keep_alive": 1.0, "pause": 0.5}
    with serving("tile", "--tokens", str(tokens), limits=limits) as running:
        yield running, f"authorization: Bearer {token}\r\n"


def test_a_client_that_does_not_read_is_cut(impatient):
    service, token = impatient
    held = []
    for _ in range(4):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", service.port))
        one.sendall((f"GET /v1/policies/tile/tables HTTP/1.1\r\nhost: localhost\r\n{token}\r\n" * 60).encode())
        held.append(one)
    wait_for(lambda: open_connections(service) == 4)
    # The service lets go of all of them, though none has read a byte.
    wait_for(lambda: open_connections(service) == 0, 6)
    for one in held:
        one.close()
    assert "Traceback" not in service.log


def open_connections(service) -> int:
    """Count the connections that the service has; port and state as the kernel lists them."""
    with open("/proc/net/tcp") as file:
        rows = [row.split() for row in file.readlines()[1:]]
    local = f"0100007F:{service.port:04X}"
    return sum(row[1] == local and row[3] != "0A" and row[9] != "0" for row in rows)


@pytest.mark.parametrize(
    "drop",
    [b"{", b"\r\n"],
    ids=["of a body that is answered already", "of blank lines before a head"],
)
def test_a_client_that_drips_is_cut(impatient, drop):
    service, _ = impatient
    with connected(service) as one:
        if drop == b"{":
            one.sendall(HEAD.format(what="decide", kind="application/json").encode() + b"content-length: 9999\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 401")
        else:
            one.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - begun < 9:
                one.sendall(drop)
                if is_cut(one, 0.3):
                    break
        assert time.monotonic() - begun < 8


def test_a_body_that_is_answered_already_may_end(impatient):
    service, _ = impatient
    with connected(service) as one:
        one.sendall(HEAD.format(what="decide", kind="application/json").encode() + b"content-length: 20000\r\n\r\n{")
        assert one.recv(4096).startswith(b"HTTP/1.1 401")
        one.sendall(b" " * 19_999 + b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")


def test_of_many_batches_at_once_two_are_begun_and_who_stands_still_gives_way(impatient):
    service, token = impatient
    head = HEAD.format(what="batch", kind="application/x-ndjson") + token + "transfer-encoding: chunked\r\n\r\n"

    def begun(number: int) -> tuple[socket.socket, bytes]:
        one = connected(service)
        one.sendall(head.encode() + b'14\r\n{"ticket_id":"one"}\n\r\n')
        return one, b""

    several = [begun(number)[0] for number in range(20)]
    said = [one.recv(4096) for one in several]
    taken = [one for one, text in zip(several, said, strict=True) if text.startswith(b"HTTP/1.1 200")]
    assert len(taken) == 2
    assert all(text.startswith(b"HTTP/1.1 503") for text in said if not text.startswith(b"HTTP/1.1 200"))
    # Both drip, and no line comes of it: after a while another gets the place of one of them.
    for _ in range(8):
        for one in taken:
            one.sendall(b"1\r\n{\r\n")
        time.sleep(0.1)
    with service.client(headers={"authorization": token.partition(": ")[2].strip()}) as client:
        got = client.post("/v1/policies/tile/batch", content=b"{}", headers=LINES)
    assert got.status_code == 200 and answers(got.content)[-1]["end"] == "whole"
    ends = []
    for one in taken:
        one.settimeout(5)
        text = b""
        with contextlib.suppress(TimeoutError):
            while piece := one.recv(65536):
                text += piece
                if b'"end"' in text:
                    break
        ends.append(text)
    assert any(b'"end":"broken"' in text and b"serve-batch-still" in text for text in ends)
    for one in several:
        one.close()


def test_a_batch_whose_process_ends_says_so(service):
    with connected(service) as one:
        one.sendall(
            HEAD.format(what="batch", kind="application/x-ndjson").encode() + b"transfer-encoding: chunked\r\n\r\n"
        )
        one.sendall(b'14\r\n{"ticket_id":"one"}\n\r\n')
        seen = b""
        while b'"line":1' not in seen:
            seen += one.recv(65536)
        for child in _children(service.process.pid):
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ConnectionError):
            one.sendall(b'14\r\n{"ticket_id":"two"}\n\r\n')
        while piece := one.recv(65536):
            seen += piece
            if b'"end"' in seen:
                break
        assert b'"end":"broken"' in seen and b"serve-batch-failed" in seen, service.log
    wait_for(lambda: "a batch was broken off: code -9" in service.log)


def answers(content: bytes) -> list[dict]:
    return [json.loads(line) for line in content.splitlines()]


def test_a_batch_answers_each_line_in_order(client):
    lines = [json.dumps({"ticket_id": f"T-{number}"}) for number in range(300)]
    lines[7] = "no JSON"
    lines[9] = json.dumps({"ticket_id": "T-9", "colour": "red"})
    lines[11] = "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1")
    got = answers(client.post("/v1/policies/tile/batch", content="\n\n".join(lines).encode(), headers=LINES).content)
    assert [one["line"] for one in got[:-1]] == list(range(1, 301))
    refused = [one["line"] for one in got[:-1] if "problems" in one]
    assert refused == [8, 10, 12]
    assert got[9]["ticket_id"] == "T-9" and got[9]["problems"][0]["code"] == "ticket-unknown-field"
    assert got[-1]["end"] == "whole"
    assert (got[-1]["lines"], got[-1]["answered"], got[-1]["refused"]) == (300, 297, 3)


def test_a_batch_is_a_conversation(client):
    """One line is answered before the next is sent; a line that is too long is passed over."""
    came = threading.Event()
    seen: list[bytes] = []

    def lines():
        yield b'{"ticket_id":"one"}\n'
        assert came.wait(20)
        yield b'{"ticket_id":"' + b"x" * (2**20) + b'"}\n'
        yield b'{"ticket_id":"three"}\n'

    # A client that sends and receives at once.
    with socket.create_connection(("127.0.0.1", client.base_url.port), timeout=60) as one:
        one.sendall(
            HEAD.format(what="batch", kind="application/x-ndjson").encode() + b"transfer-encoding: chunked\r\n\r\n"
        )
        for line in lines():
            one.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            if not seen:
                while b'"line":1' not in b"".join(seen):
                    seen.append(one.recv(65536))
                came.set()
        one.sendall(b"0\r\n\r\n")
        while b'"end":' not in b"".join(seen):
            seen.append(one.recv(65536))
    text = b"".join(seen)
    assert b'"line":2,"ticket_id":null,"problems"' in text
    assert b'"ticket_id":"three"' in text
    assert b'"end":"whole"' in text


def test_a_batch_without_a_client_ends(service, client):
    with connected(service) as one:
        one.sendall(
            HEAD.format(what="batch", kind="application/x-ndjson").encode() + b"transfer-encoding: chunked\r\n\r\n"
        )
        one.sendall(b'14\r\n{"ticket_id":"one"}\n\r\n')
        assert one.recv(10)
    # Its place is free again: two others are decided at once.
    for _ in range(3):
        assert client.post("/v1/policies/tile/batch", content=b"{}", headers=LINES).status_code == 200


def test_it_stops_when_requests_have_ended_and_at_once_when_told_twice():
    for twice in (False, True):
        with serving("tile", "--quiet") as service:
            with socket.create_connection(("127.0.0.1", service.port), timeout=60) as one:
                one.sendall(
                    HEAD.format(what="batch", kind="application/x-ndjson").encode()
                    + b"transfer-encoding: chunked\r\n\r\n"
                )
                one.sendall(b'14\r\n{"ticket_id":"one"}\n\r\n')
                seen = b""
                while b'"line":1' not in seen:
                    seen += one.recv(65536)
                service.process.send_signal(signal.SIGTERM)
                wait_for(lambda: _is_refused(service.port))
                assert service.process.poll() is None
                if twice:
                    service.process.send_signal(signal.SIGTERM)
                    assert service.process.wait(5) == 128 + signal.SIGTERM
                    continue
                one.sendall(b'14\r\n{"ticket_id":"two"}\n\r\n0\r\n\r\n')
                while b'"end":"whole"' not in seen:
                    piece = one.recv(65536)
                    assert piece
                    seen += piece
            assert service.process.wait(10) == 0


def test_a_thread_that_goes_on_does_not_keep_it_from_ending():
    slow = "import time; from svc_policy.server import answering; answering.explained = lambda *_: time.sleep(40)"
    with serving("tile", "--quiet", "--stop", "0", limits={}, first=slow) as service, connected(service) as one:
        body = b"{}" + b" " * 40_000
        one.sendall(HEAD.format(what="explain", kind="application/json").encode())
        one.sendall(b"content-length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.5)
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
        assert time.monotonic() - begun < 8


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return True
    return False


def test_the_workers_go_with_the_service():
    with serving("tile", "--quiet") as service:
        with service.client() as client:
            client.post("/v1/policies/tile/batch", content=b"{}", headers=LINES)
        children = _children(service.process.pid)
        assert children
        assert service.stop() == 0
        wait_for(lambda: not any(_runs(child) for child in children))


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(one) for one in file.read().split()]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return False
