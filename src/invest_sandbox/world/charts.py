"""A period of the books as CVM's fixed accounts: one chart for industry, one for banks, one for insurers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from invest_sandbox.world.books import Items, Period
from invest_sandbox.world.listings import Chart


class Row(NamedTuple):
    """One account: value in thousands of BRL (of BRL per share for 3.99); `fixed` is ST_CONTA_FIXA."""

    code: str
    name: str
    value: float
    fixed: str = "S"


def assets(period: Period, chart: Chart) -> list[Row]:
    """BPA."""
    b = period.balance
    if chart == "bank":
        return [
            Row("1", "Ativo Total", period.assets),
            Row("1.01", "Caixa e Equivalentes de Caixa", b["cash"]),
            Row("1.02", "Ativos Financeiros", b["placements"] + b["receivables"] + b["long_term"]),
            Row("1.02.01", "Depósito Compulsório Banco Central", 0),
            Row("1.02.03", "Ativos Financeiros Avaliados ao Valor Justo através do Resultado", b["placements"]),
            Row("1.02.04", "Ativos Financeiros ao Custo Amortizado", b["receivables"] + b["long_term"]),
            Row("1.03", "Tributos", b["other_current"]),
            Row("1.04", "Outros Ativos", b["inventory"]),
            Row("1.05", "Investimentos", b["holdings"]),
            Row("1.06", "Imobilizado", b["plant"]),
            Row("1.07", "Intangível", b["intangible"]),
        ]
    current = sum(b[k] for k in ("cash", "placements", "receivables", "inventory", "other_current"))
    return [
        Row("1", "Ativo Total", period.assets),
        Row("1.01", "Ativo Circulante", current),
        Row("1.01.01", "Caixa e Equivalentes de Caixa", b["cash"]),
        Row("1.01.02", "Aplicações Financeiras", b["placements"]),
        Row("1.01.03", "Contas a Receber", b["receivables"]),
        Row("1.01.03.01", "Clientes", b["receivables"]),
        Row("1.01.04", "Estoques", b["inventory"]),
        Row("1.01.05", "Ativos Biológicos", 0),
        Row("1.01.06", "Tributos a Recuperar", b["other_current"]),
        Row("1.01.07", "Despesas Antecipadas", 0),
        Row("1.01.08", "Outros Ativos Circulantes", 0),
        Row("1.02", "Ativo Não Circulante", period.assets - current),
        Row("1.02.01", "Ativo Realizável a Longo Prazo", b["long_term"]),
        Row("1.02.02", "Investimentos", b["holdings"]),
        Row("1.02.03", "Imobilizado", b["plant"]),
        Row("1.02.04", "Intangível", b["intangible"]),
    ]


def liabilities(period: Period, chart: Chart, *, consolidated: bool) -> list[Row]:
    """BPP."""
    b = period.balance
    equity = period.equity_parent + b["minority"]
    name = "Patrimônio Líquido Consolidado" if consolidated else "Patrimônio Líquido"
    if chart == "bank":
        return _bank_liabilities(period, equity, name)
    short = b["suppliers"] + b["debt_short"] + b["taxes"] + b["other_short"]
    long = b["debt_long"] + b["provisions"] + b["other_long"]
    return [
        Row("2", "Passivo Total", period.assets),
        Row("2.01", "Passivo Circulante", short),
        Row("2.01.01", "Obrigações Sociais e Trabalhistas", 0),
        Row("2.01.02", "Fornecedores", b["suppliers"]),
        Row("2.01.03", "Obrigações Fiscais", b["taxes"]),
        Row("2.01.04", "Empréstimos e Financiamentos", b["debt_short"]),
        Row("2.01.04.01", "Empréstimos e Financiamentos", b["debt_short"] // 2),
        Row("2.01.04.02", "Debêntures", b["debt_short"] - b["debt_short"] // 2),
        Row("2.01.05", "Outras Obrigações", b["other_short"]),
        Row("2.01.06", "Provisões", 0),
        Row("2.02", "Passivo Não Circulante", long),
        Row("2.02.01", "Empréstimos e Financiamentos", b["debt_long"]),
        Row("2.02.01.01", "Empréstimos e Financiamentos", b["debt_long"] // 2),
        Row("2.02.01.02", "Debêntures", b["debt_long"] - b["debt_long"] // 2),
        Row("2.02.02", "Outras Obrigações", b["other_long"]),
        Row("2.02.03", "Tributos Diferidos", 0),
        Row("2.02.04", "Provisões", b["provisions"]),
        Row("2.03", name, equity),
        Row("2.03.01", "Capital Social Realizado", b["capital"]),
        Row("2.03.02", "Reservas de Capital", 0),
        Row("2.03.04", "Reservas de Lucros", b["reserves"]),
        Row("2.03.05", "Lucros/Prejuízos Acumulados", 0),
        Row("2.03.06", "Ajustes de Avaliação Patrimonial", 0),
        *([Row("2.03.09", "Participação dos Acionistas Não Controladores", b["minority"])] if consolidated else []),
    ]


def _bank_liabilities(period: Period, equity: int, name: str) -> list[Row]:
    b = period.balance
    funding = b["suppliers"] + b["debt_short"] + b["debt_long"] + b["other_long"]
    return [
        Row("2", "Passivo Total", period.assets),
        Row("2.01", "Passivos Financeiros ao Valor Justo através do Resultado", b["debt_short"]),
        Row("2.02", "Passivos Financeiros ao Custo Amortizado", funding - b["debt_short"]),
        Row("2.02.01", "Depósitos", b["other_long"]),
        Row("2.02.02", "Captações no Mercado Aberto", funding - b["debt_short"] - b["other_long"]),
        Row("2.03", "Provisões", b["provisions"]),
        Row("2.04", "Passivos Fiscais", b["taxes"]),
        Row("2.05", "Outros Passivos", b["other_short"]),
        Row("2.06", "Passivos sobre Ativos Não Correntes a Venda e Descontinuados", 0),
        Row("2.07", name, equity),
        Row("2.07.01", "Patrimônio Líquido Atribuído ao Controlador", period.equity_parent),
        Row("2.07.01.01", "Capital Social Realizado", b["capital"]),
        Row("2.07.01.04", "Reservas de Lucros", b["reserves"]),
        Row("2.07.02", "Patrimônio Líquido Atribuído aos Não Controladores", b["minority"]),
    ]


def income(period: Period, chart: Chart, shares: int, *, consolidated: bool) -> list[Row]:
    """DRE."""
    rows = {"general": _industry, "bank": _bank, "insurer": _insurer}[chart](period, consolidated)
    per_share = round(period.net_parent * 1000 / shares, 4) if shares else 0.0
    return [
        *rows,
        Row("3.99", "Lucro por Ação - (Reais / Ação)", 0, "N"),
        Row("3.99.01", "Lucro Básico por Ação", 0, "N"),
        Row("3.99.01.01", "ON", per_share, "N"),
        Row("3.99.02", "Lucro Diluído por Ação", 0, "N"),
        Row("3.99.02.01", "ON", per_share, "N"),
    ]


def _result(period: Period, code: str, *, consolidated: bool) -> Iterator[Row]:
    """The last lines: the period's result and whose it is."""
    word = "Lucro/Prejuízo Consolidado do Período" if consolidated else "Lucro/Prejuízo do Período"
    yield Row(code, word, period.net)
    if consolidated:
        yield Row(f"{code}.01", "Atribuído a Sócios da Empresa Controladora", period.net_parent)
        yield Row(f"{code}.02", "Atribuído a Sócios Não Controladores", period.income["minority"])


