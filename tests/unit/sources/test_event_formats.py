"""Events as B3 and brapi write them: whose paper, which kind, in which direction."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.bars import Bar
from invest.domain.market.tickers import AssetKind, kind_of, parse_ticker
from invest.domain.values.observations import RawPayload
from invest.settings import SourceSettings
from invest.sources.b3 import format as b3_format
from invest.sources.b3.action_labels import cash_kind, event_kind
from invest.sources.b3.cotahist import named, unnamed_codes
from invest.sources.b3.cotahist_format import ROW
from invest.sources.b3.format import same_paper
from invest.sources.brapi import format as brapi_format
from invest.sources.feeds.format import moment
from invest.sources.model import Reading, Want
from invest.sources.numerals import cnpj_of, digits
from invest.sources.others import yahoo
from invest.sources.plausible import believe, payable

NOW = datetime(2026, 3, 31, 23, tzinfo=UTC)
LAST = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("theirs", "ticker", "isin", "same"),
    [
        ("BRABCDACNOR1", "ABCD3", "BRABCDACNOR1", True),
        ("BRABCDACNOR9", "ABCD3", "BRABCDACNOR1", True),  # a new ISIN of the same class
        ("BRABCDACNPR9", "ABCD3", "BRABCDACNOR1", False),
        ("BRABCDACNPA2", "ABCD4", "BRABCDACNPR1", False),
        ("BRWXYZACNOR1", "ABCD3", "BRABCDACNOR1", False),  # another issuer
        ("BRAXIAACNOR1", "AXIA3", "BRELETACNOR6", True),  # the issuer's new name
        ("BRELETACNOR6", "AXIA3", None, True),
        ("BRABCDCDAM13", "ABCD11", "BRABCDCDAM05", True),
        ("BRABCDR01OR2", "ABCD3", "BRABCDACNOR1", False),  # a receipt
        ("BRFUNDCTF003", "FUND11", "BRFUNDCTF003", True),
        ("BRFUNDCTF011", "FUND11", "BRFUNDCTF003", True),
        ("BRFUNDR01M14", "FUND11", "BRFUNDCTF003", False),  # receipts of a subscription
    ],
)
def test_a_paper_keeps_its_events_through_a_new_isin(theirs: str, ticker: str, isin: str | None, same: bool) -> None:
    assert same_paper(theirs, ticker, isin) is same


def supplement(label: str, factor: str = "100,00000000000") -> dict[str, str]:
    """One row of a supplement's stockDividends."""
    return {"label": label, "factor": factor, "isinCode": "BRABCDACNOR1", "lastDatePrior": "02/03/2026"}


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("CISAO", ActionKind.SPIN_OFF),
        ("CIS RED CAP", ActionKind.SPIN_OFF),
        ("INCORPORAÇÃO", ActionKind.MERGER),
        ("RESG TOTAL RV", ActionKind.REDEMPTION),
        ("EVENTO NUNCA VISTO", ActionKind.OTHER),
        ("", ActionKind.OTHER),
    ],
)
def test_no_event_vanishes_whatever_its_label(label: str, kind: ActionKind) -> None:
    (found,) = b3_format.share_actions([supplement(label)], "ABCD3", None, "p")
    assert (found.kind, found.factor, found.label) == (kind, None, label or None)
    assert event_kind(label) is kind


def test_a_subscription_is_kept_with_its_terms() -> None:
    row = {
        "assetIssued": "BRABCDD01OR1",
        "percentage": "12,50",
        "priceUnit": "4,10",
        "tradingPeriod": "03/03/2026 a 25/03/2026",
        "subscriptionDate": "30/03/2026",
        "approvedOn": "25/02/2026",
        "isinCode": "BRABCDACNOR1",
        "label": "SUBSCRICAO",
        "lastDatePrior": "02/03/2026",
    }
    (found,) = b3_format.subscriptions([row], "ABCD3", None, "p")
    assert (found.kind, found.ratio, found.price) == (ActionKind.SUBSCRIPTION, Decimal("0.125"), Decimal("4.10"))
    assert (found.last_date_with, found.other) == (date(2026, 3, 2), "BRABCDD01OR1")


