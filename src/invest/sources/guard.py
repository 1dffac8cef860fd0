"""What may be connected to: allow-listed hosts at public addresses (the sandbox's own address excepted).

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

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
NOT_PUBLIC = (
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments: Python calls parts of it global
    ipaddress.ip_network("192.88.99.0/24"),  # old 6to4 relays
    ipaddress.ip_network("100.64.0.0/10"),  # carrier-grade NAT
    ipaddress.ip_network("::/96"),  # IPv4-compatible
)


class PrivateAddress(OSError):
    """A name or literal that leads into a private network."""


def unwrap(address: IpAddress) -> IpAddress:
    """The IPv4 address inside a mapped, 6to4, NAT64 or Teredo one; `address` itself otherwise."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in net for net in NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(text: str) -> bool:
    """Whether `text` is an address of the public internet. False for anything that is no address."""
    try:
        address = unwrap(ipaddress.ip_address(text.split("%", 1)[0]))
    except ValueError:
        return False
    blocked = any(address in net for net in NOT_PUBLIC if net.version == address.version)
    return address.is_global and not address.is_multicast and not blocked


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
