"""Redis and PostgreSQL."""

from __future__ import annotations

import re
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from invest.settings.section import Section

PREFIX_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,38}[A-Za-z0-9])?")


HOME: Final = "home"  # the cell that `[redis]` itself names
CELL_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")


def _prefix_name(given: str) -> str:
    name = given.removesuffix(":").removeprefix("{").removesuffix("}")
    if name and not PREFIX_NAME.fullmatch(name):
        raise ValueError("expected up to 40 letters, digits, '.', '_', ':' and '-', such as invest:prod")
    return name


class CellSettings(Section):
    """One more prefix that jobs are spread over, on the same server or another."""

    url: SecretStr | None = None
    prefix: str

    _a_name = field_validator("prefix")(_prefix_name)


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

    cells: dict[str, CellSettings] = Field(default_factory=dict)
    spread: Literal["queue", "owner"] = "queue"
    cell: str = ""

    _a_name = field_validator("prefix")(_prefix_name)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        places = [(self.url, self.prefix), *((one.url or self.url, one.prefix) for one in self.cells.values())]
        if self.cells and not all(prefix for _, prefix in places):
            raise ValueError("with redis.cells each cell needs a prefix, that of [redis] too")
        if len(set(places)) < len(places):
            raise ValueError("two of redis.cells have one prefix on one server: they would be the same")
        wrong = [name for name in self.cells if name == HOME or not CELL_NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"redis.cells: {wrong[0]!r} is no name for one: small letters, digits, '-'; not {HOME!r}")
        if self.cell not in ("", HOME, *self.cells):
            known = ", ".join((HOME, *self.cells))
            raise ValueError(f"redis.cell: there is no cell {self.cell!r}; there are {known}")
        return self

    @property
    def here(self) -> RedisSettings:
        """These settings as those of the cell of this process."""
        one = self.cells.get(self.cell)
        return self if one is None else self.model_copy(update={"url": one.url or self.url, "prefix": one.prefix})

    @property
    def tag(self) -> str:
        """What all keys begin with: ``{prefix}:``, whose braces make them one slot of a cluster; or nothing."""
        return f"{{{self.prefix}}}:" if self.prefix else ""


class DatabaseSettings(Section):
    """Where PostgreSQL is, the size of the pool, and its time limits."""

    url: SecretStr | None = None
    replica_url: SecretStr | None = None
    replica_lag: float = Field(default=2.0, gt=0, le=60)
    pool_min: int = Field(default=1, ge=0)
    pool_max: int = Field(default=4, ge=1)
    acquire_timeout: float = Field(default=10, gt=0)
    command_timeout: float = Field(default=60, gt=0)
    statement_timeout_ms: int = Field(default=60_000, ge=0)
    lock_timeout_ms: int = Field(default=10_000, ge=0)
    idle_in_transaction_timeout_ms: int = Field(default=60_000, ge=0)
    statement_cache_size: int = Field(default=256, ge=0)
    patience: float = Field(default=10, ge=0, le=300)
