"""What a call costs by the vendor's list prices (genai-prices) on its day. Stored then, never recomputed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from invest.ai.transport import Endpoint
from invest.ai.wires import Question, Reply


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars and the version of the price list; None where the model has no known price."""

    usd: Decimal | None
    version: str | None


UNKNOWN = Cost(None, None)


def cost_of(reply: Reply, endpoint: Endpoint, at: datetime) -> Cost:
    """The cost of `reply`, by the model that answered, or the one asked for where that has no price."""
    if reply.tokens_in is None or reply.tokens_out is None:
        return UNKNOWN
    for name in dict.fromkeys((reply.model, endpoint.model)):
        if name and (cost := _lookup(reply, name, endpoint, at)):
            return cost
    return UNKNOWN


def ceiling(question: Question, endpoint: Endpoint, at: datetime) -> Decimal:
    """The most one call may cost: three characters a token in, every token allowed out. 0 without a known price."""
    characters = len(question.system) + len(question.user)
    worst = Reply("", endpoint.model, "stop", tokens_in=characters // 3, tokens_out=question.max_tokens)
    return cost_of(worst, endpoint, at).usd or Decimal(0)


def _lookup(reply: Reply, model: str, endpoint: Endpoint, at: datetime) -> Cost | None:
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