def test_a_redemption_in_cash_keeps_its_amount_and_is_no_dividend() -> None:
    row = {"typeStock": "ON", "corporateAction": "RESG TOTAL RV", "valueCash": "9,00", "lastDatePriorEx": "02/03/2026"}
    (found,) = b3_format.cash_actions([row], "ABCD3", None, "p")
    assert (found.kind, found.amount, found.kind.in_cash) == (ActionKind.REDEMPTION, Decimal("9.00"), False)


def test_a_factor_against_its_label_is_remarked_not_taken() -> None:
    said: list[str] = []
    assert b3_format.share_actions([supplement("GRUPAMENTO", "10,0")], "ABCD3", None, "p", said.append) == []
    assert "GRUPAMENTO with a factor of '10,0'" in said[0]


@pytest.mark.parametrize(
    ("issued", "kind"),
    [
        ("BRABCDACNPC3", ActionKind.SPIN_OFF),  # shares of another class
        ("BRABCDCDAM05", ActionKind.SPIN_OFF),
        ("BRABCDACNOR9", ActionKind.BONUS),  # a new ISIN of the same class
        ("BRABCDR01OR2", ActionKind.BONUS),  # receipts that become it
        ("", ActionKind.BONUS),
    ],
)
def test_a_bonus_in_shares_of_another_class_adds_none_of_this_one(issued: str, kind: ActionKind) -> None:
    row = supplement("BONIFICACAO", "26,28378881074") | {"assetIssued": issued}
    (found,) = b3_format.share_actions([row], "ABCD3", "BRABCDACNOR1", "p")
    bonus = {"label": "BONIFICACAO", "factor": 1.2628378881074, "lastDatePrior": "2025-12-19", "assetIssued": issued}
    data = {"dividendsData": {"stockDividends": [{**bonus, "isinCode": "BRABCDACNOR1"}]}}
    (other,) = brapi_format.actions(data, "ABCD3", "BRABCDACNOR1", "p", "brapi")
    assert found.kind is other.kind is kind
    parts = Decimal("0.2628378881074")
    if kind is ActionKind.SPIN_OFF:
        assert (found.factor, found.ratio, found.other) == (None, parts, issued)
        assert (other.factor, other.ratio, other.other) == (None, parts, issued)
    else:
        assert found.factor == other.factor == 1 + parts


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("J.C.P.", ActionKind.JCP),
        ("REND. TRIBUTADO", ActionKind.INCOME),
        ("AMORT. EXTRAORDINARIA", ActionKind.AMORTISATION),
        ("REEMBOLSO DE CAPITAL", ActionKind.AMORTISATION),
        ("PGTO DIVIDENDO", ActionKind.DIVIDEND),
        ("PAGAMENTO DE JUROS", ActionKind.JCP),
        ("DISTRIBUICAO DE LUCROS", ActionKind.DIVIDEND),
        ("BONIFICACAO EM DINHEIRO", ActionKind.DIVIDEND),
        ("LEILAO DE FRACOES", ActionKind.OTHER),
    ],
)
def test_a_payment_is_one_whatever_its_label_s_wording(label: str, kind: ActionKind) -> None:
    row = {"typeStock": "ON", "corporateAction": label, "valueCash": "0,10", "lastDatePriorEx": "02/03/2026"}
    (found,) = b3_format.cash_actions([row], "ABCD3", None, "p")
    assert (found.kind, found.amount) == (kind, Decimal("0.10"))


def yahoo_events(kind: str, row: dict[str, object]) -> tuple[list[CorporateAction], list[str]]:
    """What is read of one event of Yahoo's chart, and what was said of it."""
    meta = {"currency": "BRL", "exchangeTimezoneName": "America/Sao_Paulo"}
    stamp = datetime(2026, 3, 3, 13, tzinfo=UTC).timestamp()
    events = {kind: {"1": {"date": stamp, **row}}}
    chart = {"meta": meta, "timestamp": [], "indicators": {"quote": [{}]}, "events": events}
    reading = Reading("yahoo", SourceSettings(), "ABCD3")
    payload = RawPayload(sha256="0" * 64, source="yahoo", url="u", fetched_at=NOW, status=200, size=0)
    yahoo.read(reading, Want("ABCD3", NOW), chart, payload)
    return list(reading.harvest.actions), reading.remarks


