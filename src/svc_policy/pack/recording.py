"""Read ``[record]`` of ``policy.toml``: which facts a record of decisions leaves out or hashes."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from svc_policy.errors import nearest
from svc_policy.facts.registry import Fact
from svc_policy.messages import message
from svc_policy.pack.settings_reader import SettingsReader


@attrs.frozen
class RecordSettings:
    """Facts, by name and of any grain, that a record leaves out, and those that it keeps as a keyed hash."""

    omit: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()


def read_record(
    reader: SettingsReader, document: Mapping[str, object], facts: Mapping[str, tuple[Fact, ...]]
) -> RecordSettings:
    """Read the lists; a name that is no fact, or stands in both, is a problem."""
    table = reader.table(document, "record")
    reader.known(table, ("omit", "hash"), "record")
    known = {"ticket_id", *(fact.name for of in facts.values() for fact in of)}
    found: dict[str, tuple[str, ...]] = {}
    for key in ("omit", "hash"):
        names = reader.texts(table, key, "record")
        for name in names:
            if name not in known:
                near = nearest(name, known)
                reader.say(
                    "record-fact",
                    message("`record.{key}` names `{name}`, which is no fact", key=key, name=name),
                    "record",
                    key,
                    help_line=message("did you mean `{near}`?", near=near)
                    if near
                    else message("a fact is built in, or declared under `[facts]`"),
                )
            elif name in found.get("omit", ()):
                reader.say(
                    "record-fact-twice",
                    message("`{name}` is both left out and hashed", name=name),
                    "record",
                    key,
                    help_line=message("name it under `omit` or under `hash`"),
                )
        found[key] = tuple(dict.fromkeys(name for name in names if name in known))
    return RecordSettings(found["omit"], found["hash"])
