"""CVM's reports of real-estate funds: months, versions, what was filled in wrong, buildings."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from invest.domain.market import Asset, AssetKind
from invest.sources.client.shelf import Shelf
from invest.sources.cvm import CvmFundsSource
from invest.sources.cvm.funds_format import (
    buildings_of,
    cut_months,
    cut_quarters,
    income_of_a_year,
    months_of,
)
from invest.sources.errors import Malformed
from invest.sources.model import Answer, Want
from tests.builders.hostile import FakeClient

GENERAL = "CNPJ_Fundo_Classe;Data_Referencia;Versao;Data_Entrega;Nome_Fundo_Classe;Codigo_ISIN;Segmento_Atuacao"
COMPLEMENT = (
    "CNPJ_Fundo_Classe;Data_Referencia;Versao;Total_Numero_Cotistas;Valor_Ativo;Patrimonio_Liquido;Cotas_Emitidas;"
    "Valor_Patrimonial_Cotas;Percentual_Despesas_Taxa_Administracao;Percentual_Dividend_Yield_Mes"
)
FUND = "11.728.688/0001-47"


def monthly(folder: Path, rows: list[str], names: list[str] | None = None) -> Shelf:
    """A monthly zip with these rows of the complement, cut."""
    general = names or [f"{FUND};2026-01-01;1;2026-02-14;FUNDO LOG FII;BRHGLGCTF004;Logística"]
    with zipfile.ZipFile(folder / "m.zip", "w") as archive:
        for name, head, lines in (("geral", GENERAL, general), ("complemento", COMPLEMENT, rows)):
            archive.writestr(f"inf_mensal_fii_{name}_2026.csv", "\r\n".join([head, *lines]).encode("latin-1"))
    cut_months(folder / "m.zip", folder / "m.shelf")
    return Shelf(folder / "m.shelf")


def month(when: str, share: str = "0.008", *, version: int = 1, worth: str = "100.0") -> str:
    return f"{FUND};{when};{version};250000;1080.0;1000.0;10;{worth};0.0008;{share}"


def test_a_month_is_read_with_its_income_per_unit(tmp_path: Path) -> None:
    shelf = monthly(tmp_path, [month("2026-01-01", "0.006626", worth="166.60")])
    assert orjson.loads(shelf.get("issuer:HGLG")) == ["11728688000147"]
    (read,) = months_of(orjson.loads(shelf.get("11728688000147")))
    assert (read.month, read.name, read.isin, read.segment) == (
        date(2026, 1, 31),
        "FUNDO LOG FII",
        "BRHGLGCTF004",
        "Logística",
    )
    assert (read.net_worth, read.units, read.holders) == (Decimal("1000.0"), Decimal(10), Decimal(250000))
    assert read.income == Decimal("0.006626") * Decimal("166.60")


def test_the_highest_version_of_a_month_counts_whole(tmp_path: Path) -> None:
    rows = [month("2026-01-01", "0.009"), month("2026-01-01", "0.007", version=10), month("2026-01-01", version=9)]
    (read,) = months_of(orjson.loads(monthly(tmp_path, rows).get("11728688000147")))
    assert read.income == Decimal("0.7000")
    assert read.name is None  # what version 10 does not say is not taken from version 1


@pytest.mark.parametrize("share", ["-0.059", "0.81", ""])
def test_a_yield_that_cannot_be_is_none_and_so_is_the_year(tmp_path: Path, share: str) -> None:
    rows = [month(f"2025-{n:02d}-01") for n in range(2, 13)] + [month("2026-01-01", share)]
    months = months_of(orjson.loads(monthly(tmp_path, rows).get("11728688000147")))
    assert months[-1].income is None
    assert income_of_a_year(months) is None


def test_twelve_months_make_a_year(tmp_path: Path) -> None:
    rows = [month(f"2025-{n:02d}-01") for n in range(1, 13)] + [month("2026-01-01", "0.010")]
    months = months_of(orjson.loads(monthly(tmp_path, rows).get("11728688000147")))
    assert income_of_a_year(months) == Decimal("9.8")  # eleven of 0.80 and one of 1.00
    assert income_of_a_year(months[:11]) is None
    assert income_of_a_year([*months[:6], *months[7:]]) is None  # a month is missing


def test_a_cnpj_with_letters_is_a_fund_of_its_own(tmp_path: Path) -> None:
    rows = [month("2026-01-01"), month("2026-01-01").replace("11.728.688", "1A.728.688")]
    shelf = monthly(tmp_path, rows)
    assert {"11728688000147", "1A728688000147"} <= set(shelf)


BUILDINGS = (
    "CNPJ_Fundo_Classe;Data_Referencia;Versao;Classe;Nome_Imovel;Area;Percentual_Vacancia;Percentual_Inadimplencia;"
    "Percentual_Receitas_FII"
)


def quarterly(folder: Path, *rows: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(folder / "q.zip", "w") as archive:
        lines = [BUILDINGS, *(f"{FUND};{row}" for row in rows)]
        archive.writestr("inf_trimestral_fii_imovel_2026.csv", "\r\n".join(lines).encode("latin-1"))
    cut_quarters(folder / "q.zip", folder / "q.shelf")
    found: list[dict[str, str]] = orjson.loads(Shelf(folder / "q.shelf").get("11728688000147") or b"[]")
    return found


def test_vacancy_is_weighted_by_area_over_buildings_that_are_let(tmp_path: Path) -> None:
    rows = quarterly(
        tmp_path,
        "2025-12-31;1;Imóveis para renda acabados;A;9000;0.90;0;0",
        "2026-03-31;1;Imóveis para renda acabados;A;9000;0.10;0.02;0.4",
        "2026-03-31;1;Imóveis para renda acabados;B;1000;0.50;0;0.1",
        "2026-03-31;1;Imóveis para venda acabados;C;5000;1.00;0;0",
    )
    found = buildings_of(rows)
    assert found is not None
    assert (found.quarter, found.count) == (date(2026, 3, 31), 2)
    assert (found.vacancy, found.delinquency) == (Decimal("0.14"), Decimal("0.018"))


def test_a_vacancy_filled_in_the_wrong_way_round_is_left_out(tmp_path: Path) -> None:
    rows = quarterly(
        tmp_path,
        "2026-03-31;1;Imóveis para renda acabados;A;1000;0.95;0;0.5",
        "2026-03-31;1;Imóveis para renda acabados;B;1000;0.97;0;0.5",
        "2026-03-31;1;Imóveis para renda acabados;C;1000;0.05;0;0",
    )
    found = buildings_of(rows)
    assert found is not None
    assert found.vacancy is None
    assert buildings_of([]) is None


def test_a_zip_without_the_tables_is_malformed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.csv", "a;b")
    for cut in (cut_months, cut_quarters):
        with pytest.raises(Malformed, match="without the tables"):
            cut(tmp_path / "x.zip", tmp_path / "x.shelf")


async def collected(folder: Path, rows: list[str], quarter: list[str]) -> Answer:
    """What is read of the fund from these months and buildings."""
    monthly(folder, rows)
    quarterly(folder, *quarter)
    answers = {
        "inf_mensal_fii_2026": (folder / "m.zip").read_bytes(),
        "inf_trimestral_fii_2026": (folder / "q.zip").read_bytes(),
    }
    (folder / "files").mkdir()
    asset = Asset(ticker="HGLG11", kind=AssetKind.FII, cnpj="11728688000147")
    client = FakeClient(folder / "files", answers)
    return await CvmFundsSource().collect(cast(Any, client), Want("HGLG11", datetime(2026, 3, 20, tzinfo=UTC), asset))


OTHERS = "2025-12-31;1;Imóveis para renda acabados;A;9000;0.10;0;0.4"


async def test_a_fund_without_a_quarterly_report_says_so(tmp_path: Path) -> None:
    found = await collected(tmp_path, [month("2026-01-01")], [])
    assert "no quarterly report" in str(found.outcome.reason)
    assert {one.field for one in found.harvest.observations} >= {"equity", "bvps", "holders"}


async def test_a_fund_that_is_wound_up_owes_more_than_it_has_and_its_unit_is_worth_nothing(tmp_path: Path) -> None:
    over = f"{FUND};2026-01-01;1;0;80.0;-1523.10;0;0;;"
    found = await collected(tmp_path, [over], [OTHERS])
    seen = {one.field: one.value for one in found.harvest.observations}
    assert (seen["equity"], seen["total_assets"]) == (Decimal("-1523.10"), Decimal("80.0"))
    assert not {"bvps", "holders", "shares_outstanding", "dividends_12m"} & seen.keys()
