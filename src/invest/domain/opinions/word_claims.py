"""Words that claim a figure without writing one: "triplicou", "metade do setor", "doubled"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations

from invest.domain.opinions.derived import Held, only_two
from invest.domain.opinions.fact_names import fold
from invest.domain.opinions.figures_text import Figure

SLACK = Decimal("0.12")  # of the ratio claimed: words are round
# What something grew to, as a multiple of what it was.
_GREW = (
    (r"(?:mais que |quase |praticamente )?(?:dobr(?:ou|aram|ando|a)|duplic(?:ou|aram|ando|a))\b"
     r"|(?:more than |nearly )?doubl(?:ed|es|ing)\b", 2),
    (r"tripl(?:icou|icaram|icando|ica|ou)\b|tripl(?:ed|es|ing)\b|trebled\b", 3),
    (r"quadruplic(?:ou|aram|ando|a)\b|quadrupl(?:ed|es|ing)\b", 4),
    (r"quintuplic(?:ou|aram|ando|a)\b|quintupl(?:ed|es|ing)\b", 5),
    (r"(?:caiu|cairam|reduzi(?:u|ram)(?:-se)?|encolheu|recuou) (?:a|à|pela) metade\b|halved\b"
     r"|(?:fell|cut) (?:by|in) half\b", 0.5),
    (r"zer(?:ou|aram)\b|wiped out\b", 0),
)  # fmt: skip
_AGAINST = r"(?:d[oae]s? |of |as |what )?(?:the |its |que |o |a |seu |sua )*"
_PART_OF = r"d[oae]s? (?:the |its |que |o |a |seu |sua )*"
_HIGHER = r"(?:acima|maior\w*|mais|superior\w*|above|higher|more|dearer|larger)\b"
_LOWER = r"(?:abaixo|menor\w*|menos|inferior\w*|below|lower|less|cheaper|smaller)\b"
_LESS_THAN = re.compile(r"(?:menos d[aoe]|abaixo d[aoe]|inferior (?:a|à|ao)|less than|under|below)\s*$")
_MORE_THAN = re.compile(r"(?:mais d[aoe]|mais que|mais de|acima d[aoe]|superior (?:a|à|ao)|more than|over|above)\s*$")
# How something stands to what it is compared with.
_STANDS = (
    (rf"\b(?:a |o )?metade {_AGAINST}|\bhalf (?:of )?{_AGAINST}", 0.5),
    (rf"\bo dobro {_AGAINST}|\bduas vezes (?:o|a|mais)\b|\b(?:twice|double) {_AGAINST}", 2),
    (rf"\bo triplo {_AGAINST}|\btres vezes (?:o|a|mais)\b|\bthree times {_AGAINST}|\btriple {_AGAINST}", 3),
    (rf"\b(?:um|1) terco {_PART_OF}|\b(?:a|one) third of {_AGAINST}", 1 / 3),
    (rf"\b(?:um|1) quarto {_PART_OF}|\b(?:a|one) quarter of {_AGAINST}", 0.25),
    (rf"\b(?:um|1) quarto {_HIGHER}|\b(?:a|one) quarter {_HIGHER}", 1.25),
    (rf"\b(?:um|1) quarto {_LOWER}|\b(?:a|one) quarter {_LOWER}", 0.75),
    (rf"\b(?:um|1) terco {_HIGHER}|\b(?:a|one) third {_HIGHER}", 4 / 3),
    (rf"\b(?:um|1) terco {_LOWER}|\b(?:a|one) third {_LOWER}", 2 / 3),
    (rf"\bdois tercos {_AGAINST}|\btwo[- ]thirds of {_AGAINST}", 2 / 3),
)
_NO_CLAIM = re.compile(
    r"\b(?:primeira|segunda|outra) metade|metade d[oae]s? (?:ano|mes|semestre|trimestre|caminho|periodo|decada|ponto)"
    r"|(?:first|second|other) half|half an? (?:trillion|billion|million|turn|point|multiple)"
    r"|half (?:of )?(?:the |a )?(?:year|month|quarter|point|way|decade)"
    r"|(?:um|the|a|one|\d) quarter of (?:the year|\d)|dobr\w+ a aposta|double[- ](?:digit|down|counting|edged)"
    r"|(?:pode|podem|deve|devem|poderia|could|may|might|would|se|if)\b[^.]{0,40}$"
)


def word_claims(sentence: str, held: Sequence[Held]) -> tuple[list[Figure], list[Figure]]:
    """The claims in words of `sentence`: those that `held` confirms, and those it does not."""
    plain = fold(sentence)
    true: list[Figure] = []
    false: list[Figure] = []
    for table, check in ((_GREW, _grew), (_STANDS, _stands)):
        for pattern, ratio in table:
            for match in re.finditer(pattern, plain):
                if _NO_CLAIM.search(plain[: match.end()][-60:]) or _NO_CLAIM.match(plain[match.start() :].strip()):
                    continue
                figure = _figure(sentence, match)
                side = _side(plain[: match.start()])
                (true if check(Decimal(repr(float(ratio))), held, side) else false).append(figure)
    return true, false


def _side(before: str) -> int:
    """Whether a claim is of less (-1) or more (1) than the ratio that follows, or of about the ratio (0)."""
    return -1 if _LESS_THAN.search(before) else 1 if _MORE_THAN.search(before) else 0


def _meets(found: Decimal, ratio: Decimal, side: int, slack: Decimal) -> bool:
    return (found - ratio) * side > 0 if side else abs(found - ratio) <= slack


def _grew(ratio: Decimal, held: Sequence[Held], side: int) -> bool:
    """Whether some cited change says so: one of +105 % confirms "doubled"."""
    changes = [h.value / 100 + 1 for h in held if "percent" in h.kinds and _is_change(h.fact.key) and not h.median]
    return any(_meets(grown, ratio, side, SLACK * max(ratio, Decimal(1))) for grown in changes)


def _stands(ratio: Decimal, held: Sequence[Held], side: int) -> bool:
    """Whether a cited value stands so to its own or its sector's median, or is that share itself."""
    shares = [h.value / 100 for h in held if "percent" in h.kinds and not h.median]
    pairs = [
        one.value / other.value
        for one, other in permutations(held, 2)
        if other.value and not one.median and one.kinds == other.kinds
        if other.median == (one.fact is other.fact) and (other.median or "money" in one.kinds or only_two(held, one))
    ]
    return any(_meets(found, ratio, side, SLACK * ratio) for found in (*shares, *pairs))


def _is_change(key: str) -> bool:
    return any(word in key for word in ("growth", "cagr", "return", "change", "excess", "momentum", "drawdown"))


def _figure(sentence: str, match: re.Match[str]) -> Figure:
    text = " ".join(sentence[match.start() : match.end()].split())
    return Figure(text, match.start(), match.end(), "plain", (Decimal(0),), (Decimal(0),), "given")
