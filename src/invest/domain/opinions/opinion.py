"""What one AI says, as data: enums, probabilities and references to facts, never a figure of its own."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen

RULES = "rules"  # the vendor of the local rules, which are no AI


class Rating(StrEnum):
    """Derived by code from the shrunk probability of beating the index over 180 days, cut as it is printed.

    From 55 % on buy, up to 45 % sell, else hold (`pooling.rating_of`).
    """

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
    model_asked: str | None = Field(default=None, description="model id that was asked for")
    status: OpinionStatus
    reason: str | None = Field(default=None, description="why it abstained, in one line of English, for the record")
    reason_code: str | None = Field(default=None, description="the same as a code that reports put into words")
    reason_values: dict[str, str] = Field(
        default_factory=dict, description="what the words of the reason are filled with"
    )
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
    p_shrunk: float | None = Field(
        default=None, description="p180 on the scale of the pool: what the rating is cut from"
    )
    slope: float | None = Field(default=None, description="slope that drew `p_shrunk` to one half; .5 where it is null")
    rating: Rating | None = None
    contradicts: bool = Field(default=False, description="its text recommends against its own probability")
    confidence: float | None = Field(default=None, description="|p180 - .5| x 2, derived")
    target: float | None = Field(default=None, description="price_p50, derived")
    unfaithful: tuple[str, ...] = Field(default=(), description="figures in its text that the data does not hold")
    figures_checked: int = 0
    prompt_hash: str
    data_hash: str
    language: str = "pt-BR"
    index_label: str = Field(default="IBOV", description="the index that the probabilities are about")
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

    @property
    def benchmark(self) -> bool:
        """Whether it is the local rules': shown beside the AIs, without a vote and outside every count."""
        return self.vendor == RULES

    @property
    def model_key(self) -> str:
        """The model by which records and copies are distinguished: its id as answered, without the maker before it."""
        return model_key(self.model, self.provider)

    @property
    def answered_by_another(self) -> bool:
        """Whether a model answered that is not the one asked for; a date behind the id is no other model."""
        if not self.model or not self.model_asked:
            return False
        return undated(self.model_asked) != undated(self.model)


# Behind an id: the day or number of its version, "latest".
_DATED = re.compile(r"(?:[-@]\d{4}-?\d{2}-?\d{2}|-\d{2}-\d{4}|-\d{3,4}|[-@:](?:latest|default|preview|exp|stable))+$")
# Around an id: a cloud's region and the maker before it, its version of the offer behind it, a router's way of serving.
_REGION = re.compile(
    r"^(?:(?:us|eu|ap|apac|jp|au|ca|sa|us-gov|global)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai"
    r"|qwen|writer|stability|nvidia|google|minimax|moonshot(?:ai)?|zai)\.(?=[a-z])"
)
_OFFER = re.compile(r"(?:-v?\d+:\d+[a-z]*|:(?:free|nitro|floor|online|beta|extended|exacto|paid|batch))+$")


def model_key(model: str | None, provider: str) -> str:
    """A model's id in small letters as every host of it would have it, else `provider`.

    Without maker, router and region (`anthropic/claude-x`, `us.anthropic.claude-x-v1:0` and `claude-x:free` are
    `claude-x`), with its date where it has one.
    """
    name = (model or "").strip().lower().rpartition("/")[2]
    return _OFFER.sub("", _REGION.sub("", name)) or name or provider


def undated(model: str | None) -> str:
    """`model_key` without the day or number of a version: an alias and the snapshot that it stands for are one."""
    return _DATED.sub("", model_key(model, ""))


class AiConsensus(Frozen):
    """Opinions pooled by arithmetic (judgement.md, "Consensus"); null figures where there is no quorum."""

    ticker: str
    asked: int
    answered: int
    quorum: bool
    probability: float | None = Field(default=None, description="pooled P(beats the index in 180 days), shrunk")
    rating: Rating | None = None
    probability_30d: float | None = Field(default=None, description="the same over 30 days")
    probability_90d: float | None = Field(default=None, description="the same over 90 days")
    log_odds: float | None = Field(
        default=None, description="weighted mean log-odds before the slope: what it is learnt from"
    )
    slope: float | None = Field(default=None, description="slope that drew all probabilities to one half")
    buy_from: float = Field(default=0.55, description="least shrunk probability, rounded to percent, that is a buy")
    sell_until: float = Field(default=0.45, description="greatest one that is a sell")
    agreement: float | None = Field(default=None, description="1 - population sd of ratings -1/0/1 over vendors")
    independent_votes: float | None = None
    fragile: bool = False
    target: float | None = Field(default=None, description="median of the p50 prices, BRL")
    weights: dict[str, float] = Field(default_factory=dict)
    bull_case: tuple[Argument, ...] = ()
    bear_case: tuple[Argument, ...] = ()
    dissent: tuple[str, ...] = Field(default=(), description="providers whose rating differs from the pooled one")
    index_label: str = Field(default="IBOV", description="the index that the probabilities are about")
    headline: str = Field(description='"3 of 4 answered"; the rules are not counted')


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
    base_rate_180d: float | None = Field(description="how often such assets beat the index over 180 days, by code")
    index_label: str = "IBOV"
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
