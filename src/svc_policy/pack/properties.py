"""Which named properties a pack keeps: ``[properties.NAME]`` in ``policy.toml`` switches one off, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from svc_policy.errors import nearest
from svc_policy.messages import message
from svc_policy.pack.settings_reader import SettingsReader

#: Every named property, in the order in which they are tried; what each says is in :mod:`svc_policy.testing`.
PROPERTIES: Final = (
    "total_category",
    "nearer_never_waits_longer",
    "fees_never_negative",
    "fees_rise_with_hours",
    "fees_rise_with_parts",
    "free_and_internal_cost_nothing",
    "penalties_within_range",
    "earlier_report_never_worsens_coverage",
    "escalation_never_falls",
    "explanation_cites_rules",
    "sql_is_python",
)


def read_properties(reader: SettingsReader, document: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """Read the properties that are switched off: name to the reason in English and Chinese.

    The reason is ``off = "…"``, or ``off = true`` beside ``why.en`` and ``why.zh``. Whoever leaves it out
    is told so, and so is whoever names a property that there is not.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, item in reader.table(document, "properties").items():
        path = ("properties", name)
        if name not in PROPERTIES:
            near = nearest(name, PROPERTIES)
            known = message("known here: {known}", known=", ".join(PROPERTIES))
            advice = message("did you mean `{near}`?", near=near) if near else known
            reader.say("property-unknown", message("there is no property `{name}`", name=name), *path, help_line=advice)
            continue
        if not isinstance(item, dict):
            reader.say("settings-type", message("`{key}` is a table", key=".".join(path)), *path)
            continue
        reader.known(item, ("off", "why"), *path)
        reasons = _reasons(reader, item, *path)
        if reasons is not None:
            found[name] = reasons
    return found


def _reasons(reader: SettingsReader, item: Mapping[str, object], *path: str) -> tuple[str, str] | None:
    off = item.get("off", False)
    if isinstance(off, str) and off.strip():
        return off.strip(), off.strip()
    if off is False:
        return None
    if off is True and "why" in item:
        en, zh = (text.strip() for text in reader.both(item, "why", *path))
        return (en, zh) if en and zh else None
    reader.say(
        "property-reason",
        message("`{name}` is switched off without a reason", name=path[-1]),
        *path,
        help_line=message('say why, as in `off = "the source says otherwise"`'),
    )
    return None
