"""What a pack declares and nobody uses, uses and nobody declares, or writes where it can never matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from svc_policy.check.findings import CODES, Finding
from svc_policy.check.possible import Possible
from svc_policy.check.views import Piece, TableView
from svc_policy.errors import Place
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import Message, message
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Row
from svc_policy.tables import Test, contains, neighbours
from svc_policy.tables.regions import Axis, meet
from svc_policy.units import Literal, format_literal

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack

#: Result columns whose words are not labels: names of facts, or open text.
_NO_LABELS: Final = frozenset(
    {("intake", "field"), ("fields", "fact"), ("procedures", "done"), ("fees", "measure"), ("appraisals", "aspect")}
    | {("penalties", "amount of"), ("compensations", "limit of"), ("schedules", "on"), ("staffing", "per")}
    | {("schedules", "anchor"), ("schedules", "over"), ("schedules", "every"), ("budgets", "kind")}
    | {("zones", "zone"), ("holds", "stops"), ("surcharges", "of")}
)


def place_of(row: Row) -> Place:
    """Give the place of a row."""
    return Place(file=row.file, line=row.line or None)


def find_declared(pack: Pack, views: Sequence[TableView], possible: Possible) -> Iterator[Finding]:
    """Find everything that no table tells by its rows alone."""
    yield from _unused_parameters(pack)
    yield from _unused_clauses(pack)
    yield from _undeclared_words(pack)
    for view in views:
        yield from _outside(view)
    yield from _falling_escalations(views, possible)
    yield from _reversed_ranges(pack)
    yield from _unreachable_starts(pack, views)


def _finding(code: str, text: Message, place: Place | None, help_line: Message, **more: object) -> Finding:
    return Finding(code=code, message=text, place=place, help=help_line, severity=CODES[code], **more)  # type: ignore[arg-type]


# --- names


def _unused_parameters(pack: Pack) -> Iterator[Finding]:
    settings = pack.settings
    used = {name for rows in pack.rows.values() for row in rows for name in row.rests_on}
    used.update(name for name in (getattr(settings.money.tax, "name", None), _tax_text(pack)) if name)
    text, file = pack.files.texts["policy"]
    for name in settings.parameters:
        if name in used or not _is_own(text, name):
            continue  # What a base declares for all that are written over it need not be used by each.
        is_reading = name in settings.interpretations
        line = _line_of(text, "interpretations" if is_reading else "parameters", name)
        template = (
            message("interpretation `{name}` changes nothing: no rule rests on it", name=name)
            if is_reading
            else message("parameter `{name}` is used by no rule", name=name)
        )
        yield _finding(
            "interpretation-unused" if is_reading else "parameter-unused",
            template,
            Place(file=file, line=line),
            message("write `{name}` in a cell that hangs on it, or leave it out", name=f"{{{name}}}"),
            subject=name,
            clauses=settings.cites.get(name, ()),
        )


def _tax_text(pack: Pack) -> str | None:
    """Give the parameter that is written as the tax; one without dates has given way to its value."""
    import tomllib

    money = tomllib.loads(pack.files.texts["policy"][0]).get("money", {})
    tax = str(money.get("tax", "")).strip()
    return tax.strip("{}") if tax.startswith("{") else None


def _is_own(text: str, name: str) -> bool:
    import tomllib

    document = tomllib.loads(text)
    return any(name in document.get(section, {}) for section in ("parameters", "interpretations"))


def _line_of(text: str, *path: str) -> int | None:
    from svc_policy.pack.settings_reader import SettingsReader

    return SettingsReader(text, "", []).place(*path).line


def _unused_clauses(pack: Pack) -> Iterator[Finding]:
    cited = {clause for rows in pack.rows.values() for row in rows for clause in row.cites}
    cited.update(clause for clauses in pack.settings.cites.values() for clause in clauses)
    sheet = pack.files.sheets.get("clauses")
    lines = {} if sheet is None or not sheet.rows else {row[0].text.strip(): row[0] for row in sheet.rows}
    for name, clause in pack.clauses.items():
        if name in cited or name not in lines:
            continue
        cell = lines[name]
        yield _finding(
            "clause-unused",
            message("no rule cites the clause `{clause}`", clause=name),
            Place(file=cell.place.file, line=cell.place.line, sheet=cell.place.sheet, cell=cell.place.cell),
            message("write the rule that it asks for, or cite it where its rule stands"),
            subject=clause.id,
            clauses=(name,),
        )


def _undeclared_words(pack: Pack) -> Iterator[Finding]:
    """Find words of forms, steps, items and reasons that no label puts into the reader's language."""
    if not pack.labels:
        return
    known = {*pack.labels, *pack.settings.roles, "customer"}
    known.update(value for facts in pack.settings.facts.values() for fact in facts for value in fact.values)
    seen: set[str] = set()
    for table, rows in pack.rows.items():
        columns = [
            result.name
            for result in FAMILIES[table].results
            if result.kind in ("text", "texts") and not result.values and (table, result.name) not in _NO_LABELS
        ]
        for row in rows:
            for column, word in ((name, word) for name in columns for word in _words(row, name)):
                if word in known or word in seen:
                    continue
                seen.add(word)
                yield _finding(
                    "word-undeclared",
                    message(
                        "`{word}` in `then: {column}` of rule `{rule}` has no label",
                        word=word,
                        column=column,
                        rule=row.id,
                    ),
                    place_of(row),
                    message("write its English and Chinese text in labels.csv"),
                    table=table,
                    rules=(row.id,),
                    subject=word,
                    clauses=row.cites,
                )


