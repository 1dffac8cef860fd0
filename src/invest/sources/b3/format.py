"""B3's listed-company answers: JSON as text/plain, pt-BR numbers, an empty body for nothing, 31/12/9999 for never."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from invest.domain.market import B3_CODE, SHARE_KINDS, ActionKind, CorporateAction
from invest.sources.b3.action_labels import b3_factor, cash_kind, event_kind
from invest.sources.client import Response
from invest.sources.errors import Malformed
from invest.sources.model import Identity
from invest.sources.numerals import cnpj_of, day, digits, number, positive

Remark = Callable[[str], None]

# The class of paper by the code's number, as `typeStock` and the ISIN (characters 7 to 11) write it.
CLASSES: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "3": (frozenset({"ON"}), ("ACNOR",)),
    "4": (frozenset({"PN"}), ("ACNPR",)),
    "5": (frozenset({"PNA"}), ("ACNPA",)),
    "6": (frozenset({"PNB"}), ("ACNPB",)),
    "7": (frozenset({"PNC"}), ("ACNPC",)),
    "8": (frozenset({"PND"}), ("ACNPD",)),
    "11": (frozenset({"UNT", "UNIT"}), ("CDAM", "UNT", "CTF")),
    **dict.fromkeys(("31", "32", "33", "34", "35", "39"), (frozenset({"DRN", "DRE", "DR1", "DR2", "DR3"}), ("BDR",))),
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
    """Whether an event is about the paper `ticker`: by its ISIN, else by the class of share it names."""
    theirs = str(row.get("isinCode") or row.get("assetIssued") or "").strip().upper()
    if theirs:
        return same_paper(theirs, ticker, isin)
    match = B3_CODE.fullmatch(ticker)
    kinds, _ = CLASSES.get(match[2] if match else "", (frozenset(), ()))
    stock = str(row.get("typeStock") or "").split()
    return bool(stock) and stock[0].upper() in kinds


def same_paper(theirs: str, ticker: str, isin: str | None) -> bool:
    """Whether the ISIN `theirs` is that of the paper `ticker`, whose own may be `isin`.

    A paper gets a new ISIN now and then and keeps its events: the same issuer and the same class of share are the same
    paper. Another class of the issuer, or a paper without a class (a receipt, a right), is another one.
    """
    if theirs == isin:
        return True
    match = B3_CODE.fullmatch(ticker)
    _, endings = CLASSES.get(match[2] if match else "", (frozenset(), ()))
    if isin and (not isin[6:].startswith(endings) or theirs[2:6] not in (isin[2:6], ticker[:4])):
        return False
    return theirs[6:].startswith(endings)  # never with no ending at all: `str.startswith(())` is False


def other_class(issued: str, ticker: str) -> bool:
    """Whether the ISIN `issued` is of another class of share than the paper `ticker`.

    A bonus in shares of another class leaves the number of this one as it was. A new ISIN of its own class, and
    receipts that become it, do not.
    """
    match = B3_CODE.fullmatch(ticker)
    _, endings = CLASSES.get(match[2] if match else "", (frozenset(), ()))
    share = issued[6:].startswith(("ACN", "CDAM", "UNT"))
    return share and bool(endings) and not issued[6:].startswith(endings)


def cash_actions(
    rows: Iterable[Mapping[str, Any]], ticker: str, isin: str | None, payload: str, remark: Remark = lambda _: None
) -> list[CorporateAction]:
    """Payments in cash, of GetListedCashDividends or of a supplement; gross BRL per share.

    A label that is no payment of earnings or capital (a redemption) is kept as what it is, with its amount. What has no
    day or no amount is passed to `remark`.
    """
    found = []
    for row in rows:
        if not of_paper(row, ticker, isin):
            continue
        label = _label(row)
        last = day(row.get("lastDatePriorEx") or row.get("lastDatePrior"))
        amount = number(row.get("valueCash") or row.get("rate"), pt=True)
        lot = positive(row.get("quotedPerShares"), pt=True) or Decimal(1)
        if last is None or not amount or amount <= 0:
            remark(f"{label}: an amount of {amount} with the last day with rights {last} is no payment")
            continue
        more = {"payment_date": day(row.get("paymentDate")), "approved_on": _approved(row), "label": label}
        kind = cash_kind(label or "") or event_kind(label or "")
        found.append(_action(ticker, kind, last, payload, amount=amount / lot, **more))
    return found


def share_actions(
    rows: Iterable[Mapping[str, Any]],
    ticker: str,
    isin: str | None,
    payload: str,
    remark: Remark = lambda _: None,
) -> list[CorporateAction]:
    """Events of a supplement that change the paper: splits, reverse splits and bonuses with their factor by label.

    Others (CISAO, CIS RED CAP, INCORPORACAO, …) are kept without one: B3's figure beside them says nothing of the
    price. A bonus in shares of another class is none of this one: it is kept as a spin-off with what each share gives.
    A factor that contradicts its label, or an event without a day, is left out and passed to `remark`.
    """
    found = []
    for row in rows:
        label, last = _label(row), day(row.get("lastDatePrior"))
        if not of_paper(row, ticker, isin):
            continue
        if last is None:
            remark(f"{label} without a last day with rights")
            continue
        kind, factor = event_kind(label or ""), number(row.get("factor"), pt=True)
        ratio = b3_factor(kind, factor) if kind in SHARE_KINDS and factor is not None else None
        if kind in SHARE_KINDS and ratio is None:
            remark(f"{label} with a factor of {row.get('factor')!r} makes no sense ({last})")
        elif kind is ActionKind.BONUS and factor is not None and other_class(_received(row) or "", ticker):
            more = {"ratio": factor / 100, "approved_on": _approved(row), "label": label, "other": _received(row)}
            found.append(_action(ticker, ActionKind.SPIN_OFF, last, payload, **more))
        elif ratio != 1:
            more = {"factor": ratio, "approved_on": _approved(row), "label": label, "other": _received(row)}
            found.append(_action(ticker, kind, last, payload, **more))
    return found


def subscriptions(
    rows: Iterable[Mapping[str, Any]], ticker: str, isin: str | None, payload: str, remark: Remark = lambda _: None
) -> list[CorporateAction]:
    """Rights to subscribe, of a supplement: `ratio` new papers per one held (`percentage` / 100) at `price` BRL.

    One without a day is passed to `remark`.
    """
    found = []
    for row in rows:
        last = day(row.get("lastDatePrior"))
        if not of_paper(row, ticker, isin):
            continue
        if last is None:
            remark(f"{_label(row)} without a last day with rights")
            continue
        percent, price = positive(row.get("percentage"), pt=True), positive(row.get("priceUnit"), pt=True)
        found.append(
            _action(
                ticker,
                ActionKind.SUBSCRIPTION,
                last,
                payload,
                ratio=percent / 100 if percent else None,
                price=price,
                payment_date=day(row.get("subscriptionDate")),
                approved_on=_approved(row),
                label=_label(row),
                other=_received(row),
            )
        )
    return found


def _label(row: Mapping[str, Any]) -> str | None:
    return str(row.get("label") or row.get("corporateAction") or "").strip()[:120] or None


def _approved(row: Mapping[str, Any]) -> date | None:
    return day(row.get("approvedOn") or row.get("dateApproval"))


def _received(row: Mapping[str, Any]) -> str | None:
    """ISIN of the paper an event gives, where it is another one than that it is about."""
    issued, own = (str(row.get(name) or "").strip().upper() for name in ("assetIssued", "isinCode"))
    return issued[:20] or None if issued != own else None


def _action(ticker: str, kind: ActionKind, last: Any, payload: str, **more: Any) -> CorporateAction:
    return CorporateAction(ticker=ticker, kind=kind, last_date_with=last, source="b3", payload=payload, **more)


def merged(history: list[CorporateAction], supplement: list[CorporateAction]) -> list[CorporateAction]:
    """Both lists as one: a payment that both list is taken from the history, with the supplement's payment date."""
    rest, result = list(supplement), []
    for payment in sorted(
        history, key=lambda one: one.payment_date is None
    ):  # those with a day choose their twin first
        action = payment
        twins = [other for other in rest if _same(action, other)]
        twin = next((other for other in twins if other.payment_date == action.payment_date), next(iter(twins), None))
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
        cnpj=cnpj_of(row.get("cnpj")),
        cvm_code=int(code) if code else None,
        isin=str(isin) if isin else None,
        sector=sector.strip() or None,
        segment=rest.strip() or None,
        active=None if row.get("status") is None else str(row.get("status")).upper() == "A",
    )
