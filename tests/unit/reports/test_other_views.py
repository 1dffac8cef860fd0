"""What reports of several assets, portfolios, markets and weeks say."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from invest.domain.analysis.models import Recommendation
from invest.domain.market.tickers import AssetKind
from invest.domain.opinions.pooling import pool
from invest.domain.taxes import Bucket, MonthTax, State, TaxYear
from invest.domain.taxes.models import Darf
from invest.reports import (
    LinesChart,
    ReportView,
    analyst_name,
    build_asset_view,
    build_comparison_view,
    build_market_view,
    build_portfolio_view,
    build_weekly_view,
    locale_of,
)
from invest.reports.views import BarsChart, ColumnsChart, Paragraph, Table
from tests.builders import reports as build
from tests.builders.report_views import section, table, words


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
    assert len(table(with_them, "positions")[0]) == len(table(without, "positions")[0]) + 2


def test_an_empty_portfolio_is_a_report_too() -> None:
    view = build_portfolio_view(build.portfolio_data(0, metrics={}, curves={}, curve_days=[], dividends_by_month=[],
                                                     total_invested=None))  # fmt: skip
    assert "não tem posições" in words(view, "positions")
    assert view.header.value == "—"


def test_the_drawn_curve_ends_at_the_return_that_is_printed() -> None:
    days = [date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12)]
    curves = {"portfolio": [1.01, 1.05, 1.085], "ibov": [1.0, 0.98, 0.966]}
    view = build_portfolio_view(build.portfolio_data(curve_days=days, curves=curves))
    chart = next(s for s in view.sections if s.id == "curve").blocks[0]
    assert isinstance(chart, LinesChart) and len(chart.days) == 4
    assert [(line.values[0], line.values[-1]) for line in chart.lines] == [(100, 108.5), (100, 96.6)]
    assert "+8,5%" in chart.description and "10/03/2026" in chart.description


def test_analysts_and_references_of_the_record_go_by_their_names() -> None:
    names = [
        analyst_name(n, locale_of("pt-BR")) for n in ("always 50%", "momentum 12-1", "openai (gpt-5.2)", "Minha IA")
    ]
    assert names == ["Sempre 50%", "Retorno de 12 m sem o último", "OpenAI (gpt-5.2)", "Minha IA"]


def test_positions_without_a_price_are_named() -> None:
    view = build_portfolio_view(build.portfolio_data(missing_prices=["OIBR3"]))
    assert "Sem cotação, fora do valor: OIBR3." in words(view, "positions")


def test_a_week_is_compared_with_the_index_and_its_extremes_named() -> None:
    view = build_weekly_view(build.weekly_data(week_returns={"PETR4": 0.0598, "VALE3": -0.0873}))
    assert view.strip is not None
    assert view.strip.sentence.text == (
        "0,42 p.p. acima do IBOV (+0,81%). Maior alta: PETR4 (+5,98%). Maior baixa: VALE3 (−8,73%)."
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


def test_the_portfolio_opens_with_its_return_its_gain_and_both_benchmarks() -> None:
    view = build_portfolio_view(build.portfolio_data())
    assert view.strip is not None
    assert (view.strip.label, view.strip.verdict) == ("Rentabilidade", "+16,8%")
    assert [stat.label for stat in view.strip.stats] == ["Ganho", "TIR, ao ano", "CDI", "IBOV"]
    assert [stat.text for stat in view.strip.stats][1:] == ["+14,2%", "+12,1%", "+13,3%"]
    assert view.strip.sentence.text.startswith("+4,2% sobre o CDI e +3,1% sobre o IBOV.")
    assert view.header.change == ""


def test_the_contributions_of_a_portfolio_add_up_to_its_return() -> None:
    data = build.portfolio_data(20)
    rows = rows_of(build_portfolio_view(data), "contribution")
    assert rows[-1][0] == "Soma: rentabilidade"
    parts = [as_points(row[1]) for row in rows[:-1]]
    assert sum(parts) == pytest.approx(as_points(rows[-1][1]), abs=0.005 * len(parts))
    assert as_points(rows[-1][1]) == 16.80
    assert any(row[0].startswith("Outros (") for row in rows)


def test_a_portfolio_shows_its_months_what_is_to_come_and_what_leads_to_its_targets() -> None:
    view = build_portfolio_view(build.portfolio_data())
    months = rows_of(view, "months")
    assert months[0][:4] == ["2026", "−1,0", "0,0", "+1,0"]
    assert months[0][-3:] == ["+8,0", "+12,0", "+11,0"]
    assert rows_of(view, "coming") == [["ITUB4", "JCP", "20/04/2026", "209,34", "172,71"]]
    assert rows_of(view, "rebalancing") == [["PETR4", "3,6%", "20,0%", "vender", "100", "4.867,00"]]


def test_a_month_that_still_runs_is_marked() -> None:
    data = build.portfolio_data(as_of=date(2026, 3, 17))
    assert rows_of(build_portfolio_view(data), "months")[0][3] == "+1,0*"


def test_the_effects_of_a_week_add_up_to_the_week() -> None:
    view = build_weekly_view(build.weekly_data())
    rows = rows_of(view, "moves")
    assert rows[-1][0] == "Carteira"
    assert rows[-1][2] == "+1,23%"
    assert as_points(rows[-1][4]) == 1.23
    assert sum(as_points(row[4]) for row in rows[:-1]) == pytest.approx(1.23, abs=0.005 * len(rows))


def test_the_week_tells_what_comes_next_and_news_of_what_moved_first() -> None:
    items = build.news(4)
    mover = items[0].model_copy(
        update={"id": "m", "title": "VALE3 no noticiário", "tickers": ("VALE3",), "sentiment": 0.0}
    )
    data = build.weekly_data(contributions={"VALE3": 0.02, "PETR4": 0.001}, news=[*items, mover])
    view = build_weekly_view(data)
    assert [row[1:3] for row in rows_of(view, "coming")] == [
        ["PETR4", "JCP: último dia com direito"],
        ["VALE3", "Resultado do 4T25: prazo legal"],
        ["PETR4", "JCP: pagamento"],
    ]
    assert rows_of(view, "news")[0][1] == "VALE3 no noticiário"


def test_a_quiet_week_has_no_empty_sections() -> None:
    view = build_weekly_view(build.weekly_data(payments=[], changes=[], coming=[], results_due={}, news=[]))
    assert not {"payments", "changes", "coming", "news"} & {s.id for s in view.sections}


def test_a_market_counts_its_breadth_and_names_sectors_of_three_at_least() -> None:
    view = build_market_view(build.market_data(20))
    bars = next(b for s in view.sections if s.id == "breadth" for b in s.blocks if isinstance(b, BarsChart)).bars
    counted = [int(bar.text.split()[0]) for bar in bars[:3]]
    assert sum(counted) == 20
    lonely = build.market_data(4)
    view = build_market_view(lonely)
    assert view.section("sectors") is None
    assert view.section("breadth") is None


def test_the_sources_of_the_economy_are_named() -> None:
    rows = rows_of(build_market_view(build.market_data()), "macro")
    assert {row[-1] for row in rows} == {"Banco Central"}


def test_equal_printed_scores_are_a_tie() -> None:
    first, second, third = build.several(3)
    tied = [
        a.model_copy(update={"overall_score": score, "recommendation": Recommendation.BUY})
        for a, score in ((first, 7.04), (second, 6.96), (third, 5.0))
    ]
    view = build_comparison_view(build.comparison_data(tied))
    assert view.strip is not None
    assert view.strip.verdict == f"{first.ticker} e {second.ticker}"
    assert "empatam na maior nota (7,0)" in view.strip.sentence.text
    by_score = next(row for row in rows_of(view, "rankings") if row[0] == "Nota geral")
    assert by_score[1] == f"{first.ticker} = {second.ticker}"


def test_a_market_names_all_who_share_its_best_score() -> None:
    many = build.several(5)
    for scores, text in (
        ((8.0, 7.9, 5.0, 5.0, 5.0), f"Maior nota: {many[0].ticker}, 8,0."),
        ((8.0, 8.0, 5.0, 5.0, 5.0), f"Maior nota: {many[0].ticker} e {many[1].ticker}, 8,0 (empate)."),
        ((8.0, 8.0, 8.0, 8.0, 5.0), "Maior nota: 8,0, empate de 4 ativos."),
    ):
        scored = [a.model_copy(update={"overall_score": s}) for a, s in zip(many, scores, strict=True)]
        view = build_market_view(replace(build.market_data(5), analyses=sorted(scored, key=lambda a: a.ticker)))
        assert view.strip is not None
        named = view.strip.sentence.text.partition("Maior nota")
        assert sorted(named[1] + named[2]) == sorted(text), named
    places = [row[0] for row in rows_of(view, "top")]
    assert places == ["1", "1", "1", "1", "5"]


def test_a_list_that_is_cut_says_how_many_are_left() -> None:
    one = build.announced(amount=Decimal("10.00"), net=Decimal("8.50"))
    rows = rows_of(build_portfolio_view(build.portfolio_data(announced=[one] * 18)), "coming")
    assert len(rows) == 11
    assert rows[-1] == ["+8 outros", "80,00", "68,00"]
    whole = rows_of(build_portfolio_view(build.portfolio_data(announced=[one] * 10)), "coming")
    assert len(whole) == 10


def test_a_publisher_stands_once_among_the_sources() -> None:
    given = build.payloads()[0]
    kept = [given.model_copy(update={"source": name, "sha256": name * 8}) for name in ("b3", "b3_indices", "cvm")]
    view = build_asset_view(build.asset_data(payloads=kept, outcomes=()))
    names = [row[0] for row in rows_of(view, "provenance")]
    assert len(names) == len(set(names))


def test_a_score_without_a_verdict_does_not_compete() -> None:
    old, fresh = build.several(2)
    old = old.model_copy(update={"overall_score": 9.9, "recommendation": Recommendation.INSUFFICIENT_DATA})
    fresh = fresh.model_copy(update={"overall_score": 6.0, "recommendation": Recommendation.HOLD})
    view = build_comparison_view(build.comparison_data([old, fresh]))
    assert view.strip is not None
    assert view.strip.sentence.text == f"Só {fresh.ticker} tem dados para uma nota (6,0)."
    assert f"Sem veredito, por preço antigo ou falta de dados: {old.ticker}." in str(view.section("scores"))


def rows_of(view: ReportView, ident: str) -> list[list[str]]:
    section = view.section(ident)
    assert section is not None, ident
    return [[cell.text for cell in row] for b in section.blocks if isinstance(b, Table) for row in b.rows]


def as_points(text: str) -> float:
    return float(text.removesuffix(" p.p.").replace(",", ".").replace("−", "-"))


def test_the_tax_box_tells_what_is_due() -> None:
    month = MonthTax(
        month="2026-03", state=State.DUE, sales=Decimal("41500.00"), exempt_gain=Decimal(0), buckets={},
        tax=Decimal("312.45"), due=Decimal("312.45"), carried=Decimal(0),
        darf=Darf(period="2026-03", amount=Decimal("312.45"), carried=Decimal(0), due=date(2026, 4, 30)),
    )  # fmt: skip
    year = TaxYear(
        year=2026, months=[month], goods=[], income=[], losses={Bucket.FII: Decimal("80.00")}, credits_lost={},
        darf_carried=Decimal(0), flags=[],
    )  # fmt: skip
    assert rows_of(build_portfolio_view(build.portfolio_data(tax=year)), "tax") == [
        ["Vendas de ações no mês", "R$ 41.500,00"],
        ["Imposto apurado no ano", "R$ 312,45"],
        ["DARF de mar 2026, vence em 30/04/2026", "R$ 312,45"],
        ["Ganhos isentos no ano", "R$ 0,00"],
        ["Prejuízo a compensar", "R$ 80,00"],
    ]
    quiet = year.model_copy(update={"months": []})
    assert build_portfolio_view(build.portfolio_data(tax=quiet)).section("tax") is None


def test_a_fund_shows_what_its_reports_say() -> None:
    figures = build.FUND_FIGURES | {
        "vacancy": (0.052, None, None, None), "delinquency": (0.011, None, None, None),
        "admin_fee": (0.0074, None, None, None), "holders": (412_345, None, None, None),
    }  # fmt: skip
    asset = build.asset("HGLG11", kind=AssetKind.FII, segment="Logística", sector=None)
    fund = build.fund(facts=build.facts_of(figures), sector=None)
    view = build_asset_view(build.asset_data(analysis=fund, asset=asset))
    rows = {row[0]: row[1] for row in rows_of(view, "fundamentals")}
    assert [rows[name] for name in ("Vacância", "Inadimplência", "Taxa de adm., 12 m", "Cotistas")] == [
        "5,2%", "1,1%", "0,74%", "412.345",
    ]  # fmt: skip
    assert view.header.name.endswith("Logística")


def test_the_months_of_income_follow_each_other() -> None:
    paid = [(date(2024, 12, 1), Decimal(70)), (date(2025, 9, 1), Decimal(171)), (date(2026, 1, 1), Decimal(322))]
    view = build_portfolio_view(build.portfolio_data(dividends_by_month=paid, as_of=date(2026, 3, 31)))
    section = view.section("income")
    assert section is not None
    (chart,) = [b for b in section.blocks if isinstance(b, ColumnsChart)]
    labels = ["abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez", "jan", "fev", "mar"]
    assert [bar.label for bar in chart.bars] == labels
    assert [bar.value for bar in chart.bars if bar.value] == [171.0, 322.0]


def test_what_has_one_part_alone_is_not_divided() -> None:
    view = build_portfolio_view(build.portfolio_data(1, contributions={"PETR4": 0.2}))
    assert view.section("by_sector") is None
    assert view.section("contribution") is None


def test_payments_to_come_name_the_tax_where_one_is_withheld() -> None:
    one = build.announced(amount=Decimal("10.00"), net=Decimal("10.00"))
    taxed = build.announced(amount=Decimal("10.00"), net=Decimal("8.25"))
    for given, text in (
        ([one], "1 pagamento anunciado, R$ 10,00."),
        ([one, one], "2 pagamentos anunciados, R$ 20,00 ao todo."),
        ([taxed], "1 pagamento anunciado, R$ 8,25 líquidos do imposto sobre JCP."),
    ):
        section = build_portfolio_view(build.portfolio_data(announced=given)).section("coming")
        assert section is not None
        assert text in [b.text for b in section.blocks if isinstance(b, Paragraph)]


def test_figures_that_are_all_alike_have_no_best() -> None:
    figures = build.FUND_FIGURES | {"dividend_months_12m": (12, None, None, None)}
    funds = [build.fund(t, facts=build.facts_of(figures)) for t in ("HGLG11", "KNRI11")]
    view = build_comparison_view(build.comparison_data(funds))
    section = view.section("table")
    assert section is not None
    (found,) = [b for b in section.blocks if isinstance(b, Table)]
    at = [c.label for c in found.columns].index("Meses pagos")
    assert not any(row[at].strong for row in found.rows)


def test_a_comparison_for_which_the_local_rules_alone_answered_shows_no_opinion_of_an_ai() -> None:
    rules = [answer for answer in build.opinions() if answer.benchmark]
    view = build_comparison_view(build.comparison_data(opinions=rules, ai_consensus={"PETR4": pool(rules)}))
    assert view.section("analysts") is None
