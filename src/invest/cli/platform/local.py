"""Servers and settings for the verbs: what is missing is started or attached to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from invest.processes import PARENT, end_with_parent, named_parent

if TYPE_CHECKING:
    from invest.settings import Settings


@contextlib.contextmanager
def local_settings(**overrides: object) -> Iterator[Settings]:
    """The settings of this process with working addresses of Redis and PostgreSQL."""
    from invest.settings import load

    end_with_parent()
    settings = load(**overrides)
    if settings.redis.url and settings.database.url:
        yield settings
        return
    from invest.local import ensure

    with ensure(settings) as ready:
        yield ready


def environment_of(settings: Settings) -> dict[str, str]:
    """What a child process needs in its environment to use the same servers and the same upstreams."""
    assert settings.redis.url is not None and settings.database.url is not None
    names = {
        "REDIS_URL": settings.redis.url.get_secret_value(),
        "DATABASE_URL": settings.database.url.get_secret_value(),
        PARENT: named_parent(),
    }
    if settings.redis.prefix:
        names["INVEST_REDIS__PREFIX"] = settings.redis.prefix
    if settings.sandbox:
        names["INVEST_SANDBOX_URL"] = settings.sandbox_url
    if settings.as_of:
        names["INVEST_AS_OF"] = settings.as_of.isoformat()
    return names
