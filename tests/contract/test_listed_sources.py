"""B3's listed-company answers as recorded: text/plain JSON, empty bodies, factors by label."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from invest.domain.market.assets import ActionKind
from invest.domain.market.tickers import B3_CODE, AssetKind, kind_of
from invest.domain.values.observations import RawPayload
from invest.sources.b3 import format as fmt
from invest.sources.client.call import Response


def answer(body: bytes) -> Response:
    """A response of these bytes."""
    payload = RawPayload(
        sha256="0" * 64, source="b3", url="u", fetched_at=datetime.now(UTC), status=200, size=len(body), body=body
    )
    return Response(payload)


def rows(path: Path) -> list[dict[str, object]]:
    """The objects of a recorded answer."""
    return [dict(row) for row in fmt.objects(answer(path.read_bytes()))]


def test_dividends_and_jcp_of_one_class(samples: Path) -> None:
    found = fmt.cash_actions(
        rows(samples / "b3/corporate_actions/GetListedCashDividends_SLCE.json"), "SLCE3", None, "p"
    )
    assert len(found) == 8
    newest = found[0]
    assert (newest.kind, newest.last_date_with, newest.amount) == (
        ActionKind.DIVIDEND,
        date(2025, 12, 12),
        Decimal("0.86051967"),
    )
    assert {a.kind for a in found} == {ActionKind.DIVIDEND, ActionKind.JCP}
    assert (
        fmt.cash_actions(rows(samples / "b3/corporate_actions/GetListedCashDividends_SLCE.json"), "SLCE4", None, "p")
        == []
    )


def test_a_long_history_is_read_to_its_end(samples: Path) -> None:
    found = fmt.cash_actions(rows(samples / "b3/corporate_actions/GetListedCashDividends_rb3.json"), "ABEV3", None, "p")
    assert len(found) == 29
    assert [(a.kind, a.amount) for a in found if a.last_date_with == date(2021, 12, 17)] == [
        (ActionKind.DIVIDEND, Decimal("0.1334")),
        (ActionKind.JCP, Decimal("0.4702")),
    ]


def test_factors_are_read_by_their_labels(samples: Path) -> None:
    path = samples / "b3/corporate_actions/GetListedSupplementCompany_MGLU_stockDividends.json"
    stock = json.loads(path.read_bytes())["stockDividends"]
    found = {a.last_date_with: (a.kind, a.factor) for a in fmt.share_actions(stock, "MGLU3", "BRMGLUACNOR2", "p")}
    assert found == {
        date(2025, 12, 29): (ActionKind.BONUS, Decimal("1.05")),
        date(2024, 5, 24): (ActionKind.REVERSE_SPLIT, Decimal("0.1")),
        date(2020, 10, 13): (ActionKind.SPLIT, Decimal(4)),
    }


@pytest.mark.parametrize(
    ("label", "factor", "ratio"),
    [
        ("DESDOBRAMENTO", "4.900,00000000000", "50"),
        ("DESDOBRAMENTO", "100,00000000000", "2"),
        ("BONIFICACAO", "5,0", "1.05"),
        ("BONIFICAÇÃO", "10,00000000000", "1.1"),
        ("GRUPAMENTO", "0,02000000000", "0.02"),
    ],
)
def test_percents_and_multipliers(label: str, factor: str, ratio: str) -> None:
    row = {"label": label, "factor": factor, "lastDatePrior": "02/01/2024", "isinCode": "BRAAAAACNOR1"}
    assert fmt.share_actions([row], "AAAA3", None, "p")[0].factor == Decimal(ratio)


def test_a_supplement_gives_events_of_the_asked_paper_only(samples: Path) -> None:
    company = rows(samples / "b3/corporate_actions/GetListedSupplementCompany_PETR_envelope.json")[0]
    cash, stock = company["cashDividends"], company["stockDividends"]
    assert isinstance(cash, list)
    assert isinstance(stock, list)
    found = fmt.cash_actions(cash, "PETR4", None, "p")
    assert [(a.kind, a.amount, a.payment_date) for a in found] == [
        (ActionKind.JCP, Decimal("0.35337"), date(2025, 8, 21)),
        (ActionKind.DIVIDEND, Decimal("0.91360"), date(2025, 5, 20)),
    ]
    assert fmt.share_actions(stock, "PETR4", None, "p")[0].factor == 2
    assert fmt.cash_actions(cash, "PETR3", None, "p") == []


def test_mixed_issuers_in_one_envelope_are_told_apart(samples: Path) -> None:
    envelope = rows(samples / "b3/corporate_actions/GetListedSupplementCompany_real_rows_2026-07-14.json")[0]
    cash, stock = envelope["cashDividends"], envelope["stockDividends"]
    assert isinstance(cash, list)
    assert isinstance(stock, list)
    assert len(fmt.cash_actions(cash, "PETR4", "BRPETRACNPR6", "p")) == 1
    assert fmt.share_actions(stock, "PETR4", "BRPETRACNPR6", "p") == []


def test_history_and_supplement_become_one_list_with_payment_dates(samples: Path) -> None:
    base = {
        "label": "DIVIDENDO",
        "isinCode": "BRSLCEACNOR2",
        "lastDatePrior": "12/12/2025",
        "paymentDate": "30/12/2025",
    }
    recent = fmt.cash_actions([base | {"rate": "0,86051967000"}], "SLCE3", None, "s")
    history = fmt.cash_actions(
        rows(samples / "b3/corporate_actions/GetListedCashDividends_SLCE.json"), "SLCE3", None, "h"
    )
    merged = fmt.merged(history, recent)
    assert len(merged) == len(history)
    assert [a.payment_date for a in merged if a.amount == Decimal("0.86051967")] == [date(2025, 12, 30)]


def test_an_empty_answer_means_nothing_is_known(samples: Path) -> None:
    assert fmt.objects(answer((samples / "b3/corporate_actions/empty_200_body.txt").read_bytes())) == []
    tape = yaml.safe_load((samples / "b3/cassettes/GetListedSupplementCompanyEmpty.yml").read_text())
    body = tape["http_interactions"][0]["response"]["body"]["string"] or ""
    assert fmt.objects(answer(body.encode())) == []


def test_the_address_is_that_of_the_recorded_call(samples: Path) -> None:
    tape = yaml.safe_load((samples / "b3/cassettes/GetListedSupplementCompanyEmpty.yml").read_text())
    uri = tape["http_interactions"][0]["request"]["uri"]
    assert uri.endswith("/" + fmt.argument(issuingCompany="WWWW", language="pt-br"))


def test_a_company_s_details(samples: Path) -> None:
    company = rows(samples / "b3/GetDetailsCompany.json")[0]
    found = fmt.company_identity(company, "ABEV3")
    assert (found.name, found.cnpj, found.cvm_code, found.isin) == (
        "AMBEV S.A.",
        "07526557000100",
        23264,
        "BRABEVACNOR1",
    )
    assert (found.sector, found.segment, found.active) == (
        "Consumo não Cíclico",
        "Bebidas / Cervejas e Refrigerantes",
        True,
    )


def test_pages_are_counted_and_listed(samples: Path) -> None:
    recorded = answer((samples / "b3/GetStockIndex.json").read_bytes())
    assert fmt.pages(recorded) == 1
    assert len(fmt.objects(recorded)) > 600


def test_payment_on_the_last_of_9999_is_no_date() -> None:
    row = {"label": "DIVIDENDO", "rate": "1,00", "lastDatePrior": "02/01/2024", "isinCode": "BRAAAAACNOR1"}
    action = fmt.cash_actions([row | {"paymentDate": "31/12/9999"}], "AAAA3", None, "p")[0]
    assert action.payment_date is None


def test_amounts_quoted_for_a_thousand_are_divided() -> None:
    row = {"typeStock": "ON", "corporateAction": "DIVIDENDO", "valueCash": "12,50", "quotedPerShares": "1000"}
    action = fmt.cash_actions([row | {"lastDatePriorEx": "02/01/2003"}], "AAAA3", None, "p")[0]
    assert action.amount == Decimal("0.0125")


def test_every_code_of_a_year_is_a_ticker_with_a_kind(samples: Path) -> None:
    with gzip.open(samples / "b3/all_assets_2025_from_cotahist.csv.gz", "rt") as lines:
        listed = list(csv.DictReader(lines))
    assert len(listed) == 1_422
    assert all(B3_CODE.fullmatch(row["ticker"]) for row in listed)
    kinds = {row["ticker"]: kind_of(row["ticker"], bdi=row["bdi_codes"], especi=row["especi"]) for row in listed}
    unknown = [ticker for ticker, kind in kinds.items() if kind is AssetKind.OTHER]
    assert sorted(unknown) == ["IBOV11", "PSVM11F", "SMLL11"]  # two indices, a trust preferred
    expected = {
        "GOLL54": AssetKind.STOCK,
        "LPLP15": AssetKind.FII,
        "AZEV11F": AssetKind.RIGHT,
        "ALUP11": AssetKind.UNIT,
    }
    assert {ticker: kinds[ticker] for ticker in expected} == expected
