"""Makers of the domain's inputs for tests: bars, statement lines, corporate actions, news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from invest.domain.analysis.models import Analysis
from invest.domain.market.assets import ActionKind, Asset, CorporateAction, MacroPoint, NewsItem, StatementLine
from invest.domain.market.bars import Bar, Bars, Floats
from invest.domain.market.calendar import sessions_between
from invest.domain.market.tickers import AssetKind
from invest.domain.values.harvest import Harvest
from invest.domain.values.observations import Consensus

NOW = datetime(2026, 4, 1, 2, tzinfo=UTC)  # the evening of 31 March in São Paulo
LAST = date(2026, 3, 31)
PAYLOAD = "a" * 64


def bars(
    ticker: str = "TEST3",
    sessions: int = 1400,
    seed: int = 0,
    drift: float = 0.0003,
    volatility: float = 0.02,
    price: float = 20.0,
    volume: float = 1e6,
    until: date = LAST,
) -> Bars:
    """A random walk over the last `sessions` of B3 up to `until`."""
    days = sessions_between(until - timedelta(days=sessions * 2), until)[-sessions:]
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(drift, volatility, len(days))))
    shares = np.round(volume * random.uniform(0.5, 1.5, len(days)))
    return of_closes(close, days=days, ticker=ticker, volume=shares)


def of_closes(
    close: Floats | list[float],
    days: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]] | None = None,
    ticker: str = "TEST3",
    volume: Floats | None = None,
) -> Bars:
    """Bars around the given closes, one per session up to 31 March 2026 where no days are given."""
    prices = np.asarray(close, dtype=float)
    if days is None:
        days = sessions_between(LAST - timedelta(days=len(prices) * 2 + 30), LAST)[-len(prices) :]
    shares = np.full(len(prices), 1e6) if volume is None else volume
    high, low = prices * 1.01, prices * 0.99
    return Bars(ticker, days[: len(prices)], prices, high, low, prices, shares, shares * prices, np.ones(len(prices)))


INDUSTRY: Mapping[str, tuple[str, str]] = {
    "1": ("BPA", "Ativo Total"),
    "1.01": ("BPA", "Ativo Circulante"),
    "1.01.01": ("BPA", "Caixa e Equivalentes de Caixa"),
    "1.01.02": ("BPA", "Aplicações Financeiras"),
    "1.01.03": ("BPA", "Contas a Receber"),
    "1.01.04": ("BPA", "Estoques"),
    "1.02.03": ("BPA", "Imobilizado"),
    "2": ("BPP", "Passivo Total"),
    "2.01": ("BPP", "Passivo Circulante"),
    "2.01.04": ("BPP", "Empréstimos e Financiamentos"),
    "2.02": ("BPP", "Passivo Não Circulante"),
    "2.02.01": ("BPP", "Empréstimos e Financiamentos"),
    "2.03": ("BPP", "Patrimônio Líquido Consolidado"),
    "2.03.04": ("BPP", "Reservas de Lucros"),
    "2.03.05": ("BPP", "Lucros/Prejuízos Acumulados"),
    "2.03.09": ("BPP", "Participação dos Acionistas Não Controladores"),
    "3.01": ("DRE", "Receita de Venda de Bens e/ou Serviços"),
    "3.02": ("DRE", "Custo dos Bens e/ou Serviços Vendidos"),
    "3.03": ("DRE", "Resultado Bruto"),
    "3.05": ("DRE", "Resultado Antes do Resultado Financeiro e dos Tributos"),
    "3.06": ("DRE", "Resultado Financeiro"),
    "3.06.02": ("DRE", "Despesas Financeiras"),
    "3.07": ("DRE", "Resultado Antes dos Tributos sobre o Lucro"),
    "3.11": ("DRE", "Lucro/Prejuízo Consolidado do Período"),
    "3.11.01": ("DRE", "Atribuído a Sócios da Empresa Controladora"),
    "3.11.02": ("DRE", "Atribuído a Sócios Não Controladores"),
    "3.99.01.01": ("DRE", "ON"),
    "6.01": ("DFC_MI", "Caixa Líquido Atividades Operacionais"),
    "6.01.01.02": ("DFC_MI", "Depreciação e amortização"),
    "6.02": ("DFC_MI", "Caixa Líquido Atividades de Investimento"),
    "6.02.01": ("DFC_MI", "Aquisição de imobilizado"),
    "6.03": ("DFC_MI", "Caixa Líquido Atividades de Financiamento"),
    "6.03.01": ("DFC_MI", "Aumento de capital"),
    "7.04.01": ("DVA", "Depreciação, Amortização e Exaustão"),
}
BANK: Mapping[str, tuple[str, str]] = {
    "1": ("BPA", "Ativo Total"),
    "1.01": ("BPA", "Caixa e Equivalentes de Caixa"),
    "2": ("BPP", "Passivo Total"),
    "2.01": ("BPP", "Passivos Financeiros ao Valor Justo através do Resultado"),
    "2.03": ("BPP", "Provisões"),
    "2.08": ("BPP", "Patrimônio Líquido Consolidado"),
    "2.08.09": ("BPP", "Participação dos Acionistas Não Controladores"),
    "3.01": ("DRE", "Receitas da Intermediação Financeira"),
    "3.02": ("DRE", "Despesas da Intermediação Financeira"),
    "3.03": ("DRE", "Resultado Bruto Intermediação Financeira"),
    "3.05": ("DRE", "Resultado Antes dos Tributos sobre o Lucro"),
    "3.09": ("DRE", "Lucro/Prejuízo Consolidado do Período"),
    "3.09.01": ("DRE", "Atribuído a Sócios da Empresa Controladora"),
    "3.09.02": ("DRE", "Atribuído a Sócios Não Controladores"),
}
INSURER: Mapping[str, tuple[str, str]] = {
    "1": ("BPA", "Ativo Total"),
    "2": ("BPP", "Passivo Total"),
    "2.03": ("BPP", "Patrimônio Líquido Consolidado"),
    "3.01": ("DRE", "Receitas das Operações"),
    "3.02": ("DRE", "Sinistros e Despesas das Operações"),
    "3.05": ("DRE", "Outras Receitas e Despesas Operacionais"),
    "3.13": ("DRE", "Lucro/Prejuízo Consolidado do Período"),
    "3.13.01": ("DRE", "Atribuído a Sócios da Empresa Controladora"),
}


def filed(
    amounts: Mapping[str, float],
    end: date = date(2025, 12, 31),
    start: date | None = None,
    *,
    form: str = "DFP",
    chart: Mapping[str, tuple[str, str]] = INDUSTRY,
    version: int = 1,
    consolidated: bool = True,
    received: date | None = None,
    words: Mapping[str, str] | None = None,
) -> list[StatementLine]:
    """Lines of one filing; flows run from `start`, by default the first day of the year of `end`."""
    begin = start or date(end.year, 1, 1)
    lines = []
    for account, value in amounts.items():
        statement, description = chart[account]
        lines.append(
            StatementLine(
                cnpj="00000000000191",
                cvm_code=1,
                company="Companhia de Teste S.A.",
                form=form,
                statement=statement,
                consolidated=consolidated,
                version=version,
                reference_date=end,
                period_start=None if statement.startswith("BP") else begin,
                period_end=end,
                account=account,
                description=(words or {}).get(account, description),
                value=Decimal(str(value)),
                received_on=received,
                payload=PAYLOAD,
            )
        )
    return lines


SOUND: Mapping[str, float] = {
    # a sound industrial company, in BRL
    "1": 1000e6,
    "1.01": 400e6,
    "1.01.01": 100e6,
    "1.01.03": 120e6,
    "1.01.04": 80e6,
    "1.02.03": 500e6,
    "2": 1000e6,
    "2.01": 200e6,
    "2.01.04": 50e6,
    "2.02": 300e6,
    "2.02.01": 200e6,
    "2.03": 500e6,
    "2.03.04": 250e6,
    "2.03.05": 0.0,
    "3.01": 800e6,
    "3.02": -500e6,
    "3.03": 300e6,
    "3.05": 150e6,
    "3.06": -20e6,
    "3.06.02": -30e6,
    "3.07": 130e6,
    "3.11": 90e6,
    "3.11.01": 90e6,
    "3.99.01.01": 0.9,
    "6.01": 140e6,
    "6.01.01.02": 40e6,
    "6.02": -60e6,
    "6.02.01": -55e6,
    "6.03": -50e6,
    "7.04.01": -42e6,
}


def grown(amounts: Mapping[str, float], factor: float) -> dict[str, float]:
    """The same company, every amount times `factor` (earnings per share too)."""
    return {account: value * factor for account, value in amounts.items()}


def six_years(last: int = 2025, pace: float = 1.10) -> list[StatementLine]:
    """Six yearly reports of the sound company, growing by `pace` a year up to `last`."""
    lines: list[StatementLine] = []
    for back in range(5, -1, -1):
        year = last - back
        amounts = grown(SOUND, pace**-back)
        lines += filed(amounts, date(year, 12, 31), received=date(year + 1, 3, 10))
    return lines


def dividend(
    amount: str, last_day: date, kind: ActionKind = ActionKind.DIVIDEND, ticker: str = "TEST3"
) -> CorporateAction:
    """Cash per share."""
    return CorporateAction(
        ticker=ticker, kind=kind, last_date_with=last_day, amount=Decimal(amount), source="b3", payload=PAYLOAD
    )


def split(factor: str, last_day: date, kind: ActionKind = ActionKind.SPLIT, ticker: str = "TEST3") -> CorporateAction:
    """New shares per old one."""
    return CorporateAction(
        ticker=ticker, kind=kind, last_date_with=last_day, factor=Decimal(factor), source="b3", payload=PAYLOAD
    )


def quarterly_dividends(amount: str = "0.20", years: int = 6) -> list[CorporateAction]:
    """A dividend every quarter of the last `years`."""
    return [dividend(amount, date(2026 - n // 4, (3, 6, 9, 12)[3 - n % 4], 15)) for n in range(1, years * 4)]


def news(tone: float | None, days_ago: int = 3, ticker: str = "TEST3") -> NewsItem:
    """One item about `ticker`."""
    when = NOW - timedelta(days=days_ago)
    return NewsItem(
        id=f"{tone}-{days_ago}",
        title="Companhia divulga resultado",
        outlet="Jornal",
        published_at=when,
        fetched_at=when,
        source="rss",
        payload=PAYLOAD,
        tickers=(ticker,),
        sentiment=tone,
    )


def cdi(percent: str = "0.055131", years: int = 7) -> list[MacroPoint]:
    """The same daily rate on every session of the last `years`."""
    days = sessions_between(LAST - timedelta(days=366 * years), LAST)
    return [
        MacroPoint(series="sgs:12", day=day.astype(object), value=Decimal(percent), source="bcb", payload=PAYLOAD)
        for day in days
    ]


def agreed(field: str, value: str, as_of: datetime = NOW, *, quarantined: bool = False) -> Consensus:
    """A consensus of two sources."""
    return Consensus(
        ticker="TEST3",
        field=field,
        value=Decimal(value),
        basis="raw",
        unit="BRL",
        as_of=as_of,
        source="brapi",
        payload=PAYLOAD,
        sources=("brapi", "cotahist"),
        n=2,
        agreement=1.0,
        confidence=0.9,
        quarantined=quarantined,
    )


def asset(
    ticker: str = "TEST3", kind: AssetKind = AssetKind.STOCK, shares: int | None = 100_000_000, sector: str = "Química"
) -> Asset:
    """An asset with its identity."""
    return Asset(
        ticker=ticker,
        kind=kind,
        name=f"Companhia {ticker[:4]}",
        sector=sector,
        shares_outstanding=None if shares is None else Decimal(shares),
    )


def facts_of(analysis: Analysis) -> dict[str, float | None]:
    """Values of an analysis by key."""
    return {fact.key: fact.value for fact in analysis.facts}


def bars_in(harvest: Harvest) -> list[Bar]:
    """The bars of a harvest, those of its tables as rows too."""
    return [*(bar for table in harvest.tables for bar in table.rows()), *harvest.bars]
