"""Train the two models by which orders to a machine are told from news, and write their weights.

python -m bench.train_orders CATALOGUES   -> src/invest/domain/opinions/order_model.json
python -m bench.train_orders              -> the same; the model of languages stays as it is

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
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack  # type: ignore[import-untyped]

from bench.order_texts import OURS, composed, dressed, in_latin, messages, written
from invest.domain.opinions import order_features as features
from invest.domain.opinions.order_model import CLAUSE_MARGIN, short_doubt
from invest.domain.opinions.untrusted import clean, hides

Floats = NDArray[np.float64]
OUT = Path(features.__file__).with_name("order_model.json")
HEADLINES = (
    "ordinary_headlines",
    "more_headlines",
    "wide_headlines",
    "tried_headlines",
    "plain_headlines",
    "brief_headlines",
    "portal_headlines",
    "last_headlines",
    "terse_headlines",
    "varied_headlines",
    "hard_headlines",
    "mixed_headlines",
    "apt_headlines",
)
ORDERS = (
    "machine_orders",
    "more_orders",
    "wide_orders",
    "tried_orders",
    "plain_orders",
    "veiled_orders",
    "curt_orders",
    "last_orders",
    "terse_orders",
    "varied_orders",
    "hard_orders",
    "mixed_orders",
    "apt_orders",
)
COMPOSED = {"pt": 4000, "en": 4000, "es": 1500}
BY_HAND = 25.0  # what a text written by hand weighs, against one put together
DRESSED = 3.0  # and one hidden among news
FOLDS = 4
_BLOB = re.compile(r"[A-Za-z0-9+/=]{24,}")  # what a model reads of it is the innocent rest
STEPS = 200
WITHHELD = {"order": 0.02, "foreign": 0.008}
ROOM = {"order": 0.0, "foreign": 2.0}  # added: what is foreign scores far higher than any headline of ours


def table(rows: Sequence[Mapping[int, float]], size: int) -> csr_matrix:
    """Rows of a few numbered features each."""
    ends = np.cumsum([0, *(len(row) for row in rows)])
    features = np.fromiter((number for row in rows for number in row), dtype=np.int32)
    values = np.fromiter((value for row in rows for value in row.values()), dtype=np.float32)
    return csr_matrix((values, features, ends), shape=(len(rows), size))


def order_row(text: str) -> dict[int, float]:
    """As `order_model.order_score` weighs them."""
    found = features.order_features(text)
    return dict.fromkeys(sorted(found), 4 / max(len(found), 1) ** 0.5)


def fit(rows: csr_matrix, is_one: Floats, weight: Floats, penalty: float) -> tuple[Floats, float]:
    """Weights and bias of the logistic regression, by Adam over all rows at once."""
    sign, total = 2 * is_one - 1, weight.sum()
    by_feature = rows.T.tocsr()
    state = np.zeros(rows.shape[1] + 1)
    first, second = np.zeros_like(state), np.zeros_like(state)
    for step in range(1, STEPS + 1):
        margin = sign * (rows @ state[:-1] + state[-1])
        pull = -sign * weight / (1 + np.exp(np.clip(margin, -50, 50)))
        slope = np.append(by_feature @ pull + 2 * penalty * state[:-1], pull.sum()) / total
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        rate = 0.1 if step < 0.75 * STEPS else 0.02
        state -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
    return state[:-1], float(state[-1])


@dataclass(frozen=True)
class Task:
    """One model to fit: how a text becomes numbers, and how strong the penalty on weights is."""

    name: str
    row: Callable[[str], Mapping[int, float]]
    size: int
    penalty: float
    headline_weight: float

    def suspicion(self, weights: Floats, bias: float, texts: list[str]) -> list[float]:
        """Each text's score as `machine_orders.py` takes it: the highest of the whole and, for orders, its clauses."""
        scores: list[float] = []
        for text in texts:
            parts = [text, *features.clauses(text)] if self.name == "order" else [text]
            off = np.array([short_doubt(text) if self.name == "foreign" else 0.0, *[CLAUSE_MARGIN] * (len(parts) - 1)])
            scores.append(float((table([self.row(part) for part in parts], self.size) @ weights + bias - off).max()))
        return scores


