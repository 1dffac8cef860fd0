"""The tax of a year as a report: its months, its names, and how far a running year goes."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.domain.portfolios import Operation, Transaction
from invest.domain.taxes import State, TaxInput, TaxYear, tax_year
from invest.reports import ReportView, build_portfolio_view, build_tax_view, render_pdf
from invest.reports.views import Stats, Table
from tests.builders import reports as build

BANK = Asset(ticker="BBAS3", kind=AssetKind.STOCK, name="BRASIL", cnpj="00000000000191")
COIN = Asset(ticker="BTC-BRL", kind=AssetKind.CRYPTO, name="Bitcoin")


def trade(day: str, ticker: str, operation: Operation, quantity: str, price: str) -> Transaction:
    return Transaction(
        date=date.fromisoformat(day), ticker=ticker, operation=operation, quantity=Decimal(quantity),
        price=Decimal(price),
    )  # fmt: skip


def year_of(year: int) -> TaxYear:
    facts = [
        trade("2025-11-03", "BBAS3", Operation.BUY, "2000", "20"),
        trade("2026-02-10", "BBAS3", Operation.SELL, "1500", "24"),
        trade("2026-03-02", "BBAS3", Operation.DIVIDEND, "500", "0.30"),
        trade("2026-03-04", "BTC-BRL", Operation.BUY, "0.01", "450000"),
    ]
    given = TaxInput(facts, date(2026, 3, 31), assets={"BBAS3": BANK, "BTC-BRL": COIN})
    return tax_year(given, year)


def written(year: int, language: str = "pt-BR") -> ReportView:
    now = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
    return build_tax_view(year_of(year), name="Casa", report_id="t", generated_at=now, language=language)


def table(view: ReportView, ident: str) -> Table:
    section = view.section(ident)
    assert section is not None
    return next(b for b in section.blocks if isinstance(b, Table))


def test_a_running_year_says_how_far_it_goes() -> None:
    view = written(2026)
    assert view.header.tagline == "Renda variável no Brasil · ano em curso, até 31/03/2026"
    assert [c.label for c in table(view, "goods").columns][-2:] == ["31/12/2025", "31/03/2026"]
    before = written(2025)
    assert before.header.tagline.endswith("de 01/01 a 31/12/2025")
    assert [c.label for c in table(before, "goods").columns][-2:] == ["31/12/2024", "31/12/2025"]


def test_months_and_documents_are_written_as_read() -> None:
    view = written(2026)
    assert table(view, "months").rows[0][0].text == "02/2026"
    summary = view.section("summary")
    assert summary is not None
    (stats,) = [b for b in summary.blocks if isinstance(b, Stats)]
    assert next(s.sub for s in stats.items if s.label == "DARF 6015") == "1 documento"


def test_an_open_month_is_no_nought_in_the_summary() -> None:
    given = TaxInput(
        [trade("2026-02-10", "BBAS3", Operation.SELL, "10", "24")], date(2026, 3, 31), assets={"BBAS3": BANK}
    )
    year = tax_year(given, 2026)
    assert [month.state for month in year.months if month.lines or month.flags] == [State.INCOMPLETE]
    now = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
    view = build_tax_view(year, name="Casa", report_id="t", generated_at=now)
    summary = view.section("summary")
    assert summary is not None
    (stats,) = [b for b in summary.blocks if isinstance(b, Stats)]
    assert [stat.text for stat in stats.items] == ["incompleto"] * 4
    assert all("falta apurar 02/2026" in (stat.sub or "") for stat in stats.items)
    box = build_portfolio_view(build.portfolio_data(tax=year)).section("tax")
    assert box is not None
    (rows,) = [b.rows for b in box.blocks if isinstance(b, Table)]
    texts = {row[0].text: row[1].text for row in rows}
    assert texts["Imposto apurado no ano"] == texts["Ganhos isentos no ano"] == "incompleto"


def test_money_is_rounded_alike_as_a_result_and_as_a_loss() -> None:
    facts = [
        trade("2026-01-05", "BBAS3", Operation.BUY, "1", "157.225"),
        trade("2026-02-10", "BBAS3", Operation.SELL, "1", "100"),
    ]
    year = tax_year(TaxInput(facts, date(2026, 3, 31), assets={"BBAS3": BANK}), 2026)
    now = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
    view = build_tax_view(year, name="Casa", report_id="t", generated_at=now)
    assert table(view, "lines").rows[0][8].text == "−R$ 57,23"
    assert table(view, "months").rows[0][3].text == "−R$ 57,23"
    summary = view.section("summary")
    assert summary is not None
    (stats,) = [b for b in summary.blocks if isinstance(b, Stats)]
    assert stats.items[-1].text == "comum R$ 57,23"


def test_papers_and_payers_have_the_names_of_their_issuers() -> None:
    view = written(2026)
    texts = {row[1].text: row[2].text for row in table(view, "goods").rows}
    assert texts["BBAS3"].startswith("500 ações ON de Banco do Brasil, CNPJ 00.000.000/0001-91")
    assert texts["BTC-BRL"].startswith("0,01 Bitcoin, código BTC-BRL")
    assert [row[3].text for row in table(view, "income").rows] == ["Banco do Brasil"]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_it_is_a_pdf(language: str) -> None:
    assert render_pdf(written(2026, language)).startswith(b"%PDF-")
