"""The result of an audit as one page of HTML that needs nothing else: no script, no style sheet, no picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from svc_policy.audit.codes import CODES, SEVERITIES
from svc_policy.audit.report import STATUS_NAMES, money, rejected_reasons
from svc_policy.audit.rules import target_label
from svc_policy.messages import Language, message
from svc_policy.pages import render

if TYPE_CHECKING:
    from svc_policy.audit.result import AuditResult

_SHOWN = 500
_COLOURS = {
    "met": "#2e7d32",
    "late": "#ef6c00",
    "breached": "#c62828",
    "on hold": "#6a1b9a",
    "pending": "#1565c0",
    "not started": "#90a4ae",
    "cancelled": "#607d8b",
    "undetermined": "#bdbdbd",
}
_SEVERITY_COLOURS = {"error": "#c62828", "warning": "#ef6c00", "note": "#1565c0"}


def page(result: AuditResult, language: Language) -> str:
    """Make the page: what went in, findings by code, targets by status, the first findings one by one."""
    summary = result.summary
    policy = f"{summary['policy']['id']} {summary['policy']['digest'][:12]}"
    bars = [
        (f"{code} {CODES[code].title.text(language)}", int(item["count"]), _SEVERITY_COLOURS[CODES[code].severity])
        for code, item in summary["findings"].items()
    ]
    values = {
        "title": message("audit of {files}", files=", ".join(summary["log"]["files"])),
        "service": result.policy.pack.settings.titles.get(language, policy),
        "policy": policy,
        "at": summary["at"],
        "rows": summary["rows"],
        "tickets": summary["tickets"],
        "reasons": rejected_reasons(result),
        "bars": _bars(bars),
        "codes": [
            (code, SEVERITIES[CODES[code].severity], CODES[code].title, int(item["count"]), _amounts(result, item))
            for code, item in summary["findings"].items()
        ],
        "stacks": _stacks(result, language),
        "shown": min(_SHOWN, result.found),
        "findings": [
            (
                str(finding["ticket_id"]),
                str(finding["code"]),
                str(finding["text_zh" if language == "zh" else "text"]),
                " ".join(finding["rules"]),
            )
            for finding in result.findings(limit=_SHOWN)
        ],
    }
    return render("audit/audit.html", language, values)


def _amounts(result: AuditResult, item: Mapping[str, int]) -> str:
    if "amount_minor" not in item:
        return ""
    least, most = money(result, item["amount_minor"]), money(result, item["amount_most_minor"])
    return least if least == most else f"{least} – {most}"


def _bars(bars: Iterable[tuple[str, int, str]]) -> Markup:
    """Draw one bar a label, the longest 420 wide."""
    bars = list(bars)
    if not bars:
        return Markup()
    most = max(count for _, count, _ in bars)
    drawn = [
        f'<text x="300" y="{26 * index + 17}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="310" y="{26 * index + 4}" width="{max(1, 420 * count // most)}" height="18" fill="{colour}"/>'
        f'<text x="{316 + max(1, 420 * count // most)}" y="{26 * index + 17}">{count:,}</text>'
        for index, (label, count, colour) in enumerate(bars)
    ]
    return _drawing(26 * len(bars) + 6, drawn)


def _stacks(result: AuditResult, language: Language) -> Markup:
    """Draw one bar a target, divided by status, with a legend."""
    drawn, line, used = [], 0, []
    for target, statuses in result.summary["targets"].items():
        shown = {name: count for name, count in statuses.items() if name in _COLOURS}
        total = sum(shown.values())
        if not total:
            continue
        label = target_label(result.policy, target)[language == "zh"]
        drawn.append(f'<text x="300" y="{26 * line + 17}" text-anchor="end">{escape(label)}</text>')
        before = 0
        for name, count in shown.items():
            left, right = 310 + 420 * before // total, 310 + 420 * (before + count) // total
            tip = escape(f"{STATUS_NAMES[name].text(language)}: {count:,}")
            drawn.append(
                f'<rect x="{left}" y="{26 * line + 4}" width="{right - left}" height="18" fill="{_COLOURS[name]}">'
                f"<title>{tip}</title></rect>"
            )
            before += count
            if name not in used:
                used.append(name)
        drawn.append(f'<text x="736" y="{26 * line + 17}">{total:,}</text>')
        line += 1
    if not line:
        return Markup()
    for index, name in enumerate(used):
        x, y = 310 + 105 * (index % 4), 26 * line + 10 + 22 * (index // 4)
        drawn.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{_COLOURS[name]}"/>')
        drawn.append(f'<text x="{x + 17}" y="{y + 11}">{escape(STATUS_NAMES[name].text(language))}</text>')
    height = 26 * line + 16 + 22 * -(-len(used) // 4)
    return _drawing(height, drawn)


def _drawing(height: int, drawn: Iterable[str]) -> Markup:
    # Every label in it was escaped.
    return Markup(f'<svg role="img" width="820" height="{height}" viewBox="0 0 820 {height}">{"".join(drawn)}</svg>')  # noqa: S704