def _industry(period: Period, consolidated: bool) -> list[Row]:
    i = period.income
    financial = i["fin_income"] + i["fin_expense"]
    return [
        Row("3.01", "Receita de Venda de Bens e/ou Serviços", i["revenue"]),
        Row("3.02", "Custo dos Bens e/ou Serviços Vendidos", i["cost"]),
        Row("3.03", "Resultado Bruto", period.gross),
        Row("3.04", "Despesas/Receitas Operacionais", period.ebit - period.gross),
        Row("3.04.01", "Despesas com Vendas", i["selling"]),
        Row("3.04.02", "Despesas Gerais e Administrativas", i["admin"]),
        Row("3.04.03", "Perdas pela Não Recuperabilidade de Ativos", 0),
        Row("3.04.04", "Outras Receitas Operacionais", max(i["other"], 0)),
        Row("3.04.05", "Outras Despesas Operacionais", min(i["other"], 0)),
        Row("3.04.06", "Resultado de Equivalência Patrimonial", i["associates"]),
        Row("3.05", "Resultado Antes do Resultado Financeiro e dos Tributos", period.ebit),
        Row("3.06", "Resultado Financeiro", financial),
        Row("3.06.01", "Receitas Financeiras", i["fin_income"]),
        Row("3.06.02", "Despesas Financeiras", i["fin_expense"]),
        Row("3.07", "Resultado Antes dos Tributos sobre o Lucro", period.ebit + financial),
        Row("3.08", "Imposto de Renda e Contribuição Social sobre o Lucro", i["tax"]),
        Row("3.08.01", "Corrente", i["tax"]),
        Row("3.08.02", "Diferido", 0),
        Row("3.09", "Resultado Líquido das Operações Continuadas", period.net),
        Row("3.10", "Resultado Líquido de Operações Descontinuadas", 0),
        *_result(period, "3.11", consolidated=consolidated),
    ]


