"""Where it comes from: the quality of the data, the cited facts, sources with their payloads, models and cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from invest.domain.opinions import Opinion
from invest.domain.values import Consensus, RawPayload, Rejected, SourceOutcome
from invest.reports.cells import money_cell, percent_cell
from invest.reports.data import LIVE
from invest.reports.facts import SHA_SHOWN, FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.phrases import analyst_name, source_name
from invest.reports.sections.analysts import cost_of
from invest.reports.sections.remarks import is_routine, source_remark
from invest.reports.views import Block, Cell, Claims, Column, Mark, Paragraph, Section, Stats, Table
from invest.reports.words import clean

_PAYLOADS_SHOWN: Final = 5
_FIELDS_SHOWN: Final = 12
# Of two readings of one publisher the worse is named.
_STATUSES: Final = ("failed", "rejected", "skipped", "empty", "not_modified", "ok")


def quality_section(fields: Sequence[Consensus], book: FactBook) -> Section | None:
    """Fields on which the sources disagree, that were rejected, are old or rest on one source."""
    if not fields:
        return None
    words = book.locale.words
    known = [c for c in fields if c.value is not None]
    odd = sorted((c for c in fields if _remarks(c, book)), key=lambda c: (not c.divergent, not _against(c), c.field))
    summary = words.t(
        "quality.summary",
        n=len(known),
        many=sum(c.n > 1 for c in known),
        divergent=sum(c.divergent for c in fields),
        single=sum(c.n == 1 for c in known),
        rejected=sum(bool(_against(c)) for c in fields),
    )
    blocks: list[Block] = [Paragraph(text=summary)]
    if odd:
        labels = ("field", "value", "chosen", "sources", "agreement", "remark")
        right = {"value", "sources", "agreement"}
        widths = {"field": 1.5, "value": 1.0, "chosen": 1.1, "sources": 0.6, "agreement": 0.7, "remark": 2.6}
        columns = tuple(
            Column(label=words.t(f"quality.{k}"), align="right" if k in right else "left", width=widths[k])
            for k in labels
        )
        rows = tuple(_quality_row(c, book) for c in odd[:_FIELDS_SHOWN])
        blocks.append(Table(caption=words.t("quality.caption"), columns=columns, rows=rows, small=True))
    if len(odd) > _FIELDS_SHOWN:
        blocks.append(Paragraph(text=words.t("quality.more_fields", n=len(odd) - _FIELDS_SHOWN), muted=True))
    title, note = words.t("quality.title"), words.t("quality.note")
    return Section(id="quality", title=title, note=note, blocks=tuple(blocks), appendix=True)


def _quality_row(item: Consensus, book: FactBook) -> tuple[Cell, ...]:
    locale = book.locale
    value = None if item.value is None else float(item.value)
    marks: tuple[tuple[bool, Mark], ...] = ((item.divergent, "bad"), (bool(_against(item)) or item.stale, "warn"))
    return (
        Cell(text=book.label(item.field)),
        Cell(text=book.text(item.field, value, item.unit)),
        Cell(text=source_name(item.source, locale)),
        Cell(text=str(item.n)),
        percent_cell(locale, item.agreement, 0),
        Cell(text="; ".join(_remarks(item, book)), mark=next((m for on, m in marks if on), None)),
    )


def _remarks(item: Consensus, book: FactBook) -> list[str]:
    words, locale = book.locale.words, book.locale
    flags = (("divergent", item.divergent), ("quarantined", item.quarantined), ("stale", item.stale))
    remarks = [words.t(f"quality.{name}") for name, on in flags if on]
    against = _against(item)
    for rejected in against[:3]:
        value = book.text(item.field, float(rejected.value), item.unit)
        source, reason = source_name(rejected.source, locale), source_remark(rejected.reason, locale, 90)
        key = "quality.rejected" if reason else "quality.rejected_plain"
        remarks.append(words.t(key, source=source, value=value, reason=reason))
    if len(against) > 3:
        remarks.append(words.t("quality.more", n=len(against) - 3))
    return remarks


def _against(item: Consensus) -> list[Rejected]:
    """Values turned down for a fault, not passed over as a matter of course."""
    return [rejected for rejected in item.rejected if not is_routine(rejected.reason)]


def cited_facts(sections: Iterable[Section]) -> set[str]:
    """Ids of the facts that stand in `sections`, as a figure or as a reference."""
    cited: set[str] = set()
    for block in (block for section in sections for block in section.blocks):
        match block:
            case Table():
                cells = [cell for row in block.rows for cell in row]
                cited.update(cell.figure.fact_id for cell in cells if cell.figure and cell.figure.fact_id)
                cited.update(ref.fact_id for cell in cells for ref in cell.refs)
            case Claims():
                cited.update(ref.fact_id for claim in block.items for ref in claim.refs)
            case Stats():
                cited.update(s.figure.fact_id for s in block.items if s.figure and s.figure.fact_id)
            case Paragraph():
                cited.update(ref.fact_id for ref in block.refs)
    return cited


def facts_section(book: FactBook, cited: set[str]) -> Section | None:
    """The facts that the report prints or refers to, with the way back to the payload."""
    known = [f for f in book.facts if f.value is not None and f.id in cited]
    if not known:
        return None
    words, locale = book.locale.words, book.locale
    labels = ("id", "name", "value", "as_of", "source", "payload")
    # References of several assets carry their tickers.
    widths = {
        "id": 0.55 if max(len(f.id) for f in known) <= 5 else 1.1,
        "name": 3.2,
        "value": 1.3,
        "as_of": 1.05,
        "source": 1.4,
        "payload": 1.3,
    }
    columns = tuple(
        Column(label=words.t(f"facts.{k}"), align="right" if k == "value" else "left", width=widths[k]) for k in labels
    )
    rows = tuple(
        (
            Cell(text=f.id, anchor=f.id, muted=True),
            Cell(text=book.label(f.key)),
            Cell(text=book.text(f.key, f.value, f.unit), figure=book.figure_of(f), strong=True),
            Cell(text=locale.day(f.as_of)),
            Cell(text=source_name(f.source, locale) if f.source else words.t("facts.computed")),
            Cell(text=f.payload[:SHA_SHOWN] if f.payload else MISSING, muted=True),
        )
        for f in known
    )
    table = Table(caption=words.t("facts.caption"), columns=columns, rows=rows, small=True)
    return Section(id="facts", title=words.t("facts.title"), note=words.t("facts.note"), blocks=(table,), appendix=True)


def sources_section(
    *,
    report_id: str,
    generated_at: datetime,
    sources: Iterable[str],
    outcomes: Sequence[SourceOutcome],
    opinions: Sequence[Opinion],
    cost: Decimal | None,
    locale: Locale,
) -> Section:
    """One paragraph: who gave the data, who did not answer, what the AIs cost, where every figure's origin stands."""
    words = locale.words
    names = sorted({source_name(s, locale) for s in sources if s})
    failed = sorted({source_name(o.source, locale) for o in outcomes if o.status in ("failed", "rejected")})
    total = cost if cost is not None else cost_of(opinions)
    now = "_now" if report_id == LIVE else ""
    sentences = [
        words.t("provenance.sources", names=", ".join(names)) if names else words.t("provenance.no_payloads"),
        words.t(f"provenance.{'one_failed' if len(failed) == 1 else 'failed_sources'}", names=", ".join(failed))
        if failed
        else "",
        words.t(f"provenance.total_cost{now}", cost=locale.money(total, 4, currency="US$"))
        if total is not None
        else "",
        words.t(f"provenance.generated{now}", when=locale.instant(generated_at), id=clean(report_id, 60)),
        words.t(f"provenance.where{now}"),
    ]
    paragraph = Paragraph(text=" ".join(s for s in sentences if s), muted=True)
    return Section(id="sources", title=words.t("provenance.title"), blocks=(paragraph,))


