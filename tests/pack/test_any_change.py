"""Whatever one character is changed to, a pack loads or says what is wrong; it never breaks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engines.workshop import FILES
from pack.building import copy_of_mall, write_pack
from svc_policy.errors import PackError
from svc_policy.pack.load import load_pack
from svc_policy.plan import make_plan

CHARACTERS = "\",;\n\t []{}()<>=-._:/%0159abcxyzC中 ，（）\0\ufeff'#+"
VALUES = ("5", "[]", "{}", "true", "1.5", "[1]", "2026-01-01", '""', '"x"', "{ a = 1 }", "-1", '"{vat}"')


def changed(text: str, chance: random.Random) -> str:
    """Put another character in a place, leave one out, or put one in."""
    place = chance.randrange(len(text))
    kept = chance.choice((place, place + 1))
    return text[:place] + chance.choice(("", *CHARACTERS)) + text[kept:]


def revalued(text: str, chance: random.Random) -> str:
    """Put another value behind a key of TOML."""
    lines = text.splitlines()
    place = chance.choice([number for number, line in enumerate(lines) if "=" in line])
    lines[place] = f"{lines[place].partition('=')[0]}= {chance.choice(VALUES)}"
    return "\n".join(lines)


def loads_or_tells(pack: Path) -> bool:
    """Load a pack and plan it; say whether it loaded."""
    try:
        make_plan(load_pack(pack).rules())
    except PackError as error:
        told = error
    else:
        return True
    assert told.problems and told.render("zh")
    return False


def hold(pack: Path, files: list[str], count: int, seed: int) -> int:
    """Change one thing at a time; gives how many of the packs loaded."""
    chance = random.Random(seed)
    loaded = 0
    for _ in range(count):
        name = chance.choice(files)
        path = pack / name
        text = path.read_text(encoding="utf-8")
        change = revalued if name.endswith(".toml") and chance.random() < 0.5 else changed
        path.write_text(change(text, chance), encoding="utf-8", newline="")
        loaded += loads_or_tells(pack)
        path.write_text(text, encoding="utf-8", newline="")
    return loaded


@pytest.mark.parametrize("seed", range(2))
def test_every_table_and_setting(tmp_path: Path, seed: int) -> None:
    pack = write_pack(tmp_path / "workshop", FILES)
    files = sorted(FILES) + ["policy.toml"] * 10
    assert 3 < hold(pack, files, 60, seed) < 58


def test_the_files_of_mall(tmp_path: Path) -> None:
    pack = copy_of_mall(tmp_path)
    files = [path.name for path in sorted(pack.iterdir()) if path.name != "cases.toml"]
    assert 2 < hold(pack, files, 30, seed=3) < 28
