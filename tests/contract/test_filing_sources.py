"""CVM's tables in their real layout, put into zips as CVM ships them."""

from __future__ import annotations

import gzip
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from invest.domain.market.assets import StatementLine
from invest.sources.client.shelf import Shelf
from invest.sources.cvm.format import cut_statements, filings_of, statements_of, table
from invest.sources.cvm.ipe import DELIVERED, NEWEST, cut
from invest.sources.cvm.register import read_cad, read_fca
from invest.sources.errors import Malformed

JALLES, BRASILAGRO, PETTENATI = "02635522000195", "07628528000159", "88613658000110"
INDEX = "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;CATEG_DOC;ID_DOC;DT_RECEB;LINK_DOC"


def dfp(samples: Path, folder: Path, extra: dict[str, bytes] | None = None) -> Shelf:
    """The recorded statements of 2023 as one DFP zip, cut."""
    path = folder / "dfp_cia_aberta_2023.zip"
    index = [
        INDEX,
        "02.635.522/0001-95;2023-03-31;1;JALLES MACHADO S.A.;025496;DFP;1;2023-06-20;http://x",
        "02.635.522/0001-95;2023-03-31;2;JALLES MACHADO S.A.;025496;DFP;2;2023-07-03;http://x",
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dfp_cia_aberta_2023.csv", "\r\n".join(index).encode("latin-1"))
        for name in ("BPA", "BPP", "DRE"):
            file = f"dfp_cia_aberta_{name}_con_2023.csv"
            archive.writestr(file, (samples / "cvm" / file).read_bytes())
        for file, body in (extra or {}).items():
            archive.writestr(file, body)
    cut_statements(path, folder / "dfp.shelf")
    return Shelf(folder / "dfp.shelf")


def lines_of(shelf: Shelf, cnpj: str) -> dict[tuple[str, str], StatementLine]:
    """Lines of one company by statement and account."""
    blocks = shelf.blocks(cnpj)
    found = statements_of(blocks, filings_of(blocks, "DFP"), "p" * 64)
    result = {(line.statement, line.account): line for line in found}
    assert len(result) == len(found), "an account of a statement twice"
    return result


def test_the_last_exercise_is_read_in_reais(samples: Path, tmp_path: Path) -> None:
    lines = lines_of(dfp(samples, tmp_path), JALLES)
    assets, revenue = lines["BPA", "1"], lines["DRE", "3.01"]
    assert (assets.value, assets.period_start, assets.period_end) == (
        Decimal(6_119_077_000),
        None,
        date(2023, 3, 31),
    )
    assert (revenue.value, revenue.period_start, revenue.period_end) == (
        Decimal(1_707_488_000),
        date(2022, 4, 1),
        date(2023, 3, 31),
    )
    assert (revenue.cvm_code, revenue.version, revenue.received_on) == (25496, 2, date(2023, 7, 3))
    assert (revenue.company, revenue.description) == ("JALLES MACHADO S.A.", "Receita de Venda de Bens e/ou Serviços")


def test_balance_sheets_balance(samples: Path, tmp_path: Path) -> None:
    shelf = dfp(samples, tmp_path)
    companies = [cnpj for cnpj in shelf if len(shelf.blocks(cnpj)) > 1]
    assert len(companies) == 7
    for cnpj in companies:
        lines = lines_of(shelf, cnpj)
        assert lines["BPA", "1"].value == lines["BPP", "2"].value
        parts = [
            line.value for (statement, account), line in lines.items() if statement == "BPA" and account.count(".") == 1
        ]
        assert sum(parts) == lines["BPA", "1"].value


def test_earnings_per_share_are_not_in_thousands(samples: Path, tmp_path: Path) -> None:
    assert lines_of(dfp(samples, tmp_path), JALLES)["DRE", "3.99.01.01"].value == Decimal("2.35643")


def test_a_company_that_files_in_units_is_not_multiplied(samples: Path, tmp_path: Path) -> None:
    value = lines_of(dfp(samples, tmp_path), PETTENATI)["BPA", "1"].value
    assert Decimal(10**8) < value < Decimal(10**10)


def test_only_so_many_levels_of_accounts_are_kept(samples: Path, tmp_path: Path) -> None:
    lines = lines_of(dfp(samples, tmp_path), BRASILAGRO)
    assert max(account.count(".") for _, account in lines) == 3


def row(version: int, scope: str, value: str, *, cnpj: str = "11.111.111/0001-11", order: str = "ÚLTIMO") -> str:
    """A line of an income statement."""
    group = f"DF {scope} - Demonstração do Resultado"
    head = f"{cnpj};2023-12-31;{version};AAA S.A.;1234;{group};REAL;MIL;{order}"
    return f"{head};2023-01-01;2023-12-31;3.01;Receita;{value};S"


HEAD = (
    "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;GRUPO_DFP;MOEDA;ESCALA_MOEDA;ORDEM_EXERC;DT_INI_EXERC;DT_FIM_EXERC;"
    "CD_CONTA;DS_CONTA;VL_CONTA;ST_CONTA_FIXA"
)


def sheet(*rows: str, encoding: str = "latin-1") -> bytes:
    """A CVM table."""
    return "\r\n".join([HEAD, *rows]).encode(encoding)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_the_highest_version_and_the_consolidated_statement_win(samples: Path, tmp_path: Path, encoding: str) -> None:
    extra = {
        "dfp_cia_aberta_DRE_con_2024.csv": sheet(
            row(1, "Consolidado", "10"), row(2, "Consolidado", "20"), encoding=encoding
        ),
        "dfp_cia_aberta_DRE_ind_2024.csv": sheet(
            row(2, "Individual", "5"), row(3, "Individual", "6"), encoding=encoding
        ),
    }
    newest = lines_of(dfp(samples, tmp_path, extra), "11111111000111")
    assert (newest["DRE", "3.01"].value, newest["DRE", "3.01"].consolidated) == (Decimal(6000), False)
    extra["dfp_cia_aberta_DRE_ind_2024.csv"] = sheet(row(2, "Individual", "5"), encoding=encoding)
    both = lines_of(dfp(samples, tmp_path, extra), "11111111000111")
    assert (both["DRE", "3.01"].value, both["DRE", "3.01"].consolidated) == (Decimal(20_000), True)


def test_last_year_s_column_is_not_read(samples: Path, tmp_path: Path) -> None:
    extra = {"dfp_cia_aberta_DRE_con_2024.csv": sheet(row(1, "Consolidado", "10", order="PENÚLTIMO"))}
    assert "11111111000111" not in set(dfp(samples, tmp_path, extra))


def test_a_quarterly_statement_keeps_quarter_and_year_to_date_apart(tmp_path: Path) -> None:
    quarter = row(1, "Consolidado", "4").replace("2023-01-01;2023-12-31", "2023-07-01;2023-09-30")
    to_date = row(1, "Consolidado", "9").replace("2023-01-01;2023-12-31", "2023-01-01;2023-09-30")
    with zipfile.ZipFile(tmp_path / "itr.zip", "w") as archive:
        archive.writestr("itr_cia_aberta_DRE_con_2023.csv", sheet(quarter, to_date))
    cut_statements(tmp_path / "itr.zip", tmp_path / "itr.shelf")
    blocks = Shelf(tmp_path / "itr.shelf").blocks("11111111000111")
    found = {line.period_start: line.value for line in statements_of(blocks, [], "p")}
    assert found == {date(2023, 7, 1): Decimal(4000), date(2023, 1, 1): Decimal(9000)}


def test_a_zip_without_statements_is_malformed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("leia-me.txt", "nada")
    with pytest.raises(Malformed, match="without statements"):
        cut_statements(tmp_path / "x.zip", tmp_path / "x.shelf")


def test_reduced_columns_are_not_taken_for_statements(samples: Path, tmp_path: Path) -> None:
    body = (samples / "cvm/dfp_DFC_MI_con_2025_BBAS_reduced_cols.csv").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("dfp_cia_aberta_DFC_MI_con_2025.csv", body)
    with pytest.raises(Malformed, match="CNPJ_CIA"):
        cut_statements(tmp_path / "x.zip", tmp_path / "x.shelf")


def test_the_register_of_companies(samples: Path) -> None:
    body = gzip.decompress((samples / "cvm/cad_cia_aberta_2023-10.csv.gz").read_bytes())
    companies = read_cad(body, "p")
    assert len(companies) > 1000
    r3 = companies["12091809000155"]
    assert (r3.name, r3.cvm_code, r3.sector, r3.active) == (
        "3R PETROLEUM OLÉO E GÁS S.A.",
        25291,
        "Petróleo e Gás",
        True,
    )
    assert not companies["11396633000187"].active


def test_every_column_the_statements_need_is_in_the_published_layout(samples: Path) -> None:
    for name in ("bpa", "bpp", "dre", "dfc_mi", "dfc_md"):
        text = (samples / f"cvm/meta_{name}_cia_aberta.txt").read_bytes().decode("utf-8", "replace")
        fields = {line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("Campo:")}
        assert {
            "CNPJ_CIA",
            "DT_REFER",
            "VERSAO",
            "CD_CVM",
            "ORDEM_EXERC",
            "DT_FIM_EXERC",
            "CD_CONTA",
            "VL_CONTA",
        } <= fields


FCA_PAPERS = (
    "CNPJ_Companhia;Data_Referencia;Versao;ID_Documento;Nome_Empresarial;Valor_Mobiliario;Codigo_Negociacao;"
    "Data_Inicio_Negociacao;Data_Fim_Negociacao;Segmento;Data_Fim_Listagem"
)
FCA_GENERAL = "CNPJ_Companhia;Data_Referencia;Versao;ID_Documento;Nome_Empresarial;Codigo_CVM;Setor_Atividade"


def test_tickers_lead_to_companies_and_a_reused_code_to_the_newer_one(tmp_path: Path) -> None:
    papers = [
        "33.000.167/0001-01;2025-01-01;1;1;PETROLEO BRASILEIRO S.A.;Ações Preferenciais;PETR4;1977-01-01;;Nível 2;",
        "33.000.167/0001-01;2025-01-01;3;1;PETROLEO BRASILEIRO S.A.;Ações Preferenciais; petr4 ;1977-01-01;;Nível 2;",
        "71.673.990/0001-77;2025-01-01;1;2;NATURA COSMETICOS S.A.;Ações;NATU3;2004-05-26;2019-12-17;NM;2019-12-17",
        "32.785.497/0001-97;2025-07-02;1;3;NATURA HOLDING S.A.;Ações Ordinárias;NATU3;2025-07-02;;NM;",
        "00.000.000/0001-91;2025-01-01;1;4;BANCO DO BRASIL S.A.;Debêntures;;;;;",
    ]
    general = ["33.000.167/0001-01;2025-01-01;3;1;PETROLEO BRASILEIRO S.A.;9512;Petróleo e Gás"]
    path = tmp_path / "fca.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "fca_cia_aberta_valor_mobiliario_2025.csv", "\r\n".join([FCA_PAPERS, *papers]).encode("latin-1")
        )
        archive.writestr("fca_cia_aberta_geral_2025.csv", "\r\n".join([FCA_GENERAL, *general]).encode("latin-1"))
    found = read_fca(path, "p")
    assert sorted(found) == ["NATU3", "PETR4"]
    petrobras = found["PETR4"]
    assert (petrobras.cnpj, petrobras.cvm_code, petrobras.sector, petrobras.listed) == (
        "33000167000101",
        9512,
        "Petróleo e Gás",
        True,
    )
    assert (found["NATU3"].cnpj, found["NATU3"].listed) == ("32785497000197", True)
    assert (found["NATU3"].reused, found["NATU3"].started) == (True, date(2025, 7, 2))
    assert not petrobras.reused


