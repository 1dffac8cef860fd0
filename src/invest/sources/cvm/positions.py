"""Buildings and papers of a fund in CVM's quarterly reports, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from invest.domain.market import FundPosition, PositionKind
from invest.sources.cvm.funds_format import newest_versions
from invest.sources.numerals import cnpj_of, day, number, positive

LINES = 2_000  # of one fund
ONE = Decimal(1)


def positions_of(rows: Iterable[Mapping[str, Any]]) -> tuple[date, list[FundPosition]] | None:
    """The newest quarter with lines, and its lines: buildings first, each group by its share, the largest first.

    None without any. Papers without a value are kept; the shares are of the papers that have one.
    """
    quarters = newest_versions(row for row in rows if row.get("_") in ("imovel", "ativo"))
    if not quarters:
        return None
    newest = max(quarters)
    buildings = [_building(row) for row in quarters[newest] if row["_"] == "imovel"]
    papers = [_paper(row) for row in quarters[newest] if row["_"] == "ativo"]
    total = sum((paper.value for paper in papers if paper.value), Decimal(0))
    if total > 0:
        papers = [
            paper.model_copy(update={"share": paper.value / total}) if paper.value is not None else paper
            for paper in papers
        ]
    lines = sorted(buildings, key=_order) + sorted(papers, key=_order)
    return newest, lines[:LINES]


def _order(position: FundPosition) -> tuple[Decimal, str]:
    return -(position.share or Decimal(0)), position.name or ""


def _text(row: Mapping[str, Any], *names: str, longest: int = 200) -> str | None:
    found = next((str(row[name]).strip() for name in names if str(row.get(name) or "").strip()), None)
    return " ".join(found.split())[:longest] if found else None


def _fraction(row: Mapping[str, Any], name: str) -> Decimal | None:
    value = number(row.get(name))
    return value if value is not None and 0 <= value <= ONE else None


def _building(row: Mapping[str, Any]) -> FundPosition:
    return FundPosition(
        kind=PositionKind.BUILDING,
        category=_text(row, "CLASSE", longest=120),
        name=_text(row, "NOME_IMOVEL"),
        share=_fraction(row, "PERCENTUAL_RECEITAS_FII"),
        area=positive(row.get("AREA")),
        vacancy=_fraction(row, "PERCENTUAL_VACANCIA"),
        delinquency=_fraction(row, "PERCENTUAL_INADIMPLENCIA"),
    )


def _paper(row: Mapping[str, Any]) -> FundPosition:
    value = number(row.get("VALOR"))
    return FundPosition(
        kind=PositionKind.PAPER,
        category=_text(row, "TIPO", longest=120),
        name=_text(row, "NOME_ATIVO", "CODIGO_ATIVO", "CODIGO_ACAO"),
        issuer=_text(row, "EMISSOR"),
        issuer_cnpj=cnpj_of(row.get("CNPJ_EMISSOR")),
        matures_on=day(row.get("DATA_VENCIMENTO")),
        quantity=positive(row.get("QUANTIDADE")),
        value=value if value is not None and value >= 0 else None,
    )
