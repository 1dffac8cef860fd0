"""One frozen tree of settings: defaults < settings.toml < .env < environment.

`INVEST_` + the path with ``__`` sets any of them (``INVEST_AI__QUORUM=3``). ``REDIS_URL``, ``DATABASE_URL``, ``PORT``,
``BRAPI_TOKEN`` and the AIs' usual key names are understood as well. Unknown names are refused, so a typo is seen.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from invest.errors import ConfigError

PREFIX = "INVEST_"
# Where settings.toml and the recorded payloads are, and who supervises this process.
NOT_SETTINGS = frozenset({"INVEST_SETTINGS", "INVEST_SAMPLES", "INVEST_PARENT"})
# Names a platform sets, and the setting each stands for; the first one present wins.
WELL_KNOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("REDIS_URL", ("redis", "url")),
    ("DATABASE_URL", ("database", "url")),
    ("PORT", ("web", "port")),
    ("BRAPI_TOKEN", ("sources", "brapi", "token")),
    ("SMTP_URL", ("delivery", "smtp_url")),
    ("WEBHOOK_SECRET", ("delivery", "webhook_secret")),
    ("OPENAI_API_KEY", ("ai", "providers", "openai", "api_key")),
    ("ANTHROPIC_API_KEY", ("ai", "providers", "anthropic", "api_key")),
    ("GEMINI_API_KEY", ("ai", "providers", "gemini", "api_key")),
    ("GOOGLE_API_KEY", ("ai", "providers", "gemini", "api_key")),
)


class Section(BaseModel):
    """Base of the nested sections."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RedisSettings(Section):
    """Where Redis is, and how long to wait for it."""

    url: SecretStr | None = None
    max_connections: int = Field(default=50, ge=4)
    socket_timeout: float = Field(default=15, gt=0)
    connect_timeout: float = Field(default=5, gt=0)
    ssl_cert_reqs: Literal["none", "optional", "required"] = "required"


class DatabaseSettings(Section):
    """Where PostgreSQL is, the size of the pool, and its time limits."""

    url: SecretStr | None = None
    pool_min: int = Field(default=1, ge=0)
    pool_max: int = Field(default=4, ge=1)
    acquire_timeout: float = Field(default=10, gt=0)
    command_timeout: float = Field(default=60, gt=0)
    statement_timeout_ms: int = Field(default=60_000, ge=0)
    lock_timeout_ms: int = Field(default=10_000, ge=0)
    idle_in_transaction_timeout_ms: int = Field(default=60_000, ge=0)
    statement_cache_size: int = Field(default=256, ge=0)
    patience: float = Field(default=10, ge=0, le=300)


class EngineSettings(Section):
    """Limits of the job engine."""

    result_ttl: int = Field(default=3600, ge=1)
    lease: float = Field(default=10, ge=0.5)
    grace: float = Field(default=25, ge=0)
    max_argument_bytes: int = 262_144
    max_result_bytes: int = 1_048_576
    max_jobs: int = Field(default=1000, ge=0)
    unknown_job_wait: float = 600


class QueueSettings(Section):
    """How many jobs of a queue one process runs at once."""

    concurrency: int = Field(default=10, ge=1)


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
    feeds: dict[str, str] = Field(default_factory=dict)


class ProviderSettings(Section):
    """One AI."""

    enabled: bool = False
    kind: Literal["openai", "anthropic", "gemini", "openai_compatible", "rules"]
    model: str
    vendor: str | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    timeout: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, ge=1)
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    extra_body: dict[str, Any] = Field(default_factory=dict)
    requests_per_minute: float | None = Field(default=None, gt=0)
    price_in: float | None = Field(default=None, ge=0)
    price_out: float | None = Field(default=None, ge=0)
    stream: bool = False
    reviewed: date | None = None
    ends: date | None = None


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
    prices_reviewed: date | None = None
    prices: dict[str, PriceSettings] = Field(default_factory=dict)
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)


class DeliverySettings(Section):
    """Where finished reports are sent."""

    smtp_url: SecretStr | None = None
    mail_from: str = ""
    mail_to: list[str] = Field(default_factory=list)
    webhook_url: str = ""
    webhook_secret: SecretStr | None = None
    timeout: float = Field(default=20, gt=0)


