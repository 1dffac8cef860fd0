"""The tone of headlines in Portuguese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.news.tone import sentiment, tone_of


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Petrobras tem lucro recorde e ações disparam", "positive"),
        ("Vale sobe com alta do minério de ferro", "positive"),
        ("Magazine Luiza supera expectativas e dobra lucro", "positive"),
        ("Prejuízo da Gol cai 40% no trimestre", "positive"),
        ("Inadimplência do banco recua", "positive"),
        ("Empresa reduz dívida pela metade", "positive"),
        ("IPCA desacelera em março", "positive"),
        ("Resultado vem acima do esperado", "positive"),
        ("Agência eleva nota para grau de investimento", "positive"),
        ("Ações despencam após prejuízo", "negative"),
        ("Lucro da companhia cai 20%", "negative"),
        ("Dívida da empresa aumenta", "negative"),
        ("Oi entra com pedido de recuperação judicial", "negative"),
        ("CVM investiga fraude na varejista", "negative"),
        ("Inflação acelera e juros sobem", "negative"),
        ("Receita fica abaixo do esperado", "negative"),
        ("Petrobras não vai pagar dividendos", "negative"),
        ("Mineradora é multada por acidente", "negative"),
    ],
)
def test_headlines(title: str, label: str) -> None:
    tone = tone_of(title)
    assert tone is not None
    assert tone.label == label, tone


def test_no_known_word_is_no_tone() -> None:
    assert sentiment("Assembleia marcada para quinta-feira") is None
    assert sentiment("") is None


def test_the_title_counts_more_than_the_summary() -> None:
    mixed = sentiment("Ações disparam", "Analistas falam em risco e queda")
    assert mixed is not None
    assert mixed > (sentiment("", "Ações disparam. Analistas falam em risco e queda") or 0)


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_tone_stays_within_its_bounds_for_any_text(title: str, summary: str) -> None:
    score = sentiment(title, summary)
    assert score is None or -1 <= score <= 1
