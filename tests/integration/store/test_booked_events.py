"""Events booked by hand and questions answered: prices follow, papers are followed, nothing is asked twice."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pytest
from pydantic import ValidationError

from invest.domain.market.assets import ActionKind, Asset, CorporateAction, TickerChange
from invest.domain.market.bars import Bar
from invest.domain.market.events import EventTerms, part_that_stayed
from invest.domain.market.tickers import AssetKind
from invest.domain.portfolios import Operation, Transaction, positions_of
from invest.domain.values.questions import QuestionKind
from invest.errors import NotFound
from invest.jobs.data_collection import (
    UnbookableEvent,
    answer_question,
    book_event,
    held_tickers,
    questions,
    withdraw_event,
)
from invest.store import Store
from invest.store.market import booked

SINCE = date(2020, 1, 1)
BEFORE, AFTER = date(2025, 9, 22), date(2025, 9, 23)


PARTS = [{"other": "NEWX3", "ratio": "0.5"}, {"other": "NEWY3", "ratio": "1"}]


async def trade(store: Store, ticker: str, closes: dict[date, str]) -> None:
    """Put an asset with these closes on record."""
    await store.assets.upsert(Asset(ticker=ticker, kind=AssetKind.STOCK))
    prices = {day: Decimal(close) for day, close in closes.items()}
    rows = [Bar(ticker, day, p, p, p, p, 100, None, None, "cotahist", "p") for day, p in prices.items()]
    await store.bars.save(rows)


def terms(kind: ActionKind, day: date = BEFORE, **more: object) -> EventTerms:
    """The terms of an event."""
    return EventTerms.model_validate({"kind": kind, "last_date_with": day, **more})


async def test_a_spin_off_with_a_price_factor_adjusts_what_was_a_crash(store: Store, now: datetime) -> None:
    await trade(store, "ABCD3", {BEFORE: "29.05", AFTER: "6.39"})
    told = CorporateAction(
        ticker="ABCD3", kind=ActionKind.SPIN_OFF, last_date_with=BEFORE, source="b3", payload="p", label="CISAO"
    )
    await store.actions.upsert([told])
    assert np.isnan((await store.bars.read("ABCD3")).factor).tolist() == [True, False]
    (asked,) = await questions(store, ["ABCD3"], SINCE)
    assert (asked.kind, asked.day, asked.breaks) == (QuestionKind.MOVE, BEFORE, True)
    booked = await book_event(store, "ABCD3", terms(ActionKind.SPIN_OFF, price_factor="0.22"), now)
    assert (booked.source, booked.price_factor) == ("owner", Decimal("0.22"))
    np.testing.assert_allclose((await store.bars.read("ABCD3")).factor, [0.22, 1])
    assert [a.source for a in await store.actions.of("ABCD3")] == ["owner"]
    assert await questions(store, ["ABCD3"], SINCE) == []
    await withdraw_event(store, "ABCD3", ActionKind.SPIN_OFF, BEFORE)
    assert [a.source for a in await store.actions.of("ABCD3")] == ["b3"]
    with pytest.raises(NotFound, match="no spin_off of ABCD3"):
        await withdraw_event(store, "ABCD3", ActionKind.SPIN_OFF, BEFORE)


async def test_the_part_that_stayed_is_computed_from_the_first_close_of_the_new_paper(
    store: Store, now: datetime
) -> None:
    await trade(store, "ABCD3", {BEFORE: "20.00", AFTER: "15.00"})
    given = terms(ActionKind.SPIN_OFF, other="NEWX3", ratio="0.5")
    with pytest.raises(UnbookableEvent, match="no close of NEWX3 after"):
        await book_event(store, "ABCD3", given, now)
    await trade(store, "NEWX3", {AFTER: "10.00"})
    booked = await book_event(store, "ABCD3", given, now)
    assert booked.price_factor == Decimal("0.75")  # 1 - 0.5 x 10 / 20
    np.testing.assert_allclose((await store.bars.read("ABCD3")).factor, [0.75, 1])
    assert part_that_stayed(20.0, 50.0, Decimal("0.5")) is None


async def test_several_papers_of_a_spin_off_are_booked_at_once_each_with_its_part(store: Store, now: datetime) -> None:
    await trade(store, "ABCD3", {BEFORE: "20.00", AFTER: "11.00"})
    given = [{**PARTS[0], "cost_share": "0.30"}, PARTS[1]]
    spun = terms(ActionKind.SPIN_OFF, into=given, cost_source="material fact of 2025-09-30")
    with pytest.raises(UnbookableEvent, match="no close of NEWX3 after 2025-09-22: collect it first"):
        await book_event(store, "ABCD3", spun, now)
    await trade(store, "NEWX3", {AFTER: "10.00"})
    await trade(store, "NEWY3", {AFTER: "4.00"})
    await book_event(store, "ABCD3", spun, now)
    found = await store.actions.of("ABCD3")
    # 20 gave 5 and 4: 15 of 20 stayed behind the first, 11 of 15 behind the second
    assert [(a.other, a.price_factor, a.cost_share, a.cost_source) for a in found] == [
        ("NEWX3", Decimal("0.75"), Decimal("0.30"), "material fact of 2025-09-30"),
        ("NEWY3", Decimal("0.733333"), None, None),
    ]
    np.testing.assert_allclose((await store.bars.read("ABCD3")).adjusted, [11, 11], atol=1e-4)
    fact = {"date": date(2025, 9, 1), "ticker": "ABCD3", "operation": Operation.BUY, "quantity": 100, "price": 10}
    bought = Transaction.model_validate(fact)
    book = positions_of([bought], await store.portfolios.known([bought]), date(2025, 12, 1))
    # .30 as published, .20 by prices of the whole 1,000
    assert {t: round(p.cost, 2) for t, p in book.held.items()} == {"ABCD3": 500, "NEWX3": 300, "NEWY3": 200}
    await withdraw_event(store, "ABCD3", ActionKind.SPIN_OFF, BEFORE)
    assert await store.actions.of("ABCD3") == []


async def test_a_merger_is_booked_and_taken_back_whole_or_not_at_all(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(store, "RNEW11", {date(2025, 9, 19): "31.00", BEFORE: "30.00"})
    await trade(store, "RNEW3", {AFTER: "12.00"})
    await trade(store, "RNEW4", {AFTER: "9.00"})
    into = [{"other": "RNEW3", "ratio": 1}, {"other": "RNEW4", "ratio": 2}]
    merger = terms(ActionKind.MERGER, into=into)

    async def state() -> tuple[object, ...]:
        asset = await store.assets.get("RNEW11")
        return await store.actions.reported("RNEW11"), list((await store.assets.lineages()).changes), asset

    async def cut_off(*_: object) -> None:
        raise RuntimeError("in the middle")

    before = await state()
    with monkeypatch.context() as patch:
        patch.setattr(booked, "write_changes", cut_off)
        with pytest.raises(RuntimeError):
            await book_event(store, "RNEW11", merger, now)
    assert await state() == before
    await book_event(store, "RNEW11", merger, now)
    done = await state()
    assert done != before
    with monkeypatch.context() as patch:
        patch.setattr(booked, "undo_change", cut_off)
        with pytest.raises(RuntimeError):
            await withdraw_event(store, "RNEW11", ActionKind.MERGER, BEFORE)
    assert await state() == done
    await withdraw_event(store, "RNEW11", ActionKind.MERGER, BEFORE)
    assert await state() == before


async def test_a_redemption_and_the_end_of_its_paper_are_one(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(store, "ABCD3", {BEFORE: "20.00"})

    async def cut_off(*_: object) -> int:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(booked, "deactivate", cut_off)
        with pytest.raises(RuntimeError):
            await book_event(store, "ABCD3", terms(ActionKind.REDEMPTION, amount="25"), now)
    assert await store.actions.of("ABCD3") == []


async def test_a_merger_is_followed_into_the_other_paper_with_its_ratio(store: Store, now: datetime) -> None:
    await trade(store, "BRFS3", {date(2025, 9, 19): "20.00", BEFORE: "20.45"})
    await trade(store, "MBRF3", {BEFORE: "24.00", AFTER: "24.00"})
    await book_event(store, "BRFS3", terms(ActionKind.MERGER, other="MBRF3", ratio="0.8521"), now)
    held = await store.bars.read("BRFS3")
    assert held.days.astype(str).tolist() == ["2025-09-19", "2025-09-22", "2025-09-23"]
    assert held.adjusted[1] == pytest.approx(20.45 / 0.8521)
    assert held.adjusted[2] / held.adjusted[1] == pytest.approx(24.0 / 24.0, abs=1e-3)
    own = await store.bars.read("MBRF3")
    assert own.close.tolist() == [24.0, 24.0]
    gone = await store.assets.get("BRFS3")
    assert gone is not None
    assert (gone.active, gone.successor) == (False, "MBRF3")
    await withdraw_event(store, "BRFS3", ActionKind.MERGER, BEFORE)
    back = await store.assets.get("BRFS3")
    assert back is not None
    assert (back.active, back.successor) == (True, None)
    assert len(await store.bars.read("BRFS3")) == 2


async def test_a_unit_that_became_two_papers_is_followed_into_the_more_valuable(store: Store, now: datetime) -> None:
    await trade(store, "RNEW11", {date(2025, 9, 19): "31.00", BEFORE: "30.00"})
    await trade(store, "RNEW3", {BEFORE: "10.50", AFTER: "12.00"})
    into = [{"other": "RNEW3", "ratio": 1}, {"other": "RNEW4", "ratio": 2}]
    given = {"kind": "merger", "last_date_with": BEFORE, "into": into}
    parted = EventTerms.model_validate(given)
    with pytest.raises(UnbookableEvent, match="into: RNEW4 is not known yet"):
        await book_event(store, "RNEW11", parted, now)
    await trade(store, "RNEW4", {BEFORE: "9.50", AFTER: "9.00"})
    booked = await book_event(store, "RNEW11", parted, now)
    assert (booked.kind, booked.other, booked.ratio) == (ActionKind.MERGER, "RNEW4", Decimal(2))
    spun = {(a.other, a.ratio, a.price_factor) for a in await store.actions.of("RNEW11") if a.other == "RNEW3"}
    assert spun == {("RNEW3", Decimal(1), Decimal("0.6"))}  # 18 of the 30 reais that it gave are RNEW4's
    held = await store.bars.read("RNEW11")
    np.testing.assert_allclose(held.adjusted[1:], [9.0, 9.0])  # 30 x 0.6 / 2
    paid = {"kind": ActionKind.DIVIDEND, "last_date_with": AFTER, "amount": Decimal(1), "source": "b3", "payload": "p"}
    await store.actions.upsert([CorporateAction.model_validate({"ticker": "RNEW3", **paid})])
    bought = {"operation": Operation.BUY, "quantity": Decimal(100), "price": Decimal(30)}
    fact = Transaction.model_validate({"date": date(2025, 9, 1), "ticker": "RNEW11", **bought})
    made, _ = await store.portfolios.create("Unit", [fact])
    assert "RNEW3" in await held_tickers(store, made.id)  # and its payments in the calendar
    known = await store.portfolios.known([fact])
    assert {"RNEW3", "RNEW4", "RNEW11"} <= known.bars.keys()  # what it gave has prices in the portfolio
    await withdraw_event(store, "RNEW11", ActionKind.MERGER, BEFORE)
    assert await store.actions.of("RNEW11") == []
    with pytest.raises(ValidationError, match="two or more papers"):
        EventTerms.model_validate({**given, "into": into[:1]})
    with pytest.raises(ValidationError, match="not both"):
        EventTerms.model_validate({**given, "other": "RNEW4"})


async def test_what_is_booked_beside_a_merger_stays_when_the_merger_goes(store: Store, now: datetime) -> None:
    await trade(store, "RNEW11", {date(2025, 9, 19): "31.00", BEFORE: "30.00"})
    for ticker, close in (("RNEW3", "12.00"), ("RNEW4", "9.00"), ("OWNN3", "3.00")):
        await trade(store, ticker, {AFTER: close})
    into = [{"other": "RNEW3", "ratio": 1}, {"other": "RNEW4", "ratio": 2}]
    merger = EventTerms.model_validate({"kind": "merger", "last_date_with": BEFORE, "into": into})
    own = terms(ActionKind.SPIN_OFF, other="OWNN3", ratio="1")

    async def spun() -> set[str | None]:
        return {a.other for a in await store.actions.reported("RNEW11") if a.kind is ActionKind.SPIN_OFF}

    for first, second in ((own, merger), (merger, own)):
        for event in (first, second):
            await book_event(store, "RNEW11", event, now)
        assert await spun() == {"OWNN3", "RNEW3"}
        await withdraw_event(store, "RNEW11", ActionKind.MERGER, BEFORE)
        assert await spun() == {"OWNN3"}
        await book_event(store, "RNEW11", merger, now)
        await withdraw_event(store, "RNEW11", ActionKind.SPIN_OFF, BEFORE)
        assert await spun() == {"RNEW3"}
        with pytest.raises(NotFound, match="goes with the merger"):
            await withdraw_event(store, "RNEW11", ActionKind.SPIN_OFF, BEFORE)
        redeemed = terms(ActionKind.REDEMPTION, amount="1")
        await book_event(store, "RNEW11", redeemed, now)
        await withdraw_event(store, "RNEW11", ActionKind.REDEMPTION, BEFORE)
        assert await store.assets.current("RNEW11") == "RNEW4"
        asset = await store.assets.get("RNEW11")
        assert asset is not None
        assert (asset.active, asset.successor) == (False, "RNEW4")
        await withdraw_event(store, "RNEW11", ActionKind.MERGER, BEFORE)


async def test_a_change_that_a_source_tells_stands_when_the_owners_goes(store: Store, now: datetime) -> None:
    await trade(store, "BRFS3", {BEFORE: "20.45"})
    await trade(store, "MBRF3", {BEFORE: "24.00", AFTER: "24.00"})
    told = TickerChange(old="BRFS3", new="MBRF3", changed_on=date(2025, 9, 24), source="cvm")
    await store.assets.rename(told)
    await book_event(store, "BRFS3", terms(ActionKind.MERGER, other="MBRF3", ratio="0.8521"), now)
    assert [c.source for c in (await store.assets.lineages()).changes] == ["owner"]
    await withdraw_event(store, "BRFS3", ActionKind.MERGER, BEFORE)
    lineages = await store.assets.lineages()
    assert (list(lineages.changes), lineages.current("BRFS3")) == ([told], "MBRF3")


async def test_the_part_of_a_merger_in_cash_is_no_loss_of_the_price(store: Store, now: datetime) -> None:
    await trade(store, "GNDI3", {date(2025, 9, 19): "70.00", BEFORE: "70.00"})
    await trade(store, "HAPV3", {BEFORE: "12.40", AFTER: "12.40"})
    booked = await book_event(store, "GNDI3", terms(ActionKind.MERGER, other="HAPV3", ratio="5", amount="7"), now)
    assert (booked.amount, booked.price_factor) == (Decimal(7), Decimal("0.9"))
    np.testing.assert_allclose((await store.bars.read("GNDI3")).adjusted, [12.6, 12.6, 12.4])
    with pytest.raises(UnbookableEvent, match="not below the price"):
        await book_event(store, "GNDI3", terms(ActionKind.MERGER, other="HAPV3", ratio="5", amount="70"), now)


async def test_a_paper_that_goes_on_under_a_code_of_its_own_keeps_its_history(store: Store, now: datetime) -> None:
    await trade(store, "JBSS3", {date(2025, 9, 19): "33.00", BEFORE: "34.00"})
    await trade(store, "JBSS32", {AFTER: "68.00"})
    await book_event(store, "JBSS3", terms(ActionKind.MERGER, other="JBSS32", ratio="0.5"), now)
    history = await store.bars.read("JBSS32")
    assert history.adjusted.tolist() == [66.0, 68.0, 68.0]


async def test_of_two_papers_that_became_one_only_the_renamed_is_its_past(store: Store, now: datetime) -> None:
    day = date(2025, 9, 19)
    await trade(store, "BRFS3", {day: "20.00", BEFORE: "20.45"})
    await trade(store, "MRFG3", {day: "23.00", BEFORE: "24.00"})
    await trade(store, "MBRF3", {AFTER: "24.00"})
    await book_event(store, "BRFS3", terms(ActionKind.MERGER, other="MBRF3", ratio="0.8521"), now)
    await store.assets.rename(TickerChange(old="MRFG3", new="MBRF3", changed_on=AFTER, source="cvm"))
    for ticker in ("MBRF3", "MRFG3"):
        assert (await store.bars.read(ticker)).adjusted.tolist() == [23, 24, 24]
    np.testing.assert_allclose((await store.bars.read("BRFS3")).adjusted, [20 / 0.8521, 20.45 / 0.8521, 24])


async def test_a_merger_booked_again_replaces_the_first_and_needs_a_known_paper(store: Store, now: datetime) -> None:
    await trade(store, "BRFS3", {BEFORE: "20.45"})
    with pytest.raises(UnbookableEvent, match="MBRF3 is not known yet"):
        await book_event(store, "BRFS3", terms(ActionKind.MERGER, other="MBRF3", ratio="0.8521"), now)
    await trade(store, "WRNG3", {BEFORE: "5.00", AFTER: "5.00"})
    await trade(store, "MBRF3", {BEFORE: "24.00", AFTER: "24.00"})
    for other, ratio in (("WRNG3", "4"), ("MBRF3", "0.8521")):
        await book_event(store, "BRFS3", terms(ActionKind.MERGER, other=other, ratio=ratio), now)
    assert await store.assets.current("BRFS3") == "MBRF3"
    assert (await store.bars.read("BRFS3")).close.tolist() == [20.45, 24]
    await withdraw_event(store, "BRFS3", ActionKind.MERGER, BEFORE)
    asset = await store.assets.get("BRFS3")
    assert asset is not None
    assert (asset.active, asset.successor) == (True, None)


async def test_a_payment_above_the_price_is_not_booked(store: Store, now: datetime) -> None:
    await trade(store, "ABCD3", {BEFORE: "30.00", AFTER: "30.00"})
    with pytest.raises(UnbookableEvent, match="not below the price of 30"):
        await book_event(store, "ABCD3", terms(ActionKind.DIVIDEND, amount="1250"), now)
    assert await store.actions.of("ABCD3") == []


async def test_a_move_taken_back_is_asked_again(store: Store, now: datetime) -> None:
    await trade(store, "ABCD3", {BEFORE: "30.00", AFTER: "4.00"})
    await answer_question(store, "ABCD3", QuestionKind.MOVE, BEFORE, "a fraud became known", by="someone", now=now)
    assert (await store.bars.read("ABCD3")).factor.tolist() == [1, 1]
    await withdraw_event(store, "ABCD3", ActionKind.PRICE_MOVE, BEFORE)
    assert np.isnan((await store.bars.read("ABCD3")).factor).tolist() == [True, False]
    assert [(q.kind, q.day) for q in await questions(store, ["ABCD3"], SINCE)] == [(QuestionKind.MOVE, BEFORE)]


@pytest.mark.parametrize("day", [date(2025, 9, 21), date(2030, 1, 1), AFTER])
async def test_what_is_not_asked_is_not_answered(store: Store, now: datetime, day: date) -> None:
    await trade(store, "ABCD3", {BEFORE: "30.00", AFTER: "4.00"})
    for kind in (QuestionKind.MOVE, QuestionKind.PAYMENT):
        with pytest.raises(NotFound, match="nothing of the kind"):
            await answer_question(store, "ABCD3", kind, day, "nothing", by="someone", now=now)
    assert await store.actions.of("ABCD3") == []


async def test_a_crash_is_asked_once(store: Store, now: datetime) -> None:
    await trade(store, "AMER3", {date(2023, 1, 11): "12.00", date(2023, 1, 12): "2.72"})
    (asked,) = await questions(store, None, SINCE)
    assert (asked.ticker, asked.day, asked.breaks) == ("AMER3", date(2023, 1, 11), False)
    assert "price times 0.227" in asked.text
    await answer_question(store, "AMER3", asked.kind, asked.day, "the fraud became known", by="me", now=now)
    assert await questions(store, None, SINCE) == []
    assert (await store.bars.read("AMER3")).factor.tolist() == [1.0, 1.0]


async def test_a_rich_payment_is_asked_until_it_is_answered(store: Store, now: datetime) -> None:
    await trade(store, "ABCD3", {BEFORE: "10.00", AFTER: "6.00"})
    paid = CorporateAction(
        ticker="ABCD3",
        kind=ActionKind.DIVIDEND,
        last_date_with=BEFORE,
        amount=Decimal("4.10"),
        source="b3",
        payload="p",
    )
    await store.actions.upsert([paid])
    (asked,) = await questions(store, ["ABCD3"], SINCE)
    assert (asked.kind, "41%" in asked.text) == (QuestionKind.PAYMENT, True)
    await answer_question(store, "ABCD3", asked.kind, asked.day, "a special dividend", by="me", now=now)
    assert await questions(store, ["ABCD3"], SINCE) == []


async def test_an_answer_does_not_settle_what_its_source_told_later(store: Store, now: datetime) -> None:
    await trade(store, "ABCD3", {BEFORE: "10.00", AFTER: "6.00"})
    paid = CorporateAction(
        ticker="ABCD3", kind=ActionKind.DIVIDEND, last_date_with=BEFORE, amount=Decimal("4.1"), source="b3", payload="p"
    )
    await store.actions.upsert([paid])
    (asked,) = await questions(store, ["ABCD3"], SINCE)
    await answer_question(store, "ABCD3", asked.kind, asked.day, "a special dividend", by="me", now=now)
    await store.actions.upsert([paid])
    assert await questions(store, ["ABCD3"], SINCE) == []
    await store.actions.upsert([paid.model_copy(update={"amount": Decimal("8.2")})])
    again = [q for q in await questions(store, ["ABCD3"], SINCE) if q.kind is QuestionKind.PAYMENT]
    assert [q.facts for q in again] == ["8.2"]
    await answer_question(store, "ABCD3", QuestionKind.PAYMENT, BEFORE, "revised, and true", by="me", now=now)
    assert QuestionKind.PAYMENT not in {q.kind for q in await questions(store, ["ABCD3"], SINCE)}


async def test_what_is_not_on_record_is_not_booked(store: Store, now: datetime) -> None:
    with pytest.raises(NotFound, match="ABCD3 is not known yet"):
        await book_event(store, "ABCD3", terms(ActionKind.SPLIT, factor="2"), now)
    await trade(store, "ABCD3", {BEFORE: "10.00"})
    with pytest.raises(UnbookableEvent, match="two years ahead"):
        await book_event(store, "ABCD3", terms(ActionKind.SPLIT, date(2031, 3, 3), factor="2"), now)
    with pytest.raises(UnbookableEvent, match="cannot become itself"):
        await book_event(store, "ABCD3", terms(ActionKind.MERGER, other="ABCD3", ratio="1"), now)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "dividend"}, "dividend: give amount"),
        ({"kind": "split", "factor": "0.5"}, "above 1"),
        ({"kind": "reverse_split", "factor": "10"}, "below 1"),
        ({"kind": "ratio_change", "factor": "1"}, "other than 1"),
        ({"kind": "spin_off"}, "give price_factor, or other and ratio"),
        ({"kind": "spin_off", "price_factor": "1.2"}, "a number below 1"),
        ({"kind": "spin_off", "price_factor": "0.8", "cost_share": "0.2"}, "cost_share: it goes with a paper"),
        ({"kind": "spin_off", "other": "NEWX3", "ratio": "1", "cost_share": "1"}, "less than 1"),
        ({"kind": "spin_off", "other": "NEWX3", "ratio": "1", "cost_share": "0"}, "greater than 0"),
        ({"kind": "spin_off", "other": "NEWX3", "ratio": "1", "cost_source": "a fact"}, "cost_source: it tells where"),
        ({"kind": "spin_off", "into": PARTS, "cost_share": "0.1"}, "cost_share: of several papers each has its own"),
        (
            {"kind": "spin_off", "into": [{**PARTS[0], "cost_share": "0.6"}, {**PARTS[1], "cost_share": "0.4"}]},
            "parts of the cost sum to 1.0; something must stay",
        ),
        ({"kind": "merger", "into": [{**PARTS[0], "cost_share": "0.6"}, PARTS[1]]}, "cost_share is a spin-off's"),
        ({"kind": "dividend", "amount": "1", "cost_share": "0.5"}, "cost_share: dividend takes amount alone"),
        ({"kind": "merger", "other": "MBRF3"}, "merger: give ratio"),
        ({"kind": "subscription", "ratio": "0.1"}, "subscription: give price"),
        ({"kind": "other"}, "other: give label"),
        ({"kind": "dividend", "amount": "1", "factor": "2"}, "factor: dividend takes amount alone"),
        ({"kind": "price_move", "amount": "1"}, "amount: price_move takes no terms"),
        ({"kind": "split", "factor": "20000"}, "have never been seen"),
        ({"kind": "jcp", "amount": "1", "payment_date": "2025-09-19"}, "lies before the last day with rights"),
        ({"kind": "dividend", "amount": "-1"}, "greater than 0"),
        ({"kind": "dividend", "amount": "1", "last_date_with": "2025-09-21"}, "2025-09-21 was no session"),
        ({"kind": "dividend", "amount": "1", "other": "no code"}, "is no ticker"),
    ],
)
def test_terms_that_say_too_little_or_nonsense_are_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        EventTerms.model_validate({"last_date_with": "2025-09-22", **given})
