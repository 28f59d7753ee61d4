"""The OpenAPI document of a running service, made from its list of routes and from the published schemas."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

from svc_policy import __version__
from svc_policy.facts.schema import ticket_schema
from svc_policy.policy.json import KEYS
from svc_policy.server import batch_columns, uploads
from svc_policy.server.problems import MEDIA_TYPE, TITLES
from svc_policy.server.routes import ROUTES, SCOPES, Route
from svc_policy.server.settings import Settings
from svc_policy.server.shelf import Shelf
from svc_policy.units import minor_digits

#: Schemas of `svc-policy schema`, by their name in the document.
_PUBLISHED: Final = {"Decision": "decision", "Check": "check", "Diff": "diff"}
_JSON: Final = "application/json"
_LINES: Final = "application/x-ndjson"
_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_AT: Final = (
    "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
    "(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])$"
)
_TITLES: Final[Mapping[str, str]] = {
    "policies": "List the policies",
    "publish": "Publish a policy",
    "policy": "Describe a policy",
    "rules": "List the rules of a policy and its clauses",
    "tables": "Give the tables of a policy as its files say them",
    "ticket_schema": "Give the JSON Schema of a ticket under a policy",
    "check": "Check a policy",
    "decide": "Decide a ticket",
    "quote": "Quote a ticket",
    "explain": "Explain the decision of a ticket",
    "batch": "Decide many tickets, a line of JSON each",
    "activate": "Make a policy that is kept the active one",
    "diff": "Compare two policies",
    "live": "Say that the service runs",
    "ready": "Say that the service takes requests",
    "metrics": "Counts and times for Prometheus",
    "openapi": "This document",
    "docs": "This document as a page",
}
#: What may go wrong besides what every route may answer.
_STATUSES: Final[Mapping[str, tuple[int, ...]]] = {
    "publish": (409, 413, 415, 422, 503),
    "policy": (404,),
    "rules": (404,),
    "tables": (404,),
    "ticket_schema": (404,),
    "check": (404, 409, 503),
    "decide": (404, 409, 413, 415, 422),
    "quote": (404, 409, 413, 415, 422),
    "explain": (404, 409, 413, 415, 422),
    "batch": (404, 409, 415, 503),
    "activate": (404, 413, 415),
    "diff": (404, 409, 503),
    "ready": (503,),
}
_ALWAYS: Final = (400, 405, 408, 421, 431, 500)


def document(shelf: Shelf, settings: Settings) -> dict[str, Any]:
    """Make the document of a service: its policies are named in it, if there are any, and tokens if it wants them."""
    names = "|".join(re.escape(name) for name in shelf.names()) or "[^@/]{1,60}"
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names, settings)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "svc-policy",
            "version": __version__,
            "description": "After-sales service policies: decisions, quotes, explanations, checks, comparisons.",
        },
        "paths": paths,
        "components": {"schemas": {**copy.deepcopy(_schemas()), "Ticket": _ticket(shelf)}},
    }
    if settings.tokens is not None:
        found["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": f"Scopes: {', '.join(SCOPES)}"}
        }
    return found


def _operation(route: Route, names: str, settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": _TITLES[route.name],
        "parameters": _parameters(route, names),
        "responses": _responses(route, settings),
    }
    body = _body(route)
    if body is not None:
        found["requestBody"] = {"required": True, "content": body}
    if settings.tokens is not None and route.scope is not None:
        found["security"] = [{"token": [route.scope]}]
    return found


def _parameters(route: Route, names: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "{name}" in route.path:
        found.append(_named(names))
    if route.name in ("decide", "quote", "explain", "batch"):
        found.append(_query("at", {"type": "string", "pattern": _AT, "maxLength": 25}))
    if route.name in ("decide", "batch"):
        of = KEYS if route.name == "decide" else batch_columns.KEYS
        one = "|".join(of)
        pattern = f"^({one})(,({one}))*$"
        found.append(_query("keys", {"type": "string", "pattern": pattern}))
    if route.name == "diff":
        found += [{**_query(side, _named(names)["schema"]), "required": True} for side in ("old", "new")]
    if route.name == "publish":
        found.append(_query("activate", {"enum": ["yes", "no"]}))
    if route.name in ("decide", "quote", "explain", "batch", "publish", "activate", "diff"):
        found.append(_query("lang", {"enum": ["en", "zh"]}))
    return found


def _named(names: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^({names})(@[0-9a-f]{{12,64}})?$"}
    return {"name": "name", "in": "path", "required": True, "schema": schema}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _body(route: Route) -> dict[str, Any] | None:
    if route.name == "activate":
        digest = {"type": "string", "pattern": "^[0-9a-f]{12,64}$"}
        wanted = {"type": "object", "properties": {"digest": digest}, "required": ["digest"]}
        return {_JSON: {"schema": {**wanted, "additionalProperties": False}}}
    if route.body == "ticket":
        return {_JSON: {"schema": _ref("Ticket")}}
    if route.body == "upload":
        files = {
            "type": "object",
            "properties": {"policy.toml": {"type": "string"}},
            "required": ["policy.toml"],
            "propertyNames": {"pattern": r"^(lookups/)?[A-Za-z0-9_-]{1,60}\.(csv|toml)$"},
            "additionalProperties": {"type": "string"},
        }
        sent = {"type": "object", "properties": {"files": files}, "required": ["files"], "additionalProperties": False}
        return {_JSON: {"schema": sent}, uploads.BYTES: {"schema": {"type": "string", "format": "binary"}}}
    if route.body == "stream":
        sent = {"schema": {"type": "string", "format": "binary"}}
        return {_LINES: sent, uploads.BYTES: sent}
    return None


def _responses(route: Route, settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {"200": _answer(route)}
    if route.name == "publish":
        found["201"] = _answer(route)
    statuses = {*_ALWAYS, *_STATUSES.get(route.name, ())}
    if settings.tokens is not None and route.scope is not None:
        statuses |= {401, 403}
    if settings.tokens is None:
        statuses |= {403}
    for status in sorted(statuses):
        described = TITLES[status].text("en")
        found[str(status)] = {"description": described, "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}
    return found


def _answer(route: Route) -> dict[str, Any]:
    schema: dict[str, Any]
    kind = _JSON
    match route.name:
        case "decide":
            schema = _partly(_schemas()["Decision"])
        case "quote":
            schema = _partly(_schemas()["Decision"])
        case "explain":
            schema = _partly(_schemas()["Decision"], lang={"enum": ["en", "zh"]}, text={"type": "string"})
        case "check":
            schema = _ref("Check")
        case "diff":
            schema = _ref("Diff")
        case "policies":
            listed = {"type": "array", "items": _ref("Policy")}
            schema = _object(schema={"const": 1}, policies=listed)
        case "policy" | "publish" | "activate":
            schema = _object(schema={"const": 1}, policy=_ref("Policy"))
        case "rules":
            schema = _object(schema={"const": 1}, policy=_ref("Identity"), rules=_list(), clauses=_list())
        case "tables":
            schema = _object(schema={"const": 1}, policy=_ref("Identity"), tables=_list())
        case "live" | "ready":
            schema = _object(status={"type": "string"})
        case "metrics":
            kind, schema = "text/plain", {"type": "string"}
        case "docs":
            kind, schema = "text/html", {"type": "string"}
        case "batch":
            kind, schema = _LINES, {"type": "string"}
        case _:
            schema = {"type": "object"}
    return {"description": _TITLES[route.name], "content": {kind: {"schema": schema}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object"}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _partly(decision: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Give the schema of a decision of which only some keys are there."""
    return {
        "type": "object",
        "properties": {**{name: _ref(f"Decision/properties/{name}") for name in decision["properties"]}, **more},
        "required": ["schema", "policy", "at", "ticket_id", *more],
        "additionalProperties": False,
    }


