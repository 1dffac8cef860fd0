"""What stored data ask their owner: unexplained prices, odd payments, notices and spin-offs without their terms."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from invest.domain.analysis import shares_behind
from invest.domain.market import (
    MARKET_ZONE,
    PART,
    ActionKind,
    Bars,
    CorporateAction,
    EventTerms,
    InvalidTicker,
    NewsItem,
    Step,
    parse_ticker,
)
from invest.domain.news import AnnouncedEvent, announced_event, notice_near, unknown_events
from invest.domain.portfolios import shares_of_cost, spun_off
from invest.domain.values import Question, QuestionKind, price_questions, unanswered, value_questions
from invest.errors import NotFound
from invest.jobs.data_collection.events import LOOKED_BACK, book_event
from invest.store import Store

TEXT = 500  # characters of a question
BEFORE = timedelta(days=150)  # an event may be told so long before its day
TERMS_OF = {  # what `invest data event` wants of a kind
    ActionKind.MERGER: "--other CODE --ratio RATIO",
    ActionKind.SPLIT: "--factor FACTOR",
    ActionKind.REVERSE_SPLIT: "--factor FACTOR",
    ActionKind.BONUS: "--factor FACTOR",
    ActionKind.RATIO_CHANGE: "--factor FACTOR",
    ActionKind.REDEMPTION: "--amount AMOUNT",
    ActionKind.AMORTISATION: "--amount AMOUNT",
}


async def questions(store: Store, tickers: Sequence[str] | None, since: date) -> list[Question]:
    """What the data of some assets (None: all) since a day ask and nobody answered, by ticker and day."""
    asked, given = await asyncio.gather(_asked(store, tickers, since), store.answers.given(tickers))
    return sorted(unanswered(asked, given), key=lambda question: (question.ticker, question.day, question.kind))


async def _asked(store: Store, tickers: Sequence[str] | None, since: date) -> list[Question]:
    """What the data ask, answered or not."""
    lineages, start = await store.assets.lineages(), datetime.combine(since, time.min, MARKET_ZONE)
    bars, closes, every, spun = await asyncio.gather(
        store.bars.read_many(tickers, since=since),
        store.observations.other_closes(tickers, since=start),
        store.news.notices(tickers, since=start - BEFORE),
        store.actions.spin_offs(tickers, since=since),
    )
    older = [item for item in every if item.published_at is not None and item.published_at < start]
    notices = every[len(older) :]  # they come oldest first
    known = sorted(bars)
    steps, latest, assets, actions = await asyncio.gather(
        store.actions.steps(known, lineages=lineages),
        store.observations.latest_many(known),
        store.assets.get_many(known),
        store.actions.of_many(sorted({t for item in notices for t in item.tickers}), since=since - LOOKED_BACK),
    )
    asked = await asyncio.to_thread(_price_questions, bars, steps)
    for ticker, asset in assets.items():
        papers = shares_behind(asset)
        asked += value_questions(bars[ticker], closes.get(ticker, ()), latest.get(ticker, {}), papers)
    asked += _notice_questions(notices, tickers, actions)
    asked += _cost_questions(spun)
    return _with_notices([question for question in asked if question.day >= since], every, spun)


def _notice_questions(
    notices: Iterable[NewsItem], tickers: Sequence[str] | None, actions: Mapping[str, Sequence[CorporateAction]]
) -> list[Question]:
    """Official notices that tell of an event nobody knows, asked of one paper of the company: the first one asked for.

    An event of any paper of the company answers: its classes are split and joined together.
    """
    companies: dict[tuple[str, ...], list[AnnouncedEvent]] = {}
    for item in notices:
        if (event := announced_event(item)) is not None:
            companies.setdefault(item.tickers, []).append(event)
    asked = []
    for codes, found in companies.items():
        known = [(a.kind, a.last_date_with) for code in codes for a in actions.get(code, ())]
        ticker = next((code for code in codes if tickers is None or code in tickers), codes[0])
        for one in unknown_events(found, known):
            name = one.kind.value.replace("_", " ")
            where = f" ({one.item.link})" if one.item.link else ""
            article = "an" if name[0] in "aeiou" else "a"
            text = f"a notice of {one.day} tells of {article} {name}, and none is known: {one.item.title}{where}"
            asked.append(
                Question(
                    ticker=ticker, kind=QuestionKind.NOTICE, day=one.day, text=text[:TEXT],
                    facts=one.item.id, event=one.kind,
                    notice=one.item.title, link=one.item.link, book=_booking(ticker, one.kind, None, one.item.link),
                )
            )  # fmt: skip
    return asked


def _cost_questions(spun: Iterable[CorporateAction]) -> list[Question]:
    """Spin-offs whose part of the cost nobody booked: by prices it is an estimate."""
    days: dict[tuple[str, date], list[CorporateAction]] = {}
    for action in spun:
        if spun_off(action) is not None:
            days.setdefault((action.ticker, action.last_date_with), []).append(action)
    asked = []
    for (ticker, day), every in sorted(days.items()):
        parts = zip(every, shares_of_cost(every), strict=True)
        mine = [(a, part) for a, (part, _) in parts if a.label != PART and a.cost_share is None]
        if not mine:
            continue
        whole = sum((part for _, part in mine), Decimal(0))
        names = ", ".join(f"{a.other} ({part:.2%})" for a, part in mine) if len(mine) > 1 else mine[0][0].other
        text = f"{whole:.2%} of the cost goes with {names}, an estimate by prices until the published part is booked"
        facts = " ".join(f"{a.other} {a.price_factor:f}" for a, _ in mine)
        asked.append(
            Question(
                ticker=ticker, kind=QuestionKind.COST_SHARE, day=day, event=ActionKind.SPIN_OFF, facts=facts,
                text=text[:TEXT],
            )
        )  # fmt: skip
    return asked


def _with_notices(
    asked: Iterable[Question], notices: Sequence[NewsItem], spun: Sequence[CorporateAction]
) -> list[Question]:
    """The questions with the company's notice of about that day, and what to book once it was read."""
    found, by_ticker = list[Question](), dict[str, list[NewsItem]]()
    for item in notices:
        for ticker in item.tickers:
            by_ticker.setdefault(ticker, []).append(item)
    for one in asked:
        if one.kind not in (QuestionKind.MOVE, QuestionKind.COST_SHARE):
            found.append(one)
            continue
        near = notice_near(by_ticker.get(one.ticker, ()), one.event, one.day)
        kind = one.event or (near.kind if near else None)
        link = near.item.link if near else None
        known = [
            a for a in spun if (a.ticker, a.last_date_with) == (one.ticker, one.day) and a.other and a.label != PART
        ]
        book = _booking(one.ticker, kind, one.day, link, known) if kind else None
        found.append(one.model_copy(update={"notice": near.item.title if near else None, "link": link, "book": book}))
    return found


