"""Every kind of report is in one language: no word of the other one stands in anything that a reader is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from invest.domain.market.assets import NewsItem
from invest.domain.market.tickers import AssetKind, Market
from invest.domain.opinions.opinion import Argument, Opinion
from invest.domain.values import SourceOutcome
from invest.reports import (
    ReportView,
    build_asset_view,
    build_comparison_view,
    build_market_view,
    build_portfolio_view,
    build_weekly_view,
    render_html,
    render_markdown,
)
from tests.builders import reports as build

# Words that only one of the two languages has, the commonest of each; names of things are neither's.
PORTUGUESE = frozenset(
    re.findall(
        r"\S+",
        """
    de da dos das em na nos nas com sem para pelo pela por não que ou os uma ao aos é são foi mais menos entre sobre
    até desde cada seu sua seus suas este esta isso meses mês dias dia ano anos preço preços nota notas ação ações
    cota cotas proventos rendimento rendimentos dividendos lucro receita dívida margem média mediana setor ativo
    ativos pares valor quantidade peso carteira mercado índice risco riscos último última dados fonte fontes compra
    venda manter veredito pagamento resultado resultados prazo histórico agora hoje igual acima abaixo contra favor
    nenhum nenhuma há fundo fundos imóvel imóveis papel papéis imposto vendas ganho prejuízo semana notícias
    próximas próximos maior menor
    """,
    )
)
ENGLISH = frozenset(
    re.findall(
        r"\S+",
        """
    the of and with without by for from to is are was were more less between over up since each its this that months
    month days day year years price prices score shares share unit units dividends income profit revenue debt margin
    average median sector asset assets peers value weight portfolio market index risk risks last data source sources
    buy sell hold verdict payment results result deadline history now today above below against none no-one fund
    funds building buildings paper papers tax sales gain loss week news next highest lowest largest held rights fee
    """,
    )
)
SHARED = {"unit", "data"}  # the exchange's own word for a bundle of shares; a date in Portuguese
OTHERS = {"pt-BR": ENGLISH - SHARED, "en": PORTUGUESE}
NEUTRAL = "Xyz xyz xyz."


def plain(opinion: Opinion) -> Opinion:
    """An opinion whose own texts are of no language: what an AI writes is in the language it was asked in."""
    text = (Argument(text=NEUTRAL, fact_ids=("f01",)),)
    risks = tuple(risk.model_copy(update={"text": NEUTRAL}) for risk in opinion.risks)
    named = {"arguments_for": text, "arguments_against": text, "summary": NEUTRAL, "risks": risks}
    return opinion.model_copy(update={**named, "unfaithful": ()})


def news() -> list[NewsItem]:
    """Headlines of no language."""
    return [
        item.model_copy(update={"title": f"{NEUTRAL} {i}", "outlet": "Xyz"}) for i, item in enumerate(build.news(4))
    ]


def refused() -> list[SourceOutcome]:
    """Sources that failed for a reason of no language: upstreams say theirs in their own."""
    return [outcome.model_copy(update={"reason": outcome.reason and NEUTRAL}) for outcome in build.outcomes()]


def asset(language: str, **changes: Any) -> ReportView:
    opinions = [plain(opinion) for opinion in build.opinions()]
    fields: dict[str, Any] = {
        "language": language, "news": news(), "opinions": opinions,
        "ai_consensus": build.ai_consensus(opinions), "outcomes": refused(),
    }  # fmt: skip
    return build_asset_view(build.asset_data(**(fields | changes)))


def of_kind(kind: AssetKind, language: str) -> ReportView:
    ticker = {AssetKind.BDR: "AAPL34", AssetKind.CRYPTO: "BTC-BRL", AssetKind.ETF: "SMAL11"}.get(kind, "HGLG11")
    return asset(language, analysis=build.fund(ticker, kind=kind, name="Xyz", sector=None))


def market(language: str, market: Market) -> ReportView:
    return build_market_view(build.market_data(market=market.value, language=language, news=news()))


def weekly(language: str) -> ReportView:
    data = build.weekly_data(language=language, news=news())
    return build_weekly_view(replace(data, portfolio=replace(data.portfolio, language=language, name="Xyz")))


def views(language: str) -> Iterator[tuple[str, ReportView]]:
    """Every kind of report, full and poor."""
    yield "stock", asset(language)
    yield "no AI", asset(language, opinions=(), ai_consensus=None, objection=None, benchmark=None)
    yield "one AI", asset(language, opinions=[plain(build.opinion("openai", 0.61))], ai_consensus=None)
    yield "thin", asset(language, analysis=build.bare(), bars=build.no_bars("XPTO3"), opinions=(), ai_consensus=None,
                        actions=(), news=())  # fmt: skip
    for kind in (AssetKind.UNIT, AssetKind.FII, AssetKind.ETF, AssetKind.BDR, AssetKind.CRYPTO):
        yield kind.value, of_kind(kind, language)
    yield "comparison", build_comparison_view(build.comparison_data(language=language, opinions=()))
    yield "comparison of 20", build_comparison_view(build.comparison_data(build.several(20), language=language))
    for part in Market:
        yield f"market {part.value}", market(language, part)
    yield "portfolio", build_portfolio_view(build.portfolio_data(language=language, name="Xyz"))
    yield "weekly", weekly(language)


# What is written by others and stands as it is: names, a building, a reason of an upstream in the appendix.
NAMES = re.compile(
    r"Banco do Brasil|Banco Central|Valor Econômico|Money Times|Agência \w+|Notícias|São Paulo|Pátria|Kinea|Edifício \d"
    r"|Servidor|Magazine Luiza|Itaú Unibanco|WEG|Instituto|Central bank|Home paper|Brasília",
)


def shown(view: ReportView) -> dict[str, str]:
    """The text of the page and of the Markdown, without addresses, marks and names."""
    page = re.sub(r"<style.*?</style>|<script.*?</script>", " ", render_html(view), flags=re.DOTALL)
    labels = " ".join(re.findall(r'(?:aria-label|alt|title)="([^"]*)"', page))
    text = unescape(re.sub(r"<[^>]+>", " ", page) + " " + labels)
    return {"page": NAMES.sub(" ", text), "markdown": NAMES.sub(" ", render_markdown(view))}


def foreign(text: str, language: str) -> list[str]:
    """The words of the other language, each with its neighbours."""
    text = re.sub(r"https?://\S+|\b(?:r_)?[0-9a-f]{8,}\b", " ", text)
    words = re.findall(r"[^\W\d_]+", text)
    others = OTHERS[language]
    return [" ".join(words[max(0, i - 3) : i + 4]) for i, word in enumerate(words) if word.lower() in others]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_no_report_has_a_word_of_the_other_language(language: str) -> None:
    found = {
        (name, where): words
        for name, view in views(language)
        for where, text in shown(view).items()
        if (words := foreign(text, language))
    }
    assert found == {}


def test_a_word_of_the_other_language_is_found() -> None:
    assert foreign("Dividend yield, últimos 12 meses", "en") == ["Dividend yield últimos meses"]
    assert foreign("Preço over 12 meses", "pt-BR") == ["Preço over meses"]
