"""Train the two models by which orders to a machine are told from news, and write their weights.

python -m bench.train_orders CATALOGUES   -> src/invest/domain/opinions/order_model.json

CATALOGUES: a folder with message catalogues `<language>/LC_MESSAGES/*.po`, such as an unpacked wheel of Django 5.2
(`pip download --no-deps django==5.2`). Both models are logistic regressions over the features of `order_features.py`.
Where each decides is set on headlines that the fold in question was not trained on, so that `WITHHELD` of them are
withheld. Those headlines are awkward ones; ordinary ones are withheld less. The figures on texts kept aside are
measured by tests/unit/domain/opinions/test_untrusted.py.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.order_texts import OURS, composed, dressed, in_latin, messages, written
from invest.domain.opinions import order_features as features
from invest.domain.opinions.order_model import SHORT

Floats = NDArray[np.float64]
OUT = Path(features.__file__).with_name("order_model.json")
HEADLINES = ("ordinary_headlines", "more_headlines")
ORDERS = ("machine_orders", "more_orders")
COMPOSED = {"pt": 4000, "en": 4000, "es": 1500}
BY_HAND = 25.0  # what a text written by hand weighs, against one put together
DRESSED = 3.0  # and one hidden among news
FOLDS = 4
WITHHELD = {"order": 0.025, "foreign": 0.008}


class Table:
    """Rows of a few numbered features each."""

    def __init__(self, rows: Sequence[Mapping[int, float]], size: int) -> None:
        self.size, self.count = size, len(rows)
        self.row = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        self.feature = np.array([number for row in rows for number in row], dtype=np.int64)
        self.value = np.array([value for row in rows for value in row.values()], dtype=np.float64)

    def times(self, weights: Floats) -> Floats:
        """Each row's sum of its values, weighted."""
        return np.asarray(np.bincount(self.row, self.value * weights[self.feature], self.count), dtype=np.float64)

    def back(self, rows: Floats) -> Floats:
        """Each feature's sum of its values over rows, weighted by row."""
        return np.asarray(np.bincount(self.feature, self.value * rows[self.row], self.size), dtype=np.float64)


def order_row(text: str) -> dict[int, float]:
    """As `order_model.order_score` weighs them."""
    found = features.order_features(text)
    return dict.fromkeys(sorted(found), 4 / max(len(found), 1) ** 0.5)


def fit(table: Table, is_one: Floats, weight: Floats, penalty: float) -> tuple[Floats, float]:
    """Weights and bias of the logistic regression, by Adam over all rows at once."""
    sign, total = 2 * is_one - 1, weight.sum()
    state = np.zeros(table.size + 1)
    first, second = np.zeros_like(state), np.zeros_like(state)
    for step in range(1, 301):
        margin = sign * (table.times(state[:-1]) + state[-1])
        pull = -sign * weight / (1 + np.exp(np.clip(margin, -50, 50)))
        slope = np.append(table.back(pull) + 2 * penalty * state[:-1], pull.sum()) / total
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        rate = 0.1 if step < 220 else 0.02
        state -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
    return state[:-1], float(state[-1])


def train(
    name: str,
    row: Callable[[str], Mapping[int, float]],
    size: int,
    penalty: float,
    given: tuple[list[str], Floats, Floats],
    headlines: list[str],
) -> dict[str, Any]:
    """Fit on all of it; decide where `WITHHELD` of the headlines, each scored by a fold without it, would be."""
    texts, is_one, weight = given
    weigh = BY_HAND if name == "order" else 5.0
    held: list[float] = []
    for fold in [*range(FOLDS), None]:
        kept = [text for i, text in enumerate(headlines) if i % FOLDS != fold]
        table = Table([row(text) for text in [*texts, *kept]], size)
        ones = np.append(is_one, np.zeros(len(kept)))
        weights, bias = fit(table, ones, np.append(weight, np.full(len(kept), weigh)), penalty)
        if fold is not None:
            rest = [row(text) for text in headlines[fold::FOLDS]]
            short = np.array(
                [min(len(text.split()) / SHORT, 1) if name == "foreign" else 1 for text in headlines[fold::FOLDS]]
            )
            held += list((Table(rest, size).times(weights) + bias) * short)
    scale = float(np.abs(weights).max() / 127)
    numbers = np.round(weights / scale).astype(np.int8)
    decides = float(np.quantile(held, 1 - WITHHELD[name]))
    print(f"{name}: decides from {decides:.2f}")
    encoded = base64.b85encode(numbers.tobytes()).decode()
    return {"decides_from": round(decides, 3), "scale": scale, "bias": round(bias, 6), "numbers": encoded}


def main() -> None:
    """Train both and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogues", type=Path)
    given = parser.parse_args()
    chance = random.Random(7)
    headlines = written(*HEADLINES)
    chance.shuffle(headlines)
    orders = [text for text in written(*ORDERS) if in_latin(text)]
    made_orders = [text for language in OURS for text in composed("orders", language, COMPOSED[language], chance)]
    made_news = [text for language in OURS for text in composed("headlines", language, COMPOSED[language], chance)]
    ones, zeros = np.ones, np.zeros
    hidden = [dressed(text, made_news, chance) for text in [*orders * 3, *chance.sample(made_orders, 4000)]]
    texts = [*made_orders, *hidden, *orders, *made_news]
    is_order = np.concatenate([ones(len(texts) - len(made_news)), zeros(len(made_news))])
    light = ones(len(made_orders)), np.full(len(hidden), DRESSED)
    weight = np.concatenate([*light, np.full(len(orders), BY_HAND), ones(len(made_news))])
    model = {"order": train("order", order_row, features.SIZE, 1.0, (texts, is_order, weight), headlines)}
    ours, others = messages(given.catalogues, chance)
    ours += chance.sample(made_news, 4500) + chance.sample(made_orders, 2000)
    ours += [" ".join(text.split()[: chance.randint(3, 6)]) for text in chance.sample(made_news, 3000)]
    is_other = np.concatenate([zeros(len(ours)), ones(len(others))])
    weight = np.where(is_other > 0, 1.0, len(others) / len(ours))
    model["foreign"] = train(
        "foreign", features.language_features, features.LANGUAGE_SIZE, 0.02, ([*ours, *others], is_other, weight),
        headlines,
    )  # fmt: skip
    OUT.write_text(json.dumps(model, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
