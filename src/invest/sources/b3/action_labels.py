"""What the labels of corporate actions mean: kinds, and B3's factors, whose unit depends on the label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from invest.domain.market import ActionKind

CASH = (
    ("JRS CAP PROPRIO", ActionKind.JCP),
    ("JUROS", ActionKind.JCP),
    ("JCP", ActionKind.JCP),
    ("J C P ", ActionKind.JCP),
    ("JSCP", ActionKind.JCP),
    ("RENDIMENTO", ActionKind.INCOME),
    ("REND ", ActionKind.INCOME),
    ("AMORT", ActionKind.AMORTISATION),
    ("REEMB", ActionKind.AMORTISATION),
    ("REST CAP", ActionKind.AMORTISATION),
    ("RESTITUI", ActionKind.AMORTISATION),
    ("REDUCAO DE CAP", ActionKind.AMORTISATION),
    ("RED CAP", ActionKind.AMORTISATION),
    ("DIVIDENDO", ActionKind.DIVIDEND),
    ("DEVOLUCAO DE CAP", ActionKind.AMORTISATION),
    ("DIV ", ActionKind.DIVIDEND),
    ("LUCRO", ActionKind.DIVIDEND),
    ("DISTRIBUICAO DE LUCRO", ActionKind.DIVIDEND),
    ("BONIF", ActionKind.DIVIDEND),  # among payments: a bonus in money
)
SHARES = (
    ("DESDOBR", ActionKind.SPLIT),
    ("SPLIT", ActionKind.SPLIT),
    ("GRUPAMENTO", ActionKind.REVERSE_SPLIT),
    ("AGRUPAMENTO", ActionKind.REVERSE_SPLIT),
    ("INPLIT", ActionKind.REVERSE_SPLIT),
    ("BONIF", ActionKind.BONUS),
)
OTHERS = (
    ("CIS", ActionKind.SPIN_OFF),  # CISAO, CIS RED CAP
    ("INCORP", ActionKind.MERGER),
    ("FUSAO", ActionKind.MERGER),
    ("RESG", ActionKind.REDEMPTION),  # RESG TOTAL RV
    ("SUBS", ActionKind.SUBSCRIPTION),
    ("DIREITO DE SUBS", ActionKind.SUBSCRIPTION),
    ("CONVERSAO", ActionKind.RATIO_CHANGE),
    ("PARIDADE", ActionKind.RATIO_CHANGE),
)
RATIO = re.compile(r"\b(?:ALT|MUD)\w*(?: D[AE])? (?:PARIDADE|PROPORCAO|COMPOSICAO)\b")
PAID = re.compile(r"^(?:PGTO|PAGTO|PAGAMENTO)(?: D[AEO]S?)? ")
CALLED_OFF = re.compile(r"\b(?:CANCEL|ESTORN|REVOGA|SEM EFEITO)")


def plain(text: str) -> str:
    """Upper case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.upper())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip()


def cash_kind(label: str) -> ActionKind | None:
    """The kind of a payment in cash; None for a label that is none (CIS RED CAP, RESG TOTAL RV, …)."""
    return _kind_in(CASH, label)


def share_kind(label: str) -> ActionKind | None:
    """The kind of a change of the share count; None for a label that changes nothing countable (CISAO)."""
    return _kind_in(SHARES, label)


def event_kind(label: str) -> ActionKind:
    """The kind of any event. One whose label is not known is `ActionKind.OTHER`: it is kept and shown."""
    return _kind_in((*SHARES, *OTHERS, *CASH), label) or ActionKind.OTHER


def _kind_in(labels: Iterable[tuple[str, ActionKind]], label: str) -> ActionKind | None:
    """By how a label begins; None for what was called off."""
    text = PAID.sub("", " ".join(plain(label).replace(".", " ").split()) + " ")
    if CALLED_OFF.search(text):
        return None
    if RATIO.search(text) and labels not in (CASH, SHARES):
        return ActionKind.RATIO_CHANGE
    return next((kind for start, kind in labels if text.startswith(start)), None)


def b3_factor(kind: ActionKind, factor: Decimal) -> Decimal | None:
    """New shares per old one from B3's own figure.

    DESDOBRAMENTO and BONIFICACAO are percents on top (100 = 2:1, 5 = 5 % more), GRUPAMENTO a multiplier (0.1 = 10:1).
    None for what makes no sense: no split is of less than one percent, such a figure is a multiplier against its label.
    """
    if factor <= 0:
        return None
    if kind is ActionKind.REVERSE_SPLIT:
        return factor if factor < 1 else None
    if kind is ActionKind.SPLIT and factor < 1:
        return None
    return 1 + factor / 100
