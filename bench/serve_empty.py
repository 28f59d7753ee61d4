"""An endpoint of the same framework that reads its body and says nothing: what serving costs by itself."""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn
from litestar import Litestar, Request, post
from litestar.response.base import ASGIResponse


@post("/empty", status_code=200)
async def empty(request: Request[Any, Any, Any]) -> ASGIResponse:
    await request.body()
    return ASGIResponse(body=b"{}", media_type="application/json")


def main() -> None:
    app = Litestar(route_handlers=[empty], openapi_config=None, logging_config=None)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", ws="none", access_log=False, log_level="error")
    print(f"on http://127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
