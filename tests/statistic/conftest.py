from __future__ import annotations

from typing import Any

import pytest

from svc_policy import Policy

from .made import made_policy


@pytest.fixture(scope="session")
def policy(tmp_path_factory: Any) -> Policy:
    return made_policy(tmp_path_factory.mktemp("packs") / "mall")
