"""Open a new edition of a pack: what changes every year is copied under a new date, ready to be edited.

Rows that are in force on the day before get an ``until``, copies of them a ``from``:
those with an amount, and in tables that are named every row. Parameters get a
second value. Files are edited line by line, so that everything else in them stays
as it was, byte for byte. Until somebody edits the copies nothing is decided otherwise.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import attrs

from svc_policy.errors import PackError, Place, Problem, UsageError, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.pack.dated_parameters import dated
from svc_policy.pack.load import Pack, load_changed, load_pack
from svc_policy.pack.source import LIBRARY, find_pack
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Row
from svc_policy.tables import name_key
from svc_policy.tables.lines import Lines, Record, read_lines, with_cell, with_cells_at, written_text
from svc_policy.tables.reading import FIXED
from svc_policy.tables.sheets import replacing
from svc_policy.units import Literal, format_day

#: The tables whose amounts are set anew from time to time, unless others are named.
YEARLY: Final = ("fees", "part_fees", "surcharges", "processing")
#: Kinds of cells that are amounts.
AMOUNTS: Final = ("money", "share")
EPOCH: Final = date(1970, 1, 1).toordinal()


@attrs.frozen(kw_only=True)
class ChangedFile:
    """One file of an edition: its path, how problems name it, its bytes before and after."""

    path: Path
    label: str
    before: bytes
    after: bytes

    def diff(self) -> str:
        """Show the change as a unified diff; line ends that are not line feeds are shown as line feeds."""
        before, after = (_decoded(content).splitlines() for content in (self.before, self.after))
        lines = difflib.unified_diff(before, after, fromfile=self.label, tofile=self.label, lineterm="", n=2)
        return "\n".join(lines)


@attrs.frozen(kw_only=True)
class Edition:
    """What a new edition changes: its files, the rules copied by table, the parameters dated, notes, both digests."""

    from_day: date
    files: tuple[ChangedFile, ...]
    rules: Mapping[str, tuple[str, ...]]
    parameters: tuple[str, ...]
    notes: tuple[Problem, ...]
    before: str
    after: str

    def write(self) -> None:
        """Write the files: all of them beside their places first, then each into its place in one step.

        Raises:
            UsageError: One of them cannot be written. Those that were are put back as they were; one that cannot be
                is named as well.
        """
        try:
            with contextlib.ExitStack() as stack:
                for file in self.files:
                    stack.enter_context(replacing(file.path)).write_bytes(file.after)
        except UsageError as error:
            left = self._put_back()
            raise UsageError([*error.problems, *left]) from None
        except BaseException:
            self._put_back()
            raise

    def _put_back(self) -> list[Problem]:
        """Give the files that were written what they held before; tells which still hold the new edition."""
        left = []
        for file in self.files:
            try:
                if file.path.read_bytes() == file.after:
                    with replacing(file.path) as temporary:
                        temporary.write_bytes(file.before)
            except (OSError, UsageError):
                text = message("the file holds the new edition and cannot be put back")
                advice = message("take the copies out by hand, or the file from where it is kept")
                left.append(problem("edition-left", text, place=Place(file=file.label), help=advice))
        return left


def open_edition(
    name: str | os.PathLike[str],
    from_day: date,
    *,
    tables: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
) -> Edition:
    """Prepare a new edition of a pack's own tables and parameters from a day on; nothing is written yet.

    Args:
        name: The folder of a pack.
        from_day: The first day of the new edition.
        tables: The tables whose rows in force are copied, every one; unless given the rows with an amount in those of
            :data:`YEARLY` that the pack has, and in those that its settings call illustrative.
        parameters: The parameters that get a new value; unless given the tax, and those that are dated already.

    Raises:
        PackError: There is no such pack, or it has errors.
        UsageError: The pack is built in or a workbook, there is an edition from that day or a later one, a table or
            parameter cannot be copied, or nothing is there to copy.
    """
    path = find_pack(name)
    if path.resolve().is_relative_to(LIBRARY / "packs"):
        advice = message("copy it first: `svc-policy new DIR --from {pack}`", pack=path.name)
        raise _refused("edition-built-in", message("the pack `{pack}` is built in", pack=path.name), advice)
    if not path.is_dir():
        text = message("an edition is opened in a folder, and `{pack}` is a workbook", pack=path.name)
        advice = message("copy it into a folder first: `svc-policy new DIR --from {pack}`", pack=path.name)
        raise _refused("edition-workbook", text, advice)
    pack = load_pack(path)
    opening = _Opening(pack, path, from_day)
    for table in opening.tables(tables):
        opening.copy_table(table, is_named=tables is not None)
    chosen = opening.parameters(parameters)
    opening.date_parameters(chosen, is_named=parameters is not None)
    return opening.edition()


class _Opening:
    """Collects the changed files of one edition, and what stands against it."""

    def __init__(self, pack: Pack, path: Path, from_day: date) -> None:
        self.pack = pack
        self.path = path
        self.from_day = from_day
        self.number = from_day.toordinal() - EPOCH
        self.text = from_day.isoformat()
        self.files: list[ChangedFile] = []
        self.copied: dict[str, tuple[str, ...]] = {}
        self.dated: list[str] = []
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    # --- what is copied

    def tables(self, wanted: Sequence[str] | None) -> list[str]:
        """List the tables to copy: those that are named, else those of the pack that change every year."""
        own = [name for name in FAMILIES if (self.path / f"{name}.csv").is_file()]
        if wanted is None:
            usual = (*YEARLY, *self.pack.settings.illustrative)
            return [name for name in own if name in usual]
        for name in wanted:
            if name not in FAMILIES:
                near = nearest(name, FAMILIES)
                advice = message("its own tables: {known}", known=", ".join(own)) if own else None
                advice = message("did you mean `{near}`?", near=near) if near else advice
                self.say("table-unknown", message("there is no table `{name}`", name=name), None, advice)
            elif name not in own:
                advice = message("its own tables: {known}", known=", ".join(own)) if own else None
                self.say("edition-table", message("the pack has no table `{name}` of its own", name=name), None, advice)
            elif FAMILIES[name].governing == "none":
                dated_ones = ", ".join(one for one in own if FAMILIES[one].governing != "none")
                advice = message("its rows hold on every day: edit them where they stand")
                if dated_ones:
                    advice = message("tables that can have editions: {known}", known=dated_ones)
                self.say("edition-undated", message("no date governs the table `{name}`", name=name), None, advice)
        self.stop()
        return [name for name in own if name in wanted]

    def parameters(self, wanted: Sequence[str] | None) -> list[str]:
        """List the parameters to date: those that are named, else the tax and those that are dated already."""
        from svc_policy.pack.overlay import parsed

        known = self.pack.settings.parameters
        document = parsed(self.pack.files.texts["policy"][0])
        own = {
            name
            for section in ("parameters", "interpretations")
            for name, item in dict(document.get(section, {})).items()
            if isinstance(item, dict) and ("value" in item or "values" in item)
        }
        if wanted is None:
            tax = document.get("money", {}).get("tax", "")
            is_outside = not self.pack.settings.money.prices_include_tax
            taxes = {str(tax).strip("{}")} if is_outside else set()
            return [name for name in known if name in own and (name in taxes or len(known[name].values) > 1)]
        for name in wanted:
            if name not in own:
                near = nearest(name, own)
                advice = message("did you mean `{near}`?", near=near) if near else None
                text = message("the pack has no parameter `{name}` of its own", name=name)
                self.say("parameter-unknown", text, None, advice)
        self.stop()
        return list(dict.fromkeys(wanted))

    # --- tables

    def copy_table(self, table: str, *, is_named: bool) -> None:
        """Copy the rows of a table that are in force on the day before: of one that is not named those with amounts."""
        label = self.pack.files.sheets[table].file
        rows = {row.line: row for row in self.pack.rows.get(table, ()) if row.file == label}
        copied = [row for row in rows.values() if is_named or self._has_amount(table, row)]
        self._refuse_later(table, rows.values())
        current = {row.line: row for row in copied if _is_current(row, self.number)}
        if not current:
            if is_named:
                text = message("no row of `{name}` is in force on the day before {day}", name=table, day=self.text)
                advice = message("name another table, or write the rows of the new edition by hand")
                self.say("edition-empty", text, Place(file=label), advice)
            return
        path = self.path / f"{table}.csv"
        before = path.read_bytes()
        lines = read_lines(before)
        if lines is None:
            self.say(
                "edition-encoding",
                message("the file cannot be written back as it is"),
                Place(file=label),
                message("save the file as CSV in UTF-8"),
            )
            return
        changed = attrs.evolve(lines, records=tuple(self._edited(lines, set(current))))
        self.files.append(ChangedFile(path=path.resolve(), label=label, before=before, after=changed.content()))
        self.copied[table] = tuple(row.id for row in current.values())
        self._note_governing(table, label)

    def _note_governing(self, table: str, label: str) -> None:
        """Say that a table is governed by a day that not every ticket tells: with editions it begins to matter."""
        days = {"purchase": message("the day of purchase"), "incident": message("the day of the incident")}
        day = days.get(FAMILIES[table].governing)
        if day is not None:
            text = message("the edition of `{name}` hangs on {day}, not on that of the request", day=day, name=table)
            advice = message("a ticket that does not tell {day} is now asked for it", day=day)
            self.notes.append(problem("edition-governed", text, place=Place(file=label), help=advice, severity="note"))

    def _has_amount(self, table: str, row: Row) -> bool:
        """Whether a row gives an amount of its own, other than nothing; a parameter has editions of its own."""
        kinds = {result.name: result.kind for result in FAMILIES[table].results}
        of_parameters = [literal for one in self.pack.settings.parameters.values() for _, literal in one.values]
        return any(
            kinds[name] in AMOUNTS
            and isinstance(cell, Literal)
            and cell.value != 0
            and not any(cell is literal for literal in of_parameters)
            for name, cell in row.results.items()
        )

    def _refuse_later(self, table: str, rows: Iterable[Row]) -> None:
        """Refuse to open an edition before or on the day of one that is there."""
        for row in rows:
            if row.since is not None and row.since >= self.number:
                self._say_taken(f"{table}.{row.id}", row.since, Place(file=row.file, line=row.line))
                return

    def _say_taken(self, name: str, since: int, place: Place) -> None:
        if since == self.number:
            text = message("`{name}` has an edition from {day} already", name=name, day=self.text)
        else:
            day = format_day(since)
            text = message("`{name}` has an edition from {later}, after {day}", name=name, later=day, day=self.text)
        self.say("edition-taken", text, place, message("edit that one, or name a later day"))

    def _edited(self, lines: Lines, current: set[int]) -> Iterator[Record]:
        """Yield the records with the dates put in and the copies beside what they are copied from."""
        header = next(record for record in lines.records if not record.is_empty)
        since, until, added = _date_columns(header)
        for record in lines.records:
            if record.is_empty:
                yield record
                continue
            is_header = record is header
            shaped = record
            for index, heading in added:
                shaped = with_cells_at(shaped, min(index, len(shaped.cells)), [heading if is_header else ""])
            if is_header or record.line not in current:
                yield shaped
                continue
            yield attrs.evolve(with_cell(shaped, until, self.text), end=shaped.end or lines.line_end)
            yield with_cell(shaped, since, self.text)

    # --- parameters

    def date_parameters(self, names: Sequence[str], *, is_named: bool) -> None:
        """Give parameters a value from the day on."""
        text, label = self.pack.files.texts["policy"]
        new = text
        for name in names:
            last = self.pack.settings.parameters[name].values[-1][0]
            if last is not None and last >= self.number:
                self._say_taken(name, last, Place(file=label))
                continue
            found = dated(new, name, self.text)
            if found is None:
                note = problem(
                    "edition-parameter",
                    message("the value of `{name}` does not stand under a heading of its own and was left", name=name),
                    place=Place(file=label),
                    help=message("write it under `[parameters.{name}]`, or date it by hand", name=name),
                    severity="error" if is_named else "note",
                )
                (self.problems if is_named else self.notes).append(note)
                continue
            new = found
            self.dated.append(name)
        if new != text:
            path = self.path / "policy.toml"
            before = path.read_bytes()
            mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
            self.files.append(
                ChangedFile(path=path.resolve(), label=label, before=before, after=mark + new.encode("utf-8"))
            )

    # --- the whole

    def edition(self) -> Edition:
        """Load the pack as it would be, and give the edition; whatever is wrong with it is said, and nothing written.

        Raises:
            UsageError: There is nothing to copy, or an edition stands against it.
        """
        self.stop()
        if not self.files:
            text = message("the pack has nothing that changes from edition to edition")
            advice = message("name tables with `--tables`, or parameters with `--parameters`")
            raise _refused("edition-empty", text, advice)
        try:
            changed = load_changed(self.path, {file.path: file.after for file in self.files})
        except PackError as error:
            raise UsageError(error.problems) from None
        self._note_calendar()
        return Edition(
            from_day=self.from_day,
            files=tuple(self.files),
            rules=self.copied,
            parameters=tuple(self.dated),
            notes=tuple(self.notes),
            before=self.pack.digest,
            after=changed.digest,
        )

    def _note_calendar(self) -> None:
        valid = self.pack.settings.valid
        if valid is not None and date.fromisoformat(valid[1]) < self.from_day:
            text = message("the calendar ends on {last}, before the edition begins", last=valid[1])
            advice = message("run `svc-policy calendar refresh`, and set `calendar.valid`")
            place = Place(file=self.pack.files.texts["policy"][1])
            self.notes.append(problem("edition-calendar", text, place=place, help=advice, severity="note"))

    def say(self, code: str, text: Message, place: Place | None = None, advice: Message | None = None) -> None:
        """Note what stands against the edition."""
        self.problems.append(problem(code, text, place=place, help=advice))

    def stop(self) -> None:
        """Stop where something stands against the edition.

        Raises:
            UsageError: With all of it.
        """
        if self.problems:
            raise UsageError(self.problems)


def _is_current(row: Row, day: int) -> bool:
    """Whether a row is in force on the day before, and would be on the day itself."""
    return (row.since is None or row.since < day) and (row.until is None or row.until > day)


def _date_columns(header: Record) -> tuple[int, int, list[tuple[int, str]]]:
    """Find the columns of both dates; says where they are to be added, from left to right, where one is missing."""
    roles: dict[str, int] = {}
    for index, cell in enumerate(header.cells):
        for role in ("from", "until"):
            if name_key(written_text(cell)) in {name_key(name) for name in (role, *FIXED[role])}:
                roles.setdefault(role, index)
    if "from" in roles and "until" in roles:
        return roles["from"], roles["until"], []
    if "from" in roles:
        at = roles["from"] + 1
        return roles["from"], at, [(at, "until")]
    if "until" in roles:
        return roles["until"], roles["until"] + 1, [(roles["until"], "from")]
    return 1, 2, [(1, "from"), (2, "until")]


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", "replace")


def _refused(code: str, text: Message, advice: Message) -> UsageError:
    return UsageError([problem(code, text, help=advice)])
