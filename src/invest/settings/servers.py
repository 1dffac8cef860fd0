"""Redis and PostgreSQL."""

from __future__ import annotations

import re
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from invest.settings.section import Section

PREFIX_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,38}[A-Za-z0-9])?")


class RedisSettings(Section):
    """Where Redis is, and how long to wait for it."""

    url: SecretStr | None = None
    prefix: str = ""
    max_connections: int = Field(default=50, ge=4)
    socket_timeout: float = Field(default=15, gt=0)
    connect_timeout: float = Field(default=5, gt=0)
    ssl_cert_reqs: Literal["none", "optional", "required"] = "required"
    allow_eviction: bool = False
    replicas: int = Field(default=0, ge=0, le=5)
    replicas_timeout: float = Field(default=2.0, gt=0)

    @field_validator("prefix")
    @classmethod
    def _a_name(cls, given: str) -> str:
        name = given.removesuffix(":").removeprefix("{").removesuffix("}")
        if name and not PREFIX_NAME.fullmatch(name):
            raise ValueError("expected up to 40 letters, digits, '.', '_', ':' and '-', such as invest:prod")
        return name

    @property
    def tag(self) -> str:
        """What all keys begin with: ``{prefix}:``, whose braces make them one slot of a cluster; or nothing."""
        return f"{{{self.prefix}}}:" if self.prefix else ""


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
