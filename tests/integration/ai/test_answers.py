"""What an AI answers: refused, cut, unusable, unfaithful or good, and what is done about each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invest.domain.opinions.opinion import OpinionStatus, Snapshot
from tests.integration.ai.fake_ai_server import VENDORS, FakeAi, OpenPanel, Outcome, answer, body_of, only

OK = OpinionStatus.OK
CHINESE = "该公司的估值低于行业平均水平并且现金流稳定增长前景良好值得长期关注与研究分析"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_refusal_is_a_refusal(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str) -> None:
    body = body_of(vendor, "I cannot help with that.", finish="refusal")
    fake_ai.responders[vendor] = lambda call, n: (200, body)
    opinion = await only(open_panel, snapshot, vendor)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.REFUSED, 1)
    assert json.loads(json.loads(opinion.raw_answer)[0]) == body


@pytest.mark.parametrize("text", ["I'm sorry, but I can't help with that.", "Desculpe, não posso ajudar com isso."])
async def test_a_refusal_in_plain_words_is_one_too(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, text: str
) -> None:
    fake_ai.responders["gemini"] = lambda call, n: text
    opinion = await only(open_panel, snapshot, "gemini")
    assert (opinion.status, opinion.reason) == (OpinionStatus.REFUSED, f"refused to answer: {text}")
    assert len(fake_ai.calls) == 1


async def test_a_blocked_prompt_is_a_refusal(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["gemini"] = lambda call, n: (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    opinion = await only(open_panel, snapshot, "gemini")
    assert (opinion.status, opinion.reason) == (OpinionStatus.REFUSED, "refused to answer: PROHIBITED_CONTENT")


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_truncated_answer_is_asked_for_once_more_with_far_more_room(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str
) -> None:
    cut = body_of(vendor, '{"ticker": "PE', finish="length")
    fake_ai.responders[vendor] = lambda call, n: (200, cut) if n == 1 else answer()
    opinion = await only(open_panel, snapshot, vendor)
    first, second = fake_ai.calls
    assert (opinion.status, second.max_tokens) == (OK, 4 * first.max_tokens)
    assert opinion.tokens_out == 600

    fake_ai.calls.clear()
    fake_ai.responders[vendor] = lambda call, n: (200, cut)
    opinion = await only(open_panel, snapshot, vendor)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.TRUNCATED, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "empty answer"),
        ("   \n", "empty answer"),
        ("I think PETR4 is a buy!", "not the structure asked for"),
        ('{"ticker": "PETR4"}', "not the structure asked for"),
        (answer(confidence=0.9), "confidence: Extra inputs are not permitted"),
        (answer(p_beat_180d=55), "p_beat_180d = 55 is outside 0..1"),
        (answer(p_beat_30d=-0.1), "p_beat_30d = -0.1 is outside 0..1"),
        (answer(p_beat_180d="high"), "p_beat_180d: Input should be a valid number"),
        (answer(ticker="VALE3"), "answered about VALE3 instead of PETR4"),
        (answer(ticker="<script>"), "answered about <script> instead of PETR4"),
        (answer(price_p10=50.0), "price_p10 <= price_p50 <= price_p90 does not hold"),
        (answer(price_p90=4700.0), "price estimate 4700 is out of range for a close of 36.5"),
        (answer(price_p10=-1.0), "price estimate -1 is out of range"),
        (answer(summary="palavra " * 400), "summary of 3200 characters; 1500 are allowed"),
        (answer(arguments_for=[{"text": "x" * 700, "fact_ids": ["f01"]}]), "a text of 700 characters"),
        (answer(key_facts=[{"fact_id": "f01", "reading": "neutral"}] * 30), "a list of more than 20 items"),
        (answer(summary="", arguments_for=[], arguments_against=[], risks=[]), "gave no reasons"),
        (
            answer(
                summary="The price looks low for the earnings that the company delivers.",
                arguments_for=[{"text": "It is cheap and the risk is on the way down.", "fact_ids": ["f02"]}],
                arguments_against=[],
                risks=[],
            ),
            "wrote in en instead of pt-BR",
        ),
        (
            answer(summary="该公司的估值低于行业平均水平并且现金流稳定增长前景良好值得长期关注与研究分析"),
            "wrote in other",
        ),
        ("[" * 5000 + "]" * 5000, "not the structure asked for"),
        ('{"ticker": "PETR4", "p_beat_180d": NaN}', "not the structure asked for"),
    ],
)
async def test_an_unusable_answer_is_asked_for_once_more_then_abstains(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, given: Any, said: str
) -> None:
    if isinstance(given, dict) and given["summary"] == CHINESE:
        given |= {"arguments_for": [], "arguments_against": [], "risks": []}
    fake_ai.responders["openai"] = lambda call, n: given
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OpinionStatus.INVALID
    assert said in (opinion.reason or "")
    assert len(fake_ai.calls) == 2
    assert "não pode ser usada" in fake_ai.calls[1].user

    fake_ai.responders["openai"] = lambda call, n: given if n == 3 else answer()
    assert (await only(open_panel, snapshot)).status is OK


async def test_an_analyst_may_say_that_it_cannot_judge(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(insufficient_data=True, summary="Faltam dados de resultado.")
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OpinionStatus.ABSTAINED
    assert "Faltam dados de resultado." in (opinion.reason or "")
    assert len(fake_ai.calls) == 1
    fake_ai.responders["openai"] = lambda call, n: answer(p_beat_180d=None)
    assert (await only(open_panel, snapshot)).status is OpinionStatus.ABSTAINED


async def test_citations_of_facts_that_do_not_exist_are_dropped(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    mixed = [
        {"text": "Um argumento com base parcial.", "fact_ids": ["f02", "f77"]},
        {"text": "Um argumento sem base alguma.", "fact_ids": ["f88"]},
    ]
    fake_ai.responders["openai"] = lambda call, n: answer(arguments_for=mixed)
    opinion = await only(open_panel, snapshot)
    assert [(a.text, a.fact_ids) for a in opinion.arguments_for] == [("Um argumento com base parcial.", ("f02",))]


async def test_a_fenced_answer_is_read(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["compatible"] = lambda call, n: f"```json\n{json.dumps(answer())}\n```"
    assert (await only(open_panel, snapshot, "compatible")).status is OK


async def test_texts_lose_what_no_reader_sees_and_models_names_are_tamed(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    hostile = "O preço\u0000 parece\u202e baixo\u200b para o lucro,\n\nmas <b>o risco</b> não é baixo."
    body = body_of("compatible", json.dumps(answer(summary=hostile)))
    fake_ai.responders["compatible"] = lambda call, n: (200, body | {"model": "m\u0000\n" + "x" * 500})
    opinion = await only(open_panel, snapshot, "compatible")
    assert opinion.summary == "O preço parece baixo para o lucro, mas <b>o risco</b> não é baixo."
    assert opinion.model is not None
    assert len(opinion.model) == 100
    assert opinion.model.isprintable()
    fake_ai.responders["compatible"] = lambda call, n: (200, body | {"model": {"a": 1}})
    assert (await only(open_panel, snapshot, "compatible")).status is OK


INVENTED = "A margem chegou a 45,0% e o risco cresceu."


async def test_an_invented_figure_is_repaired_once(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(summary=INVENTED) if n == 1 else answer()
    opinion = await only(open_panel, snapshot)
    assert (opinion.status, opinion.unfaithful, len(fake_ai.calls)) == (OK, (), 2)
    assert "45,0%" in fake_ai.calls[1].user


async def test_a_figure_that_stays_invented_is_hidden_and_counted(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    true = "ROE de 24,2%, P/L de 4,5x, fechamento de R$ 36,50, volatilidade de 31% e base de 47%."
    fake_ai.responders["openai"] = lambda call, n: answer(summary=f"{true} {INVENTED} O resto segue igual.")
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OK
    assert opinion.summary == f"{true} O resto segue igual."
    # the seventh is the claim of its argument that the multiple stands below the sector's
    assert (opinion.unfaithful, opinion.figures_unmatched, opinion.figures_checked) == (("45,0%",), 1, 7)


async def test_more_than_a_fifth_of_invented_figures_makes_it_unfaithful(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(summary=f"ROE de 24,2%. {INVENTED}")
    opinion = await only(open_panel, snapshot)
    assert (opinion.status, opinion.reason) == (OpinionStatus.UNFAITHFUL, "1 of 3 numbers don't match the data")
    assert not opinion.valid
    assert "45" not in opinion.summary


async def test_the_first_answer_stands_where_the_repair_fails(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    said = "ROE de 24,2%, P/L de 4,5x, R$ 36,50, 31%, 47% e 18%. " + INVENTED
    failures: list[Outcome] = [(500, {}), "nonsense", answer(summary=f"{said} E mais 77%.")]
    for worse in failures:
        fake_ai.calls.clear()
        fake_ai.responders["openai"] = lambda call, n, w=worse: answer(summary=said) if n == 1 else w  # type: ignore[misc]
        opinion = await only(open_panel, snapshot, retries=0)
        assert (opinion.status, opinion.unfaithful) == (OK, ("45,0%",))
