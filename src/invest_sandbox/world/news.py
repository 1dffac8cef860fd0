"""Headlines about the listed companies, dated back from today. Invented, and marked so by their links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from invest_sandbox.seeds import stream
from invest_sandbox.world.sessions import ZONE

if TYPE_CHECKING:
    from invest_sandbox.world.listings import Listing
    from invest_sandbox.world.world import World

TEMPLATES: tuple[tuple[str, str, str], ...] = (
    ("{name} ({ticker}) tem lucro acima do esperado no trimestre", "Resultado superou o consenso.", "resultado"),
    ("{ticker}: lucro da {name} cai e decepciona analistas", "Margens menores pesaram no trimestre.", "resultado"),
    ("{name} anuncia dividendos; veja quem tem direito", "Conselho aprovou nova distribuição.", "dividendos"),
    ("{name} ({ticker}) aprova JCP e data ex sai na próxima semana", "Pagamento em parcela única.", "dividendos"),
    ("Ações da {name} sobem com recomendação de compra", "Banco elevou o preço-alvo do papel.", "mercado"),
    ("{ticker} recua em dia de realização na bolsa", "Papel devolve parte dos ganhos do mês.", "mercado"),
    ("{name} conclui captação e alonga perfil da dívida", "Emissão de debêntures teve demanda forte.", "divida"),
    ("Agência rebaixa nota de crédito da {name} ({ticker})", "Alavancagem elevada motivou a decisão.", "divida"),
    ("{name} fecha acordo para comprar concorrente", "Operação depende de aval do Cade.", "fusao"),
    ("Cade aprova sem restrições operação da {name}", "Decisão saiu no Diário Oficial.", "fusao"),
    ("{name} troca presidente e ações reagem", "Novo executivo assume no mês que vem.", "governanca"),
    ("CVM abre processo envolvendo a {name} ({ticker})", "Autarquia pede esclarecimentos.", "regulacao"),
    ("{name} retoma operação de unidade parada", "Produção volta ao normal, diz companhia.", "operacao"),
)
GENERAL = (
    ("Ibovespa fecha em alta puxado por commodities", "Índice acompanhou o exterior.", "mercado"),
    ("Copom: o que esperar da próxima decisão sobre a Selic", "Analistas divergem.", "juros"),
    ("Dólar recua ante o real com fluxo estrangeiro", "Moeda fechou perto da mínima do dia.", "cambio"),
    ("Frente fria chega ao Sul no fim de semana; veja a previsão", "Temperaturas caem.", "brasil"),
)


@dataclass(frozen=True, slots=True)
class Story:
    """One item: title, summary, topic, when, and about which ticker (none for general news)."""

    key: int
    title: str
    summary: str
    topic: str
    moment: datetime
    ticker: str


def display_name(name: str) -> str:
    """A company's name as the papers write it: `PRIO S.A.` -> `Prio`, `VALE S.A.` -> `Vale`."""
    parts = [p.removesuffix(" S.A.").removesuffix(" S/A") for p in name.split(" - ")]
    short = min(parts, key=len)
    if len(short) <= 3:
        return short
    short = short.title()
    return short.replace(" De ", " de ").replace(" E ", " e ").replace(" Do ", " do ")


def stories(world: World, feed: str, today: date, count: int = 40, about: Listing | None = None) -> list[Story]:
    """The newest `count` stories of one outlet up to `today`, newest first; all `about` one paper if given."""
    out: list[Story] = []
    papers = [about] if about else [x for x in world.listings if x.kind in ("stock", "unit", "fii")]
    known = papers[: max(20, len(papers) // 4)]
    day = today
    while len(out) < count:
        rng = stream(world.seed, "news", feed, day, about.ticker if about else "")
        for i in range(1 if about else 12):
            pool = known if rng.random() < 0.7 else papers
            paper = pool[int(rng.integers(0, len(pool)))] if pool else None
            general = paper is None or (not about and rng.random() < 0.15)
            title, summary, topic = (GENERAL if general else TEMPLATES)[
                int(rng.integers(0, len(GENERAL if general else TEMPLATES)))
            ]
            moment = datetime.combine(day, time(8 + i), ZONE) + timedelta(minutes=int(rng.integers(0, 59)))
            name = display_name(paper.name) if paper else ""
            ticker = "" if general or paper is None else paper.ticker
            out.append(
                Story(
                    int(rng.integers(10**6, 10**7)),
                    title.format(name=name, ticker=ticker),
                    summary,
                    topic,
                    moment,
                    ticker,
                )
            )
        day -= timedelta(1)
    out.sort(key=lambda s: s.moment, reverse=True)
    return out[:count]
