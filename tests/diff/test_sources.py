"""Open a side of a comparison: packs, editions, revisions of a repository made here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pack.building import change, copy_of_mall, write_pack
from svc_policy import load
from svc_policy.diff.sources import open_policy
from svc_policy.errors import UsageError

OVERLAY = """
schema = 1
id = "branch"
extends = "./mall"
title.en = "Branch"
title.zh = "分店"
"""


def git(folder: Path, *words: str) -> None:
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with two revisions of a pack, the rate of 2026 raised in the second, and an overlay."""
    root = tmp_path_factory.mktemp("repository")
    pack = copy_of_mall(root)
    write_pack(root / "branch", {"policy.toml": OVERLAY})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    change(pack, "policy.toml", 'value = "13 %"', 'value = "9 %"')
    git(root, "commit", "-q", "-a", "-m", "second")
    return root


def tax(name: str) -> int:
    value = open_policy(name).pack.settings.parameters["vat"].values[0][1].value
    assert isinstance(value, int)
    return value


def test_a_revision_is_the_pack_as_it_was_then(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    assert (tax("git:HEAD~1:mall/"), tax("git:HEAD:mall"), tax("mall/")) == (1300, 900, 900)


def test_a_path_counts_from_the_working_directory_and_else_from_the_root(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "branch")
    assert tax("git:HEAD~1:../mall") == 1300
    assert tax("git:HEAD~1:mall") == 1300


def test_the_base_that_an_overlay_names_by_path_is_of_the_same_revision(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    assert (tax("git:HEAD~1:branch"), tax("git:HEAD:branch")) == (1300, 900)


def test_a_revision_of_an_edition(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    assert str(open_policy("git:HEAD~1:mall@2025-02-01").fixed_on) == "2025-02-01"


def test_an_edition_is_the_policy_fixed_on_its_day() -> None:
    policy = open_policy("mall@2025-02-01")
    assert (str(policy.fixed_on), policy.digest) == ("2025-02-01", load("mall").digest)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("mall@someday", "edition-unreadable"),
        ("git:HEAD", "revision-unreadable"),
        ("git::mall", "revision-unreadable"),
        ("git:--help:mall", "revision-unreadable"),
        ("git:nowhere:mall", "revision-unknown"),
        ("git:HEAD:shop", "revision-path"),
        ("git:HEAD:../mall", "revision-path"),
    ],
)
def test_what_is_not_there_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(UsageError) as refused:
        open_policy(name)
    assert [one.code for one in refused.value.problems] == [code]


def test_outside_of_a_repository_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError) as refused:
        open_policy("git:HEAD:mall")
    assert [one.code for one in refused.value.problems] == ["git-refused"]
