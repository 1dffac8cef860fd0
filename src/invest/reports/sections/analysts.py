"""What the AIs say: one row each, those that abstained with their reason; the case for and against."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from invest.domain.opinions import (
    BUY_FROM,
    SELL_UNTIL,
    AiConsensus,
    Argument,
    Opinion,
    OpinionStatus,
    Rating,
    rating_of,
    shrunk,
    whole_percent,
)
from invest.reports.data import AssetReportData
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.sections.reasons import Side, figure_claims
from invest.reports.sections.remarks import reason_text
from invest.reports.views import Block, Cell, Claim, Claims, Column, Mark, Paragraph, Ref, Section, Table
from invest.reports.words import clean

ARGUMENT_LIMIT: Final = 240
CASE_SIZE: Final = 5
VERDICT_MARKS: Final[dict[str, Mark]] = {
    "strong_buy": "up", "buy": "up", "hold": "flat", "sell": "down", "strong_sell": "down", "insufficient_data": "off",
}  # fmt: skip
# An analyst may write its references into the sentence; they are printed from `fact_ids` instead.
_WRITTEN_REFS = re.compile(r"\s*[\[(]\s*f\d+(?:\s*[,;]\s*f\d+)*\s*[\])]")


def analyst_name(provider: str, locale: Locale) -> str:
    """The provider's name as it writes itself; an unknown one as configured."""
    return locale.words.get(f"analyst.{provider.lower()}", clean(provider, 40))


def spoken(text: str, opinions: Sequence[Opinion], locale: Locale) -> tuple[str, bool]:
    """An AI's sentence as it may be printed, and whether it was hidden for a figure that the data does not hold."""
    for opinion in opinions:
        if any(_states(text, figure) for figure in opinion.unfaithful):
            return locale.words.t("ai.hidden"), True
    return clean(_WRITTEN_REFS.sub("", text[: ARGUMENT_LIMIT * 8]), ARGUMENT_LIMIT), False


def _states(text: str, figure: str) -> bool:
    """Whether `figure` stands in `text` as a figure of its own, not as a part of a longer number."""
    figure = figure.strip()
    return bool(figure) and re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d]|[.,]\d)", text) is not None


def claim_of(argument: Argument, opinions: Sequence[Opinion], book: FactBook) -> Claim:
    """An argument with its references and its author; hidden where a figure in it does not match."""
    text, hidden = spoken(argument.text, opinions, book.locale)
    said = " ".join(argument.text.split()).casefold()
    authors = [o.provider for o in opinions if any(_same(a, said) for a in (*o.arguments_for, *o.arguments_against))]
    names = book.locale.join([analyst_name(name, book.locale) for name in dict.fromkeys(authors)])
    by = book.locale.words.t("ai.by", name=names) if names else None
    refs = () if hidden else tuple(_unsaid(r, text, book) for r in book.refs(argument.fact_ids))
    return Claim(text=text, refs=refs, by=by, mark="off" if hidden else None)


def _unsaid(ref: Ref, text: str, book: FactBook) -> Ref:
    """The reference without its number where the sentence has said it already."""
    fact = book.by_id(ref.fact_id)
    number = book.text(fact.key, fact.value, fact.unit) if fact else ""
    return ref.model_copy(update={"text": ""}) if number and _states(text, number) else ref


def _same(argument: Argument, said: str) -> bool:
    return " ".join(argument.text.split()).casefold() == said


def analysts_section(
    opinions: Sequence[Opinion], consensus: AiConsensus | None, book: FactBook, benchmark: Opinion | None = None
) -> Section:
    """The table of AIs, what they come to together, and the local rules beneath them, without a vote."""
    words = book.locale.words
    if not opinions:
        blocks: tuple[Block, ...] = (Paragraph(text=words.t("ai.none"), muted=True),)
        return Section(id="analysts", title=words.t("ai.title"), blocks=blocks)
    columns = (
        Column(label=words.t("ai.analyst"), width=1.9),
        Column(label=words.t("ai.verdict"), width=1.1),
        Column(label=words.t("ai.probability"), align="right", width=0.7),
        Column(label=words.t("ai.target"), align="right", width=0.85),
        Column(label=words.t("ai.argument"), width=3.1),
        Column(label=words.t("ai.risk"), width=2.1),
    )
    ordered = sorted((o for o in opinions if not o.benchmark), key=lambda o: not o.valid)
    beside = [o for o in (*(o for o in opinions if o.benchmark), benchmark) if o is not None][:1]
    rows = tuple(_valid_row(o, book) if o.valid else _abstained_row(o, book.locale) for o in (*ordered, *beside))
    pooled = (Paragraph(text=consensus_text(consensus, opinions, book.locale)),) if consensus is not None else ()
    blocks = (*pooled, Table(caption=words.t("ai.caption"), columns=columns, rows=rows))
    blocks += (Paragraph(text=words.t("ai.scale", **_thresholds(consensus, book.locale)), muted=True),)
    if moved := [analyst_name(o.provider, book.locale) for o in ordered if o.valid and o.news_moved]:
        blocks += (Paragraph(text=words.t("ai.news_moved", names=book.locale.join(moved)), muted=True),)
    return Section(id="analysts", title=words.t("ai.title"), note=words.t("ai.note"), blocks=blocks)


