"""Read ``policy.toml``: identity, money, week, facts, roles, parameters, interpretations."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import cast

import attrs

from svc_policy.errors import Place, Problem, nearest, problem
from svc_policy.facts.registry import BUILT_IN, MEASURES, Absence, Fact, FactKind, Grain
from svc_policy.messages import message
from svc_policy.pack.accepted import Accepted, read_accepted
from svc_policy.pack.overlay import merge, parsed
from svc_policy.pack.properties import read_properties
from svc_policy.pack.recording import RecordSettings, read_record
from svc_policy.pack.settings_reader import SettingsReader
from svc_policy.rules.family import MoneySettings, Parameter, ParameterValues
from svc_policy.units import Allowance, Literal, Refusal, advise_zone, minor_digits, open_zone, read_date
from svc_policy.worktime.windows import WEEKDAYS, read_hours

FACT_KINDS = ("text", "bool", "money", *MEASURES, "duration", "share", "count", "date", "instant")
PARAMETER_KINDS = (*FACT_KINDS, "months", "allowance")
REFERENCE = re.compile(r"\{([A-Za-z_][\w-]*)\}")


@attrs.frozen(kw_only=True)
class Interpretation:
    """Our reading of an open place in the source; a parameter with a sentence."""

    name: str
    en: str
    zh: str
    cites: tuple[str, ...]
    since: str
    line: int


@attrs.frozen(kw_only=True)
class Lookup:
    """A keyed list: which fact is the key, which facts it fills."""

    name: str
    key: str
    fills: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Settings:
    """What ``policy.toml`` says, checked."""

    id: str
    titles: Mapping[str, str]
    timezone: str
    currency: str
    sources: tuple[str, ...]
    money: MoneySettings
    illustrative: tuple[str, ...]
    week: Mapping[str, tuple[str, ...]]
    valid: tuple[str, str] | None
    country: str | None
    facts: Mapping[Grain, tuple[Fact, ...]]
    company_facts: tuple[Fact, ...]
    roles: Mapping[str, tuple[str, str]]
    parameters: Mapping[str, ParameterValues]
    labels: Mapping[str, tuple[str, str]]
    interpretations: Mapping[str, Interpretation]
    lookups: Mapping[str, Lookup]
    cites: Mapping[str, tuple[str, ...]]
    approver: str | None = None
    record: RecordSettings = attrs.field(factory=RecordSettings)
    #: Named properties that are switched off, and why, in English and Chinese.
    properties_off: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    #: Findings of `check` that are accepted with a reason; they decide nothing.
    accepted: tuple[Accepted, ...] = ()


TOP = (
    "schema",
    "id",
    "title",
    "timezone",
    "currency",
    "extends",
    "sources",
    "money",
    "week",
    "calendar",
    "facts",
    "roles",
    "parameters",
    "interpretations",
    "lookups",
    "approver",
    "clauses",
    "properties",
    "check",
    "record",
)


def read_settings(
    text: str,
    file: str,
    labels: Mapping[str, tuple[str, str]],
    problems: list[Problem],
    base: Mapping[str, object] | None = None,
) -> Settings | None:
    """Read the settings over those of a base; gives None if the text is no TOML at all."""
    try:
        document: Mapping[str, object] = parsed(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        line = int(found[1]) if found else None
        content = text.splitlines()[line - 1] if line and line <= len(text.splitlines()) else None
        problems.append(
            problem(
                "toml",
                message("the file is no TOML: {reason}", reason=str(error).split(" (at")[0].lower()),
                place=Place(file=file, line=line, column=int(found[2]) if found and content else None, text=content),
            )
        )
        return None
    reader = SettingsReader(text, file, problems)
    reader.known(document, TOP)
    if base:
        document = merge(base, document)
    if document.get("schema") != 1:
        reader.say("settings-schema", message("`schema` must be 1"), "schema")
    identity = reader.text(document, "id")
    if identity and not re.fullmatch(r"[a-z][a-z0-9-]*", identity):
        reader.say(
            "settings-id", message("`id` begins with a small letter and has small letters, digits and `-` only"), "id"
        )
    zone = reader.text(document, "timezone")
    if zone:
        try:
            open_zone(zone)
        except Refusal as refusal:
            advice = advise_zone(zone)
            reader.say(refusal.code, message("`{zone}` is no time zone", zone=zone), "timezone", help_line=advice)
            zone = "UTC"
    currency = reader.text(document, "currency")
    if currency and minor_digits(currency) is None:
        reader.say(
            "currency-unknown",
            message("`{currency}` is no currency", currency=currency),
            "currency",
            help_line=message("a currency is written as in `CNY`"),
        )
    titles = dict(zip(("en", "zh"), reader.both(document, "title"), strict=True))
    parameters, parameter_labels, interpretations, cites = _read_parameters(reader, document, currency)
    facts, company = _read_facts(reader, document, currency, labels)
    roles = {}
    for name, role in reader.table(document, "roles").items():
        if not isinstance(role, dict):
            reader.say("settings-type", message("`{key}` is a table", key=f"roles.{name}"), "roles", name)
            continue
        reader.known(role, ("en", "zh"), "roles", name)
        roles[name] = (reader.text(role, "en", "roles", name), reader.text(role, "zh", "roles", name))
    money, illustrative = _read_money(reader, document, currency, parameters)
    week, valid, country = _read_calendar(reader, document)
    _check_extends(reader, document)
    return Settings(
        id=identity,
        titles=titles,
        timezone=zone or "UTC",
        currency=currency,
        sources=reader.texts(document, "sources"),
        money=money,
        illustrative=illustrative,
        week=week,
        valid=valid,
        country=country,
        facts=facts,
        company_facts=company,
        roles=roles,
        parameters=parameters,
        labels=parameter_labels,
        interpretations=interpretations,
        lookups=_read_lookups(reader, document, facts),
        cites=cites,
        approver=_read_approver(reader, document, roles),
        record=read_record(reader, document, {str(grain): of for grain, of in facts.items()}),
        properties_off=read_properties(reader, document),
        accepted=read_accepted(reader, document),
    )


def _read_approver(
    reader: SettingsReader, document: Mapping[str, object], roles: Mapping[str, tuple[str, str]]
) -> str | None:
    """Read the role that signs the policy."""
    if "approver" not in document:
        return None
    name = reader.text(document, "approver")
    if name and name not in roles:
        near = nearest(name, roles)
        reader.say(
            "role-unknown",
            message("`{name}` is no role", name=name),
            "approver",
            help_line=message("did you mean `{near}`?", near=near)
            if near
            else message("a role is declared under `[roles]`"),
        )
        return None
    return name or None


def _read_calendar(
    reader: SettingsReader, document: Mapping[str, object]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, str] | None, str | None]:
    """Read the working week, the days between which it is known, and whose holidays count."""
    week: dict[str, tuple[str, ...]] = {}
    stated = reader.table(document, "week")
    reader.known(stated, WEEKDAYS, "week")
    for day in stated:
        week[day] = reader.texts(stated, day, "week")
        unreadable: list[Problem] = []
        read_hours(week[day], day, unreadable)
        for found in unreadable:
            reader.say(found.code, found.message, "week", day, help_line=found.help)
    calendar = reader.table(document, "calendar")
    reader.known(calendar, ("valid", "country", "subdivision"), "calendar")
    valid = reader.texts(calendar, "valid", "calendar")
    if "valid" in calendar and (len(valid) != 2 or not all(map(_is_iso_day, valid)) or valid[0] > valid[1]):
        reader.say(
            "settings-type",
            message("`calendar.valid` is a first and a last date"),
            "calendar",
            "valid",
            help_line=message("write it as in `{example}`", example='["2015-01-01", "2026-12-31"]'),
        )
        valid = ()
    country = reader.text(calendar, "country", "calendar") if "country" in calendar else None
    return week, (valid[0], valid[1]) if valid else None, country


def _is_iso_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _read_parameters(
    reader: SettingsReader, document: Mapping[str, object], currency: str
) -> tuple[
    dict[str, ParameterValues], dict[str, tuple[str, str]], dict[str, Interpretation], dict[str, tuple[str, ...]]
]:
    values: dict[str, ParameterValues] = {}
    labels: dict[str, tuple[str, str]] = {}
    readings: dict[str, Interpretation] = {}
    cites: dict[str, tuple[str, ...]] = {}
    for section in ("parameters", "interpretations"):
        for name, item in reader.table(document, section).items():
            if not isinstance(item, dict):
                reader.say("settings-type", message("`{key}` is a table", key=f"{section}.{name}"), section, name)
                continue
            if name in values:
                reader.say("parameter-twice", message("`{name}` is there twice", name=name), section, name)
            keys = ("kind", "value", "values", "cite", "label")
            reader.known(item, keys if section == "parameters" else (*keys, "since", "reading"), section, name)
            kind = reader.text(item, "kind", section, name)
            if kind not in PARAMETER_KINDS:
                reader.say(
                    "parameter-kind",
                    message("`{kind}` is no kind of parameter", kind=kind),
                    section,
                    name,
                    "kind",
                    help_line=message("known here: {known}", known=", ".join(PARAMETER_KINDS)),
                )
                continue
            dated = _dated(reader, item, kind, currency, section, name)
            if dated:
                values[name] = ParameterValues(name=name, values=dated)
            cites[name] = tuple(str(item.get("cite", "")).split())
            if section == "parameters":
                labels[name] = reader.both(item, "label", section, name)
            else:
                if not cites[name]:
                    reader.say("interpretation-uncited", message("an interpretation cites its clause"), section, name)
                en, zh = reader.both(item, "reading", section, name)
                labels[name] = (en, zh)
                readings[name] = Interpretation(
                    name=name,
                    en=en,
                    zh=zh,
                    cites=cites[name],
                    since=reader.text(item, "since", section, name),
                    line=reader.place(section, name).line or 0,
                )
    return values, labels, readings, cites


def _dated(
    reader: SettingsReader, item: Mapping[str, object], kind: str, currency: str, section: str, name: str
) -> tuple[tuple[int | None, Literal], ...]:
    found: list[tuple[int | None, Literal]] = []
    if "values" not in item:
        literal = reader.literal(reader.text(item, "value", section, name), kind, currency, section, name, "value")
        return ((None, literal),) if literal else ()
    versions = item["values"]
    if not isinstance(versions, list) or not versions:
        reader.say("settings-type", message("`values` is a list of dated values"), section, name, "values")
        return ()
    for index, version in enumerate(versions):
        if not isinstance(version, dict):
            reader.say("settings-type", message("`values` is a list of dated values"), section, name, "values")
            continue
        reader.known(version, ("from", "value"), section, name)
        literal = reader.literal(reader.text(version, "value", section, name), kind, currency, section, name, "values")
        since: int | None = None
        if "from" in version:
            try:
                since = read_date(str(version["from"]))
            except Refusal as refusal:
                reader.say(refusal.code, message("cannot read `{text}` as a date", text=version["from"]), section, name)
        elif index:
            reader.say("parameter-undated", message("only the first value may leave out `from`"), section, name)
        if literal:
            found.append((since, literal))
    if found != sorted(found, key=lambda pair: -1 if pair[0] is None else pair[0]):
        reader.say(
            "parameter-order",
            message("the values of `{name}` stand in the order of their dates", name=name),
            section,
            name,
        )
    units = {literal.value.unit for _, literal in found if isinstance(literal.value, Allowance)}
    if len(units) > 1:
        reader.say("parameter-units", message("the values of `{name}` have one unit", name=name), section, name)
    return tuple(found)


FACT_KEYS = ("kind", "grain", "absence", "default", "label", "low", "high", "values")


def _read_facts(
    reader: SettingsReader, document: Mapping[str, object], currency: str, labels: Mapping[str, tuple[str, str]]
) -> tuple[dict[Grain, tuple[Fact, ...]], tuple[Fact, ...]]:
    facts: dict[Grain, dict[str, Fact]] = {
        grain: {fact.name: fact for fact in built_in} for grain, built_in in BUILT_IN.items()
    }
    company: list[Fact] = []
    for name, item in reader.table(document, "facts").items():
        if not isinstance(item, dict):
            reader.say("settings-type", message("`{key}` is a table", key=f"facts.{name}"), "facts", name)
            continue
        reader.known(item, FACT_KEYS, "facts", name)
        values = {value: labels.get(value, (value, value)) for value in reader.texts(item, "values", "facts", name)}
        old = next((of[name] for of in facts.values() if name in of), None)
        if old is not None:
            changed = old
            if values:
                changed = attrs.evolve(changed, values={key: old.values.get(key, text) for key, text in values.items()})
            if "label" in item:
                en, zh = reader.both(item, "label", "facts", name)
                changed = attrs.evolve(changed, en=en, zh=zh)
            facts[old.grain][name] = changed
            company.append(changed)
            continue
        made = _new_fact(reader, name, item, currency, values)
        if made is not None:
            facts[made.grain][name] = made
            company.append(made)
    return {grain: tuple(of.values()) for grain, of in facts.items()}, tuple(company)


def _new_fact(
    reader: SettingsReader, name: str, item: Mapping[str, object], currency: str, values: Mapping[str, tuple[str, str]]
) -> Fact | None:
    kind = reader.text(item, "kind", "facts", name)
    grain = reader.text(item, "grain", "facts", name, default="ticket")
    absence = reader.text(item, "absence", "facts", name, default="unknown")
    for key, value, known in (
        ("kind", kind, FACT_KINDS),
        ("grain", grain, ("ticket",)),
        ("absence", absence, ("unknown", "none", "not yet", "default")),
    ):
        if value not in known:
            reader.say(
                "fact-setting",
                message("`{value}` is no {key} of a fact", value=value, key=key),
                "facts",
                name,
                key,
                help_line=message("known here: {known}", known=", ".join(known)),
            )
            return None
    bounds: dict[str, int | None] = {"low": None, "high": None}
    for key in bounds:
        if key in item:
            literal = reader.literal(reader.text(item, key, "facts", name), kind, currency, "facts", name, key)
            bounds[key] = cast("int", literal.value) if literal else None
    if (kind in MEASURES or kind in ("money", "duration", "count")) and bounds["low"] is None:
        bounds["low"] = 0
    default: int | str | bool | None = None
    if absence == "default":
        literal = reader.literal(reader.text(item, "default", "facts", name), kind, currency, "facts", name, "default")
        default = cast("int | str | bool", literal.value) if literal else None
    en, zh = reader.both(item, "label", "facts", name)
    return Fact(
        name=name,
        kind=cast("FactKind", kind),
        grain=cast("Grain", grain),
        absence=cast("Absence", absence),
        default=default,
        low=bounds["low"],
        high=bounds["high"],
        values=dict(values),
        en=en,
        zh=zh,
    )


def _read_money(
    reader: SettingsReader, document: Mapping[str, object], currency: str, parameters: Mapping[str, ParameterValues]
) -> tuple[MoneySettings, tuple[str, ...]]:
    money = reader.table(document, "money")
    reader.known(money, ("prices_include_tax", "tax", "rounding", "rounding_place", "illustrative"), "money")
    tax: Literal | Parameter | None = None
    if "tax" in money:
        text = reader.text(money, "tax", "money")
        if found := REFERENCE.fullmatch(text.strip()):
            tax = Parameter(found[1])
            if found[1] not in parameters:
                reader.say(
                    "parameter-unknown", message("there is no parameter `{name}`", name=found[1]), "money", "tax"
                )
                tax = None
            elif len(parameters[found[1]].values) == 1:
                tax = parameters[found[1]].values[0][1]
        else:
            tax = reader.literal(text, "share", currency, "money", "tax")
    if reader.text(money, "rounding", "money", default="half up") != "half up":
        reader.say("money-rounding", message("`rounding` can only be `half up`"), "money", "rounding")
    place = reader.text(money, "rounding_place", "money", default="line")
    if place not in ("line", "total"):
        reader.say("money-rounding", message("`rounding_place` is `line` or `total`"), "money", "rounding_place")
        place = "line"
    inclusive = money.get("prices_include_tax", False)
    if not isinstance(inclusive, bool):
        reader.say("settings-type", message("`prices_include_tax` is true or false"), "money", "prices_include_tax")
    if inclusive and isinstance(tax, Parameter):
        reader.say("money-tax", message("a tax inside the prices cannot have dated values"), "money", "tax")
        tax = None
    illustrative = str(money.get("illustrative", ""))
    return (
        MoneySettings(tax=tax, prices_include_tax=bool(inclusive), rounding_place=cast("object", place)),  # type: ignore[arg-type]
        tuple(item.strip() for item in illustrative.split(",") if item.strip()),
    )


def _check_extends(reader: SettingsReader, document: Mapping[str, object]) -> None:
    """Check the name of the base; what is no name has been passed over by whoever looked for the base."""
    name = document.get("extends", "base")
    if not isinstance(name, str) or not name.strip():
        help_line = message("name a pack as in `shared-voucher`, or a folder beside this one as in `./company`")
        reader.say("settings-extends", message("`extends` names no pack"), "extends", help_line=help_line)


def _read_lookups(
    reader: SettingsReader, document: Mapping[str, object], facts: Mapping[Grain, tuple[Fact, ...]]
) -> dict[str, Lookup]:
    names = {fact.name: fact for of in facts.values() for fact in of}
    found: dict[str, Lookup] = {}
    for name, item in reader.table(document, "lookups").items():
        if not isinstance(item, dict):
            reader.say("settings-type", message("`{key}` is a table", key=f"lookups.{name}"), "lookups", name)
            continue
        reader.known(item, ("key", "fills"), "lookups", name)
        key = reader.text(item, "key", "lookups", name)
        fills = reader.texts(item, "fills", "lookups", name)
        for fact in (key, *fills):
            if fact not in names or names[fact].grain != names.get(key, names[fact]).grain:
                near = nearest(fact, names)
                reader.say(
                    "lookup-fact",
                    message("there is no fact `{name}` at that grain", name=fact),
                    "lookups",
                    name,
                    help_line=message("did you mean `{near}`?", near=near) if near else None,
                )
                break
        else:
            found[name] = Lookup(name=name, key=key, fills=fills)
    return found
