"""Overlays: a pack that extends another keeps its rows and says what is different.

The packs of a chain are called layers, the base first. Rows merge by their rule
id, settings key by key, plain lists by their first column; what stands in a
higher layer wins. An overlay may call the base's clauses by its own: under
``[clauses]`` of its ``policy.toml``.
"""

from __future__ import annotations

import copy
import functools
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from svc_policy.errors import PackError, Place, Problem, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.pack.source import PackFiles, find_pack, read_files, shared_packs
from svc_policy.rules.family import Replaced, Row
from svc_policy.tables import Sheet

#: What a pack says of itself and never takes from its base.
OWN_KEYS = ("id", "title", "extends", "clauses", "approver")
HEADINGS = ("overlay", "覆盖")
DROP = ("drop", "删除")
PLACES = {"before": 0, "after": 1, "在前": 0, "在后": 1}
#: A chain longer than this is a mistake.
MOST_LAYERS = 8


@attrs.frozen(kw_only=True)
class Instructions:
    """What the column ``overlay`` of a table says: rules to drop, and where new ones go."""

    dropped: Mapping[str, Place | None] = attrs.field(factory=dict)
    #: New rule → the base's rule beside it, and 0 for before it, 1 for after it.
    placed: Mapping[str, tuple[str, int, Place | None]] = attrs.field(factory=dict)


def read_layers(path: Path, families: Mapping[str, object], problems: list[Problem]) -> list[PackFiles]:
    """Read a pack and the packs that it extends, the lowest first.

    Raises:
        PackError: A base cannot be found, or the packs extend one another without end; without it nothing else
            that could be said of the pack would be of use.
    """
    layers = [read_files(path, families, problems)]
    seen = [path.resolve()]
    while (name := _extends(layers[0])) is not None:
        place = _place(layers[0], "extends")
        beside = Path(layers[0].path).parent / name if "/" in name or "\\" in name else Path(name)
        try:
            found = find_pack(beside if beside.is_dir() or beside.is_file() else name)
        except PackError as error:
            said = [attrs.evolve(item, place=place, help=_near_base(name, item.help)) for item in error.problems]
            raise PackError([*problems, *said]) from None
        if found.is_dir() and not (found / "policy.toml").is_file():
            text = message("the folder `{name}` is no pack", name=name)
            advice = message("a pack has a file `policy.toml`")
            raise PackError([*problems, problem("pack-missing", text, place=place, help=advice)])
        if found.resolve() in seen:
            text = message("`{name}` extends itself", name=name)
            advice = message("name another pack in `extends`, or leave it out")
            raise PackError([*problems, problem("overlay-circle", text, place=place, help=advice)])
        if len(layers) >= MOST_LAYERS:
            text = message("more than {most} packs extend one another", most=MOST_LAYERS)
            advice = message("write what the lowest ones say into one base")
            raise PackError([*problems, problem("overlay-depth", text, place=place, help=advice)])
        seen.append(found.resolve())
        layers.insert(0, read_files(found, families, problems))
    return layers


def _near_base(name: str, advice: Message | None) -> Message | None:
    """Suggest a pack that only serves as a base, where the name is like one."""
    near = nearest(name, shared_packs())
    return message("did you mean `{near}`?", near=near) if near else advice


@functools.lru_cache(16)
def parsed(text: str) -> dict[str, Any]:
    """Parse a document once; nobody changes what it gives."""
    return tomllib.loads(text)


def _extends(files: PackFiles) -> str | None:
    name = _document(files).get("extends")
    return name if isinstance(name, str) and name.strip() else None


def _document(files: PackFiles) -> dict[str, Any]:
    """Read a policy.toml as far as it can be read; what is wrong with it is said by the settings."""
    try:
        return parsed(files.texts["policy"][0]) if "policy" in files.texts else {}
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _place(files: PackFiles, key: str) -> Place:
    text, file = files.texts["policy"]
    for number, line in enumerate(text.splitlines(), start=1):
        if line.split("=")[0].strip() == key:
            return Place(file=file, line=number, column=1, text=line, length=len(line.rstrip()))
    return Place(file=file)


def base_settings(layers: Sequence[PackFiles]) -> dict[str, Any]:
    """Merge what the layers below the last one set; clauses are called what the layers above call them."""
    merged: dict[str, Any] = {}
    names = clause_names(layers)
    for layer, renamed in zip(layers[:-1], names, strict=False):
        document = {key: copy.deepcopy(value) for key, value in _document(layer).items() if key not in OWN_KEYS}
        for section in ("parameters", "interpretations"):
            for item in _tables(document.get(section)).values():
                if isinstance(item, dict) and isinstance(item.get("cite"), str):
                    item["cite"] = " ".join(rename(tuple(item["cite"].split()), renamed))
        merged = merge(merged, document)
    return merged


