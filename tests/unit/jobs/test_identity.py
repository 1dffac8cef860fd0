"""Which name an asset gets where the exchange's own is cut."""

from __future__ import annotations

import pytest

from invest.domain.values import SourceOutcome
from invest.jobs.data_collection.asset_data import merge_identity
from invest.sources import Answer, Identity


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["FII JABATA R", "JABATA RENDA FII"], "JABATA RENDA FII"),
        (["ISHARES S&P", "ISHARES S&P 500 FUNDO DE ÍNDICE"], "ISHARES S&P 500 FUNDO DE ÍNDICE"),
        (["FII XP LOG F", "XP LOG FII"], "XP LOG FII"),
        (["FII XP LOG F", "FII XP LOG"], "FII XP LOG F"),  # the same, cut further
        (["PETROBRAS", "PETROLEO BRASILEIRO S.A."], "PETROBRAS"),
        (["FII XP LOG F"], "FII XP LOG F"),
    ],
)
def test_a_name_that_was_cut_gives_way_to_a_whole_one(names: list[str], name: str) -> None:
    answers = [
        Answer(source, SourceOutcome(source=source, status="ok"), identity=Identity(name=told))
        for source, told in zip(("cotahist", "cvm_funds"), names, strict=False)
    ]
    assert merge_identity("XPLG11", None, answers).name == name
