"""The AIs and what they may spend."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from invest.settings.section import Section


class ProviderSettings(Section):
    """One AI."""

    enabled: bool = False
    kind: Literal["openai", "anthropic", "gemini", "openai_compatible", "rules"]
    model: str
    base_url: str | None = None
    api_key: SecretStr | None = None
    timeout: float | None = None
    max_tokens: int | None = None
    stream: bool = False


class AiSettings(Section):
    """The analysts and what they may spend."""

    quorum: int = Field(default=2, ge=1)
    timeout: float = 60
    retries: int = Field(default=2, ge=0)
    concurrency: int = Field(default=6, ge=1)
    max_tokens: int = 4000
    daily_budget_usd: float = 10
    cache_hours: float = 24
    counter_argument: bool = False
    blind_run: bool = True
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
