"""The setting ``SVC_POLICY``: which policy, and where its facts stand in the shop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from svc_policy.errors import Place, Problem, UsageError, nearest, problem
from svc_policy.messages import Message, message

NAME: Final = "SVC_POLICY"


@attrs.frozen(kw_only=True)
class Configuration:
    """What a shop says in ``SVC_POLICY``.

    `attributes` says which attribute of a product is which fact, `address` which
    field of the shipping address; `always` are facts of every request.
    `warranty_months` is the attribute that holds the months of a product's own
    warranty, which runs from the fact `warranty_from`. `delivered_event` is the
    code of the shipping event that says a line was delivered. `not_asked` are
    facts that customers are never asked for, `clock` is what gives the instant.
    """

    policy: str
    attributes: Mapping[str, str] = attrs.field(factory=dict)
    address: Mapping[str, str] = attrs.field(factory=dict)
    always: Mapping[str, Any] = attrs.field(factory=dict)
    warranty_months: str | None = None
    warranty_from: str = "delivered_on"
    delivered_event: str = "delivered"
    not_asked: tuple[str, ...] = ()
    clock: str = "django.utils.timezone.now"

    def now(self) -> datetime:
        """Give the instant of the shop, with an offset."""
        from django.utils.module_loading import import_string

        clock: Callable[[], datetime] = import_string(self.clock)
        return clock()


def configuration() -> Configuration:
    """Read the setting of the running project.

    Raises:
        UsageError: It cannot be read, with everything that is wrong with it.
    """
    from django.conf import settings

    found, problems = read_configuration(getattr(settings, NAME, None))
    if found is None:
        raise UsageError(problems)
    return found


def read_configuration(raw: object) -> tuple[Configuration | None, list[Problem]]:
    """Read the setting; give None and what is wrong with it where it cannot be used."""
    advice = message("write it as in `{example}`", example='SVC_POLICY = {"policy": "mall"}')
    if raw is None:
        return None, [_wrong("missing", message("there is no setting `{name}`", name=NAME), advice)]
    if not isinstance(raw, Mapping):
        return None, [_wrong("type", message("the setting `{name}` is no dictionary", name=NAME), advice)]
    problems: list[Problem] = []
    known = {field.name for field in attrs.fields(Configuration)}
    for key in raw:
        if key not in known:
            guess = nearest(str(key), known)
            hint = message("did you mean `{name}`?", name=guess) if guess else _listed(known)
            problems.append(_wrong("key", message("`{key}` is no key of the setting", key=key), hint))
    values = {key: _read(key, value, problems) for key, value in raw.items() if key in known}
    if not values.get("policy") and not any(_names(found, "policy") for found in problems):
        problems.append(_wrong("policy", message("the setting names no policy"), advice))
    if problems:
        return None, problems
    return Configuration(**values), []


def _read(key: str, value: object, problems: list[Problem]) -> Any:
    """Read the value of a key; a wrong one is a problem."""
    if key in ("attributes", "address", "always"):
        if isinstance(value, Mapping) and (key == "always" or all(isinstance(fact, str) for fact in value.values())):
            return dict(value)
        example = '{"voltage": "product_class"}' if key != "always" else '{"customer_kind": "person"}'
        return problems.append(_mistyped(key, message("a dictionary of names"), example))
    if key == "not_asked":
        if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
            return tuple(value)
        return problems.append(_mistyped(key, message("a list of facts"), '["parts_needed"]'))
    if value is None and key == "warranty_months":
        return None
    # A policy may be given as a path: `BASE_DIR / "policy"`.
    text = str(value) if key == "policy" and hasattr(value, "__fspath__") else value
    if not isinstance(text, str) or not text:
        return problems.append(_mistyped(key, message("a text"), _EXAMPLES[key]))
    if key == "clock":
        _check_clock(text, problems)
    return text


_EXAMPLES: Final[Mapping[str, str]] = {
    "policy": '"mall"',
    "warranty_months": '"warranty_months"',
    "warranty_from": '"delivered_on"',
    "delivered_event": '"delivered"',
    "clock": '"django.utils.timezone.now"',
}


def _check_clock(name: str, problems: list[Problem]) -> None:
    from django.utils.module_loading import import_string

    try:
        found = import_string(name)
    except ImportError:
        found = None
    if not callable(found):
        advice = message("it is the name of a function without arguments that gives a datetime with an offset")
        problems.append(_wrong("clock", message("there is no function `{name}`", name=name), advice, "clock"))


def _names(found: Problem, key: str) -> bool:
    return found.place is not None and found.place.file == place_of(key).file


def _mistyped(key: str, wanted: Message, example: str) -> Problem:
    template = message("`{key}` of the setting is not {wanted}", key=key, wanted=wanted)
    return _wrong("type", template, message("write it as in `{example}`", example=f'"{key}": {example}'), key)


def _listed(known: Iterable[str]) -> Message:
    return message("known here: {known}", known=", ".join(sorted(known)))


def _wrong(code: str, template: Message, advice: Message, key: str | None = None) -> Problem:
    return problem(f"oscar-setting-{code}", template, place=place_of(key), help=advice)


def place_of(key: str | None = None) -> Place:
    """Say where in the settings something stands."""
    return Place(file=NAME if key is None else f'{NAME}["{key}"]')
