"""Guard of outgoing requests: allow-listed hosts at public addresses (the sandbox excepted).

A resolver alone is not enough: aiohttp does not ask it for literal addresses, and `is_global` is true for addresses
that carry a private one inside (IPv4-mapped, 6to4, NAT64, Teredo), so those are unwrapped first.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from invest.domain.addresses import is_public


class PrivateAddress(OSError):
    """A name or literal that leads into a private network."""


def literal(host: str) -> str | None:
    """`host` as an address where it is one in any spelling a socket accepts (127.1, 0x7f000001), else None."""
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare.split("%", 1)[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare)) if bare[:1].isdigit() else None
    except OSError:
        return None


def refusal(url: URL, allowed: Collection[str], trusted: Collection[str]) -> str | None:
    """Why `url` may not be asked, or None. `allowed`: hosts of the source; `trusted`: host:port of the sandbox."""
    host = (url.host or "").rstrip(".").lower()
    if url.user or url.password:
        return "an address with a user name"
    if f"{host}:{url.port}" in trusted:
        return None if url.scheme in ("http", "https") else f"scheme {url.scheme!r}"
    if url.scheme != "https":
        return f"scheme {url.scheme!r}, only https is asked"
    if host not in allowed:
        return f"host {host!r} is not among those of this source"
    address = literal(host)
    if address is not None and not is_public(address):
        return f"{host} is not a public address"
    return None


class PublicResolver(AbstractResolver):
    """Resolves names and refuses those that lead to a private address; the `trusted` names are let through."""

    def __init__(self, trusted: Collection[str]) -> None:
        self._inner = DefaultResolver()
        self._trusted = frozenset(entry.rpartition(":")[0] for entry in trusted)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of `host`. Raises `PrivateAddress` where any of them is private (two-answer DNS included)."""
        found = await self._inner.resolve(host, port, family)
        if host not in self._trusted and not all(is_public(entry["host"]) for entry in found):
            raise PrivateAddress(f"{host} resolves to a private address")
        return found

    async def close(self) -> None:
        """Close the resolver beneath."""
        await self._inner.close()
