"""The central bank's SGS: CDI, Selic, inflation, the dollar. Figures as published: percent, or BRL per USD."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import orjson

from invest.domain.market import MacroPoint, market_day
from invest.domain.values import Harvest, RawPayload
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, NotAvailable, SourceError, SourceRefused
from invest.sources.model import Answer, Reading, Want
from invest.sources.numerals import NOTHING, day, number

# Series and the range of its values since 1999 with room to spare; beyond it the unit is wrong, whoever says so.
SERIES: Mapping[int, tuple[str, float, float]] = {
    12: ("CDI, % a day", 0, 0.3),
    11: ("Selic, % a day", 0, 0.3),
    432: ("Selic target, % a year", 0, 60),
    433: ("IPCA, % a month", -3, 5),
    13522: ("IPCA in 12 months, %", -5, 30),
    1: ("dollar (PTAX, sale), BRL", 0.8, 20),
    189: ("IGP-M, % a month", -5, 8),
    24364: ("IBC-Br, seasonally adjusted index", 40, 300),
}
TITLE = re.compile(r"<title[^>]*>([^<]{1,120})<", re.I)
FIRST_YEARS = 6
WINDOW = timedelta(days=3_650)  # SGS answers 406 to more than ten years of a daily series
AGAIN = timedelta(days=62)  # monthly figures are revised and come late: so much is asked again


class BcbSource:
    """Macro series; asked by `macro`, not asset by asset."""

    name = "bcb"

    async def macro(self, client: SourceClient, want: Want, since: Mapping[str, date]) -> Answer:
        """Every series from its newest known day on (`since`, by "sgs:12"), or of six years."""
        reading = Reading(self.name, client.settings.source(self.name))
        today = market_day(want.now)
        results = await asyncio.gather(
            *(self._series(client, code, since.get(f"sgs:{code}"), today) for code in SERIES), return_exceptions=True
        )
        problems: list[SourceError] = []
        for code, result in zip(SERIES, results, strict=True):
            if isinstance(result, SourceError):
                problems.append(result)
                reading.remark(f"series {code}: {result.reason}")
            elif isinstance(result, BaseException):
                raise result
            else:
                if not result and (known := since.get(f"sgs:{code}")):
                    reading.remark(f"series {code}: no value at all where that of {known} is on record")
                for answer in result:
                    try:
                        self._read(reading, code, answer, today)
                    except Malformed as error:
                        problems.append(error)
                        reading.remark(f"series {code}: {error.reason}")
        if problems and not reading.harvest.macro:
            raise problems[0]
        return reading.close()

    async def _series(self, client: SourceClient, code: int, known: date | None, today: date) -> list[Response]:
        start = known - AGAIN if known else today.replace(year=today.year - FIRST_YEARS, day=1)
        windows = []
        while start <= today:
            end = min(today, start + WINDOW)
            windows.append((start, end))
            start = end + timedelta(days=1)
        answers = await asyncio.gather(*(self._window(client, code, a, b) for a, b in windows))
        return [answer for answer in answers if answer is not None]

    async def _window(self, client: SourceClient, code: int, start: date, end: date) -> Response | None:
        """One answer; SGS says 404 where the window holds no value. Raises `SourceError` in SGS's own words."""
        params = {"formato": "json", "dataInicial": f"{start:%d/%m/%Y}", "dataFinal": f"{end:%d/%m/%Y}"}
        try:
            answer = await client.get(self.name, f"/dados/serie/bcdata.sgs.{code}/dados", params=params)
        except NotAvailable:
            return None
        except SourceRefused as error:
            reason = f"{error.reason}: {complaint(error.body.encode())}" if error.body else error.reason
            raise SourceRefused(self.name, reason, error.status, error.body) from None
        if wrong := complaint(answer.body):
            raise Malformed(self.name, wrong)
        return answer

    def _read(self, reading: Reading, code: int, answer: Response, today: date) -> None:
        reading.keep(answer.payload)
        reading.add(Harvest(macro=points(reading, code, answer.json(), answer.payload, today)))


def complaint(body: bytes) -> str | None:
    """What SGS says instead of a series, in a few words; None for what looks like one.

    Two shapes of errors, ``{"error": …}`` and ``{"erro": {"detail": …}}``, and pages in HTML or XML, with any status.
    """
    text = body.strip()
    if text.startswith(b"<"):
        title = TITLE.search(text[:4096].decode("utf-8", "replace"))
        kind = "XML" if text.startswith(b"<?xml") and b"<html" not in text[:1024].lower() else "HTML"
        return f"a page of {kind} instead of a series" + (f" ({' '.join(title[1].split())})" if title else "")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        return f"no JSON but {text[:60].decode('latin-1')!r}"
    if not isinstance(data, Mapping):
        return None
    error = data.get("erro", data.get("error"))
    if isinstance(error, Mapping):
        error = error.get("detail") or error.get("mensagem") or error.get("message") or error.get("statusCode")
    return str(error or data.get("message") or data)[:160]


def points(reading: Reading, code: int, data: object, payload: RawPayload, today: date) -> list[MacroPoint]:
    """Values of one answer up to today (432 is published ahead); blank ones are none. Raises `Malformed`.

    A row that cannot be read is named, a day with two different values has none.
    """
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise Malformed("bcb", f"series {code} is no list")
    found: dict[date, MacroPoint] = {}
    disputed: set[date] = set()
    odd: list[object] = []
    _, lowest, highest = SERIES.get(code, ("", float("-inf"), float("inf")))
    for row in data:
        when, value = (day(row.get("data")), number(row.get("valor"))) if isinstance(row, Mapping) else (None, None)
        if when is None or value is None:
            if not _is_blank(row, when):
                odd.append(row)
            continue
        if when > today:
            reading.remark(f"series {code} runs ahead: later days are left for later")
            continue
        if not lowest <= value <= highest:
            reading.reject(f"series {code}: {value:f} on {when} is beyond belief, the answer is left out")
            return []
        point = MacroPoint(series=f"sgs:{code}", day=when, value=value, source="bcb", payload=payload.sha256)
        if found.setdefault(when, point).value != value:
            disputed.add(when)
    if odd:
        if len(odd) == len(data):
            raise Malformed("bcb", f"no row has a day and a value: {str(odd[0])[:100]}")
        reading.reject(f"series {code}: {len(odd)} rows have no day or no value: {str(odd[0])[:100]}")
    if disputed:
        reading.reject(f"series {code}: {min(disputed)} has two values, neither is taken")
    return [found[when] for when in sorted(found.keys() - disputed)]


def _is_blank(row: object, when: date | None) -> bool:
    """Whether a row says that its day has no value."""
    return when is not None and isinstance(row, Mapping) and "valor" in row and _says_nothing(row["valor"])


def _says_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in NOTHING)
