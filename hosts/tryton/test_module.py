"""What Tryton itself asks of every module: views, access, buttons, dependencies, and the like."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hosts.available import require

require("tryton")

from hosts.tryton.database import prepared  # noqa: E402

SUITE = """
from trytond.tests.test_tryton import ModuleTestCase

class TestModule(ModuleTestCase):
    module = "svc_policy"

del ModuleTestCase
"""


def test_the_suite_of_modules_passes(tmp_path: Path) -> None:
    # Tryton looks for a prepared database under a name of its own.
    name = hashlib.shake_128(b"svc_policy").hexdigest(20)
    cache = tmp_path / "cache"
    cache.mkdir()
    shutil.copyfile(prepared(), cache / f"{name}-sqlite.dump")
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    environment = {**os.environ, "DB_CACHE": str(cache), "DB_NAME": ":memory:"}
    environment.pop("TRYTOND_DATABASE_URI", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "test_suite.py"]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)
    assert found.returncode == 0, found.stdout[-4000:]
    assert " passed" in found.stdout