def train(task: Task, given: tuple[list[str], Floats, Floats], headlines: list[str]) -> dict[str, Any]:
    """Fit on all of it; decide where `WITHHELD` of the headlines, each scored by a fold without it, would be."""
    texts, is_one, weight = given
    held: list[float] = []
    rows = table([task.row(text) for text in texts], task.size)
    for fold in [*range(FOLDS), None]:
        kept = [text for i, text in enumerate(headlines) if i % FOLDS != fold]
        both = vstack([rows, table([task.row(text) for text in kept], task.size)]).tocsr()
        ones = np.append(is_one, np.zeros(len(kept)))
        weights, bias = fit(both, ones, np.append(weight, np.full(len(kept), task.headline_weight)), task.penalty)
        if fold is not None:
            held += task.suspicion(weights, bias, headlines[fold::FOLDS])
    scale = float(np.abs(weights).max() / 127)
    numbers = np.round(weights / scale).astype(np.int8)
    decides = float(np.quantile(held, 1 - WITHHELD[task.name])) + ROOM[task.name]
    print(f"{task.name}: decides from {decides:.2f}")
    encoded = base64.b85encode(numbers.tobytes()).decode()
    return {"decides_from": round(decides, 3), "scale": scale, "bias": round(bias, 6), "numbers": encoded}


def main() -> None:
    """Train both and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogues", type=Path, nargs="?")
    given = parser.parse_args()
    chance = random.Random(7)
    headlines = written(*HEADLINES)
    chance.shuffle(headlines)
    read = (clean(order) for order in written(*ORDERS) if not hides(order) and not _BLOB.search(order))
    orders = [text for text in read if in_latin(text)]
    made_orders = [text for language in OURS for text in composed("orders", language, COMPOSED[language], chance)]
    made_news = [text for language in OURS for text in composed("headlines", language, COMPOSED[language], chance)]
    ones, zeros = np.ones, np.zeros
    news = [*made_news, *headlines * 3]
    hidden = [dressed(text, news, chance) for text in [*orders * 3, *chance.sample(made_orders, 4000)]]
    joined = [dressed(text, news, chance) for text in [*headlines, *chance.sample(made_news, 3000)]]
    texts = [*made_orders, *hidden, *orders, *made_news, *joined]
    is_order = np.append(ones(len(made_orders) + len(hidden) + len(orders)), zeros(len(made_news) + len(joined)))
    light = ones(len(made_orders)), np.full(len(hidden), DRESSED)
    weight = np.concatenate(
        [*light, np.full(len(orders), BY_HAND), ones(len(made_news)), np.full(len(joined), DRESSED)]
    )
    task = Task("order", order_row, features.SIZE, 1.0, BY_HAND)
    model = json.loads(OUT.read_text("utf-8")) | {"order": train(task, (texts, is_order, weight), headlines)}
    if given.catalogues is not None:
        model["foreign"] = train_languages(given.catalogues, made_news, made_orders, headlines, chance)
    OUT.write_text(json.dumps(model, indent=1) + "\n", "utf-8")


def train_languages(
    catalogues: Path, made_news: list[str], made_orders: list[str], headlines: list[str], chance: random.Random
) -> dict[str, Any]:
    """Fit the model of languages: ours, from the catalogues and from texts put together, against all others."""
    ours, others = messages(catalogues, chance)
    ours += chance.sample(made_news, 4500) + chance.sample(made_orders, 2000)
    ours += [" ".join(text.split()[: chance.randint(3, 6)]) for text in chance.sample(made_news, 3000)]
    is_other = np.concatenate([np.zeros(len(ours)), np.ones(len(others))])
    weight = np.where(is_other > 0, 1.0, len(others) / len(ours))
    task = Task("foreign", features.language_features, features.LANGUAGE_SIZE, 0.02, 15.0)
    return train(task, ([*ours, *others], is_other, weight), headlines)


if __name__ == "__main__":
    main()
