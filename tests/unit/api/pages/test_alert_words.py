"""What an alert saw, in the reader's words and numbers; a level as the reader types it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from invest.api.pages.desk.alerts import _level, happened
from invest.api.pages.wording import Wording
from invest.domain.analysis import FACT_KEYS


def visit(language: Any) -> Any:
    words = Wording(language)
    return SimpleNamespace(words=words, say=words.say, fact=lambda key: FACT_KEYS[key].label(language))


@pytest.mark.parametrize(
    ("message", "pt", "en"),
    [
        ("PETR4: close 31.48 <= 1000",
         "PETR4: fechamento R$ 31,48 ≤ R$ 1.000,00", "PETR4: close R$ 31.48 ≤ R$ 1,000.00"),
        ("VALE3: roe 0.282974 >= 0.1", "VALE3: ROE 28,3% ≥ 10,0%", "VALE3: ROE 28.3% ≥ 10.0%"),
        ("HGLG11: income of R$ 1.27043150000 per share, with rights until 2026-12-04, paid on 2026-12-15",
         "HGLG11: rendimento de R$ 1,270432 por ação, com direito até 04/12/2026, pago em 15/12/2026",
         "HGLG11: income of R$ 1.270432 per share, with rights until 4 Dec 2026, paid on 15 Dec 2026"),
        ("ITUB4: Itaú sobe <b> 3 >= 2 (G1)", "ITUB4: Itaú sobe <b> 3 >= 2 (G1)", "ITUB4: Itaú sobe <b> 3 >= 2 (G1)"),
    ],
)  # fmt: skip
def test_what_an_alert_saw_is_said_as_the_reader_writes(message: str, pt: str, en: str) -> None:
    assert happened(visit("pt-BR"), message) == pt
    assert happened(visit("en"), message) == en


@pytest.mark.parametrize(
    ("typed", "level"),
    [("30,50", "30.50"), ("1.234,56", "1234.56"), ("0.2", "0.2"), ("20%", "0.2"), ("7,5 %", "0.075"), ("x%", "x")],
)
def test_a_level_is_read_as_it_is_typed(typed: str, level: str) -> None:
    assert _level(typed) == level
