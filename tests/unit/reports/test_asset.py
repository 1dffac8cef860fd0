"""What the report of an asset says, in which order, and what it says where data is missing."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.history import History
from invest.domain.analysis.models import Fact, Reason, SentimentAnalysis, Withheld
from invest.domain.filings.filing import Chart
from invest.domain.market.assets import ActionKind
from invest.domain.market.delistings import Delisting
from invest.domain.market.receipts import HomePaper, Programme
from invest.domain.market.tickers import AssetKind, Market
from invest.domain.opinions.opinion import Argument, OpinionStatus, Risk
from invest.domain.opinions.pooling import pool
from invest.reports import (
    LIVE,
    ReportView,
    TrackRow,
    build_asset_view,
    contract_report,
    load_view,
)
from invest.reports.facts import FactBook
from invest.reports.locale import locale_of
from invest.reports.views import Claims, DotsChart, LinesChart, Paragraph, Table
from tests.builders import reports as build
from tests.builders.report_views import KINDS, section, table, words


def asset(**changes: Any) -> ReportView:
    return build_asset_view(build.asset_data(**changes))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_a_view_survives_its_way_through_json(kind: str, language: str) -> None:
    view = KINDS[kind](language=language)
    assert view.report_type == kind
    assert load_view(view.model_dump_json()) == view
    assert load_view(view.model_dump(mode="json")) == view


@pytest.mark.parametrize("kind", KINDS)
def test_the_contracts_shape_has_all_its_parts(kind: str) -> None:
    report = contract_report(KINDS[kind](), "# content")
    wanted = (
        "report_id ticker generated_at report_type ai_provider overview quantitative_analysis qualitative_analysis "
        "fundamental_data technical_data news_summary final_recommendation disclaimers content"
    )
    assert set(wanted.split()) <= set(report)
    assert report["content"] == "# content"
    assert report["overview"]


def test_an_asset_report_answers_in_the_order_in_which_one_asks() -> None:
    assert [s.id for s in asset().sections] == [
        "price", "scores", "fundamentals", "results_by_year", "results_by_quarter", "multiple_p_l",
        "multiple_dividend_yield", "profile", "peers", "analysts", "bull", "bear", "risks", "dividends", "months",
        "news", "agenda", "record", "sources", "facts", "quality", "provenance",
    ]  # fmt: skip


def test_prices_too_old_for_a_verdict_are_named_as_the_reason() -> None:
    changes = {"recommendation": "insufficient_data", "withheld": "outdated_prices"}
    strip = asset(analysis=build.analysis(**changes)).strip
    assert strip is not None
    said = "Sem veredito: o preço mais novo é de 31/03/2026. A negociação parou, ou a coleta."
    assert strip.sentence.text.startswith(said)
    assert len(strip.sentence.refs) == 1


def test_a_score_without_a_backtest_says_so() -> None:
    assert words(asset(), "scores").endswith("A nota deste mercado ainda não foi testada em dias passados.")


def test_the_backtest_stands_beside_the_score_with_how_sure_it_is() -> None:
    view = asset(analysis=build.analysis(backtest=build.score_record()))
    assert [s.id for s in view.sections if not s.appendix][-3:] == ["backtest", "record", "sources"]
    said = (
        "Nos testes com dias passados, a quinta parte de melhor nota rendeu +0,5% a mais que a pior em 90 dias: "
        "não se distingue do acaso."
    )
    assert said in words(view, "scores")
    assert table(view, "backtest") == [
        ["30 d", "−0,5%", "+1,2%", "+1,7%", "+1,3%", "melhor que o acaso"],
        ["90 d", "+0,1%", "+0,6%", "+0,5%", "+0,1%", "não se distingue do acaso"],
    ]
    detail = next(b for b in section(view, "backtest_detail").blocks if isinstance(b, Table))
    assert [(row[1].text, row[2].text, row[2].sub) for row in detail.rows] == [
        ("20", "+0,06", "+0,02 a +0,10"),
        ("9", "+0,02", "−0,05 a +0,09"),
        ("2", "+0,01", None),
    ]
    assert "120 ativos, 7 deles já sem negociação" in words(view, "backtest")
    contract = contract_report(view, "# content")
    assert contract["quantitative_analysis"]["backtest"]["verdicts"][1] == "not distinguishable from chance"


def test_scores_side_by_side_show_the_backtest_of_their_one_market() -> None:
    record = build.score_record()
    several = [a.model_copy(update={"backtest": record}) for a in build.several(3)]
    for kind in ("comparison", "market_overview"):
        view = KINDS[kind](analyses=several)
        assert table(view, "backtest")[0][0] == "30 d"
        other = record.model_copy(update={"market": Market.FIIS})
        mixed = [several[0], *(a.model_copy(update={"backtest": other}) for a in several[1:])]
        assert KINDS[kind](analyses=mixed).section("backtest") is None


def test_an_alarm_of_the_backtest_is_said_and_marked() -> None:
    record = build.score_record(alarms=["implausible_ic", "looks_ahead"])
    view = build_asset_view(build.asset_data(analysis=build.analysis(backtest=record), language="en"))
    cell = next(b for b in section(view, "backtest").blocks if isinstance(b, Table)).rows[0][-1]
    assert (cell.text, cell.mark) == ("alarm: too good to be true, reads the future", "bad")


def test_the_header_says_what_it_is_and_what_it_costs_now() -> None:
    header = asset().header
    assert header.title == "PETR4"
    assert header.value == "R$ 48,67"
    assert (header.change, header.change_mark) == ("−2,01% no dia", "down")
    assert "preço conferido em 3 fontes" in header.tagline
    assert "dados até 31/03/2026 18:40" in header.tagline


def test_one_source_is_called_not_cross_checked() -> None:
    view = asset(analysis=build.analysis(sources=["brapi"]), quality=[])
    assert "preço de uma só fonte, sem conferência" in view.header.tagline


def test_divergence_of_the_sources_is_said_in_the_header() -> None:
    fields = [build.quality()[0].model_copy(update={"divergent": True}), build.quality()[2]]
    assert "fontes divergem em 1 campo" in asset(quality=fields).header.tagline


def test_the_verdict_rests_on_the_figures_that_moved_the_score() -> None:
    strip = asset().strip
    assert strip is not None
    assert strip.verdict == "Compra"
    assert strip.sentence.text == "A favor: P/L de 5,9 e ROE de 24,2%. Contra: Liquidez corrente de 0,69."
    assert [r.fact_id for r in strip.sentence.refs] == ["f01", "f04", "f28"]


def test_every_reference_leads_to_a_row_of_the_facts() -> None:
    view = asset()
    anchors = {c.anchor for b in section(view, "facts").blocks if isinstance(b, Table) for r in b.rows for c in r}
    blocks = [b for s in view.sections for b in s.blocks]
    refs = {r.fact_id for b in blocks if isinstance(b, Claims) for claim in b.items for r in claim.refs}
    refs |= {r.fact_id for b in blocks if isinstance(b, Table) for row in b.rows for c in row for r in c.refs}
    assert refs
    assert refs <= anchors


def test_missing_figures_are_named_once_and_never_zeros() -> None:
    assert "Cobertura de juros" not in [row[0] for row in table(asset(), "fundamentals")]
    assert "Sem dado: Cobertura de juros." in words(asset(), "fundamentals")
    view = asset(analysis=build.bare(), bars=build.no_bars("XPTO3"), opinions=[], ai_consensus=None, actions=[],
                 news=[], quality=[], payloads=[], outcomes=[], track_record=[])  # fmt: skip
    assert view.header.value == "sem cotação"
    assert view.strip is not None
    assert view.strip.verdict == "Sem veredito"
    assert "Há dados para 0% da nota; abaixo de 60% não há veredito." in view.strip.sentence.text
    assert view.section("fundamentals") is None
    assert "ao menos duas sessões" in words(view, "price")


@pytest.mark.parametrize(
    ("key", "value", "percentile", "reading"),
    [
        ("p_l", 5.9, 0.1, "barato no setor"),
        ("p_l", 5.9, 0.5, "em linha"),
        ("p_l", 5.9, 0.9, "caro no setor"),
        ("p_l", -3.0, 0.05, "negativo"),
        ("roe", 0.2, 0.9, "acima do setor"),
        ("roe", 0.2, 0.1, "abaixo do setor"),
        ("net_debt_ebitda", 4.0, 0.9, "acima do setor"),
    ],
)
def test_figures_are_read_in_words(key: str, value: float, percentile: float, reading: str) -> None:
    figures = build.COMPANY_FIGURES | {key: (value, None, 5.0, percentile)}
    rows = table(asset(analysis=build.analysis(facts=build.facts_of(figures))), "fundamentals")
    labels = {"p_l": "P/L", "roe": "ROE", "net_debt_ebitda": "Dív. líq./EBITDA"}
    assert next(row for row in rows if row[0] == labels[key])[-1] == reading


def test_without_peers_a_figure_is_read_against_its_own_median() -> None:
    figures = build.COMPANY_FIGURES | {"roe": (0.30, 0.20, None, None), "p_vp": (1.0, None, None, None)}
    rows = {r[0]: r[-1] for r in table(asset(analysis=build.analysis(facts=build.facts_of(figures))), "fundamentals")}
    assert rows["ROE"] == "acima do histórico"
    assert rows["P/VP"] == ""


def test_an_ai_that_abstained_stands_in_the_table_with_its_reason() -> None:
    rows = table(asset(), "analysts")
    assert rows[-2] == ["DeepSeek", "Absteve-se", "Tempo esgotado: sem resposta em 60 s"]
    assert [row[1] for row in rows] == ["Compra", "Compra", "Manter", "Absteve-se", "Compra"]


def test_what_was_paid_for_is_printed() -> None:
    view = asset()
    openai = table(view, "analysts")[0]
    assert openai == ["OpenAI", "Compra", "54%", "57%", "60%", "52,60 (42,08 a 65,75)"]
    said = words(view, "analysts")
    assert "OpenAI: Múltiplos baixos e dívida contida." in said
    assert "Risco: Intervenção na política de preços (governança, risco alto)." in said
    assert "Mudaria de opinião com P/VP > 3,04." in said


def test_the_ais_stand_on_one_axis_with_the_base_rate_and_the_pool() -> None:
    view = asset(analysis=build.analysis(base_rate_180d=0.47))
    chart = next(b for b in section(view, "analysts").blocks if isinstance(b, DotsChart))
    assert [(d.label, d.text, d.hollow) for d in chart.dots] == [
        ("OpenAI", "60%", False),
        ("Anthropic", "56%", False),
        ("Gemini", "51%", False),
        ("Regras fixas", "54%", True),
    ]
    assert "Ativos como este superaram o IBOV em 47% dos períodos de 180 dias." in words(view, "analysts")
    assert [(level.label, level.text) for level in chart.levels] == [("no passado", "47%"), ("conjunto", "59%")]


def test_the_record_of_the_pool_stands_beside_its_verdict() -> None:
    pool = TrackRow(
        analyst="consensus", horizon_days=180, closed=142, cohorts=9, status="ranked", brier=0.241, skill=0.036
    )
    assert (
        "Histórico do conjunto em 180 dias: 142 previsões encerradas, erro (Brier) de 0,241, habilidade de +0,04."
        in (words(asset(track_record=[pool]), "analysts"))
    )
    assert "ainda não tem previsões encerradas" in words(asset(track_record=[]), "analysts")


def test_the_pool_is_said_in_words_with_its_dissent_and_fragility() -> None:
    view = asset(ai_consensus=build.ai_consensus(fragile=True))
    said = words(view, "analysts")
    assert "Probabilidade de superar o IBOV em 180 dias: 59%; preço mediano esperado: R$ 51,85." in said
    assert "Discorda do conjunto: Gemini." in said
    assert "muda se uma das IAs sair da conta" in said


def test_without_a_quorum_no_probability_is_shown() -> None:
    answers = [build.opinion("openai", 0.7), build.opinion("gemini", None)]
    pooled = build.ai_consensus(answers, quorum=False, probability=None, rating=None, target=None, dissent=())
    view = asset(opinions=answers, ai_consensus=pooled)
    assert "Sem quórum: 1 de 2 respondeu" in words(view, "analysts")
    assert view.strip is not None
    assert [s.text for s in view.strip.stats] == ["7,1", "1 de 2"]


def test_without_any_ai_the_case_comes_from_the_figures() -> None:
    view = asset(opinions=[], ai_consensus=None)
    assert "Nenhuma IA foi consultada" in words(view, "analysts")
    assert section(view, "bull").note == "pelos números"
    assert "P/L: 5,9, barato no setor (mediana 8,4); +0,61 na nota." in words(view, "bull")
    assert "Liquidez corrente: 0,69" in words(view, "bear")


@pytest.mark.parametrize("kept_among_the_answers", [True, False])
def test_where_the_local_rules_alone_answered_no_ai_was_asked_and_they_are_a_benchmark(
    kept_among_the_answers: bool,
) -> None:
    rules = [answer for answer in build.opinions() if answer.benchmark]
    answers = {"opinions": rules} if kept_among_the_answers else {"opinions": [], "benchmark": rules[0]}
    view = asset(**answers, ai_consensus=pool(rules))
    text = words(view, "analysts")
    assert "Nenhuma IA foi consultada" in text
    assert "As regras fixas, referência sem voto, dão 54% de probabilidade de superar o IBOV em 180 dias." in text
    assert all(isinstance(block, Paragraph) for block in section(view, "analysts").blocks)
    assert [section(view, side).note for side in ("bull", "bear")] == ["pelos números"] * 2
    assert view.strip is not None
    assert [s.text for s in view.strip.stats] == ["7,1"]
    assert "rules" not in words(view, "bull")
    assert "Sem quórum" not in str(contract_report(view, "")["qualitative_analysis"])


def test_what_a_page_shows_now_names_no_report() -> None:
    page = asset(report_id=LIVE)
    assert "Página montada em" in words(page, "sources")
    assert "relatório" not in words(page, "sources")
    assert page.footer.startswith("invest · dados até")
    assert "relatório r_01" in words(asset(report_id="r_01"), "sources")


def test_a_sentence_with_a_figure_that_does_not_match_is_hidden_and_the_ai_marked() -> None:
    lie = Argument(text="O ROE de 47,3% é o maior do setor.", fact_ids=("f04",))
    liar = build.opinion("gemini", 0.8, arguments_for=(lie,), unfaithful=("47,3%",), figures_checked=12)
    view = asset(opinions=[liar], ai_consensus=build.ai_consensus([liar], bull_case=(lie,), dissent=()))
    shown = view.model_dump_json()
    assert "47,3%" not in shown
    assert "frase oculta" in words(view, "bull")
    row = next(b for b in section(view, "analysts").blocks if isinstance(b, Table)).rows[0]
    assert row[1].sub == "1 de 12 números não conferem"


def test_an_unfaithful_ai_abstains_with_its_count() -> None:
    liar = build.opinion("gemini", 0.8, status=OpinionStatus.UNFAITHFUL, unfaithful=("1", "2", "3"), figures_checked=9)
    rows = table(asset(opinions=[liar], ai_consensus=None), "analysts")
    assert rows[0][-1] == "Reprovada na conferência: 3 de 9 números não conferem"


def test_the_same_sentence_of_two_ais_is_said_once_with_both_names() -> None:
    block = section(asset(), "bear").blocks[0]
    assert isinstance(block, Claims)
    assert [c.by for c in block.items] == [
        "segundo OpenAI, Anthropic e Gemini"
    ]  # the local rules wrote it too: they are no AI


def test_the_objection_is_shown_and_named_as_without_a_vote() -> None:
    objection = Argument(text="O ciclo do petróleo pode virar.", fact_ids=("f25",))
    view = asset(objection=objection, objection_by="anthropic")
    block = section(view, "bear").blocks[0]
    assert isinstance(block, Claims)
    assert block.items[-1].by == "Objeção mais forte, sem voto (Anthropic)"


def test_endless_words_of_an_ai_are_cut() -> None:
    endless = Argument(text="muito " * 100_000, fact_ids=())
    risk = Risk(kind="macro", severity="low", text="x" * 1_000_000)
    talker = build.opinion("openai", 0.7, arguments_for=(endless,), risks=(risk,), summary="z" * 1_000_000)
    view = asset(opinions=[talker], ai_consensus=build.ai_consensus([talker], bull_case=(endless,)))
    assert len(view.model_dump_json()) < 200_000


def test_at_most_six_news_and_only_web_links() -> None:
    items = build.news(9)
    items[-1] = items[-1].model_copy(update={"link": "javascript:alert(1)"})
    items[-2] = items[-2].model_copy(update={"link": "https://user:pw@news.example/"})
    block = next(b for b in section(asset(news=items), "news").blocks if isinstance(b, Table))
    assert len(block.rows) == 6
    links = {row[1].text: row[1].link for row in block.rows}
    assert links[items[-1].title] is None
    assert set(links.values()) <= {None, *(item.link for item in items[:-2])}


def test_news_stand_in_the_order_of_their_weight_the_undated_last_and_each_story_once() -> None:
    plain, result, same, undated = (
        build.news(1)[0].model_copy(update={"id": str(i), "title": title, "sentiment": None, "published_at": moment})
        for i, (title, moment) in enumerate(
            (
                ("PETR4 oscila pouco no pregão", build.NOW),
                ("Petrobras: lucro do trimestre cresce - Valor", build.NOW - timedelta(days=3)),
                ("Petrobras: Lucro do trimestre cresce", build.NOW - timedelta(days=4)),
                ("Petrobras anuncia resultado e dividendos", None),
            )
        )
    )
    shown = [row[1] for row in table(asset(news=[undated, plain, same, result]), "news")]
    assert shown == [result.title, plain.title, undated.title]


def test_the_count_of_news_agrees_with_the_table() -> None:
    counted = SentimentAnalysis(sentiment="neutral", score=5.0, news_count=14)
    assert "6 de 14 notícias" in words(
        asset(news=build.news(14), analysis=build.analysis(sentiment_analysis=counted)), "news"
    )
    few = SentimentAnalysis(sentiment="positive", score=5.0, news_count=3)
    said = words(asset(news=build.news(3), analysis=build.analysis(sentiment_analysis=few)), "news")
    assert said.startswith("3 notícias dos últimos 30 dias")


def test_news_without_a_date_do_not_fail() -> None:
    items = [build.news(1)[0].model_copy(update={"published_at": None})]
    assert table(asset(news=items), "news")[0][0] == "sem data"


def test_a_split_is_told_by_what_becomes_of_one_share() -> None:
    rows = table(asset(), "dividends")
    assert ["Desdobramento", "02/06/2025", "—", "1 vira 2"] in rows
    grouped = build.actions()[-1].model_copy(update={"kind": ActionKind.REVERSE_SPLIT, "factor": Decimal("0.1")})
    bonus = build.actions()[-1].model_copy(update={"kind": ActionKind.BONUS, "factor": Decimal("1.05")})
    assert [r[-1] for r in table(asset(actions=[grouped, bonus]), "dividends")] == ["10 viram 1", "+5,00%"]


def test_the_checklist_shows_value_threshold_and_state() -> None:
    rows = {row[0]: row[1:] for row in table(asset(), "risks")}
    assert rows["Liquidez corrente"] == ["0,69", "> 1,00", "fora"]
    assert rows["Dív. líq./EBITDA"] == ["0,9", "≤ 3,0", "dentro"]
    assert "Cobertura de juros" not in rows
    assert rows["Cotação atual"] == ["31/03/2026", "último pregão", "dentro"]


@pytest.mark.parametrize("kind", [AssetKind.FII, AssetKind.ETF, AssetKind.BDR, AssetKind.CRYPTO, AssetKind.UNIT])
def test_every_kind_of_asset_has_its_own_figures(kind: AssetKind) -> None:
    view = asset(analysis=build.fund("HGLG11", kind=kind), opinions=[], ai_consensus=None)
    labels = [row[0] for row in table(view, "fundamentals")]
    assert "P/VP" in labels or kind in (AssetKind.ETF, AssetKind.CRYPTO)
    assert "P/L" not in labels  # nobody gave one
    assert ("Retorno, 12 m" in labels) == (kind is not AssetKind.UNIT)
    assert (view.section("dividends") is None) == (kind is AssetKind.CRYPTO)


def test_a_figure_that_is_no_number_is_missing() -> None:
    facts = [f.model_copy(update={"value": float("nan")}) if f.key == "roe" else f for f in build.analysis().facts]
    rows = {row[0]: row for row in table(asset(analysis=build.analysis(facts=facts, reasons=[])), "fundamentals")}
    assert "ROE" not in rows


def test_sandbox_data_is_stamped_whoever_says_so() -> None:
    assert asset().stamp is None
    assert asset(sandbox=True).stamp == "SANDBOX — dados de teste"
    assert asset(analysis=build.analysis(sandbox=True)).stamp == "SANDBOX — dados de teste"
    assert asset(opinions=[build.opinion("openai", 0.6, sandbox=True)]).stamp == "SANDBOX — dados de teste"
    assert asset(sandbox=True, language="en").stamp == "SANDBOX — test data"


def test_provenance_names_every_source_with_its_payloads_and_every_model_with_its_cost() -> None:
    view = asset()
    tables = [b for b in section(view, "provenance").blocks if isinstance(b, Table)]
    sources = {row[0].text: row for row in tables[0].rows}
    assert set(sources) == {"B3", "CVM", "brapi", "Banco Central", "Fundamentus"}
    assert sources["Fundamentus"][3].text == "falhou: resposta HTTP 503"
    assert build.sha("payload 0")[:12] in sources["B3"][1].text
    assert [row[1].text for row in tables[1].rows][:2] == ["gpt-5.1-2026-01-15", "claude-sonnet-4-5-20250929"]
    assert "Custo das IAs neste relatório: US$ 0,0693." in words(view, "sources")
    assert "Não respondeu: Fundamentus." in words(view, "sources")
    assert "não é recomendação de investimento" in view.disclaimers[0]


def test_an_opinion_from_the_cache_costs_nothing_again() -> None:
    paid, cached = build.opinion("openai", 0.6), build.opinion("gemini", 0.6, cached=True)
    view = asset(opinions=[paid, cached], ai_consensus=None)
    assert "US$ 0,0231." in words(view, "sources")


def test_a_rejected_value_is_shown_with_its_reason() -> None:
    rows = {row[0]: row for row in table(asset(), "quality")}
    assert rows["P/L"][-1] == "brapi: 590,0 rejeitado (erro de unidade: cerca de 100 vezes o esperado)"
    assert "1 com uma só" in words(asset(), "quality")


def test_values_passed_over_as_a_matter_of_course_are_no_remark() -> None:
    older = build.quality()[1].rejected[0].model_copy(update={"reason": "the source itself gave a newer value"})
    fields = [build.quality()[0].model_copy(update={"rejected": (older,)})]
    assert not [b for b in section(asset(quality=fields), "quality").blocks if isinstance(b, Table)]


def test_english_reports_are_english_throughout() -> None:
    view = asset(language="en")
    assert view.strip is not None
    assert view.strip.verdict == "Buy"
    assert table(view, "fundamentals")[0] == ["P/E", "5.9", "5.2", "8.4", "cheap in sector"]
    assert view.header.value == "R$ 48.67"
    assert view.footer == "invest · report r_01KAZ3 · data to 31 Mar 2026"


def test_ais_that_come_to_another_verdict_are_heard_beside_it() -> None:
    differing = asset(ai_consensus=build.ai_consensus(rating="hold", probability=0.51)).strip
    agreeing = asset().strip
    assert differing is not None
    assert agreeing is not None
    assert "As IAs, em conjunto, chegam a outro veredito, manter (51% de superar o IBOV):" in differing.sentence.text
    assert differing.sentence.text.endswith("dão mais peso a Dividend yield (12 meses).")
    assert "As IAs" not in agreeing.sentence.text


def test_one_ai_alone_that_comes_to_another_verdict_is_named() -> None:
    alone = [build.opinion("anthropic", 0.53)]
    pooled = build.ai_consensus(alone, quorum=False, probability=None, rating=None)
    strip = asset(opinions=alone, ai_consensus=pooled).strip
    assert strip is not None
    assert "A única IA consultada, Anthropic, chega a outro veredito, manter (" in strip.sentence.text
    english = asset(opinions=alone, ai_consensus=pooled, language="en").strip
    assert english is not None
    assert "The one AI asked, Anthropic, comes to another verdict, hold (" in english.sentence.text


def test_an_opinion_that_news_moved_far_is_marked() -> None:
    moved = build.opinion("gemini", 0.52, news_moved=True)
    view = asset(opinions=[moved], ai_consensus=None)
    row = next(b for b in section(view, "analysts").blocks if isinstance(b, Table)).rows[0]
    assert row[4].mark == "warn"
    assert "As notícias moveram em mais de 20 pontos a probabilidade de Gemini" in words(view, "analysts")


def test_nobody_is_asked_whether_a_tracker_beats_the_index_it_tracks() -> None:
    tracker = build.fund("BOVA11", kind=AssetKind.ETF, name="iShares Ibovespa")
    view = asset(analysis=tracker, history=build.history(index="IBOV"), objection=Argument(text="x", fact_ids=()))
    assert view.strip is not None
    assert [s.label for s in view.strip.stats] == ["Nota"]
    assert "é esse o índice que ele segue" in words(view, "analysts")
    assert view.section("bull") is None or section(view, "bull").note == "pelos números"
    shown = view.model_dump_json()
    assert "Sobre o IBOV" not in shown
    assert "segundo OpenAI" not in shown
    assert table(view, "tracking")[0] == ["2026 (jan–mar)", "+8,00%", "+16,00%", "−8,00 p.p."]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_an_index_counts_points_and_is_neither_judged_nor_asked_about(language: str) -> None:
    index = build.bare(
        "^IFIX", kind=AssetKind.INDEX, name="IFIX", price=3400.0, withheld=Withheld.NO_SCORECARD, missing=[]
    )
    nothing: dict[str, Any] = dict.fromkeys(("actions", "quality", "news", "peers", "track_record"), ())
    who = build.asset("^IFIX", kind=AssetKind.INDEX, sector=None, segment=None)
    view = asset(language=language, analysis=index, bars=build.bars("^IFIX"), asset=who, history=History(), **nothing)
    assert view.header is not None and view.strip is not None
    assert view.header.value == ("3.400,00 pontos" if language == "pt-BR" else "3,400.00 points")
    assert "R$" not in view.model_dump_json().replace("US$", "")
    assert view.strip.stats == ()
    assert section(view, "price").title.split()[0] in ("Pontos", "Points")
    assert "60%" not in view.strip.sentence.text
    assert ("índice" if language == "pt-BR" else "index") in words(view, "analysts")


def test_a_fund_has_its_net_worth_with_the_day_and_an_etf_its_holders() -> None:
    facts = build.facts_of({"close": (100.0, None, None, None), "holders": (12_345.0, None, None, None)})
    worth = facts[0].model_copy(update={"id": "f90", "key": "equity", "value": 5.5e9, "as_of": date(2026, 2, 28)})
    for kind, lines in ((AssetKind.ETF, 1), (AssetKind.FII, 0)):
        view = asset(analysis=build.fund("BOVA11", kind=kind, facts=[*facts, worth], reasons=[]), opinions=[])
        rows = dict(table(view, "profile"))
        assert rows["Patrimônio líquido, 28/02/2026"] == "R$ 5,5 bi"
        assert sum(value == "12.345" for value in rows.values()) == lines


@pytest.mark.parametrize(
    ("receipts", "papers", "text"),
    [
        (16, 1, "16 BDRs por papel"),
        (1, 2, "1 BDR por 2 papéis"),
        (5, 2, "5 BDRs por 2 papéis"),
        (1, 1, "1 BDR por papel"),
    ],
)
def test_a_receipt_names_its_paper_at_home_and_the_parity_of_its_programme(
    receipts: int, papers: int, text: str
) -> None:
    home = HomePaper(symbol="AAP", exchange="NYSE", currency="USD", isin="US00751Y1064")
    programme = Programme(
        ticker="A1AP34", home=home, backing="share", receipts=receipts, papers=papers, as_of=date(2026, 3, 1),
        source="b3_programmes", payload="a" * 64,
    )  # fmt: skip
    told = build.quality()[0].model_copy(update={"field": "parity", "value": programme.parity, "quarantined": False})
    view = asset(analysis=build.fund("A1AP34", kind=AssetKind.BDR), programme=programme, quality=[told])
    rows = dict(table(view, "profile"))
    assert (rows["Papel de origem"], rows["Paridade"]) == ("AAP (NYSE)", text)


def test_an_etf_of_another_index_says_which() -> None:
    view = asset(analysis=build.fund("IVVB11", kind=AssetKind.ETF), history=build.history(index="S&P 500"))
    assert "IVVB11 segue o S&P 500, cuja série não está disponível" in words(view, "tracking")


def test_a_figure_outside_its_limit_speaks_for_nobody() -> None:
    figures = build.COMPANY_FIGURES | {"turnover_21d": (400_000.0, None, 2_000_000.0, 0.05)}
    facts = build.facts_of(figures)
    known = {f.key: f for f in facts}
    outside = [{"check": "traded_daily", "key": "turnover_21d", "value": 4e5, "threshold": 1e6, "passed": False}]
    analysis = build.analysis(
        facts=facts,
        reasons=[
            Reason(part="risk", key=key, fact_id=known[key].id, value=1.0, score=9.0, effect=effect)
            for key, effect in (("turnover_21d", 0.9), ("roe", 0.4))
        ],
        risk_analysis=build.analysis().risk_analysis.model_copy(update={"checklist": outside}),
    )
    view = asset(analysis=analysis, opinions=[], ai_consensus=None)
    assert view.strip is not None
    assert view.strip.sentence.text == "A favor: ROE de 24,2%."
    assert "negociados" not in words(view, "bull")
    said = Argument(text="Muito negociada.", fact_ids=(known["turnover_21d"].id,))
    ai = build.opinion("openai", 0.7, arguments_for=(said,))
    view = asset(analysis=analysis, opinions=[ai], ai_consensus=build.ai_consensus([ai], bull_case=(said,), dissent=()))
    assert "Muito negociada." not in str(view.section("bull"))


def test_risk_in_words_names_the_figures_it_follows_from() -> None:
    assert words(asset(), "risks") == (
        "Risco geral: baixo — endividamento baixo (dív. líq./EBITDA 0,9); volatilidade média (28,4% ao ano); "
        "risco de liquidez baixo (R$ 1,8 bi por dia)."
    )
    without = build.facts_of({k: v for k, v in build.COMPANY_FIGURES.items() if k != "net_debt_ebitda"})
    assert "endividamento" not in words(asset(analysis=build.analysis(facts=without)), "risks")


def test_results_stand_in_one_unit_and_quarters_have_their_names() -> None:
    rows = {row[0]: row[1:] for row in table(asset(), "results_by_year")}
    assert rows["Receita"] == ["400", "430", "460", "490", "520", "550"]
    assert rows["Lucro líquido"][0] == "80,0"
    assert rows["Margem líquida"] == ["20,0%"] * 6
    block = next(b for b in section(asset(), "results_by_quarter").blocks if isinstance(b, Table))
    assert [c.label for c in block.columns[1:]] == ["3T24", "4T24", "1T25", "2T25", "3T25", "4T25"]
    english = next(b for b in section(asset(language="en"), "results_by_quarter").blocks if isinstance(b, Table))
    assert english.columns[1].label == "3Q24"


def test_a_bank_has_no_ebitda_and_no_net_debt() -> None:
    years = tuple(build.result(date(y, 12, 31), 50e9, ebitda=None, net_debt=None) for y in (2023, 2024, 2025))
    view = asset(history=build.history(chart=Chart.BANK, years=years))
    assert [row[0] for row in table(view, "results_by_year")] == [
        "Receita financeira", "Lucro líquido", "Margem líquida", "Patrimônio",
    ]  # fmt: skip


def test_a_multiple_of_next_to_no_earnings_is_a_gap() -> None:
    history = build.history()
    odd = tuple(replace(p, p_l=445.9) if i > 50 else p for i, p in enumerate(history.multiples))
    chart = section(asset(history=replace(history, multiples=odd)), "multiple_p_l").blocks[0]
    assert isinstance(chart, LinesChart)
    assert chart.lines[0].values[-1] is None
    assert max(v for v in chart.lines[0].values if v is not None) < 100


def test_models_stand_beside_the_price_with_their_assumptions() -> None:
    figures = build.COMPANY_FIGURES | {
        "graham_price": (61.44, None, None, None), "eps": (5.13, None, None, None), "bvps": (32.72, None, None, None),
    }  # fmt: skip
    view = asset(analysis=build.analysis(facts=build.facts_of(figures)))
    chart = section(view, "worth").blocks[0]
    assert isinstance(chart, DotsChart)
    assert [(d.label, d.text) for d in chart.dots] == [
        ("Graham", "61,44"), ("IAs, em 180 dias", "51,16"), ("52 semanas", "28,80 a 50,55"),
    ]  # fmt: skip
    assert chart.levels[0].text == "48,67"
    assert "lucro por ação (R$ 5,13) × valor patrimonial por ação (R$ 32,72)" in words(view, "worth")


def test_next_dates_are_told_soonest_first() -> None:
    soon = build.actions()[-2].model_copy(update={"last_date_with": date(2026, 4, 2), "payment_date": date(2026, 6, 9)})
    assert [row[:2] for row in table(asset(actions=[*build.actions(), soon]), "agenda")] == [
        ["02/04/2026", "JCP: último dia com direito"],
        ["15/05/2026", "Resultado do 1T26: prazo legal"],
        ["09/06/2026", "JCP: pagamento"],
    ]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_no_figure_runs_into_another_in_a_sentence(language: str) -> None:
    book = FactBook((), locale_of(language))
    for key, entry in FACT_KEYS.items():
        fact = Fact(id="f01", key=key, value=12.0, unit=entry.unit)
        said = book.named(fact)
        assert not re.search(r"\d\)? [−+]?\d", said), said
        assert "{" not in said


def test_a_sector_is_written_as_one_reads_it() -> None:
    petroleum = build.analysis(sector="Petróleo. Gás e Biocombustíveis")
    assert "Petróleo, gás e biocombustíveis" in asset(analysis=petroleum).header.name
    assert "Oil, gas and biofuels" in asset(analysis=petroleum, language="en").header.name
    assert "Setor novo, sem tradução" in asset(analysis=build.analysis(sector="Setor novo. sem tradução")).header.name


def test_no_argument_stands_that_its_own_page_contradicts() -> None:
    facts = build.facts_of(build.COMPANY_FIGURES)
    known = {f.key: f.id for f in facts}
    reasons = [
        Reason(part="valuation", key=key, fact_id=known[key], value=1.0, score=9.0, effect=effect)
        for key, effect in (("roe", 0.4), ("revenue_cagr_5y", -0.5))
    ]
    risk = build.analysis().risk_analysis.model_copy(update={"volatility_risk": "high", "checklist": []})
    analysis = build.analysis(facts=facts, reasons=reasons, risk_analysis=risk)
    cited = {"Cresce.": ("revenue_cagr_5y", "net_margin"), "Oscila pouco.": ("volatility_1y", "beta_1y"),
             "Margem boa.": ("net_margin",)}  # fmt: skip
    case = tuple(
        Argument(text=text, fact_ids=tuple(known[k] for k in keys if k in known)) for text, keys in cited.items()
    )
    against = (Argument(text="ROE fraco.", fact_ids=(known["roe"],)),)
    ai = build.opinion("openai", 0.7, arguments_for=case, arguments_against=against)
    pool = build.ai_consensus([ai], bull_case=case, bear_case=against, dissent=())
    view = asset(analysis=analysis, opinions=[ai], ai_consensus=pool)
    assert view.strip is not None
    assert view.strip.sentence.text.startswith("A favor: ROE de 24,2%. Contra: receita")
    shown = words(view, "bull")
    assert "Margem boa." in shown
    assert "Cresce." not in shown
    assert "Oscila pouco." not in shown
    assert "ROE fraco." not in str(view.section("bear"))
    told = contract_report(view, "")["qualitative_analysis"]
    assert told["bull_case"] == ["Margem boa."]


@pytest.mark.parametrize(
    ("text", "value", "stands"),
    [
        ("A tendência dos preços é desfavorável e ainda não se inverteu.", 0.459, False),
        ("A tendência dos preços é desfavorável e ainda não se inverteu.", -0.12, True),
        ("The price trend is unfavourable and has not turned yet.", 0.459, False),
        ("O preço já subiu muito, sobra pouca margem.", 0.459, True),
        ("A tendência é de alta, mas negativa ante o setor.", 0.459, True),
    ],
)
def test_no_argument_calls_a_rise_a_bad_trend(text: str, value: float, stands: bool) -> None:
    facts = build.facts_of(build.COMPANY_FIGURES | {"return_1y": (value, None, None, None)})
    known = {f.key: f.id for f in facts}
    against = (Argument(text=text, fact_ids=(known["return_1y"],)),)
    ai = build.opinion("openai", 0.45, arguments_against=against)
    pool = build.ai_consensus([ai], bull_case=(), bear_case=against, dissent=())
    view = asset(analysis=build.analysis(facts=facts, reasons=[]), opinions=[ai], ai_consensus=pool)
    assert (text in str(view.section("bear"))) is stands
    if stands:
        bear = view.section("bear")
        assert bear is not None
        assert bear.note == "argumentos da IA"


def test_the_tone_of_news_follows_from_what_is_printed() -> None:
    items = [
        item.model_copy(update={"sentiment": tone})
        for item, tone in zip(build.news(3), (-0.154, -0.156, -0.4), strict=True)
    ]
    facts = build.facts_of(build.COMPANY_FIGURES | {"news_tone_30d": (-0.2367, None, None, None)})
    counted = SentimentAnalysis(sentiment="negative", score=4.0, news_count=3)
    view = asset(news=items, analysis=build.analysis(facts=facts, sentiment_analysis=counted))
    (rows,) = [b.rows for b in view.section("news").blocks if isinstance(b, Table)]  # type: ignore[union-attr]
    shown = {row[2].sub: row[2].text for row in rows}
    assert shown == {"−0,15": "neutro", "−0,16": "negativo", "−0,40": "negativo"}
    assert "tom médio das que têm tom: negativo (−0,24)" in words(view, "news")


def test_one_ai_alone_stands_with_its_own_verdict() -> None:
    ai = build.opinion("openai", 0.52)
    pool = build.ai_consensus([ai], dissent=()).model_copy(update={"quorum": False, "asked": 1, "answered": 1})
    view = asset(opinions=[ai], ai_consensus=pool)
    assert view.strip is not None
    alone = next(s for s in view.strip.stats if s.label == "Uma só IA")
    assert alone.text == "Manter"
    assert not any(s.text == "1 de 1" for s in view.strip.stats)


def test_an_agribusiness_fund_is_called_one() -> None:
    view = asset(
        analysis=build.fund("JABA11", name="Jabata Renda", sector=None), asset=build.asset("JABA11", segment="Fiagro")
    )
    assert view.header.tagline.startswith("Fiagro · ")
    assert view.header.name == "Jabata Renda"
    unit = asset(analysis=build.analysis("TAEE11", kind=AssetKind.UNIT), asset=build.asset("TAEE11"))
    names = [row[0] for row in table(unit, "profile")]
    assert "Ações" not in names


def test_a_fall_carries_no_sign_and_items_with_commas_stand_apart() -> None:
    book = FactBook(build.facts_of({"max_drawdown_1y": (-0.226, None, None, None)}), locale_of("pt-BR"))
    assert book.named(book.facts[0]) == "queda máxima de 22,6% em 12 meses"
    assert locale_of("pt-BR").listed(["P/L", "Lucro ao ano, 5 anos", "ROE"]) == "P/L; Lucro ao ano, 5 anos; ROE"
    assert locale_of("pt-BR").listed(["P/L", "ROE"]) == "P/L, ROE"
    assert book.text("tracking_difference_1y", -0.0293) == "−2,93 p.p."


@pytest.mark.parametrize(
    ("end", "english", "portuguese"),
    [
        (
            {"reason": "merged", "ended_on": date(2025, 9, 23), "successor": "MBRF3", "ratio": Decimal("0.8521")},
            "no longer traded since 23 Sep 2025: merged into MBRF3 × 0.8521",
            "não é mais negociado desde 23/09/2025: incorporado a MBRF3 × 0,8521",
        ),
        (
            {"reason": "renamed", "ended_on": date(2025, 9, 23), "successor": "NEWW3", "ratio": Decimal(1)},
            "no longer traded under this code since 23 Sep 2025: NEWW3",
            "não é mais negociado sob este código desde 23/09/2025: NEWW3",
        ),
        (
            {"reason": "unlisted"},
            "no longer listed at B3, last session 22 Sep 2025",
            "não está mais listado na B3, último pregão 22/09/2025",
        ),
    ],
)
def test_the_head_says_that_a_paper_trades_no_more_and_why(end: dict[str, Any], english: str, portuguese: str) -> None:
    given = {"ticker": "PETR4", "kind": "stock", "last_session": date(2025, 9, 22), **end}
    ended = Delisting.model_validate(given)
    for language, said in (("en", english), ("pt-BR", portuguese)):
        head = build_asset_view(build.asset_data(language=language, delisting=ended)).header.tagline
        assert head.endswith(f" · {said}"), head
    assert "no longer" not in asset(language="en").header.tagline