def _tables(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two documents key by key; of anything but tables the own value wins.

    A value takes the place of `values` of the base and the other way round.
    """
    merged = dict(base)
    for other, key in (("value", "values"), ("values", "value")):
        if key in own:
            merged.pop(other, None)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def clause_names(layers: Sequence[PackFiles]) -> list[dict[str, tuple[str, ...]]]:
    """Say for each layer what its clauses are called by the layers above it."""
    maps = [
        {str(clause): tuple(str(own).split()) for clause, own in _tables(_document(layer).get("clauses")).items()}
        for layer in layers
    ]
    found: list[dict[str, tuple[str, ...]]] = []
    for index in range(len(layers)):
        names: dict[str, tuple[str, ...]] = {}
        for above in maps[index + 1 :]:
            names = {clause: rename(called, above) for clause, called in names.items()} | {
                clause: called for clause, called in above.items() if clause not in names
            }
        found.append(names)
    return found


def rename(cites: tuple[str, ...], names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Call clauses what an overlay calls them."""
    return tuple(dict.fromkeys(new for cite in cites for new in names.get(cite, (cite,))))


def check_clause_names(layers: Sequence[PackFiles], known: Sequence[set[str]], problems: list[Problem]) -> None:
    """Check that what `[clauses]` maps is a clause below, and what it maps it to is one of the pack's own."""
    for index, layer in enumerate(layers):
        below = set().union(*known[:index])
        for clause, own in _tables(_document(layer).get("clauses")).items():
            place = _place(layer, f'"{clause}"')
            for name, among in ((clause, below), *((one, known[index]) for one in str(own).split())):
                if name not in among:
                    near = nearest(name, among)
                    advice = message("on the left stands a clause of the base, on the right one of your own")
                    if index == 0:
                        advice = message("`[clauses]` is for a pack that extends another: leave it out")
                    elif near:
                        advice = message("did you mean `{near}`?", near=near)
                    text = message("`[clauses]` names `{name}`, which is no clause", name=name)
                    problems.append(problem("clause-unknown", text, place=place, help=advice))
                    if index == 0:
                        return


def take_instructions(sheet: Sheet, problems: list[Problem], *, is_overlay: bool) -> tuple[Sheet, Instructions]:
    """Take the column ``overlay`` out of a table, and the rows that only drop a rule of the base."""
    index = next((at for at, cell in enumerate(sheet.header) if cell.text.strip() in HEADINGS), None)
    if index is None:
        return sheet, Instructions()
    if not is_overlay:
        text = message("the column `overlay` is for a pack that extends another")
        advice = message("leave the column out, or name a base under `extends` in policy.toml")
        problems.append(problem("overlay-without-base", text, place=sheet.header[index].place, help=advice))
    dropped: dict[str, Place | None] = {}
    placed: dict[str, tuple[str, int, Place | None]] = {}
    rows = []
    for row in sheet.rows:
        said = row[index].text.strip() if index < len(row) else ""
        rule = row[0].text.strip()
        if said in DROP:
            if rule in dropped:
                problems.append(_dropped_twice(rule, row[index].place))
            dropped.setdefault(rule, row[index].place)
            continue
        word, _, beside = said.partition(" ")
        if word in PLACES and beside.strip():
            told = (beside.strip(), PLACES[word], row[index].place)
            if placed.setdefault(rule, told)[:2] != told[:2]:
                problems.append(_placed_twice(rule, row[index].place))
        elif said not in ("", "-"):
            problems.append(
                problem(
                    "overlay-word",
                    message("cannot read `{text}` in column `overlay`", text=said),
                    place=row[index].place,
                    help=message("write `drop`, `before RULE` or `after RULE`, or leave it empty"),
                )
            )
        rows.append(_without(row, index))
    kept = attrs.evolve(sheet, header=_without(sheet.header, index), rows=tuple(rows))
    return kept, Instructions(dropped=dropped, placed=placed)


def _without(cells: Sequence[Any], index: int) -> Any:
    return type(cells)(cell for at, cell in enumerate(cells) if at != index)  # type: ignore[call-arg]


def merge_rows(base: Sequence[Row], own: Sequence[Row], said: Instructions, problems: list[Problem]) -> tuple[Row, ...]:
    """Merge two layers of a table: same ids replace, in their place; new ones go to the end or where they are told."""
    ids = {row.id for row in base}
    for rule, place in said.dropped.items():
        if rule not in ids:
            problems.append(_no_such(rule, ids, place))
    replaced: dict[str, list[Row]] = {}
    given = dict.fromkeys(row.id for row in own if row.id in said.dropped)
    problems.extend(_dropped_and_given(rule, said.dropped[rule]) for rule in given)
    for row in _over(base, own):
        replaced.setdefault(row.id, []).append(row)
    merged: list[Row] = []
    for row in base:
        if row.id in said.dropped:
            continue
        if row.id not in replaced or row.id in said.placed:
            if row.id not in replaced:
                merged.append(row)
        elif not any(other.id == row.id for other in merged):
            merged.extend(replaced[row.id])
    for rule, rows in replaced.items():
        if rule in said.placed:
            beside, offset, place = said.placed[rule]
            if beside == rule:
                problems.append(_beside_itself(rule, place))
                continue
            at = [index for index, row in enumerate(merged) if row.id == beside]
            if not at:
                there = {row.id for row in merged}
                is_dropped = beside in ids and beside in said.dropped
                problems.append((_beside_dropped if is_dropped else _no_such)(beside, there, place))
                continue
            position = at[-1] + 1 if offset else at[0]
            merged[position:position] = rows
        elif rule not in ids:
            merged.extend(rows)
    return tuple(merged)


def _over(base: Sequence[Row], own: Sequence[Row]) -> tuple[Row, ...]:
    """Give the rows of a layer, each with the rows below that it takes the place of."""
    below: dict[str, list[Replaced]] = {}
    for row in base:
        below.setdefault(row.id, []).append(Replaced(layer=row.layer, file=row.file, line=row.line))
    for row in base:
        # What the layer below had replaced itself is said after it.
        below[row.id].extend(old for old in row.replaced if old not in below[row.id])
    return tuple(attrs.evolve(row, replaced=tuple(below[row.id])) if row.id in below else row for row in own)


def layer_name(files: PackFiles) -> str:
    """Name a layer by the id of its pack, else by its folder."""
    name = _document(files).get("id")
    return name if isinstance(name, str) and name else files.name


def _dropped_and_given(rule: str, place: Place | None) -> Problem:
    return problem(
        "overlay-drop-given",
        message("rule `{rule}` is dropped, and given by another row", rule=rule),
        place=place,
        help=message("a row with the id of a rule of the base replaces it: the row that drops it is not needed"),
    )


def _dropped_twice(rule: str, place: Place | None) -> Problem:
    return problem(
        "overlay-drop-twice",
        message("rule `{rule}` is dropped twice", rule=rule),
        place=place,
        help=message("one row drops every edition of a rule: leave the other out"),
    )


def _placed_twice(rule: str, place: Place | None) -> Problem:
    return problem(
        "overlay-placed-twice",
        message("the rows of rule `{rule}` are told two places", rule=rule),
        place=place,
        help=message("the editions of a rule stand together: tell each the same place"),
    )


def _beside_dropped(rule: str, known: set[str], place: Place | None) -> Problem:
    advice = message("name a rule that stays, or leave the cell empty: the rule then comes at the end")
    if known:
        advice = message("name a rule that stays: {known}", known=", ".join(sorted(known)))
    return problem(
        "overlay-beside-dropped",
        message("the base's rule `{rule}` is dropped here, so nothing can stand beside it", rule=rule),
        place=place,
        help=advice,
    )


def _beside_itself(rule: str, place: Place | None) -> Problem:
    return problem(
        "overlay-itself",
        message("rule `{rule}` is placed beside itself", rule=rule),
        place=place,
        help=message("name another rule, or leave the cell empty: the rule then keeps its place"),
    )


def _no_such(rule: str, known: set[str], place: Place | None) -> Problem:
    near = nearest(rule, known)
    return problem(
        "overlay-rule",
        message("the base has no rule `{rule}` in this table", rule=rule),
        place=place,
        help=_known_rules(near, known),
    )


def _known_rules(near: str | None, known: set[str]) -> Message:
    if near:
        return message("did you mean `{near}`?", near=near)
    if not known:
        return message("the base has no such table: leave the column `overlay` empty")
    return message("known here: {known}", known=", ".join(sorted(known)))
