"""`invest.http` alone: what it loads, and its rows as data frames."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

import invest
from invest.errors import ConfigError
from invest.http import Client, Rows, frames

HEAVY = ("arq", "redis", "numpy", "asyncpg", "talib", "typst", "pydantic_settings", "structlog", "pandas", "polars")


def test_importing_the_client_loads_neither_engine_nor_numpy_nor_arq_nor_redis() -> None:
    program = "import sys, invest.http; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)
    ours = {name for name in loaded if name == "invest" or name.startswith("invest.")}
    assert ours <= {
        "invest",
        "invest.error_info",
        "invest.errors",
        "invest.retry_after",
        *(name for name in ours if name.startswith("invest.http")),
    }


def test_the_package_loads_the_engine_when_its_names_are_asked_for() -> None:
    program = (
        "import sys, invest; a = 'invest.engine' in sys.modules; invest.chain; print(a, 'invest.engine' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    assert all(getattr(invest, name) is not None for name in invest.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        invest.Nothing  # noqa: B018


ROWS = Rows(
    [
        {"day": "2026-03-31", "close": "31.42", "volume": 100, "source": "b3"},
        {"day": "2026-04-01", "close": None, "volume": 90, "source": "2026"},
    ]
)


def test_columns_are_typed_by_all_their_values_and_missing_stays_none() -> None:
    assert ROWS.columns() == {
        "day": [date(2026, 3, 31), date(2026, 4, 1)],
        "close": [31.42, None],
        "volume": [100, 90],
        "source": ["b3", "2026"],
    }
    assert Rows([{"a": "1"}, {"b": "x"}]).columns() == {"a": [1.0, None], "b": [None, "x"]}
    assert Rows([{"a": "NaN"}]).columns() == {"a": ["NaN"]}, "no number: it stays what the API said"
    assert Rows().columns() == {}


def test_rows_become_a_pandas_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = ROWS.to_pandas()
    assert list(frame.columns) == ["day", "close", "volume", "source"]
    assert frame["close"].dtype == "float64" and frame["close"].isna().tolist() == [False, True]
    assert str(frame["day"].dtype).startswith("datetime64") and frame["day"][1] == pandas.Timestamp("2026-04-01")


def test_rows_become_a_polars_frame() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed here")
    frame = ROWS.to_polars()
    assert frame.schema["close"] == polars.Float64 and frame.schema["day"] == polars.Date


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigError, match="polars is not installed: pip install polars"):
        frames.Rows(ROWS).to_polars()


@pytest.mark.parametrize("address", ["invest.example", "ftp://x", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="expected the server's address"):
        Client(address)
