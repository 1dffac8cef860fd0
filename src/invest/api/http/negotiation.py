"""Which media type a client wants of those there are (RFC 9110, `Accept`)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from invest.api.http.problems import Problem


def chosen_media(http: web.Request, offered: Sequence[str]) -> str:
    """The offered type that the client wants most, the first where it does not say. Raises 406 where it takes none."""
    given = ",".join(http.headers.getall("Accept", ()))[:1000].lower()
    ranges = [_range(part) for part in given.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    weights = {media: _weight(media, ranges) for media in offered}
    best = max(offered, key=lambda media: weights[media])  # the first of equals
    if weights[best] <= 0:
        raise Problem(406, f"this resource is given as {', '.join(offered)}")
    return best


def _range(text: str) -> tuple[str, float]:
    """A media range and its weight; a weight that is no number counts as 1."""
    media, *parameters = (part.strip() for part in text.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 1.0
    return media, weight


def _weight(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """How much the client wants a type: the most exact range that holds it decides."""
    kind = media.partition("/")[0]
    for wanted in (media, f"{kind}/*", "*/*"):
        found = [weight for given, weight in ranges if given == wanted]
        if found:
            return max(found)
    return 0.0
