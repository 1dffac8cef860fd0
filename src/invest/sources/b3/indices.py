"""B3's indices: the closing points of a year as a grid of days and months, from the call its pages of indices make.

The value of a running session stands in the grid before its close; a year or a code without points is
``"results": null``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta

from invest.domain.market import BY_TICKER, AssetKind, Bar, Index, last_closed_session, market_day, session_hours
from invest.domain.values import Basis, Harvest, RawPayload
from invest.sources.b3.format import argument
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, SourceError
from invest.sources.model import YEARS, Answer, Identity, Reading, Want
from invest.sources.numerals import number
from invest.sources.plausible import believe

CALL = "/indexStatisticsProxy/IndexCall/GetPortfolioDay"
HOUR, DAY = 3_600.0, 86_400.0
SATURDAY = 5
LOOK_BACK = timedelta(days=31)


class B3IndicesSource:
    """Official closing points of indices."""

    name = "b3_indices"

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Closes since `want.official_until` (or of six years) of an index that B3 calculates; one call per year."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        index = BY_TICKER.get(want.ticker) if want.kind is AssetKind.INDEX else None
        if index is None or index.b3 is None:
            reading.remark("has B3's indices only")
            return reading.close("skipped")
        last = last_closed_session(want.now)
        if want.official_until is not None and want.official_until >= last and not want.force:
            reading.remark(f"has the session of {last} already")
            return reading.close("not_modified")
        answers, problems = await self._years(client, index, want)
        if problems and not answers:
            raise problems[0]
        for problem in problems:
            reading.remark(problem.reason)
        self._read(reading, index, want, answers)
        return reading.close()

    async def _years(
        self, client: SourceClient, index: Index, want: Want
    ) -> tuple[list[tuple[int, Response]], list[SourceError]]:
        """The years' grids to read, oldest first and without a gap, and what went wrong with the others."""
        today = market_day(want.now)
        known = want.official_until if not want.force else None
        years = range((known - LOOK_BACK).year if known else today.year - YEARS, today.year + 1)
        results = await asyncio.gather(
            *(self._year(client, index, year, today) for year in years), return_exceptions=True
        )
        found, problems, gap = list[tuple[int, Response]](), list[SourceError](), False
        for year, result in zip(years, results, strict=True):
            if isinstance(result, SourceError):
                problems.append(result)
                gap = known is not None and year >= known.year  # the year before is looked at once more, not awaited
                if known is None or year == known.year:
                    found.clear()
            elif isinstance(result, BaseException):
                raise result
            elif not gap:
                found.append((year, result))
        return found, problems

    async def _year(self, client: SourceClient, index: Index, year: int, today: date) -> Response:
        path = f"{CALL}/{argument(index=index.b3, language='pt-br', year=str(year))}"
        return await client.get(self.name, path, fresh_for=HOUR if year == today.year else DAY)

    def _read(self, reading: Reading, index: Index, want: Want, answers: list[tuple[int, Response]]) -> None:
        """Closes of every grid, the newest one as an observation too."""
        bars, payloads = list[Bar](), dict[str, RawPayload]()
        for year, answer in answers:
            payloads[answer.payload.sha256] = answer.payload
            bars += points_of(reading, answer, want.ticker, year)
        since = want.official_until if not want.force else None
        # The month before as well: a day that the grid lacked at first may stand in it now.
        fresh = [bar for bar in bars if since is None or bar.day > since - LOOK_BACK]
        kept = believe(reading, want, fresh, last_closed_session(want.now))
        if not kept:
            if not bars and not reading.rejected:
                reading.remark(f"B3 publishes no points of {index.b3} in the years asked")
            return
        for sha256 in {bar.payload for bar in kept}:
            reading.keep(payloads[sha256])
        newest = max(kept, key=lambda bar: bar.day)
        reading.add(Harvest(bars=kept))
        payload = payloads[newest.payload]
        hours = session_hours(newest.day)
        if hours is not None:
            reading.observe("close", newest.close, hours[1], payload, basis=Basis.RAW)
        reading.identity = Identity(name=index.name, kind=AssetKind.INDEX)


def points_of(reading: Reading, answer: Response, ticker: str, year: int) -> Iterator[Bar]:
    """The closes in a year's grid, whose row is the day and whose columns are the months. Raises `Malformed`."""
    data = answer.json() if answer.body.strip() else {}
    rows = data.get("results") if isinstance(data, dict) else None
    if rows is None and isinstance(data, dict):
        return
    if not isinstance(rows, list):
        raise Malformed(reading.source, f"no grid of days but {str(data)[:80]!r}")
    for row in rows:
        if not isinstance(row, dict) or (day := number(row.get("day"))) is None:
            raise Malformed(reading.source, f"a row without a day: {str(row)[:80]!r}")
        for month in range(1, 13):
            text = row.get(f"rateValue{month}")
            points = number(text, pt=True)
            if points is None:
                if text not in (None, "", "-"):
                    reading.reject(f"no number: {str(text)[:20]!r} for {year}-{month:02d}-{day}")
                continue
            try:
                when = date(year, month, int(day))
            except (ValueError, OverflowError):
                reading.reject(f"points for a day that is none: {year}-{month:02d}-{day}")
                continue
            if when.weekday() >= SATURDAY:
                reading.reject(f"points for a weekend ({when})")
            else:
                yield Bar(ticker, when, None, None, None, points, None, None, None, "b3_indices", answer.payload.sha256)
