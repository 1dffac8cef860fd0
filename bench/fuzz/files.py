"""Readers of CVM's archives that `bench.fuzz` attacks: one table of a zip is spoilt, the others are good."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import orjson
from tests.builders.hostile import NOW, FakeClient
from tests.unit.sources import test_etfs as etfs
from tests.unit.sources import test_funds as funds
from tests.unit.sources import test_hostile_files as files

from bench.fuzz.target import Read, run, scratch
from invest.domain.market import Asset, AssetKind
from invest.sources.client import SourceClient
from invest.sources.client.shelf import Shelf
from invest.sources.cvm.etfs_format import cut_daily, cut_register, fees_of, registered_in, worths_in
from invest.sources.cvm.fiagros import Fiagros
from invest.sources.cvm.funds_format import buildings_of, cut_months, cut_quarters, income_of_a_year, months_of
from invest.sources.cvm.ipe import Notices
from invest.sources.cvm.positions import positions_of
from invest.sources.cvm.register import read_cad
from invest.sources.cvm.source import CvmSource
from invest.sources.model import Reading, Want

FUND = "11728688000147"
FIAGRO = Want("RZAG11", NOW, Asset(ticker="RZAG11", kind=AssetKind.FII, cnpj="40011225000168"))
GENERAL = f"{funds.GENERAL}\n{funds.FUND};2026-01-01;1;2026-02-14;FUNDO LOG FII;BRHGLGCTF004;Logística\n".encode()
COMPLEMENT = "\n".join((funds.COMPLEMENT, funds.month("2026-01-01"), funds.month("2026-02-01", "0.007"))).encode()
BUILDINGS = (
    f"{funds.BUILDINGS}\n{funds.FUND};2026-03-31;1;Imóveis para renda acabados;A;9000;0.10;0.02;0.4\n"
    f"{funds.FUND};2026-03-31;1;Imóveis para venda acabados;C;5000;1.00;0;0\n"
).encode()
DAILY = f"{etfs.NEW}\nCLASSES - FIF;{etfs.MASKED};;2026-03-27;1762000000;140.5;1761051855.00;0;0;12346\n".encode()
STATEMENT = f"{files.STATEMENT}\n{';'.join(files.ROW.values())}\n".encode()
INDEX = f"{files.INDEX}\n33.000.167/0001-01;2025-12-31;1;PETROBRAS;009512;DFP;1;2026-02-20;x\n".encode()
PAPERS = f"{files.PAPERS}\n{files.PAPER}\n".encode()
CAD = (
    "CNPJ_CIA;DENOM_SOCIAL;DENOM_COMERC;DT_REG;DT_CANCEL;SIT;CD_CVM;SETOR_ATIV\n"
    "33.000.167/0001-01;PETROLEO BRASILEIRO SA;PETROBRAS;1977-07-20;;ATIVO;9512;Petróleo e Gás\n"
).encode()
REGISTER = (
    "CNPJ_Fundo;Tipo_Fundo;Denominacao_Social;Situacao;Data_Cancelamento\n"
    f"{etfs.MASKED};FIF;ISHARES IBOVESPA FUNDO DE INDICE;Em Funcionamento Normal;\n"
).encode()
FIAGROS = (
    b"CNPJ_CLASSE;NOME_CLASSE;DATA_REFERENCIA;VERSAO;CODIGO_ISIN;VALOR_PATRIMONIAL_COTAS;COTAS_EMITIDAS\n"
    b"40.011.225/0001-68;FIAGRO X;2026-02-28;1;BRRZAGCTF009;9.85;1000000\n"
)
NOTICES = (
    b"CNPJ_Companhia;Nome_Companhia;Codigo_CVM;Data_Referencia;Categoria;Tipo;Especie;Assunto;Data_Entrega;"
    b"Tipo_Apresentacao;Protocolo_Entrega;Versao;Link_Download\n"
    b"33.000.167/0001-01;PETROBRAS;9512;2026-03-01;Fato Relevante;;;Assunto 1;2026-03-01;AP;1;1;https://x.example/1\n"
    b"33.000.167/0001-01;PETROBRAS;9512;2026-03-03;Comunicado ao Mercado;;;Outro;2026-03-03;AP;3;1;https://x.example/3\n"
)
FEES = (
    "TP_FUNDO;CNPJ_FUNDO;DENOM_SOCIAL;SIT;DT_INI_SIT;DT_CANCEL;TAXA_ADM;INF_TAXA_ADM\n"
    f"FI;{etfs.MASKED};ISHARES IBOVESPA;EM FUNCIONAMENTO NORMAL;2008-11-28;;0.10;\n"
).encode()


def _archive(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text.decode("utf-8", "replace").encode("latin-1", "replace"))
    return out.getvalue()


def _in_a_folder(work: Callable[[Path, bytes], object]) -> Read:
    """Each input has a folder of its own, which goes with it."""

    def read(data: bytes) -> object:
        with scratch() as name:
            return work(Path(name), data)

    return read


def _months(folder: Path, general: bytes, complement: bytes) -> object:
    (folder / "z").write_bytes(
        _archive({"inf_mensal_fii_geral_2026.csv": general, "inf_mensal_fii_complemento_2026.csv": complement})
    )
    cut_months(folder / "z", folder / "s")
    months = months_of(_rows(folder / "s"))
    return months, income_of_a_year(months)


def _quarter(folder: Path, buildings: bytes) -> object:
    (folder / "z").write_bytes(_archive({"inf_trimestral_fii_imovel_2026.csv": buildings}))
    cut_quarters(folder / "z", folder / "s")
    rows = _rows(folder / "s")
    return buildings_of(rows), positions_of(rows)


def _rows(shelf: Path) -> list[dict[str, Any]]:
    """What a shelf has of the fund: nothing where its CNPJ was spoilt."""
    kept = Shelf(shelf).get(FUND)
    return orjson.loads(kept) if kept else []


def _days(folder: Path, daily: bytes) -> object:
    (folder / "z").write_bytes(_archive({"inf_diario_fi_202603.csv": daily}))
    cut_daily(folder / "z", folder / "s")
    return worths_in(Shelf(folder / "s"), etfs.CNPJ)


def _registered(folder: Path, register: bytes) -> object:
    (folder / "z").write_bytes(_archive({"registro_fundo.csv": register, "registro_classe.csv": register}))
    cut_register(folder / "z", folder / "s")
    return registered_in(Shelf(folder / "s"), etfs.CNPJ)


def _filed(folder: Path, statement: bytes, index: bytes = INDEX, papers: bytes = PAPERS) -> object:
    form = _archive({"dfp_cia_aberta_BPA_con_2025.csv": statement, "dfp_cia_aberta_2025.csv": index})
    register = _archive({"fca_cia_aberta_valor_mobiliario_2026.csv": papers})
    answers = {"fca_cia_aberta_2026": register, "dfp_cia_aberta_2025": form}
    return run(files.reading(CvmSource(), files.FILED, folder, answers))


def _fiagros(folder: Path, report: bytes) -> object:
    client = _client(folder, "inf_mensal_fiagro", _archive({"inf_mensal_fiagro_classe_202602.csv": report}))
    reading = Reading("cvm_funds", client.settings.source("cvm_funds"), FIAGRO.ticker)
    run(Fiagros().read(client, reading, FIAGRO))
    return reading.close()


def _notices(folder: Path, notices: bytes) -> object:
    client = _client(folder, "ipe_cia_aberta", _archive({"ipe_cia_aberta_2026.csv": notices}))
    return run(Notices().newest(client, NOW.date(), {"33000167000101": ("PETR4",)}, 50))


def _client(folder: Path, path: str, answer: bytes) -> SourceClient:
    return cast(SourceClient, FakeClient(folder, {path: answer}))


def readers() -> Iterator[tuple[str, Read, bytes]]:
    """Name, reader and good sample of each table."""
    yield "fund_names", _in_a_folder(lambda folder, data: _months(folder, data, COMPLEMENT)), GENERAL
    yield "fund_months", _in_a_folder(lambda folder, data: _months(folder, GENERAL, data)), COMPLEMENT
    yield "fund_quarter", _in_a_folder(_quarter), BUILDINGS
    yield "fund_days", _in_a_folder(_days), DAILY
    yield "fund_register", _in_a_folder(_registered), REGISTER
    yield "fund_fees", fees_of, FEES
    yield "cvm_statement", _in_a_folder(_filed), STATEMENT
    yield "cvm_index", _in_a_folder(lambda folder, data: _filed(folder, STATEMENT, index=data)), INDEX
    yield "cvm_papers", _in_a_folder(lambda folder, data: _filed(folder, STATEMENT, papers=data)), PAPERS
    yield "fiagros", _in_a_folder(_fiagros), FIAGROS
    yield "cvm_notices", _in_a_folder(_notices), NOTICES
    yield "cvm_companies", lambda data: read_cad(data, "p"), CAD
