"""Templates to answers: everything is escaped, every page gets its language, its scheme and its form token."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup, escape

from invest.api.http import etag_matches, takes_gzip
from invest.api.pages.session import FORM_COOKIE, NOTICE_COOKIE, forget, keep
from invest.api.pages.tables import stacked
from invest.api.pages.visit import Visit
from invest.api.services import SERVICES
from invest.reports import MISSING, Locale, draw_chart, locale_of

FILES = {"invest.css": "text/css", "invest.js": "text/javascript", "charts.js": "text/javascript"}
SHAPES = {"up": "▲", "down": "▼", "flat": "■", "good": "●", "warn": "■", "bad": "◆", "off": "○"}


class Prepared:
    """Bytes that are the same for everybody: packed once, not per request, and named by an ETag."""

    def __init__(self, body: bytes, content_type: str, charset: str | None = None) -> None:
        self._plain = body
        self._packed = gzip.compress(body, 9, mtime=0)
        self._type, self._charset = content_type, charset
        self.digest = hashlib.sha256(body).hexdigest()[:24]
        self._etag = f'W/"{self.digest}"'

    def answer(self, request: web.Request, *, caching: str = "no-cache") -> web.Response:
        """The bytes, gzipped where the client takes that, or 304."""
        headers = {"Cache-Control": caching, "ETag": self._etag, "Vary": "Accept-Encoding"}
        if etag_matches(request, self._etag):
            return web.Response(status=304, headers=headers)
        packed = takes_gzip(request)
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = self._packed if packed else self._plain
        return web.Response(body=body, content_type=self._type, charset=self._charset, headers=headers)


async def counted(request: web.Request, prepared: Prepared, *, caching: str = "no-cache") -> web.Response:
    """The answer to a stranger, counted by its address."""
    services = request.app[SERVICES]
    await services.admission.admit(f"addr:{services.keyring.origin(request)}")
    return prepared.answer(request, caching=caching)


@cache
def static_file(name: str) -> Prepared:
    """A file of the package that every page shares."""
    return Prepared((files("invest.api.pages") / "static" / name).read_bytes(), FILES[name], "utf-8")


def static_url(name: str) -> str:
    """Its address, which changes with its bytes, so that browsers may keep it for good."""
    return f"/static/{name}?v={static_file(name).digest[:10]}"


@cache
def templates() -> jinja2.Environment:
    """The templates; everything is escaped, an unknown name is an error."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("invest.api.pages", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    env.globals |= {"static": static_url, "MISSING": MISSING, "SHAPES": SHAPES}
    env.filters["exact"] = lambda value: None if value is None else Decimal(str(value))
    env.filters["isodate"] = lambda value: None if value is None else date.fromisoformat(str(value))
    env.filters["coded"] = coded
    env.filters["cut"] = cut
    env.filters["example"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    return env


def coded(text: str) -> Markup:
    """A text whose `names` stand as code."""
    parts = str(escape(text)).split("`")
    if len(parts) % 2 == 0:
        return Markup(escape(text))  # noqa: S704 - escaped
    return Markup("".join(f"<code>{p}</code>" if at % 2 else p for at, p in enumerate(parts)))  # noqa: S704 - escaped


def cut(text: str, length: int) -> str:
    """At most `length` characters, ended at a word and marked as cut."""
    if len(text) <= length:
        return text
    short = text[: length - 1]
    return (short.rpartition(" ")[0] if short.rfind(" ") > length // 2 else short).rstrip(" ,;:(") + "…"


def render(
    visit: Visit, template: str, *, status: int = 200, language: str | None = None, **values: Any
) -> web.Response:
    """A page; `language`: of its charts, where that is not the reader's."""
    services = visit.services
    text = _filled(
        visit,
        template,
        language,
        v=visit,
        sandbox=services.settings.sandbox,
        keys_required=services.keyring.required,
        **values,
    )
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    # Under no-referrer a browser says Origin: null with its own forms, which could not be told from another site's.
    response.headers["Referrer-Policy"] = "same-origin"
    if visit.http.cookies.get(FORM_COOKIE) != visit.seed:
        keep(response, visit.http, FORM_COOKIE, visit.seed, None)
    if NOTICE_COOKIE in visit.http.cookies:
        forget(response, NOTICE_COOKIE)
    return response


def part(visit: Visit, template: str, **values: Any) -> Markup:
    """A part of a page that is the same for everybody who reads its language: it sees no visit."""
    return Markup(_filled(visit, template, **values))  # noqa: S704 - the templates escape


def _filled(visit: Visit, template: str, language: str | None = None, **values: Any) -> str:
    """`language`: of what is drawn, where it is not the reader's."""
    words = visit.words
    own = locale_of(language) if language else words.locale
    page = templates().get_template(template)
    return stacked(page.render(_=words.say, w=words, n=words.locale, chart=Drawing(own).chart, **values))


class Drawing:
    """Draws the charts of one page, each under a name of its own."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._drawn = 0

    def chart(self, chart: Any, width: float = 560) -> Markup:
        """The SVG of a report's chart; its colours follow the page's scheme."""
        self._drawn += 1
        drawn = draw_chart(chart, self._locale, ident=f"chart-{self._drawn}", width=width)
        return Markup(drawn)  # noqa: S704 - the canvas escapes all text
