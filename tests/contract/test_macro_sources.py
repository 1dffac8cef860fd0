"""The central bank's answers as recorded, errors included."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from invest.domain.values.observations import RawPayload
from invest.settings import SourceSettings
from invest.sources.bcb.olinda import expectations
from invest.sources.bcb.sgs import complaint, points
from invest.sources.client.call import Response
from invest.sources.errors import Malformed
from invest.sources.model import Reading

PAYLOAD = RawPayload(sha256="0" * 64, source="bcb", url="u", fetched_at=datetime.now(UTC), status=200, size=0)
TODAY = date(2026, 4, 25)


def read(path: Path, code: int = 432, today: date = TODAY) -> list[tuple[date, Decimal]]:
    """Points of a recorded answer."""
    basket = Reading("bcb", SourceSettings())
    return [(p.day, p.value) for p in points(basket, code, json.loads(path.read_bytes()), PAYLOAD, today)]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("sgs_11_selic_diaria.json", (date(2016, 1, 4), Decimal("0.052531"))),
        ("sgs_432_selic_meta.json", (date(2016, 1, 1), Decimal("14.25"))),
        ("sgs_433_ipca.json", (date(2016, 1, 1), Decimal("1.27"))),
        ("sgs_1_ptax_usd_venda.json", (date(2020, 1, 2), Decimal("4.0213"))),
        ("bcb_ipca_fixture_2026.json", (date(2025, 5, 1), Decimal("0.26"))),
    ],
)
def test_series_are_read_as_published(samples: Path, name: str, first: tuple[date, Decimal]) -> None:
    code = int(match[1]) if (match := re.match(r"sgs_(\d+)_", name)) else 433
    found = read(samples / "bcb" / name, code)
    assert found[0] == first
    assert len(found) == len(json.loads((samples / "bcb" / name).read_bytes()))
    assert [day for day, _ in found] == sorted({day for day, _ in found})


def test_days_ahead_are_left_for_later(samples: Path) -> None:
    found = read(samples / "bcb/bcb_selic_fixture_2026.json")
    assert found[-1][0] == TODAY
    assert len(found) == 6


def test_a_blank_value_is_none() -> None:
    basket = Reading("bcb", SourceSettings())
    data = [
        {"data": "01/02/2026", "valor": ""},
        {"data": "02/02/2026", "valor": "1.5"},
        {"data": "31/02/2026", "valor": "1"},
    ]
    assert [p.value for p in points(basket, 433, data, PAYLOAD, TODAY)] == [Decimal("1.5")]


def test_an_error_object_is_no_series(samples: Path) -> None:
    error = json.loads((samples / "bcb/errors/sgs_406_window_over_10_years.json").read_bytes())
    with pytest.raises(Malformed):
        points(Reading("bcb", SourceSettings()), 12, error, PAYLOAD, TODAY)


def test_the_page_for_an_unknown_series_is_malformed(samples: Path) -> None:
    body = (samples / "bcb/errors/bcb_xhtml_error_page_head.html").read_bytes()
    with pytest.raises(Malformed, match="no JSON but '<\\?xml"):
        Response(PAYLOAD.model_copy(update={"body": body})).json()


def test_expectations_are_medians_by_year(samples: Path) -> None:
    data = json.loads((samples / "bcb/focus_ExpectativasMercadoAnuais_1row.json").read_bytes())
    assert [(p.series, p.day, p.value) for p in expectations(data, PAYLOAD, TODAY)] == [
        ("focus:IPCA:2024", date(2024, 8, 23), Decimal("4.2484"))
    ]


def test_five_day_answers_are_left_out(samples: Path) -> None:
    data = json.loads((samples / "bcb/focus_ExpectativasMercadoAnuais_1row.json").read_bytes())
    data["value"][0]["baseCalculo"] = 1
    assert list(expectations(data, PAYLOAD, TODAY)) == []


@pytest.mark.parametrize("data", [{"erro": {"codigo": 1}}, {"error": "x"}, [], "x", None])
def test_an_error_with_status_200_is_malformed(data: object) -> None:
    with pytest.raises(Malformed):
        list(expectations(data, PAYLOAD, TODAY))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "janela de 10 anos", "message": "x"}', "janela de 10 anos"),
        (b'{"erro": {"statusCode": 502, "detail": "sem resposta"}}', "sem resposta"),
        (b'{"erro": {}}', "{'erro': {}}"),
        (
            b"<html><head><title>Erro  interno</title></head></html>",
            "a page of HTML instead of a series (Erro interno)",
        ),
        (b'<?xml version="1.0"?><fault>x</fault>', "a page of XML instead of a series"),
        (b"Bad Gateway", "no JSON but 'Bad Gateway'"),
        (b"", "no JSON but ''"),
    ],
)
def test_what_sgs_says_instead_of_a_series_is_told_apart(body: bytes, said: str) -> None:
    assert complaint(body) == said


def test_a_series_is_no_complaint() -> None:
    assert complaint(b'[{"data": "02/02/2026", "valor": "1.5"}]') is None
    assert complaint(b"[]") is None


def test_recorded_errors_are_named(samples: Path) -> None:
    told = [complaint(path.read_bytes()) or "" for path in sorted((samples / "bcb/errors").iterdir())]
    assert told[0].startswith("a page of HTML instead of a series (Requisi")
    assert "10 anos" in told[1]


def reading_of(data: object, code: int = 12) -> tuple[list[tuple[date, Decimal]], list[str]]:
    """What is read of rows, and what is remarked."""
    reading = Reading("bcb", SourceSettings())
    return [(p.day, p.value) for p in points(reading, code, data, PAYLOAD, TODAY)], reading.remarks


def test_rows_out_of_order_twice_and_with_commas_are_days_once() -> None:
    data = [
        {"data": "03/02/2026", "valor": "0,055131"},
        {"data": "02/02/2026", "valor": "0.055131"},
        {"data": "3/2/2026", "valor": 0.055131},
        {"data": "04/02/2026", "valor": " "},
    ]
    value = Decimal("0.055131")
    assert reading_of(data) == ([(date(2026, 2, 2), value), (date(2026, 2, 3), value)], [])


def test_a_day_with_two_values_has_none_and_says_so() -> None:
    data = [{"data": "02/02/2026", "valor": v} for v in ("0.05", "0.06")] + [{"data": "03/02/2026", "valor": "0.05"}]
    found, remarks = reading_of(data)
    assert found == [(date(2026, 2, 3), Decimal("0.05"))]
    assert remarks == ["series 12: 2026-02-02 has two values, neither is taken"]


@pytest.mark.parametrize("row", [{"data": "02/02/2026"}, {"date": "02/02/2026", "value": "1"}, "x", {"valor": "1"}])
def test_rows_that_cannot_be_read_are_named(row: object) -> None:
    found, remarks = reading_of([row, {"data": "03/02/2026", "valor": "0.05"}])
    assert found == [(date(2026, 2, 3), Decimal("0.05"))]
    assert remarks[0].startswith("series 12: 1 rows have no day or no value")
    with pytest.raises(Malformed, match="no row has a day and a value"):
        reading_of([row, row])


def test_expectations_of_another_shape_are_malformed() -> None:
    with pytest.raises(Malformed, match="no row names"):
        list(expectations({"value": [{"indicador": "IPCA", "data": "2026-03-27", "mediana": 4}]}, PAYLOAD, TODAY))
