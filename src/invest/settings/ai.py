"""The AIs and what they may spend."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from invest.settings.section import Section

BATCHING = ("openai", "anthropic", "gemini")
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ProviderSettings(Section):
    """One AI: `kind` is its wire format, `vendor` who made the model, `ends` the day its vendor shuts it down."""

    enabled: bool = False
    kind: Literal["openai", "anthropic", "gemini", "openai_compatible", "rules"]
    model: str = ""
    vendor: str | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    timeout: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, ge=1)
    effort: Effort | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    extra_body: dict[str, Any] = Field(default_factory=dict)
    requests_per_minute: float | None = Field(default=None, gt=0)
    price_in: float | None = Field(default=None, ge=0)
    price_out: float | None = Field(default=None, ge=0)
    stream: bool = False
    batch: bool = False
    reviewed: date | None = None
    ends: date | None = None

    @model_validator(mode="after")
    def has_model(self) -> ProviderSettings:
        """Require a model where no list of the server's own gives one."""
        if "model" not in self.model_fields_set and self.kind != "openai_compatible":
            raise ValueError(f"model: give the vendor's id; only openai_compatible can do without, this is {self.kind}")
        return self

    @model_validator(mode="after")
    def has_both_prices(self) -> ProviderSettings:
        """Refuse half a price: the other half would be free."""
        if (self.price_in is None) != (self.price_out is None):
            absent = "price_in" if self.price_in is None else "price_out"
            raise ValueError(f"{absent}: price_in and price_out belong together; 0 where one of them is free")
        return self

    @model_validator(mode="after")
    def can_batch(self) -> ProviderSettings:
        """Refuse batches where the vendor's format has none."""
        if self.batch and self.kind not in BATCHING:
            raise ValueError(f"batch: only providers of kind {', '.join(BATCHING)} take batches, this is {self.kind}")
        return self


class PriceSettings(Section):
    """What one model costs: US$ per million tokens."""

    price_in: float = Field(ge=0)
    price_out: float = Field(ge=0)
    cached_in: float | None = Field(default=None, ge=0)


class AiSettings(Section):
    """The analysts and what they may spend."""

    quorum: int = Field(default=2, ge=1)
    timeout: float = Field(default=180, gt=0)
    retries: int = Field(default=2, ge=0)
    concurrency: int = Field(default=6, ge=1)
    max_tokens: int = Field(default=16_000, ge=1)
    daily_budget_usd: float = Field(default=10, ge=0)
    cache_hours: float = 24
    counter_argument: bool = False
    blind_run: bool = True
    nightly: tuple[str, ...] = ()
    batch_hours: float = Field(default=8, gt=0, le=24)
    prices_reviewed: date | None = None
    prices: dict[str, PriceSettings] = Field(default_factory=dict)
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
