"""How many digits a currency has below its unit, and the signs that may stand for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# The digits of ISO 4217 for the currencies that a pack is likely to use; others are asked of Babel.
_DIGITS: Final[Mapping[str, int]] = {
    "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2,
    "HKD": 2, "IDR": 2, "INR": 2, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "MOP": 2, "MXN": 2, "MYR": 2,
    "NOK": 2, "NZD": 2, "OMR": 3, "PHP": 2, "PLN": 2, "RUB": 2, "SEK": 2, "SGD": 2, "THB": 2, "TND": 3,
    "TRY": 2, "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip

# A sign says which currency it is only together with the policy's own: `¥` is the yuan's and the yen's.
SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "¥": ("CNY", "JPY"),
    "元": ("CNY",),
    "人民币": ("CNY",),
    "rmb": ("CNY",),
    "円": ("JPY",),
    "€": ("EUR",),
    "£": ("GBP",),
    "$": ("USD", "AUD", "CAD", "HKD", "NZD", "SGD"),
}


def minor_digits(currency: str) -> int | None:
    """Count the digits below the unit of `currency` (CNY: 2, fen); None when there is no such code."""
    if currency in _DIGITS:
        return _DIGITS[currency]
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        return None
    from babel.numbers import get_currency_precision, is_currency

    return int(get_currency_precision(currency)) if is_currency(currency) else None
