import pytest

from svc_policy.units import fold


@pytest.mark.parametrize(
    "text, folded",
    [
        ("５０　ＣＮＹ", "50 CNY"),
        ("（５．．５０］", "(5..50]"),
        ("㎞", "km"),
        ("￥", "¥"),
        ("mis\u200buse\ufeff", "misuse"),
        ("a\u00a0b", "a b"),
        ("误用，磨损", "误用,磨损"),
        ("plain", "plain"),
    ],
)
def test_variants_of_width_are_one(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("text", ["5²", "①", "½", "H₂O"])
def test_raised_circled_and_fractional_figures_are_no_digits(text: str) -> None:
    assert fold(text) == text
