"""What one AI says, as data: enums, probabilities and references to facts, never a figure of its own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen


class Rating(StrEnum):
    """Derived by code from the probability of beating the IBOV over 180 days: >= .55 buy, <= .45 sell, else hold."""

    BUY = "buy"
    HOLD = "hold"
    SELL = "sell"


class OpinionStatus(StrEnum):
    """How an analyst's answer ended. Everything but `ok` is an abstention and leaves numerator and denominator."""

    OK = "ok"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID = "invalid"
    UNFAITHFUL = "unfaithful"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"


class KeyFact(Frozen):
    """A fact of the snapshot and how the analyst reads it."""

    fact_id: str
    reading: Literal["favourable", "unfavourable", "neutral"]


class Argument(Frozen):
    """A sentence and the facts it rests on."""

    text: str
    fact_ids: tuple[str, ...]


class Risk(Frozen):
    """A risk by kind and severity."""

    kind: Literal[
        "debt", "liquidity", "volatility", "governance", "regulation", "macro", "sector", "valuation", "other"
    ]
    severity: Literal["low", "medium", "high"]
    text: str


class ChangeOfMind(Frozen):
    """What would change the view: a fact crossing a value (in the fact's unit)."""

    fact_id: str
    operator: Literal["<", "<=", ">", ">="]
    value: float


class Opinion(Frozen):
    """One structured verdict, kept whole: the answer, what it cost, and the hashes that make it repeatable."""

    opinion_id: str
    ticker: str
    provider: str = Field(description="openai, anthropic, gemini, rules, or the name of a compatible server")
    model: str | None = Field(description="model id as the provider answered it")
    status: OpinionStatus
    reason: str | None = Field(default=None, description="why it abstained, in one line")
    key_facts: tuple[KeyFact, ...] = ()
    arguments_for: tuple[Argument, ...] = ()
    arguments_against: tuple[Argument, ...] = ()
    risks: tuple[Risk, ...] = ()
    would_change: tuple[ChangeOfMind, ...] = ()
    p_beat_30d: float | None = Field(default=None, ge=0, le=1)
    p_beat_90d: float | None = Field(default=None, ge=0, le=1)
    p_beat_180d: float | None = Field(default=None, ge=0, le=1)
    price_p10: float | None = None
    price_p50: float | None = None
    price_p90: float | None = None
    summary: str = ""
    rating: Rating | None = None
    confidence: float | None = Field(default=None, description="|p180 - .5| x 2, derived")
    target: float | None = Field(default=None, description="price_p50, derived")
    unfaithful: tuple[str, ...] = Field(default=(), description="figures in its text that the data does not hold")
    figures_checked: int = 0
    prompt_hash: str
    data_hash: str
    language: str = "pt-BR"
    asked_at: AwareDatetime
    seconds: float
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: Decimal | None = None
    price_version: str | None = None
    cached: bool = False
    vendor: str | None = Field(default=None, description="who made the model: opinions of one vendor share one vote")
    figures_unmatched: int = Field(default=0, description='of `figures_checked`: the k of "k of n don\'t match"')
    p_beat_180d_blind: float | None = Field(default=None, description="p180 of the run that saw no news")
    p_beat_180d_news: float | None = Field(default=None, description="p180 of the run with news, before it was bounded")
    news_moved: bool = Field(default=False, description="news moved p180 by more than .20 before it was bounded")
    sandbox: bool = False
    raw_prompt: str = Field(default="", repr=False)
    raw_answer: str = Field(default="", repr=False)

    @property
    def valid(self) -> bool:
        """Whether it counts in the consensus."""
        return self.status is OpinionStatus.OK and self.p_beat_180d is not None


class AiConsensus(Frozen):
    """Opinions pooled by arithmetic (judgement.md, "Consensus"); null figures where there is no quorum."""

    ticker: str
    asked: int
    answered: int
    quorum: bool
    probability: float | None = Field(description="pooled P(beats IBOV in 180 days), shrunk")
    rating: Rating | None
    agreement: float | None = Field(description="1 - population sd of ratings -1/0/1")
    independent_votes: float | None
    fragile: bool
    target: float | None = Field(description="median of the p50 prices, BRL")
    weights: dict[str, float] = Field(default_factory=dict)
    bull_case: tuple[Argument, ...] = ()
    bear_case: tuple[Argument, ...] = ()
    dissent: tuple[str, ...] = Field(default=(), description="providers whose rating differs from the pooled one")
    headline: str = Field(description='"3 of 4 answered"')


class Objection(Frozen):
    """The strongest counter-argument one AI can make against the consensus: shown, never voted."""

    ticker: str
    provider: str
    model: str | None
    argument: Argument
    unfaithful: tuple[str, ...] = Field(default=(), description="figures that were hidden with their sentences")
    cost_usd: Decimal | None = None
    seconds: float
    sandbox: bool = False


class Snapshot(Frozen):
    """What every analyst reads: the same numbers for all, no score of ours, no other opinion, no date in the hash."""

    ticker: str
    name: str | None
    kind: str
    sector: str | None
    as_of: date
    facts: tuple[SnapshotFact, ...]
    base_rate_180d: float | None = Field(description="how often such assets beat the IBOV over 180 days, by code")
    news: tuple[SnapshotNews, ...] = ()
    language: str = "pt-BR"
    sandbox: bool = False


class SnapshotFact(Frozen):
    """One number as the analyst sees it."""

    id: str
    key: str
    value: float
    unit: str
    own_median: float | None = None
    sector_median: float | None = None


class SnapshotNews(Frozen):
    """A news item reduced to enums and a short, cleaned excerpt (judgement.md, "Untrusted text")."""

    tone: Literal["positive", "neutral", "negative"]
    topic: Literal[
        "results", "dividends", "merger", "debt", "governance", "regulation", "operations", "market", "other"
    ]
    age_days: int
    excerpt: str = Field(max_length=200)


Snapshot.model_rebuild()
