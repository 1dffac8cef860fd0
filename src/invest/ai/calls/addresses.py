"""Where a request goes: base URLs as users write them, with or without a version, a query or the endpoint itself."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies_environment, proxy_bypass

_VERSION = re.compile(r"^v\d+(?:(?:alpha|beta)\d*)?$")
_LOCAL_NAMES = (".local", ".lan", ".internal", ".home.arpa", ".localhost")


def target(base_url: str, path: str) -> str:
    """`path` under `base_url`. A version that both carry is written once, a query stays behind the path.

    `https://host/v1` + `/v1/messages` is `https://host/v1/messages`; a base URL that ends in the endpoint is used as
    it is. Raises `ValueError` for what is no address.
    """
    parts = urlsplit(base_url.strip())
    path, _, query = path.partition("?")
    base = [part for part in parts.path.split("/") if part]
    wanted = [part for part in path.split("/") if part]
    if base and _VERSION.match(base[-1]) and _VERSION.match(wanted[0]):
        wanted = wanted[1:]
    if base[-len(wanted) :] != wanted:
        base += wanted
    joined = "&".join(part for part in (parts.query, query) if part)
    return urlunsplit((parts.scheme, parts.netloc, "/" + "/".join(base), joined, ""))


def has_version(base_url: str) -> bool:
    """Whether the address names a version of the API (`/v1`) or any other path."""
    return bool(urlsplit(base_url).path.strip("/"))


def is_azure(base_url: str) -> bool:
    """Whether the address is Azure's: its host, a deployment in the path, or an `api-version`."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    named = host.endswith((".azure.com", ".azure-api.net", ".azure.us", ".azure.cn"))
    return named or "/openai/deployments/" in parts.path or "api-version=" in parts.query


def is_local(base_url: str) -> bool:
    """Whether the address is this machine or a private network, where asking costs nothing unless a price is set."""
    try:
        host = (urlsplit(base_url).hostname or "").lower()
    except ValueError:
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_NAMES))
    return address.is_private or address.is_loopback


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url`, less `NO_PROXY`; never for loopback."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies_environment()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return found if "://" in found else f"http://{found}"