@pytest.mark.parametrize(
    ("row", "factor"),
    [
        ({"numerator": 1, "denominator": 10, "splitRatio": "1:10"}, "0.1"),
        ({"splitRatio": "1:10"}, "0.1"),  # in words alone
        ({"numerator": 11000, "denominator": 10000, "splitRatio": "11000:10000"}, "1.1"),
        ({"numerator": 1, "denominator": 10, "splitRatio": "10:1"}, None),
        ({"numerator": 0, "denominator": 10, "splitRatio": "0:10"}, None),
        ({"numerator": None, "splitRatio": ""}, None),
    ],
)
def test_yahoo_s_split_is_read_or_refused_with_a_remark(row: dict[str, object], factor: str | None) -> None:
    found, remarks = yahoo_events("splits", row)
    assert [one.factor for one in found] == ([Decimal(factor)] if factor else [])
    assert bool(remarks) is (factor is None)


@pytest.mark.parametrize("amount", [None, 0, -0.5, "x"])
def test_yahoo_s_dividend_without_an_amount_is_remarked(amount: object) -> None:
    found, remarks = yahoo_events("dividends", {"amount": amount})
    assert (found, len(remarks)) == ([], 1)


def brapi(label: str, factor: float | None, words: str | None = None) -> tuple[list[CorporateAction], list[str]]:
    """What is read of one event of brapi, and what was said of it."""
    row = {"label": label, "factor": factor, "completeFactor": words, "lastDatePrior": "2024-05-24T03:00:00.000Z"}
    said: list[str] = []
    data = {"dividendsData": {"stockDividends": [row]}}
    return brapi_format.actions(data, "ABCD3", None, "p", "brapi", remark=said.append), said


@pytest.mark.parametrize(
    ("label", "factor", "words", "right"),
    [
        ("GRUPAMENTO", 10, "10 para 1", "0.1"),
        ("GRUPAMENTO", 10, None, "0.1"),
        ("AGRUPAMENTO", 10, "10 para 1", "0.1"),
        ("GRUPAMENTO", 0.1, None, "0.1"),
        ("GRUPAMENTO", 0.1, "1 para 10", "0.1"),
        ("GRUPAMENTO", None, "1 para 10", "0.1"),
        ("DESDOBRAMENTO", 2, "2 para 1", "2"),
        ("DESDOBRAMENTO", 2, "1 para 2", "2"),
        ("DESDOBRAMENTO", 2, None, "2"),
        ("BONIFICACAO", 5, None, "1.05"),
        ("BONIFICACAO", 1.05, "1,05 para 1", "1.05"),
        ("BONIFICACAO", 10, "1 para 10", "1.1"),
        ("BONIFICACAO", 0.1, "1,1 para 1", "1.1"),
        ("BONIFICACAO", 100, None, "2"),
    ],
)
def test_label_words_and_number_agree_in_direction(
    label: str, factor: float | None, words: str | None, right: str
) -> None:
    (found,), said = brapi(label, factor, words)
    assert (found.factor, said) == (Decimal(right), [])


@pytest.mark.parametrize(
    ("label", "factor", "words"),
    [
        ("DESDOBRAMENTO", 0.5, None),
        ("DESDOBRAMENTO", 10, "2 para 1"),
        ("DESDOBRAMENTO", 1, None),
        ("DESDOBRAMENTO", None, None),
        ("GRUPAMENTO", 5, "10 para 1"),
        ("GRUPAMENTO", 1, "1 para 1"),
        ("GRUPAMENTO", 0, None),
        ("GRUPAMENTO", -10, None),
        ("BONIFICACAO", 0, None),
        ("BONIFICACAO", 1, None),
        ("BONIFICACAO", 10, "1,2 para 1"),
        ("BONIFICACAO", 0.05, "1 para 10"),
    ],
)
def test_an_event_that_contradicts_itself_is_refused(label: str, factor: float | None, words: str | None) -> None:
    found, said = brapi(label, factor, words)
    assert found == []
    assert len(said) == 1


