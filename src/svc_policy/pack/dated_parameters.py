"""Date a parameter in the text of a ``policy.toml``: the value so far, and the same from a day on, to be edited.

The document is not written anew: only the characters of the value change, so
comments, order and spacing of everything else stay as they are.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

#: A heading of a table, with the name of the parameter bare or in quotes.
_HEADING: Final = re.compile(
    r"^[ \t]*\[[ \t]*(parameters|interpretations)[ \t]*\.[ \t]*([^\]\s]+)[ \t]*\][^\n]*$", re.M
)
_ANY_HEADING: Final = re.compile(r"^[ \t]*\[", re.M)
_VALUE: Final = re.compile(r"^[ \t]*(values?)[ \t]*=[ \t]*", re.M)


def dated(text: str, name: str, day: str) -> str | None:
    """Give the document with a value of parameter `name` from `day` on, the one that it has now.

    Args:
        text: A document that can be read.
        name: A parameter or an interpretation of it.
        day: The day as ``2027-01-01``.

    Returns:
        The new text; None where the parameter does not stand under a heading of its own, or has no value here.
    """
    section = _section(text, name)
    if section is None:
        return None
    found = _VALUE.search(text, *section)
    if found is None:
        return None
    end = _end_of_value(text, found.end())
    document = tomllib.loads(text)
    declared: dict[str, Any] = document.get("parameters", {}).get(name) or document["interpretations"][name]
    if found[1] == "value":
        value = _written(declared["value"])
        new = f"values = [{{ value = {value} }}, {{ from = {_written(day)}, value = {value} }}]"
        start = text.index("value", found.start(), found.end())
        changed = text[:start] + new + text[end:]
    else:
        last = declared["values"][-1]
        entry = f"{{ from = {_written(day)}, value = {_written(last['value'])} }}"
        changed = _appended(text, found.end(), end, entry)
    return changed if _is_dated(changed, name, day) else None


def _is_dated(text: str, name: str, day: str) -> bool:
    """See that it was the parameter that was dated, and no line of a text that looks like its value."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    declared = document.get("parameters", {}).get(name) or document.get("interpretations", {}).get(name, {})
    values = declared.get("values")
    return isinstance(values, list) and str(values[-1].get("from")) == day


def _section(text: str, name: str) -> tuple[int, int] | None:
    """Find the span of a parameter's table, from its heading to the next one."""
    for found in _HEADING.finditer(text):
        if found[2].strip("\"'") == name:
            following = _ANY_HEADING.search(text, found.end())
            while following is not None and not _is_heading(text, following.start()):
                following = _ANY_HEADING.search(text, following.end())
            return found.end(), following.start() if following else len(text)
    return None


def _is_heading(text: str, position: int) -> bool:
    """Tell a heading from a line of an array: a heading's line is a document by itself."""
    line = text[position:].split("\n", 1)[0]
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _written(value: object) -> str:
    """Write a value as TOML: texts, truths and numbers, as parameters have them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)


def _end_of_value(text: str, position: int) -> int:
    """Find where the value that begins at `position` ends."""
    depth = 0
    while position < len(text):
        char = text[position]
        if char in "\"'":
            position = _after_string(text, position)
            if depth == 0:
                return position
            continue
        if char == "#":
            if depth == 0:
                break
            position = _end_of_line(text, position)
            continue
        depth += (char in "[{") - (char in "]}")
        position += 1
        if depth == 0 and char in "]}":
            return position
        if depth == 0 and text[position : position + 1] in ("", "\r", "\n"):
            break
    return len(text[:position].rstrip(" \t\r"))


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _after_string(text: str, position: int) -> int:
    """Find the end of the text in quotes that begins at `position`."""
    quote = text[position]
    mark = quote * 3 if text.startswith(quote * 3, position) else quote
    position += len(mark)
    while position < len(text) and not text.startswith(mark, position):
        position += 2 if text[position] == "\\" and quote == '"' else 1
    return position + len(mark)


def _appended(text: str, start: int, end: int, entry: str) -> str:
    """Put an entry after the last one of the array that stands from `start` to `end`."""
    last = start + 1
    position = start + 1
    depth = 1
    while position < end:
        char = text[position]
        if char in "\"'":
            position = last = _after_string(text, position)
            continue
        if char == "#":
            position = _end_of_line(text, position)
            continue
        depth += (char in "[{") - (char in "]}")
        position += 1
        if depth and not char.isspace() and char != ",":
            last = position
    comma = _comma_after(text, last, end)
    many_lines = "\n" in text[start:end]
    if not many_lines:
        return f"{text[:last]}, {entry}{text[last:]}" if comma is None else f"{text[:comma]} {entry}{text[comma:]}"
    line = text.rfind("\n", 0, last) + 1
    indent = re.match(r"[ \t]*", text[line:])
    margin = indent[0] if indent else ""
    newline = "\r\n" if text[:line].endswith("\r\n") else "\n"
    if comma is None:
        text = f"{text[:last]},{text[last:]}"
        comma = last
        entry_end = ""
    else:
        comma -= 1
        entry_end = ","
    after = _end_of_line(text, comma)
    if text[:after].endswith("\r"):
        after -= 1
    bracket = text.find("]", comma + 1)
    if bracket < after and "#" not in text[comma:bracket]:
        return f"{text[: comma + 1]}{newline}{margin}{entry}{entry_end}{text[comma + 1 :]}"
    return f"{text[:after]}{newline}{margin}{entry}{entry_end}{text[after:]}"


def _comma_after(text: str, position: int, end: int) -> int | None:
    """Find the end of the comma that follows, past spaces and comments; None where the array ends first."""
    while position < end:
        char = text[position]
        if char == "#":
            position = _end_of_line(text, position)
        elif char == ",":
            return position + 1
        elif char == "]":
            return None
        else:
            position += 1
    return None
