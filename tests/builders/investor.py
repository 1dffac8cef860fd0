"""A year of an invented investor whose truth is known: trades, events and income, told as B3 and brokers tell them.

The truth is kept by plain sums beside the statements, by other code than the product's.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from invest.domain.market import Asset, AssetKind, sessions_between

D = Decimal
CENT = D("0.01")
NONE = D(0)
BROKERS = ("ALFA CCTVM S/A", "BETA DTVM LTDA", "GAMA CORRETORA")
YEAR = 2026
SESSIONS: list[date] = sessions_between(date(YEAR, 1, 5), date(YEAR, 10, 30)).astype(object).tolist()
NEG = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;"
    "Quantidade;Preço;Valor"
)
MOV = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação"


def brazilian(figure: Decimal, places: int = 2) -> str:
    """1234.5 -> 1.234,50"""
    whole, _, part = f"{figure.quantize(D(1).scaleb(-places), rounding=ROUND_HALF_UP):f}".partition(".")
    return f"{int(whole):,}".replace(",", ".") + (f",{part}" if part else "")


def settled_on(day: date) -> date:
    """Two sessions later."""
    ahead = [s for s in sessions_between(day, day + timedelta(days=15)).astype(object).tolist() if s > day]
    found: date = ahead[1]
    return found


@dataclass
class Held:
    """The truth of one asset."""

    quantity: Decimal = NONE
    cost: Decimal = NONE
    realised: Decimal = NONE
    income: Decimal = NONE
    custody: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def sell(self, quantity: Decimal, net: Decimal) -> Decimal:
        """The gain of a sale at the average cost."""
        cost = self.cost if quantity == self.quantity else self.cost * quantity / self.quantity
        self.quantity -= quantity
        self.cost -= cost
        self.realised += net - cost
        return net - cost


@dataclass
class Investor:
    """What happened, as it was told, and the truth of it."""

    seed: int = 1
    negociacao: list[str] = field(default_factory=list)
    movimentacao: list[tuple[date, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=lambda: defaultdict(Held))
    gains: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))
    share_sales: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.stocks = [f"G{chr(65 + i // 26)}{chr(65 + i % 26)}A3" for i in range(34)]
        self.funds = [f"F{chr(65 + i)}ND11" for i in range(6)]
        self.assets = [Asset(ticker=t, kind=AssetKind.STOCK, name=f"{t} S.A.") for t in self.stocks]
        self.assets += [Asset(ticker=t, kind=AssetKind.FII, name=f"FII {t}") for t in self.funds]

    def row(self, day: date, side: str, ticker: str, quantity: Decimal, price: Decimal, broker: str) -> None:
        """One row of the negociação."""
        value = brazilian(quantity * price)
        self.negociacao.append(
            f"{day:%d/%m/%Y};{side};Mercado à Vista;-;{broker};{ticker};{quantity};{brazilian(price)};{value}"
        )

    def move(
        self, day: date, way: str, kind: str, ticker: str, broker: str, quantity: Decimal, value: Decimal | None = None
    ) -> None:
        """One row of the movimentação."""
        price = "-" if value is None else brazilian(value / quantity)
        amount = "-" if value is None else brazilian(value)
        shown = f"{quantity.normalize():f}".replace(".", ",")
        self.movimentacao.append(
            (day, f"{way};{day:%d/%m/%Y};{kind};{ticker} - NOME;{broker};{shown};{price};{amount}")
        )

    def trade(
        self, day: date, ticker: str, fills: list[tuple[int, str]], broker: str, *, buys: bool, costs: str = "0"
    ) -> tuple[Decimal, Decimal]:
        """Trades of one side, day and broker: told by fills and, settled, as one row."""
        pairs = [(D(q), D(p)) for q, p in fills]
        quantity, gross = sum((q for q, _ in pairs), D(0)), sum((q * p for q, p in pairs), D(0))
        for q, p in pairs:
            self.row(day, "Compra" if buys else "Venda", ticker, q, p, broker)
        way = "Credito" if buys else "Debito"
        self.move(settled_on(day), way, "Transferência - Liquidação", ticker, broker, quantity, gross)
        mine = self.held[ticker]
        if buys:
            mine.quantity += quantity
            mine.cost += gross + D(costs)
            mine.custody[broker] += quantity
        else:
            gain = mine.sell(quantity, gross - D(costs))
            mine.custody[broker] -= quantity
            self.gained(day, ticker, gain, gross)
        return quantity, gross

    def gained(self, day: date, ticker: str, gain: Decimal, gross: Decimal) -> None:
        """A common sale for the month's tax."""
        fund = ticker.endswith("11")
        self.gains[f"{day:%Y-%m}"]["fii" if fund else "shares"] += gain
        if not fund:
            self.share_sales[f"{day:%Y-%m}"] += gross

    def day_trade(self, day: date, ticker: str, quantity: int, bought: str, sold: str, broker: str) -> None:
        """Opened and closed in one day: nothing is settled."""
        self.row(day, "Venda", ticker, D(quantity), D(sold), broker)
        self.row(day, "Compra", ticker, D(quantity), D(bought), broker)
        gain = quantity * (D(sold) - D(bought))
        self.held[ticker].realised += gain
        self.gains[f"{day:%Y-%m}"]["day_trade"] += gain

    def note(self, day: date, ticker: str, quantity: int, price: str, costs: str) -> None:
        """A purchase at the first broker that a note tells as well, with its costs."""
        broker = BROKERS[0]
        self.trade(day, ticker, [(quantity, price)], broker, buys=True, costs=costs)
        gross = quantity * D(price)
        self.notes.append(
            f"{broker}\nNOTA DE NEGOCIAÇÃO\nNr. nota Folha Data pregão\n{len(self.notes) + 1} 1 {day:%d/%m/%Y}\n"
            f"1-BOVESPA C VISTA {ticker} ON {quantity} {brazilian(D(price))} {brazilian(gross)} D\n"
            f"Taxa de liquidação {brazilian(D(costs))} D\n"
            f"Líquido para {settled_on(day):%d/%m/%Y} {brazilian(gross + D(costs))} D\n"
        )

    def credited(self, day: date, kind: str, ticker: str, each: Decimal, price: Decimal | None = None) -> None:
        """Shares that every broker credits on what it keeps: `each` new ones per share, at a cost or for nothing."""
        mine = self.held[ticker]
        for broker, kept in sorted(mine.custody.items()):
            if kept:
                new = kept * each
                self.move(day, "Credito", kind, ticker, broker, new, None if price is None else new * price)
                mine.custody[broker] += new
                mine.quantity += new
                mine.cost += new * (price or D(0))

    def paid(
        self, day: date, kind: str, ticker: str, each: Decimal, *, back: bool = False, capital: bool = False
    ) -> None:
        """Cash per share at every broker; taken back, or returned capital that lowers the cost."""
        mine = self.held[ticker]
        for broker, kept in sorted(mine.custody.items()):
            if kept:
                value = (kept * each).quantize(CENT)
                self.move(day, "Debito" if back else "Credito", kind, ticker, broker, kept, value)
                if capital:
                    mine.cost -= value
                else:
                    mine.income += -value if back else value


