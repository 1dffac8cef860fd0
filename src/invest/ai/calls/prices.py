"""What a call costs: the server's own bill, the settings' prices, then the list prices of genai-prices on its day.

Stored when the call is made, never recomputed. A server of this machine or a private network costs nothing unless a
price is set; for any other a model without a price has an unknown cost, which is not zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from invest.ai.answers import dump_schema
from invest.ai.calls.addresses import is_local
from invest.ai.calls.transport import Endpoint
from invest.ai.wires import Question, Reply, as_dict, as_int
from invest.domain.opinions import model_key

MILLION = Decimal(1_000_000)
CACHE_WRITE = Decimal("1.25")  # of the input price, where a vendor bills for writing into its cache
CHARACTERS_A_TOKEN = 3  # where a server counts nothing
CHARACTERS_A_TOKEN_AT_LEAST = 2  # for the most a prompt may count: JSON full of digits has fewer than prose
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens")
_DATED = re.compile(r"(?:[-@:]\d{4}-?\d{2}-?\d{2}|-\d{3,4}|-latest|-preview|:[a-z]+)*$")


@dataclass(frozen=True, slots=True)
class Price:
    """US$ per million tokens; `cached` for input read from a cache (None: as other input)."""

    given: Decimal
    taken: Decimal
    cached: Decimal | None = None

    def of(self, reply: Reply) -> Decimal:
        """What the tokens of `reply` cost."""
        read = reply.tokens_in or 0
        cached, written = min(reply.tokens_cached or 0, read), reply.tokens_cache_write or 0
        fresh = max(read - cached - written, 0)
        cost = fresh * self.given + cached * (self.given if self.cached is None else self.cached)
        cost += written * self.given * CACHE_WRITE + (reply.tokens_out or 0) * self.taken
        return cost / MILLION


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of the settings: one provider's own (`fixed`), and those by model with the date they were looked at."""

    models: Mapping[str, Price]
    reviewed: str = ""
    fixed: Price | None = None

    def of(self, model: str | None) -> Price | None:
        """The price of `model`, also where its id carries a maker, a region or a date; None where it has none."""
        if self.fixed is not None:
            return self.fixed
        if not (name := bare(model)):
            return None
        plain = model_key(model, "")
        names = (name, _DATED.sub("", name), plain, _DATED.sub("", plain))
        return next((price for each in names if (price := self.models.get(each)) is not None), None)

    @property
    def version(self) -> str:
        """What is written beside a cost."""
        return "settings" if self.fixed is not None or not self.reviewed else f"settings {self.reviewed}"


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars and the version of the price list; None where the model has no known price."""

    usd: Decimal | None
    version: str | None


UNKNOWN = Cost(None, None)
NO_PRICES = PriceList({})


def bare(model: str | None) -> str:
    """A model's id without its maker: `anthropic/claude-x` is `claude-x`."""
    return (model or "").lower().rpartition("/")[2]


def cost_of(reply: Reply, endpoint: Endpoint, at: datetime, prices: PriceList = NO_PRICES) -> Cost:
    """The cost of `reply`, by the model that answered, or the one asked for where that has no price."""
    if reply.cost is not None:
        return Cost(reply.cost, "the server's bill")
    if reply.tokens_in is None or reply.tokens_out is None:
        return Cost(Decimal(0), "local") if _free(endpoint) and prices.of(endpoint.model) is None else UNKNOWN
    for name in dict.fromkeys((reply.model, endpoint.model)):
        if (price := prices.of(name)) is not None:
            return Cost(price.of(reply), prices.version)
        if name and (cost := _listed(reply, name, endpoint, at)):
            return cost
    return Cost(Decimal(0), "local") if _free(endpoint) else UNKNOWN


def ceiling(
    question: Question,
    endpoint: Endpoint,
    at: datetime,
    prices: PriceList = NO_PRICES,
    body: Mapping[str, Any] | None = None,
) -> Decimal | None:
    """The most one call may cost: two characters a token in, every token allowed out. None without a known price.

    `body` is the request as it is sent: the user's own parameters may allow more tokens than the question does.
    """
    schema = 0 if question.schema is None or question.structure != "schema" else len(dump_schema(question.schema))
    tokens = (len(question.system) + len(question.user) + schema) // CHARACTERS_A_TOKEN_AT_LEAST + 1
    written = tokens if endpoint.wire.price_id == "anthropic" else None  # its cache is written into at a premium
    worst = Reply(
        "", endpoint.model, "stop", tokens_in=tokens, tokens_out=_most_out(question, body), tokens_cache_write=written
    )
    return cost_of(worst, endpoint, at, prices).usd


def _most_out(question: Question, body: Mapping[str, Any] | None) -> int:
    """The tokens that a request allows: its own limit where it has one, else four times what we wanted."""
    if body is None:
        return question.max_tokens
    inner = as_dict(body.get("generationConfig"))
    limits = [as_int(holder.get(name)) for holder in (body, inner) for name in LIMITS]
    most = max((limit for limit in limits if limit), default=question.wider().max_tokens)
    answers = max(as_int(body.get("n")) or 1, as_int(inner.get("candidateCount")) or 1)
    return most * answers


def estimate(question: Question, reply: Reply, endpoint: Endpoint, at: datetime, prices: PriceList) -> Cost:
    """The cost of a reply whose server counts no tokens: those of its texts, at three characters each."""
    known = Reply(
        "",
        reply.model,
        "stop",
        tokens_in=(len(question.system) + len(question.user)) // CHARACTERS_A_TOKEN,
        tokens_out=len(reply.text) // CHARACTERS_A_TOKEN,
    )
    return cost_of(known, endpoint, at, prices)


def _free(endpoint: Endpoint) -> bool:
    """A compatible server of one's own; a vendor's own format at such an address is a gateway to what costs money."""
    return endpoint.wire.price_id in (None, "azure") and is_local(endpoint.base_url)


def _listed(reply: Reply, model: str, endpoint: Endpoint, at: datetime) -> Cost | None:
    import genai_prices

    usage = genai_prices.Usage(
        input_tokens=reply.tokens_in,
        output_tokens=reply.tokens_out,
        cache_read_tokens=reply.tokens_cached,
        cache_write_tokens=reply.tokens_cache_write,
    )
    try:
        if endpoint.wire.price_id:
            price = genai_prices.calc_price(
                usage, model, provider_id=endpoint.wire.price_id, genai_request_timestamp=at
            )
        else:
            price = genai_prices.calc_price(
                usage, model, provider_api_url=endpoint.base_url, genai_request_timestamp=at
            )
    except (LookupError, ValueError):
        return None
    return Cost(price.total_price, f"genai-prices {genai_prices.__version__}")
