"""What reports of several assets, portfolios, markets and weeks say."""

from collections.abc import Callable
from datetime import timedelta

from invest.reports import (
    ReportView,
    build_asset_view,
    build_comparison_view,
    build_market_view,
    build_portfolio_view,
    build_weekly_view,
)
from invest.reports.views import Claims, Paragraph, Section, Table
from tests.builders import reports as build

KINDS: dict[str, Callable[..., ReportView]] = {
    "asset": lambda **k: build_asset_view(build.asset_data(**k)),
    "comparison": lambda **k: build_comparison_view(build.comparison_data(**k)),
    "portfolio": lambda **k: build_portfolio_view(build.portfolio_data(**k)),
    "market_overview": lambda **k: build_market_view(build.market_data(**k)),
    "weekly": lambda **k: build_weekly_view(build.weekly_data(**k)),
}


def section(view: ReportView, ident: str) -> Section:
    found = view.section(ident)
    assert found is not None, ident
    return found


def table(view: ReportView, ident: str) -> list[list[str]]:
    block = next(b for b in section(view, ident).blocks if isinstance(b, Table))
    return [[cell.text for cell in row] for row in block.rows]


def words(view: ReportView, ident: str) -> str:
    blocks = section(view, ident).blocks
    said = [b.text for b in blocks if isinstance(b, Paragraph)]
    return " ".join(said + [c.text for b in blocks if isinstance(b, Claims) for c in b.items])


def test_a_comparison_stands_in_the_order_of_scores_and_names_its_winner() -> None:
    view = build_comparison_view(build.comparison_data())
    scores = [row[-2] for row in table(view, "table")]
    assert scores == sorted(scores, reverse=True)
    assert view.strip is not None
    assert view.strip.verdict == view.winner == view.tickers[0]


def test_a_comparison_of_assets_without_data_has_no_winner() -> None:
    assets = [build.bare("XPTO3"), build.bare("ABCD3")]
    view = build_comparison_view(build.comparison_data(assets, ai_consensus={}, bars={}))
    assert view.winner is None
    assert view.strip is not None
    assert view.strip.verdict == "Sem vencedor"
    assert "XPTO3" in words(view, "scores")


def test_a_comparison_of_different_kinds_says_so() -> None:
    view = build_comparison_view(build.comparison_data([build.analysis(), build.fund()], ai_consensus={}))
    assert "fichas diferentes" in words(view, "table")


def test_the_best_of_a_column_is_bold_and_a_loss_is_never_cheap() -> None:
    cheap = build.analysis("AAAA3", facts=build.facts_of(build.COMPANY_FIGURES | {"p_l": (-2.0, None, None, None)}))
    dear = build.analysis("BBBB3", facts=build.facts_of(build.COMPANY_FIGURES | {"p_l": (9.0, None, None, None)}))
    view = build_comparison_view(build.comparison_data([cheap, dear], ai_consensus={}, bars={}))
    block = next(b for b in section(view, "table").blocks if isinstance(b, Table))
    at = [c.label for c in block.columns].index("P/L")
    assert {row[0].text: row[at].strong for row in block.rows} == {"AAAA3": False, "BBBB3": True}


def test_a_portfolio_shows_verdicts_only_where_they_were_asked_for() -> None:
    with_them = build_portfolio_view(build.portfolio_data())
    without = build_portfolio_view(build.portfolio_data(include_recommendations=False))
    assert with_them.section("verdicts") is not None
    assert without.section("verdicts") is None
    assert len(table(with_them, "positions")[0]) == len(table(without, "positions")[0]) + 2


def test_an_empty_portfolio_is_a_report_too() -> None:
    view = build_portfolio_view(build.portfolio_data(0, metrics={}, curves={}, curve_days=[], dividends_by_month=[],
                                                     total_invested=None))  # fmt: skip
    assert "não tem posições" in words(view, "positions")
    assert view.header.value == "—"


def test_positions_without_a_price_are_named() -> None:
    view = build_portfolio_view(build.portfolio_data(missing_prices=["OIBR3"]))
    assert "Sem cotação, fora do valor: OIBR3." in words(view, "positions")


def test_a_week_is_compared_with_the_index_and_its_extremes_named() -> None:
    view = build_weekly_view(build.weekly_data(week_returns={"PETR4": 0.0598, "VALE3": -0.0873}))
    assert view.strip is not None
    assert view.strip.sentence.text == (
        "0,4 p.p. acima do IBOV (+0,81%). Maior alta: PETR4 (+6,0%). Maior baixa: VALE3 (−8,7%)."
    )
    assert words(view, "changes") == "VALE3: de manter para compra. MGLU3: de manter para venda."


def test_a_week_without_prices_claims_no_return() -> None:
    view = build_weekly_view(build.weekly_data(week_return=None, index_return=None, week_returns={"PETR4": None}))
    assert view.strip is not None
    assert view.strip.verdict == "—"
    assert "Sem cotações bastantes" in view.strip.sentence.text


def test_a_market_is_told_by_its_breadth_and_its_best() -> None:
    view = build_market_view(build.market_data(top_n=5))
    assert len(table(view, "top")) == 5
    assert view.strip is not None
    assert "ativos sobem no dia" in view.strip.sentence.text
    assert table(view, "macro")[0][:3] == ["Selic, meta a.a.", "14,75%", "31/03/2026"]


def test_a_market_without_assets_is_a_report_too() -> None:
    view = build_market_view(build.market_data(0, index=None, macro=[], news=[], bars={}))
    assert "dados suficientes" in words(view, "top")
    assert view.section("index") is None


def test_a_view_is_the_same_for_the_same_data() -> None:
    data = build.asset_data()
    assert build_asset_view(data) == build_asset_view(data)
    assert build.NOW + timedelta(0) == data.generated_at