def _words(row: Row, column: str) -> Iterable[str]:
    cell = row.results.get(column)
    if isinstance(cell, tuple):
        return cell
    return (str(cell.value),) if isinstance(cell, Literal) and cell.kind == "text" else ()


# --- values


def _outside(view: TableView) -> Iterator[Finding]:
    """Find bounds that no value of the column can have."""
    axes = {axis.name: axis for axis in view.grid.axes}
    said: set[tuple[int, str]] = set()
    for piece in view.pieces[0]:
        for name, test in piece.tests.items():
            axis = axes[name]
            for bound in _bounds(test):
                if _is_inside(axis, bound) or (piece.number, name) in said:
                    continue
                said.add((piece.number, name))
                yield _finding(
                    "value-outside",
                    message(
                        "`{value}` in column `{column}` of rule `{rule}` is no value that it can have",
                        value=format_literal(bound),
                        column=name,
                        rule=piece.row.id,
                    ),
                    place_of(piece.row),
                    message("the values of `{column}` are {domain}", column=name, domain=_domain_words(axis)),
                    table=view.table,
                    rules=(piece.row.id,),
                    subject=name,
                    clauses=piece.row.cites,
                )


def _bounds(test: Test) -> Iterator[Literal]:
    for item in test.items:
        for bound in (item.low, item.high):
            if isinstance(bound, Literal):
                yield bound


def _is_inside(axis: Axis, bound: Literal) -> bool:
    """Say whether a bound is a value of the axis, or the step beside its ends: `< 5` may be written `<= 4`."""
    if not isinstance(bound.value, int) or isinstance(bound.value, bool) or not axis.is_ordered:
        return not axis.values or axis.mask_of(bound.value) != 0
    low, high, step = axis.domain.low, axis.domain.high, axis.domain.step or 1
    if (low is not None and bound.value < low) or (high is not None and bound.value > high):
        return False
    return contains(axis.domain, bound.value) or bool(neighbours(axis.domain, bound.value)) or step == 1


def _domain_words(axis: Axis) -> str:
    domain = axis.domain
    if domain.values is not None:
        return ", ".join(str(value) for value in domain.values)
    low, high = (
        None if end is None else format_literal(Literal(axis.kind, end, axis.unit)) for end in (domain.low, domain.high)
    )
    return f"[{low}..{high}]" if low and high else f">= {low}" if low else f"<= {high}"


# --- time


