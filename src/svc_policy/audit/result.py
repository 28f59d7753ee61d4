"""What an audit gives back: a summary, the findings one by one, and the forms in which they are shown."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from svc_policy.audit.findings import COLUMNS, FINDINGS
from svc_policy.messages import Language
from svc_policy.tables.sheets import neutralise

if TYPE_CHECKING:
    import tempfile
    from types import TracebackType

    import duckdb

    from svc_policy.policy import Policy

Format = Literal["text", "json", "csv", "html"]
FORMATS: tuple[Format, ...] = ("text", "json", "csv", "html")
_AT_ONCE = 2000


@attrs.frozen(kw_only=True, eq=False)
class AuditResult:
    """The result of an audit; it holds the findings in a database until it is closed.

    `summary` is what ``summary.json`` holds; `paths` the files written, by name;
    `policy` the policy that decided, with the calendar of the mapping.
    """

    summary: Mapping[str, Any]
    paths: Mapping[str, Path]
    policy: Policy
    connection: duckdb.DuckDBPyConnection = attrs.field(repr=False)
    scratch: tempfile.TemporaryDirectory[str] | None = attrs.field(default=None, repr=False)

    @property
    def found(self) -> int:
        """How many findings there are."""
        return sum(int(item["count"]) for item in self.summary["findings"].values())

    def findings(self, *, code: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the findings in the order of the log, each as JSON-ready data; see ``svc-policy schema finding``."""
        where = "" if code is None else f" WHERE code = '{code.replace(chr(39), chr(39) * 2)}'"
        bound = "" if limit is None else f" LIMIT {int(limit)}"
        # A cursor of its own: the caller may ask for something else in between.
        cursor = self.connection.cursor()
        asked = cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {FINDINGS}{where}{bound}")
        while rows := asked.fetchmany(_AT_ONCE):
            for row in rows:
                found = dict(zip(COLUMNS, row, strict=True))
                for name in ("rule", "clauses", "interpretations"):
                    found[f"{name}s" if name == "rule" else name] = str(found.pop(name) or "").split()
                yield {key: found[key] for key in KEYS}

    def render(self, form: Format = "text", language: Language = "en") -> Iterator[str]:
        """Yield the result in a form, piece by piece: the summary as text or a page, or the findings as JSON or CSV."""
        if form == "json":
            yield from self._json()
        elif form == "csv":
            yield from self._csv()
        elif form == "html":
            from svc_policy.audit.page import page

            yield page(self, language)
        else:
            yield self.text(language)

    def text(self, language: Language = "en") -> str:
        """Put the summary into lines for a terminal."""
        from svc_policy.audit.report import report

        return report(self, language)

    def _json(self) -> Iterator[str]:
        yield f'{{"schema": 1, "summary": {json.dumps(self.summary, ensure_ascii=False)}, "findings": ['
        for index, finding in enumerate(self.findings()):
            yield ("\n" if index == 0 else ",\n") + json.dumps(finding, ensure_ascii=False)
        yield "\n]}\n"

    def _csv(self) -> Iterator[str]:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(KEYS)
        for finding in self.findings():
            writer.writerow(
                neutralise(" ".join(value) if isinstance(value, list) else value)
                if isinstance(value, str | list)
                else value
                for value in finding.values()
            )
            if text.tell() > 1 << 16:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()

    def close(self) -> None:
        """Let go of the database; the summary stays."""
        self.connection.close()
        if self.scratch is not None:
            self.scratch.cleanup()

    def __enter__(self) -> AuditResult:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


#: The keys of a finding as data, in order.
KEYS = tuple({"rule": "rules"}.get(name, name) for name in COLUMNS)
