"""The digest is of what decides, however it is written down."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from pack.building import change, copy_of_mall
from svc_policy.pack.load import load_pack

DIGEST = load_pack("mall").digest

#: Two tables of mall as somebody types them in Chinese, in full-width forms here and there.
IN_CHINESE = Path(__file__).parent / "in_chinese"


def rewrite(pack: Path, to: Callable[[str], str], encoding: str = "utf-8") -> None:
    for path in pack.glob("*.csv"):
        path.write_bytes(to(path.read_text(encoding="utf-8")).encode(encoding))


def with_delimiter(delimiter: str) -> Callable[[str], str]:
    def to(text: str) -> str:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
        return out.getvalue()

    return to


def columns_reversed(text: str) -> str:
    """Put the condition columns into the opposite order."""
    rows = list(csv.reader(io.StringIO(text)))
    first = 3 if rows[0][1:3] == ["from", "until"] else 1
    last = next((index for index, heading in enumerate(rows[0]) if heading.startswith("then")), first)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row[:first] + row[first:last][::-1] + row[last:] for row in rows)
    return out.getvalue()


@pytest.mark.parametrize(
    ("to", "encoding"),
    [
        (lambda text: text.replace("\n", "\r\n"), "utf-8"),
        (lambda text: text.replace("\n", "\r"), "utf-8"),
        (lambda text: text, "utf-8-sig"),
        (lambda text: text, "gb18030"),
        (with_delimiter(";"), "utf-8"),
        (with_delimiter("\t"), "utf-8"),
        (lambda text: text + "\n\n", "utf-8"),
        (columns_reversed, "utf-8"),
    ],
    ids=["CRLF", "CR", "BOM", "GB18030", "semicolon", "tab", "empty lines", "columns reversed"],
)
def test_it_does_not_hang_on_how_the_files_are_written(tmp_path: Path, to: Callable[[str], str], encoding: str) -> None:
    pack = copy_of_mall(tmp_path)
    rewrite(pack, to, encoding)
    assert load_pack(pack).digest == DIGEST


def test_it_does_not_hang_on_the_language(tmp_path: Path) -> None:
    pack = copy_of_mall(tmp_path)
    for table in IN_CHINESE.glob("*.csv"):
        (pack / table.name).write_bytes(table.read_bytes())
    assert load_pack(pack).digest == DIGEST


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("clauses.csv", "Sales staff support the service", "Sales people support the service"),
        ("labels.csv", "call-back,回访\n", "return call,电话回访\n"),
        ("approvals.csv", "does not stop the arrival clock: see holds", "see holds"),
        ("policy.toml", "After-sales service of a mall", "Service of the mall"),
        ("policy.toml", 'label.en = "value-added tax, added', 'label.en = "VAT, added'),
        ("policy.toml", "Customers' ratings are scored from 1 to 5.", "Ratings run from 1 to 5."),
        ("policy.toml", 'value = "13 %"', 'value = "13.00%"'),
        ("deadlines.csv", "near,-,C,yes,-,<= 5 km,", "near,-,C,yes,-,≤５０００ m,"),
        ("deadlines.csv", "near,-,C,yes,-,<= 5 km,", "near , - , C , YES , - ,  <=5 km ,"),
        ("fees.csv", "visit_free,,,C,yes,-,-,-,-,visit,0 CNY", "visit_free,,,C,yes,-,-,-,-,visit,0.00元"),
        ("category.csv", '"wear, accident"', '"accident, wear"'),
    ],
)
def test_wording_and_spelling_are_not_in_it(tmp_path: Path, file: str, old: str, new: str) -> None:
    pack = copy_of_mall(tmp_path)
    change(pack, file, old, new)
    assert load_pack(pack).digest == DIGEST


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("fees.csv", "quoted,visit,70 CNY", "quoted,visit,71 CNY"),
        ("fees.csv", "visit_near,2026-01-01,", "visit_near,2026-01-02,"),
        ("deadlines.csv", "near,-,C,yes,-,<= 5 km,", "near,-,C,yes,-,< 5 km,"),
        (
            "deadlines.csv",
            "report,-,-,yes,-,-,-,-,returned,reported,3 w",
            "report,-,-,yes,-,-,-,-,returned,reported,4 w",
        ),
        ("policy.toml", 'value = "13 %"', 'value = "9 %"'),
        ("policy.toml", 'rounding_place = "line"', 'rounding_place = "total"'),
        ("policy.toml", 'mon = ["09:00-12:00", ', 'mon = ["08:30-12:00", '),
        ("policy.toml", 'timezone = "Asia/Shanghai"', 'timezone = "Asia/Tokyo"'),
        ("calendar.csv", "2026-02-14,as mon,", "2026-02-14,off,"),
        ("warranty.csv", "mall-2.0 mall-2.1.1 mall-3.2a", "mall-2.0 mall-2.1.1"),
    ],
)
def test_what_decides_is_in_it(tmp_path: Path, file: str, old: str, new: str) -> None:
    pack = copy_of_mall(tmp_path)
    change(pack, file, old, new)
    assert load_pack(pack).digest != DIGEST


def test_the_order_of_rows_decides_and_is_in_it(tmp_path: Path) -> None:
    pack = copy_of_mall(tmp_path)
    heading, first, *rest = (pack / "routing.csv").read_text(encoding="utf-8").splitlines()
    (pack / "routing.csv").write_text("\n".join([heading, *rest, first]), encoding="utf-8")
    assert load_pack(pack).digest != DIGEST
