"""Which facts a sentence names, in pt-BR and en: a figure beside a name must be that fact's."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from invest.domain.analysis import FACT_KEYS
from invest.domain.opinions.opinion import SnapshotFact

# Names beside the labels of `FACT_KEYS`, accents off, as analysts write; a general name ("margin") stands for all.
_NAMES: tuple[tuple[str, str], ...] = (
    ("close", r"preco(?: atual| da acao)?|cotacao|fechamento|cotad\w+|price|close|share price|quote"),
    ("change_1d", r"variacao (?:no|do) dia|change on the day"),
    ("market_cap", r"valor de mercado|capitalizacao|market (?:cap(?:itali[sz]ation)?|value)"),
    ("enterprise_value", r"valor da (?:firma|empresa)|enterprise value|ev"),
    ("shares_outstanding", r"acoes em circulacao|numero de acoes|shares outstanding|share count"),
    ("turnover_21d turnover_63d", r"volume financeiro|liquidez(?: diaria| na bolsa)?|(?:daily )?turnover|giro diario"),
    ("sma_20 sma_50 sma_200 ema_20", r"media(?:s)? (?:move(?:l|is)|exponencial)|moving averages?"),
    ("distance_sma_50 distance_sma_200 sma_20 sma_50 sma_200",
     r"media(?: movel)? de \d+ dias|\d+-day(?: moving)? average"),
    ("adx_14 plus_di_14 minus_di_14", r"adx"),
    ("rsi_14", r"ifr|rsi"),
    ("macd macd_signal macd_histogram", r"macd"),
    ("stochastic_k stochastic_d", r"estocastico|stochastic"),
    ("return_1m return_3m return_6m return_1y return_5y momentum_12_1 excess_ibov_1y excess_ifix_1y excess_cdi_1y "
     "change_1d",
     r"retornos?|returns?|valoriza(?:cao|ram|ou)|desvaloriza(?:cao|ram|ou)|rentabilidade|desempenho|performance"),
    ("return_1m return_3m return_6m return_1y return_5y change_1d drawdown excess_ibov_1y excess_ifix_1y",
     r"(?:acao|acoes|papel|papeis|cota|shares?|stock)(?: ja| have| has)? (?:perde(?:u|ram)?|cai(?:u|ram)?"
     r"|recu(?:a|ou|aram)|sob(?:e|em|iu|iram)|subi(?:u|ram)|ganh(?:a|ou|aram)|avanc(?:a|ou|aram)|lost|loses?|fell|falls?"
     r"|gain(?:s|ed)?|rose|rises?"
     r"|(?:is|are) (?:up|down))"),
    ("return_1m return_3m return_6m return_1y return_5y change_1d drawdown max_drawdown_1y max_drawdown_5y"
     " excess_ibov_1y revenue_growth_1y net_income_growth_1y revenue_cagr_5y net_income_cagr_5y",
     r"(?:queda|alta|baixa|recuo|tombo|fall|drop|decline|gain|rise|rally)(?= (?:de|of) \d+(?:[.,]\d+)?\s?%)"),
    ("momentum_12_1", r"moment(?:o|um)"),
    ("excess_ibov_1y", r"(?:retorno )?(?:sobre|acima d[eo]) o? ?ibov\w*|over (?:the )?ibov\w*"
     r"|(?:atras|abaixo|aquem|frente) do ibov\w*|(?:perdeu d|super(?:ou|a)|bateu|venceu) o? ?ibov\w*|perdeu do ibov\w*"
     r"|(?:behind|below|beat|trail(?:s|ed)|lag(?:s|ged)|ahead of) (?:the )?ibov\w*"),
    ("excess_ifix_1y", r"(?:retorno )?(?:sobre|acima d[eo]) o? ?ifix|over (?:the )?ifix"),
    ("excess_cdi_1y", r"(?:retorno )?(?:sobre|acima d[eo]) o? ?cdi|over (?:the )?cdi"),
    ("volatility_21d volatility_1y atr_percent", r"volatilidade|volatility|oscila\w*"),
    ("atr_14 atr_percent", r"atr"),
    ("bollinger_upper bollinger_middle bollinger_lower bollinger_position", r"bollinger"),
    ("drawdown max_drawdown_1y max_drawdown_5y", r"queda (?:maxima|desde o topo)|drawdown|rebaixamento|maior queda"
     r"|abaixo d[aoe]s? (?:topo|pico|maxima(?: historica)?)|(?:below|off|from) (?:its|the) (?:peak|all-time high|top)"),
    ("beta_1y", r"beta"),
    ("correlation_1y", r"correlacao|correlation"),
    ("sharpe_1y", r"sharpe"),
    ("var_95", r"var"),
    ("support", r"suporte|support"),
    ("resistance", r"resistencia|resistance"),
    ("week52_high", r"maxima (?:de|das) 52 semanas|52-week high|topo"),
    ("week52_low", r"minima (?:de|das) 52 semanas|52-week low|fundo"),
    ("week52_position", r"faixa de 52 semanas|52-week range"),
    ("volume volume_avg_21d relative_volume", r"volume"),
    ("revenue revenue_growth_1y revenue_cagr_5y",
     r"receitas?(?: liquidas?)?|faturamento|vendas|revenues?|sales|top line"),
    ("gross_profit", r"lucro bruto|gross profit"),
    ("ebit", r"ebit|lucro operacional|operating (?:profit|income)"),
    ("ebitda", r"ebitda"),
    ("net_income net_income_growth_1y net_income_cagr_5y",
     r"lucros?(?: liquidos?)?|prejuizos?(?: liquidos?)?|net (?:income|loss|profit)|profits?|earnings"
     r"|loss(?:es)?"),
    ("operating_cash_flow free_cash_flow fcf_yield", r"fluxo de caixa|geracao de caixa|cash flow"),
    ("operating_cash_flow", r"caixa operacional|operating cash(?: flow)?"),
    ("free_cash_flow fcf_yield", r"(?:fluxo de )?caixa livre|free cash(?: flow)?"),
    ("total_assets", r"ativos? tota(?:l|is)|total assets"),
    ("equity equity_cagr_5y", r"patrimonio(?: liquido)?|(?:shareholders'? )?equity"),
    ("cash", r"caixa(?: e aplicacoes| e equivalentes)?|cash(?: and equivalents)?"),
    ("gross_debt", r"divida bruta|gross debt"),
    ("net_debt", r"divida liquida|net debt"),
    ("net_debt gross_debt net_debt_ebitda net_debt_equity gross_debt_equity short_term_debt_share",
     r"dividas?|debts?|endividamento"),
    ("eps", r"lpa|lucro por acao|earnings per share|eps"),
    ("bvps", r"vpa|valor patrimonial por acao|book value per share|bvps"),
    ("roe", r"roe|retorno sobre (?:o )?patrimonio(?: liquido)?|return on equity"),
    ("roa", r"roa|retorno sobre (?:o )?ativo|return on assets"),
    ("roic", r"roic|retorno sobre (?:o )?capital(?: investido)?|return on (?:invested )?capital"),
    ("gross_margin ebit_margin ebitda_margin net_margin graham_margin bazin_margin gordon_margin",
     r"margens?|margem|margins?"),
    ("gross_margin", r"margem bruta|gross margin"),
    ("ebit_margin", r"margem (?:ebit|operacional)|(?:ebit|operating) margin"),
    ("ebitda_margin", r"margem ebitda|ebitda margin"),
    ("net_margin", r"margem liquida|net margin"),
    ("revenue_growth_1y revenue_cagr_5y",
     r"crescimento d[ae]s? receitas?|receitas? (?:cresce\w*|cresci\w*|avanc\w*|subi\w*|ca[ií]\w*|recu\w*)"
     r"|revenue (?:growth|grew|rose|fell|cagr)"),
    ("net_income_growth_1y net_income_cagr_5y",
     r"crescimento do lucro|lucro (?:cresce\w*|cresci\w*|avanc\w*|subi\w*|ca[ií]\w*|recu\w*)"
     r"|(?:earnings|profit|net income) (?:growth|grew|rose|fell|cagr)"),
    ("equity_cagr_5y", r"crescimento (?:anual )?do patrimonio|equity (?:growth|cagr)"),
    ("revenue_growth_1y net_income_growth_1y revenue_cagr_5y net_income_cagr_5y equity_cagr_5y",
     r"crescimento(?: anual)?|growth|cagr"),
    ("net_debt_ebitda", r"div(?:ida|\.)? ?liq(?:uida|\.)? ?(?:/|sobre(?: o)?|ante o) ?ebitda|net debt ?(?:/|to) ?ebitda"
     r"|alavancagem|leverage"),
    ("net_debt_equity", r"divida liquida ?(?:/|sobre(?: o)?) ?patrimonio|net debt ?(?:/|to) ?equity"),
    ("gross_debt_equity", r"divida bruta ?(?:/|sobre(?: o)?) ?patrimonio|gross debt ?(?:/|to) ?equity"),
    ("liabilities_assets", r"passivo ?(?:/|sobre(?: o)?) ?ativo|liabilities ?(?:/|to) ?assets"),
    ("equity_assets", r"patrimonio ?(?:/|sobre(?: o)?) ?ativo|equity ?(?:/|to) ?assets"),
    ("interest_coverage", r"cobertura (?:de|dos) juros|interest cover(?:age|ed)?|despesas? financeiras?"
     r"|(?:financial|interest) expenses?"),
    ("interest_coverage cdi_annual cdi_1y", r"juros"),
    ("cdi_annual cdi_1y", r"(?:interest )?rates|taxa de juros"),
    ("current_ratio", r"liquidez corrente|current ratio"),
    ("short_term_debt_share", r"divida de curto prazo|short-term (?:share of )?debt"),
    ("asset_turnover", r"giro do ativo|asset turnover"),
    ("cash_conversion", r"conversao (?:de|em) caixa|cash conversion"),
    ("capex_revenue", r"capex|investimentos?(?: sobre (?:a )?receita)?"),
    ("inventory_days", r"estoques?|inventor(?:y|ies)"),
    ("receivable_days", r"recebimento|recebiveis|receivables?"),
    ("p_l", r"p/l|p/e|preco ?(?:/|sobre(?: o)?) ?lucro|vezes (?:o|os) lucros?|times (?:its )?(?:earnings|profit)"
     r"|price[-/ ](?:to[- ])?earnings|pe ratio|multiplo de lucro"
     r"|(?<=\dx )(?:its |the |o |seu |os )?(?:earnings|profits?|lucros?)"),
    ("p_vp", r"p/vpa?|p/b|preco ?(?:/|sobre(?: o)?) ?valor patrimonial|vezes o valor patrimonial|price[- ]to[- ]book"
     r"|times book|(?<=\dx )(?:its |the |o |seu )?(?:book|patrimonio)"),
    ("p_sr", r"psr|p/s|p/receita|preco ?(?:/|sobre(?: a)?) ?receita|price[- ]to[- ]sales|vezes a receita|times sales"),
    ("p_ebit", r"p/ebit"),
    ("ev_ebit", r"ev/ebit"),
    ("ev_ebitda", r"ev/ebitda"),
    ("ev_ebitda net_debt_ebitda ebitda", r"vezes o ebitda|times ebitda"),
    ("p_l p_vp p_sr p_ebit ev_ebit ev_ebitda", r"multiplos?|multiples?"),
    ("earnings_yield", r"lucro ?/ ?preco|earnings yield"),
    ("fcf_yield", r"fcf yield|free cash flow yield|caixa livre ?/ ?valor de mercado"),
    ("greenblatt_yield greenblatt_return", r"greenblatt"),
    ("graham_price graham_margin", r"graham"),
    ("bazin_price bazin_margin", r"bazin|preco[- ]teto|ceiling price"),
    ("gordon_price gordon_margin", r"gordon"),
    ("dividends_12m dividend_yield dividend_yield_5y payout", r"dividendos?|proventos?|dividends?|jcp"),
    ("dividend_yield dividend_yield_5y",
     r"dividend yield|dy|(?:media|average)[^.;:,]{0,25}(?:dividend )?yield"
     r"|rendimento (?:de|em|dos) (?:dividendos|proventos)|yield"),
    ("payout", r"payout|distribui(?:cao)?(?: de lucros?)?"),
    ("piotroski piotroski_tests", r"piotroski"),
    ("altman_z", r"altman"),
    ("cdi_1y cdi_annual", r"cdi"),
    ("base_rate_180d", r"(?:frequencia|taxa)[- ]base|base rate|base"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a sentence and the keys it stands for."""

    start: int
    end: int
    keys: frozenset[str]


