"""One database for all tests of a process, made of a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hosts.tryton.database import NAME, prepared, write_config
from hosts.tryton.shop import Shop, open_shop


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Set up two companies."""
    folder: Path = tmp_path_factory.mktemp("tryton")
    shutil.copyfile(prepared(), folder / f"{NAME}.sqlite")
    return open_shop(folder, write_config(folder))


@pytest.fixture
def shop(opened: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Give the shop, with a clock that a test may set."""
    from trytond.pool import Pool

    complaint = Pool(NAME).get("sale.complaint")

    def now() -> datetime:
        return opened.now or datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    monkeypatch.setattr(complaint, "svc_now", staticmethod(now))
    yield opened
    opened.now = None
