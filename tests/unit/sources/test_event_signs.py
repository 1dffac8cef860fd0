"""B3's events are asked for where the market's files speak for it: the same day, and without a sign by turns."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import pytest

from invest.domain.market.assets import ActionKind, Asset, CorporateAction
from invest.domain.market.calendar import count_sessions
from invest.domain.market.tickers import AssetKind
from invest.domain.values.event_readings import EventReading, EventSigns
from invest.sources.b3.cotahist import mark_of
from invest.sources.b3.cotahist_format import ROW
from invest.sources.b3.source import B3Source
from invest.sources.cvm.ipe import Notices
from invest.sources.errors import SourceDown
from invest.sources.model import Answer, Want
from invest.sources.registry import upstreams
from tests.builders.hostile import FakeClient

NOW = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
TODAY = date(2026, 11, 16)
PETR = Asset(ticker="PETR4", kind=AssetKind.STOCK, cnpj="33000167000101", isin="BRPETRACNPR6", cvm_code=9512)
COMPANY = {"tradingName": "PETROBRAS", "codeCVM": "9512", "totalNumberShares": "10", "stockDividends": []}
PAYMENT = {
    "isinCode": "BRPETRACNPR6", "label": "DIVIDENDO", "rate": "1,50000000000", "approvedOn": "16/11/2026",
    "lastDatePrior": "20/11/2026", "paymentDate": "20/12/2026",
}  # fmt: skip


@dataclass
class Witness:
    """A source that has these signs."""

    signs: EventSigns = field(default_factory=lambda: EventSigns(mark=""))
    name: str = "cotahist"
    down: bool = False

    async def event_signs(self, client: Any, want: Want) -> EventSigns:
        if self.down:
            raise SourceDown(self.name, "HTTP 503")
        return self.signs


class Exchange:
    """B3's answers, with what it announced so far; a witness beside it."""

    def __init__(self, tmp_path: Path) -> None:
        self.company: dict[str, Any] = {**COMPANY, "cashDividends": []}
        self.details = b"[]"
        answers: dict[str, bytes | Callable[[], bytes]] = {
            "GetListedSupplementCompany": lambda: orjson.dumps([self.company]),
            "GetDetail": lambda: self.details,
            "GetListedCashDividends": b'{"page": {"totalPages": 1}, "results": []}',
        }
        self.client = FakeClient(tmp_path, answers)
        b3 = self.client.settings.sources["b3"].model_copy(update={"event_turns": 5})
        self.client.settings.sources["b3"] = b3
        self.witness = Witness()

    async def collect(
        self, read: EventReading | None, now: datetime = NOW, off: tuple[str, ...] = (), **known: Any
    ) -> Answer:
        want = Want("PETR4", now, asset=PETR, events_read={"b3": read} if read else {}, **known)
        return await B3Source([self.witness], off).collect(cast(Any, self.client), want)


def read_of(answer: Answer) -> EventReading | None:
    return next(iter(answer.harvest.readings), None)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


async def test_a_paper_read_yesterday_is_not_asked_for_where_nothing_tells_of_an_event(exchange: Exchange) -> None:
    exchange.witness.signs = EventSigns(mark="EJ")
    first = await exchange.collect(None)
    assert read_of(first) == EventReading("PETR4", "b3", TODAY, "EJ")
    asked = len(exchange.client.asked)
    again = await exchange.collect(read_of(first), NOW + timedelta(hours=1))
    assert (again.outcome.status, len(exchange.client.asked)) == ("not_modified", asked)
    assert again.outcome.reason == "read on 2026-11-16, and nothing tells of a new event since"


@pytest.mark.parametrize(
    "signs", [EventSigns(mark="ED"), EventSigns(mark="", noticed_on=TODAY), EventSigns(unread=("cvm",))]
)
async def test_an_event_with_a_sign_is_read_the_same_day(exchange: Exchange, signs: EventSigns) -> None:
    before = EventReading("PETR4", "b3", TODAY - timedelta(days=3), "")
    exchange.company["cashDividends"] = [PAYMENT]
    exchange.witness.signs = signs
    found = await exchange.collect(before)
    assert [str(action.amount) for action in found.harvest.actions] == ["1.50000000000"]
    assert read_of(found) == EventReading("PETR4", "b3", TODAY, signs.mark)


async def test_an_event_without_a_sign_is_read_within_the_turns(exchange: Exchange) -> None:
    last: EventReading | None = EventReading("PETR4", "b3", TODAY, "")
    exchange.company["cashDividends"] = [PAYMENT]  # announced an hour after the reading, and nobody tells
    found, day = await exchange.collect(last), NOW
    while not found.harvest.actions and day < NOW + timedelta(days=30):
        day += timedelta(days=1)
        found = await exchange.collect(last, day)
    assert found.harvest.actions
    assert count_sessions(TODAY, day.date()) <= 5


async def test_a_witness_that_is_away_costs_requests_and_no_event(exchange: Exchange) -> None:
    exchange.witness.down = True
    exchange.company["cashDividends"] = [PAYMENT]
    found = await exchange.collect(EventReading("PETR4", "b3", TODAY - timedelta(days=3), ""))
    assert len(found.harvest.actions) == 1


async def test_a_witness_that_is_switched_off_says_nothing_either(exchange: Exchange) -> None:
    before = EventReading("PETR4", "b3", TODAY, "")
    assert (await exchange.collect(before)).outcome.status == "not_modified"
    assert (await exchange.collect(before, off=("cotahist",))).outcome.status == "ok"
    ours = [s for s in upstreams(lambda name: name != "cotahist").assets if isinstance(s, B3Source)]
    assert [source.off for source in ours] == [("cotahist",)]