def _booking(
    ticker: str, kind: ActionKind, day: date | None, link: str | None, known: Sequence[CorporateAction] = ()
) -> str:
    """The command that books an event of `ticker`, with what is not known in capitals."""
    head = f"invest data event {ticker} --kind {kind} --last-day {day or 'DAY'}"
    if kind is not ActionKind.SPIN_OFF:
        return " ".join(filter(None, (head, TERMS_OF.get(kind, ""))))
    source = f" --cost-source {shlex.quote(link or 'DOCUMENT')}"
    if len(known) > 1:
        return head + "".join(" --into {}={}:{}".format(*_received(a), a.cost_share or "PART") for a in known) + source
    one = known[0] if known else None
    other, ratio = _received(one) if one else ("CODE", "RATIO")
    factor = f" --price-factor {one.price_factor.normalize():f}" if one and one.price_factor else ""
    return f"{head} --other {other} --ratio {ratio}{factor} --cost-share PART{source}"


def _received(action: CorporateAction) -> tuple[str, str]:
    """Code and ratio of what a spin-off gives; in capitals what its source does not tell: B3 has an ISIN, no code."""
    try:
        code = parse_ticker(action.other or "")
    except InvalidTicker:
        code = "CODE"
    return code, f"{action.ratio:f}" if action.ratio else "RATIO"


def _price_questions(bars: Mapping[str, Bars], steps: Mapping[str, Sequence[Step]]) -> list[Question]:
    return [question for ticker in bars for question in price_questions(bars[ticker], steps.get(ticker, ()))]


async def answer_question(
    store: Store, ticker: str, kind: QuestionKind, day: date, answer: str, *, by: str, now: datetime
) -> None:
    """Keep the owner's answer. That a price moved by itself is booked as an event too: prices compare across it.

    Raises `NotFound` for a question that is neither asked nor answered.
    """
    facts = [q.facts for q in await _asked(store, [ticker], day) if (q.kind, q.day) == (kind, day)]
    before = [one for one in await store.answers.given([ticker]) if (one.kind, one.day) == (kind, day)]
    if not facts and not before:
        raise NotFound(
            f"nothing of the kind {kind.value} is asked about {ticker} on {day}: invest data questions {ticker}"
        )
    if kind is QuestionKind.MOVE:
        terms = EventTerms(kind=ActionKind.PRICE_MOVE, last_date_with=day, label=answer[:120] or None)
        await book_event(store, ticker, terms, now)
    kept = facts or [known for one in before for known in one.facts or ()]
    await store.answers.keep((ticker, kind, day), answer, by=by, at=now, facts=kept or None)
