"""How well the check of figures tells true sentences from false ones, on generated sentences whose truth is known.

python -m bench.faithful [--sentences 2000] [--seed 17]   -> bench/out/faithful.json

Half of the sentences are pt-BR, half en, half are true; about three in four cite facts as an argument does, the others
cite none as a summary does. `false_shown`: the share of false sentences that the check lets stand. `true_hidden`: the
share of true ones that it hides. `invented_percent_shown`: of every whole percentage from 1 to 99, written beside each
of the facts in percent, the share of untrue ones that stands; `unnamed_percent_shown`: the same without a name.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import outputs
from invest.ai.answers.figures import label, show
from invest.domain.analysis import FACT_KEYS
from invest.domain.opinions import SnapshotFact, check_figures

# Typical values of Brazilian companies by key; what is left out is drawn by its unit.
USUAL: dict[str, tuple[float, float]] = {
    "p_l": (3, 25), "p_vp": (0.4, 4), "p_sr": (0.3, 4), "p_ebit": (2, 15), "ev_ebit": (3, 15), "ev_ebitda": (2, 12),
    "roe": (0.02, 0.35), "roa": (0.01, 0.15), "roic": (0.02, 0.25), "gross_margin": (0.1, 0.6), "rsi_14": (25, 78),
    "net_margin": (0.01, 0.3), "ebit_margin": (0.03, 0.4), "ebitda_margin": (0.05, 0.5), "payout": (0.1, 0.95),
    "dividend_yield": (0.01, 0.16), "dividend_yield_5y": (0.01, 0.12), "beta_1y": (0.3, 1.8), "market_cap": (1e9, 6e11),
    "net_debt_ebitda": (0.2, 4.5), "volatility_1y": (0.15, 0.6), "volatility_21d": (0.12, 0.7), "close": (4, 120),
    "max_drawdown_1y": (-0.5, -0.05), "max_drawdown_5y": (-0.8, -0.2), "drawdown": (-0.4, -0.01),
    "var_95": (-0.06, -0.01),
    "revenue_growth_1y": (-0.2, 1.3), "net_income_growth_1y": (-0.5, 2.2), "piotroski": (1, 9),
    "cdi_annual": (0.1, 0.15), "bollinger_position": (0.05, 0.95),
}  # fmt: skip
BY_UNIT: dict[str, tuple[float, float]] = {
    "fraction": (0.01, 0.6), "x": (0.3, 6), "BRL": (1e8, 4e11), "count": (10, 5e6), "index": (0.2, 60),
    "score": (1, 10),
}  # fmt: skip
PRICES = ("sma", "ema", "support", "resistance", "week52_high", "week52_low", "bollinger_")
SMALL = ("eps", "bvps", "dividends_12m", "atr_14", "macd")
MEDIANS = ("valuation", "profitability", "growth", "debt", "dividends", "efficiency")
MARGIN = 0.02  # a false figure differs from every true one by more than this share of it


@dataclass(frozen=True, slots=True)
class Sentence:
    """One generated sentence: what it cites (None: nothing, as a summary), whether it is true, how it was made."""

    text: str
    cited: tuple[str, ...] | None
    language: str
    true: bool
    kind: str


def facts(rng: random.Random) -> list[SnapshotFact]:
    """One company's 121 facts, with medians where an analysis has them."""
    rows = []
    for i, (key, known) in enumerate(list(FACT_KEYS.items())[:121], 1):
        low, high = USUAL.get(key, BY_UNIT[known.unit])
        if key not in USUAL and (key.startswith(PRICES) or key.endswith("_price")):
            low, high = 4, 120
        elif key in SMALL or key.startswith("macd"):
            low, high = 0.1, 9
        value = rng.uniform(low, high) if high < 1e5 else low * (high / low) ** rng.random()
        value = float(round(value)) if known.unit == "count" else float(f"{value:.5g}")
        sector = own = None
        if known.group in MEDIANS and known.unit in ("x", "fraction"):
            sector, own = (float(f"{value * rng.uniform(0.55, 1.8):.5g}") for _ in range(2))
        rows.append(
            SnapshotFact(id=f"f{i}", key=key, value=value, unit=known.unit, sector_median=sector, own_median=own)
        )
    return rows


