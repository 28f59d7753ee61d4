"""Every built-in pack is complete: nothing of its source lacks a rule, a worked example or a language."""

import shutil
from pathlib import Path

import pytest

from packs import complete
from svc_policy.pack.cases import Case, run_case

SERVICES = complete.services()
every_service = pytest.mark.parametrize("name", SERVICES)
EVERY_CASE = [
    pytest.param(name, case, id=f"{name}: {case.name}") for name in SERVICES for case in complete.readable_cases(name)
]


@pytest.mark.parametrize(("name", "case"), EVERY_CASE)
def test_case(name: str, case: Case) -> None:
    assert [str(mismatch) for mismatch in run_case(complete.policy_of(name), case)] == []


def test_every_pack_that_is_no_base_is_a_service() -> None:
    assert {"branches", "campus", "factory", "mall", "works"} <= set(SERVICES)
    assert not any(name.startswith(complete.BASE) for name in SERVICES)


@every_service
def test_a_pack_has_worked_examples(name: str) -> None:
    assert complete.cases(name)


@every_service
def test_nothing_is_wrong_with_a_pack(name: str) -> None:
    assert [str(one) for one in complete.policy_of(name).check()] == []


@every_service
def test_every_clause_is_cited_by_a_row(name: str) -> None:
    assert complete.uncited_clauses(name) == set()


@every_service
def test_every_clause_is_expected_by_a_case(name: str) -> None:
    assert complete.unexpected_clauses(name) == set()


@every_service
def test_every_clause_is_shown_by_a_case(name: str) -> None:
    assert complete.unshown_clauses(name) == set()


@every_service
def test_every_row_fires_in_a_case(name: str) -> None:
    assert complete.unshown_rows(name) == set()


@every_service
def test_every_interpretation_is_touched_by_a_case(name: str) -> None:
    assert complete.unshown_interpretations(name) == set()


@every_service
def test_every_text_is_there_in_both_languages(name: str) -> None:
    assert complete.untranslated_texts(name) == []


@every_service
def test_every_case_is_explained_in_both_languages(name: str) -> None:
    assert complete.broken_explanations(name) == []


def test_what_is_missing_is_found(tmp_path: Path) -> None:
    """The judgement itself: a pack without the examples of one rule, and with one Chinese text in English."""
    pack = tmp_path / "campus"
    shutil.copytree(complete.policy_of("campus").pack.path, pack)
    text = (pack / "cases.toml").read_text(encoding="utf-8")
    head, *rest = text.split("[[case]]")
    kept = [case for case in rest if "[case.staffing]" not in case]
    assert len(kept) == len(rest) - 1
    (pack / "cases.toml").write_text("[[case]]".join([head, *kept]), encoding="utf-8")
    labels = (pack / "labels.csv").read_text(encoding="utf-8")
    (pack / "labels.csv").write_text(
        labels.replace("hardware,hardware,硬件问题", "hardware,hardware,hardware"), "utf-8"
    )

    name = str(pack)
    posts = {"manager", "agent", "engineer", "technicians", "storekeeper"}
    assert complete.unshown_rows(name) == {f"staffing.{post}" for post in posts}
    assert complete.unshown_interpretations(name) == {"staff_by_workload"}
    assert complete.unexpected_clauses(name) == complete.unshown_clauses(name) == {"campus-3.1"}
    assert complete.untranslated_texts(name) == ["label hardware", "value hardware of fact fault_type"]