def consensus_text(consensus: AiConsensus, opinions: Sequence[Opinion], locale: Locale) -> str:
    """The pooled verdict in two or three sentences; one opinion alone is called so, and no quorum is said."""
    words = locale.words
    if not consensus.quorum or consensus.probability is None or consensus.rating is None:
        return _without_quorum(consensus, opinions, locale)
    said = {
        "rating": words.t(f"recommendation.{consensus.rating}").lower(),
        "limits": limits_text(consensus.rating.value, consensus, locale),
        "p": printed(consensus.probability, locale),
    }
    if consensus.target is None:
        sentences = [words.t("ai.pooled_no_target", **said)]
    else:
        sentences = [words.t("ai.pooled", target=locale.money(consensus.target), **said)]
    if consensus.agreement is not None and consensus.independent_votes is not None:
        votes = locale.number(consensus.independent_votes, 1)
        sentences.append(words.t("ai.votes", agreement=locale.number(consensus.agreement, 2), votes=votes))
    if consensus.dissent:
        names = locale.join([analyst_name(p, locale) for p in consensus.dissent])
        sentences.append(words.t("ai.dissent", names=names))
    if consensus.fragile:
        sentences.append(words.t("ai.fragile"))
    return " ".join(sentences)


def _without_quorum(consensus: AiConsensus, opinions: Sequence[Opinion], locale: Locale) -> str:
    words = locale.words
    alone = [o for o in opinions if o.valid and not o.benchmark and o.ticker == consensus.ticker]
    if consensus.asked == 1 and len(alone) == 1:
        opinion, rating = alone[0], alone[0].rating or Rating.HOLD
        return words.t(
            "ai.one",
            name=analyst_name(opinion.provider, locale),
            rating=words.t(f"recommendation.{rating}").lower(),
            limits=limits_text(rating.value, consensus, locale),
            p=printed(on_scale(opinion), locale),
        )
    key = "ai.no_quorum_one" if consensus.answered == 1 else "ai.no_quorum"
    return words.t(key, n=consensus.answered, total=consensus.asked)


def printed(p: float | None, locale: Locale) -> str:
    """A probability as it stands beside its verdict: the very percent that the verdict was cut from."""
    return MISSING if p is None else locale.percent(whole_percent(p) / 100, 0)


def on_scale(opinion: Opinion) -> float | None:
    """An AI's probability on the scale of the pool."""
    if opinion.p_shrunk is not None or opinion.p_beat_180d is None:
        return opinion.p_shrunk
    return shrunk(opinion.p_beat_180d)


def limits_text(rating: str, consensus: AiConsensus | None, locale: Locale) -> str:
    """Where a verdict begins and ends: "from 55% on"."""
    return locale.words.t(f"ai.limits_{rating}", **_thresholds(consensus, locale))


def _thresholds(consensus: AiConsensus | None, locale: Locale) -> dict[str, str]:
    buy, sell = (consensus.buy_from, consensus.sell_until) if consensus else (BUY_FROM, SELL_UNTIL)
    return {"buy": printed(buy, locale), "sell": printed(sell, locale)}


def _valid_row(opinion: Opinion, book: FactBook) -> tuple[Cell, ...]:
    locale, words = book.locale, book.locale.words
    p = on_scale(opinion)
    rating = opinion.rating or (Rating.HOLD if p is None else rating_of(p))
    said = words.t("ai.said", p=locale.percent(opinion.p_beat_180d, 0))
    return (
        _name_cell(opinion, locale),
        Cell(
            text=words.t(f"recommendation.{rating}"),
            mark="off" if opinion.benchmark else VERDICT_MARKS[rating],
            sub=_unfaithful_text(opinion, locale),
            muted=opinion.benchmark,
        ),
        Cell(text=printed(p, locale), sub=said, mark="warn" if opinion.news_moved else None),
        Cell(text=locale.number(opinion.target if opinion.target is not None else opinion.price_p50, 2)),
        _argument_cell(opinion, book),
        _risk_cell(opinion, locale),
    )