class Writer:
    """Writes true and false sentences about one company's facts."""

    def __init__(self, rng: random.Random, company: list[SnapshotFact], language: str) -> None:
        self.rng = rng
        self.facts = company
        self.language = language
        self.pt = language == "pt-BR"
        self.percents = [f for f in company if f.unit == "fraction"]
        self.compared = [f for f in company if f.sector_median]

    def name(self, fact: SnapshotFact) -> str:
        """The fact's name as it stands within a sentence."""
        name = label(fact, self.language)
        return name if self.rng.random() < 0.5 else name.partition(" (")[0]

    def number(self, fact: SnapshotFact, value: float) -> str:
        """`value` as printed, or a digit shorter."""
        written = show(value, fact, self.language)
        if fact.unit == "fraction" and self.rng.random() < 0.3 and abs(value) >= 0.03:
            return f"{value * 100:.0f}%"
        return written

    def wrong(self, fact: SnapshotFact) -> float:
        """A value of the fact's size that neither it nor its medians are near."""
        true = [v for v in (fact.value, fact.sector_median, fact.own_median) if v]
        while True:
            value = fact.value * self.rng.choice([-1, 1, 1, 1]) * self.rng.uniform(0.4, 1.9)
            if fact.unit == "fraction" and self.rng.random() < 0.6:
                value = self.rng.randint(2, 99) / 100
            if fact.unit == "count":
                value = float(round(value))
            apart = max(
                abs(fact.value) * MARGIN, 0.02 if fact.unit == "fraction" else 0, 1.0 if fact.unit == "count" else 0
            )
            far = all(abs(abs(value) - abs(v)) > apart for v in true)
            written = self.number(fact, value)
            if far and written not in {show(v, fact, self.language) for v in true} and written.strip("R$ x%0.,-"):
                return value

    def plain(self, true: bool) -> Sentence:
        """One fact and its value."""
        fact = self.rng.choice(self.facts)
        value = self.number(fact, fact.value if true else self.wrong(fact))
        forms = (
            [
                "{n}: {v}.",
                "{n} de {v}.",
                "{n} em {v} pesa na decisão.",
                "O ativo mostra {n} de {v}, o que chama a atenção.",
            ]
            if self.pt
            else [
                "{n}: {v}.",
                "{n} of {v}.",
                "{n} at {v} weighs on the decision.",
                "It shows {n} of {v}, which stands out.",
            ]
        )
        text = self.rng.choice(forms).format(n=self.name(fact), v=value)
        return self.sentence(text, [fact], true, "plain")

    def pair(self, true: bool) -> Sentence:
        """Two facts; false ones have their numbers exchanged or one of them invented."""
        one, other = self.rng.sample(self.percents, 2)
        values = [self.number(one, one.value), self.number(other, other.value)]
        if not true:
            near = abs(abs(one.value) - abs(other.value)) < 0.03
            values = [self.number(one, self.wrong(one)), values[1]] if near or self.rng.random() < 0.5 else values[::-1]
        form = "{a} de {x} e {b} de {y}." if self.pt else "{a} of {x} and {b} of {y}."
        text = form.format(a=self.name(one), b=self.name(other), x=values[0], y=values[1])
        return self.sentence(text, [one, other], true, "pair")

    def against(self, true: bool) -> Sentence:
        """A fact beside the median of its sector."""
        fact = self.rng.choice(self.compared)
        median = fact.sector_median or 0.0
        value = self.number(fact, fact.value if true else self.wrong(fact))
        form = "{n} de {v}, ante {m} na mediana do setor." if self.pt else "{n} of {v} against a sector median of {m}."
        text = form.format(n=self.name(fact), v=value, m=show(median, fact, self.language))
        return self.sentence(text, [fact], true, "against")

    def discount(self, true: bool) -> Sentence:
        """How far a fact lies from the median of its sector, in percent."""
        fact = self.rng.choice([f for f in self.compared if f.value > 0 and f.unit == "x"])
        share = fact.value / (fact.sector_median or 1.0) - 1
        shown = round(abs(share) * 100)
        if not true:
            own = round(abs(fact.value / (fact.own_median or 1.0) - 1) * 100)
            shown = self.rng.choice([n for n in range(3, 80) if min(abs(n - shown), abs(n - own)) > 2])
        under = share < 0
        if self.pt:
            text = f"{self.name(fact)} {shown}% {'abaixo' if under else 'acima'} da mediana do setor."
        else:
            text = f"{self.name(fact)} {shown}% {'below' if under else 'above'} the sector's median."
        return self.sentence(text, [fact], true, "discount")

    def threshold(self, true: bool) -> Sentence:
        """A fact above or below a round number."""
        fact = self.rng.choice([f for f in self.facts if f.unit in ("fraction", "x", "BRL") and f.value > 0.05])
        above = self.rng.random() < 0.5
        factor = self.rng.uniform(0.6, 0.9) if above == true else self.rng.uniform(1.15, 1.6)
        written = show(float(f"{fact.value * factor:.2g}"), fact, self.language)
        words = ("acima de", "abaixo de") if self.pt else ("above", "below")
        text = f"{self.name(fact)} {words[0] if above else words[1]} {written}."
        return self.sentence(text, [fact], true, "threshold")

    def about(self, true: bool) -> Sentence:
        """A fact by a round number near it."""
        fact = self.rng.choice([f for f in self.facts if f.unit in ("fraction", "x", "BRL") and f.value > 0.1])
        value = float(f"{fact.value:.2g}") if true else self.wrong(fact)
        while not true and 0.93 < abs(value / fact.value) < 1.07:
            value = self.wrong(fact)
        form = "{n} de cerca de {v}." if self.pt else "{n} of about {v}."
        text = form.format(n=self.name(fact), v=show(value, fact, self.language))
        return self.sentence(text, [fact], true, "about")

    def in_words(self, true: bool) -> Sentence:
        """A claim without digits: doubled, half of the sector's."""
        growth = self.rng.choice([f for f in self.facts if "growth" in f.key])
        made = growth.model_copy(update={"value": 1.02 if true else self.rng.uniform(-0.3, 0.6)})
        verb = "dobrou" if self.pt else "doubled"
        text = f"{label(made, self.language)}: {'o valor' if self.pt else 'it'} {verb}."
        self.facts = [made if f.id == growth.id else f for f in self.facts]
        return self.sentence(text, [made], true, "in words")

    def another(self, true: bool) -> Sentence:
        """A number that another fact holds, under the name of one that does not (always false)."""
        fact, other = self.rng.sample(self.percents, 2)
        while abs(abs(fact.value) - abs(other.value)) < 0.03:
            fact, other = self.rng.sample(self.percents, 2)
        if true:
            return self.plain(True)
        near = [v for v in (fact.sector_median, fact.own_median) if v and abs(v - abs(other.value)) < 0.02]
        if near:
            return self.another(true)
        form = "{n} de {v}." if self.pt else "{n} of {v}."
        text = form.format(n=self.name(fact), v=show(other.value, other, self.language))
        return self.sentence(text, [fact], False, "another's number")

    def sentence(self, text: str, about: list[SnapshotFact], true: bool, kind: str) -> Sentence:
        """The sentence with or without its citations."""
        cited = tuple(f.id for f in about) if self.rng.random() < 0.75 else None
        return Sentence(text[0].upper() + text[1:], cited, self.language, true, kind)

    def write(self, true: bool) -> Sentence:
        """A sentence of any kind."""
        kinds: list[Callable[[bool], Sentence]] = [
            self.plain, self.plain, self.plain, self.pair, self.pair, self.against, self.discount, self.threshold,
            self.about, self.in_words, self.another,
        ]  # fmt: skip
        return self.rng.choice(kinds)(true)


