"""Papers of fixed income as B3's statements tell them, and the investments that follow from those rows.

B3 tells a paper, units and money; never the percentage of CDI nor the rate a year. Every price that it does tell (of a
purchase, a redemption, a position) holds on its day; in between the paper follows what its name says (Tesouro Selic,
Tesouro Prefixado at the rate it was bought for), or the terms that its owner gave, or stands at the last price.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from hashlib import sha256

from pydantic import Field

from invest.domain.fixed_income.bond import Bond, BondKind, Index, Priced, Redeemed
from invest.domain.frozen import Frozen
from invest.domain.market import count_sessions
from invest.domain.portfolios import CENT, Plain, broker_key, tidy

UNIT = Decimal("1e-8")
PART = Decimal("1e-12")
DUST = Decimal("0.000001")
FACE = Decimal(1000)  # BRL that a Tesouro Prefixado pays at its end
SESSIONS_A_YEAR = 252
BANK_PAPER = re.compile(r"(CDB|RDB|LCI|LCA|LC|LF|LIG|CRI|CRA|DEB|COE|NP)\s+-\s+([A-Z0-9]{4,20})(?:\s+-\s+(.*))?", re.I)
FIXED_NAME = re.compile(r"tesouro prefixado (20\d\d)", re.I)
KINDS = {"CDB": BondKind.CDB, "RDB": BondKind.CDB, "LCI": BondKind.LCI, "LCA": BondKind.LCA}


class Moved(StrEnum):
    """What a row says of a paper."""

    BOUGHT = "bought"
    SOLD = "sold"
    INTEREST = "interest"
    STATED = "stated"


class PaperFact(Frozen):
    """One row of a statement about a paper: `units` and `amount` BRL that moved, or (stated) that are held.

    `paper` is its code, or the name of a Tesouro: what identifies it beside the institution.
    """

    day: date
    paper: str = Field(min_length=1, max_length=100)
    name: str = Field(max_length=100)
    kind: BondKind
    what: Moved
    units: Plain = Field(gt=0, max_digits=24, decimal_places=8)
    amount: Plain = Field(ge=0, max_digits=24, decimal_places=8)
    institution: str = Field(default="", max_length=100)
    matures_on: date | None = None
    id: int | None = Field(default=None, description="of the stored row")

    @property
    def bond_id(self) -> str:
        """The id of the investment that it belongs to."""
        key = f"{self.paper.upper()}|{broker_key(self.institution)}"
        return f"b3-{sha256(key.encode()).hexdigest()[:12]}"

    @property
    def key(self) -> str:
        """What makes two rows the same fact; interest is one whether told with its units or without."""
        units = "" if self.what is Moved.INTEREST else f"{self.units.normalize():f}"
        return f"{self.bond_id}|{self.day}|{self.what}|{units}|{self.amount.quantize(CENT, ROUND_HALF_UP)}"


class Terms(Frozen):
    """What its owner said of a paper that no statement tells."""

    index: Index
    percent: Plain = Field(default=Decimal(1), gt=0, le=10, max_digits=10, decimal_places=6)
    rate: Plain = Field(default=Decimal(0), ge=0, le=1, max_digits=10, decimal_places=6)
    matures_on: date | None = None


def paper_of(product: str) -> tuple[str, str, BondKind] | None:
    """(paper, name, kind) of what B3 writes under "Produto"; None for what is no paper of fixed income.

    >>> paper_of("CDB - CDB123ABC45 - BANCO EXEMPLO S.A.")
    ('CDB123ABC45', 'CDB CDB123ABC45 BANCO EXEMPLO S.A.', <BondKind.CDB: 'cdb'>)
    """
    text = " ".join(product.split())
    if text.lower().startswith("tesouro "):
        return text[:100], text[:100], BondKind.TESOURO
    match = BANK_PAPER.fullmatch(text)
    if match is None:
        return None
    kind, paper, issuer = match[1].upper(), match[2].upper(), match[3] or ""
    return paper, f"{kind} {paper} {issuer}".strip()[:100], KINDS.get(kind, BondKind.OTHER)


def units_by_day(facts: Iterable[PaperFact]) -> dict[str, tuple[list[date], list[Decimal]]]:
    """By investment: the days on which units came or went, and the units after each."""
    found: dict[str, tuple[list[date], list[Decimal]]] = {}
    for bond_id, mine in by_bond(facts).items():
        days, after = found.setdefault(bond_id, ([], []))
        for fact in mine:
            if fact.what not in (Moved.BOUGHT, Moved.SOLD):
                continue
            days.append(fact.day)
            came = fact.units if fact.what is Moved.BOUGHT else -fact.units
            after.append((after[-1] if after else Decimal(0)) + came)
    return found


def oversold(facts: Iterable[PaperFact]) -> list[tuple[PaperFact, Decimal]]:
    """Redemptions of more than was held then, with what was held; facts of any papers, in any order."""
    found = []
    for mine in by_bond(facts).values():
        units = Decimal(0)
        for fact in mine:
            if fact.what is Moved.BOUGHT:
                units += fact.units
            elif fact.what is Moved.SOLD and fact.units > units + DUST:
                found.append((fact, units))
            elif fact.what is Moved.SOLD:
                units -= fact.units
    return found


def by_bond(facts: Iterable[PaperFact]) -> dict[str, list[PaperFact]]:
    """Facts by the investment that they belong to, each in order of its days, purchases first."""
    found: dict[str, list[PaperFact]] = defaultdict(list)
    order = {Moved.BOUGHT: 0, Moved.INTEREST: 1, Moved.SOLD: 2, Moved.STATED: 3}
    for fact in sorted(facts, key=lambda f: (f.day, order[f.what], f.amount, f.units)):
        found[fact.bond_id].append(fact)
    return dict(found)


def bonds_of(facts: Iterable[PaperFact], terms: Mapping[str, Terms]) -> dict[str, Bond]:
    """Investments by their ids, as they follow from the rows of statements and from what their owner said."""
    found = {}
    for bond_id, mine in by_bond(facts).items():
        bond = _bond(mine, terms.get(bond_id))
        if bond is not None:
            found[bond_id] = bond
    return found


def _bond(facts: Sequence[PaperFact], terms: Terms | None) -> Bond | None:
    bought = [f for f in facts if f.what is Moved.BOUGHT]
    if not bought or not bought[0].amount:
        return None
    first = bought[0]
    start = first.amount / first.units
    later = [f for f in facts if f.day >= first.day]
    added, redeemed = _moved(later, {id(f) for f, _ in oversold(facts)})
    ends = [f.matures_on for f in facts if f.matures_on and f.matures_on > first.day]
    agreed = terms or _terms_by_name(first, start, ends[-1] if ends else None)
    traded = {f.day for f in later if f.what in (Moved.BOUGHT, Moved.SOLD)}
    priced = [f for f in later if f.what is not Moved.INTEREST and (f.what is not Moved.STATED or f.day not in traded)]
    prices = {f.day: f.amount / f.units / start for f in priced if f.amount > 0}
    return Bond.model_construct(  # of rows that were checked one by one; there may be more than is typed in by hand
        name=first.name,
        kind=first.kind,
        bought_on=first.day,
        amount=_cents(first.amount),
        index=agreed.index,
        percent=agreed.percent,
        rate=agreed.rate,
        matures_on=agreed.matures_on or (ends[-1] if ends else None),
        institution=first.institution,
        redeemed=tuple(redeemed),
        prices=tuple(
            Priced.model_construct(day=day, value=max(UNIT, tidy(p.quantize(UNIT))))
            for day, p in sorted(prices.items())
        ),
        added=tuple(added),
        interest=tuple(
            Redeemed.model_construct(day=f.day, amount=_cents(f.amount), part=None) for f in later if _paid(f)
        ),
    )


def _moved(facts: Sequence[PaperFact], over: set[int]) -> tuple[list[Redeemed], list[Redeemed]]:
    """(what was put in after the first purchase, what was taken out), each with its part of the units held then."""
    added: list[Redeemed] = []
    redeemed: list[Redeemed] = []
    units = Decimal(0)
    for fact in facts:
        if id(fact) in over or fact.amount <= 0 or fact.what not in (Moved.BOUGHT, Moved.SOLD):
            continue
        part = tidy((fact.units / units).quantize(PART)) if units > DUST else None
        moved = Redeemed.model_construct(day=fact.day, amount=_cents(fact.amount), part=part or None)
        if fact.what is Moved.SOLD:
            redeemed.append(moved)
            units = max(Decimal(0), units - fact.units)
        else:
            added += [moved] if units or added or redeemed else []
            units += fact.units
    return added, redeemed


def _paid(fact: PaperFact) -> bool:
    return fact.what is Moved.INTEREST and fact.amount > 0


def _terms_by_name(first: PaperFact, price: Decimal, ends: date | None) -> Terms:
    """What follows from the name of a Tesouro: Selic is the Selic, Prefixado the rate that its price means."""
    name = first.name.lower()
    if first.kind is BondKind.TESOURO and name.startswith("tesouro selic"):
        return Terms(index=Index.SELIC, matures_on=ends)
    if match := FIXED_NAME.fullmatch(name):
        end = ends or date(int(match[1]), 1, 1)
        sessions = count_sessions(first.day, end) if end > first.day else 0
        if sessions and 0 < price < FACE:
            rate = Decimal(repr(float(FACE / price) ** (SESSIONS_A_YEAR / sessions) - 1)).quantize(Decimal("1e-6"))
            if 0 < rate <= 1:
                return Terms(index=Index.FIXED, rate=rate, matures_on=end)
    return Terms(index=Index.PRICE, matures_on=ends)


def _cents(amount: Decimal) -> Decimal:
    return max(CENT, amount.quantize(CENT, ROUND_HALF_UP))
