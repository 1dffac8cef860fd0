"""Sentences of the stand-in analysts, without figures: the page prints those from the data.

An argument is what is seen (by kind of fact, naming the facts) and what follows from it (by the analyst's leaning).
"""

from __future__ import annotations

Pair = tuple[str, str]  # favourable, unfavourable

SEEN: dict[str, dict[str, Pair]] = {
    "pt-BR": {
        "cheap": (
            "Os múltiplos{names} estão abaixo da referência",
            "Os múltiplos{names} já embutem expectativas altas",
        ),
        "profit": (
            "A rentabilidade{names} supera a referência",
            "A rentabilidade{names} é fraca para o risco que se corre",
        ),
        "growth": ("O crescimento{names} sustenta resultados maiores", "O crescimento{names} perdeu força"),
        "debt": ("O endividamento{names} é confortável", "O endividamento{names} deixa a empresa sensível aos juros"),
        "dividends": (
            "Os proventos{names} remuneram bem quem espera",
            "Os proventos{names} pouco ajudam o retorno total",
        ),
        "momentum": (
            "A tendência dos preços{names} é favorável e se confirma",
            "A tendência dos preços{names} é desfavorável e ainda não se inverteu",
        ),
        "risk": ("As oscilações{names} são contidas", "As oscilações{names} são altas e exigem tolerância a perdas"),
    },
    "en": {
        "cheap": (
            "Multiples{names} stand below their reference",
            "Multiples{names} already price in high expectations",
        ),
        "profit": ("Profitability{names} beats its reference", "Profitability{names} is weak for the risk taken"),
        "growth": ("Growth{names} supports higher results", "Growth{names} has lost strength"),
        "debt": ("Debt{names} is comfortable", "Debt{names} leaves the company sensitive to interest rates"),
        "dividends": (
            "Distributions{names} pay well for waiting",
            "Distributions{names} add little to the total return",
        ),
        "momentum": (
            "The price trend{names} is favourable and keeps being confirmed",
            "The price trend{names} is unfavourable and has not turned yet",
        ),
        "risk": ("Swings{names} are contained", "Swings{names} are large and call for tolerance of losses"),
    },
}
# Of a side on which no fact stands: the one that comes nearest to it.
NEAREST: dict[str, Pair] = {
    "pt-BR": (
        "Nada se destaca a favor; o que mais se aproxima disso é {kind}{names}",
        "Pouco há contra; o que menos ajuda é {kind}{names}",
    ),
    "en": (
        "Nothing stands out in favour; what comes nearest to it is {kind}{names}",
        "Little stands against it; what helps least is {kind}{names}",
    ),
}
KINDS: dict[str, dict[str, str]] = {
    "pt-BR": {
        "cheap": "o preço ante os fundamentos",
        "profit": "a rentabilidade",
        "growth": "o crescimento",
        "debt": "o endividamento",
        "dividends": "a remuneração em proventos",
        "momentum": "a tendência dos preços",
        "risk": "a oscilação dos preços",
    },
    "en": {
        "cheap": "price against fundamentals",
        "profit": "profitability",
        "growth": "growth",
        "debt": "debt",
        "dividends": "what is distributed",
        "momentum": "the trend of prices",
        "risk": "how prices swing",
    },
}
# What follows, for the strongest argument of a side and for the next one; further ones stand alone.
FOLLOWS: dict[str, dict[str, tuple[Pair, Pair]]] = {
    "pt-BR": {
        "value": (
            (", o que amplia a margem de segurança", ", e sobra pouca margem para erro no preço atual"),
            (", e o preço atual não parece refletir isso por inteiro", ", e o desconto deveria ser maior"),
        ),
        "momentum": (
            (", o que tende a atrair novos compradores", ", o que tende a afastar compradores no curto prazo"),
            (", e o mercado costuma demorar a incorporar isso", ", e falta um gatilho para a virada"),
        ),
        "cautious": (
            (", o que reduz a chance de surpresas ruins", ", o que recomenda cautela antes de aumentar a posição"),
            (", o que serve de amortecedor em cenário adverso", ", e merece acompanhamento nos próximos resultados"),
        ),
        "balanced": (
            (", e isso pesa a favor no conjunto", ", e isso pesa contra no conjunto"),
            (", embora não decida sozinho", ", embora não seja decisivo"),
        ),
    },
    "en": {
        "value": (
            (", which widens the margin of safety", ", and little room for error is left at the current price"),
            (", and the current price does not seem to reflect all of it", ", and the discount ought to be larger"),
        ),
        "momentum": (
            (", which tends to draw new buyers", ", which tends to keep buyers away for now"),
            (", and the market is usually slow to price that in", ", and a trigger for a turn is missing"),
        ),
        "cautious": (
            (", which lowers the chance of bad surprises", ", which calls for caution before adding to a position"),
            (", a cushion in an adverse scenario", ", a point to watch in the next results"),
        ),
        "balanced": (
            (", and that counts in favour overall", ", and that counts against it overall"),
            (", though it does not decide alone", ", though it is not decisive"),
        ),
    },
}
AND = {"pt-BR": " e ", "en": " and "}
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
        "sector": "Margens sob pressão no setor reduziriam o resultado.",
        "macro": "Juros altos por mais tempo encarecem o capital e reduzem o apetite por bolsa.",
    },
    "en": {
        "volatility": "Strong swings may lead to losses within the horizon.",
        "debt": "The cost of debt may eat a relevant part of the result.",
        "valuation": "A revision of expectations would compress the multiples.",
        "sector": "Margins under pressure in the sector would lower the result.",
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
