"""Models come and go: what the settings and the vendors' lists tell of the ones we ask, and what a reader is told."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from invest.ai import ask_vendors, dated
from invest.ai.calls.models import ListedModel
from invest.ai.calls.prices import Price, PriceList, bare
from invest.ai.live import SOON, judged
from invest.domain.opinions import Opinion, OpinionStatus, model_key
from invest.reports.locale import locale_of
from invest.reports.sections.remarks import reason_text
from invest.reports.words import words_of
from invest.settings import ProviderSettings, Settings

SHIPPED = tomllib.loads((Path(__file__).parents[3] / "settings.toml").read_text("utf-8"))["ai"]
TODAY = date(2026, 11, 29)


def lasts(given: dict[str, Any], day: date) -> bool:
    """Whether a default model has no announced end within ninety days of `day`."""
    ends = given.get("ends")
    return ends is None or ends - day > timedelta(days=90)


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
def test_no_default_model_ends_within_ninety_days_unnoticed(name: str) -> None:
    """Fails once a default's announced end is near: choose another, and look the prices up again."""
    given, today = SHIPPED["providers"][name], datetime.now(UTC).date()
    assert given["reviewed"] <= today
    assert lasts(given, today), f"{given['model']} ends on {given['ends']}"
    assert bare(given["model"]) in SHIPPED["prices"]


def test_an_alias_is_there_where_its_snapshot_is() -> None:
    given = ProviderSettings.model_validate({"kind": "anthropic", "model": "claude-sonnet-5-5"})
    dated_alone = [ListedModel("claude-opus-5-5-20261001"), ListedModel("claude-sonnet-5-5-20261001")]
    assert judged("anthropic", given, dated_alone, TODAY).state == "ok"
    assert judged("anthropic", given, dated_alone[:1], TODAY).state == "fix"


@pytest.mark.parametrize(
    ("asked", "answered", "another"),
    [
        ("gpt-5", "gpt-5-2025-08-07", False),
        ("gpt-5", "gpt-5-mini", True),
        ("gpt-5", "gpt-5-mini-2025-08-07", True),
        ("anthropic/claude-x:free", "claude-x-20261001", False),
        ("us.anthropic.claude-x-v1:0", "claude-x-20261001", False),
        ("claude-x@20261001", "claude-x", False),
        ("mistral-large-latest", "mistral-large-2411", False),
        ("openrouter/auto", "anthropic/claude-x", True),
        ("gemini-2.5-pro", "gemini-3.8-flash", True),
        ("qwen2.5:7b", "qwen2.5:72b", True),
        ("", "llama3.3", False),
    ],
)
def test_another_model_is_named_and_a_date_is_none(asked: str, answered: str, another: bool) -> None:
    opinion = Opinion(
        opinion_id="1", ticker="PETR4", provider="p", model=answered, model_asked=asked, status=OpinionStatus.OK,
        prompt_hash="p", data_hash="d", asked_at=datetime.now(UTC), seconds=1,
    )  # fmt: skip
    assert opinion.answered_by_another is another


def test_a_model_has_one_record_whoever_serves_it() -> None:
    ids = ("claude-x", "anthropic/claude-x", "claude-x:free", "us.anthropic.claude-x-v1:0", "Anthropic/Claude-X")
    assert {model_key(each, "p") for each in ids} == {"claude-x"}
    assert model_key("qwen2.5:7b", "p") != model_key("qwen2.5:72b", "p")
    prices = PriceList({"claude-x": Price(Decimal(2), Decimal(10)), "claude-x:free": Price(Decimal(0), Decimal(0))})
    assert all((price := prices.of(each)) is not None and price.taken == 10 for each in ids if ":free" not in each)
    assert (free := prices.of("anthropic/claude-x:free")) is not None and free.taken == 0


def test_an_end_is_near_from_ninety_days_before_it() -> None:
    today = datetime.now(UTC).date()
    assert not lasts({"ends": today + timedelta(days=90)}, today)
    assert not lasts({"ends": today - timedelta(days=1)}, today)
    assert lasts({"ends": today + timedelta(days=91)}, today)
    assert lasts({}, today)


def provider(**given: Any) -> ProviderSettings:
    return ProviderSettings.model_validate({"enabled": True, "kind": "openai", "model": "gpt-6.1-terra"} | given)


