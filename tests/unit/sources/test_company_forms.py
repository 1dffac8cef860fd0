"""CVM's zips as companies fill them in: versions, blank forms, identifiers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest

from invest.sources.client.shelf import Shelf
from invest.sources.cvm.format import cut_statements, filings_of, statements_of
from invest.sources.cvm.register import Company, read_fca, renewed
from invest.sources.numerals import cnpj_of

ONE, OTHER, LETTERS = "11.111.111/0001-11", "22.222.222/0001-22", "12.ABC.345/01DE-35"
Paper = tuple[str, object, str]  # CNPJ, version, code


def fca(path: Path, papers: list[Paper], forms: list[tuple[str, object]]) -> dict[str, Company]:
    """Companies by ticker of a zip with these rows; `forms`: CNPJ and version of every document."""
    general = ["CNPJ_Companhia;Data_Referencia;Versao;Nome_Empresarial;Codigo_CVM"]
    general += [f"{cnpj};2026-01-01;{version};X;123" for cnpj, version in forms]
    listed = ["CNPJ_Companhia;Data_Referencia;Versao;Nome_Empresarial;Codigo_Negociacao;Data_Fim_Negociacao"]
    listed += [f"{cnpj};2026-01-01;{version};X;{code};" for cnpj, version, code in papers]
    with ZipFile(path / "fca.zip", "w") as archive:
        archive.writestr("fca_cia_aberta_geral_2026.csv", "\n".join(general))
        archive.writestr("fca_cia_aberta_valor_mobiliario_2026.csv", "\n".join(listed))
    return read_fca(path / "fca.zip", "p")


@pytest.mark.parametrize(
    ("papers", "forms", "right"),
    [
        ([(ONE, 9, "OLDX3"), (ONE, 10, "NEWX3")], [(ONE, 9), (ONE, 10)], {"NEWX3"}),  # 10 is more than 9
        ([(ONE, 2, "NEWX3"), (ONE, 1, "OLDX3")], [(ONE, 2), (ONE, 1)], {"NEWX3"}),
        ([(ONE, 1, "ABCD3"), (ONE, 1, "ABCD4"), (ONE, 2, "ABCD3")], [(ONE, 2)], {"ABCD3"}),  # a row removed
        ([(ONE, 1, "ABCD3"), (OTHER, 1, "EFGH3")], [(ONE, 1), (ONE, 2), (OTHER, 1)], {"EFGH3"}),  # every row removed
        ([(LETTERS, 1, "OLDX3"), ("12abc34501de35", 2, "NEWX3")], [(LETTERS, 2)], {"NEWX3"}),  # one company, two styles
        ([(LETTERS, 1, "ABCD3"), ("12.ABD.345/01DE-35", 1, "EFGH3")], [(LETTERS, 1)], {"ABCD3", "EFGH3"}),
    ],
)
def test_the_newest_version_of_a_form_is_all_of_it(
    tmp_path: Path, papers: list[Paper], forms: list[tuple[str, object]], right: set[str]
) -> None:
    assert set(fca(tmp_path, papers, forms)) == right


def test_what_the_newer_year_s_form_lists_no_more_has_ended() -> None:
    older = {code: Company("1", "X", started=date(2010, 1, 1)) for code in ("OLDX3", "OLDX4", "OLDX11", "STAY5")}
    older["FREE3"] = Company("2", "Y")  # has not filed again yet
    newer = {code: Company("1", "X") for code in ("NEWX3", "NEWX4", "STAY5")}
    found = renewed(older, newer | {"NEWY4": Company("1", "X")})
    listed = {ticker: company.listed for ticker, company in found.items()}
    assert listed == {
        "OLDX3": False, "OLDX4": False, "OLDX11": False, "STAY5": True, "FREE3": True,
        "NEWX3": True, "NEWX4": True, "NEWY4": True,
    }  # fmt: skip
    assert [found[code].successor for code in ("OLDX3", "OLDX4", "OLDX11")] == ["NEWX3", None, None]


FULL = {"BPA;1": "1000", "BPP;2": "1000", "BPP;2.03": "500", "DRE;3.01": "800", "DRE;3.99.01.01": "0.5"}
BLANK = dict.fromkeys(FULL, "0")
WORDS = {
    "1": "Ativo Total", "2": "Passivo Total", "2.03": "Patrimônio Líquido", "3.01": "Receita",
    "3.11": "Lucro/Prejuízo do Período", "3.99.01.01": "ON",
}  # fmt: skip


def revenue(
    path: Path, consolidated: list[dict[str, str]], individual: list[dict[str, str]], cnpj: str
) -> tuple[bool, Decimal] | None:
    """Whose revenue is read of a report with these amounts by version; None for none."""
    head = (
        "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;ESCALA_MOEDA;ORDEM_EXERC;{}DT_FIM_EXERC;CD_CONTA;DS_CONTA;VL_CONTA;X"
    )
    tables: dict[str, list[str]] = {}
    for scope, versions in (("con", consolidated), ("ind", individual)):
        for version, amounts in enumerate(versions, 1):
            for place, amount in amounts.items():
                form, _, account = place.partition(";")
                column, start = ("", "") if form != "DRE" else ("DT_INI_EXERC;", "2025-01-01;")
                tables.setdefault(f"dfp_cia_aberta_{form}_{scope}_2025.csv", [head.format(column)]).append(
                    f"{cnpj};2025-12-31;{version};X;1234;MIL;ÚLTIMO;{start}2025-12-31;{account};{WORDS[account]};{amount};S"
                )
    with ZipFile(path / "dfp.zip", "w") as archive:
        for name, lines in tables.items():
            archive.writestr(name, "\n".join(lines).encode("latin-1"))
    cut_statements(path / "dfp.zip", path / "dfp.shelf")
    blocks = Shelf(path / "dfp.shelf").blocks(cnpj_of(cnpj) or "")
    found = [
        (line.consolidated, line.value)
        for line in statements_of(blocks, filings_of(blocks, "DFP"), "p")
        if line.account == "3.01"
    ]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize("cnpj", [ONE, LETTERS])
@pytest.mark.parametrize(
    ("consolidated", "individual", "right"),
    [
        ([BLANK], [FULL], (False, 800_000)),
        ([dict.fromkeys(FULL, "")], [FULL], (False, 800_000)),
        ([dict.fromkeys(FULL, "0.0000000000") | {"DRE;3.01": "-"}], [FULL], (False, 800_000)),
        ([BLANK | {"DRE;3.99.01.01": "0.5"}], [FULL], (False, 800_000)),  # earnings per share alone
        ([FULL], [BLANK], (True, 800_000)),
        ([FULL], [], (True, 800_000)),
        ([FULL | {"DRE;3.01": "0", "DRE;3.11": "-7"}], [FULL], (True, 0)),  # filled in, with a revenue of zero
        ([FULL | {"DRE;3.01": "0"}], [FULL], (False, 800_000)),  # no income statement of its own
        ([FULL | {"BPP;2": "0", "BPP;2.03": "0"}], [FULL], (False, 800_000)),  # no equity
        ([FULL | {"BPA;1": "0"}], [FULL], (True, 800_000)),  # total assets stand on the other side too
        ([FULL, BLANK], [], (True, 800_000)),  # a blank version is none
        ([FULL, BLANK], [FULL, FULL], (False, 800_000)),  # blank since version 2
    ],
)
def test_a_blank_consolidated_form_gives_way_to_the_individual_one(
    tmp_path: Path,
    consolidated: list[dict[str, str]],
    individual: list[dict[str, str]],
    right: tuple[bool, int],
    cnpj: str,
) -> None:
    assert revenue(tmp_path, consolidated, individual, cnpj) == (right[0], Decimal(right[1]))
