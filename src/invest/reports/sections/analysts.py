"""What the AIs say: one row each, those that abstained with their reason; the case for and against."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from invest.domain.analysis import Analysis
from invest.domain.market import IBOV, AssetKind
from invest.domain.opinions import (
    BUY_FROM,
    SELL_UNTIL,
    AiConsensus,
    Argument,
    ChangeOfMind,
    Opinion,
    OpinionStatus,
    Rating,
    Risk,
    rating_of,
    shrunk_like,
    whole_percent,
)
from invest.reports.data import AssetReportData
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.phrases import analyst_name
from invest.reports.sections.record import pool_record_text
from invest.reports.sections.remarks import reason_text
from invest.reports.views import (
    Block,
    Cell,
    Claim,
    Claims,
    Column,
    Dot,
    DotsChart,
    Level,
    Mark,
    Paragraph,
    Ref,
    Section,
    Table,
)
from invest.reports.words import clean

ARGUMENT_LIMIT: Final = 240
SUMMARY_LIMIT: Final = 420
VERDICT_MARKS: Final[dict[str, Mark]] = {
    "strong_buy": "up", "buy": "up", "hold": "flat", "sell": "down", "strong_sell": "down", "insufficient_data": "off",
}  # fmt: skip
# An analyst may write its references into the sentence; they are printed from `fact_ids` instead.
_WRITTEN_REFS = re.compile(r"\s*[\[(]\s*f\d+(?:\s*[,;]\s*f\d+)*\s*[\])]")


def spoken(text: str, opinions: Sequence[Opinion], locale: Locale, *, limit: int = ARGUMENT_LIMIT) -> tuple[str, bool]:
    """An AI's sentence as it may be printed, and whether it was hidden for a figure that the data does not hold."""
    for opinion in opinions:
        if any(_states(text, figure) for figure in opinion.unfaithful):
            return locale.words.t("ai.hidden"), True
    return clean(_WRITTEN_REFS.sub("", text[: limit * 8]), limit), False


def _states(text: str, figure: str) -> bool:
    """Whether `figure` stands in `text` as a figure of its own, not as a part of a longer number."""
    figure = figure.strip()
    return bool(figure) and re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d]|[.,]\d)", text) is not None


def claim_of(argument: Argument, opinions: Sequence[Opinion], book: FactBook) -> Claim:
    """An argument with its references and its author; hidden where a figure in it does not match."""
    text, hidden = spoken(argument.text, opinions, book.locale)
    names = book.locale.join([analyst_name(name, book.locale) for name in authors_of(argument, opinions)])
    by = book.locale.words.t("ai.by", name=names) if names else None
    refs = () if hidden else tuple(_unsaid(r, text, book) for r in book.refs(argument.fact_ids))
    return Claim(text=text, refs=refs, by=by, mark="off" if hidden else None)


def authors_of(argument: Argument, opinions: Sequence[Opinion]) -> list[str]:
    """The providers of the AIs that wrote it, each once."""
    message = as_one_line(argument.text)
    ais = [o for o in opinions if not o.benchmark]
    wrote = [o.provider for o in ais if any(_same(a, message) for a in (*o.arguments_for, *o.arguments_against))]
    return list(dict.fromkeys(wrote))


def _unsaid(ref: Ref, text: str, book: FactBook) -> Ref:
    """The reference, without its number where the sentence has the number already."""
    fact = book.by_id(ref.fact_id)
    number = book.text(fact.key, fact.value, fact.unit) if fact else ""
    return ref.model_copy(update={"text": ""}) if number and _states(text, number) else ref


def _same(argument: Argument, sentence: str) -> bool:
    """Whether an argument is `sentence` or its beginning."""
    return sentence.startswith(as_one_line(argument.text))


