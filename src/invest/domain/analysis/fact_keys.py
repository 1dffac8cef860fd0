"""Every figure an analysis may state: its key, unit, names in pt-BR and en, how to print it and which way is better.

Units: `BRL` money, `fraction` (0.242 prints as 24,2 %), `x` a multiple, `count` a whole number, `index` a plain number
without unit (RSI, beta), `score` 0..10. `better` is 1 where more is better, -1 where less is, None where neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from invest.domain.maths import as_shown

Unit = Literal["BRL", "fraction", "x", "count", "index", "score"]
Group = Literal[
    "market",
    "trend",
    "momentum",
    "volatility",
    "volume",
    "levels",
    "result",
    "profitability",
    "growth",
    "debt",
    "efficiency",
    "valuation",
    "models",
    "dividends",
    "quality",
    "news",
    "macro",
]

_MAGNITUDES = (1e12, 1e9, 1e6, 1e3)


@dataclass(frozen=True, slots=True)
class FactKey:
    """One kind of figure. `decimals` counts digits of the printed form (of the percentage for fractions)."""

    key: str
    unit: Unit
    decimals: int
    better: Literal[1, -1] | None
    group: Group
    pt: str
    en: str

    def label(self, language: str) -> str:
        """Its name in `language` ("pt-BR" or anything else for English)."""
        return self.pt if language.lower().startswith("pt") else self.en

    def as_printed(self, value: float | None) -> float | None:
        """The number that a reader sees: rounded to the printed digits, large money to a tenth of its magnitude."""
        if value is None:
            return None
        if self.unit == "fraction":
            return as_shown(value, self.decimals + 2)
        if self.unit == "BRL" and self.decimals == 0:
            scale = next((m for m in _MAGNITUDES if abs(value) >= m), None)
            return as_shown(value, 2) if scale is None else as_shown(value / scale, 1) * scale
        return as_shown(value, self.decimals)


def _group(group: Group, rows: Iterable[tuple[str, Unit, int, Literal[1, -1] | None, str, str]]) -> list[FactKey]:
    return [FactKey(key, unit, decimals, better, group, pt, en) for key, unit, decimals, better, pt, en in rows]


_MARKET = _group(
    "market",
    [
        ("close", "BRL", 2, None, "Fechamento", "Close"),
        ("change_1d", "fraction", 2, None, "Variação no dia", "Change on the day"),
        ("market_cap", "BRL", 0, None, "Valor de mercado", "Market value"),
        ("enterprise_value", "BRL", 0, None, "Valor da firma (EV)", "Enterprise value"),
        ("shares_outstanding", "count", 0, None, "Ações em circulação", "Shares outstanding"),
        ("turnover_21d", "BRL", 0, 1, "Volume financeiro diário (21 d)", "Daily turnover (21 d)"),
        ("turnover_63d", "BRL", 0, 1, "Volume financeiro diário (63 d)", "Daily turnover (63 d)"),
    ],
)
_TREND = _group(
    "trend",
    [
        ("sma_20", "BRL", 2, None, "Média móvel de 20 dias", "20-day moving average"),
        ("sma_50", "BRL", 2, None, "Média móvel de 50 dias", "50-day moving average"),
        ("sma_200", "BRL", 2, None, "Média móvel de 200 dias", "200-day moving average"),
        ("ema_20", "BRL", 2, None, "Média exponencial de 20 dias", "20-day exponential average"),
        ("distance_sma_50", "fraction", 1, None, "Preço ante a média de 50 dias", "Price against 50-day average"),
        ("distance_sma_200", "fraction", 1, None, "Preço ante a média de 200 dias", "Price against 200-day average"),
        ("adx_14", "index", 1, None, "ADX (14)", "ADX (14)"),
        ("plus_di_14", "index", 1, None, "+DI (14)", "+DI (14)"),
        ("minus_di_14", "index", 1, None, "−DI (14)", "−DI (14)"),
    ],
)
_MOMENTUM = _group(
    "momentum",
    [
        ("rsi_14", "index", 1, None, "IFR (14)", "RSI (14)"),
        ("macd", "BRL", 3, None, "MACD (12, 26)", "MACD (12, 26)"),
        ("macd_signal", "BRL", 3, None, "Sinal do MACD (9)", "MACD signal (9)"),
        ("macd_histogram", "BRL", 3, None, "Histograma do MACD", "MACD histogram"),
        ("stochastic_k", "index", 1, None, "Estocástico %K (14, 3)", "Stochastic %K (14, 3)"),
        ("stochastic_d", "index", 1, None, "Estocástico %D (3)", "Stochastic %D (3)"),
        ("return_1m", "fraction", 1, None, "Retorno em 1 mês", "1-month return"),
        ("return_3m", "fraction", 1, None, "Retorno em 3 meses", "3-month return"),
        ("return_6m", "fraction", 1, 1, "Retorno em 6 meses", "6-month return"),
        ("return_1y", "fraction", 1, 1, "Retorno em 12 meses", "12-month return"),
        ("return_5y", "fraction", 1, 1, "Retorno anual em 5 anos", "5-year annual return"),
        ("momentum_12_1", "fraction", 1, 1, "Momento 12−1", "12−1 momentum"),
        ("excess_ibov_1y", "fraction", 1, 1, "Retorno sobre o IBOV em 12 meses", "12-month return over IBOV"),
        ("excess_ifix_1y", "fraction", 1, 1, "Retorno sobre o IFIX em 12 meses", "12-month return over IFIX"),
        ("excess_cdi_1y", "fraction", 1, 1, "Retorno sobre o CDI em 12 meses", "12-month return over CDI"),
    ],
)
_VOLATILITY = _group(
    "volatility",
    [
        ("volatility_21d", "fraction", 1, -1, "Volatilidade anualizada (21 d)", "Annualised volatility (21 d)"),
        ("volatility_1y", "fraction", 1, -1, "Volatilidade anualizada (12 meses)", "Annualised volatility (12 months)"),
        ("atr_14", "BRL", 2, None, "ATR (14)", "ATR (14)"),
        ("atr_percent", "fraction", 2, -1, "ATR sobre o preço", "ATR over price"),
        ("bollinger_upper", "BRL", 2, None, "Banda de Bollinger superior (20, 2)", "Upper Bollinger band (20, 2)"),
        ("bollinger_middle", "BRL", 2, None, "Banda de Bollinger central", "Middle Bollinger band"),
        ("bollinger_lower", "BRL", 2, None, "Banda de Bollinger inferior (20, 2)", "Lower Bollinger band (20, 2)"),
        ("bollinger_position", "fraction", 0, None, "Posição nas bandas de Bollinger", "Position in Bollinger bands"),
        ("drawdown", "fraction", 1, None, "Queda desde o topo", "Drawdown from the peak"),
        ("max_drawdown_1y", "fraction", 1, 1, "Queda máxima em 12 meses", "Largest drawdown, 12 months"),
        ("max_drawdown_5y", "fraction", 1, 1, "Queda máxima em 5 anos", "Largest drawdown, 5 years"),
        ("beta_1y", "index", 2, None, "Beta ante o IBOV (12 meses)", "Beta to IBOV (12 months)"),
        ("correlation_1y", "index", 2, None, "Correlação com o IBOV (12 meses)", "Correlation with IBOV (12 months)"),
        ("sharpe_1y", "index", 2, 1, "Índice de Sharpe sobre o CDI (12 meses)", "Sharpe ratio over CDI (12 months)"),
        ("var_95", "fraction", 1, 1, "VaR histórico de 1 dia (95%)", "1-day historical VaR (95 %)"),
    ],
)
_VOLUME = _group(
    "volume",
    [
        ("volume", "count", 0, None, "Volume do dia", "Volume of the day"),
        ("volume_avg_21d", "count", 0, None, "Volume médio (21 d)", "Average volume (21 d)"),
        ("relative_volume", "x", 2, None, "Volume relativo", "Relative volume"),
        ("obv", "count", 0, None, "OBV", "OBV"),
        (
            "obv_change_63d",
            "x",
            2,
            None,
            "Variação do OBV em 63 d (em dias de volume)",
            "OBV change, 63 d (in days' volume)",
        ),
    ],
)
_LEVELS = _group(
    "levels",
    [
        ("support", "BRL", 2, None, "Suporte", "Support"),
        ("resistance", "BRL", 2, None, "Resistência", "Resistance"),
        ("week52_high", "BRL", 2, None, "Máxima de 52 semanas", "52-week high"),
        ("week52_low", "BRL", 2, None, "Mínima de 52 semanas", "52-week low"),
        ("week52_position", "fraction", 0, None, "Posição na faixa de 52 semanas", "Position in 52-week range"),
    ],
)
_RESULT = _group(
    "result",
    [
        ("revenue", "BRL", 0, None, "Receita líquida (12 meses)", "Revenue (TTM)"),
        ("gross_profit", "BRL", 0, None, "Lucro bruto (12 meses)", "Gross profit (TTM)"),
        ("ebit", "BRL", 0, None, "EBIT (12 meses)", "EBIT (TTM)"),
        ("ebitda", "BRL", 0, None, "EBITDA (12 meses)", "EBITDA (TTM)"),
        ("net_income", "BRL", 0, None, "Lucro líquido (12 meses)", "Net income (TTM)"),
        ("operating_cash_flow", "BRL", 0, None, "Caixa operacional (12 meses)", "Operating cash flow (TTM)"),
        ("free_cash_flow", "BRL", 0, None, "Fluxo de caixa livre (12 meses)", "Free cash flow (TTM)"),
        ("total_assets", "BRL", 0, None, "Ativo total", "Total assets"),
        ("equity", "BRL", 0, None, "Patrimônio líquido", "Equity"),
        ("cash", "BRL", 0, None, "Caixa e aplicações", "Cash and equivalents"),
        ("gross_debt", "BRL", 0, None, "Dívida bruta", "Gross debt"),
        ("net_debt", "BRL", 0, None, "Dívida líquida", "Net debt"),
        ("eps", "BRL", 2, None, "Lucro por ação (LPA)", "Earnings per share"),
        ("bvps", "BRL", 2, None, "Valor patrimonial por ação (VPA)", "Book value per share"),
    ],
)
_PROFITABILITY = _group(
    "profitability",
    [
        ("roe", "fraction", 1, 1, "ROE", "ROE"),
        ("roa", "fraction", 1, 1, "ROA", "ROA"),
        ("roic", "fraction", 1, 1, "ROIC", "ROIC"),
        ("gross_margin", "fraction", 1, 1, "Margem bruta", "Gross margin"),
        ("ebit_margin", "fraction", 1, 1, "Margem EBIT", "EBIT margin"),
        ("ebitda_margin", "fraction", 1, 1, "Margem EBITDA", "EBITDA margin"),
        ("net_margin", "fraction", 1, 1, "Margem líquida", "Net margin"),
    ],
)
_GROWTH = _group(
    "growth",
    [
        ("revenue_growth_1y", "fraction", 1, 1, "Crescimento da receita em 12 meses", "Revenue growth, 12 months"),
        ("net_income_growth_1y", "fraction", 1, 1, "Crescimento do lucro em 12 meses", "Earnings growth, 12 months"),
        ("revenue_cagr_5y", "fraction", 1, 1, "Crescimento anual da receita (5 anos)", "Revenue CAGR (5 years)"),
        ("net_income_cagr_5y", "fraction", 1, 1, "Crescimento anual do lucro (5 anos)", "Earnings CAGR (5 years)"),
        ("equity_cagr_5y", "fraction", 1, 1, "Crescimento anual do patrimônio (5 anos)", "Equity CAGR (5 years)"),
    ],
)
_DEBT = _group(
    "debt",
    [
        ("net_debt_ebitda", "x", 1, -1, "Dív. líq./EBITDA", "Net debt/EBITDA"),
        ("net_debt_equity", "x", 2, -1, "Dív. líq./Patrimônio", "Net debt/Equity"),
        ("gross_debt_equity", "x", 2, -1, "Dív. bruta/Patrimônio", "Gross debt/Equity"),
        ("liabilities_assets", "fraction", 1, -1, "Passivo/Ativo", "Liabilities/Assets"),
        ("equity_assets", "fraction", 1, 1, "Patrimônio/Ativo", "Equity/Assets"),
        ("interest_coverage", "x", 1, 1, "Cobertura de juros", "Interest coverage"),
        ("current_ratio", "x", 2, 1, "Liquidez corrente", "Current ratio"),
        ("short_term_debt_share", "fraction", 0, -1, "Dívida de curto prazo/total", "Short-term share of debt"),
    ],
)
_EFFICIENCY = _group(
    "efficiency",
    [
        ("asset_turnover", "x", 2, 1, "Giro do ativo", "Asset turnover"),
        ("cash_conversion", "x", 2, 1, "Caixa operacional/Lucro líquido", "Operating cash/Net income"),
        ("capex_revenue", "fraction", 1, None, "Investimento/Receita", "Capex/Revenue"),
        ("inventory_days", "count", 0, -1, "Prazo médio de estoques (dias)", "Inventory days"),
        ("receivable_days", "count", 0, -1, "Prazo médio de recebimento (dias)", "Receivable days"),
    ],
)
_VALUATION = _group(
    "valuation",
    [
        ("p_l", "x", 1, -1, "P/L", "P/E"),
        ("p_vp", "x", 2, -1, "P/VP", "P/B"),
        ("p_sr", "x", 2, -1, "P/Receita (PSR)", "P/S"),
        ("p_ebit", "x", 1, -1, "P/EBIT", "P/EBIT"),
        ("ev_ebit", "x", 1, -1, "EV/EBIT", "EV/EBIT"),
        ("ev_ebitda", "x", 1, -1, "EV/EBITDA", "EV/EBITDA"),
        ("earnings_yield", "fraction", 1, 1, "Lucro/Preço", "Earnings yield"),
        ("fcf_yield", "fraction", 1, 1, "Fluxo de caixa livre/Valor de mercado", "Free cash flow yield"),
        ("greenblatt_yield", "fraction", 1, 1, "EBIT/EV (Greenblatt)", "EBIT/EV (Greenblatt)"),
        ("greenblatt_return", "fraction", 1, 1, "EBIT/capital (Greenblatt)", "Return on capital (Greenblatt)"),
    ],
)
_MODELS = _group(
    "models",
    [
        ("graham_price", "BRL", 2, None, "Preço justo de Graham", "Graham number"),
        ("bazin_price", "BRL", 2, None, "Preço-teto de Bazin", "Bazin ceiling price"),
        ("gordon_price", "BRL", 2, None, "Preço justo de Gordon", "Gordon fair value"),
        ("graham_margin", "fraction", 1, 1, "Margem de segurança (Graham)", "Margin of safety (Graham)"),
        ("bazin_margin", "fraction", 1, 1, "Margem de segurança (Bazin)", "Margin of safety (Bazin)"),
        ("gordon_margin", "fraction", 1, 1, "Margem de segurança (Gordon)", "Margin of safety (Gordon)"),
    ],
)
_DIVIDENDS = _group(
    "dividends",
    [
        ("dividends_12m", "BRL", 4, None, "Proventos por ação (12 meses)", "Dividends per share (12 months)"),
        ("dividend_yield", "fraction", 1, 1, "Dividend yield (12 meses)", "Dividend yield (12 months)"),
        (
            "dividend_yield_5y",
            "fraction",
            1,
            1,
            "Proventos médios de 5 anos sobre o preço",
            "5-year mean dividends over price",
        ),
        ("payout", "fraction", 0, None, "Payout", "Payout"),
        ("dividend_years_5y", "count", 0, 1, "Anos com proventos nos últimos 5", "Years with dividends in the last 5"),
        (
            "dividend_months_12m",
            "count",
            0,
            1,
            "Meses com proventos nos últimos 12",
            "Months with dividends in the last 12",
        ),
    ],
)
_QUALITY = _group(
    "quality",
    [
        ("piotroski", "count", 0, 1, "Piotroski F (0 a 9)", "Piotroski F (0 to 9)"),
        ("piotroski_tests", "count", 0, None, "Testes de Piotroski com dados", "Piotroski tests with data"),
        ("altman_z", "index", 2, 1, "Altman Z", "Altman Z"),
        ("vacancy", "fraction", 1, -1, "Vacância dos imóveis", "Vacancy of the buildings"),
        ("delinquency", "fraction", 1, -1, "Inadimplência", "Delinquency of tenants"),
        ("admin_fee", "fraction", 2, -1, "Taxa de administração (12 meses)", "Administration fee (12 months)"),
        ("holders", "count", 0, None, "Cotistas", "Unit holders"),
        ("parity", "x", 0, None, "Recibos por ação no exterior", "Receipts per home share"),
        ("nav_return_1y", "fraction", 1, None, "Retorno da cota patrimonial em 12 meses", "12-month return of the NAV"),
        (
            "tracking_difference_1y",
            "fraction",
            2,
            None,
            "Diferença ante o índice em 12 meses",
            "12-month tracking difference",
        ),
    ],
)
_NEWS = _group(
    "news",
    [
        ("news_count_30d", "count", 0, None, "Notícias em 30 dias", "News in 30 days"),
        ("news_tone_30d", "index", 2, 1, "Tom das notícias em 30 dias (−1 a 1)", "News tone in 30 days (−1 to 1)"),
    ],
)
_MACRO = _group(
    "macro",
    [
        ("cdi_1y", "fraction", 2, None, "CDI em 12 meses", "CDI, 12 months"),
        ("cdi_annual", "fraction", 2, None, "CDI anualizado", "CDI, annualised"),
    ],
)

FACT_KEYS: Mapping[str, FactKey] = {
    row.key: row
    for row in (
        *_MARKET,
        *_TREND,
        *_MOMENTUM,
        *_VOLATILITY,
        *_VOLUME,
        *_LEVELS,
        *_RESULT,
        *_PROFITABILITY,
        *_GROWTH,
        *_DEBT,
        *_EFFICIENCY,
        *_VALUATION,
        *_MODELS,
        *_DIVIDENDS,
        *_QUALITY,
        *_NEWS,
        *_MACRO,
    )
}
