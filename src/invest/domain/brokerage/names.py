"""Match the name that a broker's note prints to a ticker among the known assets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from invest.domain.brokerage.sinacor import KINDS, Resolve, Unresolved
from invest.domain.filings import plain
from invest.domain.market import B3_CODE, Asset, AssetKind

FORMS = frozenset({"sa", "s", "a", "cia", "companhia", "de", "do", "da", "e", "banco", "bco", "brasil", "holding"})
_WORD = re.compile(r"[a-z0-9]+")


def resolver(assets: Iterable[Asset]) -> Resolve:
    """A function from (name, kind) to the one ticker whose asset's name starts so; notes cut names short.

    ``MAGAZ LUIZA`` + ``ON`` finds MGLU3 through "Magazine Luiza S.A.". Several or none: `Unresolved` with the reason.
    """
    known = [(asset, _words(asset.name)) for asset in assets if asset.name and B3_CODE.fullmatch(asset.ticker)]

    def resolve(name: str, kind: str) -> str | Unresolved:
        wanted = _words(name)
        found = {a.ticker for a, words in known if wanted and _of_kind(a, kind) and _starts(wanted, words)}
        exact = {a.ticker for a, words in known if wanted and _of_kind(a, kind) and wanted == words}
        if len(exact or found) == 1:
            return next(iter(exact or found))
        if found:
            return Unresolved(f"{name} {kind} may be {', '.join(sorted(found)[:5])}: book it by its code")
        return Unresolved(f"{name} {kind}: no known asset has this name; book it by its code")

    return resolve


def _of_kind(asset: Asset, kind: str) -> bool:
    match = B3_CODE.fullmatch(asset.ticker)
    suffix = match[2] if match else ""
    if kind.startswith("DR"):
        return asset.kind is AssetKind.BDR
    if kind == "UNT":
        return suffix == "11" and asset.kind in (AssetKind.UNIT, AssetKind.OTHER)
    if kind == "CI":
        return suffix == "11" and asset.kind is not AssetKind.UNIT
    return KINDS[kind] == suffix


def _words(name: str | None) -> tuple[str, ...]:
    words = tuple(_WORD.findall(plain(name or "")))
    meaningful = tuple(w for w in words if w not in FORMS)
    return meaningful or words


def _starts(wanted: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether each wanted word starts the word at its place: notes cut both words and names."""
    return len(wanted) <= len(words) and all(full.startswith(cut) for cut, full in zip(wanted, words, strict=False))