def provenance_section(
    *,
    payloads: Sequence[RawPayload],
    outcomes: Sequence[SourceOutcome],
    opinions: Sequence[Opinion],
    cited: Iterable[str],
    locale: Locale,
) -> Section:
    """Sources with the files received from them, and model versions with their cost: for the appendix."""
    words = locale.words
    blocks: list[Block] = []
    if payloads or outcomes:
        blocks.append(_files(payloads, outcomes, set(cited), locale))
    else:
        blocks.append(Paragraph(text=words.t("provenance.no_payloads"), muted=True))
    asked = [o for o in opinions if o.model or o.tokens_in is not None]
    if asked:
        blocks.append(_models(asked, locale))
    title = words.t("provenance.detail_title")
    return Section(id="provenance", title=title, blocks=tuple(blocks), appendix=True)


def _files(payloads: Sequence[RawPayload], outcomes: Sequence[SourceOutcome], cited: set[str], locale: Locale) -> Table:
    words = locale.words
    by_source: dict[str, list[RawPayload]] = {}  # by name: B3 gives lists, prices and payments as one source
    for payload in payloads:
        by_source.setdefault(source_name(payload.source, locale), []).append(payload)
    outcome_of: dict[str, SourceOutcome] = {}
    for outcome in sorted(outcomes, key=lambda o: _STATUSES.index(o.status) if o.status in _STATUSES else 0):
        outcome_of.setdefault(source_name(outcome.source, locale), outcome)
    columns = (
        Column(label=words.t("provenance.source"), width=1.2),
        Column(label=words.t("provenance.payloads"), width=3),
        Column(label=words.t("provenance.fetched"), width=1.2),
        Column(label=words.t("provenance.status"), width=2),
    )
    rows = tuple(
        _source_row(name, by_source.get(name, []), outcome_of.get(name), cited, locale)
        for name in dict.fromkeys((*by_source, *outcome_of))
    )
    return Table(caption=words.t("provenance.caption"), columns=columns, rows=rows, small=True)


