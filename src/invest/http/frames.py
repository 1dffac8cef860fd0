"""Rows of an answer as a data frame, where pandas or polars is installed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from invest.errors import ConfigError


class Rows(list[dict[str, Any]]):
    """The rows of a list, as the API gives them (decimals and dates as text), with ways into data frames."""

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`: columns of decimals as float64, of days and times as datetime64, missing as NaN or NaT.

        Raises `ConfigError` where pandas is not installed.
        """
        pandas = _library("pandas")
        columns = {
            name: pandas.to_datetime(values) if any(isinstance(v, date) for v in values) else values
            for name, values in self.columns().items()
        }
        return pandas.DataFrame(columns)

    def to_polars(self) -> Any:
        """A `polars.DataFrame`: columns of decimals as Float64, of days as Date, missing as null.

        Raises `ConfigError` where polars is not installed.
        """
        polars = _library("polars")
        return polars.DataFrame(self.columns(), strict=False)

    def columns(self) -> dict[str, list[Any]]:
        """Column by column, in the order the names first appear; texts that are all numbers become floats, texts that
        are all days become dates. A name missing from a row is None there."""
        names = list(dict.fromkeys(name for row in self for name in row))
        return {name: _typed([row.get(name) for row in self]) for name in names}


def entries(answer: Any) -> list[Any]:
    """The entries of one page; a server of an earlier release gave some lists as bare arrays."""
    if answer is None:
        return []
    return list(answer if isinstance(answer, list) else answer["items"])


def _typed(values: Sequence[Any]) -> list[Any]:
    texts = [v for v in values if v is not None]
    if texts and all(isinstance(v, str) for v in texts):
        for read in (_number, _day):
            try:
                return [None if v is None else read(v) for v in values]
            except ValueError:
                continue
    return list(values)


def _number(text: str) -> float:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite():
        raise ValueError(text)
    return float(number)


def _day(text: str) -> date:
    if len(text) != len("2026-03-31"):
        raise ValueError(text)
    return date.fromisoformat(text)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        _lacking(name)


def _lacking(name: str) -> NoReturn:
    raise ConfigError(f"{name} is not installed: pip install {name}") from None
