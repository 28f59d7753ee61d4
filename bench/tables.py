"""Find what is wrong with a large table: rows that were removed, and rows that reach into others.

A table of six columns and 1,000 rows is made by cutting its space in two again and again, so
that it leaves nothing out and no rows meet. Then five rows are removed and five are widened, none
of them beside another; the analysis must find each of these ten and nothing else.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

import attrs

from bench.timing import Limit, Measurement, Settings, tell
from svc_policy.tables import Analysis, ColumnSpec, DecisionTable, Domain, Interval, Rule, Test, analyse
from svc_policy.units import Literal

ROWS: Final = 1_000
SEEDS: Final = 10
#: How many rows are removed, and how many are widened.
FAULTS: Final = 5
#: A row may be widened by at most this share of a column, and is removed only if nothing else is near.
_WORDS: Final = tuple(f"class_{number:02}" for number in range(24))
COLUMNS: Final = (
    ColumnSpec(
        name="distance", kind="distance", domain=Domain(kind="distance", low=0, high=500_000, high_closed=False)
    ),
    ColumnSpec(name="weight", kind="weight", domain=Domain(kind="weight", low=0, high=800_000, high_closed=False)),
    ColumnSpec(name="floor", kind="count", domain=Domain(kind="count", low=0, high=199, step=1)),
    ColumnSpec(name="amount", kind="money", domain=Domain(kind="money", low=0, high=9_999_999, step=1)),
    ColumnSpec(name="age", kind="months", domain=Domain(kind="months", low=0, high=239, step=1)),
    ColumnSpec(name="class", kind="text", domain=Domain(kind="text", values=_WORDS)),
)
#: For each column the first value and the one after the last; of the classes their places.
_ENDS: Final = ((0, 500_000), (0, 800_000), (0, 200), (0, 10_000_000), (0, 240), (0, len(_WORDS)))
#: For each column the half-open range of a row.
Cell = tuple[tuple[int, int], ...]


@attrs.frozen(kw_only=True)
class Faulty:
    """A table with faults, and where they are."""

    table: DecisionTable
    removed: tuple[Cell, ...]
    widened: tuple[int, ...]


def partition(rows: int, chance: random.Random) -> list[Cell]:
    """Cut the space of the columns into `rows` boxes."""
    cells: list[Cell] = [_ENDS]
    while len(cells) < rows:
        cell = cells.pop(chance.randrange(len(cells)))
        column = chance.choice([index for index, (low, high) in enumerate(cell) if high - low > 1])
        low, high = cell[column]
        cut = chance.randint(low + 1, high - 1)
        cells += [(*cell[:column], part, *cell[column + 1 :]) for part in ((low, cut), (cut, high))]
    return cells


def faulty(rows: int, chance: random.Random) -> Faulty:
    """Make a table without gaps and overlaps, remove rows and widen others, none of them beside another."""
    cells = partition(rows, chance)
    removed: list[int] = []
    reach: list[Cell] = []
    widened: dict[int, Cell] = {}
    for row in chance.sample(range(rows), rows):
        if len(removed) < FAULTS:
            if not any(_touch(cells[row], other) for other in reach):
                removed.append(row)
                reach.append(cells[row])
            continue
        wider = _wider(cells[row], chance)
        if wider is not None and not any(_touch(wider, other) for other in reach):
            widened[row] = wider
            reach.append(wider)
        if len(widened) == FAULTS:
            break
    assert len(removed) == len(widened) == FAULTS, "the rows are too large for ten faults that are apart"
    kept = [row for row in range(rows) if row not in removed]
    rules = tuple(
        Rule(
            id=f"r{row}",
            tests=tuple(_test(index, part) for index, part in enumerate(widened.get(row, cells[row]))),
            results=(Literal("count", row),),
        )
        for row in kept
    )
    table = DecisionTable(
        columns=COLUMNS, outputs=(ColumnSpec(name="then", kind="count"),), rules=rules, hit_policy="unique"
    )
    return Faulty(
        table=table,
        removed=tuple(cells[row] for row in removed),
        widened=tuple(sorted(kept.index(row) for row in widened)),
    )


def _touch(one: Cell, other: Cell) -> bool:
    return all(a[0] <= b[1] and b[0] <= a[1] for a, b in zip(one, other, strict=True))


def _wider(cell: Cell, chance: random.Random) -> Cell | None:
    """Move one end of a row by a tenth of its length, where the column goes on there."""
    columns = [index for index in range(len(cell)) if cell[index][1] < _ENDS[index][1]]
    if not columns:
        return None
    column = chance.choice(columns)
    low, high = cell[column]
    high = min(high + max(1, (high - low) // 10), _ENDS[column][1])
    return (*cell[:column], (low, high), *cell[column + 1 :])


def _test(index: int, part: tuple[int, int]) -> Test:
    column, (low, high) = COLUMNS[index], part
    if part == _ENDS[index]:
        return Test(kind=column.kind, any=True)
    if column.kind == "text":
        words = (Literal("text", word) for word in _WORDS[low:high])
        return Test(kind="text", items=tuple(Interval(word, True, word, True) for word in words))
    bounds = (Literal(column.kind, bound) for bound in part)
    return Test(kind=column.kind, items=(Interval(next(bounds), True, next(bounds), False),))


def missed(found: Analysis, wanted: Faulty) -> tuple[str, ...]:
    """List the faults that were not found, and what was found without a fault."""
    grid = found.grid
    boxes = {
        tuple(axis.mask(_test(index, part)) for index, (axis, part) in enumerate(zip(grid.axes, cell, strict=True)))
        for cell in wanted.removed
    }
    gaps = {box for gap in found.gaps for box in gap.region.boxes}
    reaching = {row for overlap in found.overlaps for row in overlap.rows if row in wanted.widened}
    return (
        *(f"no gap {box}" for box in boxes - gaps),
        *(f"a gap without a removed row {box}" for box in gaps - boxes),
        *(f"no overlap of the widened row {row}" for row in set(wanted.widened) - reaching),
        *(f"an overlap of {item.rows}" for item in found.overlaps if not reaching & set(item.rows)),
    )


def measure(settings: Settings) -> Iterator[Measurement]:
    """Yield how long the analysis takes, and how many of the faults it found."""
    rows = 200 if settings.quick else ROWS
    taken: list[float] = []
    errors: list[Sequence[str]] = []
    for seed in range(3 if settings.quick else SEEDS):
        wanted = faulty(rows, random.Random(seed))
        begun = time.perf_counter()
        found = analyse(wanted.table)
        taken.append(time.perf_counter() - begun)
        errors.append(missed(found, wanted))
        tell(f"  seed {seed}: {taken[-1]:.2f} s, {len(errors[-1])} missed")
    name = f"a table of {rows:,} rows and {len(COLUMNS)} columns analysed"
    yield Limit(3, "s").judge(name, max(taken), f"median {median(taken):.2f} s of {len(taken)} tables")
    count = len(list(itertools.chain(*errors)))
    yield Limit(0, "").judge("faults missed or made up", count, f"of {2 * FAULTS * len(taken)}")
