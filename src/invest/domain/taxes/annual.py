"""The annual return: Bens e Direitos at cost with their text, exempt and exclusive income by payer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from invest.domain.market import AssetKind, display_name
from invest.domain.portfolios import CENT, ZERO, Operation, Receipt, Transaction, receipts_of
from invest.domain.taxes.flags import flag
from invest.domain.taxes.lines import Facts, TaxInput, facts_until
from invest.domain.taxes.models import Flag, Good, PayerIncome
from invest.domain.taxes.rules import Mark, rule

PLACE = Decimal("1e-6")
EXEMPT, EXCLUSIVE = "isentos", "exclusiva"


def goods(given: TaxInput, year: int) -> list[Good]:
    """What stood on 31 December of the year and of the one before, at cost; what came and went between stays blank."""
    before = facts_until(given, date(year - 1, 12, 31))
    now = facts_until(given, min(date(year, 12, 31), max(given.today, date(year, 1, 1))))
    touched = {e.ticker for e in now.book.journal if e.day.year == year}
    tickers = sorted({*before.book.held, *now.book.held, *touched})
    return [good for ticker in tickers if (good := _good(ticker, before, now)) is not None]


def _good(ticker: str, before: Facts, now: Facts) -> Good | None:
    regime = now.regime(ticker)
    asset = now.given.assets.get(ticker)
    then, held = before.book.held.get(ticker), now.book.held.get(ticker)
    cost = _cents(held.cost) if held else ZERO
    brokers = tuple(sorted({t.broker for t in now.transactions if t.ticker == ticker and t.broker}))
    blank = then is None and held is None
    return Good(
        code=regime.code if regime else "?",
        ticker=ticker,
        cnpj=asset.cnpj if asset else None,
        description=_text(ticker, now, brokers),
        quantity=held.quantity if held else ZERO,
        before=None if blank else _cents(then.cost) if then else ZERO,
        now=None if blank else cost,
        must=regime is not None and max(cost, _cents(then.cost) if then else ZERO) >= regime.least,
        brokers=brokers,
        mark=regime.mark if regime else "uncertain",
    )


def _text(ticker: str, facts: Facts, brokers: Iterable[str]) -> str:
    """The discriminação: quantity, paper, company, CNPJ, code, average cost, custody."""
    regime, asset = facts.regime(ticker), facts.given.assets.get(ticker)
    held = facts.book.held.get(ticker)
    quantity = f"{held.quantity.normalize():f}".replace(".", ",") if held else "0"
    kind = _share_kind(ticker) if facts.kind(ticker) is AssetKind.STOCK else ""
    name = _known_as(ticker, facts) or ticker
    if facts.kind(ticker) is AssetKind.CRYPTO:
        parts = [f"{quantity} {name}"]
    elif regime is None:
        parts = [f"{quantity} {name} (tipo desconhecido)"]
    else:
        parts = [f"{quantity} {regime.paper}{kind} de {name}"]
    if asset is not None and asset.cnpj:
        parts.append(f"CNPJ {written_cnpj(asset.cnpj)}")
    parts.append(f"código {ticker}")
    if held is not None and held.average_price is not None:
        parts.append(f"custo médio R$ {_brazilian(held.average_price.quantize(PLACE).normalize())}")
    custody = ", ".join(brokers)
    if custody:
        parts.append(f"custódia na corretora {custody}")
    return ", ".join(parts) + "."


def _known_as(ticker: str, facts: Facts) -> str | None:
    """Its name, with the legal form where that is on record; for B3's capital letters the name its issuer writes."""
    asset = facts.given.assets.get(ticker)
    name = asset.name if asset else None
    return name if name and not name.isupper() else display_name(ticker, facts.kind(ticker) or AssetKind.OTHER, name)


def _share_kind(ticker: str) -> str:
    return {"3": " ON", "4": " PN", "5": " PNA", "6": " PNB", "7": " PNC", "8": " PND"}.get(ticker[4:], "")


def written_cnpj(digits: str) -> str:
    """A company's number as people write it: 00.000.000/0001-00."""
    d = digits
    return f"{d[:2]}.{d[2:5]}.{d[5:8]}/{d[8:12]}-{d[12:14]}" if len(d) == 14 else d


def _brazilian(figure: Decimal) -> str:
    plain = f"{figure:f}"
    whole, _, part = plain.partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return f"{grouped},{part.ljust(2, '0')}" if part else f"{grouped},00"