def _bank(period: Period, consolidated: bool) -> list[Row]:
    i = period.income
    other = i["selling"] + i["admin"] + i["other"] + i["associates"]
    pretax = period.net - i["tax"]
    return [
        Row("3.01", "Receitas da Intermediação Financeira", i["revenue"]),
        Row("3.02", "Despesas da Intermediação Financeira", i["cost"]),
        Row("3.03", "Resultado Bruto Intermediação Financeira", period.gross),
        Row("3.04", "Outras Despesas/Receitas Operacionais", other),
        Row("3.04.01", "Receitas de Prestação de Serviços", 0),
        Row("3.04.02", "Despesas de Pessoal", i["selling"]),
        Row("3.04.03", "Outras Despesas Administrativas", i["admin"]),
        Row("3.04.05", "Outras Receitas Operacionais", i["other"]),
        Row("3.04.07", "Resultado da Equivalência Patrimonial", i["associates"]),
        Row("3.05", "Resultado Antes dos Tributos sobre o Lucro", pretax),
        Row("3.06", "Imposto de Renda e Contribuição Social sobre o Lucro", i["tax"]),
        Row("3.07", "Resultado Líquido das Operações Continuadas", period.net),
        Row("3.08", "Resultado Líquido das Operações Descontinuadas", 0),
        *_result(period, "3.09", consolidated=consolidated),
    ]


def _insurer(period: Period, consolidated: bool) -> list[Row]:
    i = period.income
    financial = i["fin_income"] + i["fin_expense"]
    return [
        Row("3.01", "Receitas das Operações", i["revenue"]),
        Row("3.01.01", "Prêmios Ganhos", i["revenue"]),
        Row("3.02", "Sinistros e Despesas das Operações", i["cost"]),
        Row("3.03", "Resultado Bruto", period.gross),
        Row("3.04", "Despesas Administrativas", i["selling"] + i["admin"]),
        Row("3.05", "Outras Receitas e Despesas Operacionais", i["other"]),
        Row("3.06", "Resultado de Equivalência Patrimonial", i["associates"]),
        Row("3.07", "Resultado Antes do Resultado Financeiro e dos Tributos", period.ebit),
        Row("3.08", "Resultado Financeiro", financial),
        Row("3.08.01", "Receitas Financeiras", i["fin_income"]),
        Row("3.08.02", "Despesas Financeiras", i["fin_expense"]),
        Row("3.09", "Resultado Antes dos Tributos sobre o Lucro", period.ebit + financial),
        Row("3.10", "Imposto de Renda e Contribuição Social sobre o Lucro", i["tax"]),
        Row("3.11", "Resultado Líquido das Operações Continuadas", period.net),
        Row("3.12", "Resultado Líquido das Operações Descontinuadas", 0),
        *_result(period, "3.13", consolidated=consolidated),
    ]


