"""Sentences of the stand-in analysts, without figures: the page prints those from the data."""

from __future__ import annotations

# (Portuguese favourable, Portuguese unfavourable, English favourable, English unfavourable) by kind of fact.
SENTENCES: dict[str, tuple[str, str, str, str]] = {
    "cheap": (
        "Os múltiplos estão abaixo da referência usual, o que deixa margem de segurança.",
        "Os múltiplos já embutem expectativas altas, e sobra pouca margem para erro.",
        "Multiples stand below their usual reference, which leaves a margin of safety.",
        "Multiples already price in high expectations and leave little room for error.",
    ),
    "profit": (
        "A rentabilidade é consistente com uma empresa que cria valor.",
        "A rentabilidade é fraca para o risco que o acionista corre.",
        "Profitability is that of a company that creates value.",
        "Profitability is weak for the risk that shareholders take.",
    ),
    "growth": (
        "O crescimento recente sustenta resultados maiores adiante.",
        "O crescimento perdeu força e não sustenta resultados maiores.",
        "Recent growth supports higher results ahead.",
        "Growth has lost strength and does not support higher results.",
    ),
    "debt": (
        "O endividamento é confortável e reduz o risco financeiro.",
        "O endividamento pesa e deixa a empresa sensível aos juros.",
        "Debt is comfortable and keeps financial risk low.",
        "Debt weighs and leaves the company sensitive to interest rates.",
    ),
    "dividends": (
        "Os proventos remuneram bem quem espera.",
        "Os proventos são baixos e pouco ajudam o retorno total.",
        "Distributions pay well for waiting.",
        "Distributions are low and add little to the total return.",
    ),
    "momentum": (
        "A tendência dos preços é favorável e vem sendo confirmada.",
        "A tendência dos preços é desfavorável e ainda não se inverteu.",
        "The price trend is favourable and keeps being confirmed.",
        "The price trend is unfavourable and has not turned yet.",
    ),
    "risk": (
        "As oscilações são contidas em relação ao mercado.",
        "As oscilações são altas e exigem tolerância a perdas.",
        "Swings are contained relative to the market.",
        "Swings are large and call for tolerance of losses.",
    ),
}
SUMMARY: dict[str, dict[str, str]] = {
    "pt-BR": {
        "buy": "Os fatos favoráveis predominam, e o ativo tem condições de superar o índice. A confiança é moderada.",
        "hold": "Os fatos favoráveis e os contrários se equilibram, sem vantagem clara ante o índice.",
        "sell": "Os fatos desfavoráveis pesam mais, e o ativo tende a ficar atrás do índice. A confiança é moderada.",
        "none": "Os fatos recebidos não bastam para formar uma opinião.",
    },
    "en": {
        "buy": "Favourable facts prevail and the asset is able to beat the index. Confidence is moderate.",
        "hold": "Favourable and contrary facts balance out, without a clear edge over the index.",
        "sell": "Unfavourable facts weigh more and the asset tends to lag the index. Confidence is moderate.",
        "none": "The facts given do not suffice to form an opinion.",
    },
}
LEANING: dict[str, dict[str, str]] = {
    "pt-BR": {
        "value": "O preço ante os fundamentos é o que mais pesa aqui.",
        "momentum": "A tendência dos preços é o que mais pesa aqui.",
        "cautious": "A solidez e o risco são o que mais pesa aqui.",
        "balanced": "O conjunto dos fatos pesa mais que qualquer um deles.",
    },
    "en": {
        "value": "What weighs most here is price against fundamentals.",
        "momentum": "What weighs most here is the trend of prices.",
        "cautious": "What weighs most here is solidity and risk.",
        "balanced": "The whole of the facts weighs more than any one of them.",
    },
}
RISKS: dict[str, dict[str, str]] = {
    "pt-BR": {
        "volatility": "Oscilações fortes podem levar a perdas no horizonte considerado.",
        "debt": "O custo da dívida pode consumir parte relevante do resultado.",
        "valuation": "Uma revisão das expectativas reduziria os múltiplos.",
        "liquidity": "O volume negociado pode dificultar a saída em momentos ruins.",
        "macro": "Juros altos por mais tempo encarecem o capital e reduzem o apetite por bolsa.",
    },
    "en": {
        "volatility": "Strong swings may lead to losses within the horizon.",
        "debt": "The cost of debt may eat a relevant part of the result.",
        "valuation": "A revision of expectations would compress the multiples.",
        "liquidity": "Thin trading may make it hard to leave in bad moments.",
        "macro": "Higher rates for longer make capital dearer and cut the appetite for shares.",
    },
}
REFUSAL = {
    "pt-BR": "Desculpe, não posso ajudar com essa solicitação.",
    "en": "I'm sorry, but I can't help with that request.",
}
INVENTED = {
    "pt-BR": "O ROE de 87,3% e a receita de R$ 912,4 bilhões mostram força incomum.",
    "en": "An ROE of 87.3% and revenue of R$ 912.4 billion show unusual strength.",
}