def _falling_escalations(views: Sequence[TableView], possible: Possible) -> Iterator[Finding]:
    """Find escalations that fall as time passes: a later share of a target's time with a lower level."""
    view = next((view for view in views if view.table == "escalations"), None)
    if view is None:
        return
    names = [axis.name for axis in view.grid.axes]
    if "used_share" not in names or "target" not in names:
        return
    share = names.index("used_share")
    said: set[tuple[str, str]] = set()
    pieces = [piece for piece in view.pieces[0] if "target" in piece.tests and _threshold(piece) is not None]
    for early in pieces:
        for late in pieces:
            first, second = _threshold(early), _threshold(late)
            levels = _level(early), _level(late)
            if first is None or second is None or not first < second or not levels[0] > levels[1]:
                continue
            shared = meet((*early.box[:share], early.box[share] | late.box[share], *early.box[share + 1 :]), late.box)
            if shared is None or not possible.holds(view, shared) or (early.row.id, late.row.id) in said:
                continue
            said.add((early.row.id, late.row.id))
            yield _finding(
                "threshold-order",
                message(
                    "rule `{late}` escalates to level {low} after rule `{early}` has gone to level {high}",
                    late=late.row.id,
                    low=levels[1],
                    early=early.row.id,
                    high=levels[0],
                ),
                place_of(late.row),
                message("a level rises as time passes: swap the thresholds, or the levels"),
                table=view.table,
                rules=(early.row.id, late.row.id),
                clauses=tuple(dict.fromkeys((*early.row.cites, *late.row.cites))),
            )


def _threshold(piece: Piece) -> int | None:
    test = piece.tests.get("used_share")
    low = test.items[0].low if test is not None and test.items else None
    return low.value if isinstance(low, Literal) and isinstance(low.value, int) else None


def _level(piece: Piece) -> int:
    cell = dict(piece.results).get("level")
    return int(cell[1]) if isinstance(cell, tuple) and isinstance(cell[1], int) else 0


def _reversed_ranges(pack: Pack) -> Iterator[Finding]:
    """Find penalties whose least is more than their most."""
    for table in ("penalties", "late_penalties"):
        for row in pack.rows.get(table, ()):
            least, most = (getattr(row.results.get(name), "value", None) for name in ("least", "most"))
            if isinstance(least, int) and isinstance(most, int) and least > most:
                yield _finding(
                    "threshold-order",
                    message("the least of rule `{rule}` is more than its most", rule=row.id),
                    place_of(row),
                    message("swap the two amounts"),
                    table=table,
                    rules=(row.id,),
                    clauses=row.cites,
                )


def _unreachable_starts(pack: Pack, views: Sequence[TableView]) -> Iterator[Finding]:
    """Find targets whose clock can never begin: their start is their end, or waits for itself through other targets."""
    rows = pack.rows.get("deadlines", ())
    starts: dict[str, set[str]] = {}
    for row in rows:
        starts.setdefault(row.text("ends") or "", set()).add(row.text("starts") or "")
    waiting = _waiting(starts)
    for row in rows:
        start, end = row.text("starts") or "", row.text("ends") or ""
        test = row.tests.get(MILESTONES.get(start, ""))
        only_absent = test is not None and test.missing and not test.negated and not test.items
        if start == end:
            why = message("it ends where it starts")
        elif only_absent:
            why = message("the rule holds only while `{start}` is missing", start=MILESTONES[start])
        elif end in waiting:
            why = message("`{start}` is itself due only after `{end}`", start=start, end=end)
        else:
            continue
        yield _finding(
            "start-unreachable",
            message(
                "the time of rule `{rule}` for target `{target}` can never begin: {why}",
                rule=row.id,
                target=end,
                why=why,
            ),
            place_of(row),
            message("let it start from a milestone that comes before it"),
            table="deadlines",
            rules=(row.id,),
            clauses=row.cites,
        )


def _waiting(starts: Mapping[str, set[str]]) -> set[str]:
    """Give the targets that are reached from no milestone which is not a target's end, a circle of waiting."""
    reached: set[str] = set()
    while True:
        more = {
            end
            for end, begins in starts.items()
            if end not in reached and any(start not in starts or start in reached for start in begins)
        }
        if not more:
            return {end for end in starts if end not in reached and end not in starts[end]}
        reached |= more
