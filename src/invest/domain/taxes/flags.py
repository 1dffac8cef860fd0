"""What must be settled or known before a figure of the tax can be trusted, in English and in Portuguese."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invest.domain.taxes.models import Flag
from invest.domain.taxes.rules import Mark

# By code: in English, in Portuguese; `blocks` is False for what only has to be known.
SAYINGS: dict[str, tuple[str, str]] = {
    "uncovered_sale": (
        "{reason}: history is missing, or it is a short sale, which is not computed",
        "{ticker} em {dia}: a operação não cabe na posição que se conhece; falta histórico, ou é venda a descoberto, "
        "que não é calculada",
    ),
    "unknown_cost": (
        "the cost of {ticker} is not known: edit its opening position",
        "o custo de {ticker} não é conhecido: corrija a posição inicial",
    ),
    "bonus_without_cost": (
        "the bonus of {ticker} on {day} counts at no cost: the company declares one, edit it",
        "a bonificação de {ticker} em {dia} entra sem custo: a companhia declara um, corrija-a",
    ),
    "option_exercised": (
        "{ticker} on {day} comes from an option: add the premium to its price",
        "{ticker} em {dia} vem do exercício de uma opção: some o prêmio ao preço",
    ),
    "fraction": (
        "the auction of a fraction of {ticker} counts as a sale; some guides put it under Isentos 99",
        "o leilão de fração de {ticker} conta como venda; alguns guias o põem em Isentos 99",
    ),
    "spin_off": (
        "{ticker}: {part} of the cost of {source} went with the spin-off of {day}; the company publishes the part, "
        "check it and book it (invest data event --cost-share)",
        "{ticker}: {part} do custo de {source} seguiu a cisão de {dia}; a companhia publica a proporção, confira e "
        "registre-a (invest data event --cost-share)",
    ),
    "spin_off_published": (
        "{ticker}: {part} of the cost of {source} went with the spin-off of {day}, as published: {where}",
        "{ticker}: {part} do custo de {source} seguiu a cisão de {dia}, conforme publicado: {where}",
    ),
    "short_sale": (
        "{ticker}: a short sale was bought back on {day} with a result of {result}, which is in no tax: add it by hand",
        "{ticker}: uma venda a descoberto foi recomprada em {dia} com resultado de {result}, que não está na apuração: "
        "some-o à mão",
    ),
    "order_unknown": (
        "{ticker} on {day}: the day trade depends on the order of its fills, which no statement tells",
        "{ticker} em {dia}: o day trade depende da ordem dos negócios, que nenhum extrato informa",
    ),
    "unknown_kind": (
        "what {ticker} is (FII, unit, ETF, BDR) is not known: name its kind (invest portfolio tax-opening --kind)",
        "não se sabe o que é {ticker} (FII, unit, ETF, BDR): informe o tipo (invest portfolio tax-opening --kind)",
    ),
    "crypto": (
        "{ticker}: a sale of crypto is outside this tax (GCAP above R$ 35,000 of sales in the month)",
        "{ticker}: venda de criptoativo fica fora desta apuração (GCAP acima de R$ 35.000 de vendas no mês)",
    ),
    "redeemed": (
        "{ticker}: the company bought its shares back on {day}; it counts as a sale without exemption, some guides put "
        "it under GCAP (DARF 4600)",
        "{ticker}: a companhia resgatou as ações em {dia}; conta como venda sem isenção, alguns guias o põem no GCAP "
        "(DARF 4600)",
    ),
    "amortised": (
        "the amortisation of {ticker} is above its cost: the excess is taxed as a gain",
        "a amortização de {ticker} passa do custo: o excedente é tributado como ganho",
    ),
    "income_not_booked": (
        "{said} is known and not booked: confirm the proposal, or import the statement that tells it",
        "{ticker}: provento de {amount} com data-com {dia} é conhecido e não foi lançado: confirme a proposta, ou "
        "importe o extrato que o informa",
    ),
    "large_dividends": (
        "{payer} paid {amount} of dividends in {month}: above R$ 50,000.00 a month 10 % is withheld",
        "{payer} pagou {amount} de dividendos em {month}: acima de R$ 50.000,00 no mês retêm-se 10 %",
    ),
}


BY_WORDS = {"by the company": "pela companhia"}  # what stands where no document was named


def flag(
    code: str,
    *,
    ticker: str | None = None,
    day: date | None = None,
    mark: Mark = "uncertain",
    blocks: bool = True,
    **named: object,
) -> Flag:
    """A flag with its message in both languages; `named` fills what the message leaves open."""
    english, portuguese = SAYINGS[code]
    filled = {"ticker": ticker or "", "day": day, "dia": f"{day:%d/%m/%Y}" if day else "", **named}
    reais = {k: _brazilian(v) if isinstance(v, Decimal) else BY_WORDS.get(str(v), v) for k, v in filled.items()}
    plain = {k: f"{v:.2f}" if isinstance(v, Decimal) else v for k, v in filled.items()}
    return Flag(
        code=code,
        message=english.format(**plain),
        message_pt=portuguese.format(**reais),
        ticker=ticker,
        day=day,
        mark=mark,
        blocks=blocks,
    )


def _brazilian(amount: Decimal) -> str:
    return "R$ " + f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
