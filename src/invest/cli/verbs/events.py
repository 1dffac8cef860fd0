"""`invest data event`, `events`, `questions` and `answer`: what happened to a paper, and what its data ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from invest.cli import output as show
from invest.cli.output import AsJson
from invest.cli.server import with_store
from invest.errors import ConfigError

Text = str | None
TickerName = Annotated[str, typer.Argument(help="such as PETR4")]
Day = Annotated[str, typer.Option("--last-day", help="last session with rights, as 2025-03-31", show_default=False)]
YEARS_BACK = 2


def event(
    ticker: TickerName,
    kind: Annotated[str, typer.Option(help="spin_off, merger, split, dividend, price_move, …", show_default=False)],
    last_day: Day,
    amount: Annotated[Text, typer.Option(help="BRL per share, gross")] = None,
    factor: Annotated[Text, typer.Option(help="new papers per old one: 2 for 1:2, 0.1 for 10:1")] = None,
    price_factor: Annotated[Text, typer.Option(help="the part of the price that stayed after a spin-off")] = None,
    other: Annotated[Text, typer.Option(help="the paper received")] = None,
    ratio: Annotated[Text, typer.Option(help="papers of --other per share held")] = None,
    price: Annotated[Text, typer.Option(help="of a subscription, BRL")] = None,
    payment: Annotated[Text, typer.Option(help="day of payment")] = None,
    label: Annotated[Text, typer.Option(help="a word of your own")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="take back what was booked of that day and kind")] = False,
    json_output: AsJson = False,
) -> None:
    """Book an event that no source gives, or gives without its terms; adjusted prices and positions follow it."""
    from pydantic import ValidationError

    from invest.cli.platform.local import settings_here
    from invest.domain.market import ActionKind, EventTerms, parse_ticker
    from invest.jobs.data_collection import book_event, withdraw_event

    name, now = parse_ticker(ticker), settings_here().now()
    given = {
        "kind": kind,
        "last_date_with": last_day,
        "amount": amount,
        "factor": factor,
        "price_factor": price_factor,
        "other": other,
        "ratio": ratio,
        "price": price,
        "payment_date": payment,
        "label": label,
    }
    if remove:
        what, day = _parsed(ActionKind, kind, "--kind"), _day(last_day)
        with_store(lambda store: withdraw_event(store, name, what, day))
        typer.echo(f"{what.value} of {name} on {day}: taken back")
        return
    try:
        terms = EventTerms.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError("; ".join(_words(problem) for problem in error.errors())) from None
    booked = with_store(lambda store: book_event(store, name, terms, now))
    if json_output:
        show.as_json(booked)
    else:
        effect = f", earlier prices times {booked.price_factor:f}" if booked.price_factor is not None else ""
        typer.echo(f"{booked.kind.value} of {name}, rights until {booked.last_date_with}: booked{effect}")


def events(ticker: TickerName, json_output: AsJson = False) -> None:
    """Every event of a paper, newest first, each as the best source reports it."""
    from invest.domain.market import parse_ticker

    name = parse_ticker(ticker)

    async def work(store: Any) -> Any:
        return await store.actions.of(name)

    found = with_store(work)[::-1]
    if json_output:
        show.as_json(found)
        return
    rows = [
        (
            e.last_date_with,
            e.kind.value,
            e.label,
            *(None if x is None else f"{x:f}" for x in (e.amount, e.factor, e.price_factor)),
            " ".join(filter(None, (e.other, None if e.ratio is None else f"× {e.ratio:f}"))) or None,
            e.payment_date or ("to be set" if e.kind.in_cash else None),
            e.source,
        )
        for e in found
    ]
    columns = ("rights until", "kind", "label", "BRL", "factor", "price ×", "received", "paid", "source")
    show.table(columns, rows, right=("BRL", "factor", "price ×"), empty=f"no event of {name} is known")


def calendar(
    tickers: Annotated[list[str] | None, typer.Argument(help="such as PETR4 VALE3")] = None,
    portfolio: Annotated[Text, typer.Option(help="a portfolio's id instead: what it ever held")] = None,
    since: Annotated[Text, typer.Option(help="first day; today without it")] = None,
    until: Annotated[Text, typer.Option(help="last day; 180 days ahead without it")] = None,
    json_output: AsJson = False,
) -> None:
    """Announced events: last day with rights, first without, payment set or still to be set."""
    from invest.cli.platform.local import settings_here
    from invest.domain.market import market_day, parse_ticker
    from invest.jobs.data_collection import announced, held_tickers, results_days

    settings = settings_here()
    if bool(tickers) == bool(portfolio):
        raise ConfigError("name some assets, or a --portfolio")
    names, today = [parse_ticker(t) for t in tickers or ()], market_day(settings.now())
    first = _day(since) if since else today
    last = _day(until) if until else first + timedelta(days=180)

    async def work(store: Any) -> Any:
        asked = names or await held_tickers(store, portfolio or "")
        days = [day for day in await results_days(store, settings, asked) if first <= day.day <= last]
        return await announced(store, asked, first, last, today), days

    found, days = with_store(work)
    if json_output:
        show.as_json(found)
        return
    rows = [
        (
            e.ticker,
            e.kind.value + (f" ({e.instalment})" if e.instalment > 1 else ""),
            e.last_date_with,
            e.ex_date,
            e.payment_date or ("to be set" if e.kind.in_cash else None),
            *(None if x is None else f"{x:f}" for x in (e.amount, e.factor)),
            e.stage.value.replace("_", " "),
        )
        for e in found
    ]
    columns = ("asset", "kind", "rights until", "ex", "paid or published", "BRL", "factor", "stage")
    for one in days:
        how = "announced" if one.announced else "at the latest, by law"
        rows.append((one.ticker, f"results ({how})", None, None, one.day, None, None, None))
    show.table(columns, rows, right=("BRL", "factor"), empty="nothing is announced")


def questions(
    ticker: Annotated[str | None, typer.Argument(help="one asset; all without it")] = None,
    since: Annotated[Text, typer.Option(help="days from here on; two years without it")] = None,
    json_output: AsJson = False,
) -> None:
    """Prices that nothing explains, payments beyond 30 % of the price, values that do not fit: each asked once."""
    from invest.cli.platform.local import settings_here
    from invest.domain.market import parse_ticker
    from invest.jobs.data_collection import questions as asked

    names = [parse_ticker(ticker)] if ticker else None
    start = _day(since) if since else settings_here().now().date() - timedelta(days=366 * YEARS_BACK)
    found = with_store(lambda store: asked(store, names, start))
    if json_output:
        show.as_json(found)
        return
    rows = [(q.ticker, q.day, q.kind.value, q.text, "yes" if q.breaks else None) for q in found]
    show.table(("asset", "day", "kind", "question", "stops prices"), rows, empty="nothing to ask")


def answer(
    ticker: TickerName,
    kind: Annotated[str, typer.Argument(help="move, payment, range or market_value")],
    day: Annotated[str, typer.Argument(help="the question's day")],
    text: Annotated[str, typer.Argument(help="what is right, in a few words")],
) -> None:
    """Answer a question for good. Of a move it says that there was no event: prices compare across it again."""
    from invest.cli.platform.local import settings_here
    from invest.domain.market import parse_ticker
    from invest.domain.values import QuestionKind
    from invest.jobs.data_collection import answer_question

    name, now, when = parse_ticker(ticker), settings_here().now(), _day(day)
    what = _parsed(QuestionKind, kind, "kind")
    with_store(lambda store: answer_question(store, name, what, when, text, by="command line", now=now))
    typer.echo(f"{what.value} of {name} on {when}: answered")


def _day(text: str) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no day: expected one such as 2025-03-31") from None


def _parsed(kinds: Any, text: str, name: str) -> Any:
    if text not in list(kinds):
        raise ConfigError(f"{name}: no {text!r}, one of {', '.join(kinds)}")
    return kinds(text)


def _words(problem: Any) -> str:
    """One problem of validation in plain words."""
    field = ".".join(map(str, problem["loc"]))
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{field}: {message}" if field else message
