"""Filings as they come from CVM: versions, bases, charts of accounts, blank forms, other layouts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from invest.domain.filings.filing import Chart, known_filings, plain, read_filings
from invest.domain.filings.fundamentals import fundamentals_of
from tests.builders.domain import BANK, INSURER, SOUND, filed, grown

LATER = datetime(2026, 12, 1, tzinfo=UTC)
YEAR = (date(2025, 1, 1), date(2025, 12, 31))


def test_the_highest_version_received_wins() -> None:
    lines = filed(SOUND, received=date(2026, 3, 1)) + filed(grown(SOUND, 0.5), version=2, received=date(2026, 6, 1))
    filings = read_filings(lines)
    before = known_filings(filings, datetime(2026, 5, 1, tzinfo=UTC))
    after = known_filings(filings, LATER)
    assert [f.version for f in before] == [1]
    assert [f.version for f in after] == [2]
    assert after[0].balance["equity"] == 250e6


def test_a_filing_is_unknown_before_the_day_it_was_received() -> None:
    filings = read_filings(filed(SOUND, received=date(2026, 3, 10)))
    assert known_filings(filings, datetime(2026, 3, 9, 12, tzinfo=UTC)) == []
    assert len(known_filings(filings, datetime(2026, 3, 10, 12, tzinfo=UTC))) == 1


@pytest.mark.parametrize(("form", "known"), [("DFP", date(2026, 3, 31)), ("ITR", date(2026, 2, 14))])
def test_without_a_date_of_receipt_the_legal_deadline_counts(form: str, known: date) -> None:
    assert read_filings(filed(SOUND, form=form))[0].received_on == known


def test_consolidated_statements_go_before_individual_ones() -> None:
    lines = filed(grown(SOUND, 0.3), consolidated=False) + filed(SOUND)
    company = fundamentals_of(read_filings(lines), LATER)
    assert company is not None
    assert company.consolidated
    assert company.ratios["equity"] == 500e6


def test_individual_statements_serve_where_there_is_nothing_else() -> None:
    company = fundamentals_of(read_filings(filed(SOUND, consolidated=False)), LATER)
    assert company is not None
    assert not company.consolidated
    assert company.ratios["equity"] == 500e6


def test_older_individual_statements_are_not_mixed_with_consolidated_ones() -> None:
    lines = filed(SOUND, date(2024, 12, 31), consolidated=False) + filed(SOUND)
    company = fundamentals_of(read_filings(lines), LATER)
    assert company is not None
    assert len(company.years) == 1
    assert company.ratios["revenue_growth_1y"] is None


def test_lines_of_last_year_beside_this_years_are_left_out() -> None:
    stray = [line.model_copy(update={"period_end": date(2024, 12, 31)}) for line in filed(grown(SOUND, 9))]
    filing = read_filings(filed(SOUND) + stray)[0]
    assert filing.balance["total_assets"] == 1000e6


def test_a_form_left_blank_counts_as_not_filed() -> None:
    assert read_filings(filed(dict.fromkeys(SOUND, 0.0))) == ()
    assert fundamentals_of(read_filings(filed(dict.fromkeys(SOUND, 0.0))), LATER) is None


def test_a_zero_in_a_filled_form_stays_zero() -> None:
    filing = read_filings(filed({**SOUND, "2.01.04": 0.0, "2.02.01": 0.0}))[0]
    assert filing.balance["short_debt"] == 0
    assert fundamentals_of((filing,), LATER).ratios["gross_debt"] == 0  # type: ignore[union-attr]  # it was just read


BANK_AMOUNTS = {
    "1": 2000e9,
    "1.01": 90e9,
    "2": 2000e9,
    "2.01": 100e9,
    "2.03": 50e9,
    "2.08": 180e9,
    "2.08.09": 10e9,
    "3.01": 250e9,
    "3.02": -150e9,
    "3.03": 100e9,
    "3.05": 50e9,
    "3.09": 36e9,
    "3.09.01": 34e9,
    "3.09.02": 2e9,
}


def test_a_bank_is_read_by_the_words_of_its_own_chart() -> None:
    filing = read_filings(filed(BANK_AMOUNTS, chart=BANK))[0]
    assert filing.chart is Chart.BANK
    assert filing.balance == {"total_assets": 2000e9, "cash": 90e9, "equity": 180e9, "minority": 10e9}
    assert filing.flows[YEAR]["net_income"] == 34e9


def test_a_bank_has_no_ebitda_no_debt_ratio_and_no_liquidity_ratio() -> None:
    company = fundamentals_of(read_filings(filed(BANK_AMOUNTS, chart=BANK)), LATER)
    assert company is not None
    assert company.ratios["roe"] == pytest.approx(34 / 170)  # both without the minority's share
    for key in ("ebit", "ebitda", "net_debt", "net_debt_ebitda", "current_ratio", "interest_coverage", "roic"):
        assert company.ratios.get(key) is None


@pytest.mark.parametrize(
    "words",
    [
        "Lucro ou Prejuízo Líquido Consolidado do Período",
        "Lucro/Prejuízo do Período",
        "LUCRO LÍQUIDO DO EXERCÍCIO",
        "Lucro/PrejuÃ­zo Consolidado do PerÃ­odo",
    ],
)
def test_net_income_of_a_bank_is_found_by_any_of_its_names(words: str) -> None:
    filing = read_filings(filed(BANK_AMOUNTS, chart=BANK, words={"3.09": words}))[0]
    assert filing.flows[YEAR]["net_income_total"] == 36e9


def test_an_insurer_is_read_by_its_own_chart() -> None:
    amounts = {
        "1": 40e9,
        "2": 40e9,
        "2.03": 11e9,
        "3.01": 30e9,
        "3.02": -20e9,
        "3.05": -1e9,
        "3.13": 2e9,
        "3.13.01": 2e9,
    }
    filing = read_filings(filed(amounts, chart=INSURER))[0]
    assert filing.chart is Chart.INSURER
    assert filing.balance["equity"] == 11e9
    assert filing.flows[YEAR]["net_income"] == 2e9


def test_codes_of_an_unknown_layout_are_not_read_as_what_they_usually_mean() -> None:
    filing = read_filings(filed(SOUND, words={"2.03": "Depósitos", "3.11": "Despesas de Pessoal"}))[0]
    assert "equity" not in filing.balance
    assert "net_income" not in filing.flows.get(YEAR, {})


def test_accents_read_with_the_wrong_encoding_are_repaired() -> None:
    assert plain("PatrimÃ´nio LÃ­quido  Consolidado ") == "patrimonio liquido consolidado"
    assert plain("Ação  Ordinária") == "acao ordinaria"


def test_net_income_is_the_parents_share() -> None:
    filing = read_filings(filed({**SOUND, "3.11.01": 80e6, "3.11.02": 10e6}))[0]
    assert filing.flows[YEAR]["net_income"] == 80e6


def test_an_attribution_left_blank_means_all_belongs_to_the_parent() -> None:
    filing = read_filings(filed({**SOUND, "3.11.01": 0.0, "3.11.02": 0.0}))[0]
    assert filing.flows[YEAR]["net_income"] == 90e6


def test_depreciation_comes_from_the_added_value_statement_else_from_cash_flow() -> None:
    both = read_filings(filed(SOUND))[0]
    assert both.flows[YEAR]["depreciation"] == 42e6
    cash_only = {account: value for account, value in SOUND.items() if account != "7.04.01"}
    assert read_filings(filed(cash_only))[0].flows[YEAR]["depreciation"] == 40e6


@pytest.mark.parametrize(
    "words",
    ["Amortização de empréstimos", "Amortização de custo de captação", "Amortização de ágio", "Amortização de juros"],
)
def test_repaying_debt_is_no_depreciation(words: str) -> None:
    cash_only = {account: value for account, value in SOUND.items() if account != "7.04.01"}
    filing = read_filings(filed(cash_only, words={"6.01.01.02": words}))[0]
    assert "depreciation" not in filing.flows[YEAR]


@pytest.mark.parametrize("words", ["Venda de imobilizado", "Recebimento pela alienação de intangível"])
def test_selling_assets_is_no_investment(words: str) -> None:
    filing = read_filings(filed({**SOUND, "6.02.01": 55e6}, words={"6.02.01": words}))[0]
    assert "capex" not in filing.flows[YEAR]


@pytest.mark.parametrize("words", ["Adições de ativo contratual", "Aquisição de ativos de concessão", "Capex"])
def test_concession_assets_are_investments(words: str) -> None:
    assert read_filings(filed(SOUND, words={"6.02.01": words}))[0].flows[YEAR]["capex"] == -55e6


def test_nothing_filed_is_nothing_known() -> None:
    assert read_filings([]) == ()
    assert fundamentals_of((), LATER) is None


def test_a_consolidated_form_left_blank_once_hides_no_year_before_it() -> None:
    years = filed(SOUND, date(2024, 12, 31)) + filed(SOUND)
    quarter = {"form": "ITR", "consolidated": False, "start": date(2026, 1, 1)}
    lines = years + filed(grown(SOUND, 0.3), date(2026, 3, 31), **quarter)  # type: ignore[arg-type]
    company = fundamentals_of(read_filings(lines), LATER)
    assert company is not None
    assert (company.consolidated, company.as_of) == (True, date(2025, 12, 31))
    assert (company.ratios["revenue"], company.ratios["equity"]) == (800e6, 500e6)
    assert company.remarks == (
        "statements of 2026-03-31 are individual alone and give no twelve months: those before them are shown",
    )


def test_individual_statements_that_give_twelve_months_follow_consolidated_ones() -> None:
    lines = filed(SOUND, date(2024, 12, 31)) + filed(grown(SOUND, 0.3), consolidated=False)
    company = fundamentals_of(read_filings(lines), LATER)
    assert company is not None
    assert (company.consolidated, company.ratios["equity"]) == (False, 150e6)


def test_consolidated_statements_of_long_ago_are_not_shown_for_today_s() -> None:
    quarter = filed(SOUND, date(2026, 3, 31), date(2026, 1, 1), form="ITR", consolidated=False)
    company = fundamentals_of(read_filings(filed(SOUND, date(2023, 12, 31)) + quarter), LATER)
    assert company is not None
    assert (company.consolidated, company.as_of, company.ratios["revenue"]) == (False, date(2026, 3, 31), None)


@pytest.mark.parametrize("blank", [SOUND, {k: v for k, v in SOUND.items() if k[0] != "1"}, {**SOUND, "1": 0}])
def test_total_assets_stand_on_both_sides_of_the_balance(blank: dict[str, float]) -> None:
    company = fundamentals_of(read_filings(filed(blank)), LATER)
    assert company is not None
    assert company.ratios["total_assets"] == 1000e6