@functools.cache
def _schemas() -> dict[str, Any]:
    folder = resources.files("svc_policy") / "schemas"
    found: dict[str, Any] = {}
    for name, file in _PUBLISHED.items():
        schema = json.loads((folder / f"{file}.schema.json").read_text(encoding="utf-8"))
        for key in ("$schema", "$id"):
            schema.pop(key, None)
        found[name] = _moved(schema, f"#/components/schemas/{name}/")
    identity = {"id": {"type": "string"}, "digest": _DIGEST}
    kept = _object(digest=_DIGEST, active={"type": "boolean"}, published={"type": "boolean"}, since={"type": "string"})
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    found["Identity"] = _object(**identity)
    found["Policy"] = _object(
        **identity,
        titles=texts,
        timezone={"type": "string"},
        currency={"type": "string"},
        kept={"type": "array", "items": kept},
    )
    both = _object(en={"type": "string"}, zh={"type": "string"})
    one = {
        "code": {"type": "string"},
        "severity": {"enum": ["error", "warning", "note"]},
        "message": both,
        "help": {"anyOf": [both, {"type": "null"}]},
        "place": {"type": ["object", "null"]},
    }
    found["Problem"] = _object(
        type={"type": "string"},
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string"},
        instance={"type": "string"},
        problems={"type": "array", "items": _object(**one)},
    )
    return found


