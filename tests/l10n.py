"""Bring the catalogues up to date with the texts in the source: ``make l10n``.

Every template of ``message("...")`` and ``translate("...")`` under ``src``, in Python and in pages, and of
``{% say "..." %}`` in templates of Django goes into ``svc_policy.pot`` and into the catalogue of each language.
Translations are kept, what no source says any more is dropped, and the English catalogue says each template as it is.
What lacks a translation is listed; then the exit code is 1.
"""

from __future__ import annotations

import ast
import io
import re
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.nodes import Call, Const, Name

SOURCE = Path(__file__).parent.parent / "src"
PACKAGE = SOURCE / "svc_policy"
FOLDERS = {"en": "en", "zh": "zh_CN"}
KEYWORDS = ("message", "translate")
#: In a folder of this name lie templates of Django, which say a text by a tag.
DJANGO = "templates"
SAY = re.compile(r"""\{%\s*say\s+(?:"([^"]*)"|'([^']*)')""")
HEADER = """\
# Texts of svc-policy; written by `make l10n`, translations by hand.
msgid ""
msgstr ""
"Project-Id-Version: svc-policy\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


def path_of(language: str) -> Path:
    """Say where the catalogue of a language lies."""
    return PACKAGE / "locale" / FOLDERS[language] / "LC_MESSAGES" / "svc_policy.po"


def templates() -> dict[str, list[str]]:
    """Extract every template, with the files that say it.

    The syntax tree is read rather than Babel's tokens, which stop at an f-string
    before Python 3.12.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            first = node.args[0]
            if node.func.id in KEYWORDS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                files = found.setdefault(first.value, [])
                if name not in files:
                    files.append(name)
    for path in sorted(PACKAGE.rglob("*.html")):
        if DJANGO in path.parts:
            for quoted in SAY.findall(path.read_text(encoding="utf-8")):
                files = found.setdefault("".join(quoted), [])
                if (name := path.relative_to(SOURCE).as_posix()) not in files:
                    files.append(name)
            continue
        for call in Environment().parse(path.read_text(encoding="utf-8")).find_all(Call):
            if isinstance(call.node, Name) and call.node.name in KEYWORDS and isinstance(call.args[0], Const):
                files = found.setdefault(call.args[0].value, [])
                if (name := path.relative_to(SOURCE).as_posix()) not in files:
                    files.append(name)
    return found


def placeholders(text: str) -> list[str]:
    """List the names in braces; doubled braces are braces."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def translations(language: str) -> dict[str, str]:
    """Read what the catalogue of a language says."""
    path = path_of(language)
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id}


def catalogue_text(language: str, found: Mapping[str, list[str]], known: Mapping[str, str]) -> str:
    """Write a catalogue: its templates in order, each with its files and its translation."""
    catalogue = Catalog(fuzzy=False)
    for template in sorted(found):
        catalogue.add(template, known.get(template, ""), locations=[(name, None) for name in found[template]])
    content = io.BytesIO()
    write_po(content, catalogue, width=0, omit_header=True, include_lineno=False)
    return HEADER.format(language=language) + "\n" + re.sub(r"\n+\Z", "\n", content.getvalue().decode())


def catalogues() -> Iterator[tuple[Path, str]]:
    """Give every file as it should be, the template file first."""
    found = templates()
    yield PACKAGE / "locale" / "svc_policy.pot", catalogue_text("", found, {})
    yield path_of("en"), catalogue_text("en", found, {template: template for template in found})
    yield path_of("zh"), catalogue_text("zh_CN", found, translations("zh"))


def main() -> int:
    """Write every catalogue, and list what is not translated."""
    for path, text in catalogues():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    missing = [template for template, text in translations("zh").items() if not text]
    for template in missing:
        print(f"not translated: {template}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
