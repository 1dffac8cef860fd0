"""Two linear models over hashed features: how much a text is an order, and how foreign its language is.

`order_model.json` holds the weights as bytes; `python -m bench.train_orders` makes it from texts that the repository
holds and from a public catalogue of messages in ninety languages. Portuguese, English and Spanish are the feeds' own.
"""

from __future__ import annotations

import base64
import json
import math
from array import array
from dataclasses import dataclass
from functools import cache
from importlib import resources

from invest.domain.opinions.order_features import language_features, order_features

SHORT = 8  # words: the fewer, the less they say of a language
CLAUSE_MARGIN = 1.0  # how much more than a text a clause of it must score: there are several
DOUBT = 2.5  # what is taken off the score of a text without words


@dataclass(frozen=True, slots=True)
class Weights:
    """One linear model: a small whole number per feature, its scale, what is added, and from where it decides."""

    numbers: array[int]
    scale: float
    bias: float
    decides_from: float


def order_score(text: str) -> float:
    """How much `text` is an order; from 0 on it counts as one."""
    weights = _model()["order"]
    features = order_features(text)
    if not features:
        return -math.inf
    total = sum(weights.numbers[number] for number in features) * weights.scale * 4 / math.sqrt(len(features))
    return total + weights.bias - weights.decides_from


def foreign_score(text: str) -> float:
    """How foreign the language of `text` is; from 0 on it is none of those that the feeds are written in."""
    weights = _model()["foreign"]
    features = language_features(text)
    total = sum(weights.numbers[number] * share for number, share in features.items()) * weights.scale
    return total + weights.bias - short_doubt(text) - weights.decides_from


def short_doubt(text: str) -> float:
    """What is taken off the score of `text` for its few words."""
    return DOUBT * (1 - min(len(text.split()) / SHORT, 1))


@cache
def _model() -> dict[str, Weights]:
    stored = json.loads(resources.files("invest.domain.opinions").joinpath("order_model.json").read_text("utf-8"))
    return {name: _weights(part) for name, part in stored.items()}


def _weights(part: dict[str, str | float]) -> Weights:
    numbers = array("b")
    numbers.frombytes(base64.b85decode(str(part["numbers"])))
    return Weights(numbers, float(part["scale"]), float(part["bias"]), float(part["decides_from"]))
