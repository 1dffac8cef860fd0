"""Macro series in SGS's terms. The Selic target follows Copom's published decisions; the rest is invented around it."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import cached_property, lru_cache

import numpy as np

from invest_sandbox.seeds import stream
from invest_sandbox.world.sessions import is_session

START = date(2014, 1, 2)
# First day in force and target in % a year (BCB, "Histórico das taxas de juros").
TARGETS: tuple[tuple[date, str], ...] = tuple(
    (date.fromisoformat(d), v)
    for d, v in (
        ("2014-01-01", "10.50"), ("2014-04-03", "11.00"), ("2014-10-30", "11.25"), ("2014-12-04", "11.75"),
        ("2015-01-22", "12.25"), ("2015-03-05", "12.75"), ("2015-04-30", "13.25"), ("2015-06-04", "13.75"),
        ("2015-07-30", "14.25"), ("2016-10-20", "14.00"), ("2016-12-01", "13.75"), ("2017-01-12", "13.00"),
        ("2017-02-23", "12.25"), ("2017-04-13", "11.25"), ("2017-06-01", "10.25"), ("2017-07-27", "9.25"),
        ("2017-09-08", "8.25"), ("2017-10-26", "7.50"), ("2017-12-07", "7.00"), ("2018-02-08", "6.75"),
        ("2018-03-22", "6.50"), ("2019-08-01", "6.00"), ("2019-09-19", "5.50"), ("2019-10-31", "5.00"),
        ("2019-12-12", "4.50"), ("2020-02-06", "4.25"), ("2020-03-19", "3.75"), ("2020-05-07", "3.00"),
        ("2020-06-18", "2.25"), ("2020-08-06", "2.00"), ("2021-03-18", "2.75"), ("2021-05-06", "3.50"),
        ("2021-06-17", "4.25"), ("2021-08-05", "5.25"), ("2021-09-23", "6.25"), ("2021-10-28", "7.75"),
        ("2021-12-09", "9.25"), ("2022-02-03", "10.75"), ("2022-03-17", "11.75"), ("2022-05-05", "12.75"),
        ("2022-06-16", "13.25"), ("2022-08-04", "13.75"), ("2023-08-03", "13.25"), ("2023-09-21", "12.75"),
        ("2023-11-02", "12.25"), ("2023-12-14", "11.75"), ("2024-02-01", "11.25"), ("2024-03-21", "10.75"),
        ("2024-05-09", "10.50"), ("2024-09-19", "10.75"), ("2024-11-07", "11.25"), ("2024-12-12", "12.25"),
        ("2025-01-30", "13.25"), ("2025-03-20", "14.25"), ("2025-05-08", "14.75"), ("2025-06-19", "15.00"),
        ("2026-03-19", "14.75"),
    )
)  # fmt: skip
DAILY = frozenset({1, 11, 12, 432})
CODES = (1, 11, 12, 189, 432, 433, 1178, 13522, 24364)

Points = list[tuple[date, str]]


@lru_cache(maxsize=4096)
def target(day: date) -> float:
    """The Selic target in force on `day`, % a year."""
    return float(TARGETS[max(0, bisect_right(TARGETS, (day, "~")) - 1)][1])


class Macro:
    """Series by SGS code up to `today`, as (day, text) the way SGS prints them: percent, points or BRL."""

    def __init__(self, seed: int, today: date) -> None:
        self.seed = seed
        self.today = today
        self._made: dict[int, Points] = {}

    def series(self, code: int) -> Points:
        """All points of `code`. Raises KeyError for a series that does not exist."""
        if code not in self._made:
            makers = {
                1: self._dollars,
                11: self._overnight,
                12: self._overnight,
                189: self._igpm,
                432: self._targets,
                433: self._ipca,
                1178: self._yearly,
                13522: self._ipca_year,
                24364: self._activity,
            }
            self._made[code] = makers[code]()
        return self._made[code]

    @cached_property
    def workdays(self) -> list[date]:
        """Banking days, taken as B3's sessions."""
        days = (START + timedelta(n) for n in range((self.today - START).days + 1))
        return [d for d in days if is_session(d)]

    @cached_property
    def months(self) -> list[date]:
        """First days of the months whose index is out by today (published about ten days after the month's end)."""
        out, day = [], date(2010, 1, 1)
        while (day + timedelta(31)).replace(day=1) + timedelta(10) <= self.today:
            out.append(day)
            day = (day + timedelta(31)).replace(day=1)
        return out

    def dollar(self, day: date) -> float:
        """BRL per USD of the newest PTAX on or before `day`."""
        points = self.series(1)
        at = bisect_right(points, (day, "~")) - 1
        return float(points[max(0, at)][1])

    def _dollars(self) -> Points:
        rng = stream(self.seed, "dollar")
        path = np.cumsum(rng.normal(0.00022, 0.0085, len(self.workdays)))
        values = 5.35 * np.exp((path - path[-1]) * 0.7)
        return [(d, f"{v:.4f}") for d, v in zip(self.workdays, values, strict=True)]

    def _overnight(self) -> Points:
        """% a day: the target less .10 points over 252 days, as CDI and Selic have run for years."""
        return [(d, f"{((1 + (target(d) - 0.1) / 100) ** (1 / 252) - 1) * 100:.6f}") for d in self.workdays]

    def _yearly(self) -> Points:
        return [(d, f"{target(d) - 0.1:.2f}") for d in self.workdays]

    def _targets(self) -> Points:
        """Every calendar day, and on to 40 days ahead: SGS publishes the target up to the next meeting."""
        days = (START + timedelta(n) for n in range((self.today - START).days + 41))
        return [(d, f"{target(d):.2f}") for d in days]

    def _ipca(self) -> Points:
        rng = stream(self.seed, "ipca")
        season = (0.45, 0.75, 0.4, 0.4, 0.3, 0.2, 0.15, 0.05, 0.35, 0.35, 0.3, 0.5)
        return [(d, f"{season[d.month - 1] + rng.normal(0, 0.14):.2f}") for d in self.months]

    def _igpm(self) -> Points:
        rng = stream(self.seed, "igpm")
        return [(d, f"{rng.normal(0.35, 0.55):.2f}") for d in self.months]

    def _ipca_year(self) -> Points:
        """Twelve months of 433, compounded."""
        monthly = self.series(433)
        out = []
        for i in range(11, len(monthly)):
            grown = np.prod([1 + float(v) / 100 for _, v in monthly[i - 11 : i + 1]])
            out.append((monthly[i][0], f"{(grown - 1) * 100:.2f}"))
        return out

    def _activity(self) -> Points:
        rng = stream(self.seed, "activity")
        path = np.cumsum(rng.normal(0.0012, 0.006, len(self.months)))
        shown = self.months[:-1] or self.months  # out a month later than prices
        return [(d, f"{95 * np.exp(path[i]):.2f}") for i, d in enumerate(shown)]
