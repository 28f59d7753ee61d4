"""What a service is started with, its limits above all."""

from __future__ import annotations

from pathlib import Path

import attrs

MEBIBYTE = 2**20


@attrs.frozen(kw_only=True)
class Limits:
    """How much a client may ask for.

    Sizes are bytes, times are seconds. `ticket`, `upload` and `line` bound the body of a request
    that decides one ticket, a policy that is published, and one line of a batch; `unpacked` all files
    of an upload together, `files` their number. `headers` is how long the head of a request may take,
    `head_size` how long it may be, `body` how long the body of one that is no batch may take, `idle` how
    long a batch may stand still in either direction. `heavy` is how long a check, a diff or the trial of
    an upload may take, and one answer of a batch's process, `heavy_memory` what it may use and `batch_memory` what the
    process of a batch; so many of them (`heavy_at_once`) and so many
    batches (`batches_at_once`) run at once, others wait or are told to come back;
    `pause` is how long a batch may send no whole line while another waits for its place;
    `steps_waiting` are the searches for boundaries of the desk that may wait while one runs. `connections` are all
    that may be open, `kept` the policies of one name that can still be asked for by digest, `names` how many names
    there may be, `stop` how
    long requests may still take once the service is told to stop.
    """

    ticket: int = 1 * MEBIBYTE
    upload: int = 16 * MEBIBYTE
    unpacked: int = 64 * MEBIBYTE
    files: int = 500
    line: int = 1 * MEBIBYTE
    head_size: int = 32 * 1024
    headers: float = 10.0
    keep_alive: float = 15.0
    body: float = 20.0
    idle: float = 30.0
    heavy: float = 60.0
    heavy_memory: int = 2048 * MEBIBYTE
    batch_memory: int = 8192 * MEBIBYTE
    heavy_at_once: int = 1
    heavy_waiting: int = 8
    batches_at_once: int = 2
    pause: float = 5.0
    steps_waiting: int = 4
    connections: int = 4000
    kept: int = 10
    names: int = 50
    stop: float = 20.0


@attrs.frozen(kw_only=True)
class Settings:
    """How a service runs: where it listens, who may use it, where it keeps what is published.

    `tokens` is the file of tokens; without one everybody on this machine may do everything, and the service
    listens on loopback only. `store` is the folder that keeps published policies over restarts.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    tokens: Path | None = None
    store: Path | None = None
    access_log: bool = True
    limits: Limits = attrs.field(factory=Limits)
