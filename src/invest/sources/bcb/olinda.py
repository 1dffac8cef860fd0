"""The central bank's Olinda: what the market expects (Focus), as published each week."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from invest.domain.market import MacroPoint, market_day
from invest.domain.values import Harvest, RawPayload
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Implausible, Malformed, SourceError
from invest.sources.model import Answer, Reading, Want
from invest.sources.numerals import day, number

PATH = "/olinda/servico/Expectativas/versao/v1/odata/ExpectativasMercadoAnuais"
INDICATORS: Mapping[str, str] = {"IPCA": "IPCA", "Selic": "Selic", "PIB Total": "PIB", "Câmbio": "USD"}
BOUNDS: Mapping[str, tuple[float, float]] = {"IPCA": (-5, 30), "Selic": (0, 60), "PIB": (-15, 15), "USD": (0.8, 20)}
WINDOW = timedelta(days=45)
ROWS = 1000
YEAR = re.compile(r"[12][0-9]{3}")
THIRTY_DAYS = 0  # baseCalculo: 0 asks who answered within 30 days, 1 within 5


class OlindaSource:
    """Focus medians by year; asked by `macro`."""

    name = "olinda"

    async def macro(self, client: SourceClient, want: Want, since: Mapping[str, date]) -> Answer:
        """Medians of the running and the next years since the newest known day (of 45 days at first)."""
        reading = Reading(self.name, client.settings.source(self.name))
        today = market_day(want.now)
        results = await asyncio.gather(
            *(self._indicator(client, name, since, today) for name in INDICATORS), return_exceptions=True
        )
        problems: list[SourceError] = []
        for name, result in zip(INDICATORS, results, strict=True):
            if isinstance(result, SourceError):
                problems.append(result)
                reading.remark(f"{name}: {result.reason}")
            elif isinstance(result, BaseException):
                raise result
            else:
                self._read(reading, result, today)
        if problems and not reading.harvest.macro:
            raise problems[0]
        return reading.close()

    def _read(self, reading: Reading, answer: Response, today: date) -> None:
        reading.keep(answer.payload)
        try:
            reading.add(Harvest(macro=list(expectations(answer.json(), answer.payload, today))))
        except (Implausible, Malformed) as error:
            reading.reject(error.reason)

    async def _indicator(self, client: SourceClient, name: str, since: Mapping[str, date], today: date) -> Response:
        known = [when for series, when in since.items() if series.startswith(f"focus:{INDICATORS[name]}:")]
        start = max(known, default=today - WINDOW)
        params = {
            "$filter": f"Indicador eq '{name}' and Data ge '{start}' and baseCalculo eq {THIRTY_DAYS}",
            "$select": "Indicador,Data,DataReferencia,Mediana,numeroRespondentes,baseCalculo",
            "$orderby": "Data desc",
            "$top": str(ROWS),
            "$format": "json",
        }
        return await client.get(self.name, PATH, params=params)


def expectations(data: object, payload: RawPayload, today: date) -> Iterator[MacroPoint]:
    """Medians of an answer. Raises `Malformed` for an error object (status 200), `Implausible`."""
    rows = data.get("value") if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        raise Malformed("olinda", f"no list of values but {str(data)[:120]!r}")
    if rows and not any(isinstance(row, Mapping) and {"Indicador", "Data", "Mediana"} <= row.keys() for row in rows):
        raise Malformed("olinda", f"no row names an indicator, a day and a median: {str(rows[0])[:120]}")
    for row in rows:
        if not isinstance(row, Mapping) or row.get("baseCalculo", THIRTY_DAYS) != THIRTY_DAYS:
            continue
        name = INDICATORS.get(str(row.get("Indicador")))
        when, value, year = day(row.get("Data")), number(row.get("Mediana")), str(row.get("DataReferencia") or "")
        if name and when and when <= today and value is not None and YEAR.fullmatch(year):
            if not BOUNDS[name][0] <= value <= BOUNDS[name][1]:
                raise Implausible("olinda", f"{name} of {value:f} is beyond belief")
            series = f"focus:{name}:{year}"
            yield MacroPoint(series=series, day=when, value=value, source="olinda", payload=payload.sha256)
