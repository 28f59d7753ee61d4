"""The page of a report: its words, tables and charts, put into the template beside this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs
from babel.dates import format_date, format_skeleton
from markupsafe import Markup

from svc_policy.audit.codes import CODES, SEVERITIES
from svc_policy.audit.report import STATUS_NAMES
from svc_policy.audit.rules import target_label
from svc_policy.messages import LOCALES, Language, Message, message
from svc_policy.pages import Figure, money, render, share
from svc_policy.report import charts
from svc_policy.report.coming import dated, undated
from svc_policy.statistics.repairs import share_of
from svc_policy.units import minor_digits
from svc_policy.units.days import date_of

if TYPE_CHECKING:
    from svc_policy.report.run import Report

#: Rows of a table, and bars of a ranking; what is beyond is counted in a sentence.
SHOWN: Final = 40
BARS: Final = 12
_SETTLED = ("met", "late", "breached")
_RUNNING = ("pending", "on hold")
_DRAWN = (*_SETTLED, *_RUNNING, "not started", "cancelled", "undetermined")
_STATES: Final[Mapping[str, Message]] = {
    "within": message("within the budget"),
    "warn": message("close to the budget"),
    "over": message("over the budget"),
    "no budget": message("no budget given"),
}
#: What becomes of a target, in the words of the page; the rest are the usual ones.
_STATUSES: Final[Mapping[str, Message]] = {
    **STATUS_NAMES,
    "met": message("met in time"),
    "late": message("met late"),
    "breached": message("missed"),
    "undetermined": message("facts missing"),
}
_RANKED: Final[Mapping[str, Message]] = {
    "problem_class": message("Classes of problems"),
    "cause": message("Causes"),
    "fault_code": message("Faults"),
}
_NONE = Figure("–")


@attrs.frozen
class Listed:
    """The first rows of a table, and how many more there are."""

    rows: Sequence[Sequence[object]]
    more: int = 0

    @classmethod
    def of(cls, rows: Sequence[Sequence[object]], most: int = SHOWN) -> Listed:
        """Take the first rows."""
        return cls(rows[:most], max(0, len(rows) - most))

    def __bool__(self) -> bool:
        return bool(self.rows)


def page(report: Report, language: Language) -> str:
    """Make the page of a report."""
    return render("report/report.html", language, _Page(report, language).values())


class _Page:
    def __init__(self, report: Report, language: Language) -> None:
        self.report = report
        self.found = report.statistics
        self.pack = report.policy.pack
        self.language: Language = language
        self.currency: str = self.found["currency"]
        self.facts = {fact.name: fact for fact in self.pack.settings.facts["ticket"]}

    def values(self) -> dict[str, Any]:
        """Give everything that the template shows."""
        approvals, costs, coming = self.found["approvals"], self.found["costs"], self.report.coming
        return {
            "found": self.found,
            "summary": self.report.summary,
            "service": self.pack.settings.titles.get(self.language, self.pack.id),
            "policy": f"{self.pack.id} {self.report.policy.digest[:12]}",
            "period": self.period(),
            "at": self.instant(self.report.summary["at"]),
            "glance": list(self.glance()),
            "targets": self.targets(),
            "targets_chart": self.targets_chart(),
            "statuses": [
                (_STATUSES[status], charts.COLOURS[status])
                for status in _DRAWN
                if any(counts.get(status) for counts in self.found["targets"].values())
            ],
            "states": [
                (_STATES[state], charts.COLOURS[state])
                for state in _STATES
                if any(row["state"] == state for row in costs)
            ],
            "settled": self.settled(),
            "approvals": Listed.of(
                [
                    (self.label(row["subject"]), self.label(row["approver"]), row["required"], row["waiting"])
                    for row in approvals
                ]
            ),
            "waiting": sum(row["waiting"] for row in approvals),
            "penalties": self.penalties(),
            "dispatch": Listed.of(
                [
                    (row["ticket_id"], self.instant(row["received_at"]), _yes(row["carried_over"]))
                    for row in self.found["dispatch"]
                ]
            ),
            "rankings": list(self.rankings()),
            "causes": Listed.of(list(self.causes())),
            "costs": [self.cost(row) for row in costs],
            "costs_chart": self.costs_chart(),
            "months": list(self.months()),
            "unbudgeted": [self.fact(row["kind"]) for row in costs if row["state"] == "no budget"],
            "parts": self.parts(),
            "stock": self.stock(),
            "satisfaction": self.answers("satisfaction"),
            "reasons": self.answers("dissatisfied_with"),
            "scores": Listed.of(list(self.scores())),
            "coming": None if coming is None else list(dated(self.report.policy, coming, self.language)),
            "undated": [] if coming is None else undated(self.report.policy, coming, self.language),
            "findings": [
                (CODES[code].title, SEVERITIES[CODES[code].severity], item["findings"], item["tickets"])
                for code, item in self.report.findings.items()
            ],
        }

    # --- words

    def label(self, name: str) -> str:
        """Name a role or a word of the policy's tables."""
        return self.pack.label(name, self.language)

    def fact(self, name: str) -> str:
        """Name a fact."""
        fact = self.facts[name]
        return fact.zh if self.language == "zh" else fact.en

    def value(self, fact: str, value: str | None) -> object:
        """Put a value of a fact into words: of its enumeration, of the policy's labels, or as it stands in the log."""
        if value is None:
            return message("not stated")
        texts = self.facts[fact].values.get(value) or self.pack.labels.get(value)
        return texts[self.language == "zh"] if texts and any(texts) else value

    def money(self, minor: int) -> Figure:
        """Show an amount."""
        return money(minor, self.currency)

    def instant(self, text: str) -> str:
        """Show an instant in the policy's zone."""
        instant = datetime.fromisoformat(text)
        return f"{format_date(instant, 'medium', locale=LOCALES[self.language])} {instant:%H:%M}"

    def period(self) -> str:
        """Name the month or the year."""
        first, last = self.report.period.first, self.report.period.last
        if first is None or last is None:
            return message("all tickets").text(self.language)
        begin, end = date(*date_of(first)), date(*date_of(last))
        skeleton = "yMMMM" if begin.month == end.month else "y"
        return str(format_skeleton(skeleton, begin, locale=LOCALES[self.language]))

    # --- the first look

    def glance(self) -> Iterator[tuple[Message, object, object]]:
        """Yield what somebody without time wants to know: a name, a figure, and what it is of."""
        found = self.found
        yield message("tickets received"), f"{found['tickets']:,}", ""
        met, settled = self.settled()
        if settled:
            of = message("{met} of {settled}", met=f"{met:,}", settled=f"{settled:,}")
            yield message("targets met in time"), share(share_of(met, settled) or 0), of
        fixes = found["first_time_fix"]
        if fixes["rate_bp"] is not None:
            of = message("{fixed} of {known}", fixed=f"{fixes['fixed']:,}", known=f"{fixes['known']:,}")
            yield message("fixed at the first attempt"), share(fixes["rate_bp"]), of
        survey = found["survey"]
        if survey["rate_bp"] is not None:
            of = message("{asked} of {tickets}", asked=f"{survey['surveyed']:,}", tickets=f"{survey['tickets']:,}")
            yield message("customers surveyed"), share(survey["rate_bp"]), of
        penalties = found["penalties"]
        if penalties["decided"] or penalties["undecided"]:
            yield message("penalties"), f"{penalties['decided'] + penalties['undecided']:,}", self.between(penalties)
        waiting = sum(row["waiting"] for row in found["approvals"])
        if waiting:
            yield message("approvals waiting"), f"{waiting:,}", message("on tickets that are still open")
        over = [self.fact(row["kind"]) for row in found["costs"] if row["state"] == "over"]
        if over:
            yield (
                message("kinds of cost over the budget"),
                f"{len(over):,}",
                ("、" if self.language == "zh" else ", ").join(over),
            )

    def between(self, penalties: Mapping[str, int]) -> object:
        """Show what penalties come to: one amount, or the least and the most."""
        least, most = self.money(penalties["least_minor"]), self.money(penalties["most_minor"])
        return least if least == most else message("{least} to {most}", least=least, most=most)

    # --- targets

    def settled(self) -> tuple[int, int]:
        """Count the targets met in time, and those met, late or missed."""
        statuses = self.found["targets"].values()
        met = sum(counts.get("met", 0) for counts in statuses)
        return met, sum(counts.get(status, 0) for counts in statuses for status in _SETTLED)

    def shown_targets(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield the targets that applied to any ticket."""
        for target, counts in self.found["targets"].items():
            if any(counts.get(status) for status in _DRAWN):
                yield target_label(self.report.policy, target)[self.language == "zh"], counts

    def targets(self) -> Mapping[str, Any]:
        """Make the table of targets: a column a status that occurs, the outcomes always."""
        counted = list(self.shown_targets())
        seen = [status for status in _DRAWN[3:] if any(counts.get(status) for _, counts in counted)]
        headings = [message("target"), *(_STATUSES[status] for status in _SETTLED), message("share in time")]
        rows = []
        for label, counts in counted:
            outcomes = [counts.get(status, 0) for status in _SETTLED]
            rate = share_of(outcomes[0], sum(outcomes))
            rest = (counts.get(status, 0) for status in seen)
            rows.append((label, *outcomes, _NONE if rate is None else share(rate), *rest))
        return {"headings": [*headings, *(_STATUSES[status] for status in seen)], "rows": rows}

    def targets_chart(self) -> Markup:
        """Draw the targets, one bar each."""
        bars = [
            (
                label,
                [
                    charts.Part(_STATUSES[status].text(self.language), counts.get(status, 0), charts.COLOURS[status])
                    for status in _DRAWN
                ],
            )
            for label, counts in self.shown_targets()
        ]
        return charts.stacks(bars, message("targets").text(self.language), lambda total: f"{total:,}")

    def penalties(self) -> Mapping[str, Any]:
        """Give the penalties with what they come to."""
        return {**self.found["penalties"], "amount": self.between(self.found["penalties"])}

    # --- causes

    def rankings(self) -> Iterator[Mapping[str, Any]]:
        """Yield each ranking that has anything in it: heading, sentence, chart and table."""
        for column, heading in _RANKED.items():
            rows = self.found["rankings"][column]["ranking"]
            if not rows:
                continue
            few = [row for row in rows if row["few"]]
            named = [{**row, "name": str(self.said(column, row["name"]))} for row in rows]
            drawn = [
                {"name": row["name"], "count": row["tickets"], "so_far": row["so_far_bp"] / 10_000, "few": row["few"]}
                for row in named[:BARS]
            ]
            yield {
                "heading": heading,
                "few": len(few),
                "all": len(rows),
                "drawn": len(rows) > 1,
                "so_far": share(few[-1]["so_far_bp"]),
                "not_stated": self.found["rankings"][column]["not_stated"],
                "chart": charts.ranked(
                    drawn,
                    heading.text(self.language),
                    message("tickets").text(self.language),
                    message("share so far").text(self.language),
                ),
                "table": Listed.of(
                    [(row["name"], row["tickets"], share(row["so_far_bp"]), _yes(row["few"])) for row in named], BARS
                ),
            }

    def causes(self) -> Iterator[tuple[object, ...]]:
        """Yield the causes within each class of problems, which is named once."""
        before = None
        if all(row["cause"] is None for row in self.found["causes"]):
            return
        for row in self.found["causes"]:
            of = row["problem_class"]
            if of is not None:
                yield (
                    "" if of == before else self.value("problem_class", of),
                    self.value("cause", row["cause"]),
                    row["tickets"],
                )
                before = of

    def said(self, column: str, value: str | None) -> str:
        """Put a value into words of the page's language."""
        found = self.value(column, value)
        return found.text(self.language) if isinstance(found, Message) else str(found)

    # --- costs

    def cost(self, row: Mapping[str, Any]) -> tuple[object, ...]:
        """Make the row of a kind of cost."""
        due, budget = row["due_minor"], row["budget_minor"]
        state: object = _STATES[row["state"]]
        if row["over_year"]:
            state = message("over the budget of the whole year")
        return (
            self.fact(row["kind"]),
            _unbroken(row["through"]),
            self.money(row["spent_minor"]),
            _NONE if due is None else self.money(due),
            _NONE if budget is None else self.money(budget),
            state,
        )

    def costs_chart(self) -> Markup:
        """Draw what was spent so far against the budget so far."""
        major = 10 ** (minor_digits(self.currency) or 0)
        rows = [
            {
                "name": self.fact(row["kind"]) + ("" if len(self.years()) == 1 else f" {row['year']}"),
                "spent": row["spent_minor"] / major,
                "budget": None if row["due_minor"] is None else row["due_minor"] / major,
                "state": row["state"],
            }
            for row in self.found["costs"]
        ]
        return charts.against(rows, message("costs against the budget").text(self.language), self.currency)

    def years(self) -> set[int]:
        """List the years that costs are reckoned for."""
        return {row["year"] for row in self.found["costs"]}

    def months(self) -> Iterator[Mapping[str, Any]]:
        """Yield the costs month by month, a table a year."""
        for year in sorted(self.years()):
            rows = [row for row in self.found["costs"] if row["year"] == year]
            yield {
                "headings": [message("month"), *(self.fact(row["kind"]) for row in rows)],
                "rows": [
                    (_unbroken(months[0]["month"]), *(self.money(month["spent_minor"]) for month in months))
                    for months in zip(*(row["months"] for row in rows), strict=True)
                ],
            }

    # --- parts

    def parts(self) -> Mapping[str, Any]:
        """Give the parts used: a row a part, most used first, with a column a month where there are several."""
        used: dict[str | None, dict[str, int]] = {}
        for row in self.found["parts"]:
            of = used.setdefault(row["part_no"], {})
            of[row["month"] or ""] = row["quantity"]
        months = sorted({month for of in used.values() for month in of})
        ordered = sorted(used.items(), key=lambda item: (-sum(item[1].values()), item[0] or ""))
        columns = months if 1 < len(months) <= 12 else []
        rows = [
            (number or message("not stated"), sum(of.values()), *(of.get(month, 0) for month in columns))
            for number, of in ordered
        ]
        headings = [
            message("part number"),
            message("quantity used"),
            *(_unbroken(month) or message("not stated") for month in columns),
        ]
        return {"headings": headings, "table": Listed.of(rows)}

    def stock(self) -> Mapping[str, Any]:
        """Give the proposed stock levels; what no part has takes no column."""
        found = self.found["stock"]
        columns: list[tuple[Message, list[object]]] = [
            (message("part number"), [row["part_no"] or message("not stated") for row in found]),
            (message("part class"), [self.label(row["part_class"]) if row["part_class"] else "" for row in found]),
            (message("key equipment"), [_yes(row["key_equipment"]) for row in found]),
            *(
                (heading, [_NONE if row[name] is None else row[name] for row in found])
                for heading, name in (
                    (message("quantity used"), "used"),
                    (message("a month"), "a_month"),
                    (message("least"), "least"),
                    (message("most"), "most"),
                    (message("proposed"), "proposed"),
                )
            ),
            (message("storage"), [self.label(row["storage"]) if row["storage"] else "" for row in found]),
            (
                message("remark"),
                [message("a month's use is more than the most") if row["short"] else "" for row in found],
            ),
        ]
        shown = [(heading, cells) for heading, cells in columns if any(cell != "" for cell in cells)]
        rows = list(zip(*(cells for _, cells in shown), strict=True))
        return {"headings": [heading for heading, _ in shown], "table": Listed.of(rows)}

    # --- customers

    def scores(self) -> Iterator[tuple[object, ...]]:
        """Yield the technicians' scores month by month; each technician is named once."""
        before: object = _NONE
        for row in self.found["appraisals"]:
            name = row["technician"] or message("not stated")
            yield "" if name == before else name, _unbroken(row["month"]), row["tickets"], share(row["score_bp"])
            before = name

    def answers(self, fact: str) -> list[tuple[object, ...]]:
        """Give how often each answer was given, with its share; nothing where none was."""
        counts = self.found["survey"][fact]
        total = sum(counts.values())
        if not total:
            return []
        return [(self.value(fact, name), count, share(share_of(count, total) or 0)) for name, count in counts.items()]


def _unbroken(month: str) -> str:
    """Write a month so that no line is broken within it."""
    return month.replace("-", "\u2011")


def _yes(holds: bool) -> object:
    return message("yes") if holds else ""
