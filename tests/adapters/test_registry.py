"""The list of adapters comes from what distributions say of themselves; nothing is imported for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from svc_policy.adapters import Adapter, Option, list_adapters, load_adapter, open_sink, open_source
from svc_policy.errors import UsageError
from svc_policy.messages import message

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution where Python finds it: entry points, requirements, modules."""
    monkeypatch.syspath_prepend(tmp_path)

    def run(name: str, points: str, *requires: str, version: str = "1.0", **modules: str) -> None:
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        listed = "".join(f"Requires-Dist: {one}\n" for one in requires)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{listed}")
        (info / "entry_points.txt").write_text(f"[svc_policy.adapters]\n{points}\n")
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(text)

    return run


def listed(name: str) -> list[tuple[str, str, str]]:
    return [(one.distribution, one.state, str(one.reason or "")) for one in list_adapters() if one.name == name]


def test_those_of_the_library_are_listed_without_being_imported() -> None:
    names = {one.name: one for one in list_adapters() if one.distribution == "svc-policy"}
    assert names.keys() >= {"files"}
    assert (names["files"].object, names["files"].extras) == ("svc_policy.adapters.files:FILES [batch]", ("batch",))
    assert names["files"].state == "ready"


def test_an_adapter_that_fails_when_imported_is_listed_and_told_when_used(install: Install) -> None:
    install("loud", "loud = loud_adapter:ADAPTER", loud_adapter="raise RuntimeError('no luck')")
    assert listed("loud") == [("loud", "ready", "")]
    assert "loud_adapter" not in sys.modules
    with pytest.raises(UsageError) as raised:
        load_adapter("loud")
    assert str(raised.value) == (
        "the adapter `loud` cannot be imported: RuntimeError: no luck\nhelp: it belongs to `loud 1.0`"
    )


@pytest.mark.parametrize(
    ("requires", "lacks"),
    [
        (["no-such-package-at-all>=3"], ("no-such-package-at-all>=3",)),
        (["attrs>=999"], None),
        (["no-such-package-at-all; python_version < '3'"], ()),
        (["no-such-package-at-all; extra == 'other'"], ()),
        (["no-such-package-at-all; extra == 'big'", "attrs>=1"], ("no-such-package-at-all",)),
        (["needy[small]; extra == 'big'", "no-such-package-at-all<3; extra == 'small'"], ("no-such-package-at-all<3",)),
        (["svc-policy[no-such-extra]"], ()),
        (["needy[big]; extra == 'big'"], ()),
    ],
)
def test_what_an_extra_lacks(install: Install, requires: list[str], lacks: tuple[str, ...] | None) -> None:
    install("needy", "needy = needy_adapter:ADAPTER [big]", *requires, "attrs; extra == 'big'", needy_adapter="")
    (found,) = [one for one in list_adapters() if one.name == "needy"]
    if lacks is None:
        from importlib.metadata import version

        lacks = (f"attrs>=999 ({version('attrs')})",)
    assert (found.lacks, found.state) == (lacks, "lacking" if lacks else "ready")
    if lacks:
        with pytest.raises(UsageError) as raised:
            load_adapter("needy")
        assert str(raised.value) == (
            f"the adapter `needy` cannot be used: it lacks `{lacks[0]}`\nhelp: pip install 'needy[big]'"
        )


@pytest.mark.parametrize(
    ("points", "requires", "reason"),
    [
        ("odd = not an object", (), "`not an object` is no `module:object`"),
        ("odd = no_such_module.deep:X", (), "there is no module `no_such_module.deep`"),
        ("odd = json.no_such:X", (), "there is no module `json.no_such`"),
        ("odd = json:loads", ("???",), "its requirements cannot be read: "),
    ],
)
def test_a_broken_one_never_breaks_the_list(
    install: Install, points: str, requires: tuple[str, ...], reason: str
) -> None:
    install("odd", points, *requires)
    ((_, state, told),) = listed("odd")
    assert (state, told[: len(reason)]) == ("broken", reason)
    assert listed("files")[0][1] == "ready"
    with pytest.raises(UsageError, match="cannot be used"):
        load_adapter("odd")


