"""brapi, Yahoo and Fundamentus as recorded: good rows, odd rows, errors."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from invest.domain.market.assets import ActionKind
from invest.domain.market.tickers import AssetKind
from invest.domain.values.observations import RawPayload
from invest.settings import SourceSettings
from invest.sources.brapi import format as brapi
from invest.sources.brapi.source import BrapiSource
from invest.sources.errors import Implausible, Malformed, NotAvailable
from invest.sources.model import Answer, Reading, Want
from invest.sources.numerals import SAO_PAULO
from invest.sources.others import fundamentus_format as fundamentus
from invest.sources.others import yahoo

PAYLOAD = RawPayload(sha256="0" * 64, source="x", url="u", fetched_at=datetime.now(UTC), status=200, size=0)


def gathered(entry: dict[str, Any], ticker: str, now: datetime, **known: Any) -> Answer:
    """What the brapi source makes of one entry."""
    basket = Reading("brapi", SourceSettings(rank=20), ticker)
    try:
        BrapiSource()._read(basket, Want(ticker, now, **known), entry, PAYLOAD)
    except Implausible as error:
        return basket.discard(error.reason)
    return basket.close()


def entry(path: Path, at: int = 0) -> dict[str, Any]:
    """One result of a recorded answer."""
    result = brapi.results_of("brapi", json.loads(path.read_bytes()))[at]
    return dict(result)


def values(found: Answer) -> dict[str, Decimal]:
    """Observed values by field."""
    return {o.field: o.value for o in found.harvest.observations}


def test_a_quote_with_modules(samples: Path) -> None:
    found = gathered(
        entry(samples / "brapi/quote_PETR4_2026-10-01_modules.json"), "PETR4", datetime(2026, 10, 1, 14, tzinfo=UTC)
    )
    seen = values(found)
    assert seen["close"] == Decimal("49.12")
    assert seen["roe"] == Decimal("0.27731782")
    assert seen["shares_outstanding"] == 12_888_733_000
    assert seen["dividend_yield"] == Decimal("0.07")
    assert found.identity is not None
    assert (found.identity.cnpj, found.identity.sector) == ("33000167000101", "Energia")
    assert {o.as_of.date() for o in found.harvest.observations if o.field == "roe"} == {date(2026, 6, 30)}
    # The session of 1 October is running: its bar is not over.
    assert found.harvest.bars
    assert max(bar.day for bar in found.harvest.bars) < date(2026, 10, 1)
    assert all(o.value.is_finite() for o in found.harvest.observations)


@pytest.mark.parametrize("ticker", ["PETR4", "AAPL34", "M1TA34", "GMCO34"])
def test_months_of_bars(samples: Path, ticker: str) -> None:
    path = samples / f"brapi/quote_{ticker}_2025-07-21_range1mo.json"
    found = gathered(entry(path), ticker, datetime(2025, 7, 22, 1, tzinfo=UTC))
    assert len(found.harvest.bars) >= 19
    assert [bar.day for bar in found.harvest.bars] == sorted({bar.day for bar in found.harvest.bars})
    assert all(bar.day.weekday() < 5 and bar.close > 0 for bar in found.harvest.bars)
    assert values(found)["close"] > 0


def test_a_nonsense_ratio_of_a_receipt_is_not_believed(samples: Path) -> None:
    found = gathered(
        entry(samples / "brapi/quote_GMCO34_2025-07-21_range1mo.json"), "GMCO34", datetime(2025, 7, 22, 1, tzinfo=UTC)
    )
    assert "p_l" not in values(found)
    assert "p_l of 7781" in (found.outcome.reason or "")


def test_good_and_failed_symbols_side_by_side(samples: Path) -> None:
    path = samples / "brapi/observed_partial_result_2022.json"
    failed, good = entry(path, 0), entry(path, 1)
    assert brapi.failed(failed) == "Não encontramos a ação VVAR3"
    found = gathered(good, "COGN3", datetime(2022, 5, 20, 23, tzinfo=UTC))
    assert values(found)["close"] == Decimal("2.63")
    assert "volume" not in values(found), "a volume of 0 out of hours is no volume"


def test_an_error_in_place_of_results_is_malformed(samples: Path) -> None:
    with pytest.raises(Malformed, match="Something went wrong"):
        brapi.results_of("brapi", json.loads((samples / "brapi/observed_error_crypto_2023.json").read_bytes()))


def test_every_documented_example_is_read_or_refused(samples: Path) -> None:
    document = json.loads((samples / "brapi/official_openapi_response_examples.json").read_bytes())
    read = 0
    for path, answers in document.items():
        for name, answer in answers.items():
            for example in answer["examples"]:
                if path == "/api/quote/{tickers}" and " 200 " in name:
                    for result in brapi.results_of("brapi", example):
                        found = gathered(dict(result), str(result["symbol"]), datetime(2025, 8, 30, 16, tzinfo=UTC))
                        assert found.harvest.bars
                        assert found.harvest.actions
                        read += 1
                else:
                    with pytest.raises(Malformed):
                        brapi.results_of("brapi", example)
    assert read == 2


def test_documented_dividends_and_splits(samples: Path) -> None:
    document = json.loads((samples / "brapi/official_openapi_response_examples.json").read_bytes())
    petr, mglu = document["/api/quote/{tickers}"]["get 200 application/json"]["examples"][0]["results"]
    found = brapi.actions(petr, "PETR4", "BRPETRACNPR6", "p", "brapi")
    assert [(a.kind, a.amount or a.factor, a.last_date_with) for a in found] == [
        (ActionKind.JCP, Decimal("0.66"), date(2024, 12, 23)),
        (ActionKind.DIVIDEND, Decimal("0.53"), date(2024, 8, 20)),
        (ActionKind.SPLIT, Decimal(2), date(2008, 3, 24)),
    ]
    assert brapi.actions(petr, "PETR3", "BRPETRACNOR9", "p", "brapi") == []
    reverse = brapi.actions(mglu, "MGLU3", None, "p", "brapi")[-1]
    assert (reverse.kind, reverse.factor) == (ActionKind.REVERSE_SPLIT, Decimal("0.1"))


def test_prices_before_a_split_are_not_taken_for_raw(samples: Path) -> None:
    path = samples / "brapi/quote_PETR4_2025-07-21_range1mo.json"
    split = {"label": "DESDOBRAMENTO", "factor": 2, "lastDatePrior": "2025-07-10T00:00:00.000Z"}
    data = entry(path) | {"dividendsData": {"stockDividends": [split]}}
    found = gathered(data, "PETR4", datetime(2025, 7, 22, 1, tzinfo=UTC))
    assert min(bar.day for bar in found.harvest.bars) == date(2025, 7, 11)


@pytest.mark.parametrize("factor", [1000, 100, 10, 0.01])
def test_a_quote_in_another_unit_is_rejected_whole(samples: Path, factor: float) -> None:
    data = entry(samples / "brapi/quote_PETR4_2025-07-21_range1mo.json")
    data["regularMarketPrice"] *= factor
    for bar in data["historicalDataPrice"]:
        bar |= {name: bar[name] * factor for name in ("open", "high", "low", "close")}
    known = {"last_close": Decimal("31.5"), "last_day": date(2025, 7, 18)}
    found = gathered(data, "PETR4", datetime(2025, 7, 22, 1, tzinfo=UTC), **known)
    assert (found.outcome.status, found.harvest.bars, found.harvest.observations) == ("rejected", (), ())
    assert "wrong unit" in (found.outcome.reason or "")


def chart(samples: Path) -> dict[str, Any]:
    """The recorded chart of PETR4, early 2023."""
    path = samples / "yahoo/chart/PETR4.SA_3mo_1d_jvaczcorporation_0.json"
    return dict(yahoo.chart_of(json.loads(path.read_bytes())))


def test_a_chart_is_read_without_its_noise(samples: Path) -> None:
    basket = Reading("yahoo", SourceSettings(), "PETR4")
    now = datetime.fromtimestamp(1679066594, UTC)
    yahoo.read(basket, Want("PETR4", now), chart(samples), PAYLOAD)
    assert len(basket.harvest.bars) > 50
    assert max(-int(bar.close.as_tuple().exponent) for bar in basket.harvest.bars) <= 6
    assert [o.value for o in basket.observations if o.field == "close"] == [Decimal("23.09")]
    assert max(bar.day for bar in basket.harvest.bars) < date(2023, 3, 17), "the session of the capture was running"


def test_an_american_fund_s_chart_without_quotes_gives_no_bars(samples: Path) -> None:
    found = yahoo.chart_of(json.loads((samples / "yahoo/chart/SOYB_v8_chart.json").read_bytes()))
    assert yahoo.bars_of(found, "SOYB", SAO_PAULO, "p") == []
    basket = Reading("yahoo", SourceSettings(), "SOYB")
    yahoo.read(basket, Want("SOYB", datetime.now(UTC)), found, PAYLOAD)
    assert basket.observations == []


def test_observed_bad_rows_are_left_out(samples: Path) -> None:
    with (samples / "yahoo/chart/observed_bad_rows_PETR4_2023-08.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    stamps = [int(datetime.fromisoformat(r["Date"] + "T13:00:00+00:00").timestamp()) for r in rows]
    quote = {name.lower(): [float(r[name]) for r in rows] for name in ("Open", "High", "Low", "Close", "Volume")}
    quote["close"].append(None)  # type: ignore[arg-type]  # nulls do occur
    data = {"meta": {}, "timestamp": [*stamps, stamps[-1] + 86_400], "indicators": {"quote": [quote]}}
    basket = Reading("yahoo", SourceSettings(), "PETR4")
    yahoo.read(basket, Want("PETR4", datetime(2023, 9, 1, tzinfo=UTC)), data, PAYLOAD)
    assert [bar.day.isoformat() for bar in basket.harvest.bars] == ["2023-08-02", "2023-08-03", "2023-08-04"]
    assert basket.rejected == 1


def test_dividends_are_undone_for_later_splits() -> None:
    def at(day: str) -> int:
        return int(datetime.fromisoformat(day + "T13:00:00+00:00").timestamp())

    events = {
        "dividends": {"1": {"amount": 0.5, "date": at("2024-03-05")}, "2": {"amount": 0.5, "date": at("2024-06-05")}},
        "splits": {"3": {"numerator": 2, "denominator": 1, "date": at("2024-05-07")}},
    }
    basket = Reading("yahoo", SourceSettings(), "AAAA3")
    yahoo.read(basket, Want("AAAA3", datetime(2024, 7, 1, tzinfo=UTC)), {"events": events}, PAYLOAD)
    assert [(a.kind, a.last_date_with, a.amount or a.factor) for a in basket.harvest.actions] == [
        (ActionKind.SPLIT, date(2024, 5, 6), Decimal(2)),
        (ActionKind.DIVIDEND, date(2024, 3, 4), Decimal("1.0")),
        (ActionKind.DIVIDEND, date(2024, 6, 4), Decimal("0.5")),
    ]


def test_yahoo_s_errors_are_told_apart(samples: Path) -> None:
    for case in json.loads((samples / "yahoo/chart/observed_error_texts.json").read_bytes()):
        if "yahoo_error_description" in case:
            error = {"code": "Not Found", "description": case["yahoo_error_description"]}
            with pytest.raises(NotAvailable):
                yahoo.chart_of({"chart": {"result": None, "error": error}})
    broken: object
    for broken in ({}, {"chart": None}, {"chart": {"result": []}}, "Edge: Too Many Requests", None):
        with pytest.raises(Malformed):
            yahoo.chart_of(broken)


def test_a_page_cut_short_is_malformed(samples: Path) -> None:
    body = (samples / "fundamentus/wege3_details.html").read_bytes()
    with pytest.raises(Malformed, match="cut short"):
        fundamentus.details(body[: len(body) // 2])


def test_symbols() -> None:
    now = datetime.now(UTC)
    assert [yahoo.symbol(Want(t, now)) for t in ("PETR4", "^BVSP", "BTC-USD")] == ["PETR4.SA", "^BVSP", "BTC-USD"]
    assert Want("BTC-USD", now).kind is AssetKind.CRYPTO


@pytest.mark.parametrize(
    ("name", "ticker", "expected"),
    [
        ("wege3_details.html", "WEGE3", {"close": "46.48", "p_l": "31.03", "roe": "0.354", "net_margin": "0.167"}),
        ("petr4_details_dom_dump_utf8.html", "PETR4", {"close": "30.41", "p_vp": "0.93", "dividend_yield": "0.106"}),
        ("petr4_old_layout_2014.html", "PETR4", {"close": "15.44", "p_l": "8.54", "ev_ebit": "8.49"}),
    ],
)
def test_pages_of_three_times_and_two_encodings(
    samples: Path, name: str, ticker: str, expected: dict[str, str]
) -> None:
    page = fundamentus.details((samples / "fundamentus" / name).read_bytes())
    assert page["PAPEL"] == ticker
    found = {field: value for field, value, _, _ in fundamentus.figures(page)}
    assert {field: found[field] for field in expected} == {k: Decimal(v) for k, v in expected.items()}
    assert found["shares_outstanding"] > 10**9


@pytest.mark.parametrize(
    ("name", "until"),
    [("petr4_details_dom_dump_utf8.html", date(2025, 9, 30)), ("petr4_old_layout_2014.html", date(2013, 12, 31))],
)
def test_figures_of_statements_are_of_the_period_that_the_page_names(samples: Path, name: str, until: date) -> None:
    page = fundamentus.details((samples / "fundamentus" / name).read_bytes())
    assert fundamentus.filed_until(page, date(2026, 11, 27)) == until


@pytest.mark.parametrize(
    ("traded", "until"),
    [
        (date(2026, 11, 13), date(2026, 6, 30)),  # third quarters are due on the 14th
        (date(2026, 11, 14), date(2026, 9, 30)),
        (date(2026, 3, 30), date(2025, 9, 30)),  # annual statements are due at the end of March
        (date(2026, 3, 31), date(2025, 12, 31)),
        (date(2026, 5, 15), date(2026, 3, 31)),
    ],
)
def test_the_table_of_all_stocks_names_no_period_and_counts_as_the_newest_that_was_due(
    traded: date, until: date
) -> None:
    assert fundamentus.filed_until({"PAPEL": "WEGE3", "ROE": "35,4%"}, traded) == until


def test_an_unknown_paper_is_not_available_though_the_status_says_200(samples: Path) -> None:
    with pytest.raises(NotAvailable):
        fundamentus.details((samples / "fundamentus/ticker_not_found.html").read_bytes())


def test_another_page_is_malformed() -> None:
    with pytest.raises(Malformed):
        fundamentus.details(b"<html><h1>Manuten\xe7\xe3o</h1></html>")
    with pytest.raises(Malformed, match="PAPEL"):
        fundamentus.screen(b"<table><tr><th>Ticker</th><th>Price</th></tr><tr><td>A</td><td>1</td></tr></table></html>")


@pytest.mark.parametrize(("name", "ticker"), [("wege3_dividends.html", "WEGE3"), ("itub4_dividends.html", "ITUB4")])
def test_pages_of_payments(samples: Path, name: str, ticker: str) -> None:
    found = fundamentus.dividends((samples / "fundamentus" / name).read_bytes(), ticker, "p")
    assert len(found) > 50
    assert {a.kind for a in found} <= {ActionKind.DIVIDEND, ActionKind.JCP, ActionKind.INCOME}
    assert all(a.amount and 0 < a.amount < 20 for a in found)
    if ticker == "WEGE3":  # three payments of the same amount for one day of rights are three payments
        assert [a.amount for a in found if a.last_date_with == date(2025, 12, 19)][:3] == [Decimal("0.4128")] * 3


def test_the_table_of_all_stocks_is_read_by_its_headers() -> None:
    heads = ["Papel", "Cota\xe7\xe3o", "P/L", "P/VP", "Div.Yield", "ROE", "Mrg. L\xedq."]
    rows = [
        ["PETR4", "30,41", "5,06", "0,93", "10,60%", "18,30%", "15,90%"],
        ["BBAS3", "1.234,56", "0,00", "-1,2", "0,00%", "1,0%", "0,00%"],
    ]
    cells = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    page = (
        "<table id='resultado'><thead><tr>"
        + "".join(f"<th>{h}</th>" for h in heads)
        + f"</tr></thead>{cells}</table></html>"
    )
    table = fundamentus.screen(page.encode("latin-1"))
    assert sorted(table) == ["BBAS3", "PETR4"]
    petr = {field: value for field, value, _, _ in fundamentus.figures(table["PETR4"])}
    assert petr["net_margin"] == Decimal("0.159")
    bank = {field: value for field, value, _, _ in fundamentus.figures(table["BBAS3"])}
    assert bank == {"close": Decimal("1234.56"), "p_vp": Decimal("-1.2"), "roe": Decimal("0.01")}, "0 means missing"
