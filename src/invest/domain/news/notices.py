"""What companies' official notices tell by their subjects: events of capital, days on which results are published.

A subject is a hint and no more: terms and days with rights stand in the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from invest.domain.market import MARKET_ZONE, ActionKind, NewsItem
from invest.domain.news.recognition import plain

OFFICIAL: Final = "cvm"  # the source of notices delivered to CVM
_EVENTS: Final = (
    (ActionKind.SPIN_OFF, re.compile(r"\bcisao\b|\bcis\. ?red")),
    (
        ActionKind.MERGER,
        re.compile(
            r"\bincorporacao (?:da|de|das|do)\b|\bincorporacao (?:reversa|de acoes)\b|\bfusao\b|"
            r"\bconversao (?:de|das|da totalidade das) acoes preferenciais\b"
        ),
    ),
    (ActionKind.REVERSE_SPLIT, re.compile(r"\bgrupamento\b")),
    (ActionKind.SPLIT, re.compile(r"\bdesdobramento\b")),
    (ActionKind.BONUS, re.compile(r"\bbonificacao (?:de|em|das) acoes\b|\bbonificacao em acoes\b")),
    (
        ActionKind.REDEMPTION,
        re.compile(r"\bresgate (?:(?:total|compulsorio) )?(?:de|das) acoes\b|\bopa para cancelamento\b"),
    ),
    (
        ActionKind.RATIO_CHANGE,
        re.compile(
            r"\balteracao d[ae] (?:paridade|proporcao|composicao das units)\b|"
            r"\b(?:conversao|desmembramento|cancelamento do programa) d[eao]s? units\b"
        ),
    ),
    (ActionKind.AMORTISATION, re.compile(r"\breducao (?:de|do) capital\b.*\brestituicao\b")),
)
_COST: Final = re.compile(  # of shares, not of debt
    r"\bcusto (?:medio )?(?:de|da|das|dos)? ?(?:aquisicao|acoes|units|investimento)\b|"
    r"\bcusto fiscal\b|\brateio do custo\b|\bproporcao d[eo] custo\b"
)
_NOT: Final = re.compile(  # what is denied, asked about, over, or about something else than the paper
    r"\bnao (?:ha|houve|aprov|realiz)|\besclareciment|\bnegad|\bcancelamento d[oa] (?:grupamento|desdobramento|cisao)|"
    r"\bdesist|\bfracoes\b|\bleilao\b|\bdebentur|\bsubsidiari|\bcontrolad[ao]s?\b|\bestudos?\b|\bvoluntari"
)
_RESULTS: Final = re.compile(
    r"\b(?:divulgacao|publicacao|apresentacao|anuncio) (?:de|dos|do)? ?resultados?\b|\bteleconferencia\b|\bwebcast\b|"
    r"\bcalendario de eventos\b|\bconference call\b|\bearnings release\b"
)
_NUMBERS: Final = re.compile(r"\b(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})\b")
_MONTHS: Final = (
    "janeiro", "fevereiro", "marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
    "dezembro",
)  # fmt: skip
_SHORT: Final = tuple(month[:3] for month in _MONTHS)
_WORDS: Final = re.compile(
    rf"\b(\d{{1,2}})[ºo]? (?:de )?({'|'.join(_SHORT)})({'|'.join(m[3:] for m in _MONTHS)})?\.? (?:de )?(\d{{4}})\b"
)
AHEAD: Final = timedelta(days=400)  # results are announced so long before at most
BEFORE_EVENT, AFTER_EVENT = timedelta(days=150), timedelta(days=120)  # around an event its terms are announced
BEFORE, AFTER = timedelta(days=200), timedelta(days=400)  # around a notice an event may have its last day with rights


@dataclass(frozen=True, slots=True)
class AnnouncedEvent:
    """A notice that tells of an event of capital."""

    item: NewsItem
    kind: ActionKind
    day: date  # of the notice


def announced_event(item: NewsItem) -> AnnouncedEvent | None:
    """The event that an official notice tells of by its subject; None for others, and for what denies one."""
    if item.source != OFFICIAL or item.published_at is None:
        return None
    subject = plain(item.title.partition(": ")[2] or item.title)
    if _NOT.search(subject):
        return None
    kind = next((kind for kind, words in _EVENTS if words.search(subject)), None)
    return AnnouncedEvent(item, kind, item.published_at.astimezone(MARKET_ZONE).date()) if kind else None


def notice_near(notices: Iterable[NewsItem], kind: ActionKind | None, day: date) -> AnnouncedEvent | None:
    """The official notice that may tell the terms of an event of about `day`: of its kind, else of any, the nearest.

    Of a spin-off one about the part of the cost goes first.
    """
    found = list[tuple[tuple[bool, bool, int], AnnouncedEvent]]()
    for item in notices:
        event, about_cost = announced_event(item), _is_about_cost(item)
        if event is None and not about_cost:
            continue
        published = item.published_at
        if published is None:
            continue
        announced = published.astimezone(MARKET_ZONE).date()
        if not day - BEFORE_EVENT <= announced <= day + AFTER_EVENT:
            continue
        named = event or AnnouncedEvent(item, ActionKind.SPIN_OFF, announced)
        wanted = kind is None or _may_be_same(named.kind, kind)
        if wanted:
            order = (
                kind is ActionKind.SPIN_OFF and not about_cost,
                named.kind is not kind,
                abs((announced - day).days),
            )
            found.append((order, named))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _is_about_cost(item: NewsItem) -> bool:
    if item.source != OFFICIAL or item.published_at is None:
        return False
    return bool(_COST.search(plain(item.title.partition(": ")[2] or item.title)))


def unknown_events(
    named: Iterable[AnnouncedEvent], known: Sequence[tuple[ActionKind, date]], same_within_days: int = 30
) -> list[AnnouncedEvent]:
    """The notices whose event is not among the `known` kinds and last days with rights; of one matter the first.

    Notices about one matter follow each other for weeks: within `same_within_days` of the one before they are the same.
    """
    found: list[AnnouncedEvent] = []
    last: dict[ActionKind, date] = {}
    for one in sorted(named, key=lambda one: (one.day, one.item.id)):
        if any(_answers(one, kind, day) for kind, day in known):
            continue
        before = last.get(one.kind)
        last[one.kind] = one.day
        if before is None or one.day - before > timedelta(days=same_within_days):
            found.append(one)
    return found


def _answers(named: AnnouncedEvent, kind: ActionKind, day: date) -> bool:
    """Whether a known event may be the announced one."""
    return _may_be_same(kind, named.kind) and named.day - BEFORE <= day <= named.day + AFTER


def _may_be_same(one: ActionKind, other: ActionKind) -> bool:
    """Whether two kinds may be one event; a spin-off, a merger and a redemption go by each other's names."""
    reorganisations = {ActionKind.SPIN_OFF, ActionKind.MERGER, ActionKind.REDEMPTION, ActionKind.OTHER}
    shares = {ActionKind.SPLIT, ActionKind.BONUS}
    return one is other or {one, other} <= reorganisations or {one, other} <= shares


def announced_results(item: NewsItem) -> date | None:
    """The day on which an official notice says that results will be published; None where its subject names none."""
    if item.source != OFFICIAL or item.published_at is None:
        return None
    subject = plain(item.title)
    if not _RESULTS.search(subject):
        return None
    published = item.published_at.astimezone(MARKET_ZONE).date()
    days = [day for day in _days_in(subject) if published <= day <= published + AHEAD]
    return min(days, default=None)


def _days_in(text: str) -> list[date]:
    found = []
    for day, _, month, year in _NUMBERS.findall(text):
        found.append((int(year) + (2000 if len(year) == 2 else 0), int(month), int(day)))
    found += [(int(year), _SHORT.index(month) + 1, int(day)) for day, month, _, year in _WORDS.findall(text)]
    return [when for year, month, day in found if (when := _date(year, month, day)) is not None]


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
