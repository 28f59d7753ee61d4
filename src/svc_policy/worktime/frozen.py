"""Frozen days: the exceptions to a working week, taken from the `holidays` package once and kept.

A pack decides by what stands in its `calendar.csv`, so that a replay in five
years decides the same, whatever a later release of `holidays` says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from svc_policy.errors import CalendarError, Place, Problem, UsageError, nearest, problem
from svc_policy.messages import LOCALES, Language, message
from svc_policy.worktime.windows import WEEKDAYS, HoursLike, Windows, read_week, unknown_weekday, windows_text

Kind = Literal["off", "work"]


@attrs.frozen(kw_only=True)
class FrozenDay:
    """One exception to the week.

    A day is off (`windows` is empty), has windows of its own (seconds after
    local midnight), or has the hours of a weekday (`as_weekday`), which is how
    a make-up day is written. A provisional day rests on a guess: nobody has
    announced it yet.
    """

    day: dt.date
    windows: Windows = ()
    as_weekday: str | None = None
    why: str = ""
    provisional: bool = False
    place: Place | None = attrs.field(default=None, eq=False)

    @property
    def kind(self) -> Kind:
        """Whether the day is `off` or `work`."""
        return "work" if self.windows or self.as_weekday else "off"


@attrs.frozen(kw_only=True)
class Arrangement:
    """A country whose days off and make-up days a government announces year by year."""

    first: int
    last: int
    source: str


ARRANGED: Final[Mapping[str, Arrangement]] = {
    # Every day of these years was compared with the notices; the package guesses all later years.
    "CN": Arrangement(
        first=2015,
        last=2026,
        source="General Office of the State Council, notice of 4 November 2025 on the holidays of 2026",
    ),
}


def refresh(
    country: str,
    years: Iterable[int],
    *,
    subdivision: str | None = None,
    week: Mapping[str, HoursLike] | Iterable[str] = WEEKDAYS[:5],
    provisional: bool = False,
    language: Language = "en",
    today: dt.date | None = None,
) -> list[FrozenDay]:
    """Derive the exceptions to a working week from the `holidays` package.

    These are the holidays on days that are worked by the week, off, and the
    weekend days that are worked in exchange, with the hours of the week's
    first working day. Where a government arranges whole breaks (China), the
    weekend days that adjoin a holiday are part of the break and off too.

    Args:
        country: ISO 3166-1 code, `CN`.
        years: the years to freeze.
        subdivision: a part of the country with holidays of its own, `BY`.
        week: the weekdays worked, or their hours as in `WorkCalendar.from_week`.
        provisional: also give years that nobody has announced, marked provisional.
        language: of the names, in English where the package has no Chinese;
            never that of the environment, so that the same call gives the same file.
        today: for countries that announce nothing: days of years after the next
            one are marked provisional, since the law may change; now by default.

    Raises:
        UsageError: the `holidays` package is missing or does not know the
            country; or a year is not announced yet and `provisional` is not set.
        CalendarError: the week cannot be read.
    """
    country = country.upper()
    chosen = sorted(set(years))
    worked = _worked_weekdays(week)
    arrangement = ARRANGED.get(country)
    if arrangement is not None and not provisional:
        _refuse_unannounced(country, chosen, arrangement)
    read = set(chosen)
    if arrangement is not None:
        # A break may run over the turn of the year.
        beside = {year + step for year in chosen for step in (-1, 1)}
        read |= {year for year in beside if arrangement.first <= year <= arrangement.last}
    english = _country_holidays(country, sorted(read), subdivision, "en")
    known = english if language == "en" else _country_holidays(country, sorted(read), subdivision, language)
    horizon = (today or dt.date.today()).year + 1
    frozen = []
    for year in chosen:
        announced = year <= horizon if arrangement is None else arrangement.first <= year <= arrangement.last
        for day in _days_of(year):
            name = known.get(day)
            weekday = WEEKDAYS[day.weekday()]
            uncertain = not announced or "estimated" in english.get(day, "").lower()
            if known.is_weekend(day) and known.is_working_day(day):
                frozen.append(
                    FrozenDay(day=day, as_weekday=worked[0], why=name or "make-up day", provisional=uncertain)
                )
            elif weekday in worked:
                why = name or (_adjoining(known, day) if arrangement is not None else None)
                if why is not None:
                    frozen.append(FrozenDay(day=day, why=why, provisional=uncertain))
    return frozen


def frozen_dates(days: Iterable[FrozenDay], week: Mapping[str, HoursLike]) -> dict[dt.date, str]:
    """Give frozen days as `WorkCalendar.from_week` takes them in `dates`: `09:00-12:00;13:00-18:00`, `off`.

    `as mon` becomes the hours that `week` has on a Monday.

    Raises:
        CalendarError: the week cannot be read, a date comes twice, or a make-up
            day has the hours of a weekday that is off.
    """
    problems: list[Problem] = []
    hours = read_week(week, problems)
    dates: dict[dt.date, str] = {}
    for frozen in days:
        if frozen.day in dates:
            problems.append(twice(frozen))
        windows = frozen.windows
        if frozen.as_weekday is not None:
            windows = hours[WEEKDAYS.index(frozen.as_weekday)]
            if not windows:
                problems.append(
                    problem(
                        "calendar-weekday",
                        message(
                            "{day} has the hours of `{weekday}`, which is off",
                            day=frozen.day.isoformat(),
                            weekday=frozen.as_weekday,
                        ),
                        place=frozen.place,
                        help=message("name a weekday that is worked, as in `as mon`"),
                    )
                )
        dates[frozen.day] = windows_text(windows)
    if problems:
        raise CalendarError(problems)
    return dates


def twice(frozen: FrozenDay) -> Problem:
    """Say that a date has two entries."""
    return problem(
        "calendar-date",
        message("{day} comes twice", day=frozen.day.isoformat()),
        place=frozen.place,
        help=message("give each date once"),
    )


def _worked_weekdays(week: Mapping[str, HoursLike] | Iterable[str]) -> Sequence[str]:
    problems: list[Problem] = []
    if isinstance(week, Mapping):
        hours = read_week(week, problems)
        worked = [name for name, windows in zip(WEEKDAYS, hours, strict=True) if windows]
    else:
        names = list(week)
        problems.extend(unknown_weekday(name) for name in names if name not in WEEKDAYS)
        worked = [name for name in WEEKDAYS if name in names]
    if not worked and not problems:
        problems.append(
            problem(
                "calendar-week",
                message("the week has no working day"),
                help=message("name the weekdays that are worked, as in `mon`"),
            )
        )
    if problems:
        raise CalendarError(problems)
    return worked


def _refuse_unannounced(country: str, years: Sequence[int], arrangement: Arrangement) -> None:
    problems = [
        problem(
            "calendar-not-announced",
            message(
                "the working days of {year} in `{country}` are not known: {first} to {last} are",
                year=year,
                country=country,
                first=arrangement.first,
                last=arrangement.last,
            ),
            help=message(
                "they are announced year by year (last: {source}); `provisional` freezes a guess, marked as one",
                source=arrangement.source,
            ),
        )
        for year in years
        if not arrangement.first <= year <= arrangement.last
    ]
    if problems:
        raise UsageError(problems)


def _country_holidays(country: str, years: Sequence[int], subdivision: str | None, language: Language) -> Any:
    try:
        import holidays
    except ImportError:
        raise UsageError(
            [
                problem(
                    "calendar-extra",
                    message("the `holidays` package is not installed"),
                    help=message("pip install 'svc-policy[calendar]'"),
                )
            ]
        ) from None
    supported = holidays.list_supported_countries()
    if country not in supported:
        raise UsageError([_unknown("calendar-country", country, supported)])
    if subdivision is not None and subdivision not in supported[country]:
        raise UsageError([_unknown("calendar-subdivision", subdivision, supported[country])])
    named = LOCALES[language]
    if named not in holidays.list_localized_countries().get(country, ()):
        named = "en_US"
    return holidays.country_holidays(country, subdiv=subdivision, years=years, expand=False, language=named)


def _unknown(code: str, word: str, known: Iterable[str]) -> Problem:
    likely = nearest(word, known)
    return problem(
        code,
        message("the `holidays` package has no holidays of `{word}`", word=word),
        help=message("did you mean `{word}`?", word=likely)
        if likely
        else message("countries and their parts have ISO 3166 codes, as in `CN` or `DE`"),
    )


def _days_of(year: int) -> Iterable[dt.date]:
    first = dt.date(year, 1, 1).toordinal()
    return map(dt.date.fromordinal, range(first, dt.date(year + 1, 1, 1).toordinal()))


def _adjoining(known: Any, day: dt.date) -> str | None:
    """Name the holiday that a weekend day adjoins, directly or over the rest of the weekend."""
    if not known.is_weekend(day):
        return None
    for step in (dt.timedelta(days=-1), dt.timedelta(days=1)):
        near = day + step
        while known.is_weekend(near) and not known.is_working_day(near) and near not in known:
            near += step
        if near in known:
            return str(known[near])
    return None
