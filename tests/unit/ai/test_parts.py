"""Small parts: caches, budgets, prices, errors of the wire, how facts are written for an AI."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.ai.answers.figures import label, show
from invest.ai.answers.questions import data_hash, opinion_prompt
from invest.ai.calls.limits import MemoryBudget, MemoryCache
from invest.ai.calls.prices import Cost, Price, PriceList, ceiling, cost_of
from invest.ai.calls.spending import Purse
from invest.ai.calls.transport import Endpoint
from invest.ai.errors import BudgetSpent, CallFailed
from invest.ai.hiding import hide_keys
from invest.ai.wires.anthropic import Anthropic
from invest.ai.wires.base import Question, Reply, as_int, events, parse, usage_cost
from invest.ai.wires.failing import failure
from invest.ai.wires.openai_chat import OpenAIChat
from invest.ai.wires.openai_responses import OpenAIResponses
from invest.domain.opinions.faithfulness import check_figures
from invest.domain.opinions.opinion import Opinion, OpinionStatus, Snapshot, SnapshotFact, SnapshotNews
from invest.domain.opinions.stance import language_of
from invest.settings import ProviderSettings

AT = datetime(2026, 3, 31, tzinfo=UTC)


def opinion() -> Opinion:
    return Opinion(
        opinion_id="1",
        ticker="PETR4",
        provider="openai",
        model="m",
        status=OpinionStatus.OK,
        prompt_hash="p",
        data_hash="d",
        asked_at=AT,
        seconds=1,
    )


async def test_a_kept_opinion_expires() -> None:
    now = [0.0]
    cache = MemoryCache(lambda: now[0])
    await cache.put("k", opinion(), 10)
    assert await cache.get("k") == opinion()
    now[0] = 11
    assert await cache.get("k") is None
    assert await cache.get("other") is None


async def test_a_budget_starts_anew_each_day() -> None:
    today = [date(2026, 3, 30)]
    budget = MemoryBudget(lambda: today[0])
    await budget.add(Decimal("1.5"))
    await budget.add(Decimal("0.5"))
    assert await budget.spent_today() == 2
    today[0] = date(2026, 3, 31)
    assert await budget.spent_today() == 0


async def nothing() -> None:
    """A call that is written down nowhere."""


async def test_a_purse_counts_what_is_in_flight_and_lets_go_of_it() -> None:
    purse = Purse(MemoryBudget(), Decimal("1"))
    held = await purse.reserve(Decimal("1"))
    with pytest.raises(BudgetSpent, match=r"the AI budget of US\$ 1.00 a day is spent"):
        await purse.reserve(Decimal("0.01"))
    await purse.settle(held, Decimal(0), nothing())
    await purse.settle(await purse.reserve(Decimal("1")), Decimal("1"), nothing())
    with pytest.raises(BudgetSpent):
        await purse.reserve(Decimal("0.01"))


def test_a_call_costs_its_models_price_on_its_day() -> None:
    endpoint = Endpoint(Anthropic(), "https://api.anthropic.com", "claude-sonnet-4-5", "k")
    reply = Reply("", "claude-sonnet-4-5-20250929", "stop", tokens_in=1000, tokens_out=500)
    cost = cost_of(reply, endpoint, AT)
    assert cost.usd == Decimal("0.0105")  # 3 and 15 US$ a million
    assert (cost.version or "").startswith("genai-prices")
    # 301 tokens in at 3 US$, a quarter more for writing into the cache, and 1,000 out at 15
    assert ceiling(Question("s" * 300, "u" * 300, None, 1000), endpoint, AT) == Decimal("0.01612875")


@pytest.mark.parametrize(
    ("body", "out"),
    [
        ({"max_tokens": 1000}, 1000),
        ({"max_tokens": 1000, "max_completion_tokens": 9000}, 9000),  # the user's own, laid over ours
        ({"max_tokens": 1000, "n": 3}, 3000),
        ({"generationConfig": {"maxOutputTokens": 2000, "candidateCount": 2}}, 4000),
        ({"model": "m"}, 4000),  # a limit that was taken out: what a truncation would be asked again with
        ({"max_tokens": "many"}, 4000),
    ],
)
def test_the_most_of_a_call_is_what_its_request_allows(body: dict[str, object], out: int) -> None:
    endpoint = Endpoint(OpenAIChat(), "https://ai.example.com/v1", "m", "k")
    prices = PriceList({}, fixed=Price(Decimal(0), Decimal(1)))
    assert ceiling(Question("s", "u", None, 1000), endpoint, AT, prices, body) == Decimal(out) / 1_000_000


def test_the_structure_asked_for_counts_as_input() -> None:
    endpoint = Endpoint(OpenAIChat(), "https://ai.example.com/v1", "m", "k")
    prices = PriceList({}, fixed=Price(Decimal(1), Decimal(0)))
    bare, strict = (
        ceiling(Question("s", "u", schema, 1000), endpoint, AT, prices) for schema in (None, {"type": "object"})
    )
    assert bare is not None and strict is not None and strict > bare


@pytest.mark.parametrize("cost", [-1, "-0.5", "nan", "NaN", float("inf"), 1e30, True, [1], {"a": 1}, "free", None])
def test_a_bill_that_is_none_is_not_believed(cost: object) -> None:
    assert usage_cost({"cost": cost}) is None


def test_a_bill_in_another_currency_is_none_and_a_total_is_read() -> None:
    assert usage_cost({"cost": 0.01, "currency": "CNY"}) is None
    assert usage_cost({"cost": 0.01, "currency": "usd"}) == Decimal("0.01")
    assert usage_cost({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.006}}) == Decimal("0.006")


@pytest.mark.parametrize("count", [-1, 1e30, 10**18, "12", True, float("nan"), None])
def test_a_count_of_tokens_that_is_none_is_left_out(count: object) -> None:
    assert as_int(count) is None


def test_half_a_price_is_refused() -> None:
    with pytest.raises(ValueError, match="price_out: price_in and price_out belong together"):
        ProviderSettings.model_validate({"kind": "openai", "model": "m", "price_in": 1})


def test_a_server_of_this_machine_costs_nothing_unless_a_price_is_set() -> None:
    endpoint = Endpoint(OpenAIChat(), "http://127.0.0.1:11434/v1", "llama3.3", "")
    reply = Reply("", "llama3.3", "stop", tokens_in=1000, tokens_out=500)
    assert cost_of(reply, endpoint, AT).usd == 0
    fixed = PriceList({}, fixed=Price(Decimal(2), Decimal(4)))
    assert cost_of(reply, endpoint, AT, fixed).usd == Decimal("0.004")


def test_a_model_without_a_price_costs_an_unknown_amount_not_nothing() -> None:
    endpoint = Endpoint(OpenAIChat(), "https://ai.example.com/v1", "unheard-of", "")
    reply = Reply("", "unheard-of", "stop", tokens_in=1000, tokens_out=500)
    assert cost_of(reply, endpoint, AT).usd is None
    assert cost_of(Reply("", "m", "stop"), endpoint, AT).usd is None
    assert ceiling(Question("s", "u", None, 1000), endpoint, AT) is None


def test_the_servers_own_bill_wins_and_a_dated_id_has_its_models_price() -> None:
    endpoint = Endpoint(OpenAIChat(), "https://openrouter.ai/api/v1", "anthropic/claude-sonnet-5-5", "k")
    prices = PriceList({"claude-sonnet-5-5": Price(Decimal(2), Decimal(10), Decimal("0.2"))}, "2026-11-29")
    reply = Reply("", "anthropic/claude-sonnet-5-5-20261001", "stop", tokens_in=1000, tokens_out=500, tokens_cached=500)
    assert cost_of(reply, endpoint, AT, prices) == Cost(Decimal("0.0061"), "settings 2026-11-29")
    billed = replace(reply, cost=Decimal("0.0123"))
    assert cost_of(billed, endpoint, AT, prices) == Cost(Decimal("0.0123"), "the server's bill")


def test_a_cut_event_of_a_stream_is_worth_another_try() -> None:
    with pytest.raises(CallFailed) as caught:
        list(events('data: {"a": 1}\n\ndata: {"b": '))
    assert caught.value.retryable


def test_pings_comments_and_the_end_mark_are_no_events() -> None:
    raw = ': hello\n\nevent: ping\ndata: {"type": "ping"}\n\ndata: {"a":\ndata: 1}\r\n\r\ndata: [DONE]\n\n'
    assert list(events(raw)) == [{"type": "ping"}, {"a": 1}]


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("Please try again in 6ms.", 0.006),
        ("Please try again in 1m30s.", 90),
        ("please retry in 2h", 7200),
        ("try again in 1.5s", 1.5),
        ("try again later", None),
    ],
)
def test_a_wait_is_read_from_words(message: str, wait: float | None) -> None:
    payload = b'{"error": {"message": "%s"}}' % message.encode()
    assert failure(429, {}, payload).retry_after == (pytest.approx(wait) if wait else None)


def test_keys_quoted_in_errors_are_hidden() -> None:
    assert hide_keys("Incorrect API key provided: sk-proj-a1b2c3d4e5. Bye") == "Incorrect API key provided: [key] Bye"


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"[1, 2]", b'"x"', b"\xff\xfe", b"{}", b'{"choices": [null]}']
)
def test_nonsense_is_never_read_as_an_answer(payload: bytes) -> None:
    for wire in (OpenAIChat(), OpenAIResponses(), Anthropic()):
        try:
            assert parse(wire, 200, {}, payload).text == ""
        except CallFailed as error:
            assert error.status in (OpinionStatus.INVALID, OpinionStatus.UNAVAILABLE)


@pytest.mark.parametrize(
    ("key", "value", "unit", "pt", "en"),
    [
        ("roe", 0.2423, "fraction", "24,2%", "24.2%"),
        ("p_l", 4.53, "x", "4,5x", "4.5x"),
        ("market_cap", 4.987e11, "BRL", "R$ 498,70 bi", "R$ 498.70 bn"),
        ("close", 1234.56, "BRL", "R$ 1.234,56", "R$ 1,234.56"),
        ("net_income", -1.2e9, "BRL", "R$ -1,20 bi", "R$ -1.20 bn"),
        ("shares_outstanding", 13044496930, "count", "13.044.496.930", "13,044,496,930"),
        ("rsi_14", 63.21, "index", "63,2", "63.2"),
        ("something_new", 1.5, "index", "1,50", "1.50"),
    ],
)
def test_a_fact_is_written_so_that_a_copy_of_it_holds(key: str, value: float, unit: str, pt: str, en: str) -> None:
    fact = SnapshotFact(id="f01", key=key, value=value, unit=unit)
    assert (show(value, fact, "pt-BR"), show(value, fact, "en")) == (pt, en)
    for language in ("pt-BR", "en"):
        written = f"{label(fact, language)}: {show(value, fact, language)}."
        assert not check_figures(written, (fact,), language).unmatched


def snapshot(**fields: object) -> Snapshot:
    fact = SnapshotFact(id="f01", key="roe", value=0.2, unit="fraction")
    base = {"ticker": "PETR4", "name": None, "kind": "stock", "sector": None, "as_of": AT.date(), "facts": (fact,)}
    return Snapshot.model_validate(base | {"base_rate_180d": None} | fields)


def test_the_day_and_the_boundary_are_in_no_hash() -> None:
    news = (SnapshotNews(tone="neutral", topic="other", age_days=1, excerpt="Lucro sobe"),)
    today, tomorrow = snapshot(news=news), snapshot(news=news, as_of=date(2026, 4, 1))
    one, two = (opinion_prompt(s, "pt-BR", with_news=True) for s in (today, tomorrow))
    assert one.user != two.user
    assert one.hash == two.hash
    assert data_hash(today, "pt-BR") == data_hash(tomorrow, "pt-BR")


def test_every_language_but_portuguese_is_asked_in_english() -> None:
    assert "investment analyst" in opinion_prompt(snapshot(), "en-US", with_news=False).system
    assert "analista de investimentos" in opinion_prompt(snapshot(), "pt-PT", with_news=False).system


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A empresa tem uma dívida que não é alta para o setor em que está.", "pt"),
        ("The company has a debt that is not high for the sector it is in.", "en"),
        ("La empresa tiene una deuda que no es alta para el sector y los accionistas según el balance.", "es"),
        ("Das Unternehmen ist nicht hoch verschuldet und der Gewinn ist auch für die Branche gut.", "de"),
        ("Компания имеет низкий уровень долга и стабильную прибыль", "other"),
        ("ROE, P/L, EBITDA.", None),
        ("", None),
    ],
)
def test_the_language_of_a_text_is_told_by_its_common_words(text: str, language: str | None) -> None:
    assert language_of(text) == language
