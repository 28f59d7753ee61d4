"""Read which findings of `check` a pack accepts, and why: ``[[check.accept]]`` in ``policy.toml``."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from svc_policy.errors import Place
from svc_policy.messages import message
from svc_policy.pack.settings_reader import SettingsReader


@attrs.frozen(kw_only=True)
class Accepted:
    """Findings that are accepted: those with the code, and with the table, the rules and the name where they are given.

    Args:
        code: The finding's code.
        table: The table; None is any.
        rules: Rules that the finding is about, all of them; none is any.
        name: The parameter, clause or word that the finding is about; None is any.
        where: The points up to which they are accepted, box by box, as cells by column, days as `from` and `until`;
            none is everywhere.
        why: The reason, in English and Chinese.
        place: Where it is written; without a line it is taken from a base.
    """

    code: str
    table: str | None
    rules: tuple[str, ...]
    name: str | None
    where: tuple[Mapping[str, str], ...]
    why: tuple[str, str]
    place: Place


def read_accepted(reader: SettingsReader, document: Mapping[str, object]) -> tuple[Accepted, ...]:
    """Read the accepted findings; one without a code or a reason is a problem."""
    check = reader.table(document, "check")
    reader.known(check, ("accept",), "check")
    listed = check.get("accept", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        text = message("`{key}` is a list of tables, each headed `[[{key}]]`", key="check.accept")
        reader.say("settings-type", text, "check")
        return ()
    lines = [number for number, line in enumerate(reader.lines, 1) if line.strip().startswith("[[check.accept]]")]
    found: list[Accepted] = []
    for index, item in enumerate(listed):
        reader.known(item, ("code", "table", "rules", "name", "where", "why"), "check.accept")
        code = reader.text(item, "code", "check.accept")
        why = item.get("why")
        reasons = reader.both(item, "why", "check.accept") if isinstance(why, dict) else (str(why or "").strip(),) * 2
        if not all(reasons):
            text = message("finding `{code}` is accepted without a reason", code=code)
            help_line = message('say why, as in `why = "the source says otherwise"`')
            reader.say("accept-reason", text, "check.accept", help_line=help_line)
        found.append(
            Accepted(
                code=code,
                table=reader.text(item, "table", "check.accept") if "table" in item else None,
                rules=reader.texts(item, "rules", "check.accept"),
                name=reader.text(item, "name", "check.accept") if "name" in item else None,
                where=_read_where(reader, item),
                why=(reasons[0], reasons[1]),
                place=Place(file=reader.file, line=lines[index] if len(lines) == len(listed) else None),
            )
        )
    return tuple(found)


def _read_where(reader: SettingsReader, item: Mapping[str, object]) -> tuple[Mapping[str, str], ...]:
    """Read up to where a finding is accepted: one table of cells by column, or a list of them."""
    boxes = item.get("where", [])
    boxes = [boxes] if isinstance(boxes, dict) else boxes
    if not isinstance(boxes, list) or not all(isinstance(box, dict) for box in boxes):
        text = message("`{key}` is a table of cells by column, or a list of them", key="check.accept.where")
        help_line = message('take them from `check --json`, as in `where = [{{ distance_km = "(50..100] km" }}]`')
        reader.say("settings-type", text, "check.accept", "where", help_line=help_line)
        return ()
    return tuple({name: reader.text(box, name, "check.accept", "where") for name in box} for box in boxes)
