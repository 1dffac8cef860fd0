"""B3's listed companies: who they are, and what they paid or did to their shares. Undocumented: asked slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from invest.domain.market import B3_CODE, AssetKind, market_day
from invest.domain.values import EventReading, EventSigns, Harvest, reason_to_read
from invest.sources.b3 import format as fmt
from invest.sources.b3.listed_funds import FUND_CALLS, FUND_TYPES, fund_details
from invest.sources.client import Response, SourceClient
from invest.sources.errors import NotAvailable, SourceError
from invest.sources.model import Answer, EventWitness, Identity, Reading, Want
from invest.sources.numerals import positive
from invest.sources.plausible import payable

CALLS = "/listedCompaniesProxy/CompanyCall"
FRESH = 43_200.0  # seconds one answer serves all papers of a company, and not the next day's collection
LIKE_SHARES = (None, AssetKind.STOCK, AssetKind.UNIT, AssetKind.BDR, AssetKind.OTHER)


class B3Source:
    """Official corporate actions and classification."""

    name = "b3"

    def __init__(self, witnesses: Sequence[EventWitness] = (), off: Sequence[str] = ()) -> None:
        """`off`: witnesses that are switched off, and say as little as those that do not answer."""
        self._witnesses = witnesses
        self.off = tuple(off)

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Dividends, JCP, splits and identity of one paper: where something tells of a new event, or it is its turn."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind not in (*LIKE_SHARES, *FUND_TYPES) or not B3_CODE.fullmatch(want.ticker):
            reading.remark("lists shares, receipts and funds only")
            return reading.close("skipped")
        last, signs = want.events_read.get(self.name), await self._signs(client, want)
        known, today = (*want.splits, *want.payments), market_day(want.now)
        if not want.force and reason_to_read(last, signs, known, today, reading.conf.event_turns) is None:
            reading.remark(f"read on {last.read_on if last else today}, and nothing tells of a new event since")
            if last and last.mark != signs.mark:  # a mark that went and comes back tells of another event
                reading.add(Harvest(readings=[replace(last, mark=signs.mark)]))
            return reading.close("not_modified")
        read = Harvest(readings=[EventReading(want.ticker, self.name, today, signs.mark)])
        if want.kind in FUND_TYPES:
            whole = await self._fund(client, reading, want)
            return self._close(reading, read, whole=whole)
        supplement = await self._call(client, "GetListedSupplementCompany", issuingCompany=want.ticker[:4])
        found = fmt.objects(supplement)
        if not found:
            reading.remark("no company of that code")
            if not known:  # of one that had events B3 may have lost sight for an hour
                reading.add(read)
            return reading.close("empty")
        reading.keep(supplement.payload)
        if want.kind is AssetKind.BDR:  # what stands beside its events is the foreign company's, not the receipt's
            whole = True
            reading.identity = Identity(name=str(found[0].get("tradingName") or "").strip() or None)
        else:
            whole = await self._about(client, reading, want, found[0])
        whole = await self._actions(client, reading, want, found[0], supplement) and whole
        return self._close(reading, read, whole=whole)

    def _close(self, reading: Reading, read: Harvest, *, whole: bool) -> Answer:
        """The result, with the note that the events were read, unless a part lacks or was not believed."""
        if whole and not reading.rejected:
            reading.add(read)
        return reading.close()

    async def _signs(self, client: SourceClient, want: Want) -> EventSigns:
        """What the files of the whole market say of the paper."""
        asked = [witness.event_signs(client, want) for witness in self._witnesses]
        signs = EventSigns(unread=self.off)
        for witness, answer in zip(self._witnesses, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(answer, EventSigns):
                signs += answer
            elif isinstance(answer, SourceError):
                signs += EventSigns(unread=(witness.name,))
            else:
                raise answer
        return signs

    async def _fund(self, client: SourceClient, reading: Reading, want: Want) -> bool:
        """A fund's identity, and its income, amortisations and subscriptions, of the first type that lists its code;
        whether all of it was read."""
        kind = want.kind or AssetKind.FII
        details, whole = None, True
        if want.asset is None or not want.asset.cnpj:
            try:
                details = await fund_details(client, want.ticker, kind)
            except SourceError as error:
                reading.remark(f"GetDetailFundSIG: {error.reason}")
                whole = False
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
            answer = await client.get(self.name, path, fresh_for=FRESH)
            sha256 = answer.payload.sha256
            for row in fmt.objects(answer):
                found = fmt.cash_actions(_rows(row, "cashDividends"), want.ticker, isin, sha256, reading.reject)
                found += fmt.share_actions(_rows(row, "stockDividends"), want.ticker, isin, sha256, reading.reject)
                found += fmt.subscriptions(_rows(row, "subscriptions"), want.ticker, isin, sha256, reading.reject)
                if found:
                    reading.keep(answer.payload)
                    reading.add(Harvest(actions=payable(reading, want, found)))
                    return whole
        reading.remark("no payment of a fund of that code")
        return whole

    async def _call(self, client: SourceClient, call: str, **fields: object) -> Response:
        path = f"{CALLS}/{call}/{fmt.argument(**fields, language='pt-br')}"
        return await client.get(self.name, path, fresh_for=FRESH)

    async def _about(self, client: SourceClient, reading: Reading, want: Want, row: Mapping[str, Any]) -> bool:
        """Identity from GetDetail, and the number of shares from the supplement; whether both were read."""
        identity, whole = Identity(), True
        code = str(row.get("codeCVM") or (want.asset.cvm_code if want.asset else None) or "").strip()
        if code:
            try:
                answer = await self._call(client, "GetDetail", codeCVM=code)
            except SourceError as error:
                reading.remark(f"GetDetail: {error.reason}")
                whole = False
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
        return whole

    async def _actions(
        self, client: SourceClient, reading: Reading, want: Want, row: Mapping[str, Any], supplement: Response
    ) -> bool:
        """Add the events; whether all of them were read."""
        isin = (want.asset.isin if want.asset else None) or (reading.identity.isin if reading.identity else None)
        sha256 = supplement.payload.sha256
        recent = fmt.cash_actions(_rows(row, "cashDividends"), want.ticker, isin, sha256, reading.reject)
        shares = fmt.share_actions(_rows(row, "stockDividends"), want.ticker, isin, sha256, reading.reject)
        shares += fmt.subscriptions(_rows(row, "subscriptions"), want.ticker, isin, sha256, reading.reject)
        history, whole = list[Any](), True
        trading = "".join(c for c in str(row.get("tradingName") or "") if c.isalnum() or c == " ").strip()
        if trading:
            try:
                history = await self._history(client, reading, want, trading, isin)
            except NotAvailable:
                pass
            except SourceError as error:
                reading.remark(f"GetListedCashDividends: {error.reason}")
                whole = False
        reading.add(Harvest(actions=payable(reading, want, [*fmt.merged(history, recent), *shares])))
        return whole

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
