"""The catalogues hold every text of the source, and nothing else."""

from __future__ import annotations

import pytest
from babel.messages.extract import extract_from_file

import l10n
from svc_policy.messages import LANGUAGES, Message, catalogue

TEMPLATES = l10n.templates()


def test_everything_that_babel_extracts_is_there():
    found = {
        text
        for path in l10n.PACKAGE.rglob("*.py")
        for _, text, _, _ in extract_from_file("python", path, keywords=dict.fromkeys(l10n.KEYWORDS))
    }
    assert len(found) > 400
    assert found <= set(TEMPLATES)


def test_templates_inside_f_strings_are_extracted():
    assert "findings" in TEMPLATES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_in_the_catalogue_and_nothing_obsolete_is(language):
    assert set(l10n.translations(language)) == set(TEMPLATES)
    assert "#~" not in l10n.path_of(language).read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_is_there_with_the_same_placeholders(language):
    for template, text in l10n.translations(language).items():
        assert text, template
        assert l10n.placeholders(text) == l10n.placeholders(template), template


def test_english_is_the_template_itself():
    assert all(template == text for template, text in l10n.translations("en").items())


def test_chinese_ends_as_the_template_ends():
    for template, text in l10n.translations("zh").items():
        assert text.endswith("。") == (template.endswith(".") and not template.endswith("..")), (template, text)
        assert text.endswith("？") == template.endswith("?"), (template, text)


def test_the_files_are_as_the_tool_writes_them():
    for path, text in l10n.catalogues():
        assert without_places(path.read_text(encoding="utf-8")) == without_places(text), f"{path}: run `make l10n`"


def without_places(text: str) -> list[str]:
    """Leave out which file says a text: no reader of a catalogue needs it to be of today."""
    return [line for line in text.splitlines() if not line.startswith("#:")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_library_reads_the_catalogue_as_babel_does(language):
    assert dict(catalogue(language)) == {key: text for key, text in l10n.translations(language).items() if text}


def test_a_message_speaks_both_languages():
    text = Message("there is no pack `{name}`", {"name": "mal"})
    assert text.text("en") == "there is no pack `mal`"
    assert text.text("zh") == "没有政策包 `mal`"
