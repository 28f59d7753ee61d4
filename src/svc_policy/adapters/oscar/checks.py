"""System checks: what is wrong with ``SVC_POLICY`` is said by `manage.py check`, before anybody sees a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from svc_policy.adapters.oscar.configuration import Configuration, place_of, read_configuration
from svc_policy.errors import PolicyError, Problem, nearest, problem
from svc_policy.messages import language_of, message

if TYPE_CHECKING:
    from svc_policy.facts.registry import Fact
    from svc_policy.policy import Policy

ID = "svc_policy.E001"


def check_settings(app_configs: object = None, **kwargs: object) -> list[Any]:
    """List what keeps the app from working, as Django's check messages."""
    from django.conf import settings
    from django.core.checks import Error

    lang = language_of(settings.LANGUAGE_CODE)
    return [
        Error(
            f"{found.place}: {found.message.text(lang)}" if found.place else found.message.text(lang),
            hint=found.help.text(lang) if found.help else None,
            id=ID,
        )
        for found in problems_of(settings)
    ]


def problems_of(settings: Any) -> list[Problem]:
    """List everything that is wrong with the settings of a project."""
    found, problems = read_configuration(getattr(settings, "SVC_POLICY", None))
    problems += _check_project(settings)
    if found is not None:
        from svc_policy.policy import load

        try:
            problems += _check_facts(found, load(found.policy))
        except PolicyError as error:
            problems += error.problems
    return problems


def _check_project(settings: Any) -> Iterator[Problem]:
    if not settings.USE_TZ:
        template = message("the project keeps its times without a zone")
        yield problem(
            "oscar-zone", template, place=place_of(), help=message("set `{setting}`", setting="USE_TZ = True")
        )
    apps = [str(app) for app in settings.INSTALLED_APPS]
    own = next((at for at, app in enumerate(apps) if app.startswith("svc_policy.adapters.oscar")), len(apps))
    oscar = next((at for at, app in enumerate(apps) if app == "oscar" or app.startswith("oscar.")), None)
    if oscar is None:
        template = message("Oscar's apps are not installed")
        advice = message("they follow `{app}` in INSTALLED_APPS", app="svc_policy.adapters.oscar")
        yield problem("oscar-absent", template, place=place_of(), help=advice)
    elif oscar < own:
        template = message("the app stands behind Oscar's, whose templates would hide its own")
        advice = message("put `{app}` first in INSTALLED_APPS", app="svc_policy.adapters.oscar")
        yield problem("oscar-order", template, place=place_of(), help=advice)


def _check_facts(configuration: Configuration, policy: Policy) -> Iterator[Problem]:
    """Check that what the setting calls facts are facts of the policy, and of a kind that fits."""
    from svc_policy.adapters.oscar.facts import ADDRESS_FIELDS, check_value, ticket_facts

    facts = ticket_facts(policy)
    for key, names in (
        ("attributes", configuration.attributes.values()),
        ("address", configuration.address.values()),
        ("always", configuration.always),
        ("not_asked", configuration.not_asked),
        ("warranty_from", (configuration.warranty_from,)),
    ):
        for name in names:
            if name not in facts:
                yield _no_fact(key, name, policy, facts)
    for field in configuration.address:
        if field not in ADDRESS_FIELDS:
            template = message("`{field}` is no field of a shipping address", field=field)
            advice = message("known here: {known}", known=", ".join(ADDRESS_FIELDS))
            yield problem("oscar-address-field", template, place=place_of("address"), help=advice)
    if configuration.warranty_from in facts and facts[configuration.warranty_from].kind != "date":
        template = message("`{fact}` is no date", fact=configuration.warranty_from)
        advice = message("a warranty runs from a date, as in `{fact}`", fact="delivered_on")
        yield problem("oscar-warranty-from", template, place=place_of("warranty_from"), help=advice)
    for name, value in configuration.always.items():
        if name in facts:
            for one in check_value(policy, name, value):
                yield problem(one.code, one.message, place=place_of("always"), help=one.help or _LISTS)


def _no_fact(key: str, name: str, policy: Policy, facts: dict[str, Fact]) -> Problem:
    guess = nearest(name, facts)
    template = message("`{name}` is no fact of the policy `{policy}`", name=name, policy=policy.id)
    advice = message("did you mean `{name}`?", name=guess) if guess else _LISTS
    return problem("oscar-fact", template, place=place_of(key), help=advice)


_LISTS = message("`{command}` lists them", command="svc-policy schema ticket")
