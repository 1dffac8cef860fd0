"""CVM's files of funds of all the country: register, fees, daily reports; Fiagros; buildings and papers of FIIs."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from invest.domain.market import Asset, AssetKind, PositionKind
from invest.sources.client.shelf import Shelf
from invest.sources.cvm import CvmEtfsSource, fiagros
from invest.sources.cvm.etfs_format import cut_daily, cut_register, fees_of, registered_in, worths_in
from invest.sources.cvm.funds_format import cut_quarters
from invest.sources.cvm.positions import positions_of
from invest.sources.errors import Malformed
from invest.sources.model import Want
from tests.builders.hostile import FakeClient

CNPJ, MASKED = "10406511000161", "10.406.511/0001-61"
NEW = (
    "TP_FUNDO_CLASSE;CNPJ_FUNDO_CLASSE;ID_SUBCLASSE;DT_COMPTC;VL_TOTAL;VL_QUOTA;VL_PATRIM_LIQ;"
    "CAPTC_DIA;RESG_DIA;NR_COTST"
)
OLD = "CNPJ_FUNDO;DT_COMPTC;VL_TOTAL;VL_QUOTA;VL_PATRIM_LIQ;CAPTC_DIA;RESG_DIA;NR_COTST"


def zipped(folder: Path, members: dict[str, list[str]]) -> Path:
    """A zip of these tables, in latin-1 with CRLF as CVM writes them."""
    path = folder / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, lines in members.items():
            archive.writestr(name, "\r\n".join([*lines, ""]).encode("latin-1"))
    return path


def daily(folder: Path, header: str, lines: list[str]) -> Shelf:
    """Daily reports, cut."""
    cut_daily(zipped(folder, {"inf_diario_fi_202603.csv": [header, *lines]}), folder / "s")
    return Shelf(folder / "s")


def test_a_day_is_read_in_the_layout_before_and_after_the_reform(tmp_path: Path) -> None:
    line = "2026-03-27;1762000000;140.500000000000;1761051855.00;0;0;12346"
    for header, told in ((NEW, f"CLASSES - FIF;{MASKED};;{line}"), (OLD, f"{MASKED};{line}")):
        (worth,) = worths_in(daily(tmp_path, header, [told, "x;y"]), CNPJ)
        assert tuple(worth) == (
            date(2026, 3, 27),
            Decimal("140.500000000000"),
            Decimal("1761051855.00"),
            Decimal(12346),
        )
        assert worth.units == Decimal(12534177)


def test_a_subclass_is_another_unit_and_a_day_that_is_none_no_day(tmp_path: Path) -> None:
    lines = [
        f"CLASSES - FIF;{MASKED};SUB1;2026-03-27;1;99;1;0;0;1",
        f"CLASSES - FIF;{MASKED};;2026-03-40;1;99;1;0;0;1",
        f"CLASSES - FIF;{MASKED};;2026-03-26;1;0;1;0;0;1",
    ]
    (worth,) = worths_in(daily(tmp_path, NEW, lines), CNPJ)
    assert (worth.day, worth.unit, worth.units) == (date(2026, 3, 26), None, None)


@pytest.mark.parametrize("header", ["", "A;B", "CNPJ_FUNDO;DT_COMPTC;VL_QUOTA"])
def test_another_layout_of_daily_reports_is_named(tmp_path: Path, header: str) -> None:
    with pytest.raises(Malformed):
        daily(tmp_path, header, ["1;2;3"])


def test_the_register_says_name_and_index_whoever_keeps_the_fund(tmp_path: Path) -> None:
    head = "ID_Registro_Classe;CNPJ_Classe;Denominacao_Social;Situacao;Indicador_Desempenho"
    classes = [
        head,
        f"1;{CNPJ};ISHARES IBOVESPA FUNDO DE ÍNDICE;Em Funcionamento Normal;Ibovespa",
        f"2;{CNPJ};ISHARES IBOVESPA FUNDO DE ÍNDICE;Em Funcionamento Normal;Ibovespa",
        f"3;{CNPJ};OUTRO NOME;Cancelada;CDI",
    ]
    funds = ["ID_Registro_Fundo;CNPJ_Fundo;Denominacao_Social;Situacao", f'1;{CNPJ};FUNDO "X";Em Funcionamento Normal']
    cut_register(zipped(tmp_path, {"registro_classe.csv": classes, "registro_fundo.csv": funds}), tmp_path / "s")
    found = registered_in(Shelf(tmp_path / "s"), CNPJ)
    assert found and (found.name, found.benchmark) == ("ISHARES IBOVESPA FUNDO DE ÍNDICE", "Ibovespa")
    assert registered_in(Shelf(tmp_path / "s"), "1" * 14) is None


def test_a_fee_is_a_fraction_of_the_entry_in_force() -> None:
    lines = [
        "CNPJ_FUNDO;SIT;DT_CANCEL;TAXA_ADM",
        f"{MASKED};CANCELADA;2025-03-31;0.90",
        f"{MASKED};EM FUNCIONAMENTO NORMAL;;0.30",
        f"{MASKED};CANCELADA;2012-03-31;2.00",
        "11.222.333/0001-81;CANCELADA;2025-05-30;0.2",
        "11.222.333/0001-82;EM FUNCIONAMENTO NORMAL;;300",
    ]
    found = fees_of("\r\n".join(lines).encode())
    assert found[CNPJ] == (Decimal("0.0030"), None)
    assert found["11222333000181"] == (Decimal("0.002"), date(2025, 5, 30)) and "11222333000182" not in found


def test_a_fiagro_is_found_by_its_isin_and_takes_units_from_its_subclass(tmp_path: Path) -> None:
    head = "CNPJ_Classe;Nome_Classe;Data_Referencia;Versao;Codigo_ISIN;Patrimonio_Liquido;Numero_Cotistas"
    lines = [
        head,
        f"{MASKED};AGRO FIAGRO;2026-02-01;1;BRAGROCTF001;900;7",
        f"{MASKED};AGRO FIAGRO;2026-02-01;2;BRAGROCTF001;1000;8",
    ]
    parts = [
        "CNPJ_Classe;Nome_Classe;Data_Referencia;Nome_Subclasse;Numero_Cotas;Valor_Patrimonial_Cota",
        f"{MASKED};AGRO FIAGRO;2026-02-01;U;100;10.5",
    ]
    members = {"inf_mensal_fiagro_202602.csv": lines, "inf_mensal_fiagro_subclasse_202602.csv": parts}
    fiagros.cut(zipped(tmp_path, members), tmp_path / "s")
    shelf = Shelf(tmp_path / "s")
    assert orjson.loads(shelf.get("issuer:AGRO")) == [CNPJ]
    row = orjson.loads(shelf.get(CNPJ))
    assert (row["PATRIMONIO_LIQUIDO"], row["NUMERO_COTAS"], row["VALOR_PATRIMONIAL_COTA"]) == ("1000", "100", "10.5")


def test_a_month_for_which_nobody_filed_is_no_fault_and_another_table_is(tmp_path: Path) -> None:
    head = "CNPJ_Classe;Nome_Classe;Data_Referencia;Versao;Codigo_ISIN;Patrimonio_Liquido;Numero_Cotistas"
    fiagros.cut(zipped(tmp_path, {"inf_mensal_fiagro_202603.csv": [head]}), tmp_path / "s")
    assert not Shelf(tmp_path / "s").get("issuer:AGRO")
    with pytest.raises(Malformed, match="without its columns"):
        fiagros.cut(zipped(tmp_path, {"inf_mensal_fiagro_202603.csv": ["A;B", "1;2"]}), tmp_path / "t")


def test_buildings_and_papers_of_the_newest_quarter_are_told_line_by_line(tmp_path: Path) -> None:
    buildings = [
        "CNPJ_Fundo_Classe;Data_Referencia;Versao;Classe;Nome_Imovel;Area;Percentual_Vacancia;Percentual_Receitas_FII",
        f"{MASKED};2026-03-31;1;Imóveis para renda acabados;Antigo;10;0;1",
        f"{MASKED};2026-06-30;1;Imóveis para renda acabados;Betim;1000;0;0.4",
        f"{MASKED};2026-06-30;1;Imóveis para renda acabados;Vinhedo;3000;0.1;0.6",
    ]
    papers = [
        "CNPJ_Fundo_Classe;Data_Referencia;Versao;Tipo;Emissor;CNPJ_Emissor;Emissao;Serie;Codigo_Acao;Nome_Ativo;"
        "Data_Vencimento;Quantidade;Valor",
        f"{MASKED};2026-06-30;1;CRI;Securitizadora;11.222.333/0001-81;1;1;;CRI Logístico;2030-01-01;1;5000000",
        f"{MASKED};2026-06-30;1;FII;;;;;HGLG11;;;10;15000000",
        f"{MASKED};2026-06-30;1;LCI;Banco;;;;;;;;",
    ]
    other = ["CNPJ_Fundo_Classe;Data_Referencia;Versao;Valor", f"{MASKED};2026-06-30;1;99"]
    cut_quarters(
        zipped(
            tmp_path,
            {
                "inf_trimestral_fii_imovel_2026.csv": buildings,
                "inf_trimestral_fii_ativo_2026.csv": papers,
                "inf_trimestral_fii_ativo_garantia_rentabilidade_2026.csv": other,
                "inf_trimestral_fii_imovel_desempenho_2026.csv": other,
            },
        ),
        tmp_path / "s",
    )
    found = positions_of(orjson.loads(Shelf(tmp_path / "s").get(CNPJ)))
    assert found is not None and found[0] == date(2026, 6, 30)
    told = [(p.kind, p.name or p.category, p.share) for p in found[1]]
    assert told == [
        (PositionKind.BUILDING, "Vinhedo", Decimal("0.6")),
        (PositionKind.BUILDING, "Betim", Decimal("0.4")),
        (PositionKind.PAPER, "HGLG11", Decimal("0.75")),
        (PositionKind.PAPER, "CRI Logístico", Decimal("0.25")),
        (PositionKind.PAPER, "LCI", None),
    ]
    assert (found[1][3].issuer_cnpj, found[1][3].matures_on) == ("11222333000181", date(2030, 1, 1))


async def test_a_day_told_twice_or_left_blank_is_read_from_the_line_that_has_a_worth(tmp_path: Path) -> None:
    lines = [
        "2026-03-25;1;140.0;1000.0;0;0;11",
        "2026-03-26;1;141.0;1001.0;0;0;12",
        "2026-03-26;1;142.0;1002.0;0;0;13",
        "2026-03-27;1;0.0;0.0;0;0;14",
    ]
    body = zipped(tmp_path, {"inf_diario_fi_202603.csv": [OLD, *(f"{MASKED};{line}" for line in lines)]}).read_bytes()
    (tmp_path / "files").mkdir()
    client = FakeClient(tmp_path / "files", {"inf_diario_fi_202603": body})
    asset = Asset(ticker="BOVA11", kind=AssetKind.ETF, cnpj=CNPJ)
    found = await CvmEtfsSource().collect(
        cast(Any, client), Want("BOVA11", datetime(2026, 3, 28, 9, tzinfo=UTC), asset)
    )
    seen = {one.field: (one.value, one.as_of.date()) for one in found.harvest.observations}
    day = date(2026, 3, 26)
    assert (seen["bvps"], seen["equity"]) == ((Decimal("142.0"), day), (Decimal("1002.0"), day))
