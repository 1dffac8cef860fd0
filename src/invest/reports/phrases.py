"""Short phrases that several sections print: a source's name, a change with its direction."""

from __future__ import annotations

from invest.reports.locale import MISSING, Locale
from invest.reports.views import Mark
from invest.reports.words import clean


def source_name(source: str | None, locale: Locale) -> str:
    """The source's name as its publisher writes it."""
    if not source:
        return MISSING
    return locale.words.get(f"source.{source.lower()}", clean(source, 40))


def change_text(change: float | None, locale: Locale) -> tuple[str, Mark | None]:
    """A change with its sign, and its direction as a mark."""
    if change is None:
        return "", None
    text = locale.percent(change, 2, signed=True)
    return text, "up" if text.startswith("+") else "flat" if text.strip("0.,%") == "" else "down"