def cash_flow(period: Period, *, direct: bool) -> list[Row]:
    """DFC, by the direct or the indirect method."""
    f = period.flows
    operating = f["net"] + f["depreciation"] + f["working"]
    investing, financing = f["capex"] + f["investing"], f["borrowed"] + f["paid"]
    if direct:
        received = round(operating * 5)
        head = [
            Row("6.01.01", "Recebimentos de Clientes", received, "N"),
            Row("6.01.02", "Pagamentos a Fornecedores e Empregados", operating - received, "N"),
        ]
    else:
        head = [
            Row("6.01.01", "Caixa Gerado nas Operações", f["net"] + f["depreciation"]),
            Row("6.01.01.01", "Lucro Líquido do Período", f["net"], "N"),
            Row("6.01.01.02", "Depreciação e Amortização", f["depreciation"], "N"),
            Row("6.01.02", "Variações nos Ativos e Passivos", f["working"]),
            Row("6.01.03", "Outros", 0),
        ]
    return [
        Row("6.01", "Caixa Líquido Atividades Operacionais", operating),
        *head,
        Row("6.02", "Caixa Líquido Atividades de Investimento", investing),
        Row("6.02.01", "Aquisição de Imobilizado e Intangível", f["capex"], "N"),
        Row("6.02.02", "Aplicações Financeiras e Outros", f["investing"], "N"),
        Row("6.03", "Caixa Líquido Atividades de Financiamento", financing),
        Row("6.03.01", "Captações Líquidas de Amortizações", f["borrowed"], "N"),
        Row("6.03.02", "Dividendos e Juros sobre o Capital Próprio Pagos", f["paid"], "N"),
        Row("6.04", "Variação Cambial s/ Caixa e Equivalentes", 0),
        Row("6.05", "Aumento (Redução) de Caixa e Equivalentes", f["closing"] - f["opening"]),
        Row("6.05.01", "Saldo Inicial de Caixa e Equivalentes", f["opening"]),
        Row("6.05.02", "Saldo Final de Caixa e Equivalentes", f["closing"]),
    ]


def added_value(period: Period) -> list[Row]:
    """DVA, its main lines."""
    i, worn = period.income, period.flows["depreciation"]
    inputs = i["cost"] + i["selling"] + i["other"] + worn
    gross = i["revenue"] + inputs
    net = gross - worn
    total = net + i["associates"] + i["fin_income"]
    return [
        Row("7.01", "Receitas", i["revenue"]),
        Row("7.02", "Insumos Adquiridos de Terceiros", inputs),
        Row("7.03", "Valor Adicionado Bruto", gross),
        Row("7.04", "Retenções", -worn),
        Row("7.04.01", "Depreciação, Amortização e Exaustão", -worn),
        Row("7.05", "Valor Adicionado Líquido Produzido", net),
        Row("7.06", "Vlr Adicionado Recebido em Transferência", i["associates"] + i["fin_income"]),
        Row("7.07", "Valor Adicionado Total a Distribuir", total),
        Row("7.08", "Distribuição do Valor Adicionado", total),
        Row("7.08.01", "Pessoal", -i["admin"]),
        Row("7.08.02", "Impostos, Taxas e Contribuições", -i["tax"]),
        Row("7.08.03", "Remuneração de Capitais de Terceiros", -i["fin_expense"]),
        Row("7.08.04", "Remuneração de Capitais Próprios", period.net),
        Row("7.08.04.02", "Dividendos", -period.flows["paid"]),
    ]


def comprehensive(period: Period) -> list[Row]:
    """DRA."""
    return [
        Row("4.01", "Lucro Líquido Consolidado do Período", period.net),
        Row("4.02", "Outros Resultados Abrangentes", 0),
        Row("4.03", "Resultado Abrangente Consolidado do Período", period.net),
    ]


PARENT_SHARE = 0.6  # of a group's operations that lie in the parent itself


def parent_only(period: Period) -> Period:
    """The individual statements of a company with subsidiaries: their profit comes in one line, and so does equity."""
    income: Items = dict(period.income)
    for key in ("revenue", "cost", "selling", "admin", "other"):
        income[key] = round(income[key] * PARENT_SHARE)
    income["minority"] = 0
    income["associates"] += period.net_parent - sum(v for k, v in income.items() if k != "minority")
    balance: Items = dict(period.balance)
    gone = 0
    for key in ("placements", "receivables", "inventory", "plant"):
        kept = round(balance[key] * PARENT_SHARE)
        gone += balance[key] - kept
        balance[key] = kept
    balance["holdings"] += gone - balance["minority"]
    balance["minority"] = 0
    flows = {**period.flows, "net": period.net_parent}
    flows["working"] += period.net - period.net_parent
    return Period(period.start, period.end, income, balance, flows)


def restated(period: Period) -> Period:
    """A first version's figures before they were corrected: one and a half percent less revenue, the same costs."""
    income = dict(period.income)
    income["revenue"] = round(income["revenue"] * 0.985)
    flows = dict(period.flows)
    change = income["revenue"] - period.income["revenue"]
    flows["net"] += change
    flows["working"] -= change
    return Period(period.start, period.end, income, period.balance, flows)
