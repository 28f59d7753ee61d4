"""The pages of the staff, what time changes, and what is said of settings."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest

from hosts.oscar.conftest import make_line, make_user
from hosts.oscar.visiting import (
    STAFF,
    client_of,
    raise_price,
    report,
)


@pytest.fixture(autouse=True)
def state(shop_state, settings_kept):
    return shop_state


def test_what_the_staff_finds_out_is_decided_anew_and_the_old_decision_stays():
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {"on_site": True, "distance_km": "3"})
    boss = client_of(make_user(is_staff=True, permissions=STAFF))
    assert boss.post(f"/after-sales/dashboard/{ticket.number}/ask/cause/", {"answer": "sabotage"}).status_code == 422
    assert boss.post(f"/after-sales/dashboard/{ticket.number}/ask/cause/", {"answer": "product"}).status_code == 302
    assert [one.category for one in ticket.decisions.all()] == ["C", None]
    assert [one.is_current for one in ticket.decisions.all()] == [True, False]
    boss.post(f"/after-sales/dashboard/{ticket.number}/done/relayed/")
    ticket.refresh_from_db()
    assert ticket.facts["relayed_at"] == "2026-03-02T09:00:00+08:00"
    assert ticket.decision.document["targets"]["relayed"]["status"] == "met"
    assert ticket.decision.document["targets"]["contacted"]["due"] == "2026-03-02T14:00:00+08:00"
    assert boss.post(f"/after-sales/dashboard/{ticket.number}/done/nothing/").status_code == 404


def test_time_is_recomputed_when_it_has_come_and_not_before(state):
    from svc_policy.adapters.oscar.models import ServiceTicket

    ServiceTicket.objects.all().delete()
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    assert recomputed("--json") == {"schema": 1, "decided": 0, "changed": 0, "refused": []}
    # The next change is at 13:12 (80 % of four hours of work).
    assert recomputed("--json", "--at", "2026-03-02T13:11:59+08:00")["decided"] == 0
    assert recomputed("--json", "--at", "2026-03-02T13:12:00+08:00")["changed"] == 1
    assert recomputed("--json", "--at", "2026-03-02T13:12:00+08:00")["decided"] == 0
    assert ticket.decisions.count() == 2
    assert recomputed("--json", "--at", "2026-03-09T09:00:00+08:00")["changed"] == 1
    assert ticket.decision.document["targets"]["relayed"]["status"] == "breached"
    raise_price(state)
    assert recomputed("--json", "--all", "--at", "2026-03-09T09:00:00+08:00")["changed"] == 1


def test_a_ticket_that_cannot_be_decided_is_named_and_the_others_go_on(state):
    from django.core.management import CommandError

    from svc_policy.adapters.oscar.models import ServiceTicket

    ServiceTicket.objects.all().delete()
    ann = make_user()
    tickets = [report(client_of(ann), make_line(ann, delivered_days_ago=90), {}) for _ in range(3)]
    ServiceTicket.objects.filter(pk=tickets[1].pk).update(facts={"distance_km": "far"})
    with pytest.raises(CommandError, match=tickets[1].number) as raised:
        recomputed("--at", "2026-03-09T09:00:00+08:00")
    assert raised.value.returncode == 1
    assert [one.decisions.count() for one in tickets] == [2, 1, 2]


@pytest.mark.parametrize("at", ["tomorrow", "2026-03-02T09:00:00"])
def test_an_instant_that_is_none_is_refused(at):
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="is no instant with an offset") as raised:
        recomputed("--at", at)
    assert raised.value.returncode == 2


def recomputed(*options: str) -> Any:
    from django.core.management import call_command

    out = StringIO()
    call_command("svc_policy_recompute", *options, "--lang", "en", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    "setting, said",
    [
        (None, "there is no setting `SVC_POLICY`"),
        ("mall", "the setting `SVC_POLICY` is no dictionary"),
        ({}, "the setting names no policy"),
        ({"policy": "mal"}, "there is no pack `mal`"),
        ({"policy": "mall", "polcy": 1}, "`polcy` is no key of the setting"),
        ({"policy": "mall", "attributes": ["x"]}, "`attributes` of the setting is not a dictionary of names"),
        ({"policy": "mall", "attributes": {"line": "product_clas"}}, "`product_clas` is no fact of the policy `mall`"),
        ({"policy": "mall", "address": {"town": "district"}}, "`town` is no field of a shipping address"),
        ({"policy": "mall", "always": {"on_site": "perhaps"}}, "`on_site` is `perhaps`"),
        ({"policy": "mall", "warranty_from": "cause"}, "`cause` is no date"),
        ({"policy": "mall", "clock": "no.such.clock"}, "there is no function `no.such.clock`"),
        ({"policy": "mall", "not_asked": "cause"}, "`not_asked` of the setting is not a list of facts"),
    ],
)
def test_a_setting_that_cannot_be_is_said_by_the_check(settings_kept, setting, said):
    from svc_policy.adapters.oscar.checks import check_settings

    settings_kept.SVC_POLICY = setting
    [error] = check_settings()
    assert said in error.msg
    assert error.hint
    assert error.id == "svc_policy.E001"


def test_the_place_among_the_apps_and_times_without_a_zone_are_said(settings_kept):
    from svc_policy.adapters.oscar.checks import problems_of

    class Project:
        USE_TZ = False
        INSTALLED_APPS = ("oscar.config.Shop", "svc_policy.adapters.oscar")
        SVC_POLICY = {"policy": "mall"}  # noqa: RUF012

    said = [found.render() for found in problems_of(Project)]
    assert [one.split(": ")[1].splitlines()[0] for one in said] == [
        "the project keeps its times without a zone",
        "the app stands behind Oscar's, whose templates would hide its own",
    ]
    Project.USE_TZ, Project.INSTALLED_APPS = True, ("svc_policy.adapters.oscar",)  # type: ignore[assignment]
    assert [found.code for found in problems_of(Project)] == ["oscar-absent"]


def test_the_migrations_are_those_of_the_models():
    from django.core.management import call_command

    call_command("makemigrations", "svc_policy", "--check", "--dry-run", verbosity=0)


def test_the_page_of_the_documents_sets_up_a_project(tmp_path):
    """Its two blocks, put into a new project as it says: the project checks."""
    import subprocess
    import sys

    from hosts.oscar.conftest import ROOT

    page = (ROOT / "docs" / "oscar.md").read_text(encoding="utf-8")
    settings, urls = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    environment = {"PATH": "/usr/bin:/bin"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("-m", "django", "startproject", "shop", ".")
    with (tmp_path / "shop" / "settings.py").open("a", encoding="utf-8") as file:
        file.write(settings)
    (tmp_path / "shop" / "urls.py").write_text(urls, encoding="utf-8")
    assert "no issues" in run("manage.py", "check")
    keys = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    import attrs

    from svc_policy.adapters.oscar.configuration import Configuration

    assert keys == {field.name for field in attrs.fields(Configuration)}
