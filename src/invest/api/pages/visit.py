"""One request for a page: who asks, in which language, and what the page may ask of the API on their behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from invest.api.http import Caller, Problem, Reply, Route
from invest.api.pages.session import Theme, keep_notice, notice_in
from invest.api.pages.wording import Wording
from invest.api.request import Request
from invest.api.services import Services
from invest.domain.analysis import FACT_KEYS


@dataclass(slots=True)
class Visit:
    """A request for a page. Templates see it as `v`."""

    request: Request
    words: Wording
    theme: Theme
    token: str
    seed: str
    signed_in: bool
    section: str = ""
    live: bool = False

    @property
    def http(self) -> web.Request:
        """The request as it came."""
        return self.request.http

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.request.caller

    @property
    def services(self) -> Services:
        """What the process shares."""
        return self.request.services

    @property
    def here(self) -> str:
        """Path and query of this page."""
        return self.http.rel_url.raw_path_qs

    @property
    def notice(self) -> str:
        """What the form before this page did."""
        return notice_in(self.http)

    def may(self, scope: str) -> bool:
        """Whether the caller may do what needs `scope`: buttons that would be refused are not shown."""
        return self.caller.allows(scope)

    def say(self, text: str, /, **values: Any) -> str:
        """A text in the reader's language."""
        return self.words.say(text, **values)

    def query(self, name: str, default: str = "", limit: int = 200) -> str:
        """A query parameter, trimmed and cut."""
        return self.http.query.get(name, default).strip()[:limit]

    def fact(self, key: str) -> str:
        """The name of a figure of an analysis."""
        known = FACT_KEYS.get(key)
        return known.label(self.words.language) if known else key

    def link(self, **changes: str | int | None) -> str:
        """This page with other query parameters; None takes one away."""
        kept = {k: v for k, v in self.http.query.items() if k not in changes}
        kept |= {k: str(v) for k, v in changes.items() if v is not None and v != ""}
        return str(self.http.rel_url.with_query(kept))

    async def ask(
        self,
        route: Route,
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """The answer of an operation of the API: its checks, its scope, its ownership. Raises what it raises."""
        if route.access.scope is not None and not self.may(route.access.scope):
            raise Problem(403, self.say("this needs a key with scope {scope}", scope=route.access.scope))
        given: dict[str, Any] = {}
        if route.input.path is not None:
            given["path"] = route.input.path.model_validate(dict(path or {}))
            if route.access.guard is not None:
                await route.access.guard(self.request, given["path"])
        if route.input.query is not None:
            given["query"] = route.input.query.model_validate(dict(query or {}))
        if route.input.body is not None:
            given["body"] = None if body is None else route.input.body.adapter.validate_python(body)
        value = await route.handler(self.request, **given)
        return value.value if isinstance(value, Reply) else value

    async def listed(self, route: Route, *, path: Mapping[str, Any] | None = None) -> list[Any]:
        """The entries of one of the API's lists, its first page being as long as may be."""
        limit = route.input.query.model_fields["limit"] if route.input.query is not None else None
        most = next((m.le for m in limit.metadata if hasattr(m, "le")), None) if limit is not None else None
        page = await self.ask(route, path=path, query={} if most is None else {"limit": most})
        return list(page.items)

    def go(self, where: str, notice: str = "") -> web.Response:
        """Redirect the browser; the next page shows `said`."""
        response = web.Response(status=303, headers={"Location": where})
        if notice:
            keep_notice(response, self.http, notice)
        return response