@lru_cache(maxsize=512)
def fold(text: str) -> str:
    """`text` in small letters without accents, character for character."""
    out = []
    for c in text:
        plain = "".join(p for p in unicodedata.normalize("NFD", c.lower()) if not unicodedata.combining(p))
        out.append(plain if len(plain) == 1 else c)
    return "".join(out)


def mentions_in(sentence: str, facts: Iterable[SnapshotFact]) -> list[Mention]:
    """The facts that `sentence` names, in order; of names that overlap the longest counts."""
    known = {fact.key for fact in facts}
    plain = fold(sentence)
    names = [(m.start(), m.end(), keys & known) for pattern, keys in _entries() for m in pattern.finditer(plain)]
    names += [
        (m.start(), m.end(), frozenset({key}))
        for key in known - FACT_KEYS.keys()
        for m in _own_name(key).finditer(plain)
    ]
    found: list[Mention] = []
    for start, end, keys in sorted(names, key=lambda n: (n[0] - n[1], len(n[2]) or 99)):
        if not any(mention.start < end and start < mention.end for mention in found):
            found.append(Mention(start, end, frozenset(keys)))
    return sorted((mention for mention in found if mention.keys), key=lambda mention: mention.start)


def without_parameters(sentence: str) -> str:
    """`sentence` with the digits blanked that belong to a name: "IFR (14)", "VaR de 1 dia (95%)", "últimos 12"."""
    out = list(sentence)
    for match in _numbered().finditer(fold(sentence)):
        for i in range(match.start(), match.end()):
            if out[i].isdigit():
                out[i] = "¤"
    return "".join(out)


