"""Brazilian income tax on listed investments of resident individuals, as dated rules with their sources.

State of 2026-11-29. `mark`: "verified" was read in an official text, "secondary" in agreeing secondary texts alone,
"uncertain" is unsettled: the safer reading is taken and named. This is no tax advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from invest.domain.market import AssetKind

Mark = Literal["verified", "secondary", "uncertain"]
DISCLAIMER = (
    "A calculation aid, not tax advice: check it against your broker's notes, ReVar and the return program. "
    "Rules as of 2026-11-29."
)
NOT_COVERED = (
    "options, futures and forwards (an exercise is flagged, its premium must be added by hand)",
    "short sales, and shares lent or borrowed beyond the lender's income",
    "fixed-income ETFs (taxed at source), FI-Infra (0 %), crypto (GCAP, code 4600) and assets held abroad",
    "sales off the exchange, inheritance and donations",
    "the annual minimum tax (IRPFM) and the fines of a late DARF: use Sicalc",
)


class Bucket(StrEnum):
    """What offsets what: losses and credits never leave their bucket."""

    COMMON = "common"
    DAY_TRADE = "day_trade"
    FII = "fii"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `value` from `valid_from` on, until `valid_to` (None: still)."""

    value: Decimal
    valid_from: date
    source: str
    mark: Mark = "verified"
    valid_to: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it is in force on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


LAW_11033 = date(2005, 1, 1)
RULES: dict[str, tuple[Rule, ...]] = {
    "rate.common": (Rule(Decimal("0.15"), LAW_11033, "Lei 11.033/2004 art. 2; IN RFB 1.585/2015 art. 57"),),
    "rate.day_trade": (Rule(Decimal("0.20"), LAW_11033, "Lei 11.033/2004 art. 2; Perguntas e Respostas 2026 Q706"),),
    "rate.fii": (Rule(Decimal("0.20"), date(1999, 1, 1), "Lei 8.668/1993; IN RFB 1.585/2015 art. 37"),),
    "exempt.shares": (Rule(Decimal("20000.00"), LAW_11033, "Lei 11.033/2004 art. 3 I; IN RFB 1.585/2015 art. 59"),),
    "withheld.common": (Rule(Decimal("0.00005"), LAW_11033, "Lei 11.033/2004 art. 2 §1; Q706"),),
    "withheld.free": (Rule(Decimal("1.00"), LAW_11033, "Lei 11.033/2004 art. 2 §1, by broker", "secondary"),),
    "withheld.day_trade": (Rule(Decimal("0.01"), date(2000, 1, 1), "Lei 9.959/2000 art. 8; Q712"),),
    "darf.least": (Rule(Decimal("10.00"), date(1997, 1, 1), "Lei 9.430/1996 art. 68"),),
    "dividends.month": (Rule(Decimal("50000.00"), date(2026, 1, 1), "Lei 15.270/2025, art. 6-A", "secondary"),),
}  # fmt: skip


def rule(name: str, day: date) -> Rule:
    """The rule in force on a trade's day. Before the first one, the first one."""
    found = [r for r in RULES[name] if r.holds(day)]
    return found[-1] if found else RULES[name][0]


@dataclass(frozen=True, slots=True)
class Regime:
    """How an asset's kind is taxed and declared; `code` of Bens e Direitos (2026 form)."""

    bucket: Bucket | None
    exempt: bool
    code: str
    paper: str
    least: Decimal
    mark: Mark = "verified"
    source: str = ""


REGIMES: dict[AssetKind, Regime] = {
    AssetKind.STOCK: Regime(Bucket.COMMON, True, "03-01", "ações", Decimal(1000), source="IN RFB 1.585/2015 art. 57"),
    AssetKind.UNIT: Regime(
        Bucket.COMMON, False, "03-01", "units", Decimal(1000), "uncertain", "no exemption by the RFB's reading of ReVar"
    ),
    AssetKind.BDR: Regime(Bucket.COMMON, False, "04-04", "BDR", Decimal(1000), "secondary", "BDR are not ações"),
    AssetKind.ETF: Regime(Bucket.COMMON, False, "07-06", "cotas de ETF", Decimal(140), source="Q707"),
    AssetKind.FII: Regime(Bucket.FII, False, "07-03", "cotas de FII", Decimal(140), source="Lei 8.668/1993"),
    AssetKind.RIGHT: Regime(
        Bucket.COMMON, False, "04-04", "direitos de subscrição", Decimal(1000), "secondary", "no exemption"
    ),
    AssetKind.CRYPTO: Regime(None, False, "08-02", "criptoativo", Decimal(5000), source="GCAP, code 4600"),
}
DARF_CODE = "6015"