class WebSettings(Section):
    """The HTTP door."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    max_body_bytes: int = 1_000_000
    max_file_bytes: int = 10_000_000
    auth: Literal["auto", "on", "off"] = "auto"
    rate_limit: float = Field(default=50, gt=0)
    rate_burst: int = Field(default=500, ge=1)
    max_in_flight: int = Field(default=500, ge=1)
    cors_origins: list[str] = Field(default_factory=list)
    webhook_private: bool = False


class LoggingSettings(Section):
    """How logs look."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = "auto"


class WellKnownSource(PydanticBaseSettingsSource):
    """`WELL_KNOWN` names of one mapping (the environment, or .env) as a settings source."""

    def __init__(self, settings_cls: type[BaseSettings], names: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self.names = {name.upper(): value for name, value in names.items()}

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Unused: the tree is built in one go by `__call__`."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The nested tree of what the platform's names set; empty values count as unset."""
        tree: dict[str, Any] = {}
        for name, path in reversed(WELL_KNOWN):
            if value := self.names.get(name):
                node = tree
                for part in path[:-1]:
                    node = node.setdefault(part, {})
                node[path[-1]] = value
        return tree


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
    engine: EngineSettings = EngineSettings()
    queues: dict[str, QueueSettings] = Field(default_factory=dict)
    http: HttpSettings = HttpSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict)
    ai: AiSettings = AiSettings()
    delivery: DeliverySettings = DeliverySettings()
    web: WebSettings = WebSettings()
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
        toml = TomlConfigSettingsSource(settings_cls, toml_file=settings_file())
        in_file = dict(dotenv_settings.env_vars) if isinstance(dotenv_settings, DotEnvSettingsSource) else {}
        refuse_unknown([*os.environ, *in_file])
        if isinstance(dotenv_settings, DotEnvSettingsSource):  # .env is shared with other programs: ours alone are read
            dotenv_settings.env_vars = {k: v for k, v in in_file.items() if k.upper().startswith(PREFIX)}
        return (
            init_settings,
            env_settings,
            WellKnownSource(settings_cls, os.environ),
            dotenv_settings,
            WellKnownSource(settings_cls, in_file),
            toml,
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
        """Settings of one upstream; in the sandbox its base URL is ``<sandbox>/<name>`` and its limits are lifted."""
        given = self.sources.get(name, SourceSettings())
        if not self.sandbox:
            return given
        root = self.sandbox_url.rstrip("/")
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


def settings_file() -> Path:
    """settings.toml: ``INVEST_SETTINGS``, the working directory's, or the one beside the source tree."""
    if named := os.environ.get("INVEST_SETTINGS"):
        return Path(named)
    here = Path("settings.toml")
    return here if here.exists() else Path(__file__).parents[2] / "settings.toml"


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise `ConfigError` for INVEST_ names that set nothing: a typo is seen, not silently ignored."""
    known = [PREFIX + "__".join(path).upper() for path in setting_paths(Settings)]
    wrong = []
    for name in sorted({n.upper() for n in names}):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and not _sets(name, known):
            hint = difflib.get_close_matches(name, known, n=1)
            wrong.append(f"{name} sets nothing" + (f" (did you mean {hint[0]}?)" if hint else ""))
    if wrong:
        raise ConfigError(f"settings: {'; '.join(wrong)}")


def _sets(name: str, known: Iterable[str]) -> bool:
    parts = name.split("__")
    for candidate in known:
        pattern = candidate.split("__")[: len(parts)]
        if len(pattern) == len(parts) and all(p in ("*", part) for p, part in zip(pattern, parts, strict=True)):
            return True
    return False


def setting_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The path of every setting; ``*`` stands for a name of the user's (a queue, a source, an AI)."""
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        prefix: tuple[str, ...] = (name,)
        if get_origin(kind) is dict:
            kind, prefix = get_args(kind)[1], (name, "*")
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from ((*prefix, *rest) for rest in setting_paths(kind))
        else:
            yield prefix


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises `ConfigError` naming each wrong setting, its value hidden if secret."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors(include_url=False)]
        raise ConfigError("settings: " + "; ".join(lines)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"settings: {settings_file()} is not valid TOML: {error}") from None
    except (SettingsError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings: {error}") from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """`load()`, once per process."""
    return load()


def masked(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A dumped tree with every secret replaced by stars, for showing."""
    hide = "********"
    return {
        k: hide if isinstance(v, SecretStr) else masked(v) if isinstance(v, Mapping) else v for k, v in tree.items()
    }
