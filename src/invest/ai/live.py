"""Ask the vendors themselves: is the model still there, when does it end, is its price known, does it answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

import aiohttp

from invest.ai.analysts import Analysts
from invest.ai.calls import Endpoint, ListedModel, ceiling, listed_models, open_session
from invest.ai.errors import CallFailed
from invest.ai.providers import endpoint_of, missing, price_list
from invest.ai.wires import Question
from invest.domain.opinions import OpinionStatus, Snapshot, SnapshotFact, undated
from invest.settings import ProviderSettings, Settings

SOON = timedelta(days=90)  # before a model's end: time to choose another
OLD_PRICES = OLD_MODELS = timedelta(days=90)
State = Literal["ok", "note", "fix", "unreachable"]


@dataclass(frozen=True, slots=True)
class VendorState:
    """One AI as its vendor tells it: what was found, and the setting to change."""

    name: str
    state: State
    found: str
    advice: str = ""


async def ask_vendors(settings: Settings, *, spend: bool = False) -> list[VendorState]:
    """The state of every enabled AI; with `spend` each is asked one small structured question, which costs money."""
    names = [name for name, given in settings.ai.providers.items() if given.enabled and given.kind != "rules"]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(4))
        analysts = await stack.enter_async_context(Analysts.open(settings)) if spend else None
        return list(await asyncio.gather(*(_one(settings, name, session, analysts) for name in names)))


async def _one(settings: Settings, name: str, session: aiohttp.ClientSession, analysts: Analysts | None) -> VendorState:
    given = settings.provider(name)
    if gone := missing(name, given):
        return VendorState(name, "note", gone.reason, f"set {gone.setting}")
    endpoint = endpoint_of(given)
    try:
        models = await listed_models(session, endpoint)
    except CallFailed as error:
        key = "the key" if error.code == "key_refused" else f"ai.providers.{name}.base_url"
        return VendorState(name, "fix", f"its list of models: {error.reason}", f"check {key}")
    except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
        where = f"check ai.providers.{name}.base_url and the network"
        return VendorState(name, "unreachable", f"no answer ({type(error).__name__})", where)
    verdict = judged(name, given, models, datetime.now(UTC).date())
    if verdict.state == "fix":
        return verdict
    if (priced := _priced(settings, name, given, endpoint)) is not None:
        return priced
    return await _answered(verdict, analysts) if analysts is not None else verdict


def judged(name: str, given: ProviderSettings, models: Sequence[ListedModel], today: date) -> VendorState:
    """Whether a vendor still lists the model that is set, and when it ends."""
    setting = f"ai.providers.{name}.model"
    known = {model.id.rpartition("/")[2]: model for model in models} | {model.id: model for model in models}
    aliases = {undated(model.id): model for model in models}  # an alias stands for the newest snapshot
    model = known.get(given.model) or known.get(given.model.rpartition("/")[2]) or aliases.get(undated(given.model))
    if not given.model:
        listed = ", ".join(m.id for m in models[:5]) or "none"
        return VendorState(name, "ok" if models else "fix", f"the server has: {listed}", f"name one in {setting}")
    if model is None and models:
        near = ", ".join(m.id for m in models[:8])
        return VendorState(name, "fix", f"{given.model} is not among the vendor's models", f"set {setting}: {near}")
    ends = (model.ends if model else None) or given.ends
    if ends is not None and ends <= today + SOON:
        verb = "ended" if ends <= today else "ends"
        return VendorState(
            name, "fix" if ends <= today else "note", f"{given.model} {verb} on {ends}", f"change {setting}"
        )
    until = f", ends on {ends}" if ends else ""
    found = f"{given.model} is there{until}" if model else f"{given.model}: the server lists no models"
    return VendorState(name, "ok", found)


def _priced(settings: Settings, name: str, given: ProviderSettings, endpoint: Endpoint) -> VendorState | None:
    """What is wrong with the price of the model; None where it is known."""
    question = Question("", "", None, 1)
    if ceiling(question, endpoint, datetime.now(UTC), price_list(settings, given)) is not None:
        return None
    setting = f"ai.providers.{name}.price_in and price_out"
    state: State = "fix" if settings.ai.daily_budget_usd else "note"
    return VendorState(
        name, state, f"no price is known for {given.model}: it is not asked under a budget", f"set {setting}"
    )


async def _answered(state: VendorState, analysts: Analysts) -> VendorState:
    opinion = await analysts.ask_one(state.name, _small())
    if not opinion.valid and opinion.status is not OpinionStatus.ABSTAINED:  # "too few facts" is an answer
        return VendorState(
            state.name, "fix", f"{state.found}; asked: {opinion.reason}", f"see ai.providers.{state.name}"
        )
    cost = opinion.cost_usd if opinion.cost_usd is not None else Decimal(0)
    found = (
        f"{state.found}; answered in {opinion.seconds:.1f} s for US$ {cost:.4f} ({opinion.price_version or 'no price'})"
    )
    return VendorState(state.name, state.state, found, state.advice)


def _small() -> Snapshot:
    """A question of a few facts: enough for an answer in the whole structure."""
    facts = (
        ("close", 38.0, "BRL"),
        ("p_l", 4.5, "x"),
        ("p_vp", 1.1, "x"),
        ("roe", 0.24, "fraction"),
        ("net_margin", 0.18, "fraction"),
        ("dividend_yield", 0.11, "fraction"),
        ("net_debt_ebitda", 1.4, "x"),
        ("volatility_1y", 0.31, "fraction"),
    )
    return Snapshot(
        ticker="PETR4",
        name=None,
        kind="stock",
        sector=None,
        as_of=datetime.now(UTC).date(),
        facts=tuple(SnapshotFact(id=f"f{i}", key=k, value=v, unit=u) for i, (k, v, u) in enumerate(facts, 1)),
        base_rate_180d=0.5,
        language="en",
    )


def dated(settings: Settings, today: date) -> list[VendorState]:
    """What the settings themselves tell of age: defaults that end soon, ids and prices nobody looked at for long."""
    found = []
    for name, given in settings.ai.providers.items():
        if given.enabled and given.ends is not None and given.ends <= today + SOON:
            verb = "ended" if given.ends <= today else "ends"
            state: State = "fix" if given.ends <= today else "note"
            setting = f"change ai.providers.{name}.model"
            found.append(VendorState(name, state, f"{given.model} {verb} on {given.ends}", setting))
        if given.enabled and given.reviewed is not None and today - given.reviewed > OLD_MODELS:
            age, setting = (today - given.reviewed).days, f"ai.providers.{name}.model and reviewed"
            found.append(VendorState(name, "note", f"{given.model} was looked up {age} days ago", f"review {setting}"))
    reviewed = settings.ai.prices_reviewed
    if reviewed is not None and today - reviewed > OLD_PRICES:
        age = (today - reviewed).days
        found.append(VendorState("prices", "note", f"looked at {age} days ago ({reviewed})", "review [ai.prices]"))
    return found