def _source_row(
    name: str, payloads: Sequence[RawPayload], outcome: SourceOutcome | None, cited: set[str], locale: Locale
) -> tuple[Cell, ...]:
    """Payloads that facts cite stand first; newest first within them."""
    words = locale.words
    ordered = sorted(payloads, key=lambda p: (p.sha256 not in cited, -p.fetched_at.timestamp()))
    hashes = [p.sha256[:SHA_SHOWN] for p in ordered[:_PAYLOADS_SHOWN]]
    if len(ordered) > _PAYLOADS_SHOWN:
        hashes.append(words.t("provenance.more", n=len(ordered) - _PAYLOADS_SHOWN))
    newest = max((p.fetched_at for p in payloads), default=None)
    status = outcome.status if outcome else "ok"
    state = words.t("provenance.used" if status == "ok" else f"provenance.{status}")
    reason = source_remark(outcome.reason, locale) if outcome else ""
    mark: Mark | None = "warn" if status in ("failed", "rejected") else None
    return (
        Cell(text=name, strong=True),
        Cell(text=" ".join(hashes) or MISSING, muted=True),
        Cell(text=locale.instant(newest)),
        Cell(text=f"{state}: {reason}" if reason else state, mark=mark),
    )


def _models(opinions: Sequence[Opinion], locale: Locale) -> Table:
    words = locale.words
    labels = ("model", "version", "prompt", "tokens", "cost", "seconds")
    right = {"tokens", "cost", "seconds"}
    widths = {"model": 1.2, "version": 2.2, "prompt": 1.3, "tokens": 1, "cost": 1, "seconds": 0.8}
    columns = tuple(
        Column(label=words.t(f"provenance.{k}"), align="right" if k in right else "left", width=widths[k])
        for k in labels
    )
    rows = tuple(
        (
            Cell(text=analyst_name(o.provider, locale), strong=True),
            Cell(text=clean(o.model, 60) or MISSING, sub=words.t("ai.cached") if o.cached else None),
            Cell(text=o.prompt_hash[:SHA_SHOWN] or MISSING, muted=True),
            Cell(text=_tokens(o, locale)),
            money_cell(locale, o.cost_usd, 4, currency="US$"),
            Cell(text=words.t("provenance.seconds_value", n=locale.number(max(o.seconds, 0.1), 1))),
        )
        for o in opinions
    )
    return Table(caption=words.t("provenance.models_caption"), columns=columns, rows=rows, small=True)


def _tokens(opinion: Opinion, locale: Locale) -> str:
    if not opinion.tokens_in and not opinion.tokens_out:
        return MISSING
    return f"{locale.number(opinion.tokens_in, 0)} + {locale.number(opinion.tokens_out, 0)}"
