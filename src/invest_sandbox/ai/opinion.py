"""The stand-in analysts: each leans its own way over the same facts, and always the same way on the same facts."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from invest_sandbox.ai.question import Question, Seen
from invest_sandbox.ai.words import AND, FOLLOWS, KINDS, LEANING, NEAREST, RISKS, SEEN, SUMMARY
from invest_sandbox.seeds import unit

# Kind of fact, whether more is better, an ordinary value, and how far from it counts as far.
SIGNALS: dict[str, tuple[str, int, float, float]] = {
    "p_l": ("cheap", -1, 11, 8), "p_vp": ("cheap", -1, 1.6, 1.2), "ev_ebitda": ("cheap", -1, 7, 5),
    "ev_ebit": ("cheap", -1, 9, 6), "earnings_yield": ("cheap", 1, 0.09, 0.06), "fcf_yield": ("cheap", 1, 0.07, 0.06),
    "graham_margin": ("cheap", 1, 0.0, 0.5), "bazin_margin": ("cheap", 1, 0.0, 0.5),
    "roe": ("profit", 1, 0.14, 0.1), "roic": ("profit", 1, 0.11, 0.08), "net_margin": ("profit", 1, 0.11, 0.1),
    "ebit_margin": ("profit", 1, 0.16, 0.12), "piotroski": ("profit", 1, 5, 3),
    "revenue_cagr_5y": ("growth", 1, 0.07, 0.1), "net_income_cagr_5y": ("growth", 1, 0.07, 0.15),
    "revenue_growth_1y": ("growth", 1, 0.07, 0.12),
    "net_debt_ebitda": ("debt", -1, 1.8, 1.5), "net_debt_equity": ("debt", -1, 0.6, 0.6),
    "current_ratio": ("debt", 1, 1.4, 0.7), "interest_coverage": ("debt", 1, 4, 4), "altman_z": ("debt", 1, 2.2, 1.5),
    "dividend_yield": ("dividends", 1, 0.055, 0.04), "dividend_yield_5y": ("dividends", 1, 0.055, 0.04),
    "momentum_12_1": ("momentum", 1, 0.08, 0.3), "return_6m": ("momentum", 1, 0.05, 0.2),
    "return_1y": ("momentum", 1, 0.1, 0.3), "excess_ibov_1y": ("momentum", 1, 0.0, 0.25),
    "excess_ifix_1y": ("momentum", 1, 0.0, 0.15),
    "distance_sma_200": ("momentum", 1, 0.0, 0.15), "macd_histogram": ("momentum", 1, 0.0, 0.5),
    "rsi_14": ("momentum", 1, 50, 25),
    "volatility_1y": ("risk", -1, 0.32, 0.15), "volatility_21d": ("risk", -1, 0.3, 0.15),
    "max_drawdown_1y": ("risk", 1, -0.25, 0.2), "beta_1y": ("risk", -1, 1.0, 0.5), "sharpe_1y": ("risk", 1, 0.2, 1.0),
}  # fmt: skip
LEANINGS: dict[str, dict[str, float]] = {
    "value": {"cheap": 3, "dividends": 2, "profit": 1.5, "debt": 1, "growth": 0.5, "momentum": 0.3, "risk": 0.3},
    "momentum": {"momentum": 3, "growth": 1.5, "profit": 0.7, "risk": 0.6, "cheap": 0.4, "dividends": 0.2, "debt": 0.3},
    "cautious": {
        "debt": 2.5,
        "risk": 2.5,
        "profit": 1.5,
        "dividends": 0.8,
        "cheap": 0.7,
        "growth": 0.4,
        "momentum": 0.4,
    },
    "balanced": {"cheap": 1, "profit": 1, "growth": 1, "debt": 1, "dividends": 1, "momentum": 1, "risk": 1},
}
LEANING_OF = {"openai": "value", "anthropic": "cautious", "gemini": "momentum", "compatible": "balanced"}
MIN_FACTS = 3


@dataclass(frozen=True, slots=True)
class Weighed:
    """A fact, its kind, and how far it speaks for (+) or against (-) the asset, within -1..1."""

    fact: Seen
    kind: str
    signal: float


def weigh(facts: tuple[Seen, ...], leaning: str = "balanced") -> list[Weighed]:
    """The facts that say something, each against its reference."""
    out = []
    for fact in facts:
        if fact.key not in SIGNALS or fact.value is None:
            continue
        kind, better, _, far = SIGNALS[fact.key]
        centre, spread = _reference(fact, leaning), far
        if fact.own_median is not None and centre == fact.own_median:
            spread = min(far, max(0.4 * abs(centre), far / 5))  # against its own past, less is far
        signal = math.tanh((fact.value - centre) / spread) * better
        if fact.key in ("p_l", "ev_ebitda", "p_vp") and fact.value <= 0:
            signal = -0.8  # a negative multiple is a loss, not a bargain
        if fact.key == "rsi_14" and leaning in ("value", "cautious"):
            signal = -signal  # what ran up far is bought late
        out.append(Weighed(fact, kind, signal))
    return out


def _reference(fact: Seen, leaning: str) -> float:
    """What a fact is measured by: the sector's median; else its own for those who look back; else an ordinary value."""
    if fact.sector_median is not None:
        return fact.sector_median
    if fact.own_median is not None and leaning in ("value", "cautious"):
        return fact.own_median
    return SIGNALS[fact.key][2]


