"""The tax of a year as a report: months, DARFs, what is held, income by payer. In Portuguese, as the return is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from invest.domain.market import market_day
from invest.domain.taxes import Bucket, Flag, MonthTax, State, TaxYear, written_cnpj
from invest.reports.cells import money_cell, quantity_cell
from invest.reports.locale import Locale, locale_of
from invest.reports.views import (
    Block,
    Cell,
    Claim,
    Claims,
    Column,
    Header,
    Mark,
    Paragraph,
    ReportView,
    Section,
    Stat,
    Stats,
    Table,
)
from invest.reports.words import clean

STATES: dict[State, tuple[str, Mark]] = {
    State.NO_MOVEMENT: ("sem movimento", "off"),
    State.EXEMPT: ("isento", "good"),
    State.LOSS: ("prejuízo", "flat"),
    State.OFFSET: ("compensado", "good"),
    State.BELOW_MINIMUM: ("abaixo de R$ 10,00", "flat"),
    State.DUE: ("a pagar", "warn"),
    State.PAID: ("pago", "good"),
    State.LATE: ("vencido", "bad"),
    State.INCOMPLETE: ("incompleto", "warn"),
}
BUCKETS = {Bucket.COMMON: "comum", Bucket.DAY_TRADE: "day trade", Bucket.FII: "FII e Fiagro"}
SECTIONS = {"isentos": "Isentos", "exclusiva": "Exclusiva", "exterior": "Exterior"}
ADVICE = (
    "Auxílio de cálculo, não é consultoria tributária: confira com as notas de corretagem, o ReVar e o programa da "
    "declaração. Regras conhecidas em 29/11/2026."
)
NOT_COVERED = (
    "Não cobre: opções, futuros e termo (um exercício é apontado, some o prêmio ao custo); venda a descoberto; ETF de "
    "renda fixa; FI-Infra; criptoativos (GCAP); bens no exterior; vendas fora da bolsa, herança e doação; IRPFM; multa "
    "e juros de DARF em atraso (use o Sicalc)."
)
_COMMAND = re.compile(r"\s*\((?:use )?`?invest [^)]*\)")  # what to type is for the terminal
KINDS = {"sell": "venda", "day_trade": "day trade", "amortisation": "amortização"}


def build_tax_view(
    year: TaxYear,
    *,
    name: str,
    report_id: str,
    generated_at: datetime,
    sandbox: bool = False,
    language: str = "pt-BR",
) -> ReportView:
    """Everything that the return and the DARFs of `told.year` need, with what is open first.

    In Portuguese, as the return's own forms are; with `language` "en" what is open is said in English too.
    """
    locale = locale_of("pt-BR")
    today = market_day(generated_at)
    blocks: list[Section] = [_summary(year, locale)]
    if year.flags:
        blocks.append(_open_questions(year, english=language != "pt-BR"))
    blocks += [_months(year, locale), _lines(year, locale), _goods(year, today, locale), _income(year, locale)]
    return ReportView(
        report_id=report_id,
        report_type="tax",
        language="pt-BR",
        title=f"Imposto de renda {year.year} - {clean(name, 100)}",
        generated_at=generated_at,
        sandbox=sandbox,
        stamp="DADOS DE DEMONSTRAÇÃO" if sandbox else None,
        header=Header(
            title=f"Imposto de renda {year.year}", name=clean(name, 100), tagline=_tagline(year.year, today, locale)
        ),
        sections=tuple(section for section in blocks if section.blocks),
        footer=f"Imposto de renda {year.year}",
        disclaimer="Auxílio de cálculo, não é consultoria tributária.",
        disclaimers=(ADVICE, NOT_COVERED),
    )


def _tagline(year: int, today: date, locale: Locale) -> str:
    """What it is about, and until when: a running year changes until its end."""
    until = f"ano em curso, até {locale.day(today)}" if today.year == year else f"de 01/01 a 31/12/{year}"
    return f"Renda variável no Brasil · {until}"


def _summary(report: TaxYear, locale: Locale) -> Section:
    taxes = sum(month.tax for month in report.months)
    darfs = sum(month.darf.amount for month in report.months if month.darf)
    exempt = sum(month.exempt_gain for month in report.months if month.state is not State.INCOMPLETE)
    losses = ", ".join(f"{BUCKETS[b]} {locale.money(v)}" for b, v in report.losses.items() if v)
    count = sum(1 for month in report.months if month.darf)
    counted = "nenhum no ano" if not count else "1 documento" if count == 1 else f"{count} documentos"
    unsure = [_written(month) for month in report.months if month.state is State.INCOMPLETE]
    waiting = f"falta apurar {_some(unsure)}" if unsure else ""

    def stat(label: str, amount: Decimal, sub: str = "") -> Stat:
        """Nought is no result while a month waits for an answer: it may become anything."""
        if unsure and not amount:
            return Stat(label=label, text="incompleto", sub=waiting)
        return Stat(label=label, text=locale.money(amount), sub="; ".join(t for t in (sub, waiting) if t))

    items = (
        stat("Imposto apurado", Decimal(taxes)),
        stat("DARF 6015", Decimal(darfs), counted),
        stat("Ganhos isentos", Decimal(exempt), "vendas de até R$ 20.000,00 no mês"),
        Stat(
            label="Prejuízo a compensar",
            text="incompleto" if unsure and not losses else losses or "nenhum",
            sub=waiting,
        ),
    )
    return Section(id="summary", title="Resumo", blocks=(Stats(items=items),))


def _some(months: Sequence[str], most: int = 3) -> str:
    """The first months by name, the others counted."""
    named = ", ".join(months[:most])
    return f"{named} e mais {len(months) - most}" if len(months) > most else named


def _open_questions(report: TaxYear, *, english: bool) -> Section:
    items = tuple(
        Claim(text=clean(_flag_text(flag, english=english), 800), mark="bad" if flag.blocks else "warn")
        for flag in report.flags[:60]
    )
    more = len(report.flags) - len(items)
    note = f"e mais {more}" if more > 0 else ""
    return Section(id="open", title="Em aberto", note=note, blocks=(Claims(items=items),))


def _flag_text(flag: Flag, *, english: bool) -> str:
    text = _sentence(flag.message_pt or flag.message)
    return f"{text} {_sentence(flag.message)}" if english and flag.message_pt else text


def _sentence(text: str) -> str:
    """A message of the calculation as a sentence for a reader."""
    plain = _COMMAND.sub("", text)
    return f"{plain[:1].upper()}{plain[1:]}."


def _months(report: TaxYear, locale: Locale) -> Section:
    rows = [row for month in report.months for row in _month_rows(month, locale)]
    columns = ("Mês", "Situação", "Grupo", "Resultado", "Compensado", "Base", "Imposto", "IRRF", "DARF", "Vencimento")
    return _tabled("months", "Apuração mensal", columns, rows, right=(3, 4, 5, 6, 7, 8))


def _written(month: MonthTax) -> str:
    """10/2026, as Brazilians write a month."""
    year, _, number = month.month.partition("-")
    return f"{number}/{year}"


def _month_rows(month: MonthTax, locale: Locale) -> list[tuple[Cell, ...]]:
    word, mark = STATES[month.state]
    moved = [(b, f) for b, f in month.buckets.items() if f.result or f.tax or f.withheld]
    rows = []
    for at, (bucket, found) in enumerate(moved):
        darf = month.darf if at == 0 else None
        rows.append(
            (
                Cell(text=_written(month) if at == 0 else "", strong=True),
                Cell(text=word if at == 0 else "", mark=mark if at == 0 else None),
                Cell(text=BUCKETS[bucket]),
                *(money_cell(locale, v) for v in (found.result, found.loss_used, found.base, found.tax)),
                money_cell(locale, found.withheld, sub="estimado" if found.withheld_estimated else None),
                (money_cell(locale, darf.amount) if darf else Cell(text="")),
                Cell(text=locale.day(darf.due) if darf else ""),
            )
        )
    if month.exempt_gain:
        blank = [Cell(text="")] * 6
        sure = month.state is not State.INCOMPLETE
        state, colour = ("isento", "good") if sure else ("isento se completo", "warn")
        exempt = (Cell(text="" if moved else _written(month), strong=True), Cell(text=state, mark=colour))
        rows.append((*exempt, Cell(text="ações"), money_cell(locale, month.exempt_gain), *blank))
    if not rows and month.state is State.INCOMPLETE:
        rows.append((Cell(text=_written(month), strong=True), Cell(text=word, mark=mark), *[Cell(text="")] * 8))
    return rows


def _lines(report: TaxYear, locale: Locale) -> Section:
    rows = [
        (
            Cell(text=locale.day(line.day)),
            Cell(text=line.ticker, strong=True),
            Cell(text=KINDS.get(line.kind, line.kind)),
            Cell(text=BUCKETS[line.bucket]),
            quantity_cell(locale, line.quantity),
            *(money_cell(locale, v) for v in (line.gross, line.costs, line.cost, line.result)),
            Cell(text=", ".join(str(t) for t in line.transactions), muted=True),
        )
        for month in report.months
        for line in month.lines
    ]
    columns = ("Dia", "Ativo", "Operação", "Grupo", "Qtd.", "Bruto", "Custos", "Custo", "Resultado", "Transações")
    return _tabled("lines", "De onde vem cada resultado", columns, rows, right=(4, 5, 6, 7, 8))


def _goods(year: TaxYear, today: date, locale: Locale) -> Section:
    """What is held at cost, at the end of the year before and of this one; of a running year as it stands today."""
    rows = [
        (
            Cell(text=good.code),
            Cell(text=good.ticker, strong=True),
            Cell(text=clean(good.description, 300)),
            Cell(text="" if good.before is None else locale.money(good.before)),
            Cell(text="" if good.now is None else locale.money(good.now)),
        )
        for good in year.goods
    ]
    now = locale.day(min(date(year.year, 12, 31), today))
    columns = ("Código", "Ativo", "Discriminação", f"31/12/{year.year - 1}", now)
    return _tabled("goods", "Bens e Direitos", columns, rows, right=(3, 4), wide=2)


def _income(report: TaxYear, locale: Locale) -> Section:
    rows = [
        (
            Cell(text=f"{SECTIONS.get(paid.section, paid.section.capitalize())} {paid.code}"),
            Cell(text=paid.title),
            Cell(text=paid.ticker, strong=True),
            Cell(text=clean(paid.payer or "", 80), sub=written_cnpj(paid.cnpj) if paid.cnpj else None),
            money_cell(locale, paid.amount),
        )
        for paid in report.income
    ]
    columns = ("Ficha", "O que é", "Ativo", "Fonte pagadora", "Valor")
    return _tabled("income", "Rendimentos", columns, rows, right=(4,), wide=1)


def _tabled(
    ident: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    *,
    right: Sequence[int],
    wide: int | None = None,
) -> Section:
    if not rows:
        empty: tuple[Block, ...] = (Paragraph(text="Nada a informar.", muted=True),)
        return Section(id=ident, title=title, blocks=empty)
    heads = tuple(
        Column(label=label, align="right" if at in right else "left", width=1 if at == wide else 0)
        for at, label in enumerate(columns)
    )
    return Section(id=ident, title=title, blocks=(Table(caption=title, columns=heads, rows=tuple(rows), small=True),))
