"""A DATABASE_URL as platforms write it, turned into what asyncpg connects with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from invest.errors import ConfigError
from invest.settings import DatabaseSettings, Settings

SCHEMES = ("postgres", "postgresql")
# Marks other clients put into the query; PostgreSQL itself would refuse them as unknown parameters.
FOREIGN_PARAMETERS = frozenset({"pgbouncer", "connection_limit", "pool_timeout", "schema", "supa", "channel_binding"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where PostgreSQL is: `dsn` holds the password, `shown` never does."""

    dsn: str
    shown: str
    pooled: bool = False  # the URL says that pgbouncer sits in front


def parse_address(url: str) -> Address:
    """Understand ``postgres://``, ``postgresql://`` (also ``+driver``), socket hosts and encoded passwords.

    Raises `ConfigError` saying what is wrong; the message never holds the password.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # its message holds what stands between the brackets
        raise ConfigError("DATABASE_URL: the host is none; is a [ or ] in the password not %-encoded?") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme not in SCHEMES:
        raise ConfigError(f"DATABASE_URL: expected postgres:// or postgresql://, got {parts.scheme or 'no scheme'}://")
    try:
        port = parts.port
    except ValueError:
        raise ConfigError("DATABASE_URL: the port is no number; is a / @ or # in the password not %-encoded?") from None
    query = parse_qsl(parts.query, keep_blank_values=True)
    pooled = any(k == "pgbouncer" and v.lower() == "true" for k, v in query)
    kept = [(k, v) for k, v in query if k not in FOREIGN_PARAMETERS]
    dsn = f"postgresql://{parts.netloc}{parts.path}" + (f"?{urlencode(kept)}" if kept else "")
    socket = dict(kept).get("host")
    host = socket or unquote(parts.hostname or "localhost")
    where = f"{host}:{port or 5432}" if not host.startswith("/") else host
    return Address(dsn, f"{where}{unquote(parts.path) or '/'}", pooled)


def address_of(target: Settings | DatabaseSettings | str) -> Address:
    """The address in `target`. Raises `ConfigError` where none is set."""
    if isinstance(target, str):
        return parse_address(target)
    database = target.database if isinstance(target, Settings) else target
    if database.url is None:
        raise ConfigError("DATABASE_URL is not set: start with `invest run`, or name a server (postgresql://…)")
    return parse_address(database.url.get_secret_value())


def server_settings(database: DatabaseSettings) -> dict[str, str]:
    """Limits watched by the server, so that a lost client never holds a lock."""
    return {
        "application_name": "invest",
        "statement_timeout": str(database.statement_timeout_ms),
        "lock_timeout": str(database.lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(database.idle_in_transaction_timeout_ms),
        "timezone": "UTC",
        "jit": "off",  # compiling costs more than these statements take
    }


def behind_pooler(address: Address, database: DatabaseSettings) -> bool:
    """Whether a transaction pooler is in front: no prepared statements, limits set inside each transaction."""
    return address.pooled or database.statement_cache_size == 0


def connect_arguments(address: Address, database: DatabaseSettings) -> dict[str, Any]:
    """Keyword arguments of `asyncpg.connect`; poolers refuse start-up parameters, so they get none."""
    pooled = behind_pooler(address, database)
    return {
        "dsn": address.dsn,
        "timeout": database.acquire_timeout,
        "command_timeout": database.command_timeout,
        "statement_cache_size": 0 if pooled else database.statement_cache_size,
        "server_settings": {"application_name": "invest"} if pooled else server_settings(database),
    }
