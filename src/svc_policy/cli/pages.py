"""Write pages to files or to standard output; whoever waits for one learns beforehand that it cannot be written."""

from __future__ import annotations

from pathlib import Path

from svc_policy.cli.session import Session
from svc_policy.errors import Place, UsageError, problem, reason_of
from svc_policy.messages import message

#: Stands for standard output in the place of a file.
OUTPUT = "-"


def expect_page(file: str) -> None:
    """See that a page can be written, and leave everything as it was.

    Raises:
        UsageError: It cannot.
    """
    if file == OUTPUT:
        return
    is_new = not Path(file).exists()
    _write(file, "", mode="a")
    if is_new:
        Path(file).unlink()


def write_page(session: Session, file: str, text: str, *, aside: bool = False) -> None:
    """Write a page to a file, which is replaced, or to standard output; `aside` tells of it on standard error.

    Raises:
        UsageError: The file cannot be written.
    """
    if file == OUTPUT:
        session.write(text.rstrip("\n"))
        return
    _write(file, text, mode="w")
    (session.note if aside else session.write)(message("wrote {path}", path=file))


def _write(file: str, text: str, *, mode: str) -> None:
    try:
        with open(file, mode, encoding="utf-8") as page:
            page.write(text)
    except OSError as error:
        reason = reason_of(error)
        unwritable = message("the file cannot be written: {reason}", reason=reason)
        raise UsageError([problem("file-unwritable", unwritable, place=Place(file=file))]) from None