def analysts_section(data: AssetReportData, book: FactBook, *, tracker: bool = False) -> Section:
    """What the AIs come to together, a dot and a row each, their summaries; a `tracker` of the IBOV is not asked."""
    words, opinions, title = book.locale.words, data.opinions, book.locale.words.t("ai.title")
    ordered = in_order(opinions, data.benchmark)
    index = data.analysis.kind is AssetKind.INDEX
    if index:
        nobody = words.t("ai.index")
    elif tracker:
        nobody = words.t("ai.tracker", ticker=data.analysis.ticker, index=IBOV)
    else:
        nobody = _nobody_text(data, ordered, book)
    if index or tracker or all(o.benchmark for o in ordered):
        return Section(id="analysts", title=title, blocks=(Paragraph(text=nobody, muted=True),))
    blocks: list[Block] = []
    if data.ai_consensus is not None:
        verdict = consensus_text(data.ai_consensus, opinions, book.locale)
        record = pool_record_text(data.track_record, book.locale) if data.ai_consensus.quorum else ""
        blocks.append(Paragraph(text=f"{verdict} {record}".strip()))
    if chart := disagreement_chart(ordered, data.ai_consensus, data.analysis, book.locale):
        blocks.append(chart)
    scale = words.t("ai.scale", index=data.analysis.index_label, **_thresholds(data.ai_consensus, book.locale))
    if (base := data.analysis.base_rate_180d) is not None:
        scale += " " + words.t("ai.base_text", index=data.analysis.index_label, base=printed(base, book.locale))
    blocks += [_opinions_table(ordered, data.analysis.index_label, book), Paragraph(text=scale, muted=True)]
    if claims := [claim for o in ordered if o.valid and not o.benchmark and (claim := _summary_claim(o, book))]:
        blocks.append(Claims(items=tuple(claims)))
    if moved := [analyst_name(o.provider, book.locale) for o in ordered if o.valid and o.news_moved]:
        blocks.append(Paragraph(text=words.t("ai.news_moved", names=book.locale.join(moved)), muted=True))
    return Section(id="analysts", title=title, note=words.t("ai.note"), blocks=tuple(blocks))


def _nobody_text(data: AssetReportData, benchmarks: Sequence[Opinion], book: FactBook) -> str:
    """That no AI was asked, and what the local rules give as a benchmark: they are no AI and have no vote."""
    judged = data.analysis.recommendation != "insufficient_data"  # else there is no verdict to explain
    text = book.locale.words.t("ai.none" if judged else "ai.none_at_all")
    for rules in (o for o in benchmarks if o.valid):
        p, index = printed(on_scale(rules), book.locale), rules.index_label
        text += " " + book.locale.words.t("ai.rules_only", p=p, index=index)
    return text


def in_order(opinions: Sequence[Opinion], benchmark: Opinion | None) -> list[Opinion]:
    """The AIs that answered, those that did not, and the local rules beneath them."""
    ais = sorted((o for o in opinions if not o.benchmark), key=lambda o: not o.valid)
    beside = [o for o in (*(o for o in opinions if o.benchmark), benchmark) if o is not None][:1]
    return [*ais, *beside]


def disagreement_chart(
    opinions: Sequence[Opinion], consensus: AiConsensus | None, analysis: Analysis, locale: Locale
) -> DotsChart | None:
    """A dot per analyst on one axis, with the base rate and the pool; None with fewer than two answers."""
    words = locale.words
    valid = [o for o in opinions if o.valid]
    if len(valid) < 2:
        return None
    dots = tuple(
        Dot(
            label=analyst_name(o.provider, locale),
            value=on_scale(o),
            text=printed(on_scale(o), locale),
            hollow=o.benchmark,
        )
        for o in valid
    )
    pool = consensus.probability if consensus is not None and consensus.quorum else None
    levels = [
        Level(label=words.t(f"ai.{name}_level"), value=value, text=printed(value, locale), strong=name == "pool")
        for name, value in (("base", analysis.base_rate_180d), ("pool", pool))
        if value is not None
    ]
    values = [f"{dot.label}: {dot.text}" for dot in dots] + [f"{level.label}: {level.text}" for level in levels]
    return DotsChart(
        title=words.t("ai.chart", index=analysis.index_label),
        description="; ".join(values) + ".",
        unit="%",
        dots=dots,
        levels=tuple(levels),
    )


