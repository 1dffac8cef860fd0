"""Redis and PostgreSQL."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from invest.settings.section import Section


class RedisSettings(Section):
    """Where Redis is, and how long to wait for it."""

    url: SecretStr | None = None
    max_connections: int = Field(default=50, ge=4)
    socket_timeout: float = Field(default=15, gt=0)
    connect_timeout: float = Field(default=5, gt=0)
    ssl_cert_reqs: Literal["none", "optional", "required"] = "required"
    allow_eviction: bool = False


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