def _name_cell(opinion: Opinion, locale: Locale) -> Cell:
    """Who it is and which model answered; where that is not the one asked for, both."""
    sub = clean(opinion.model, 40)
    if opinion.answered_by_another:
        sub = locale.words.t("ai.another", asked=clean(opinion.model_asked, 40), answered=sub)
    if opinion.benchmark:
        sub = locale.words.t("ai.benchmark")
    return Cell(text=analyst_name(opinion.provider, locale), sub=sub or None, muted=opinion.benchmark)


def _argument_cell(opinion: Opinion, book: FactBook) -> Cell:
    """The argument that goes with the verdict: against for a sale, else in favour."""
    first, second = opinion.arguments_for, opinion.arguments_against
    if opinion.rating == "sell":
        first, second = second, first
    argument = next(iter((*first, *second)), None)
    if argument is None:
        return Cell(text=spoken(opinion.summary, [opinion], book.locale)[0] or MISSING)
    text, hidden = spoken(argument.text, [opinion], book.locale)
    return Cell(text=text, refs=() if hidden else book.refs(argument.fact_ids), muted=hidden)


def _risk_cell(opinion: Opinion, locale: Locale) -> Cell:
    order = {"high": 0, "medium": 1, "low": 2}
    risk = min(opinion.risks, key=lambda r: order[r.severity], default=None)
    if risk is None:
        return Cell(text=MISSING)
    text, hidden = spoken(risk.text, [opinion], locale)
    kind = locale.words.t(f"risk.{risk.kind}")
    level = locale.words.t(f"severity.{risk.severity}")
    return Cell(text=text or kind, sub=f"{kind}, {level}", muted=hidden)


def _unfaithful_text(opinion: Opinion, locale: Locale) -> str | None:
    k, n = len(opinion.unfaithful), opinion.figures_checked
    if not k:
        return None
    if n >= k:
        return locale.words.t("ai.unfaithful", k=k, n=n)
    return locale.words.t("ai.unfaithful_one") if k == 1 else locale.words.t("ai.unfaithful_some", k=k)


def _abstained_row(opinion: Opinion, locale: Locale) -> tuple[Cell, ...]:
    """No verdict of its own: the state in words, the reason, and what to do about it."""
    status = opinion.status if opinion.status is not OpinionStatus.OK else OpinionStatus.ABSTAINED
    text = locale.words.t(f"status.{status}")
    detail = reason_text(opinion, locale)
    if status is OpinionStatus.UNFAITHFUL:
        detail = _unfaithful_text(opinion, locale) or detail
    return (
        _name_cell(opinion, locale),
        Cell(text=locale.words.t("status.abstained"), mark="off", muted=True),
        Cell(text=MISSING, muted=True),
        Cell(text=MISSING, muted=True),
        Cell(text=f"{text}: {detail}" if detail else text, muted=True, span=2),
    )


def case_section(
    side: Side, arguments: Sequence[Argument], data: AssetReportData, book: FactBook, extra: Claim | None = None
) -> Section:
    """The case `bull` or `bear`: the AIs' arguments, else what the figures say by rule."""
    words = book.locale.words
    if arguments:
        claims = [claim_of(a, data.opinions, book) for a in _distinct(arguments)[:CASE_SIZE]]
        note = words.t("bull.note_ai")
    else:
        claims, note = figure_claims(side, data.analysis, book), words.t("bull.note_facts")
    if extra:
        claims.append(extra)
    block: Block = Claims(items=tuple(claims)) if claims else Paragraph(text=words.t(f"{side}.none"), muted=True)
    return Section(id=side, title=words.t(f"{side}.title"), note=note if claims else "", blocks=(block,), span=6)


def _distinct(arguments: Sequence[Argument]) -> list[Argument]:
    """Each sentence once: `claim_of` names all who said it."""
    return list({" ".join(a.text.split()).casefold(): a for a in reversed(arguments)}.values())[::-1]


def arguments_of(side: Side, consensus: AiConsensus | None, opinions: Sequence[Opinion]) -> tuple[Argument, ...]:
    """The consensus' case, else the first argument of each valid opinion."""
    if consensus is not None:
        case = consensus.bull_case if side == "bull" else consensus.bear_case
        if case:
            return case
    lists = [o.arguments_for if side == "bull" else o.arguments_against for o in opinions if o.valid]
    return tuple(arguments[0] for arguments in lists if arguments)


def cost_of(opinions: Sequence[Opinion]) -> Decimal | None:
    """What the answers cost together, USD; None where no answer had a price."""
    costs = [o.cost_usd for o in opinions if o.cost_usd is not None and not o.cached]
    return sum(costs, Decimal(0)) if costs else None