def live(seed: int = 1) -> Investor:
    """A whole year: 36 assets in ordinary life and every event besides."""
    me = Investor(seed)
    ordinary(me)
    corporate_events(me)
    me.movimentacao.sort(key=lambda row: row[0], reverse=True)  # B3 tells the newest first
    return me


def ordinary(me: Investor) -> None:
    """Purchases, sales, income, day trades and one note a month."""
    dice = me.dice
    for at, ticker in enumerate([*me.stocks, *me.funds]):
        price = 10 + at
        for step in range(6):
            day = SESSIONS[10 + step * 28 + at % 9]
            broker = BROKERS[(at + step) % 3]
            fills = [
                (100 + 10 * at, f"{price + step}.{dice.randint(10, 99)}"),
                (50, f"{price + step}.{dice.randint(10, 99)}"),
            ]
            me.trade(day, ticker, fills[: 1 + step % 2], broker, buys=True)
        broker = max(me.held[ticker].custody, key=lambda b: me.held[ticker].custody[b])
        sold = int(me.held[ticker].custody[broker] // 2)
        later = SESSIONS[175 + at % 9]
        me.trade(later, ticker, [(sold, f"{price + dice.randint(-3, 9)}.50")], broker, buys=False)
    for at, ticker in enumerate(me.funds):
        for month in range(3):
            me.paid(SESSIONS[190 + month], "Rendimento", ticker, D("0.80") + at)
    for at, ticker in enumerate(me.stocks[:9]):
        me.paid(SESSIONS[193], "Dividendo", ticker, D("0.33"))
        me.paid(SESSIONS[194], "Juros Sobre Capital Próprio", ticker, D("0.17"))
        me.day_trade(SESSIONS[60 + at], ticker, 100, f"{20 + at}.00", f"{20 + at}.{11 * (at % 4)}1", BROKERS[at % 3])
    for month in range(12):
        me.note(SESSIONS[186 + month], me.stocks[20 + month % 5], 40, "31.17", f"{1 + month}.37")


def corporate_events(me: Investor) -> None:
    """One of each kind of event, on what is held late in the year."""
    stocks, funds = me.stocks, me.funds
    me.credited(SESSIONS[196], "Desdobro", stocks[0], D(1))
    me.credited(SESSIONS[196], "Bonificação em Ativos", stocks[1], D("0.1"), D("7.25"))
    me.paid(SESSIONS[196], "Amortização", funds[0], D("0.55"), capital=True)
    me.paid(SESSIONS[197], "Dividendo", stocks[2], D("0.21"), back=True)
    me.paid(SESSIONS[197], "Remuneração de Empréstimo", stocks[3], D("0.02"))
    grouped(me, stocks[4])
    merged(me, stocks[5], "MERG3")
    subscribed(me, funds[1])
    exercised(me, stocks[6])
    broker, kept = next((b, q) for b, q in me.held[stocks[7]].custody.items() if q)
    me.move(SESSIONS[198], "Debito", "Transferência", stocks[7], broker, kept)
    me.move(SESSIONS[198], "Credito", "Transferência", stocks[7], BROKERS[2], kept)


def grouped(me: Investor, ticker: str) -> None:
    """Ten become one; the fraction is sold at auction."""
    mine, day = me.held[ticker], SESSIONS[196]
    for broker, kept in sorted(mine.custody.items()):
        if kept:
            me.move(day, "Debito", "Grupamento", ticker, broker, kept)
            me.move(day, "Credito", "Grupamento", ticker, broker, kept / 10)
            mine.custody[broker] = kept / 10
    mine.quantity /= 10
    fraction = mine.quantity % 1
    if fraction:
        broker = next(b for b, q in mine.custody.items() if q % 1)
        me.move(SESSIONS[198], "Credito", "Leilão de Fração", ticker, broker, fraction, fraction * 100)
        me.gained(SESSIONS[198], ticker, mine.sell(fraction, fraction * 100), fraction * 100)


def merged(me: Investor, old: str, new: str) -> None:
    """All shares of one become half as many of another, at the same cost."""
    mine, other, day = me.held[old], me.held[new], SESSIONS[197]
    for broker, kept in sorted(mine.custody.items()):
        if kept:
            me.move(day, "Debito", "Incorporação", old, broker, kept)
            me.move(day, "Credito", "Incorporação", new, broker, kept / 2)
    other.quantity, other.cost = mine.quantity / 2, mine.cost
    mine.quantity = mine.cost = D(0)
    mine.custody.clear()


def subscribed(me: Investor, ticker: str) -> None:
    """A right, exercised for a receipt, that becomes shares."""
    root, broker = ticker[:4], BROKERS[1]
    me.move(SESSIONS[186], "Credito", "Direito de Subscrição", f"{root}12", broker, D(8))
    me.move(SESSIONS[190], "Debito", "Direitos de Subscrição - Exercido", f"{root}12", broker, D(8), D("76.00"))
    me.move(SESSIONS[191], "Credito", "Recibo de Subscrição", f"{root}13", broker, D(8), D("76.00"))
    me.move(SESSIONS[199], "Debito", "Atualização", f"{root}13", broker, D(8))
    me.move(SESSIONS[199], "Credito", "Atualização", ticker, broker, D(8))
    me.held[ticker].quantity += 8
    me.held[ticker].cost += D("76.00")


def exercised(me: Investor, ticker: str) -> None:
    """A call: shares at the strike, told by the negociação."""
    day, broker = SESSIONS[195], BROKERS[2]
    me.negociacao.append(
        f"{day:%d/%m/%Y};Compra;Exercício de Opção de Compra;{day:%d/%m/%Y};{broker};{ticker[:4]}A300E;"
        f"100;12,00;1.200,00"
    )
    me.held[ticker].quantity += 100
    me.held[ticker].cost += D(1200)


def month_taxes(me: Investor) -> dict[str, tuple[Decimal, Decimal]]:
    """(exempt gain, tax before IRRF) of every month, by plain sums."""
    losses = {"common": D(0), "day_trade": D(0), "fii": D(0)}
    rates = {"common": D("0.15"), "day_trade": D("0.20"), "fii": D("0.20")}
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for number in range(1, 13):
        month = f"{YEAR}-{number:02d}"
        shares = me.gains[month]["shares"]
        exempt = shares if shares > 0 and me.share_sales[month] <= 20_000 else D(0)
        results = {"common": shares - exempt, "day_trade": me.gains[month]["day_trade"], "fii": me.gains[month]["fii"]}
        tax = D(0)
        for bucket, told in results.items():
            result = told.quantize(CENT, rounding=ROUND_HALF_UP)
            used = min(losses[bucket], max(result, D(0)))
            losses[bucket] += max(-result, D(0)) - used
            tax += ((max(result, D(0)) - used) * rates[bucket]).quantize(CENT, rounding=ROUND_HALF_UP)
        found[month] = (exempt.quantize(CENT, rounding=ROUND_HALF_UP), tax)
    return found


def negociacao_file(me: Investor, rows: list[str] | None = None) -> bytes:
    """The negociação, or some of its rows."""
    return "\n".join([NEG, *(me.negociacao if rows is None else rows), ""]).encode("latin-1")


def movimentacao_file(me: Investor, rows: list[str] | None = None) -> bytes:
    """The movimentação, or some of its rows."""
    told = [row for _, row in me.movimentacao] if rows is None else rows
    return "\n".join([MOV, *told, ""]).encode()


__all__ = ["BROKERS", "Investor", "live", "month_taxes", "movimentacao_file", "negociacao_file"]
