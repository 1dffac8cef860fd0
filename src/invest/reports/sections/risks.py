"""The risk checklist: each item with its value, its threshold and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invest.domain.analysis import FACT_KEYS, RiskAnalysis
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING
from invest.reports.views import Block, Cell, Column, Mark, Paragraph, Ref, Section, Table


def risk_section(risk: RiskAnalysis, book: FactBook, *, bank: bool = False, ticker: str = "") -> Section:
    """The checklist's items that have data, and the overall level with the figures it follows from."""
    words = book.locale.words
    blocks: list[Block] = []
    asked = [i for i in risk.checklist if i.get("passed") is not None]
    rows = tuple(_row(item, book, ticker) for item in asked)
    if rows:
        labels = ("item", "value", "threshold", "state")
        columns = tuple(
            Column(label=words.t(f"risk.{k}"), align="right" if k in ("value", "threshold") else "left") for k in labels
        )
        blocks.append(Table(caption=words.t("risk.caption"), columns=columns, rows=rows))
    else:
        blocks.append(Paragraph(text=words.t("risk.none"), muted=True))
    if text := levels_text(risk, book, bank=bank):
        blocks.append(Paragraph(text=text, muted=True))
    note = words.t("risk.note") if rows else ""
    return Section(id="risks", title=words.t("risk.title"), note=note, blocks=tuple(blocks), span=6)


def levels_text(risk: RiskAnalysis, book: FactBook, *, bank: bool = False) -> str:
    """The overall level, and each kind's with its figure; empty where no kind has data."""
    words, locale = book.locale.words, book.locale
    if risk.overall_risk is None:
        return ""
    kinds = [_debt_text(risk.debt_risk, book, bank=bank)]
    volatility, turnover = book.value("volatility_1y"), book.value("turnover_21d")
    if risk.volatility_risk and volatility is not None:
        level = words.t(f"risk.{risk.volatility_risk}_f")
        kinds.append(words.t("risk.kind_volatility", level=level, value=locale.percent(volatility, 1)))
    if risk.liquidity_risk and turnover is not None:
        level = words.t(f"risk.{risk.liquidity_risk}")
        kinds.append(words.t("risk.kind_liquidity", level=level, value=locale.short_money(turnover)))
    known = [text for text in kinds if text]
    if len(known) == 1:  # one kind alone says nothing of the whole
        return f"{known[0][:1].upper()}{known[0][1:]}."
    because = words.t("risk.because", items="; ".join(known)) if known else "."
    return words.t("risk.overall_level", level=words.t(f"risk.{risk.overall_risk}")) + because


def _debt_text(level: str | None, book: FactBook, *, bank: bool) -> str:
    """Debt in words with the figure it follows from; empty without such a figure."""
    words = book.locale.words
    if level is None:
        return ""
    message = words.t(f"risk.{level}")
    ratio, net_debt, share = (book.value(k) for k in ("net_debt_ebitda", "net_debt", "equity_assets"))
    if bank:
        return (
            ""
            if share is None
            else words.t("risk.kind_capital", level=message, value=book.text("equity_assets", share))
        )
    if net_debt is not None and net_debt <= 0:
        return words.t("risk.kind_net_cash")
    if ratio is not None:
        return words.t("risk.kind_debt", level=message, value=book.text("net_debt_ebitda", ratio))
    return words.t("risk.kind_negative_ebitda", level=message) if net_debt is not None else ""


def _row(item: Mapping[str, Any], book: FactBook, ticker: str) -> tuple[Cell, ...]:
    """One item of `RiskAnalysis.checklist`: `check`, `key` of its figure, `value`, `threshold`, `passed`."""
    words, key, check = book.locale.words, str(item.get("key")), str(item.get("check"))
    fact, value, threshold = book.get(key), item.get("value"), item.get("threshold")
    passed = item.get("passed")
    mark: Mark = "off" if passed is None else "good" if passed else "bad"
    state = words.t({"good": "risk.ok", "bad": "risk.bad"}.get(mark, "risk.none_state"))
    if threshold is None:  # a question of its own: whether the newest price is fresh
        shown = book.locale.day(fact.as_of) if fact else MISSING
        daily = fact is not None and "-" in ticker
        limit = words.get(f"limit.{check}{'_daily' if daily else ''}", MISSING)
    else:
        ceiling = key in FACT_KEYS and FACT_KEYS[key].better == -1
        shown = book.text(key, value)
        limit = f"{'≤' if ceiling else '>'} {book.text(key, threshold)}"
    refs = (Ref(fact_id=fact.id, text=""),) if fact is not None and fact.value is not None else ()
    name = words.get(f"check.{check}", book.short(key))
    return (Cell(text=name, refs=refs), Cell(text=shown, strong=True), Cell(text=limit), Cell(text=state, mark=mark))
