"""Answers as models write them: forms that mean what was asked, refusals in words, texts against their probability."""

from __future__ import annotations

import base64
import json

import pytest

from invest.ai.answers.answer import fact_reader
from invest.ai.answers.easing import eased, says_nothing
from invest.ai.answers.reading import objects_in, refuses
from invest.ai.hiding import hide_keys
from invest.domain.opinions import SnapshotFact, language_of, speaks_against


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"p_beat_180d": "0.6"}, {"p_beat_180d": 0.6}),
        ({"p_beat_180d": "60%"}, {"p_beat_180d": 0.6}),
        ({"p_beat_180d": "alta"}, {"p_beat_180d": "alta"}),
        ({"p_beat_180d": 60}, {"p_beat_180d": 60}),
        ({"language": "pt_BR"}, {"language": "pt-BR"}),
        ({"language": "English"}, {"language": "en"}),
        ({"language": "fr"}, {"language": "fr"}),
        ({"arguments_for": [{"text": "a", "fact_ids": "f2"}]}, {"arguments_for": [{"text": "a", "fact_ids": ["f2"]}]}),
        ({"arguments_for": [{"text": "a", "fact_ids": [2]}]}, {"arguments_for": [{"text": "a", "fact_ids": ["2"]}]}),
        ({"would_change": [{"fact_id": "f2", "value": "9,5"}]}, {"would_change": [{"fact_id": "f2", "value": 9.5}]}),
        ({"confidence": 0.9, "summary": "s"}, {"confidence": 0.9, "summary": "s"}),
    ],
)
def test_forms_that_mean_the_same_are_put_into_those_asked_for(given: object, read: dict[str, object]) -> None:
    assert json.loads(eased(json.dumps(given))) == {"language": ""} | read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1,}', [{"a": 1}]),
        ('{"a": [1, 2, ], "b": "x,}"}', [{"a": [1, 2], "b": "x,}"}]),
        (json.dumps(json.dumps({"a": "é"})), [{"a": "é"}]),
        ('"no object"', []),
        ('Aspas " soltas {"a": "b\\"c,]"}', [{"a": 'b"c,]'}]),
    ],
)
def test_json_is_read_out_of_a_string_and_with_commas_too_many(text: str, found: list[object]) -> None:
    assert [json.loads(one) for one in objects_in(text)] == found


def test_facts_are_cited_by_number_key_or_name() -> None:
    read = fact_reader(
        [
            SnapshotFact(id="f1", key="p_l", value=4.5, unit="x"),
            SnapshotFact(id="f2", key="roe", value=0.2, unit="fraction"),
        ]
    )
    assert read(["P/L"]) == read(["[p/l]"]) == read(["P/L (f1)"]) == read(["F1"]) == read(["p_l"]) == ("f1",)
    assert read(["P/L", "ROE"]) == ("f1", "f2")
    assert read(["P/VP"]) == ()


@pytest.mark.parametrize(
    "text", ["", "...", "-", "N/A", "Nenhum.", "none", "Não há argumentos", "sem argumentos", "null"]
)
def test_an_argument_of_nothing_is_none(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["Está barata.", "Nada indica queda do lucro.", "No debt.", "Sem dívida líquida."])
def test_a_short_argument_is_one(text: str) -> None:
    assert not says_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "Como modelo de linguagem, não me é permitido opinar sobre ações.",
        "Infelizmente não é possível atender a este pedido.",
        "This request violates our usage policy.",
        "I must respectfully decline.",
        "Peço desculpas, mas isso foge do que posso fazer.",
        "As an AI, I do not give investment advice.",
        "Não faço recomendações de compra ou venda.",
        "I cannot in good conscience rate this stock.",
        "Ich kann keine Anlageberatung geben.",
    ],
)
def test_a_refusal_is_seen_in_its_words(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", ["A empresa não faz aquisições há anos.", "The policy is generous to shareholders."])
def test_news_of_a_company_is_no_refusal(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    ("text", "p", "against"),
    [
        ("Underperform: eu reduziria a posição.", 0.9, True),
        ("Sugiro desfazer-se do papel.", 0.9, True),
        ("Minha visão é negativa: fique fora desta ação.", 0.9, True),
        ("Venderia a ação a este preço.", 0.85, True),
        ("Compraria a ação a este preço.", 0.15, True),
        ("My view is bearish.", 0.8, True),
        ("My view is bearish.", 0.2, False),
        ("A empresa vende ativos e reduz dívida, o que favorece o papel.", 0.9, False),
        ("Não venderia a ação agora.", 0.9, False),
        ("A companhia fez compras caras.", 0.1, False),
    ],
)
def test_a_recommendation_is_held_against_the_probability(text: str, p: float, against: bool) -> None:
    assert speaks_against(text, p) is against


@pytest.mark.parametrize(
    "text",
    [
        "A empresa vende ativos e reduz dívida, o que favorece o papel. O preço do petróleo pode cair por mais tempo.",
        "O lucro por ação e o retorno por cota sobem; o endividamento recua.",
    ],
)
def test_portuguese_is_not_taken_for_a_neighbour(text: str) -> None:
    assert language_of(text) in ("pt", None)


def test_spanish_is_still_seen() -> None:
    assert (
        language_of("La empresa es cara, pero el dividendo y la deuda del grupo son muy sólidos según los datos.")
        == "es"
    )


def test_a_key_is_masked_in_other_capitals_and_in_base64() -> None:
    key = "Wq7-Plain.Looking_Secret99"
    coded = base64.b64encode(key.encode()).decode()
    for shown in (key, key.lower(), key.upper(), coded, coded.rstrip("="), key[:12] + "***"):
        assert hide_keys(f"bad {shown} given", [key]) == "bad [key] given", shown
