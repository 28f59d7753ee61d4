"""The shop, migrated and served for one run of the tests, with its database open in this process too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from hosts.available import require

require("oscar")

ROOT = Path(__file__).parents[2]
PASSWORD = "a-password-of-tests-1"


@attrs.frozen(kw_only=True)
class Shop:
    """Where the shop is, and how to turn its clock and change its policy."""

    url: str
    clock: Path
    policy: Path

    def set_clock(self, text: str) -> None:
        self.clock.write_text(text, encoding="utf-8")

    def change(self, file: str, old: str, new: str) -> None:
        path = self.policy / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set the environment of the shop, for this process and for those it starts, and open Django here."""
    import svc_policy

    folder = tmp_path_factory.mktemp("shop")
    mall = Path(svc_policy.__file__).parent / "packs" / "mall"
    shutil.copytree(mall, folder / "mall")
    shutil.copytree(mall, folder / "pristine")
    os.environ["SHOP_DATABASE"] = str(folder / "shop.sqlite")
    os.environ["SHOP_POLICY"] = str(folder / "mall")
    os.environ["SHOP_CLOCK"] = str(folder / "clock")
    os.environ["DJANGO_SETTINGS_MODULE"] = "hosts.oscar.shop.settings"
    # The browser's driver runs a loop in this thread; Django would take the tests for asynchronous ones.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    base = tmp_path_factory.getbasetemp()
    # Workers of one run share what is migrated, which takes twenty seconds.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "oscar-migrated.sqlite"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if shared.is_file():
            shutil.copy(shared, folder / "shop.sqlite")
        else:
            call_command("migrate", verbosity=0)
            connection.close()
            shutil.copy(folder / "shop.sqlite", shared)
    return folder


@pytest.fixture
def shop_state(shop_folder: Path) -> Iterator[Path]:
    """Give each test the clock and the policy as they are at the beginning."""
    from hosts.oscar.shop.clock import START

    (shop_folder / "clock").write_text(START, encoding="utf-8")
    yield shop_folder
    shutil.rmtree(shop_folder / "mall")
    shutil.copytree(shop_folder / "pristine", shop_folder / "mall")


@pytest.fixture
def settings_kept(shop_folder: Path) -> Iterator[Any]:
    """Put the setting back that a test changed."""
    from django.conf import settings

    kept = dict(settings.SVC_POLICY)
    yield settings
    settings.SVC_POLICY = kept


@pytest.fixture(scope="session")
def served(shop_folder: Path) -> Iterator[str]:
    """Serve the shop on a free port of the loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (shop_folder / "server.log").open("w")
    command = [sys.executable, "-m", "hosts.oscar.shop.manage", "runserver", "--noreload", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server, shop_folder / "server.log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{url}/after-sales/", timeout=30).close()
            return
        time.sleep(0.2)
    pytest.fail(f"the shop does not answer:\n{log.read_text()[-2000:]}")


@pytest.fixture
def shop(served: str, shop_state: Path) -> Shop:
    return Shop(url=served, clock=shop_state / "clock", policy=shop_state / "mall")


@pytest.fixture
def visit(browser: Any, shop: Shop) -> Iterator[Any]:
    """Open a page of the shop as somebody, in a language; nothing but the shop is asked for anything."""
    contexts = []

    def opened(user: Any = None, language: str = "en", width: int = 1100) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, base_url=shop.url)
        contexts.append(context)
        context.set_default_timeout(15_000)
        context.route(lambda url: not url.startswith(shop.url), lambda route: route.abort())
        cookies = [{"name": "django_language", "value": language, "url": shop.url}]
        if user is not None:
            cookies.append({"name": "sessionid", "value": session_of(user), "url": shop.url})
        context.add_cookies(cookies)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def session_of(user: Any) -> str:
    """Sign a user in, and give the key of the session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


_COUNT = iter(range(10**6))


def make_user(*, is_staff: bool = False, permissions: tuple[str, ...] = ()) -> Any:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission

    name = f"user{next(_COUNT)}-{os.getpid()}"
    user = get_user_model().objects.create_user(name, f"{name}@example.com", PASSWORD, is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def make_line(user: Any, title: str = "Kettle", **options: Any) -> Any:
    """Make an order of one line."""
    from svc_policy.adapters.oscar.demo import make_order

    return make_order(user, title, **options).lines.get()