def _opinions_table(ordered: Sequence[Opinion], index: str, book: FactBook) -> Table:
    words = book.locale.words
    columns = (
        Column(label=words.t("ai.analyst"), width=2.2),
        Column(label=words.t("ai.verdict"), width=1.5),
        Column(label=words.t("ai.p30"), align="right", width=0.8),
        Column(label=words.t("ai.p90"), align="right", width=0.8),
        Column(label=words.t("ai.p180"), align="right", width=0.8),
        Column(label=words.t("ai.price"), align="right", width=2.4),
    )
    rows = tuple(_valid_row(o, book) if o.valid else _abstained_row(o, book.locale) for o in ordered)
    return Table(caption=words.t("ai.caption", index=index), columns=columns, rows=rows)


def ratings_text(opinions: Sequence[Opinion], locale: Locale) -> str:
    """`3 compra, 1 manter`: the verdicts of the AIs that answered."""
    counts = Counter(str(o.rating) for o in opinions if o.valid and o.rating and not o.benchmark)
    order = [name for name in ("buy", "hold", "sell") if counts[name]]
    return ", ".join(locale.words.t(f"rating_count.{name}", n=counts[name]) for name in order)


def _summary_claim(opinion: Opinion, book: FactBook) -> Claim | None:
    """An AI's summary, its weightiest risk and what would change its view; what does not match the data is hidden."""
    locale, words = book.locale, book.locale.words
    summary, hidden = spoken(opinion.summary, [opinion], locale, limit=SUMMARY_LIMIT)
    parts = [summary] if summary else []
    if (risk := _weightiest(opinion)) is not None:
        text, unfit = spoken(risk.text, [opinion], locale)
        kind = f"{words.t(f'risk.{risk.kind}').lower()}, {words.t(f'severity.{risk.severity}')}"
        parts += [] if unfit or not text else [words.t("ai.own_risk", text=f"{text.rstrip('.')} ({kind}).")]
    if conditions := [text for c in opinion.would_change[:3] if (text := _condition(c, book))]:
        parts.append(words.t("ai.would_change", items=locale.join(conditions)))
    if not parts:
        return None
    refs = tuple(Ref(fact_id=f.id, text="") for c in opinion.would_change[:3] if (f := book.by_id(c.fact_id)))
    name = analyst_name(opinion.provider, locale)
    return Claim(text=f"{name}: {' '.join(parts)}", refs=refs, mark="off" if hidden and len(parts) == 1 else None)


def _condition(change: ChangeOfMind, book: FactBook) -> str:
    """`P/VP > 3,04`; empty for a fact that is not on record."""
    fact = book.by_id(change.fact_id)
    if fact is None:
        return ""
    operator = {"<=": "≤", ">=": "≥"}.get(change.operator, change.operator)
    value = book.text(fact.key, change.value, fact.unit)
    return book.locale.words.t("ai.condition", name=book.label(fact.key), operator=operator, value=value)


def _weightiest(opinion: Opinion) -> Risk | None:
    order = {"high": 0, "medium": 1, "low": 2}
    return min(opinion.risks, key=lambda r: order[r.severity], default=None)


