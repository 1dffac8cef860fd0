"""Servers and settings for the verbs: what is missing is started or attached to.

Verbs beside `invest run --sandbox` read the sandbox that it runs: its database must not mix generated data with those
of live upstreams, and its "today" is the sandbox's day.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from invest.processes import PARENT, end_with_parent, named_parent

if TYPE_CHECKING:
    from invest.settings import Settings

SANDBOX_FILE = "sandbox.json"  # in the data folder, while `invest run --sandbox` runs there


def settings_here(**overrides: object) -> Settings:
    """The settings, with the sandbox of a platform that runs in the data folder where they name none themselves."""
    from invest.settings import load

    settings = load(**overrides)
    if settings.sandbox or settings.as_of is not None:
        return settings
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads((settings.data_dir / SANDBOX_FILE).read_bytes())
        os.kill(kept["owner"], 0)
        return load(**overrides, sandbox_url=kept["url"], as_of=kept["as_of"])
    return settings


@contextlib.contextmanager
def sandbox_named(settings: Settings) -> Iterator[None]:
    """Let verbs of the same data folder find the sandbox of `settings` while this runs."""
    from invest.local import data_folder, write_private

    file = data_folder(settings.data_dir) / SANDBOX_FILE
    assert settings.as_of is not None
    kept = {"owner": os.getpid(), "url": settings.sandbox_url, "as_of": settings.as_of.isoformat()}
    draft = file.with_suffix(".new")
    write_private(draft, json.dumps(kept))
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def local_settings(*, beside: bool = True, **overrides: object) -> Iterator[Settings]:
    """The settings of this process with working addresses of Redis and PostgreSQL.

    `beside`: with the sandbox of a platform that runs in the same data folder.
    """
    from invest.settings import load

    end_with_parent()
    settings = settings_here(**overrides) if beside else load(**overrides)
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
