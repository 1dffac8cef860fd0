"""B3's listed-company calls: arguments as JSON in base64, answers as JSON in text/plain with pt-BR numbers."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.seeds import number
from invest_sandbox.world import Action, Company, Listing, Series, World, is_fiagro, stories

Json = dict[str, Any]
NEVER = "31/12/9999"  # what B3 prints for a payment date that is not set
SEGMENTS = {"NM": "NOVO MERCADO", "N2": "NIVEL 2", "N1": "NIVEL 1", "": "BOVESPA"}


def brazilian(value: float, places: int) -> str:
    """``15.750.216.851`` or ``0,13340000000``."""
    return f"{value:,.{places}f}".translate(str.maketrans(",.", ".,"))


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def arguments(request: web.Request) -> Json | None:
    """The JSON in the path's last part, or None where it is not one."""
    try:
        data = orjson.loads(b64decode(request.match_info["args"] + "=="))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _page(rows: list[Json], args: Json) -> Json:
    """One page of `rows`, with B3's envelope."""
    number_, size = max(1, int(args.get("pageNumber", 1))), max(1, int(args.get("pageSize", 20)))
    page = {
        "pageNumber": number_,
        "pageSize": size,
        "totalRecords": len(rows),
        "totalPages": -(-len(rows) // size),
    }
    return {"page": page, "results": rows[(number_ - 1) * size : number_ * size]}


def initial(world: World, today: date, args: Json) -> Json:
    """``GetInitialCompanies``: the list, or those whose names or codes contain `company`."""
    wanted = str(args.get("company", "")).upper()
    rows = [
        {
            "codeCVM": str(c.cvm_code),
            "issuingCompany": c.issuer,
            "companyName": c.name,
            "tradingName": c.trading,
            "cnpj": c.cnpj,
            "marketIndicator": "1",
            "typeBDR": "",
            "dateListing": "31/12/9999",
            "status": "A",
            "segment": SEGMENTS[c.segment],
            "segmentEng": SEGMENTS[c.segment],
            "type": "1",
            "market": "NM" if c.segment == "NM" else "BOLSA",
        }
        for c in world.companies
        if wanted in c.name or wanted in c.trading or wanted == c.issuer
    ]
    return _page(rows, args)


def detail(world: World, today: date, args: Json) -> Json | None:
    """``GetDetail`` by codeCVM."""
    code = str(args.get("codeCVM", "")).lstrip("0")
    company = next((c for c in world.companies if str(c.cvm_code) == code), None)
    if not company:
        return None
    papers = world.by_issuer[company.issuer]
    return {
        "issuingCompany": company.issuer,
        "companyName": company.name,
        "tradingName": company.trading,
        "cnpj": company.cnpj,
        "industryClassification": company.classification,
        "industryClassificationEng": None,
        "activity": company.sector,
        "website": f"http://ri.{company.issuer.lower()}.invalid",
        "hasQuotation": None,
        "status": "A",
        "marketIndicator": "1",
        "market": "BOLSA",
        "institutionCommon": "BRADESCO",
        "institutionPreferred": "",
        "code": papers[0].ticker,
        "codeCVM": str(company.cvm_code),
        "lastDate": f"{_day(today)} 23:05:06",
        "otherCodes": [{"code": x.ticker, "isin": x.isin} for x in papers],
        "hasEmissions": False,
        "hasBDR": False,
        "typeBDR": None,
        "describleCategoryBVMF": None,
        "dateQuotation": None,
    }


def supplement(world: World, today: date, args: Json) -> list[Json] | None:
    """``GetListedSupplementCompany`` by issuingCompany: capital and events of every paper; None: an empty body."""
    papers = world.by_issuer.get(str(args.get("issuingCompany", "")).upper(), ())
    if not papers or papers[0].kind == "crypto":
        return None
    company, first = papers[0].company, papers[0]
    on, pn = world.shares_on(company, today) if company else (first.shares, 0)
    cash, stock = [], []
    for paper in papers:
        for action in _known(world.series(paper.ticker), today):
            row = _event(action, paper)
            if action.in_cash:
                paid = NEVER if number(paper.ticker, action.last_with) % 60 == 0 else _day(action.payment)
                cash.append(row | {"paymentDate": paid, "rate": brazilian(action.amount, 11)})
            else:
                stock.append(row | {"factor": brazilian(_factor(action), 11)})
    return [
        {
            "stockCapital": brazilian(_capital(world, company), 2),
            "quotedPerSharSince": "02/01/1991",
            "commonSharesForm": "Escritural",
            "preferredSharesForm": "Escritural" if pn else "",
            "hasCommom": "S",
            "hasPreferred": "S" if pn else "",
            "roundLot": "100",
            "tradingName": first.trading,
            "numberCommonShares": brazilian(on, 0),
            "numberPreferredShares": brazilian(pn, 0),
            "totalNumberShares": brazilian(on + pn, 0),
            "code": first.issuer,
            "codeCVM": str(company.cvm_code) if company else "",
            "segment": SEGMENTS[company.segment] if company else "",
            "cashDividends": cash,
            "stockDividends": stock,
            "subscriptions": [],
        }
    ]


def _fund(world: World, args: Json) -> Listing | None:
    """The fund of a code among those of one type: 7 real estate, 34 Fiagro, 20 ETFs."""
    asked = int(args.get("typeFund", 0))
    papers = world.by_issuer.get(str(args.get("identifierFund", "")).upper(), ())
    types = {"etf": 20}
    return next(
        (x for x in papers if asked == (34 if is_fiagro(x) else 7 if x.kind == "fii" else types.get(x.kind))), None
    )


def fund_detail(world: World, today: date, args: Json) -> Json | None:
    """``GetDetailFundSIG`` by identifierFund and typeFund; None: an empty body."""
    paper = _fund(world, args)
    if paper is None:
        return None
    digits = "".join(c for c in paper.cnpj if c.isalnum())
    return {
        "detailFund": {
            "acronym": paper.issuer,
            "tradingName": f"{paper.trading:<12}",
            "tradingCode": f"{paper.ticker:<12}",
            "cnpj": digits,
            "classification": "Financeiro e Outros/Fundos",
            "companyName": f"{paper.name:<60}",
            "quotaCount": brazilian(paper.shares, 0),
            "quotaDateApproved": _day(today),
            "codes": [paper.ticker],
            "codesOther": None,
            "segment": None,
        },
        "shareHolder": {"shareHolderName": "SANDBOX DTVM"},
    }


def fund_supplement(world: World, today: date, args: Json) -> Json | None:
    """``GetListedSupplementFunds`` by identifierFund and typeFund; None: an empty body."""
    paper = _fund(world, args)
    if paper is None:
        return None
    cash = [
        _event(action, paper) | {"paymentDate": _day(action.payment), "rate": brazilian(action.amount, 11)}
        for action in _known(world.series(paper.ticker), today)
        if action.in_cash
    ]
    return {
        "quantity": brazilian(paper.shares, 0),
        "quantityApprovedDate": None,
        "code": paper.issuer,
        "codeCVM": None,
        "segment": None,
        "cashDividends": cash,
        "stockDividends": [],
        "subscriptions": [],
    }


def _capital(world: World, company: Company | None) -> float:
    books = world.books(company.issuer) if company else None
    return books.balance(books.last)["capital"] * 1000.0 if books else 0.0


def _known(s: Series, today: date) -> list[Action]:
    """Events approved by `today`, newest first."""
    return [a for a in reversed(s.actions) if a.approved <= today]


def _event(action: Action, paper: Listing) -> Json:
    related = f"{(action.last_with.month - 1) // 3 + 1}º Trimestre/{action.last_with.year}"
    return {
        "assetIssued": paper.isin,
        "relatedTo": related if action.in_cash else "",
        "approvedOn": _day(action.approved),
        "isinCode": paper.isin,
        "label": action.label,
        "lastDatePrior": _day(action.last_with),
        "remarks": "",
    }


def _factor(action: Action) -> float:
    """B3's factor: percent of new shares for splits and bonuses, a multiplier for reverse splits."""
    return action.factor if action.label == "GRUPAMENTO" else (action.factor - 1) * 100


def cash_dividends(world: World, today: date, args: Json) -> Json:
    """``GetListedCashDividends`` by tradingName, with the close on the last day with rights; unknown names: no rows."""
    name = str(args.get("tradingName", "")).upper().replace("/", "")
    rows = []
    for paper in (x for x in world.listings if x.bdi and x.trading.replace("/", "") == name):
        s = world.series(paper.ticker)
        for action in (a for a in _known(s, today) if a.in_cash):
            n = s.upto(action.last_with)
            close = float(s.close[n - 1])
            day = _day(s.days[n - 1].astype(date))
            rows.append(
                {
                    "typeStock": paper.especi.split()[0],
                    "dateApproval": _day(action.approved),
                    "valueCash": brazilian(action.amount, 8),
                    "ratio": "1",
                    "corporateAction": action.label,
                    "lastDatePriorEx": _day(action.last_with),
                    "dateClosingPricePriorExDate": day,
                    "closingPricePriorExDate": brazilian(close, 2),
                    "quotedPerShares": "1",
                    "corporateActionPrice": brazilian(action.amount / close * 100, 6),
                    "lastDateTimePriorEx": f"{action.last_with}T00:00:00",
                }
            )
    return _page(rows, args)


def material_facts(world: World, today: date, args: Json) -> Json:
    """``GetMaterialFacts``: recent notices, newest first."""
    wanted = str(args.get("issuingCompany", "")).upper()
    rows = [
        {"dateTime": f"{s.moment:%d/%m/%Y %H:%M:%S}", "company": s.ticker[:4], "subject": s.title, "protocol": s.key}
        for s in stories(world, "b3", today, 120)
        if s.ticker and (not wanted or s.ticker.startswith(wanted))
    ]
    return _page(rows, args)


def portfolio(world: World, today: date, args: Json) -> Json | None:
    """``GetPortfolioDay`` and ``GetTheoreticalPortfolio``: a market-value index; numbers in en-us as B3 sends them."""
    if str(args.get("index", "")).upper() not in ("IBOV", "IBXX", "IBRA"):
        return None
    worth = []
    for x in world.listings:
        if x.kind in ("stock", "unit"):
            s = world.series(x.ticker)
            worth.append((float(s.close[s.upto(today) - 1]) * x.shares, x))
    worth.sort(key=lambda pair: -pair[0])
    top = worth[:86]
    total = sum(w for w, _ in top)
    rows = [
        {
            "segment": x.company.classification.split(" / ")[0] if x.company else "",
            "cod": x.ticker,
            "asset": x.trading,
            "type": x.especi,
            "part": f"{w / total * 100:.3f}",
            "partAcum": None,
            "theoricalQty": f"{x.shares:,}",
        }
        for w, x in sorted(top, key=lambda pair: pair[1].ticker)
    ]
    header = {
        "date": f"{today:%m/%d/%y}" if args.get("language") == "en-us" else f"{today:%d/%m/%y}",
        "text": "Quantidade Teórica Total",
        "part": "100.000",
        "partAcum": None,
        "textReductor": "Redutor",
        "reductor": "16,036,751.16744128",
        "theoricalQty": f"{sum(x.shares for _, x in top):,}",
    }
    paged = _page(rows, args)
    return {"page": paged["page"], "header": header, "results": paged["results"]}


def indexes(world: World, today: date, args: Json) -> Json:
    """``GetStockIndex``: every paper and the indexes it is in."""
    rows = [
        {
            "company": x.trading,
            "spotlight": x.especi,
            "code": x.ticker,
            "indexes": "BDRX" if x.kind == "bdr" else "IBRA",
        }
        for x in world.listings
        if x.kind in ("stock", "unit", "bdr")
    ]
    header = {"update": str(today), "startMonth": 1, "endMonth": 4, "year": today.year}
    paged = _page(rows, args)
    return {"page": paged["page"], "header": header, "results": paged["results"]}


COMPANY: dict[str, Callable[[World, date, Json], Any]] = {
    "GetInitialCompanies": initial,
    "GetDetail": detail,
    "GetListedSupplementCompany": supplement,
    "GetListedCashDividends": cash_dividends,
    "GetMaterialFacts": material_facts,
}
FUNDS: dict[str, Callable[[World, date, Json], Any]] = {
    "GetListedSupplementFunds": fund_supplement,
    "GetDetailFundSIG": fund_detail,
}
INDEX: dict[str, Callable[[World, date, Json], Any]] = {
    "GetPortfolioDay": portfolio,
    "GetTheoricalPortfolio": portfolio,
    "GetTheoreticalPortfolio": portfolio,
    "GetStockIndex": indexes,
}


def _serve(calls: dict[str, Callable[[World, date, Json], Any]], content_type: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        call = calls.get(request.match_info["call"])
        args = arguments(request)
        if call is None:
            return web.Response(status=404, text="", content_type="text/plain")
        if args is None:
            return web.Response(status=500, text="", content_type="text/plain")
        world, today = world_of(request), today_of(request)

        def build() -> bytes:
            found = call(world, today, args)
            return b"" if found is None else orjson.dumps(found)

        key = ("b3", request.match_info["call"], today, request.match_info["args"])
        body = request.app[SHELF].quick(key, build)
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return handler


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [
        web.get("/listedCompaniesProxy/CompanyCall/{call}/{args:.*}", _serve(COMPANY, "text/plain")),
        web.get("/fundsProxy/fundsCall/{call}/{args:.*}", _serve(FUNDS, "application/json")),
        web.get("/indexProxy/indexCall/{call}/{args:.*}", _serve(INDEX, "application/json")),
    ]
