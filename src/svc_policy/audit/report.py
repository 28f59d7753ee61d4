"""The summary of an audit as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from svc_policy.audit.codes import CODES, SEVERITIES
from svc_policy.audit.rules import target_label
from svc_policy.errors import display_width
from svc_policy.messages import Language, Message, message
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from svc_policy.audit.result import AuditResult

#: How statuses are called.
STATUS_NAMES: dict[str, Message] = {
    "not started": message("not started"),
    "pending": message("pending"),
    "on hold": message("on hold"),
    "met": message("met"),
    "late": message("late"),
    "breached": message("breached"),
    "cancelled": message("cancelled"),
    "not applicable": message("not applicable"),
    "undetermined": message("undetermined"),
}
_EXAMPLES = 2


def report(result: AuditResult, language: Language) -> str:
    """Put the summary of an audit into words: what went in, what was found, how the targets stand."""
    summary, lines = result.summary, []

    def say(template: Message) -> None:
        lines.append(template.text(language))

    files = ", ".join(summary["log"]["files"])
    policy = f"{summary['policy']['id']} {summary['policy']['digest'][:12]}"
    say(message("audit of {files} under {policy}, as of {at}", files=files, policy=policy, at=summary["at"]))
    rows, tickets = summary["rows"], summary["tickets"]
    say(
        message(
            "rows: {all} = {used} used + {rejected} rejected",
            all=rows["in"],
            used=rows["used"],
            rejected=rows["rejected"],
        )
    )
    say(
        message(
            "tickets: {all} = {decided} decided + {rejected} rejected",
            all=tickets["in"],
            decided=tickets["decided"],
            rejected=tickets["rejected"],
        )
    )
    lines.extend(f"  {padded(str(count), 7, right=True)}  {reason}" for reason, count in rejected_reasons(result))
    lines.append("")
    found = summary["findings"]
    if not found:
        say(message("nothing was found"))
    for code, item in found.items():
        title = CODES[code].title.text(language)
        severity = SEVERITIES[CODES[code].severity].text(language)
        head = f"{code}  {padded(severity, 8)} {padded(str(item['count']), 7, right=True)}  {title}"
        lines.append(f"{head}{_figures(result, code, language)}")
        for finding in result.findings(code=code, limit=_EXAMPLES):
            text = finding["text_zh" if language == "zh" else "text"]
            lines.append(f"    {finding['ticket_id']}: {text}")
    lines.append("")
    say(message("targets"))
    labels = {target: _label(result, target, language) for target in summary["targets"]}
    width = max((display_width(label) for label in labels.values()), default=0)
    for target, statuses in summary["targets"].items():
        shown = {name: count for name, count in statuses.items() if name != "not applicable"}
        if shown:
            counted = ", ".join(f"{STATUS_NAMES[name].text(language)} {count}" for name, count in shown.items())
            lines.append(f"  {padded(labels[target], width)}  {counted}")
    if result.paths:
        lines.append("")
        folder = next(iter(result.paths.values())).parent
        say(message("written to {folder}: {files}", folder=str(folder), files=", ".join(result.paths)))
    return "\n".join(lines) + "\n"


def rejected_reasons(result: AuditResult) -> list[tuple[str, int]]:
    """List why rows and tickets were rejected, one example of each reason with its line."""
    rows = result.connection.cursor().execute(
        "SELECT arg_min(file, line) || ':' || min(line) || ': ' || arg_min(reason, line), count(*) FROM rejected "
        "GROUP BY code ORDER BY 2 DESC, any_value(problem), min(file), min(line)"
    )
    return [(str(reason), int(count)) for reason, count in rows.fetchall()]


def money(result: AuditResult, minor: int) -> str:
    """Show minor units as an amount with its currency."""
    currency = result.summary["money"]["currency"]
    digits = minor_digits(currency) or 0
    sign, minor = ("-" if minor < 0 else ""), abs(minor)
    whole, rest = divmod(minor, 10**digits)
    return f"{sign}{whole:,}" + (f".{rest:0{digits}}" if digits else "") + f" {currency}"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text with blanks up to a number of terminal columns."""
    blanks = " " * max(0, width - display_width(text))
    return blanks + text if right else text + blanks


def _label(result: AuditResult, target: str, language: Language) -> str:
    return target_label(result.policy, target)[language == "zh"]


def _figures(result: AuditResult, code: str, language: Language) -> str:
    item = result.summary["findings"][code]
    if "amount_minor" not in item or code == "OVR001":
        return ""
    least, most = item["amount_minor"], item["amount_most_minor"]
    if least == most:
        return f": {money(result, least)}"
    template = message("{least} to {most}", least=money(result, least), most=money(result, most))
    return f": {template.text(language)}"
