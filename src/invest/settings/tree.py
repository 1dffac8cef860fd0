"""One frozen tree of settings: the package's defaults < the user's settings.toml < .env < environment.

`INVEST_` + the path with ``__`` sets any of them (``INVEST_AI__QUORUM=3``). ``REDIS_URL``, ``DATABASE_URL``, ``PORT``,
``BRAPI_TOKEN`` and the AIs' usual key names are understood as well. Unknown names are refused, so a typo is seen."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from invest.settings.ai import AiSettings, ProviderSettings
from invest.settings.delivery import DeliverySettings
from invest.settings.engine import EngineSettings, QueueSettings
from invest.settings.environment import PREFIX, WellKnownSource, refuse_unknown
from invest.settings.files import defaults_file, settings_file
from invest.settings.objects import ObjectSettings
from invest.settings.servers import DatabaseSettings, RedisSettings
from invest.settings.sources import HttpSettings, SourceSettings
from invest.settings.web import LoggingSettings, QuotaSettings, WebSettings


class Settings(BaseSettings):
    """Every knob. Build it with `load()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
    )

    data_dir: Path = Path(".data")
    language: Literal["pt-BR", "en"] = "pt-BR"
    timezone: str = "America/Sao_Paulo"
    sandbox_url: str = ""
    as_of: AwareDatetime | None = None
    redis: RedisSettings = RedisSettings()
    database: DatabaseSettings = DatabaseSettings()
    objects: ObjectSettings = ObjectSettings()
    engine: EngineSettings = EngineSettings()
    queues: dict[str, QueueSettings] = Field(default_factory=dict)
    http: HttpSettings = HttpSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict)
    ai: AiSettings = AiSettings()
    delivery: DeliverySettings = DeliverySettings()
    web: WebSettings = WebSettings()
    quotas: QuotaSettings = QuotaSettings()
    logging: LoggingSettings = LoggingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, .env, settings.toml: the first that has a value wins; INVEST_ before the others."""
        files = dict.fromkeys(f for f in (settings_file(), defaults_file()) if f)  # one file in a checkout
        in_file = dict(dotenv_settings.env_vars) if isinstance(dotenv_settings, DotEnvSettingsSource) else {}
        refuse_unknown([*os.environ, *in_file], settings_cls)
        if isinstance(dotenv_settings, DotEnvSettingsSource):  # .env is shared with other programs: ours alone are read
            dotenv_settings.env_vars = {k: v for k, v in in_file.items() if k.upper().startswith(PREFIX)}
        return (
            init_settings,
            env_settings,
            WellKnownSource(settings_cls, os.environ),
            dotenv_settings,
            WellKnownSource(settings_cls, in_file),
            *(TomlConfigSettingsSource(settings_cls, toml_file=file) for file in files),
        )

    @property
    def sandbox(self) -> bool:
        """Whether upstreams and AIs are the sandbox, which stamps everything a person sees."""
        return bool(self.sandbox_url)

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of schedules and sessions."""
        return ZoneInfo(self.timezone)

    def now(self) -> datetime:
        """The market's "now" in UTC: the clock, or `as_of` where recorded data is replayed."""
        return self.as_of or datetime.now(UTC)

    def source(self, name: str) -> SourceSettings:
        """Settings of one upstream; in the sandbox its base URL is ``<sandbox>/<name>`` and its limits are lifted.

        One that the settings themselves point into the sandbox stays as they set it, limits and all.
        """
        given = self.sources.get(name, SourceSettings())
        root = self.sandbox_url.rstrip("/")
        if not self.sandbox or given.base_url.startswith(f"{root}/"):
            return given
        feeds = {k: f"{root}/rss/{k}" for k in given.feeds}
        return given.model_copy(
            update={
                "base_url": f"{root}/{name}",
                "feeds": feeds,
                "rate": 10_000.0,
                "burst": 10_000,
                "concurrency": 100,
                "monthly_budget": None,
                "batch": 20,
                "history_range": "10y",
                "token": SecretStr("sandbox"),
            }
        )

    def provider(self, name: str) -> ProviderSettings:
        """Settings of one AI; in the sandbox its base URL is ``<sandbox>/ai/<kind>`` and its key a dummy."""
        given = self.ai.providers[name]
        if not self.sandbox or given.kind == "rules":
            return given
        root = self.sandbox_url.rstrip("/")
        base = {"openai": f"{root}/ai/openai/v1", "openai_compatible": f"{root}/ai/compatible/v1"}
        url = base.get(given.kind, f"{root}/ai/{given.kind}")
        return given.model_copy(update={"base_url": url, "api_key": SecretStr("sandbox")})