@pytest.mark.parametrize(
    ("kind", "factor"),
    [(ActionKind.REVERSE_SPLIT, "10"), (ActionKind.SPLIT, "0.5"), (ActionKind.BONUS, "0.9"), (ActionKind.SPLIT, "1")],
)
def test_whoever_says_more_shares_after_a_reverse_split_is_not_believed(kind: ActionKind, factor: str) -> None:
    basket = Reading("yahoo", SourceSettings(), "ABCD3")
    told = CorporateAction(
        ticker="ABCD3", kind=kind, last_date_with=LAST, factor=Decimal(factor), source="yahoo", payload="p"
    )
    assert payable(basket, Want("ABCD3", NOW), [told]) == []
    assert kind.value in basket.remarks[0]


@pytest.mark.parametrize("factor", ["0,50000000000", "0,1", "0", "-50", "", None])
def test_b3_s_split_of_less_than_a_percent_is_a_multiplier_against_its_label(factor: str | None) -> None:
    remarks: list[str] = []
    row = supplement("DESDOBRAMENTO") | {"factor": factor}
    assert b3_format.share_actions([row], "ABCD3", None, "p", remarks.append) == []
    assert len(remarks) == 1


def test_no_event_without_a_day_or_a_size_vanishes_without_a_word() -> None:
    remarks: list[str] = []
    row = {"label": "DIVIDENDO", "isinCode": "BRABCDACNOR1", "rate": "0,5", "lastDatePrior": "31/12/9999"}
    assert b3_format.cash_actions([row], "ABCD3", None, "p", remarks.append) == []
    assert (
        b3_format.cash_actions([row | {"rate": "0", "lastDatePrior": "02/03/2026"}], "ABCD3", None, "p", remarks.append)
        == []
    )
    assert b3_format.subscriptions([row], "ABCD3", None, "p", remarks.append) == []
    assert b3_format.share_actions([row | {"label": "CISAO"}], "ABCD3", None, "p", remarks.append) == []
    data = {"cashDividends": [row, {"label": "JCP", "lastDatePrior": "2026-03-02"}]}
    assert brapi_format.actions({"dividendsData": data}, "ABCD3", None, "p", "brapi", remark=remarks.append) == []
    assert len(remarks) == 6
    other = row | {"isinCode": "BRABCDACNPR9"}
    assert b3_format.share_actions([other], "ABCD3", None, "p", remarks.append) == []
    assert len(remarks) == 6  # another paper's events are none of ours


def test_brapi_s_subscription_keeps_its_terms() -> None:
    row = {"label": "SUBSCRICAO", "percentage": 15, "priceUnit": 12.5, "lastDatePrior": "2026-03-02"}
    data = {"dividendsData": {"subscriptions": [row | {"subscriptionDate": "2026-04-01"}]}}
    (found,) = brapi_format.actions(data, "ABCD3", None, "p", "brapi")
    assert (found.kind, found.ratio, found.price) == (ActionKind.SUBSCRIPTION, Decimal("0.15"), Decimal("12.5"))
    assert found.payment_date == date(2026, 4, 1)


def test_an_instalment_finds_its_own_payment_day() -> None:
    row = {"label": "DIVIDENDO", "isinCode": "BRABCDACNOR1", "rate": "0,25", "lastDatePrior": "02/03/2026"}
    rows = [row | {"paymentDate": f"01/{month}/2026"} for month in ("04", "07")]
    dated = b3_format.cash_actions(rows, "ABCD3", None, "p")
    for history in ([dated[0].model_copy(update={"payment_date": None}), dated[1]], dated[::-1]):
        found = b3_format.merged(history, dated[::-1])
        assert sorted(one.payment_date for one in found if one.payment_date) == [date(2026, 4, 1), date(2026, 7, 1)]