@pytest.mark.parametrize(
    ("models", "given", "state", "found"),
    [
        ([ListedModel("gpt-6.1-terra")], {}, "ok", "gpt-6.1-terra is there"),
        ([ListedModel("gpt-6.1-terra", TODAY + timedelta(days=400))], {}, "ok", "ends on 2028-01-03"),
        ([ListedModel("gpt-6.1-terra", TODAY + SOON)], {}, "note", "ends on 2027-02-27"),
        ([ListedModel("gpt-6.1-terra", TODAY)], {}, "fix", "ended on 2026-11-29"),
        ([ListedModel("gpt-6.1-terra")], {"ends": TODAY + timedelta(days=10)}, "note", "ends on 2026-12-09"),
        ([ListedModel("gpt-6.2-sol")], {}, "fix", "is not among the vendor's models"),
        ([ListedModel("anthropic/claude-x")], {"model": "claude-x"}, "ok", "claude-x is there"),
        ([ListedModel("qwen3:32b")], {"model": ""}, "ok", "the server has: qwen3:32b"),
        ([], {}, "ok", "lists no models"),
    ],
)
def test_a_vendors_list_says_whether_a_model_lasts(
    models: list[ListedModel], given: dict[str, Any], state: str, found: str
) -> None:
    told = judged("openai", provider(**given), models, TODAY)
    assert (told.state, found in told.found) == (state, True), told.found
    assert state == "ok" or "ai.providers.openai.model" in told.advice


@asynccontextmanager
async def listing(rows: Any, status: int = 200) -> AsyncIterator[str]:
    """A server whose list of models is `rows`."""

    async def serve(request: web.Request) -> web.Response:
        return web.json_response(rows, status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/v1"))
    finally:
        await server.close()


async def states(settings: Callable[..., Settings], url: str, **given: Any) -> dict[str, tuple[str, str, str]]:
    off = {name: {"enabled": False} for name in ("anthropic", "gemini", "compatible")}
    one = {"enabled": True, "base_url": url, "api_key": "k" * 20} | given
    chosen = settings(ai={"providers": {"openai": one, **off}})
    return {s.name: (s.state, s.found, s.advice) for s in await ask_vendors(chosen)}


async def test_the_vendors_are_asked_for_their_models(settings: Callable[..., Settings]) -> None:
    rows = {"data": [{"id": "gpt-6.1-terra", "shutdown_date": None}, {"id": "gpt-5", "shutdown_date": "2026-12-11"}]}
    async with listing(rows) as url:
        assert (await states(settings, url))["openai"][0] == "ok"
        state, found, advice = (await states(settings, url, model="gpt-4o"))["openai"]
        assert (state, "gpt-4o is not among" in found, "gpt-6.1-terra" in advice) == ("fix", True, True)
    async with listing({"error": {"message": "bad key"}}, 401) as url:
        state, found, advice = (await states(settings, url))["openai"]
        assert (state, advice) == ("fix", "check the key")
    away = (await states(settings, "http://127.0.0.1:9/v1"))["openai"]
    assert away[0] == "unreachable"


async def test_a_model_without_a_price_is_something_to_fix(settings: Callable[..., Settings]) -> None:
    async with listing({"data": [{"id": "unheard-of-9"}]}) as url:
        state, found, advice = (await states(settings, url, model="unheard-of-9"))["openai"]
        assert (state, "no price is known" in found) == ("fix", True)
        assert "ai.providers.openai.price_in" in advice
        priced = await states(settings, url, model="unheard-of-9", price_in=1, price_out=2)
        assert priced["openai"][0] == "ok"


def test_old_prices_and_near_ends_are_told_without_asking(settings: Callable[..., Settings]) -> None:
    ends = {"openai": {"ends": TODAY + timedelta(days=30)}}
    chosen = settings(ai={"providers": ends, "prices_reviewed": TODAY - timedelta(days=100)})
    told = {s.name: s for s in dated(chosen, TODAY)}
    assert told["openai"].advice == "change ai.providers.openai.model"
    assert told["prices"].found.startswith("looked at 100 days ago")
    long_ago = settings(ai={"providers": {"gemini": {"reviewed": TODAY - timedelta(days=100)}}})
    (old,) = dated(long_ago, TODAY)
    assert (old.name, old.state, old.advice) == ("gemini", "note", "review ai.providers.gemini.model and reviewed")
    assert dated(settings(), TODAY) == []


def abstention(code: str, **values: str) -> Opinion:
    return Opinion(
        opinion_id="1", ticker="PETR4", provider="openai", model="gpt-4o", model_asked="gpt-4o",
        status=OpinionStatus.UNAVAILABLE, reason="HTTP 404: gone", reason_code=code, reason_values=values,
        prompt_hash="p", data_hash="d", asked_at=datetime.now(UTC), seconds=1,
    )  # fmt: skip


def test_a_retired_model_is_said_in_the_reports_language_with_what_to_change() -> None:
    gone = abstention("model_gone", detail="HTTP 404")
    portuguese, english = (reason_text(gone, locale_of(language)) for language in ("pt-BR", "en"))
    assert portuguese == (
        "o modelo gpt-4o não existe mais ou não está disponível (HTTP 404): mude ai.providers.openai.model"
    )
    assert english.startswith("the model gpt-4o is retired or not available")


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_reason_has_words_in_both_languages(language: str) -> None:
    from typing import get_args

    from invest.ai.errors import ReasonCode

    texts = words_of(language).texts
    assert [code for code in get_args(ReasonCode) if f"reason.{code}" not in texts] == []
    for code in get_args(ReasonCode):
        assert "{" not in reason_text(abstention(code), locale_of(language))
