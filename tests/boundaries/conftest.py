from __future__ import annotations

import pytest

from boundaries.shop import shop
from svc_policy import Policy


@pytest.fixture(scope="package")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("boundaries"))