def test_codes_of_no_known_form_are_named_not_dropped_in_silence() -> None:
    rows = np.zeros(4, ROW)
    rows["ticker"] = [b"PETR4", b"KLBN4F", b"AAPL34X", b"AAPL34X"]
    assert unnamed_codes(rows) == ["AAPL34X"]


def test_a_receipt_is_a_paper_of_its_own_beside_the_one_it_is_for() -> None:
    assert named(["AAPL34", "AAPL34R", "PETR4R", "PETR4RF"]) == {
        "AAPL34": "AAPL34", "AAPL34R": "AAPL34R", "PETR4R": "PETR4R",
    }  # fmt: skip
    assert parse_ticker("aapl34rf") == "AAPL34R"
    assert kind_of("AAPL34R", bdi="34", especi="DRN") is AssetKind.RIGHT
    assert kind_of("AAPL34", bdi="34", especi="DRN") is AssetKind.BDR


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("CIS RED CAP", ActionKind.SPIN_OFF),
        ("CISÃO PARCIAL", ActionKind.SPIN_OFF),
        ("INCORPORACAO", ActionKind.MERGER),
        ("RESG TOTAL RV", ActionKind.REDEMPTION),
        ("RED. CAP", ActionKind.AMORTISATION),
        ("DIV", ActionKind.DIVIDEND),
        ("SUBS", ActionKind.SUBSCRIPTION),
        ("DIREITO DE SUBSCRIÇÃO", ActionKind.SUBSCRIPTION),
        ("ALTERAÇÃO DE PROPORÇÃO", ActionKind.RATIO_CHANGE),
        ("ALT PARIDADE", ActionKind.RATIO_CHANGE),
        ("DESDOBR.", ActionKind.SPLIT),
        ("DIVIDENDO CANCELADO", ActionKind.OTHER),
        ("ESTORNO DE JCP", ActionKind.OTHER),
        ("DIVERSOS", ActionKind.OTHER),
    ],
)
def test_a_label_says_what_happened(label: str, kind: ActionKind) -> None:
    assert event_kind(label) is kind
    assert cash_kind(label) is (kind if kind.in_cash else None)


@pytest.mark.parametrize("days", [20, 45, 89])
def test_a_known_close_of_the_last_ninety_days_speaks_against_another_unit(days: int) -> None:
    reading = Reading("yahoo", SourceSettings(), "ABCD3")
    want = Want("ABCD3", NOW, last_close=Decimal(3800), last_day=date(2026, 3, 2) - timedelta(days=days))
    assert believe(reading, want, bars("38.10", "38.20", "38.30"), LAST) == []
    assert reading.rejected
    assert "about 0.01 times the known 3800" in " ".join(reading.remarks)


def bars(*closes: str) -> list[Bar]:
    """Bars of consecutive days from 2 March 2026 on."""
    prices = [Decimal(close) for close in closes]
    return [Bar("ABCD3", date(2026, 3, 2 + i), p, p, p, p, 9, None, None, "x", "p") for i, p in enumerate(prices)]


@pytest.mark.parametrize("times", ["10", "100", "1000", "0.1", "0.01", "0.001"])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_one_bar_in_another_unit_than_its_neighbours_is_left_out(times: str, at: int) -> None:
    given = bars("30", "30.5", "31", "30.2", "30.1")
    price = given[at].close * Decimal(times)
    given[at] = given[at]._replace(open=price, high=price, low=price, close=price)
    basket = Reading("yahoo", SourceSettings(), "ABCD3")
    known = Want("ABCD3", NOW, last_close=Decimal("29.8"), last_day=date(2026, 2, 27))
    kept = believe(basket, known, given, LAST)
    assert [bar.day for bar in kept] == [bar.day for i, bar in enumerate(given) if i != at]
    assert str(given[at].day) in basket.remarks[0]


def test_a_level_that_stays_is_no_spike() -> None:
    basket = Reading("cotahist", SourceSettings(official=True), "ABCD3")
    assert len(believe(basket, Want("ABCD3", NOW), bars("0.30", "3.1", "3.0"), LAST)) == 3
    assert "unexplained jump: 3.1 on 2026-03-03 after 0.30" in basket.remarks[0]


