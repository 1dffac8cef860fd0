"""Upstreams and the HTTP client that asks them."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from invest.settings.section import Section


class HttpSettings(Section):
    """The one client for upstreams."""

    user_agent: str = "invest/0.1"
    connect_timeout: float = 5
    read_timeout: float = 20
    zip_timeout: float = 120
    max_json_bytes: int = 10_000_000
    max_rss_bytes: int = 5_000_000
    max_zip_bytes: int = 64_000_000
    max_zip_ratio: int = 200
    retries: int = Field(default=3, ge=0)
    backoff: float = 0.5
    max_retry_after: float = 3600
    breaker_failures: int = 5
    breaker_open: float = 60
    breaker_open_max: float = 1800
    cache_days: float = Field(default=30, ge=1)
    cache_max_bytes: int = Field(default=4_000_000_000, ge=0)


class SourceSettings(Section):
    """One upstream: its address, rank, and how hard it may be asked."""

    enabled: bool = False
    base_url: str = ""
    token: SecretStr | None = None
    rank: int = 50
    official: bool = False
    rate: float = Field(default=1, gt=0)
    burst: int = Field(default=1, ge=1)
    concurrency: int = Field(default=1, ge=1)
    monthly_budget: int | None = None
    batch: int = Field(default=1, ge=1)
    history_range: str = "3mo"
    event_turns: int = Field(default=1, ge=1)
    feeds: dict[str, str] = Field(default_factory=dict)

    @field_validator("feeds")
    @classmethod
    def _with_an_address(cls, feeds: dict[str, str]) -> dict[str, str]:
        """Without those whose address is empty: so a user's file turns off a feed of the defaults."""
        return {name: address for name, address in feeds.items() if address}
