"""The address a request comes from: the peer's, or the one that a trusted proxy forwards."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from aiohttp import web

from invest.errors import ConfigError

FORWARDING = ("Forwarded", "Via", "X-Real-IP")  # and every X-Forwarded-*


class Networks:
    """Addresses and networks, such as ``10.0.0.0/8``. Raises `ConfigError` for what is neither."""

    def __init__(self, given: Sequence[str]) -> None:
        self._named = frozenset(given)
        try:
            self._networks = [ipaddress.ip_network(text, strict=False) for text in given]
        except ValueError as error:
            raise ConfigError(f"web.trusted_proxies: {error}; expected addresses or networks like 10.0.0.0/8") from None

    def __contains__(self, address: object) -> bool:
        if not self._networks or not isinstance(address, str):
            return False
        if address in self._named:
            return True
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def is_forwarded(request: web.Request) -> bool:
    """Whether a proxy says that it passes this request on for somebody else."""
    headers = request.headers
    return any(name in headers for name in FORWARDING) or any(n.lower().startswith("x-forwarded-") for n in headers)


def origin_of(request: web.Request, trusted: Networks) -> str:
    """The address a request comes from.

    Of a trusted proxy the last address in X-Forwarded-For that no trusted proxy has: the ones before it are the
    client's own word.
    """
    peer = request.remote or ""
    if peer not in trusted:
        return peer
    forwarded = [part.strip() for line in request.headers.getall("X-Forwarded-For", ()) for part in line.split(",")]
    for address in reversed(forwarded):
        if _is_address(address) and address not in trusted:
            return address
    return peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
