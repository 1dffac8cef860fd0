"""B3's listed companies: who they are, and what they paid or did to their shares. Undocumented: asked slowly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from invest.domain.market import B3_CODE, AssetKind, market_day
from invest.domain.values import Harvest
from invest.sources.b3 import format as fmt
from invest.sources.b3.listed_funds import FUND_CALLS, FUND_TYPES, fund_details
from invest.sources.client import Response, SourceClient
from invest.sources.errors import NotAvailable, SourceError
from invest.sources.model import Answer, Identity, Reading, Want
from invest.sources.numerals import positive
from invest.sources.plausible import payable

CALLS = "/listedCompaniesProxy/CompanyCall"
DAY = 86_400.0
LIKE_SHARES = (None, AssetKind.STOCK, AssetKind.UNIT, AssetKind.BDR, AssetKind.OTHER)


class B3Source:
    """Official corporate actions and classification."""

    name = "b3"

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Dividends, JCP, splits and identity of one paper; once a day."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind not in (*LIKE_SHARES, *FUND_TYPES) or not B3_CODE.fullmatch(want.ticker):
            reading.remark("lists shares, receipts and funds only")
            return reading.close("skipped")
        if want.actions_until == market_day(want.now) and not want.force:
            reading.remark("read today already")
            return reading.close("not_modified")
        if want.kind in FUND_TYPES:
            return await self._fund(client, reading, want)
        supplement = await self._call(client, "GetListedSupplementCompany", issuingCompany=want.ticker[:4])
        found = fmt.objects(supplement)
        if not found:
            reading.remark("no company of that code")
            return reading.close("empty")
        reading.keep(supplement.payload)
        if want.kind is AssetKind.BDR:  # what stands beside its events is the foreign company's, not the receipt's
            reading.identity = Identity(name=str(found[0].get("tradingName") or "").strip() or None)
        else:
            await self._about(client, reading, want, found[0])
        await self._actions(client, reading, want, found[0], supplement)
        return reading.close()

    async def _fund(self, client: SourceClient, reading: Reading, want: Want) -> Answer:
        """A fund's identity, and its income, amortisations and subscriptions, of the first type that lists its code."""
        kind = want.kind or AssetKind.FII
        details = None
        if want.asset is None or not want.asset.cnpj:
            try:
                details = await fund_details(client, want.ticker, kind)
            except SourceError as error:
                reading.remark(f"GetDetailFundSIG: {error.reason}")
        if details is not None:
            reading.keep(details.payload)
            reading.identity = Identity(
                name=details.name, kind=kind, cnpj=details.cnpj, shares_outstanding=details.units,
                segment=details.segment,
            )  # fmt: skip
        cnpj = (want.asset.cnpj if want.asset else None) or (details.cnpj if details else None) or "0"
        isin = want.asset.isin if want.asset else None
        for number in (details.type,) if details else FUND_TYPES[kind]:
            arguments = fmt.argument(cnpj=cnpj, identifierFund=want.ticker[:4], typeFund=number)
            path = f"{FUND_CALLS}/GetListedSupplementFunds/{arguments}"
            answer = await client.get(self.name, path, fresh_for=DAY)
            sha256 = answer.payload.sha256
            for row in fmt.objects(answer):
                found = fmt.cash_actions(_rows(row, "cashDividends"), want.ticker, isin, sha256, reading.reject)
                found += fmt.share_actions(_rows(row, "stockDividends"), want.ticker, isin, sha256, reading.reject)
                found += fmt.subscriptions(_rows(row, "subscriptions"), want.ticker, isin, sha256, reading.reject)
                if found:
                    reading.keep(answer.payload)
                    reading.add(Harvest(actions=payable(reading, want, found)))
                    return reading.close()
        reading.remark("no payment of a fund of that code")
        return reading.close()

    async def _call(self, client: SourceClient, call: str, **fields: object) -> Response:
        path = f"{CALLS}/{call}/{fmt.argument(**fields, language='pt-br')}"
        return await client.get(self.name, path, fresh_for=DAY)

    async def _about(self, client: SourceClient, reading: Reading, want: Want, row: Mapping[str, Any]) -> None:
        """Identity from GetDetail, and the number of shares from the supplement."""
        identity = Identity()
        code = str(row.get("codeCVM") or (want.asset.cvm_code if want.asset else None) or "").strip()
        if code:
            try:
                answer = await self._call(client, "GetDetail", codeCVM=code)
            except SourceError as error:
                reading.remark(f"GetDetail: {error.reason}")
            else:
                details = fmt.objects(answer)
                if details:
                    identity = fmt.company_identity(details[0], want.ticker)
                    reading.keep(answer.payload)
        shares = positive(row.get("totalNumberShares"), pt=True)
        reading.identity = replace(
            identity,
            name=identity.name or str(row.get("tradingName") or "").strip() or None,
            segment=identity.segment or str(row.get("segment") or "").strip() or None,
            shares_outstanding=shares,
        )
        payload = next(iter(reading.payloads.values()))
        reading.observe("shares_outstanding", shares, want.now, payload, unit="count")

    async def _actions(
        self, client: SourceClient, reading: Reading, want: Want, row: Mapping[str, Any], supplement: Response
    ) -> None:
        isin = (want.asset.isin if want.asset else None) or (reading.identity.isin if reading.identity else None)
        sha256 = supplement.payload.sha256
        recent = fmt.cash_actions(_rows(row, "cashDividends"), want.ticker, isin, sha256, reading.reject)
        shares = fmt.share_actions(_rows(row, "stockDividends"), want.ticker, isin, sha256, reading.reject)
        shares += fmt.subscriptions(_rows(row, "subscriptions"), want.ticker, isin, sha256, reading.reject)
        history = []
        trading = "".join(c for c in str(row.get("tradingName") or "") if c.isalnum() or c == " ").strip()
        if trading:
            try:
                history = await self._history(client, reading, want, trading, isin)
            except NotAvailable:
                history = []
            except SourceError as error:
                reading.remark(f"GetListedCashDividends: {error.reason}")
        reading.add(Harvest(actions=payable(reading, want, [*fmt.merged(history, recent), *shares])))

    async def _history(
        self, client: SourceClient, reading: Reading, want: Want, trading: str, isin: str | None
    ) -> list[Any]:
        found, page, last = [], 1, 1
        while page <= last:
            fields = {"pageNumber": page, "pageSize": 120, "tradingName": trading}
            answer = await self._call(client, "GetListedCashDividends", **fields)
            found += fmt.cash_actions(fmt.objects(answer), want.ticker, isin, answer.payload.sha256, reading.reject)
            reading.keep(answer.payload)
            last = fmt.pages(answer)
            page += 1
        return found


def _rows(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = row.get(key)
    return [entry for entry in rows if isinstance(entry, Mapping)] if isinstance(rows, list) else []