def judge(question: Question, vendor: str, model: str) -> dict[str, Any]:
    """The opinion of `vendor`'s `model` on what `question` asks, as a plain tree under the usual names."""
    leaning = LEANING_OF.get(vendor, "balanced")
    weighed = weigh(question.facts, leaning)
    language = question.language
    out: dict[str, Any] = {"ticker": question.ticker, "language": language, "insufficient_data": False}
    if len(weighed) < MIN_FACTS:
        return out | _abstention(language)
    weights = LEANINGS[leaning]
    total = sum(weights[w.kind] for w in weighed)
    lean = sum(weights[w.kind] * w.signal for w in weighed) / total
    lean += (unit("whim", vendor, model, question.ticker) - 0.5) * 0.12
    p180 = _logistic(_logit(question.base) + 1.1 * lean)
    view = "buy" if p180 >= 0.55 else "sell" if p180 <= 0.45 else "hold"
    ranked = sorted(weighed, key=lambda w: -abs(w.signal) * weights[w.kind])
    good, bad = _sides([_on_its_own(w) for w in ranked])
    return out | {
        "key_facts": [{"fact_id": w.fact.id, "reading": _reading(w.signal)} for w in ranked[:6]],
        "arguments_for": _arguments(good, language, leaning, good=True),
        "arguments_against": _arguments(bad, language, leaning, good=False),
        "risks": _risks(weighed, language, leaning),
        "would_change": _changes(ranked, leaning),
        "summary": f"{SUMMARY[language][view]} {LEANING[language][leaning]}",
        "rating": view,
        "confidence": round(abs(p180 - 0.5) * 2, 3),
        "p_beat_30d": round(0.5 + (p180 - 0.5) * 0.4, 3),
        "p_beat_90d": round(0.5 + (p180 - 0.5) * 0.7, 3),
        "p_beat_180d": round(p180, 3),
        **_prices(question.facts, p180),
    }


def _abstention(language: str) -> dict[str, Any]:
    empty: dict[str, Any] = {
        k: [] for k in ("key_facts", "arguments_for", "arguments_against", "risks", "would_change")
    }
    nothing = dict.fromkeys(
        ("p_beat_30d", "p_beat_90d", "p_beat_180d", "price_p10", "price_p50", "price_p90", "rating", "confidence")
    )
    return empty | nothing | {"insufficient_data": True, "summary": SUMMARY[language]["none"]}


def _logit(p: float) -> float:
    p = min(0.95, max(0.05, p))
    return math.log(p / (1 - p))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _reading(signal: float) -> str:
    return "favourable" if signal > 0.15 else "unfavourable" if signal < -0.15 else "neutral"


def _on_its_own(w: Weighed) -> Weighed:
    """As an argument words it: a price that rose is in an upward trend, however much its sector's prices rose."""
    if w.kind != "momentum" or w.fact.value is None:
        return w
    _, better, centre, far = SIGNALS[w.fact.key]
    return replace(w, signal=math.tanh((w.fact.value - centre) / far) * better)