def test_a_changed_ticker_leads_to_its_successor(tmp_path: Path) -> None:
    papers = [
        "00.001.180/0001-26;2025-11-10;1;1;AXIA ENERGIA S.A.;Ações Ordinárias;ELET3;1990-01-01;2025-11-09;N1;",
        "00.001.180/0001-26;2025-11-10;1;1;AXIA ENERGIA S.A.;Ações Ordinárias;AXIA3;2025-11-10;;N1;",
        "00.001.180/0001-26;2025-11-10;1;1;AXIA ENERGIA S.A.;Ações Preferenciais;AXIA6;2025-11-10;;N1;",
    ]
    path = tmp_path / "fca.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "fca_cia_aberta_valor_mobiliario_2025.csv", "\r\n".join([FCA_PAPERS, *papers]).encode("latin-1")
        )
    found = read_fca(path, "p")
    assert (found["ELET3"].successor, found["ELET3"].listed) == ("AXIA3", False)
    assert (found["AXIA3"].successor, found["AXIA6"].successor) == (None, None)
    (change,) = found["ELET3"].changes
    assert (change.old, change.new, change.changed_on) == ("ELET3", "AXIA3", date(2025, 11, 10))
    assert found["AXIA3"].changes == (change,)
    assert found["AXIA6"].changes == ()


