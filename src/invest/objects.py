"""The object store: bytes that all machines of a deployment share, by name.

S3 and what speaks like it, Google Cloud Storage, Azure, or a folder that all of them mount (``file://``). Bytes are
named by their SHA-256, or kept with it, and checked when they are read: what is cut or changed counts as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import structlog

from invest.errors import ConfigError, ServerAway
from invest.extras import require
from invest.settings import Settings

log = structlog.get_logger("invest.objects")
PAYLOADS: Final = "payloads/"  # + SHA-256 of a source's bytes
NOTES: Final = "sources/"  # + digest of an address: what was last read from it
EXPORTS: Final = "exports/"  # + file name of a report
CHUNK: Final = 1 << 20
PROBE: Final = "ready"  # asked for by `ready`; need not exist


class Objects:
    """One store, under the path of its address."""

    def __init__(self, store: Any, shown: str) -> None:
        self._store = store
        self._obstore = require("objects", "obstore", "an object store")
        self._base = self._obstore.exceptions.BaseError
        self.shown = shown

    async def get(self, name: str, sha256: str | None = None) -> bytes | None:
        """The bytes of `name`; None where there are none, or none with that hash. Raises `ServerAway`."""
        try:
            found = await self._obstore.get_async(self._store, name)
            body = bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (self._base, OSError) as error:
            raise self._away(error) from error
        if sha256 is not None and hashlib.sha256(body).hexdigest() != sha256:
            log.error("object is not what its name says: taken for missing", name=name, size=len(body))
            return None
        return body

    async def get_file(self, name: str, target: Path, sha256: str) -> bool:
        """Write the bytes of `name` to `target`, whole and checked, or not at all. Raises `ServerAway`, `OSError`."""
        partial, digest = target.with_name(f".{target.name}.{uuid4().hex[:8]}"), hashlib.sha256()
        try:
            with partial.open("wb") as file:
                try:
                    found = await self._obstore.get_async(self._store, name)
                    async for chunk in found.stream(min_chunk_size=CHUNK):
                        digest.update(chunk)
                        file.write(chunk)
                except FileNotFoundError:
                    return False
                except self._base as error:
                    raise self._away(error) from error
            if digest.hexdigest() != sha256:
                log.error("object is not what its name says: taken for missing", name=name)
                return False
            partial.replace(target)
            return True
        finally:
            partial.unlink(missing_ok=True)

    async def put(self, name: str, body: bytes | Path) -> None:
        """Keep bytes, or those of a file, under `name`; readers see all of them or none. Raises `ServerAway`."""
        try:
            await self._obstore.put_async(self._store, name, body)
        except (self._base, OSError) as error:
            raise self._away(error) from error

    async def has(self, name: str, size: int | None = None) -> bool:
        """Whether there is an object of that name (and size). Raises `ServerAway`."""
        try:
            found = await self._obstore.head_async(self._store, name)
        except FileNotFoundError:
            return False
        except (self._base, OSError) as error:
            raise self._away(error) from error
        return size is None or int(found["size"]) == size

    async def names(self, folder: str) -> dict[str, tuple[int, float]]:
        """Names below `folder`: sizes, and when they were written (seconds since 1970). Raises `ServerAway`."""
        found: dict[str, tuple[int, float]] = {}
        try:
            async for page in self._obstore.list(self._store, folder.rstrip("/")):
                for one in page:
                    found[one["path"].removeprefix(folder)] = (int(one["size"]), one["last_modified"].timestamp())
        except FileNotFoundError:
            return {}
        except (self._base, OSError) as error:
            raise self._away(error) from error
        return found

    async def delete(self, *names: str) -> None:
        """Remove objects; those that are gone already do not matter. Raises `ServerAway`."""
        for name in names:
            try:
                with contextlib.suppress(FileNotFoundError):
                    await self._obstore.delete_async(self._store, name)
            except (self._base, OSError) as error:
                raise self._away(error) from error

    async def ready(self) -> None:
        """Whether it answers. Raises `ServerAway`."""
        await self.has(PROBE)

    def address(self, name: str) -> str:
        """Where an object is, for people."""
        return f"{self.shown}/{name}"

    def _away(self, error: Exception) -> ServerAway:
        reason = str(error).strip().partition("\n")[0][:200]
        return ServerAway(f"the object store {self.shown} does not answer: {reason}", server="the object store")


def open_objects(settings: Settings) -> Objects | None:
    """The store that the settings name; None without one. Raises `ConfigError` in one line."""
    given = settings.objects
    if not given.url:
        return None
    options = tuple(sorted((name, value.get_secret_value()) for name, value in given.options.items()))
    url = given.url.rstrip("/") + ("/sandbox" if settings.sandbox else "")
    return _opened(url, options, given.timeout, os.getpid())


@cache
def _opened(url: str, options: tuple[tuple[str, str], ...], timeout: float, process: int) -> Objects:
    """One client per process: it holds connections."""
    obstore = require("objects", "obstore", f"the object store {url.partition('://')[0]}")
    more: dict[str, Any] = {"mkdir": True} if url.startswith("file://") else _limits(url, options, timeout)
    try:
        return Objects(obstore.store.from_url(url, **more), url)
    except (obstore.exceptions.BaseError, ValueError, OSError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise ConfigError(f"objects.url {url}: {reason}; expected s3://, gs://, az:// or file://") from None


def _limits(url: str, options: tuple[tuple[str, str], ...], timeout: float) -> dict[str, Any]:
    seconds = timedelta(seconds=timeout)
    plain = any(name.endswith("endpoint") and value.startswith("http://") for name, value in options)
    client = {"connect_timeout": timedelta(seconds=min(timeout, 5)), "timeout": seconds, "allow_http": plain}
    retry = {"max_retries": 3, "retry_timeout": seconds}
    return {"config": dict(options), "client_options": client, "retry_config": retry}
