"""Fold what is typed in many ways into one: full-width forms, ideographic spaces, invisible marks.

Compatibility folding (NFKC) would also read `5²` as 52 and `①` as 1, so raised, lowered,
circled and fractional characters stay what they are; a number that holds one is refused.
"""

from __future__ import annotations

import functools

_KEPT = ("<super>", "<sub>", "<circle>", "<fraction>")
_INVISIBLE = {ord(mark): None for mark in "\u200b\u2060\ufeff"}


def fold(text: str) -> str:
    """Give the one form of `text` that all its full-width and half-width variants share.

    Folding twice changes nothing. Case, punctuation and inner spaces stay.
    """
    return text if text.isascii() else _folded(text)


@functools.lru_cache(8192)  # headings and words of a table come again and again
def _folded(text: str) -> str:
    import unicodedata

    text = text.translate(_INVISIBLE)
    if any(_is_kept(char) for char in text):
        pieces = [char if _is_kept(char) else unicodedata.normalize("NFKC", char) for char in text]
        return unicodedata.normalize("NFC", "".join(pieces))
    return unicodedata.normalize("NFKC", text)


def _is_kept(char: str) -> bool:
    import unicodedata

    return not char.isascii() and unicodedata.decomposition(char).startswith(_KEPT)