def _arguments(weighed: list[Weighed], language: str, leaning: str, *, good: bool) -> list[dict[str, Any]]:
    """One sentence per kind of fact, citing every fact of the kind that points the same way."""
    kinds: dict[str, list[Seen]] = {}
    for w in weighed:
        kinds.setdefault(w.kind, []).append(w.fact)
    side = 0 if good else 1
    out = []
    for i, (kind, facts) in enumerate(list(kinds.items())[:4]):
        # A name with a digit in it (RSI (14)) would read as a figure; those facts are cited only.
        named = [f.name for f in facts if f.name and not any(c.isdigit() for c in f.name)][:2]
        names = f" ({AND[language].join(named)})" if named else ""
        follows = FOLLOWS[language][leaning][i][side] if i < 2 else ""
        points = any((w.signal > 0) == good for w in weighed if w.kind == kind)
        seen = SEEN[language][kind][side].format(names=names) if points else _nearest(language, kind, names, good=good)
        text = f"{seen}{follows if points else ''}."
        out.append({"text": text, "fact_ids": [f.id for f in facts[:4]]})
    return out


def _nearest(language: str, kind: str, names: str, *, good: bool) -> str:
    """What is said of the fact that comes nearest to a side on which nothing stands."""
    return NEAREST[language][0 if good else 1].format(kind=KINDS[language][kind], names=names)


def _sides(ranked: list[Weighed]) -> tuple[list[Weighed], list[Weighed]]:
    """Facts for and against, each kind on the side of most of it: nobody calls one trend both good and bad.

    A side that would stay empty takes the weakest (or strongest) fact of the kind that comes nearest to it, without
    a signal: it is not called bad (or good).
    """
    net: dict[str, float] = defaultdict(float)
    for w in ranked:
        net[w.kind] += w.signal
    good = [w for w in ranked if w.signal > 0.05 and net[w.kind] > 0]
    bad = [w for w in ranked if w.signal < -0.05 and net[w.kind] < 0]
    if not bad:
        bad = [replace(min(ranked, key=lambda w: (net[w.kind], w.signal)), signal=0.0)]
        good = [w for w in good if w.kind != bad[0].kind]
    if not good:
        good = [replace(max(ranked, key=lambda w: (net[w.kind], w.signal)), signal=0.0)]
        bad = [w for w in bad if w.kind != good[0].kind]
    return good, bad


RISK_OF = {"risk": "volatility", "debt": "debt", "cheap": "valuation", "profit": "sector"}


def _risks(weighed: list[Weighed], language: str, leaning: str) -> list[dict[str, Any]]:
    """What the facts warn of, in the order this analyst cares; the economy always, first for those who read trends."""
    out = []
    for kind in sorted(RISK_OF, key=lambda k: -LEANINGS[leaning][k]):
        signals = [w.signal for w in weighed if w.kind == kind]
        if sum(signals) < 0 and min(signals) < -0.1:  # what it counts in favour is no risk to it
            severity = "high" if min(signals) < -0.7 else "medium"
            text = RISKS[language][RISK_OF[kind]]
            out.append({"kind": RISK_OF[kind], "severity": severity, "text": text})
    macro = {"kind": "macro", "severity": "low", "text": RISKS[language]["macro"]}
    return [macro, *out] if leaning == "momentum" else [*out, macro]


def _changes(ranked: list[Weighed], leaning: str) -> list[dict[str, Any]]:
    """The two weightiest facts crossing the value that would turn their reading."""
    out = []
    for w in ranked[:2]:
        _, better, _, _ = SIGNALS[w.fact.key]
        operator = ">" if (w.signal < 0) == (better > 0) else "<"
        out.append({"fact_id": w.fact.id, "operator": operator, "value": round(_reference(w.fact, leaning), 4)})
    return out


def _prices(facts: tuple[Seen, ...], p: float) -> dict[str, float | None]:
    """Tenth, middle and ninetieth percentile in 180 days: the close carried on, spread by its own volatility."""
    values = {f.key: f.value for f in facts if f.value is not None}
    close = values.get("close")
    if not close or close <= 0:
        return {"price_p10": None, "price_p50": None, "price_p90": None}
    swing = min(0.9, max(0.05, values.get("volatility_1y") or 0.32)) * math.sqrt(0.5) * 1.2816
    middle = close * (1 + (p - 0.5) * 0.35 + 0.03)
    places = 2 if close >= 1 else 4
    return {
        "price_p10": round(middle * math.exp(-swing), places),
        "price_p50": round(middle, places),
        "price_p90": round(middle * math.exp(swing), places),
    }