def consensus_text(consensus: AiConsensus, opinions: Sequence[Opinion], locale: Locale) -> str:
    """The pooled verdict in two or three sentences; one opinion alone is called so, and a missing quorum is named."""
    words = locale.words
    if not consensus.quorum or consensus.probability is None or consensus.rating is None:
        return _without_quorum(consensus, opinions, locale)
    values = {
        "rating": words.t(f"recommendation.{consensus.rating}").lower(),
        "limits": limits_text(consensus.rating.value, consensus, locale),
        "p": printed(consensus.probability, locale),
        "index": consensus.index_label,
    }
    if consensus.target is None:
        sentences = [words.t("ai.pooled_no_target", **values)]
    else:
        sentences = [words.t("ai.pooled", target=locale.money(consensus.target), **values)]
    if consensus.dissent:
        names = locale.join([analyst_name(p, locale) for p in consensus.dissent])
        sentences.append(words.t("ai.dissent" if len(consensus.dissent) == 1 else "ai.dissent_many", names=names))
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
            index=consensus.index_label,
            name=analyst_name(opinion.provider, locale),
            rating=words.t(f"recommendation.{rating}").lower(),
            limits=limits_text(rating.value, consensus, locale),
            p=printed(on_scale(opinion), locale),
        )
    if not consensus.asked:
        return words.t("ai.none")
    key = "ai.no_quorum_one" if consensus.answered == 1 else "ai.no_quorum"
    return words.t(key, n=consensus.answered, total=consensus.asked)


def printed(p: float | None, locale: Locale) -> str:
    """A probability as it stands beside its verdict: the very percent that the verdict was cut from."""
    return MISSING if p is None else locale.percent(whole_percent(p) / 100, 0)


def on_scale(opinion: Opinion) -> float | None:
    """An AI's probability on the scale of the pool."""
    if opinion.p_shrunk is not None or opinion.p_beat_180d is None:
        return opinion.p_shrunk
    return shrunk_like(opinion, opinion.p_beat_180d)


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
    message = words.t("ai.said", p=locale.percent(opinion.p_beat_180d, 0))
    return (
        _name_cell(opinion, locale),
        Cell(
            text=words.t(f"recommendation.{rating}"),
            mark="off" if opinion.benchmark else VERDICT_MARKS[rating],
            sub=_unfaithful_text(opinion, locale),
            muted=opinion.benchmark,
        ),
        Cell(text=drawn(opinion, opinion.p_beat_30d, locale)),
        Cell(text=drawn(opinion, opinion.p_beat_90d, locale)),
        Cell(text=printed(p, locale), sub=message, strong=True, mark="warn" if opinion.news_moved else None),
        Cell(text=price_range(opinion, locale)),
    )


def drawn(opinion: Opinion, p: float | None, locale: Locale) -> str:
    """A probability that `opinion` states, on the scale of the pool."""
    return printed(None if p is None else shrunk_like(opinion, p), locale)


def price_range(opinion: Opinion, locale: Locale) -> str:
    """`51,79 (41,43 a 65,16)`."""
    middle = locale.number(opinion.price_p50, 2)
    if opinion.price_p50 is None or opinion.price_p10 is None or opinion.price_p90 is None:
        return middle
    low, high = locale.number(opinion.price_p10, 2), locale.number(opinion.price_p90, 2)
    return locale.words.t("ai.range", mid=middle, low=low, high=high)


def _name_cell(opinion: Opinion, locale: Locale) -> Cell:
    """Who it is and which model answered; where that is not the one asked for, both."""
    sub = clean(opinion.model, 40)
    if opinion.answered_by_another:
        sub = locale.words.t("ai.another", asked=clean(opinion.model_asked, 40), answered=sub)
    if opinion.benchmark:
        sub = locale.words.t("ai.benchmark")
    return Cell(text=analyst_name(opinion.provider, locale), sub=sub or None, muted=opinion.benchmark)


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
        Cell(text=f"{text}: {detail}" if detail else text, muted=True, span=4),
    )


def as_one_line(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


def cost_of(opinions: Sequence[Opinion]) -> Decimal | None:
    """What the answers cost together, USD; None where no answer had a price."""
    costs = [o.cost_usd for o in opinions if o.cost_usd is not None and not o.cached]
    return sum(costs, Decimal(0)) if costs else None
