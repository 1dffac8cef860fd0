"""Addresses of pages: which are safe to keep, and which lead to the same page."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

LONGEST: Final = 2000
TRACKING: Final = re.compile(
    r"^(utm_.*|at_.*|mc_[ce]id|fb_.*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|igsh|_ga|_gl|"
    r"srsltid|trk|li_fat_id|epik|_hs(?:enc|mi)|vero_.*|pk_.*|mtm_.*|wt_.*|sfnsn|noamp|"
    r"ref|ref_src|source|origem|ocid|cmpid|cmp|xtor|mkt_tok|s_kwcid|ns_.*|smid|share|rss|amp|outputtype|print)$",
    re.IGNORECASE,
)
_SAME_HOST: Final = re.compile(r"^(?:(?:www|m|amp|mobile)\.)+(?=[^.]+\.[^.]+)")
_AMP_CACHE: Final = re.compile(r"^/[cv]/(?:s/)?(?P<page>[^/]+\..+)$")
_AMP_VIEWER: Final = re.compile(r"^/amp/(?:s/)?(?P<page>[^/]+\..+)$")
_UNWRAPPED: Final = 3  # pages within pages that are followed


def safe_link(link: str) -> str | None:
    """`link` where it is an http(s) address of some host, else None."""
    link = link.strip()
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return None
    sane = parts.scheme in ("http", "https") and host and "@" not in parts.netloc and not re.search(r"[\s<>\"']", link)
    return link if sane and len(link) <= LONGEST else None


def normalised(link: str) -> str:
    """A link without what does not tell pages apart.

    Scheme, www and its like, tracking parameters, fragment, last slash, the accelerated copy (AMP) of a page and
    Google's redirection to it.
    """
    for _ in range(_UNWRAPPED):
        inner = _within(link)
        if inner is None:
            break
        link = inner
    parts = urlsplit(link)
    query = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if not TRACKING.match(k)))
    return urlunsplit(("", _SAME_HOST.sub("", parts.hostname or ""), _path(parts.path), query, ""))


def _within(link: str) -> str | None:
    """The page that a copy or a redirection of Google's stands for; None for a page of its own."""
    parts = urlsplit(link)
    host = parts.hostname or ""
    page = None
    if host.endswith(".cdn.ampproject.org"):
        page = _AMP_CACHE.match(parts.path)
    elif re.fullmatch(r"(www\.)?google\.com(\.br)?", host):
        if parts.path == "/url":
            named = parse_qs(parts.query)
            return safe_link(next(iter([*named.get("url", ()), *named.get("q", ())]), ""))
        page = _AMP_VIEWER.match(parts.path)
    if page is None:
        return None
    return safe_link(f"https://{page['page']}" + (f"?{parts.query}" if parts.query else ""))


def _path(path: str) -> str:
    """A path without AMP's parts and doubled slashes."""
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    path = re.sub(r"^/google/amp(?:/[^/]+\.[a-z]{2,})?(?=/)", "", path)  # Globo's, which names the host again in some
    path = re.sub(r"\.amp(?=\.s?html?$|$)", "", path)
    return re.sub(r"^/amp(?=/)|/amp$", "", path)
