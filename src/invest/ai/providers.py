"""From settings to the terms of one provider: address, wire, vendor, prices; and why one cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from invest.ai.calls import Endpoint, Price, PriceList, Terms, bare, is_azure, maker_named, maker_of
from invest.ai.errors import ReasonCode
from invest.ai.wires import Anthropic, Gemini, OpenAIChat, OpenAIResponses, Wire
from invest.domain.opinions import RULES
from invest.settings import ProviderSettings, Settings

BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
}
KEY_NAMES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
_OWN_MAKER = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "rules": RULES}


class Missing(NamedTuple):
    """Why a provider is not asked, and the setting that would change it."""

    reason: str
    code: ReasonCode
    setting: str


def missing(name: str, given: ProviderSettings) -> Missing | None:
    """What the provider `name` lacks; None where it can be asked."""
    if not given.enabled:
        setting = f"ai.providers.{name}.enabled"
        return Missing(f"disabled ({setting})", "disabled", setting)
    if given.kind == "openai_compatible" and not given.base_url:
        setting = f"ai.providers.{name}.base_url"
        return Missing(f"no address ({setting})", "no_address", setting)
    if given.kind in KEY_NAMES and not (given.api_key and given.api_key.get_secret_value().strip()):
        usual = KEY_NAMES[given.kind] if name == given.kind else f"INVEST_AI__PROVIDERS__{name.upper()}__API_KEY"
        return Missing(f"no key ({usual})", "no_key", usual)
    return None


def terms_of(settings: Settings, name: str) -> Terms:
    """How the provider `name` is asked."""
    given = settings.provider(name)
    return Terms(
        provider=name,
        vendor=vendor_of(name, given),
        vendor_set=given.vendor is not None,
        endpoint=endpoint_of(given),
        timeout=given.timeout or settings.ai.timeout,
        retries=settings.ai.retries,
        max_tokens=given.max_tokens or settings.ai.max_tokens,
        prices=price_list(settings, given),
        effort=given.effort,
        batch=given.batch,
        news_run=settings.ai.blind_run,
        sandbox=settings.sandbox,
    )


def endpoint_of(given: ProviderSettings) -> Endpoint:
    """Where and in which format `given` is asked."""
    base_url = (given.base_url or BASE_URLS.get(given.kind, "")).strip()
    return Endpoint(
        wire_of(given.kind, base_url),
        base_url,
        given.model,
        given.api_key.get_secret_value().strip() if given.api_key else "",
        stream=given.stream,
        extra_headers={header: value.get_secret_value() for header, value in given.headers.items()},
        extra_body=given.extra_body,
    )


def wire_of(kind: str, base_url: str) -> Wire:
    """The wire format of a kind of provider at an address."""
    azure = _azure(base_url)
    wires: dict[str, Callable[[], Wire]] = {
        "openai": lambda: OpenAIResponses(azure=azure),
        "anthropic": Anthropic,
        "gemini": Gemini,
        "openai_compatible": lambda: OpenAIChat(azure=azure),
    }
    return wires[kind]()


def vendor_of(name: str, given: ProviderSettings) -> str:
    """Who made the model: as set, else as its id tells, else the maker whose own API it is, else the model itself."""
    if given.vendor:
        return maker_named(given.vendor)
    return maker_of(given.model) or _OWN_MAKER.get(given.kind) or bare(given.model) or name


def price_list(settings: Settings, given: ProviderSettings) -> PriceList:
    """The prices of the settings for one provider: its own, or those by model."""
    models = {bare(model): _price(p.price_in, p.price_out, p.cached_in) for model, p in settings.ai.prices.items()}
    reviewed = settings.ai.prices_reviewed.isoformat() if settings.ai.prices_reviewed else ""
    fixed = None
    if given.price_in is not None or given.price_out is not None:
        fixed = _price(given.price_in or 0.0, given.price_out or 0.0, None)
    return PriceList(models, reviewed, fixed)


def _price(given: float, taken: float, cached: float | None) -> Price:
    return Price(Decimal(str(given)), Decimal(str(taken)), None if cached is None else Decimal(str(cached)))


def _azure(base_url: str) -> bool:
    try:
        return is_azure(base_url)
    except ValueError:  # no address at all: asking it will say so
        return False
