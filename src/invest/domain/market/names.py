"""What an asset is called: as its issuer writes it, where sources give B3's twelve capital letters or a legal name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Final

from invest.domain.market.tickers import AssetKind

_GROUPS: Final[Mapping[AssetKind, str]] = {
    AssetKind.STOCK: "companies", AssetKind.UNIT: "companies", AssetKind.FII: "funds", AssetKind.ETF: "etfs",
    AssetKind.BDR: "receipts",
}  # fmt: skip
# What a legal name ends in, and how B3 shortens it.
_LEGAL: Final = re.compile(r"[\s,]+(s\.?\s?/?a\.?|s/a|ltda\.?|inc\.?|corp\.?|corporation|plc|n\.?v\.?)$", re.IGNORECASE)
_FUND: Final = re.compile(r"^(fii|fdo inv imob|fundo (de )?investimento imobili[aá]rio)\s+", re.IGNORECASE)
_FUND_END: Final = re.compile(
    r"[\s-]+(fii|fiagro|fdo inv imob|fundo (de )?investimento imobili[aá]rio)$", re.IGNORECASE
)
_SMALL: Final = frozenset({"de", "da", "do", "das", "dos", "e", "em", "para", "of", "and", "the"})
_CAPITALS: Final = frozenset(
    (
        *("BB", "BR", "BRF", "BTG", "CCR", "CPFL", "CRI", "CSN", "CVC", "ETF", "FII", "GPA", "IBOV", "IFIX", "IRB"),
        *("JBS", "JHSF", "JSL", "MRV", "PBG", "RBR", "RD", "SLC", "TIM", "TRX", "USA", "VBI", "WEG", "XP", "II", "III"),
        "IV",
    )
)


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Mapping[str, str]]:
    text = resources.files("invest.domain.market").joinpath("names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def display_name(ticker: str, kind: AssetKind, name: str | None) -> str | None:
    """The name a reader knows the asset by; None where nothing is known of it.

    >>> display_name("ITUB4", AssetKind.STOCK, "ITAUUNIBANCO")
    'Itaú Unibanco'
    >>> display_name("XYZW3", AssetKind.STOCK, "COMPANHIA DE TESTES DO NORTE S.A.")
    'Companhia de Testes do Norte'
    """
    known = _names().get(_GROUPS.get(kind, ""), {}).get(ticker[:4].upper())
    if known:
        return known
    text = " ".join((name or "").split())
    if not text:
        return None
    text = _shortest_part(text)
    text = _FUND.sub("", _LEGAL.sub("", text)) or text
    text = (_FUND_END.sub("", text) or text) if kind is AssetKind.FII else text
    return " ".join(_word(word, first=i == 0) for i, word in enumerate(text.split())) if text.isupper() else text


def _shortest_part(text: str) -> str:
    """`PETRÓLEO BRASILEIRO S.A. - PETROBRAS`: the part that is no legal name."""
    parts = [part.strip() for part in text.split(" - ") if part.strip()]
    plain = [part for part in parts if not _LEGAL.search(part)]
    return min(plain, key=len) if len(parts) > 1 and plain else text


def _word(word: str, *, first: bool) -> str:
    lower = word.lower()
    if word in _CAPITALS or not re.search(r"[aeiouyáéíóúâêôãõà]", lower) or any(c.isdigit() for c in word):
        return "Cia." if lower in ("cia", "cia.") else word
    if lower in ("cia", "cia."):
        return "Cia."
    if lower in _SMALL and not first:
        return lower
    return re.sub(r"(^|[-'.&])(\w)", lambda m: m[1] + m[2].upper(), lower)
