"""Short phrases that several sections print: a source's name, a change with its direction."""

from __future__ import annotations

import re
import unicodedata

from invest.domain.market import AssetKind
from invest.reports.locale import MISSING, Locale
from invest.reports.views import Mark
from invest.reports.words import clean


def unit_of(kind: AssetKind) -> str:
    """What one of it is called: the key of the words that stand behind "R$ per"."""
    return {AssetKind.FII: "fund", AssetKind.ETF: "fund", AssetKind.BDR: "bdr", AssetKind.UNIT: "unit"}.get(
        kind, "share"
    )


def source_name(source: str | None, locale: Locale) -> str:
    """The source's name as its publisher writes it."""
    if not source:
        return MISSING
    return locale.words.get(f"source.{source.lower()}", clean(source, 40))


def sector_name(sector: str | None, locale: Locale, limit: int = 60) -> str:
    """A sector in the report's language; B3 writes full stops for commas. One without a translation as it came."""
    text = clean(sector, limit)
    if not text:
        return ""
    known = locale.words.get(f"sector.{_slug(text)}", "")
    return known or (text if text.endswith(".") else text.replace(". ", ", "))  # "Val. Mob." is an abbreviation


def class_or_sector(kind: str | None, sector: str | None, locale: Locale) -> str:
    """Where a holding belongs: a company to its sector, anything else to its kind; empty where neither is known."""
    known = locale.words.get(f"kinds.{kind}", "") if kind not in (None, "stock", "unit") else ""
    return known or sector_name(sector, locale, 40)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return "_".join(re.findall(r"[a-z0-9]+", plain))


def analyst_name(provider: str, locale: Locale) -> str:
    """The provider's name as it writes itself, its model behind it where that is told; an unknown one as configured."""
    name, bracket, model = provider.partition(" (")
    known = locale.words.get(f"analyst.{_slug(name)}", clean(name, 40))
    return f"{known} ({clean(model, 60)}" if bracket else known


def change_text(change: float | None, locale: Locale) -> tuple[str, Mark | None]:
    """A change with its sign, and its direction as a mark."""
    if change is None:
        return "", None
    text = locale.percent(change, 2, signed=True)
    return text, "up" if text.startswith("+") else "flat" if text.strip("0.,%") == "" else "down"