def test_material_facts_are_kept_by_company_and_the_newest_of_all(tmp_path: Path) -> None:
    head = (
        "CNPJ_Companhia;Nome_Companhia;Codigo_CVM;Data_Referencia;Categoria;Tipo;Especie;Assunto;Data_Entrega;"
        "Tipo_Apresentacao;Protocolo_Entrega;Versao;Link_Download"
    )
    rows = [
        f"33.000.167/0001-01;PETROBRAS;9512;2026-03-0{i};{category};;;Assunto {i};2026-03-0{i};AP;{i};1;https://x/{i}"
        for i, category in enumerate(("Fato Relevante", "Ata", "Comunicado ao Mercado", "Estatuto"), start=1)
    ]
    quoted = '33.000.167/0001-01;PETROBRAS;9512;2026-03-09;Fato Relevante;;;"Aquisição; parte 2";2026-03-09;AP;9;1;https://x/9'
    with zipfile.ZipFile(tmp_path / "ipe.zip", "w") as archive:
        archive.writestr("ipe_cia_aberta_2026.csv", "\r\n".join([head, *rows, quoted]).encode("latin-1"))
    cut(tmp_path / "ipe.zip", tmp_path / "ipe.shelf")
    shelf = Shelf(tmp_path / "ipe.shelf")
    assert set(shelf) == {"33000167000101", NEWEST, DELIVERED}
    text = shelf.get("33000167000101").decode()
    assert ("Assunto 1" in text, "Assunto 2" in text, "Assunto 3" in text) == (True, False, True)
    assert "Aquisição; parte 2" in text


def test_a_row_with_too_few_fields_is_left_out() -> None:
    assert list(table([b"A;B;C", b"1;2", b"1;2;3", b"1;2;3;4"])) == [
        {"A": "1", "B": "2", "C": "3"},
        {"A": "1", "B": "2", "C": "3"},
    ]