async def test_a_mark_that_went_and_comes_back_tells_of_another_event(exchange: Exchange) -> None:
    last = EventReading("PETR4", "b3", TODAY, "EJ")
    later = read_of(await exchange.collect(last, NOW + timedelta(hours=1)))
    assert later == EventReading("PETR4", "b3", TODAY, "")  # nothing was read, but the mark is gone
    exchange.witness.signs = EventSigns(mark="EJ")
    exchange.company["cashDividends"] = [PAYMENT]
    assert (await exchange.collect(later, NOW + timedelta(hours=1))).harvest.actions


async def test_a_company_with_events_that_b3_does_not_know_for_once_is_asked_for_again(exchange: Exchange) -> None:
    payment = CorporateAction(
        ticker="PETR4", kind=ActionKind.DIVIDEND, last_date_with=TODAY, amount=Decimal(1), source="b3", payload="p"
    )
    exchange.client.answers = {"GetListedSupplementCompany": b"[]"}
    assert read_of(await exchange.collect(None, payments=(payment,))) is None
    assert read_of(await exchange.collect(None)) is not None


async def test_force_asks_whatever_the_signs(exchange: Exchange) -> None:
    found = await exchange.collect(EventReading("PETR4", "b3", TODAY, ""), force=True)
    assert found.outcome.status == "ok"


async def test_what_was_not_read_whole_or_not_believed_is_read_again(exchange: Exchange) -> None:
    exchange.company["cashDividends"] = [PAYMENT, {**PAYMENT, "rate": "a lot"}]
    assert read_of(await exchange.collect(None)) is None
    exchange.company["cashDividends"] = [PAYMENT]
    exchange.client.answers = {**exchange.client.answers, "GetListedCashDividends": b"<html>"}
    assert read_of(await exchange.collect(None)) is None


@pytest.mark.parametrize(
    ("spec", "mark"),
    [
        ("ON      NM", ""), ("PN  EJ  N1", "EJ"), ("PNA EJ    ", "EJ"), ("CI  ERA   ", "ERA"), ("DRN ED    ", "ED"),
        ("PN *EJ  N1", "EJ"), ("UNT     N2", ""), ("CI *      ", ""), ("ON  EDJ NM", "EDJ"), ("CI", ""),
    ],
)  # fmt: skip
def test_a_quote_is_marked_with_what_it_trades_without(spec: str, mark: str) -> None:
    row = np.zeros(1, ROW)
    row["spec"] = spec.encode()
    assert mark_of(row[0]) == mark


async def test_a_notice_that_can_tell_of_an_event_is_known_by_its_day(tmp_path: Path) -> None:
    head = "CNPJ_Companhia;Nome_Companhia;Categoria;Assunto;Data_Entrega;Protocolo_Entrega;Link_Download"
    rows = [
        f"{cnpj};X;{category};{subject};{day};1;https://x/1"
        for cnpj, category, subject, day in (
            ("33.000.167/0001-01", "Reunião da Administração", "Juros sobre capital próprio", "2026-11-12"),
            ("33.000.167/0001-01", "Dados Econômico-Financeiros", "Balanço", "2026-11-14"),
            ("33.000.167/0001-01", "Valores Mobiliários Negociados e Detidos", "", "2026-11-15"),
            ("33.592.510/0001-54", "Categoria de que ninguém ouviu", "?", "2026-11-13"),
            ("33.592.510/0001-54", "Aviso aos Acionistas", "Dividendos", "2026-11-11"),
            ("60.872.504/0001-23", "Política de Negociação", "", "2026-11-13"),
            ("60.872.504/0001-23", "Fato Relevante", "Desdobramento", "sem data"),
        )
    ]
    with zipfile.ZipFile(tmp_path / "ipe.zip", "w") as archive:
        archive.writestr("ipe_cia_aberta_2026.csv", "\r\n".join([head, *rows]).encode("latin-1"))
    client = cast(Any, FakeClient(tmp_path, {"ipe_cia_aberta_2026": (tmp_path / "ipe.zip").read_bytes()}))
    notices = Notices()
    days = [await notices.last_delivery(client, cnpj, TODAY) for cnpj in
            ("33000167000101", "33592510000154", "60872504000123", "00000000000191")]  # fmt: skip
    assert days == [date(2026, 11, 12), date(2026, 11, 13), None, None]


async def test_deliveries_of_two_years_are_known_where_both_files_came(tmp_path: Path) -> None:
    head = "CNPJ_Companhia;Nome_Companhia;Categoria;Assunto;Data_Entrega;Protocolo_Entrega;Link_Download"
    with zipfile.ZipFile(tmp_path / "ipe.zip", "w") as archive:
        archive.writestr("ipe.csv", f"{head}\r\n33.000.167/0001-01;X;Fato Relevante;Y;2025-12-30;1;https://x/1")
    client = FakeClient(tmp_path, {"ipe_cia_aberta_2025": (tmp_path / "ipe.zip").read_bytes()})
    january, notices = date(2026, 1, 5), Notices()
    assert await notices.last_delivery(cast(Any, client), PETR.cnpj or "", january) == date(2025, 12, 30)

    def away() -> bytes:
        raise SourceDown("cvm", "HTTP 503")

    client.answers = {**client.answers, "ipe_cia_aberta_2026": away}
    with pytest.raises(SourceDown):
        await notices.last_delivery(cast(Any, client), PETR.cnpj or "", january)
    assert await notices.of(cast(Any, client), PETR.cnpj or "", january, ("PETR4",))  # news show what there is
