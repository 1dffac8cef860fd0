"""CVM's monthly and quarterly reports of real-estate funds by fund: months, buildings of the newest quarter."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from invest.sources.client import Capped, Shelf, open_zip
from invest.sources.cvm.format import table
from invest.sources.errors import Malformed
from invest.sources.numerals import cnpj_of, day, number

MONTHLY = ("geral", "complemento", "ativo_passivo")
KEPT = {
    "geral": ("NOME_FUNDO_CLASSE", "NOME_FUNDO", "CODIGO_ISIN", "SEGMENTO_ATUACAO", "TIPO_GESTAO", "DATA_ENTREGA"),
    "complemento": (
        "TOTAL_NUMERO_COTISTAS", "VALOR_ATIVO", "PATRIMONIO_LIQUIDO", "COTAS_EMITIDAS", "VALOR_PATRIMONIAL_COTAS",
        "PERCENTUAL_DESPESAS_TAXA_ADMINISTRACAO", "PERCENTUAL_DIVIDEND_YIELD_MES", "PERCENTUAL_AMORTIZACAO_COTAS_MES",
    ),
    "ativo_passivo": ("TOTAL_PASSIVO", "DIREITOS_BENS_IMOVEIS", "CRI", "CRI_CRA", "FII", "TOTAL_INVESTIDO"),
    "imovel": (
        "CLASSE", "NOME_IMOVEL", "AREA", "PERCENTUAL_VACANCIA", "PERCENTUAL_INADIMPLENCIA", "PERCENTUAL_RECEITAS_FII",
    ),
    "ativo": (
        "TIPO", "EMISSOR", "CNPJ_EMISSOR", "CODIGO_ACAO", "CODIGO_ATIVO", "NOME_ATIVO", "DATA_VENCIMENTO",
        "QUANTIDADE", "VALOR",
    ),
}  # fmt: skip
MEMBER = re.compile(r"_fii_([a-z_]+)_\d{4}\.csv$")  # "ativo" is another table than "ativo_garantia_rentabilidade"
CNPJ_NAMES = ("CNPJ_FUNDO_CLASSE", "CNPJ_FUNDO")
MOST_YIELD = Decimal("0.05")  # of a month, on the net worth: beyond it the form was filled in wrong
LETTING = "renda"  # buildings that are let; those for sale have no vacancy to speak of
EMPTY = Decimal("0.5")  # a building emptier than this that brings income is filled in the wrong way round
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FundMonth:
    """What a fund reported of one month; fractions for percents, BRL, None where it says nothing that can be."""

    month: date  # its last day
    delivered: date | None
    name: str | None
    isin: str | None
    segment: str | None
    units: Decimal | None
    net_worth: Decimal | None
    per_unit: Decimal | None
    assets: Decimal | None
    liabilities: Decimal | None
    holders: Decimal | None
    fee: Decimal | None
    income: Decimal | None  # distributed per unit: the month's yield on net worth times the net worth per unit


@dataclass(frozen=True, slots=True)
class Buildings:
    """Buildings that a fund lets, at the end of one quarter: fractions weighted by area."""

    quarter: date
    count: int
    vacancy: Decimal | None
    delinquency: Decimal | None


def cut_months(source: Path, shelf: Path) -> None:
    """Rows of a monthly zip by fund, and the funds' CNPJs by the issuer letters of their ISIN. Raises `Malformed`."""
    funds = _grouped(source, MONTHLY)
    issuers: dict[str, set[str]] = {}
    for cnpj, rows in funds.items():
        for row in rows:
            isin = row.get("CODIGO_ISIN", "").strip().upper()
            if row["_"] == "geral" and len(isin) == 12:
                issuers.setdefault(f"issuer:{isin[2:6]}", set()).add(cnpj)
    blocks = [(key, orjson.dumps(rows)) for key, rows in funds.items()]
    Shelf.write(shelf, [*blocks, *((key, orjson.dumps(sorted(found))) for key, found in issuers.items())])


def cut_quarters(source: Path, shelf: Path) -> None:
    """Buildings and papers of a quarterly zip by fund. Raises `Malformed`."""
    Shelf.write(shelf, [(key, orjson.dumps(rows)) for key, rows in _grouped(source, ("imovel", "ativo")).items()])


