"""Reasons as the other packages write them (one line of English), in the words of a report.

Of an AI what matches no pattern is shown as it came, cleaned. Of a source it is left out of a report in another
language: the state beside it says what a reader needs, the words are in the log.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from invest.domain.opinions import Opinion
from invest.reports.locale import MISSING, Locale, locale_of
from invest.reports.words import clean

# Observations passed over as a matter of course: an older value, another basis, unit or period.
_ROUTINE: Final = re.compile(r"the source itself gave a newer value|measured as \w+|in \w+|of \d{4}-\d\d-\d\d")
_KNOWN: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("future", re.compile(r"dated in the future")),
    ("not_above_zero", re.compile(r"not above zero")),
    ("unit", re.compile(r"unit error: about (?P<times>[\d.,E+-]+) times .+")),
    ("action", re.compile(r"corporate action of (?P<day>\S+): off by its factor (?P<times>\S+)")),
    ("outlier", re.compile(r"outlier: z (?P<z>\S+)")),
    ("tolerance", re.compile(r"outside the tolerance")),
    ("no_key", re.compile(r"no key \((?P<name>\w+)\)")),
    ("no_answer", re.compile(r"no answer within (?P<n>[\d.]+) s")),
    ("disabled", re.compile(r"disabled \(.+\)")),
    ("key_refused", re.compile(r"key refused: (?P<detail>.+)")),
    ("refused", re.compile(r"refused to answer: (?P<detail>.+)")),
    ("cut", re.compile(r"cut at (?P<n>\d+) tokens, twice the first limit")),
    ("criteria", re.compile(r"(?P<k>\d+) of (?P<n>\d+) criteria have data; (?P<m>\d+) are needed")),
    ("structure", re.compile(r"not the structure asked for: (?P<detail>.+)")),
    ("nothing", re.compile(
        r"HTTP 404: .+|no such pair .+|it knows no such paper|not in any answer|no report of the last .+|no file of .+"
    )),
    ("http", re.compile(r"HTTP (?P<status>\d{3})\b.*")),
    ("network", re.compile(r"(?:timeout|no connection|connection|network|ended too early|no answer)\b.*")),
    ("paused", re.compile(r"not asked for .+|its rate allows .+|another worker downloads .+|it asks to slow down")),
    ("spent", re.compile(r"the month's (?P<n>\d+) requests are spent")),
    ("too_large", re.compile(r"more than \d+ bytes|\d+ bytes announced.+|zip of \d+ .+|a zip entry unpacks .+")),
    ("no_result", re.compile(r"no result within (?P<n>[\d.]+) s")),
)  # fmt: skip


def remark(reason: str | None, locale: Locale, limit: int = 160) -> str:
    """`reason` in the report's language."""
    text = clean(reason, limit)
    for name, pattern in _KNOWN:
        if match := pattern.fullmatch(text):
            return clean(locale.words.t(f"remark.{name}", **match.groupdict()), limit)
    return text


def source_remark(reason: str | None, locale: Locale, limit: int = 120) -> str:
    """`reason` of a source in the report's language; empty where it has no translation."""
    text = remark(reason, locale, limit)
    return "" if locale.language != "en" and text == clean(reason, limit) else text


def reason_text(opinion: Opinion, locale: Locale, limit: int = 240) -> str:
    """Why `opinion` abstained and what to do, in the report's language; what has no code is read from its words."""
    words = locale.words.get(f"reason.{opinion.reason_code}", "") if opinion.reason_code else ""
    if not words:
        return remark(opinion.reason, locale, limit)
    known = {"provider": opinion.provider, "model": opinion.model_asked or opinion.model or ""}
    known["setting"] = "ai.daily_budget_usd"  # of opinions stored before a reason named whose budget was spent
    values = defaultdict(lambda: MISSING, known | {k: clean(v, 120) for k, v in opinion.reason_values.items()})
    return clean(words.format_map(values), limit)


def reason_in(opinion: Opinion, language: str) -> str:
    """`reason_text` in a language by its name."""
    return reason_text(opinion, locale_of(language))


def is_routine(reason: str) -> bool:
    """Whether a rejection says nothing against the source."""
    return _ROUTINE.fullmatch(reason.strip()) is not None