def test_an_official_level_that_its_own_turnover_denies_is_refused() -> None:
    want = Want("ABCD3", NOW, last_close=Decimal("0.31"), last_day=date(2026, 2, 27))
    for price, kept in (("3.10", 2), ("0.31", 0)):
        basket = Reading("cotahist", SourceSettings(official=True), "ABCD3")
        given = [bar._replace(volume=1000, turnover=1000 * Decimal(price)) for bar in bars("3.1", "3.0")]
        assert len(believe(basket, want, given, LAST)) == kept, basket.remarks


def test_an_unofficial_level_against_the_known_price_is_refused_whole() -> None:
    basket = Reading("yahoo", SourceSettings(), "ABCD3")
    want = Want("ABCD3", NOW, last_close=Decimal("0.31"), last_day=date(2026, 2, 27))
    assert believe(basket, want, bars("3.1", "3.0"), LAST) == []
    assert "wrong unit" in basket.remarks[0]


def test_identifiers_are_texts() -> None:
    assert cnpj_of("12.ABC.345/01DE-35") == "12ABC34501DE35"
    assert cnpj_of("12.345/01-35") != cnpj_of("12.ABC.345/01-35")
    assert (cnpj_of("191"), cnpj_of("00.000.000/0000-00"), cnpj_of("1" * 15), cnpj_of("é1")) == (
        "00000000000191",
        None,
        None,
        "00000000000001",
    )
    assert (digits("009512", 7), digits("95A12", 7)) == ("0009512", None)


def test_a_paper_traded_over_the_counter_alone_goes_by_its_base_code() -> None:
    given = ["EQMA3B", "PETR4", "PETR4B", "PETR4F", "HBSA1", "PETRA123", "1SBT11"]
    assert named(given) == {"EQMA3B": "EQMA3", "PETR4": "PETR4", "HBSA1": "HBSA1", "1SBT11": "1SBT11"}


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Tue, 24 Mar 2026 12:00:00 -0000", 12),
        ("Tue, 24 Mar 2026 12:00:00 -0000 (UTC)", 12),
        ("2026-03-24 12:00:00 -0000", 12),
        ("2026-03-24T12:00:00-00:00", 12),
        ("Tue, 24 Mar 2026 12:00 -0000", 12),
        ("Tue, 24 Mar 2026 12:00:00 GMT", 12),
        ("Tue, 24 Mar 2026 12:00:00", 15),
        ("2026-03-24T12:00:00", 15),
        ("Tue, 24 Mar 2026 12:00:00 -0300", 15),
        ("Tue, 24 Mar 2026 12:00:00 -03", 15),
        ("Tue, 24 Mar 2026 12:00:00 -03:00", 15),
        ("Tue, 24 Mar 2026 12:00:00 GMT-0300", 15),
        ("Tue, 24 Mar 2026 12:00:00 GMT+0000", 12),
        ("Tue, 24 Mar 2026 12:00:00 +00:00", 12),
        ("Tue, 24 Mar 2026 12:00:00 +0500", 7),
        ("24 Mar 26 12:00 UT", 12),
        ("Tue, 24 Mar 2026 12:00:00 Z", 12),
        ("Tue, 24 Mar 2026 12:00:00 A", 12),  # RFC 5322: military letters were used both ways, so they are -0000
        ("Tue, 24 Mar 2026 12:00:00 CET", 12),  # and so is a name it does not know
        ("Tue, 24 Mar 2026 12:00:00 EST", 17),
        ("Tue, 24 Mar 2026 12:00:00 edt", 16),
        ("Tue, 24 Mar 2026 12:00:00 PDT", 19),
        ("Tue, 24 Mar 2026 12:00:00 BRT", 15),
        ("Tue, 24 Mar 2026 12:00:00 BRST", 14),
        ("2026-03-24T12:00:00.000-00:00", 12),
    ],
)
def test_a_zone_of_minus_zero_is_utc_and_none_is_sao_paulo(text: str, hour: int) -> None:
    assert moment({"published": text}, NOW) == datetime(2026, 3, 24, hour, tzinfo=UTC)