def test_what_is_no_adapter_is_told_when_used(install: Install) -> None:
    install("odd", "odd = json:loads\nnone = json:no_such_name")
    with pytest.raises(UsageError, match="`json:loads` of the adapter `odd` is no `Adapter`"):
        load_adapter("odd")
    with pytest.raises(UsageError, match="cannot be imported: AttributeError"):
        load_adapter("none")


def test_two_of_one_name_are_both_told_and_refused_when_used(install: Install) -> None:
    install("one", "same = json:loads")
    install("two", "same = json:dumps")
    both = "there are several of this name: `one`, `two`"
    assert listed("same") == [("one", "twice", both), ("two", "twice", both)]
    with pytest.raises(UsageError, match="uninstall all but one of them"):
        load_adapter("same")


def test_a_name_that_is_none_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no adapter `fiels`\nhelp: did you mean `files`\?"):
        load_adapter("fiels")


# --- opening


ADAPTER = Adapter(
    name="desk",
    summary=message("a desk"),
    source=lambda policy, **options: (policy, options),  # type: ignore[arg-type, return-value]
    source_options=(
        Option(name="folder", summary=message("where it is"), needed=True),
        Option(name="zone", summary=message("zone")),
    ),
)


def test_options_are_known_and_those_needed_are_there() -> None:
    policy: Any = object()
    assert ADAPTER.open_source(policy, {"folder": "x"}) == (policy, {"folder": "x"})  # type: ignore[comparison-overlap]
    with pytest.raises(UsageError) as raised:
        ADAPTER.open_source(policy, {"foldr": "x", "zone": "UTC"})
    assert [str(one.message) for one in raised.value.problems] == [
        "`desk` has no option `foldr`",
        "`desk` needs the option `folder`",
    ]
    assert [str(one.help) for one in raised.value.problems] == ["did you mean `folder`?", "where it is"]
    with pytest.raises(UsageError, match="`desk` takes no decisions"):
        ADAPTER.open_sink(policy, {})


def test_files_are_opened_by_name(tmp_path: Path, mall: Any) -> None:
    (tmp_path / "log.csv").write_text("ticket_id\nA\n", "utf-8")
    (reading,) = open_source("files", mall, path=str(tmp_path / "log.csv")).read()
    decision = mall.decide(reading.ticket)  # type: ignore[union-attr]
    assert open_sink("files", mall, path=tmp_path / "out.jsonl").write([decision]).made == 1
    with pytest.raises(UsageError, match="`files` needs the option `path`"):
        open_source("files", mall)


def test_what_another_distribution_cannot_read_stops_nobody(install: Install, tmp_path: Path) -> None:
    install("odd", "x = y:z")
    (tmp_path / "odd-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[svc_policy.adapters]\n")
    ((owner, state, reason),) = listed("odd")
    assert (owner, state) == ("odd", "broken") and reason.startswith("its entry points cannot be read: ")
    assert [one.state for one in list_adapters() if one.name == "files"] == ["ready"]
    assert load_adapter("files").name == "files"


def test_a_section_without_a_head_stops_nobody(install: Install, tmp_path: Path) -> None:
    install("odd", "x = y:z")
    (tmp_path / "odd-1.0.dist-info" / "entry_points.txt").write_text("no = head\n[svc_policy.adapters]\nnothing\n")
    assert [state for _, state, _ in listed("odd")] in ([], ["broken"])
    assert load_adapter("files").name == "files"


@pytest.mark.parametrize("text", ["raise SystemExit", "raise SystemExit(0)", "import sys; sys.exit('bye')"])
def test_an_adapter_that_ends_python_is_told(install: Install, text: str) -> None:
    module = f"leaving_{len(text)}"
    install("leaver", f"leaver = {module}:ADAPTER", **{module: text})
    with pytest.raises(UsageError) as raised:
        load_adapter("leaver")
    assert str(raised.value).startswith("the adapter `leaver` cannot be imported: SystemExit: ")


def test_an_extra_that_nobody_has(install: Install) -> None:
    install("hoping", "hoping = hoping_adapter:ADAPTER [moon]", 'attrs; extra == "sun"', hoping_adapter="")
    assert listed("hoping") == [("hoping", "broken", "`hoping` has no extra `moon`")]