def income(given: TaxInput, facts: Facts, year: int, exempt_gains: Decimal) -> tuple[list[PayerIncome], list[Flag]]:
    """Income of a year by payer, in the sections of the return; flags for what the return asks more about."""
    sums: dict[tuple[str, str, str, str, Mark], list[Transaction]] = defaultdict(list)
    flags: list[Flag] = []
    for t in facts.transactions:
        if t.date.year != year or t.ticker is None:
            continue
        if (line := _declared(t, facts)) is not None:
            sums[(*line, t.ticker)] = [*sums[(*line, t.ticker)], t]  # type: ignore[index]
    flags += _large_dividends(facts, year)
    flags += _unbooked(facts, given, year)
    found = [_payer(key, payments, facts) for key, payments in sums.items()]
    if exempt_gains > 0:
        found.append(
            PayerIncome(
                section=EXEMPT, code="20", title="Ganhos com ações em vendas de até R$ 20.000,00 no mês", ticker="",
                payer=None, cnpj=None, amount=exempt_gains,
            )
        )  # fmt: skip
    found += _unpaid(facts, given, year)
    return sorted(found, key=lambda i: (i.section, i.code, i.ticker)), flags


def _declared(t: Transaction, facts: Facts) -> tuple[str, str, str, Mark] | None:  # noqa: PLR0911 - one a kind
    """(section, code, title, mark) of one fact's income; None for what is none."""
    kind = facts.kind(t.ticker or "")
    match t.operation:
        case Operation.BONUS if t.price:
            return EXEMPT, "18", "Incorporação de reservas ao capital / bonificações em ações", "verified"
        case Operation.JCP:
            return EXCLUSIVE, "10", "Juros sobre capital próprio", "verified"
        case Operation.LENDING:
            return EXCLUSIVE, "06", "Rendimentos de aplicações financeiras (aluguel de ações)", "secondary"
        case Operation.DIVIDEND | Operation.REVERSAL if kind is AssetKind.FII:
            return EXEMPT, "99", "Rendimentos de FII e Fiagro", "verified"
        case Operation.DIVIDEND | Operation.REVERSAL if kind is AssetKind.BDR:
            return "exterior", "carnê-leão", "Dividendos de BDR: rendimento do exterior", "secondary"
        case Operation.DIVIDEND | Operation.REVERSAL if kind is AssetKind.ETF:
            return EXCLUSIVE, "06", "Rendimentos de ETF", "uncertain"
        case Operation.DIVIDEND | Operation.REVERSAL:
            return EXEMPT, "09", "Lucros e dividendos recebidos", "secondary"
    return None


def _payer(key: tuple[str, str, str, str, Mark], payments: list[Transaction], facts: Facts) -> PayerIncome:
    section, code, title, mark, ticker = key
    asset = facts.given.assets.get(ticker)
    signed = (-t.amount if t.operation is Operation.REVERSAL else t.amount for t in payments)
    return PayerIncome(
        section=section,
        code=code,
        title=title,
        ticker=ticker,
        payer=_known_as(ticker, facts),
        cnpj=asset.cnpj if asset else None,
        amount=_cents(sum(signed, ZERO)),
        transactions=tuple(t.id for t in payments if t.id is not None),
        mark=mark,
    )


def _unpaid(facts: Facts, given: TaxInput, year: int) -> Iterator[PayerIncome]:
    """JCP credited in the year and not paid in it: Bens e Direitos 99-07."""
    end = date(year, 12, 31)
    for r in _receipts(facts, given, end):
        if r.kind == "jcp" and r.earned is not None and r.earned.year == year and r.pending(end):
            asset = given.assets.get(r.ticker)
            yield PayerIncome(
                section="bens e direitos",
                code="99-07",
                title="Juros sobre capital próprio creditados e não pagos",
                ticker=r.ticker,
                payer=_known_as(r.ticker, facts),
                cnpj=asset.cnpj if asset else None,
                amount=_cents(r.amount),
            )


def _unbooked(facts: Facts, given: TaxInput, year: int) -> Iterator[Flag]:
    """Payments that are known and that nobody booked: the return lacks them."""
    for r in _receipts(facts, given, date(year, 12, 31)):
        day = r.paid or r.earned
        if not r.booked and day is not None and day.year == year and day <= given.today:
            when = f"{r.last_date_with or day:%d/%m/%Y}"
            yield flag(
                "income_not_booked", ticker=r.ticker, day=day, blocks=False, said=r.text, amount=r.amount, dia=when
            )


def _receipts(facts: Facts, given: TaxInput, end: date) -> list[Receipt]:
    return receipts_of(facts.transactions, given.known, min(end, given.today))


def _large_dividends(facts: Facts, year: int) -> Iterator[Flag]:
    """One payer that paid one person more than R$ 50,000 in a month withholds 10 % on the whole."""
    paid: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for t in facts.transactions:
        if t.operation is Operation.DIVIDEND and t.date.year == year and facts.kind(t.ticker or "") in (
            AssetKind.STOCK, AssetKind.UNIT,
        ):  # fmt: skip
            asset = facts.given.assets.get(t.ticker or "")
            paid[f"{t.date:%Y-%m}", (asset.cnpj if asset and asset.cnpj else (t.ticker or "")[:4])] += t.amount
    for (month, payer), amount in sorted(paid.items()):
        day = date.fromisoformat(f"{month}-01")
        limit = rule("dividends.month", day)
        if limit.holds(day) and amount > limit.value:
            yield flag(
                "large_dividends", day=day, mark=limit.mark, blocks=False, payer=payer, amount=amount, month=month
            )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
