"""The risk checklist: each item with its value, its threshold and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invest.domain.analysis import FACT_KEYS, RiskAnalysis
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING
from invest.reports.views import Block, Cell, Column, Mark, Paragraph, Ref, Section, Table


def risk_section(risk: RiskAnalysis, book: FactBook, *, company: bool) -> Section:
    """The table of the checklist and the levels by kind; what only a `company` has is left out for other kinds."""
    words = book.locale.words
    blocks: list[Block] = []
    asked = [i for i in risk.checklist if company or i.get("value") is not None or i.get("threshold") is None]
    rows = tuple(_row(item, book) for item in asked)
    if rows:
        labels = ("item", "value", "threshold", "state")
        columns = tuple(
            Column(label=words.t(f"risk.{k}"), align="right" if k in ("value", "threshold") else "left") for k in labels
        )
        blocks.append(Table(caption=words.t("risk.caption"), columns=columns, rows=rows))
    else:
        blocks.append(Paragraph(text=words.t("risk.none"), muted=True))
    blocks.append(Paragraph(text=levels_text(risk, book), muted=True))
    note = words.t("risk.note") if rows else ""
    return Section(id="risks", title=words.t("risk.title"), note=note, blocks=tuple(blocks), span=6)


def levels_text(risk: RiskAnalysis, book: FactBook) -> str:
    """The level of risk by kind, in words."""
    words = book.locale.words

    def level(name: str | None) -> str:
        return words.get(f"risk.{name}", words.t("risk.unknown")) if name else words.t("risk.unknown")

    kinds = words.t(
        "risk.by_kind",
        debt=level(risk.debt_risk),
        volatility=level(risk.volatility_risk),
        liquidity=level(risk.liquidity_risk),
    )
    return f"{words.t('risk.overall', level=level(risk.overall_risk))} {kinds}"


def _row(item: Mapping[str, Any], book: FactBook) -> tuple[Cell, ...]:
    """One item of `RiskAnalysis.checklist`: `check`, `key` of its figure, `value`, `threshold`, `passed`."""
    words, key, check = book.locale.words, str(item.get("key")), str(item.get("check"))
    fact, value, threshold = book.get(key), item.get("value"), item.get("threshold")
    passed = item.get("passed")
    mark: Mark = "off" if passed is None else "good" if passed else "bad"
    state = words.t({"good": "risk.ok", "bad": "risk.bad"}.get(mark, "risk.none_state"))
    if threshold is None:  # a question of its own: whether the newest price is fresh
        shown = book.locale.day(fact.as_of) if fact else MISSING
        limit = words.get(f"limit.{check}", MISSING)
    else:
        ceiling = key in FACT_KEYS and FACT_KEYS[key].better == -1
        shown = book.text(key, value)
        limit = f"{'≤' if ceiling else '>'} {book.text(key, threshold)}"
    refs = (Ref(fact_id=fact.id, text=""),) if fact is not None and fact.value is not None else ()
    name = words.get(f"check.{check}", book.short(key))
    return (Cell(text=name, refs=refs), Cell(text=shown, strong=True), Cell(text=limit), Cell(text=state, mark=mark))
