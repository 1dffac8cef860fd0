"""The tax of a year as CSV: one table, the kind of each row in its first column, figures with a decimal comma."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

from invest.domain.taxes.models import State, TaxYear

HEADER = (
    "parte", "mes_ou_data", "grupo_ou_codigo", "ativo", "situacao_ou_operacao", "quantidade", "valor_bruto", "custos",
    "custo", "resultado", "base", "imposto", "irrf", "darf", "vencimento", "transacoes", "descricao",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tax_csv(report: TaxYear) -> str:
    """Months by bucket, their lines, DARFs, goods, income and open questions; the last row says what it is not."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in _rows(report):
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _rows(year: TaxYear) -> Iterable[list[object]]:
    for month in year.months:
        for bucket, b in month.buckets.items():
            if b.result or b.tax or b.withheld:
                text = f"prejuizo a compensar {_plain(b.loss_after)}"
                yield _row("apuracao", month.month, str(bucket), "", str(month.state), resultado=b.result, base=b.base,
                           imposto=b.tax, irrf=b.withheld, descricao=text)  # fmt: skip
        if month.exempt_gain and month.state is not State.INCOMPLETE:
            text = f"ganho isento {_plain(month.exempt_gain)}; vendas de acoes {_plain(month.sales)}"
            yield _row("isento", month.month, "20", "", str(month.state), resultado=month.exempt_gain, descricao=text)
        if month.darf is not None:
            yield _row("darf", month.month, month.darf.code, "", str(month.state), darf=month.darf.amount,
                       vencimento=f"{month.darf.due:%d/%m/%Y}")  # fmt: skip
        for line in month.lines:
            yield _row(
                "operacao", f"{line.day:%d/%m/%Y}", str(line.bucket), line.ticker, line.kind, quantidade=line.quantity,
                valor_bruto=line.gross, custos=line.costs, custo=line.cost, resultado=line.result,
                transacoes=" ".join(str(t) for t in line.transactions), descricao=line.source,
            )  # fmt: skip
    for good in year.goods:
        before, now = (_plain(v) if v is not None else "em branco" for v in (good.before, good.now))
        yield _row("bens e direitos", str(year.year), good.code, good.ticker, "", quantidade=good.quantity,
                   descricao=f"{good.description} Ano anterior: {before}; neste ano: {now}")  # fmt: skip
    for paid in year.income:
        yield _row(paid.section, str(year.year), paid.code, paid.ticker, "", resultado=paid.amount,
                   transacoes=" ".join(str(t) for t in paid.transactions),
                   descricao=f"{paid.title}; {paid.payer or ''} {paid.cnpj or ''}".strip())  # fmt: skip
    for flag in year.flags:
        yield _row("pendencia", f"{flag.day:%d/%m/%Y}" if flag.day else "", flag.code, flag.ticker or "", flag.mark,
                   descricao=f"{flag.message_pt} | {flag.message}")  # fmt: skip
    yield _row("aviso", str(year.year), "", "", "", descricao=year.disclaimer)


def _row(part: str, when: str, group: str, ticker: str, state: str, **named: object) -> list[object]:
    return [part, when, group, ticker, state, *(named.get(name, "") for name in HEADER[5:])]


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return _plain(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _plain(figure: Decimal) -> str:
    return f"{figure:f}".replace(".", ",")
