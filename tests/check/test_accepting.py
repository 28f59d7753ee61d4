"""Findings that a pack accepts with a reason, and acceptances that mean nothing."""

from __future__ import annotations

import pytest

from check.shops import BANDS, bands, codes, found
from pack.building import write_pack
from rules.made import POLICY
from svc_policy import load
from svc_policy.errors import PackError

GAP = ("far,> 50 km", "far,> 60 km")
ACCEPT = '[[check.accept]]\ncode = "gap"\ntable = "deadlines"\nrules = ["middle", "far"]\nwhy = "nobody lives there"\n'


def test_an_accepted_finding_is_marked_and_no_longer_listed(tmp_path):
    policy = bands(tmp_path, GAP, settings=ACCEPT)
    (gap,) = found(policy)
    assert gap.accepted is not None
    assert gap.accepted.text("zh") == "nobody lives there"
    assert policy.check() == ()
    assert "accepted: nobody lives there" in gap.render("en")


def test_an_acceptance_decides_nothing(tmp_path):
    assert bands(tmp_path, GAP, settings=ACCEPT).digest == bands(tmp_path / "bare", GAP).digest


@pytest.mark.parametrize(
    "old, new, code",
    [
        ('"gap"', '"gpa"', "accept-unknown"),
        ('"deadlines"', '"deadline"', "accept-unknown"),
        ('"deadlines"', '"fees"', "accept-unmatched"),
        ('"middle", "far"', '"near", "nowhere"', "accept-unmatched"),
        ('code = "gap"', 'code = "gap"\nname = "spare"', "accept-unmatched"),
    ],
)
def test_an_acceptance_that_means_nothing_is_a_warning(tmp_path, old, new, code):
    policy = bands(tmp_path, GAP, settings=ACCEPT.replace(old, new))
    assert codes(found(policy)) == ["gap", code]
    told = found(policy, code)[0]
    assert (told.severity, told.place.line is not None) == ("warning", True)


@pytest.mark.parametrize(
    "text, code",
    [
        (ACCEPT.replace('why = "nobody lives there"\n', ""), "accept-reason"),
        (ACCEPT.replace('code = "gap"\n', ""), "settings-missing"),
        (ACCEPT.replace("rules", "rows"), "settings-unknown"),
        (ACCEPT + "where = 5\n", "settings-type"),
        (ACCEPT + "where = { on_site = [] }\n", "settings-missing"),
        ("[check]\naccept = 1\n", "settings-type"),
        ("check = 1\n", "settings-type"),
    ],
)
def test_an_acceptance_that_cannot_be_read_is_refused(tmp_path, text, code):
    files = {
        "policy.toml": text + POLICY if text.startswith("check =") else POLICY + text,
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n",
        "deadlines.csv": BANDS,
    }
    with pytest.raises(PackError) as refused:
        load(write_pack(tmp_path / "made", files))
    assert code in [one.code for one in refused.value.problems]


WHERE = 'where = { distance_km = "(50..60] km", on_site = "yes" }\n'


def test_a_finding_that_lies_where_it_is_accepted_is(tmp_path):
    for number, where in enumerate((
        WHERE,
        WHERE.replace("(50..60] km", "[40..60] km"),
        'where = [{ distance_km = "(50..55] km" }, { distance_km = "[55..70] km", on_site = "-" }]\n',
        "where = {}\n",
    )):  # fmt: skip
        (gap,) = found(bands(tmp_path / str(number), GAP, settings=ACCEPT + where))
        assert gap.accepted is not None


@pytest.mark.parametrize(
    "where",
    [
        WHERE.replace("60]", "60)"),
        WHERE.replace("(50", "[51"),
        WHERE.replace('"yes"', '"no"'),
        WHERE.replace(" }", ', cause = "misuse" }'),
        WHERE.replace(" }", ', from = "2026-01-01" }'),
        WHERE.replace("(50..60] km", "many"),
        'where = [{ distance_km = "(50..55] km" }, { distance_km = "(56..60] km" }]\n',
    ],
)
def test_a_finding_that_reaches_beyond_where_it_is_accepted_is_not(tmp_path, where):
    policy = bands(tmp_path, GAP, settings=ACCEPT + where)
    assert codes(found(policy)) == ["gap", "accept-wider"]
    gap, wider = found(policy)
    assert gap.accepted is None
    assert (wider.severity, wider.subject) == ("warning", "gap")
    assert "(50, 60] km" in wider.message.text("en")


def test_an_accepted_gap_that_grew_is_an_error_again(tmp_path):
    grown = (("middle,(5..50]", "middle,(5..20]"), GAP)
    assert bands(tmp_path / "silent", *grown, settings=ACCEPT).check() == ()
    told = bands(tmp_path / "told", *grown, settings=ACCEPT + WHERE).check()
    assert [(one.code, one.severity) for one in told] == [("gap", "error"), ("accept-wider", "warning")]
