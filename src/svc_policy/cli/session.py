"""What a command writes to: the reader's language, the two streams, tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

import attrs
import click

from svc_policy.errors import PolicyError, display_width
from svc_policy.messages import Language, Message, message


@attrs.define
class Session:
    """One run of the command line."""

    language: Language

    def words(self, text: Message | str) -> str:
        """Put a message into the reader's words."""
        return text.text(self.language) if isinstance(text, Message) else text

    def write(self, text: Message | str = "") -> None:
        """Write a line of results."""
        click.echo(self.words(text))

    def note(self, text: Message | str) -> None:
        """Write a line that is no result: progress, a hint."""
        click.echo(self.words(text), err=True)

    def write_json(self, value: Any) -> None:
        """Write results as JSON."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def report(self, error: PolicyError) -> None:
        """Write everything that is wrong, and how much it is."""
        click.echo(error.render(self.language), err=True)
        if len(error.problems) > 1:
            click.echo("", err=True)
            self.note(message("{count} problems", count=len(error.problems)))

    def table(self, headings: Sequence[Message | str], rows: Iterable[Sequence[object]], *, right: str = "") -> None:
        """Write a table: framed on a terminal, aligned plain text elsewhere.

        `right` has an `r` for each column whose cells stand on the right, as in ``..r``.
        """
        heads = [self.words(heading) for heading in headings]
        texts = [["" if cell is None else self.words(str(cell)) for cell in row] for row in rows]
        aligned = [right[index : index + 1] == "r" for index in range(len(heads))]
        if sys.stdout.isatty():
            self._framed(heads, texts, aligned)
            return
        widths = [max(display_width(row[index]) for row in (heads, *texts)) for index in range(len(heads))]
        for row in (heads, *texts):
            cells = [_padded(text, width, on_right) for text, width, on_right in zip(row, widths, aligned, strict=True)]
            click.echo("  ".join(cells).rstrip())

    @staticmethod
    def _framed(heads: Sequence[str], texts: Sequence[Sequence[str]], aligned: Sequence[bool]) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for head, on_right in zip(heads, aligned, strict=True):
            table.add_column(Text(head), justify="right" if on_right else "left", overflow="fold")
        for row in texts:
            table.add_row(*map(Text, row))
        Console().print(table)


def _padded(text: str, width: int, on_right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if on_right else text + space


def ready_streams(streams: Iterable[IO[str]] | None = None) -> None:
    """See that the streams can write every text: what cannot be encoded never stops a command.

    A stream that lacks Chinese (as under an ASCII or Latin locale) becomes UTF-8.
    """
    for stream in (sys.stdout, sys.stderr) if streams is None else streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        try:
            "售后".encode(getattr(stream, "encoding", None) or "ascii")
        except (UnicodeEncodeError, LookupError):
            reconfigure(encoding="utf-8", errors="backslashreplace")
        else:
            reconfigure(errors="backslashreplace")


def session_of(context: click.Context) -> Session:
    """Give the session of a running command."""
    found = context.find_root().obj
    if not isinstance(found, Session):
        raise TypeError("a command runs under the root command")
    return found
