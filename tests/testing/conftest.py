from pathlib import Path

import pytest

from svc_policy import Policy

from .shop import shop


@pytest.fixture(scope="package")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(Path(tmp_path_factory.mktemp("plain")))