@lru_cache(maxsize=512)
def _own_name(key: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w]){re.escape(fold(key.replace('_', ' ')))}(?![\w])")


@cache
def _labels() -> dict[str, frozenset[str]]:
    """The labels of `FACT_KEYS` in both languages, without what stands in brackets, as patterns with their keys."""
    keys: dict[str, set[str]] = defaultdict(set)
    for fact in FACT_KEYS.values():
        for label in (fact.pt, fact.en):
            bare = re.sub(r"\s*\([^)]*\)", "", fold(label)).strip()
            keys[re.escape(bare).replace(r"\ ", r"\s+")].add(fact.key)
    return {pattern: frozenset(named) for pattern, named in keys.items()}


@cache
def _entries() -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    """Each name as a pattern, with its keys."""
    rows = [(pattern, frozenset(keys.split())) for keys, pattern in _NAMES]
    return tuple(
        (re.compile(rf"(?<![\w/])(?:{pattern})(?![\w/])"), keys) for pattern, keys in (*rows, *_labels().items())
    )


@cache
def _numbered() -> re.Pattern[str]:
    """The labels of `FACT_KEYS` that have digits in them, brackets included."""
    labels = {fold(label) for fact in FACT_KEYS.values() for label in (fact.pt, fact.en)}
    with_digits = sorted((label for label in labels if re.search(r"\d", label)), key=len, reverse=True)
    return re.compile("|".join(re.escape(label).replace(r"\ ", r"\s+") for label in with_digits))
