"""The result of an audit as one page of HTML that needs nothing else: no script, no style sheet, no picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from itertools import zip_longest
from typing import TYPE_CHECKING

from svc_policy.audit.codes import CODES, SEVERITIES
from svc_policy.audit.report import STATUS_NAMES, money, rejected_reasons
from svc_policy.audit.rules import target_label
from svc_policy.messages import Language, Message, message

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
_STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans SC',sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}th,td{text-align:left;padding:.25em .6em;"
    "border-bottom:1px solid #ddd;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}.q{color:#666}svg{display:block;margin:.5em 0}"
    "text{font:13px system-ui,'Noto Sans SC',sans-serif}"
)


def page(result: AuditResult, language: Language) -> str:
    """Make the page: what went in, findings by code, targets by status, the first findings one by one."""

    def words(template: Message) -> str:
        return escape(template.text(language))

    summary = result.summary
    title = words(message("audit of {files}", files=", ".join(summary["log"]["files"])))
    policy = f"{summary['policy']['id']} {summary['policy']['digest'][:12]}"
    rows, tickets = summary["rows"], summary["tickets"]
    titles = result.policy.pack.settings.titles
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f'<p class="q">{escape(titles.get(language, policy))} ({escape(policy)}) · {escape(summary["at"])}</p>',
        _table(
            ["", words(message("in")), words(message("used")), words(message("rejected"))],
            [
                [words(message("rows")), rows["in"], rows["used"], rows["rejected"]],
                [words(message("tickets")), tickets["in"], tickets["decided"], tickets["rejected"]],
            ],
        ),
    ]
    reasons = rejected_reasons(result)
    if reasons:
        parts.append(f"<h2>{words(message('rejected'))}</h2>")
        parts.append(_table([], [[escape(reason), count] for reason, count in reasons]))
    parts.append(f"<h2>{words(message('findings'))}</h2>")
    bars = [
        (f"{code} {CODES[code].title.text(language)}", int(item["count"]), _SEVERITY_COLOURS[CODES[code].severity])
        for code, item in summary["findings"].items()
    ]
    parts.append(_bars(bars))
    parts.append(
        _table(
            [words(message("code")), "", words(message("finding")), words(message("number")), words(message("amount"))],
            [
                [
                    code,
                    words(SEVERITIES[CODES[code].severity]),
                    words(CODES[code].title),
                    int(item["count"]),
                    escape(_amounts(result, item)),
                ]
                for code, item in summary["findings"].items()
            ],
        )
    )
    parts.append(f"<h2>{words(message('targets'))}</h2>")
    parts.append(_stacks(result, language))
    parts.append(f"<h2>{words(message('the first {count} findings', count=min(_SHOWN, result.found)))}</h2>")
    parts.append(
        _table(
            [words(message("ticket")), words(message("code")), words(message("finding")), words(message("rule"))],
            [
                [
                    escape(str(finding["ticket_id"])),
                    escape(str(finding["code"])),
                    escape(str(finding["text_zh" if language == "zh" else "text"])),
                    escape(" ".join(finding["rules"])),
                ]
                for finding in result.findings(limit=_SHOWN)
            ],
        )
    )
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def _amounts(result: AuditResult, item: Mapping[str, int]) -> str:
    if "amount_minor" not in item:
        return ""
    least, most = money(result, item["amount_minor"]), money(result, item["amount_most_minor"])
    return least if least == most else f"{least} – {most}"


def _table(headings: Iterable[str], rows: Iterable[Iterable[str | int]]) -> str:
    """Make a table; texts come escaped, numbers and their headings stand right."""
    listed = [tuple(row) for row in rows]
    numeric = [isinstance(cell, int) for cell in listed[0]] if listed else []
    heads = "".join(
        f'<th class="n">{heading}</th>' if is_number else f"<th>{heading}</th>"
        for heading, is_number in zip_longest(headings, numeric)
        if heading is not None
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="n">{cell:,}</td>' if isinstance(cell, int) else f"<td>{cell}</td>" for cell in row)
        + "</tr>"
        for row in listed
    )
    return f"<table>{f'<thead><tr>{heads}</tr></thead>' if heads else ''}<tbody>{body}</tbody></table>"


def _bars(bars: Iterable[tuple[str, int, str]]) -> str:
    """Draw one bar a label, the longest 420 wide."""
    bars = list(bars)
    if not bars:
        return ""
    most = max(count for _, count, _ in bars)
    drawn = [
        f'<text x="300" y="{26 * index + 17}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="310" y="{26 * index + 4}" width="{max(1, 420 * count // most)}" height="18" fill="{colour}"/>'
        f'<text x="{316 + max(1, 420 * count // most)}" y="{26 * index + 17}">{count:,}</text>'
        for index, (label, count, colour) in enumerate(bars)
    ]
    return _drawing(26 * len(bars) + 6, drawn)


def _stacks(result: AuditResult, language: Language) -> str:
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
        return ""
    for index, name in enumerate(used):
        x, y = 310 + 105 * (index % 4), 26 * line + 10 + 22 * (index // 4)
        drawn.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{_COLOURS[name]}"/>')
        drawn.append(f'<text x="{x + 17}" y="{y + 11}">{escape(STATUS_NAMES[name].text(language))}</text>')
    height = 26 * line + 16 + 22 * -(-len(used) // 4)
    return _drawing(height, drawn)


def _drawing(height: int, drawn: Iterable[str]) -> str:
    return f'<svg role="img" width="820" height="{height}" viewBox="0 0 820 {height}">{"".join(drawn)}</svg>'