def _grouped(source: Path, tables: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    funds: dict[str, list[dict[str, str]]] = {}
    found = False
    with open_zip("cvm_funds", source) as archive:
        for entry in archive.infolist():
            match = MEMBER.search(entry.filename.lower())
            name = match[1] if match else ""
            if name not in tables:
                continue
            found = True
            with archive.open(entry) as stream:
                for row in table(Capped("cvm_funds", stream, entry.file_size).lines()):
                    cnpj = cnpj_of(next((row[key] for key in CNPJ_NAMES if row.get(key)), None))
                    if cnpj is not None and day(row.get("DATA_REFERENCIA")) is not None:
                        kept = {key: row[key] for key in KEPT[name] if row.get(key)}
                        kept |= {"_": name, "at": row["DATA_REFERENCIA"], "version": row.get("VERSAO", "1")}
                        funds.setdefault(cnpj, []).append(kept)
    if not found:
        raise Malformed("cvm_funds", f"a zip without the tables {', '.join(tables)}")
    return funds


def newest_versions(rows: Iterable[Mapping[str, Any]]) -> dict[date, list[Mapping[str, Any]]]:
    """Rows by reference date, of each date only its highest version: a report counts whole."""
    dated: dict[date, dict[int, list[Mapping[str, Any]]]] = {}
    for row in rows:
        when, version = day(row["at"]), str(row["version"])
        if when is not None:
            sane = int(version) if version.isascii() and version.isdigit() and len(version) < 4 else 0
            dated.setdefault(when, {}).setdefault(sane, []).append(row)
    return {when: versions[max(versions)] for when, versions in dated.items()}


def months_of(rows: Iterable[Mapping[str, Any]]) -> list[FundMonth]:
    """The months a fund reported, oldest first."""
    return [_month(when, parts) for when, parts in sorted(newest_versions(rows).items())]


def _month(when: date, parts: Iterable[Mapping[str, Any]]) -> FundMonth:
    merged: dict[str, str] = {}
    for part in parts:
        merged |= {key: value for key, value in part.items() if value}

    def figure(name: str) -> Decimal | None:
        return number(merged.get(name))

    last = when.replace(day=calendar.monthrange(when.year, when.month)[1])
    per_unit, share = figure("VALOR_PATRIMONIAL_COTAS"), figure("PERCENTUAL_DIVIDEND_YIELD_MES")
    sane = share is not None and 0 <= share <= MOST_YIELD
    fee = figure("PERCENTUAL_DESPESAS_TAXA_ADMINISTRACAO")
    return FundMonth(
        month=last,
        delivered=day(merged.get("DATA_ENTREGA")),
        name=merged.get("NOME_FUNDO_CLASSE") or merged.get("NOME_FUNDO"),
        isin=merged.get("CODIGO_ISIN"),
        segment=merged.get("SEGMENTO_ATUACAO"),
        units=figure("COTAS_EMITIDAS"),
        net_worth=figure("PATRIMONIO_LIQUIDO"),
        per_unit=per_unit if per_unit and per_unit > 0 else None,
        assets=figure("VALOR_ATIVO"),
        liabilities=figure("TOTAL_PASSIVO"),
        holders=figure("TOTAL_NUMERO_COTISTAS"),
        fee=fee if fee is not None and 0 <= fee <= MOST_YIELD else None,
        income=share * per_unit if sane and share is not None and per_unit and per_unit > 0 else None,
    )


def income_of_a_year(months: Sequence[FundMonth]) -> Decimal | None:
    """BRL per unit distributed in the newest twelve months; None unless all twelve are there and can be true."""
    newest = months[-12:]
    if len(newest) < 12 or (newest[-1].month - newest[0].month).days > 340:
        return None
    amounts = [month.income for month in newest if month.income is not None]
    return sum(amounts, Decimal(0)) if len(amounts) == 12 else None


def buildings_of(rows: Iterable[Mapping[str, Any]]) -> Buildings | None:
    """The buildings let in the newest quarter, None without any.

    A building that is more than half empty and brings income was filled in the wrong way round; a fund most of whose
    buildings are so says nothing of its vacancy.
    """
    quarters = newest_versions(row for row in rows if row.get("_") == "imovel")
    if not quarters:
        return None
    quarter = max(quarters)
    let = [row for row in quarters[quarter] if LETTING in str(row.get("CLASSE", "")).lower()]
    if not let:
        return None
    odd = [row for row in let if _contradicts(row)]
    sound = [row for row in let if not _contradicts(row)] if len(odd) * 2 < len(let) else []
    late = _weighted(let, "PERCENTUAL_INADIMPLENCIA")
    return Buildings(quarter, len(let), _weighted(sound, "PERCENTUAL_VACANCIA"), late)


def _contradicts(row: Mapping[str, Any]) -> bool:
    vacancy, income = number(row.get("PERCENTUAL_VACANCIA")), number(row.get("PERCENTUAL_RECEITAS_FII"))
    return bool(vacancy is not None and vacancy > EMPTY and income and income > 0)


def _weighted(rows: Iterable[Mapping[str, Any]], name: str) -> Decimal | None:
    """The mean of a fraction over buildings, by area where every one has it."""
    pairs = list(_pairs(rows, name))
    weights = [area for _, area in pairs]
    if not pairs:
        return None
    if any(weight is None or weight <= 0 for weight in weights):
        return sum((value for value, _ in pairs), Decimal(0)) / len(pairs)
    total = sum((weight for weight in weights if weight), Decimal(0))
    return sum((value * (weight or 0) for value, weight in pairs), Decimal(0)) / total


def _pairs(rows: Iterable[Mapping[str, Any]], name: str) -> Iterator[tuple[Decimal, Decimal | None]]:
    for row in rows:
        value = number(row.get(name))
        if value is not None and 0 <= value <= 1:
            yield value, number(row.get("AREA"))
