"""Schedules and posts as plain text, in two languages, each line with the clauses it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from svc_policy.decision import RuleUse
from svc_policy.explain import Wording
from svc_policy.messages import Language, Message, message
from svc_policy.schedule.records import Occurrence, Post, Schedule, Staffing, Undated

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_ABOUT: Final = {
    "contracts": message("contract {name}"),
    "assets": message("device {name}"),
    "sites": message("site {name}"),
    "customers": message("customer {name}"),
}
_EACH: Final = {
    "contracts": message("each contract"),
    "assets": message("each device"),
    "sites": message("each site"),
    "customers": message("each customer"),
}
_EVERY: Final = {
    "day": message("every day"),
    "working day": message("every working day"),
    "week": message("every week"),
    "month": message("every month"),
    "quarter": message("every quarter"),
    "year": message("every year"),
}


def schedule_text(schedule: Schedule, policy: Policy, lang: Language = "en") -> str:
    """Write a schedule day by day, then what has no date, then the readings that it rests on."""
    words = ScheduleWords(policy, lang)
    head = message(
        "{title} ({policy}): schedule from {first} to {last}, both included ({zone}).",
        title=policy.pack.settings.titles[lang],
        policy=f"{schedule.policy_id}@{schedule.digest[:12]}",
        first=words.wording.day(schedule.from_),
        last=words.wording.day(schedule.until),
        zone=policy.pack.settings.timezone,
    )
    lines = [words(head)]
    if not schedule.occurrences:
        lines += ["", words(message("Nothing is due in this period."))]
    for day, items in groupby(schedule.occurrences, key=lambda item: item.on):
        lines += ["", words.wording.weekday_and_day(day)]
        lines += [f"  {_cited(words.line(item), item.rule)}" for item in items]
    if schedule.undated:
        lines += ["", words(message("Without a date"))]
        lines += [f"  {_cited(words.open_line(item), item.rule)}" for item in schedule.undated]
    lines += words.readings([*(item.rule for item in schedule.occurrences), *(item.rule for item in schedule.undated)])
    return "\n".join(lines) + "\n"


def staffing_text(staffing: Staffing, policy: Policy, lang: Language = "en") -> str:
    """Write the posts with their numbers, one a line."""
    words = ScheduleWords(policy, lang)
    head = message(
        "{title} ({policy}): posts on {day}.",
        title=policy.pack.settings.titles[lang],
        policy=f"{staffing.policy_id}@{staffing.digest[:12]}",
        day=words.wording.day(staffing.on),
    )
    lines = [words(head), ""]
    lines += [f"  {_cited(words.post(post), post.rule)}" for post in staffing.posts]
    if not staffing.posts:
        lines.append(words(message("The policy names no posts.")))
    lines += words.readings(post.rule for post in staffing.posts)
    return "\n".join(lines) + "\n"


def _cited(text: str, rule: RuleUse) -> str:
    return f"{text} [{' '.join(rule.cites)}]"


class ScheduleWords:
    """Puts what is due into the words of one policy and language."""

    def __init__(self, policy: Policy, lang: Language) -> None:
        self.policy = policy
        self.wording = Wording(policy, lang)

    def __call__(self, text: Message) -> str:
        """Put a message into words."""
        return self.wording(text)

    def occasion(self, item: Occurrence | Undated) -> str:
        """Name what is due, and what it is about."""
        details = [self.about(item), self.phase(item)]
        if isinstance(item, Occurrence):
            details += [self.counted(item), self.moved(item)]
        return self._with_details(self._capital(self.wording.label(item.occasion)), details)

    def line(self, item: Occurrence) -> str:
        """Say what is due, who does it, for whom."""
        return self(self._by(item))

    def open_line(self, item: Undated) -> str:
        """Say what has no date, and why."""
        return self(message("{what}; {why}", what=self._by(item), why=self._why(item)))

    def _by(self, item: Occurrence | Undated) -> Message:
        values = {"occasion": self.occasion(item), "owner": self.wording.role(item.owner)}
        if item.recipient is None:
            return message("{occasion}: {owner}", **values)
        return message("{occasion}: {owner}, to {recipient}", **values, recipient=self.wording.role(item.recipient))

    def _why(self, item: Undated) -> Message:
        if item.missing is not None:
            return message("“{date}” is missing", date=self.wording.fact(item.missing))
        role = self.wording.role(item.decided_by)
        if item.every is None:
            return message("the interval is to be decided by {role}", role=role)
        return message("{every}; the day is to be decided by {role}", every=self.every(item.every), role=role)

    def every(self, text: str) -> Message:
        """Word a rhythm."""
        return _EVERY.get(text) or message("every {interval}", interval=self.wording.allowance(text, None))

    def about(self, item: Occurrence | Undated) -> str:
        """Name the contract, device, site or customer; its customer, too, where that is another name."""
        if item.over is None:
            return ""
        if item.subject is None:
            return self(_EACH[item.over])
        name = self(message(_ABOUT[item.over].template, name=item.subject))
        return name if item.customer in (None, item.subject) else self.wording.listed([name, str(item.customer)])

    def phase(self, item: Occurrence | Undated) -> str:
        """Name the phase."""
        if item.phase_name is not None:
            return self(
                message("phase {number}: {name}", number=item.phase or 1, name=self.wording.label(item.phase_name))
            )
        return "" if item.phase is None else self(message("phase {number}", number=item.phase))

    def counted(self, item: Occurrence) -> str:
        """Say which day it is counted from, where that is another."""
        if item.counted_from == (item.moved_from or item.on):
            return ""
        return self(message("counted from {day}", day=self.wording.day(item.counted_from)))

    def moved(self, item: Occurrence) -> str:
        """Say which day it was moved from."""
        if item.moved_from is None:
            return ""
        return self(message("moved from {day}", day=self.wording.weekday_and_day(item.moved_from)))

    def post(self, post: Post) -> str:
        """Say how many people a post takes, and why."""
        details = []
        if post.per is not None and post.each is not None:
            values = {"each": post.each, "per": self.wording.label(post.per), "beyond": post.beyond}
            grows = message("one more for each {each} of “{per}”", **values)
            if post.beyond:
                grows = message("one more for each {each} of “{per}” beyond {beyond}", **values)
            details.append(self(grows))
        if post.needs is not None:
            details.append(self(message("“{per}” is not given", per=self.wording.label(post.needs))))
        if post.decided_by is not None:
            role = self.wording.role(post.decided_by)
            template = message("the number is decided by {role}", role=role)
            details.append(
                self(message("more are decided by {role}", role=role) if post.staff is not None else template)
            )
        name = self._capital(self.wording.label(post.post))
        number = message("not settled") if post.staff is None else str(post.staff)
        return self._with_details(self(message("{post}: {number}", post=name, number=number)), details)

    def readings(self, rules: Iterable[RuleUse]) -> Iterator[str]:
        """Yield each interpretation that the rules rest on, once, under a heading."""
        used = {name for rule in rules for name in rule.interpretations}
        found = {name: one for name, one in self.policy.pack.settings.interpretations.items() if name in used}
        if found:
            yield from ("", self(message("Readings")))
        for name, reading in found.items():
            sentence = reading.zh if self.wording.language == "zh" else reading.en
            cites = f" [{' '.join(reading.cites)}]" if reading.cites else ""
            values = {"sentence": sentence, "name": name, "since": reading.since, "cites": cites}
            yield "  " + self(message("{sentence} ({name}, since {since}){cites}", **values))

    def _with_details(self, text: str, details: Iterable[str]) -> str:
        shown = self.wording.parted(detail for detail in details if detail)
        return self(message("{text} ({details})", text=text, details=shown)) if shown else text

    @staticmethod
    def _capital(text: str) -> str:
        return text[:1].upper() + text[1:]
