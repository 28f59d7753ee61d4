"""Texts as data: a template, its values, and the catalogue of each language.

The English template is the key. A text is put into words only when somebody
reads it, so a problem found once can be shown in Chinese and in English.

    message("cannot read `{cell}` in column `{column}`", cell="5..", column="distance_km")

Templates are extracted by ``make l10n`` into ``locale/<language>/LC_MESSAGES/svc_policy.po``;
the catalogues are read as they are, there is no compiled form to forget.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import attrs

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
LOCALES: Final[Mapping[Language, str]] = {"en": "en", "zh": "zh_CN"}


@attrs.frozen
class Message:
    """A text that can be read in every language of the library."""

    template: str
    values: Mapping[str, object] = attrs.field(factory=dict)

    def text(self, language: Language = "en") -> str:
        """Put the message into words in `language`; values that are messages are put into words too."""
        words = {
            name: value.text(language) if isinstance(value, Message) else value for name, value in self.values.items()
        }
        return translate(self.template, language).format_map(words)

    def __str__(self) -> str:
        return self.text("en")


@attrs.frozen
class Phrase(Message):
    """A text that is given in each language, in the place of a template: what a pack says, or what was put together."""

    template: str = attrs.field(default="", init=False)
    values: Mapping[str, object] = attrs.field(factory=dict, init=False)
    en: str = ""
    zh: str = ""

    def text(self, language: Language = "en") -> str:
        """Give the text in `language`."""
        return self.zh if language == "zh" else self.en


def message(template: str, /, **values: object) -> Message:
    """Make a message from an English template with named ``{placeholders}`` and their values."""
    return Message(template, values)


def translate(template: str, language: Language) -> str:
    """Look `template` up in the catalogue of `language`; a template it lacks stays English."""
    if language == "en":
        return template
    return catalogue(language).get(template, template)


@functools.cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Read the catalogue of one language: English template to translated template."""
    # Found beside this file: `importlib.resources` takes longer to import than the catalogue to read.
    path = os.path.join(os.path.dirname(__file__), "locale", LOCALES[language], "LC_MESSAGES", "svc_policy.po")
    try:
        with open(path, encoding="utf-8") as file:
            return read_catalogue(file)
    except FileNotFoundError:
        return {}


def read_catalogue(lines: Iterable[str]) -> dict[str, str]:
    """Read the entries of a catalogue that have a translation.

    Understands what ``make l10n`` writes, `msgid` and `msgstr` over one or more
    lines, in a tenth of the time that Babel's reader of every catalogue takes.
    """
    import json

    entries: dict[str, str] = {}
    texts: dict[str, str] = {}
    keyword = ""
    for line in (*lines, "msgid"):
        if line.startswith("msgid"):
            template = texts.get("msgid", "")
            if template and texts.get("msgstr"):
                entries[template] = texts["msgstr"]
            texts = {}
        if line.startswith("#") or '"' not in line:
            continue
        if not line.startswith('"'):
            keyword, _, line = line.partition(" ")
        # The escapes of a catalogue are those of JSON.
        texts[keyword] = texts.get(keyword, "") + json.loads(line)
    return entries


def language_of(name: str | None = None) -> Language:
    """Choose a language from a name (``zh``, ``zh_CN.UTF-8``, ``en-GB``) or else from the environment."""
    if name is None:
        keys = ("LC_ALL", "LC_MESSAGES", "LANG")
        name = next((os.environ[key] for key in keys if os.environ.get(key)), "en")
    return "zh" if name.lower().startswith("zh") else "en"