def _ticket(shelf: Shelf) -> dict[str, Any]:
    """Give the schema of a ticket that every policy of the service takes; each has its own at `ticket-schema`."""
    settings = [kept.policy.pack.settings for kept in shelf]
    first = settings[0].company_facts if settings else ()
    common = [fact for fact in first if all(fact in one.company_facts for one in settings)]
    digits = min((minor_digits(one.currency) or 0 for one in settings), default=2)
    schema = ticket_schema(common, currency_digits=digits)
    schema = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
    if not common:
        schema["properties"]["extra"] = {"type": ["object", "null"], "maxProperties": 0}
    used = {one.currency for one in settings}
    _narrow(schema, used.pop() if len(used) == 1 else "")
    moved: dict[str, Any] = _moved(schema, "#/components/schemas/Ticket/")
    return moved


#: Days that every year has, and years that every zone can show; the reader takes the others as well.
_DAY: Final = (
    "(19[1-9]|[2-8][0-9][0-9])[0-9]-(?:(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    "|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
)
_WRITTEN_DAY: Final = "(19|[2-9][0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"


_WRITTEN_NUMBER: Final = "^[0-9]+([.][0-9]+)?"
_ANY_CURRENCY: Final = "( ?[A-Z]{3})?"


def _narrow(value: Any, currencies: str) -> None:
    """Let the patterns be of texts that every policy takes: February has 28 days, a number as a text two digits."""
    if isinstance(value, dict):
        pattern = value.get("pattern")
        if isinstance(pattern, str):
            short = pattern.replace(_WRITTEN_DAY, _DAY).replace(_WRITTEN_NUMBER, "^[0-9]{1,2}")
            value["pattern"] = short.replace(_ANY_CURRENCY, f"( ?({currencies}))?" if currencies else "")
        for item in value.values():
            _narrow(item, currencies)
    elif isinstance(value, list):
        for item in value:
            _narrow(item, currencies)


def _moved(value: Any, root: str) -> Any:
    """Give a schema whose references hold where it stands now."""
    if isinstance(value, dict):
        return {
            key: f"{root}{item.removeprefix('#/')}" if key == "$ref" and isinstance(item, str) else _moved(item, root)
            for key, item in value.items()
        }
    return [_moved(item, root) for item in value] if isinstance(value, list) else value


def listed(found: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """Yield method, path and operation of a document."""
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation
