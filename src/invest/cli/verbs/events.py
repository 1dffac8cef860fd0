"""`invest data event`, `events`, `delistings`, `questions`, `answer`: what happened to papers, what their data ask."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output as show
from invest.cli.investing.portfolios import Columns, identify
from invest.cli.output import AsJson
from invest.cli.server import with_api
from invest.errors import ConfigError

if TYPE_CHECKING:
    from invest.http import Client

MOST = 1_000  # of a part or a percentage: beyond it, it is neither

Text = str | None
TickerName = Annotated[str, typer.Argument(help="such as PETR4")]
Day = Annotated[str, typer.Option("--last-day", help="last session with rights, as 2025-03-31", show_default=False)]


def event(
    ticker: TickerName,
    kind: Annotated[str, typer.Option(help="spin_off, merger, split, dividend, price_move, …", show_default=False)],
    last_day: Day,
    amount: Annotated[Text, typer.Option(help="BRL per share, gross")] = None,
    factor: Annotated[Text, typer.Option(help="new papers per old one: 2 for 1:2, 0.1 for 10:1")] = None,
    price_factor: Annotated[Text, typer.Option(help="the part of the price that stayed after a spin-off")] = None,
    other: Annotated[Text, typer.Option(help="the paper received")] = None,
    ratio: Annotated[Text, typer.Option(help="papers of --other per share held")] = None,
    into: Annotated[
        list[str] | None,
        typer.Option(
            help="a paper received and how many per share, RNEW4=2, with its part of the cost NEWA3=0.5:0.12: once "
            "for each of several"
        ),
    ] = None,
    cost_share: Annotated[
        Text, typer.Option(help="of a spin-off: the published part of the cost that goes with --other, 0.125 or 12.5%")
    ] = None,
    cost_source: Annotated[Text, typer.Option(help="where it was published: a link, a document and its day")] = None,
    price: Annotated[Text, typer.Option(help="of a subscription, BRL")] = None,
    payment: Annotated[Text, typer.Option(help="day of payment")] = None,
    label: Annotated[Text, typer.Option(help="a word of your own")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="take back what was booked of that day and kind")] = False,
    json_output: AsJson = False,
) -> None:
    """Book an event that no source gives, or gives without its terms; adjusted prices and positions follow it."""
    name, day = named(ticker), _day(last_day)
    if remove:
        with_api(lambda client: client.ask("DELETE", f"/assets/{name}/events/{kind}/{day}"))
        show.outcome(json_output, f"{kind} of {name} on {day}: taken back", kind=kind, last_date_with=str(day))
        return
    given = {
        "kind": kind,
        "last_date_with": str(day),
        "amount": amount,
        "factor": factor,
        "price_factor": price_factor,
        "other": other,
        "ratio": ratio,
        "into": [_paper(one) for one in into] if into else None,
        "price": price,
        "cost_share": cost_share and _part(cost_share),
        "cost_source": cost_source,
        "payment_date": payment,
        "label": label,
    }
    terms = {key: value for key, value in given.items() if value is not None}
    booked = with_api(lambda client: client.ask("POST", f"/assets/{name}/events", terms))
    effect = ""  # of several papers the answer has the first one alone
    if booked["price_factor"] is not None and not into:
        effect = f", earlier prices times {plain(booked['price_factor'])}"
    if booked["kind"] == "spin_off" and booked["other"] is not None:
        effect += f"; invest data events {name} has the part of each paper" if into else f"; {_cost_text(booked)}"
    kind = booked["kind"].replace("spin_off", "spin-off").replace("_", " ")
    show.outcome(json_output, f"{kind} of {name}, rights until {booked['last_date_with']}: booked{effect}", **booked)


def _paper(text: str) -> dict[str, str]:
    """A paper received and how many of it. Raises `ConfigError`."""
    other, _, rest = text.partition("=")
    ratio, _, share = rest.partition(":")
    if not ratio:
        raise ConfigError(f"--into {text}: the paper and how many of it per share held, as RNEW4=2")
    paper = {"other": named(other.strip()), "ratio": ratio.strip()}
    return paper | ({"cost_share": _part(share)} if share else {})


def _part(text: str) -> str:
    """A part as a fraction, written so or in per cent. Raises `ConfigError`."""
    figure, percent = text.strip().replace(",", "."), text.strip().endswith("%")
    try:
        value = Decimal(figure.removesuffix("%").strip())
    except InvalidOperation:
        raise ConfigError(f"{text!r} is no part of a cost: 0.125 or 12.5%") from None
    if not value.is_finite() or not -MOST <= value <= MOST:
        raise ConfigError(f"{text!r} is no part of a cost: 0.125 or 12.5%")
    return f"{(value / 100 if percent else value).normalize():f}"


def _cost_text(event: dict[str, Any]) -> str:
    """Which part of the cost goes with the papers of a spin-off, and who says so."""
    if event["cost_share"] is not None:
        return f"{Decimal(event['cost_share']):.2%} of the cost goes with {event['other']}, as published"
    part = 1 - Decimal(event["price_factor"])
    return f"{part:.2%} of the cost goes with {event['other']}: an estimate by prices, give --cost-share once published"


def events(ticker: TickerName, json_output: AsJson = False) -> None:
    """Every event of a paper, newest first, each as the best source reports it."""
    name = named(ticker)
    found = with_api(lambda client: client.rows(f"/assets/{name}/actions"))[::-1]
    columns: Columns = {
        "rights until": lambda e: e["last_date_with"],
        "kind": lambda e: e["kind"],
        "label": lambda e: e["label"],
        "BRL": lambda e: plain(e["amount"]),
        "factor": lambda e: plain(e["factor"]),
        "price ×": lambda e: plain(e["price_factor"]),
        "received": received,
        "cost": lambda e: e["cost_share"] and f"{Decimal(e['cost_share']):.2%}",
        "paid": payment_of,
        "source": lambda e: e["source"],
    }
    if not any(e["cost_share"] for e in found):
        del columns["cost"]
    right = ("BRL", "factor", "price ×", "cost")
    show.listing(found, columns, json_output=json_output, right=right, empty=f"no event of {name} is known")


def calendar(
    tickers: Annotated[list[str] | None, typer.Argument(help="such as PETR4 VALE3")] = None,
    portfolio: Annotated[Text, typer.Option(help="a portfolio's id or name instead: what it ever held")] = None,
    since: Annotated[Text, typer.Option(help="first day; today without it")] = None,
    until: Annotated[Text, typer.Option(help="last day; 180 days ahead without it")] = None,
    json_output: AsJson = False,
) -> None:
    """Announced events: last day with rights, first without, payment set or still to be set; results' days."""
    if bool(tickers) == bool(portfolio):
        raise ConfigError("name some assets, or a --portfolio")
    names = [named(ticker) for ticker in tickers or ()]
    span: dict[str, Any] = {"since": since and str(_day(since)), "until": until and str(_day(until))}

    async def work(client: Client) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        owned = await identify(client, portfolio) if portfolio else None
        asked: list[dict[str, Any]] = [{"ticker": name} for name in names] or [{"portfolio_id": owned}]
        entries = [row for who in asked for row in await client.rows("/data/calendar", **who, **span)]
        results = [row for who in asked for row in await client.rows("/data/results", **who)]
        entries.sort(key=lambda e: (e["last_date_with"], e["ticker"], e["kind"]))
        return entries, [day for day in results if _within(day["day"], since, until)]

    found, days = with_api(work)
    announcements = [
        {"ticker": day["ticker"], "kind": "results", "payment_date": day["day"],
         "stage": "announced" if day["announced"] else "at latest, by law"} for day in days
    ]  # fmt: skip
    columns: Columns = {
        "asset": lambda e: e["ticker"],
        "kind": lambda e: e["kind"] + (f" ({e['instalment']})" if e.get("instalment", 1) > 1 else ""),
        "rights until": lambda e: e.get("last_date_with"),
        "ex": lambda e: e.get("ex_date"),
        "paid or out": payment_of,
        "BRL": lambda e: plain(e.get("amount")),
        "factor": lambda e: plain(e.get("factor")),
        "stage": lambda e: e["stage"].replace("_", " "),
    }
    if not any(e.get("factor") for e in found):
        del columns["factor"]
    show.listing(
        [*found, *announcements], columns, json_output=json_output, right=("BRL", "factor"),
        empty="nothing is announced", whole=found,
    )  # fmt: skip


def _within(day: str, since: str | None, until: str | None) -> bool:
    return (since is None or since <= day) and (until is None or day <= until)


def delistings(
    tickers: Annotated[list[str] | None, typer.Argument(help="such as BRFS3; all without them")] = None,
    market: Annotated[Text, typer.Option(help="stocks, fiis, etfs, bdrs or cryptos")] = None,
    since: Annotated[Text, typer.Option(help="that ended from this day on")] = None,
    json_output: AsJson = False,
) -> None:
    """Papers that trade no more, the newest end first: last session, why, and what their holders have now."""
    asked: dict[str, Any] = {"market": market, "since": since and str(_day(since))}
    names: list[str | None] = [named(ticker) for ticker in tickers or ()] or [None]

    async def work(client: Client) -> list[dict[str, Any]]:
        return [row for name in names for row in await client.rows("/data/delistings", ticker=name, **asked)]

    columns: Columns = {
        "asset": lambda d: d["ticker"],
        "name": lambda d: d["name"],
        "last session": lambda d: d["last_session"],
        "ended": lambda d: d["ended_on"],
        "why": lambda d: d["reason"],
        "now": lambda d: " ".join(filter(None, (d["successor"], _at_ratio(d["ratio"])))) or None,
        "told by": lambda d: d["source"],
    }
    show.listing(with_api(work), columns, json_output=json_output, empty="no paper is known to have ended")


def _at_ratio(ratio: str | None) -> str | None:
    return None if ratio is None or Decimal(ratio) == 1 else f"× {plain(ratio)}"


def named(ticker: str) -> str:
    """The ticker as the exchange writes it. Raises `ConfigError`."""
    from invest.domain.market import parse_ticker

    return str(parse_ticker(ticker))


def plain(figure: str | None) -> str | None:
    """A figure without zeros at its end, two decimals at least where it has any."""
    if figure is None:
        return None
    value = Decimal(figure).normalize()
    exponent = value.as_tuple().exponent
    return f"{value:.2f}" if exponent == -1 else f"{value:f}"


def received(event: dict[str, Any]) -> str | None:
    """The other paper that an event gives, and how many of it."""
    ratio = None if event["ratio"] is None else f"× {plain(event['ratio'])}"
    return " ".join(filter(None, (event["other"], ratio))) or None


def payment_of(event: dict[str, Any]) -> str | None:
    """The day of a payment; of one in cash that has none yet, that it is to be set."""
    from invest.domain.market import ActionKind

    day: str | None = event.get("payment_date")
    return day or ("to be set" if event["kind"] != "results" and ActionKind(event["kind"]).in_cash else None)


def questions(
    ticker: Annotated[str | None, typer.Argument(help="one asset; all without it")] = None,
    since: Annotated[Text, typer.Option(help="days from here on; two years without it")] = None,
    json_output: AsJson = False,
) -> None:
    """Prices that nothing explains, payments beyond 30 % of the price, values that do not fit: each asked once."""
    asked: dict[str, Any] = {"ticker": ticker and named(ticker), "since": since and str(_day(since))}
    found = with_api(lambda client: client.rows("/data/questions", **asked))
    columns: Columns = {
        "asset": lambda q: q["ticker"],
        "day": lambda q: q["day"],
        "kind": lambda q: q["kind"],
        "question": lambda q: q["text"],
        "stops prices": lambda q: "yes" if q["breaks"] else None,
    }
    show.listing(found, columns, json_output=json_output, empty="nothing to ask")
    if json_output or show.manner.quiet:
        return
    for one in found:
        if one["link"] and one["kind"] != "notice":
            show.sentence(
                f"{one['ticker']} {one['day']}: the company's notice may tell: {one['notice']} ({one['link']})"
            )
        if one["book"]:
            show.sentence(f"{one['ticker']} {one['day']}: book it with {one['book']}")


def answer(
    ticker: TickerName,
    kind: Annotated[str, typer.Argument(help="move, payment, range, market_value, notice or cost_share")],
    day: Annotated[str, typer.Argument(help="the question's day")],
    text: Annotated[str, typer.Argument(help="what is right, in a few words")],
    json_output: AsJson = False,
) -> None:
    """Answer a question for good. Of a move it says that there was no event: prices compare across it again."""
    name, when = named(ticker), _day(day)
    body = {"kind": kind, "day": str(when), "answer": text}
    with_api(lambda client: client.ask("POST", f"/assets/{name}/answers", body))
    show.outcome(json_output, f"{kind} of {name} on {when}: answered", ticker=name, **body)


def _day(text: str) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no day: expected one such as 2025-03-31") from None
