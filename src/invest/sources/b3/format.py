"""B3's listed-company answers: JSON as text/plain, pt-BR numbers, an empty body for nothing, 31/12/9999 for never."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from invest.domain.market import B3_CODE, ActionKind, CorporateAction
from invest.sources.b3.action_labels import b3_factor, cash_kind, share_kind
from invest.sources.client import Response
from invest.sources.errors import Malformed
from invest.sources.model import Identity
from invest.sources.numerals import day, digits, number, positive

# The class of paper by the code's number, as `typeStock` and the ISIN (characters 7 to 11) write it.
CLASSES: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "3": (frozenset({"ON"}), ("ACNOR",)),
    "4": (frozenset({"PN"}), ("ACNPR",)),
    "5": (frozenset({"PNA"}), ("ACNPA",)),
    "6": (frozenset({"PNB"}), ("ACNPB",)),
    "7": (frozenset({"PNC"}), ("ACNPC",)),
    "8": (frozenset({"PND"}), ("ACNPD",)),
    "11": (frozenset({"UNT", "UNIT"}), ("CDAM", "UNT")),
}


def argument(**fields: object) -> str:
    """The last part of an address: base64 of compact JSON."""
    return base64.b64encode(orjson.dumps(fields)).decode()


def objects(answer: Response) -> list[Mapping[str, Any]]:
    """The objects of an answer: of a list, of a page's ``results``, or the one there is; none for an empty body."""
    if not answer.body.strip() or answer.body.strip() in (b'""', b"null"):
        return []
    data = answer.json()
    if isinstance(data, str):  # now and then the JSON comes wrapped in a JSON string
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise Malformed("b3", "a text where an object was expected") from None
    if isinstance(data, Mapping):
        rows = data.get("results", [data])
        data = rows if isinstance(rows, list) else []
    if not isinstance(data, list):
        raise Malformed("b3", "neither a list nor an object")
    return [row for row in data if isinstance(row, Mapping)]


def pages(answer: Response) -> int:
    """How many pages a paged answer has."""
    data = answer.json() if answer.body.strip() else {}
    page = data.get("page") if isinstance(data, Mapping) else None
    total = number(page.get("totalPages")) if isinstance(page, Mapping) else None
    return min(50, int(total or 1))


def of_paper(row: Mapping[str, Any], ticker: str, isin: str | None) -> bool:
    """Whether an event is about the paper `ticker`: by ISIN where known, else by the class its code says."""
    match = B3_CODE.fullmatch(ticker)
    kinds, endings = CLASSES.get(match[2] if match else "", (frozenset(), ()))
    theirs = str(row.get("isinCode") or row.get("assetIssued") or "").strip().upper()
    if theirs:
        return theirs == isin if isin else any(theirs[6:].startswith(ending) for ending in endings)
    stock = str(row.get("typeStock") or "").split()
    return bool(stock) and stock[0].upper() in kinds


def cash_actions(
    rows: Iterable[Mapping[str, Any]], ticker: str, isin: str | None, payload: str
) -> list[CorporateAction]:
    """Payments in cash, of GetListedCashDividends or of a supplement; gross BRL per share."""
    found = []
    for row in rows:
        if not of_paper(row, ticker, isin):
            continue
        kind = cash_kind(str(row.get("label") or row.get("corporateAction") or ""))
        last = day(row.get("lastDatePriorEx") or row.get("lastDatePrior"))
        amount = number(row.get("valueCash") or row.get("rate"), pt=True)
        lot = positive(row.get("quotedPerShares"), pt=True) or Decimal(1)
        if kind is None or last is None or not amount or amount <= 0:
            continue
        paid = day(row.get("paymentDate"))
        found.append(_action(ticker, kind, last, payload, amount=amount / lot, payment_date=paid))
    return found


def share_actions(
    rows: Iterable[Mapping[str, Any]], ticker: str, isin: str | None, payload: str
) -> list[CorporateAction]:
    """Splits, reverse splits and bonuses of a supplement, the factor read by its label."""
    found = []
    for row in rows:
        kind, last = share_kind(str(row.get("label") or "")), day(row.get("lastDatePrior"))
        factor = number(row.get("factor"), pt=True)
        if kind is None or last is None or factor is None or not of_paper(row, ticker, isin):
            continue
        ratio = b3_factor(kind, factor)
        if ratio is not None and ratio != 1:
            found.append(_action(ticker, kind, last, payload, factor=ratio))
    return found


def _action(ticker: str, kind: ActionKind, last: Any, payload: str, **more: Any) -> CorporateAction:
    return CorporateAction(ticker=ticker, kind=kind, last_date_with=last, source="b3", payload=payload, **more)


def merged(history: list[CorporateAction], supplement: list[CorporateAction]) -> list[CorporateAction]:
    """Both lists as one: a payment told by both is taken from the history, with the supplement's payment date."""
    rest, result = list(supplement), []
    for told in history:
        action = told
        twin = next((other for other in rest if _same(action, other)), None)
        if twin is not None:
            rest.remove(twin)
            action = action.model_copy(update={"payment_date": action.payment_date or twin.payment_date})
        result.append(action)
    return sorted([*result, *rest], key=lambda a: (a.last_date_with, a.kind))


def _same(a: CorporateAction, b: CorporateAction) -> bool:
    if a.kind is not b.kind or a.last_date_with != b.last_date_with or a.amount is None or b.amount is None:
        return False
    return abs(a.amount - b.amount) <= Decimal("0.0005") * max(a.amount, b.amount)


def company_identity(row: Mapping[str, Any], ticker: str) -> Identity:
    """Identity from GetDetail or GetInitialCompanies."""
    sector, _, rest = str(row.get("industryClassification") or "").partition(" / ")
    codes = row.get("otherCodes")
    isins = (
        {str(c.get("code")): c.get("isin") for c in codes if isinstance(c, Mapping)} if isinstance(codes, list) else {}
    )
    code = digits(row.get("codeCVM"), 7)
    isin = isins.get(ticker)
    return Identity(
        name=str(row.get("companyName") or row.get("tradingName") or "").strip() or None,
        cnpj=digits(row.get("cnpj")),
        cvm_code=int(code) if code else None,
        isin=str(isin) if isin else None,
        sector=sector.strip() or None,
        segment=rest.strip() or None,
        active=None if row.get("status") is None else str(row.get("status")).upper() == "A",
    )