def generated(count: int, seed: int) -> Iterator[tuple[Sentence, list[SnapshotFact]]]:
    """`count` sentences, each about some company; half of them true, half in each language."""
    rng = random.Random(seed)
    for i in range(count):
        writer = Writer(rng, facts(rng), ("pt-BR", "en")[i // 2 % 2])
        made = writer.write(i % 2 == 0)
        yield made, writer.facts


def measure(count: int, seed: int) -> dict[str, Any]:
    """Both rates over the generated sentences, and by kind of sentence."""
    shown: Counter[tuple[bool, str]] = Counter()
    total: Counter[tuple[bool, str]] = Counter()
    for made, company in generated(count, seed):
        check = check_figures(made.text, company, made.language, cited=made.cited)
        total[made.true, made.kind] += 1
        shown[made.true, made.kind] += not check.unmatched
    true, false = (sum(n for (t, _), n in total.items() if t is truth) for truth in (True, False))
    kinds = sorted({kind for _, kind in total})
    return {
        "sentences": count,
        "false_shown": round(sum(n for (t, _), n in shown.items() if not t) / false, 4),
        "true_hidden": round(1 - sum(n for (t, _), n in shown.items() if t) / true, 4),
        "false_shown_by_kind": {k: round(shown[False, k] / total[False, k], 3) for k in kinds if total[False, k]},
        "true_hidden_by_kind": {k: round(1 - shown[True, k] / total[True, k], 3) for k in kinds if total[True, k]},
    }


def invented(seed: int) -> dict[str, float]:
    """Whole percentages that are nobody's, beside each fact in percent and without a name."""
    company = facts(random.Random(seed))
    named = tried = 0
    for fact in (f for f in company if f.unit == "fraction"):
        for n in range(1, 100):
            if round(abs(fact.value) * 100) == n:
                continue
            tried += 1
            text = f"{label(fact, 'pt-BR')} de {n}%."
            named += not check_figures(text, company, cited=[fact.id]).unmatched
    unnamed = sum(not check_figures(f"O indicador chegou a {n}%.", company).unmatched for n in range(1, 100))
    return {"invented_percent_shown": round(named / tried, 4), "unnamed_percent_shown": round(unnamed / 99, 4)}


def main() -> None:
    """Measure, print, and write bench/out/faithful.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    result = measure(options.sentences, options.seed) | invented(options.seed)
    outputs.write("faithful", result)
    for name, value in result.items():
        print(f"  {name:<28}{value}")


if __name__ == "__main__":
    main()
