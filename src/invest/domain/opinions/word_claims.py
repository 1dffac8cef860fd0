"""Words that claim a ratio or a direction without a figure: "triplicou", "metade do setor", "above its own median"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations

from invest.domain.opinions.derived import Held, only_two
from invest.domain.opinions.directions import Sentence, direction_claims, medians_meant
from invest.domain.opinions.fact_names import Mention, fold
from invest.domain.opinions.figures_text import Figure

SLACK = Decimal("0.12")  # of the ratio claimed: words are round
EXACT = Decimal("0.08")  # the same where no word says "about"
YEARS = 5  # that a compound rate runs
# What something grew to, as a multiple of what it was.
_GREW = (
    (r"(?:mais que |mais do que |quase |praticamente )?(?:dobr(?:ou|aram|ando|a)|duplic(?:ou|aram|ando|a))\b"
     r"|(?:more than |nearly |almost )?doubl(?:ed|es|ing)\b", 2),
    (r"(?:mais que |mais do que |quase )?tripl(?:icou|icaram|icando|ica|ou)\b"
     r"|(?:more than |nearly |almost )?(?:tripl(?:ed|es|ing)|trebled)\b", 3),
    (r"(?:mais que |quase )?quadruplic(?:ou|aram|ando|a)\b|(?:more than |nearly )?quadrupl(?:ed|es|ing)\b", 4),
    (r"quintuplic(?:ou|aram|ando|a)\b|quintupl(?:ed|es|ing)\b", 5),
    (r"(?:caiu|cairam|reduzi(?:u|ram)(?:-se)?|encolheu|recuou) (?:a|à|pela) metade\b|halved\b"
     r"|(?:fell|cut) (?:by|in) half\b", 0.5),
    (r"zer(?:ou|aram)\b|wiped out\b", 0),
)  # fmt: skip
_AGAINST = r"(?:d[oae]s? |of |as |what )?(?:the |its |que |o |a |os |as |seu |sua )*"
_PART_OF = r"d[oae]s? (?:the |its |que |o |a |seu |sua )*"
_HIGHER = r"(?:acima|maior\w*|mais|superior\w*|above|higher|more|dearer|larger)\b"
_LOWER = r"(?:abaixo|menor\w*|menos|inferior\w*|below|lower|less|cheaper|smaller)\b"
_ABOUT = re.compile(
    r"\b(?:quase|cerca de|praticamente|aproximadamente|perto d[eao]|em torno de|por volta de"
    r"|nearly|almost|about|roughly"
    r"|around|some|close to|virtually)\s*$"
)
_LESS_THAN = re.compile(
    r"(?:menos d[aoe]|menos que|abaixo d[aoe]|inferior(?: ao?)?|less than|under|below)(?: uma?| a)?\s*$"
)
_MORE_THAN = re.compile(
    r"(?:mais d[aoe]|mais que|mais do que|acima d[aoe]|superior(?: ao?)?|more than|over|above)(?: uma?| a)?\s*$"
)
_PARTS = (
    (r"metade|half", 0.5), (r"(?:um |1 )?terco|(?:a |one )?third", 1 / 3),
    (r"(?:um |1 )?quarto|(?:a |one )?quarter", 0.25),
    (r"(?:um |1 )?quinto|(?:a |one )?fifth", 0.2), (r"dois tercos|two[- ]thirds", 2 / 3),
    (r"tres quartos|three[- ]quarters", 0.75),
    (r"dois quintos|two[- ]fifths", 0.4), (r"tres quintos|three[- ]fifths", 0.6),
)  # fmt: skip
# How something stands to what it is compared with.
_STANDS = (
    (rf"\b(?:a |o )?metade {_AGAINST}|\bhalf (?:of )?{_AGAINST}", 0.5),
    (rf"\bd?o dobro {_AGAINST}|\bao dobro {_AGAINST}|\bduas vezes (?:o|a|mais)\b|\b(?:twice|double) {_AGAINST}", 2),
    (rf"\b[da]?o triplo {_AGAINST}|\btres vezes (?:o|a|mais)\b|\bthree times {_AGAINST}|\btriple {_AGAINST}", 3),
    (rf"\b[da]?o quadruplo {_AGAINST}|\bquatro vezes (?:o|a|mais)\b|\bquadruple {_AGAINST}", 4),
    (rf"\b[da]?o quintuplo {_AGAINST}|\bcinco vezes (?:o|a|mais)\b", 5),
    (r"\b(?:dobrar|duplicar|to double)\b(?= (?:para|de|to|before|ate|from))", 2),
    (r"\b(?:triplicar|to triple)\b(?= (?:para|de|to|before|ate|from))", 3),
    (rf"\b(?:um|1) terco {_PART_OF}|\b(?:a|one) third (?:of {_AGAINST}|(?:the|its) )", 1 / 3),
    (rf"\b(?:um|1) quarto {_PART_OF}|\b(?:a|one) quarter (?:of {_AGAINST}|(?:the|its) )", 0.25),
    (rf"\b(?:um|1) quinto {_PART_OF}|\b(?:a|one) fifth (?:of {_AGAINST}|(?:the|its) )", 0.2),
    (rf"\b(?:tres quartos {_PART_OF}|three[- ]quarters of {_AGAINST})", 0.75),
    (rf"\b(?:dois quintos {_PART_OF}|two[- ]fifths of {_AGAINST})", 0.4),
    (rf"\b(?:tres quintos {_PART_OF}|three[- ]fifths of {_AGAINST})", 0.6),
    (rf"\bmetade {_HIGHER}|\bhalf {_HIGHER}", 1.5),
    (rf"\b(?:um|1) quarto {_HIGHER}|\b(?:a|one) quarter {_HIGHER}", 1.25),
    (rf"\b(?:um|1) quarto {_LOWER}|\b(?:a|one) quarter {_LOWER}", 0.75),
    (rf"\b(?:um|1) terco {_HIGHER}|\b(?:a|one) third {_HIGHER}", 4 / 3),
    (rf"\b(?:um|1) terco {_LOWER}|\b(?:a|one) third {_LOWER}", 2 / 3),
    (rf"\bdois tercos {_AGAINST}|\btwo[- ]thirds of {_AGAINST}", 2 / 3),
)
_GAP = re.compile(
    r"\b(?:premio|desconto|agio|downside|upside|potencial|premium|discount)\b[^.;:\d]{0,40}?\b(?P<part>"
    + "|".join(f"(?:{words})" for words, _ in _PARTS)
    + r")\b(?! (?:superior|inferior))"
)
_PEAK = re.compile(r"\b(?:maxima|topo|pico|high|peak|top)\b")
_REFERENCE = re.compile(
    r"\b(?:setor\w*|pares|concorrent\w*|median\w*|propri\w*|histor\w*|sector|peers?|industry|own)\b"
)
_PAID_OUT = re.compile(r"\b(?:distribu\w+|pag[ao]\w*|devolv\w+|pays?|paid|returns?)\b")
_MARKET = re.compile(r"\b(?:mercado|market|indice|index|ibov\w*)\b")
_SHARE_OF = re.compile(r"(?:receitas?|lucros?|dividas?|vendas|revenues?|sales|profits?|earnings|debt|net income)\b")
_KEPT = re.compile(r"\bret[eé](?:m|ve|endo|id[ao])\b|reinvest|\bsobra|\bretain|\bkeeps?\b|plough|plow")
_NO_CLAIM = re.compile(
    r"\b(?:primeira|segunda|outra) metade|metade d[oae]s? (?:ano|mes|semestre|trimestre|caminho|periodo|decada|ponto)"
    r"|(?:first|second|other|upper|lower|top|bottom) half|half an? (?:trillion|billion|million|turn|point|multiple)"
    r"|half (?:of )?(?:the |a )?(?:year|month|quarter|point|way|decade)|metade (?:superior|inferior)"
    r"|(?:um|the|a|one|\d) quarter of (?:the year|\d)|dobr\w+ a aposta|double[- ](?:digit|down|counting|edged)"
    r"|\b(?:pode|podem|deve|devem|poderia|could|may|might|would|se|if)\b[^.]{0,40}$"
)


def word_claims(
    sentence: str, mentions: Sequence[Mention], figures: Sequence[Figure], held: Sequence[Held]
) -> tuple[list[Figure], list[Figure]]:
    """The claims in words of `sentence`: those that `held` confirms, and those it does not."""
    plain = fold(sentence)
    true: list[Figure] = []
    false: list[Figure] = []
    for pattern, ratio in _GREW:
        for match in _claims_of(pattern, plain):
            (true if _grew(Decimal(repr(float(ratio))), held, _side(plain, match)) else false).append(
                _figure(sentence, match)
            )
    for pattern, ratio in _STANDS:
        for match in _claims_of(pattern, plain):
            slack = SLACK if _ABOUT.search(plain[: match.start()]) or ratio >= 2 else EXACT
            found = _around(plain, match, mentions, held)
            holds = _stands(Decimal(repr(float(ratio))), found, _side(plain, match), slack)
            (true if holds else false).append(_figure(sentence, match))
    for match in _GAP.finditer(plain):
        (true if _apart(plain, match, held) else false).append(_figure(sentence, match))
    for start, end, holds in direction_claims(Sentence(plain, mentions, figures, held)):
        text = " ".join(sentence[start:end].split())
        claim = Figure(text, start, end, "plain", (Decimal(0),), (Decimal(0),), "given")
        (true if holds else false).append(claim)
    return true, false


def _claims_of(pattern: str, plain: str) -> list[re.Match[str]]:
    return [
        match
        for match in re.finditer(pattern, plain)
        if not _NO_CLAIM.search(plain[: match.end()][-60:]) and not _NO_CLAIM.match(plain[match.start() :].strip())
    ]


def _side(plain: str, match: re.Match[str]) -> int:
    """Whether a claim is of less (-1) or more (1) than the ratio that it names, or of about the ratio (0)."""
    if re.match(r"mais (?:do )?que|more than", match[0]):
        return 1
    return _side_of(plain[: match.start()])


def _side_of(before: str) -> int:
    return -1 if _LESS_THAN.search(before) else 1 if _MORE_THAN.search(before) else 0


def _meets(found: Decimal, ratio: Decimal, side: int, slack: Decimal) -> bool:
    return (found - ratio) * side > 0 if side else abs(found - ratio) <= slack


def _grew(ratio: Decimal, held: Sequence[Held], side: int) -> bool:
    """Whether some cited change says so: one of +105 % confirms "doubled", and so do five years of 15.6 % each."""
    changes = [(h.fact.key, h.value / 100 + 1) for h in held if "percent" in h.kinds and not h.median]
    grown = [change for key, change in changes if _is_change(key)]
    grown += [change**YEARS for key, change in changes if "cagr" in key]
    return any(_meets(found, ratio, side, SLACK * max(ratio, Decimal(1))) for found in grown)


def _around(plain: str, match: re.Match[str], mentions: Sequence[Mention], held: Sequence[Held]) -> list[Decimal]:
    """The ratios that a claim may be of: to the medians or the sum it names behind, else to any that fits."""
    tail = plain[match.end() : match.end() + 40].split(";", maxsplit=1)[0]
    before = [m for m in mentions if m.end <= match.start()]
    keys = before[-1].keys if before else frozenset[str]()
    medians = [h.fact.key for h in held if h.median]
    if _REFERENCE.search(tail):
        subject = keys if keys & set(medians) else frozenset(medians)
        subjects = [h for h in held if not h.median and h.fact.key in subject]
        return [one.value / median for one in subjects for median in medians_meant(one, tail) if median]
    behind = next((m for m in mentions if 0 <= m.start - match.end() < 40), None)
    values = [h for h in held if not h.median]
    objects = [h for h in values if behind is not None and h.fact.key in behind.keys and h.value]
    ratios = [
        one.value / other.value
        for other in objects
        for one in values
        if one.fact is not other.fact and one.kinds == other.kinds and (one.fact.key in keys or "money" in one.kinds)
    ]
    if _PEAK.search(tail):
        ratios += [1 + h.value / 100 for h in values if h.fact.key == "drawdown"]
    if ratios:
        return ratios
    shares = [abs(h.value) / 100 for h in held if "percent" in h.kinds and not h.median]
    if _KEPT.search(plain):
        shares = [*[1 - share for share in shares], *(shares if _PAID_OUT.search(plain) else [])]
    if _MARKET.search(tail):
        shares += [h.value for h in values if h.fact.key == "beta_1y"]
    if shares and _SHARE_OF.match(plain[match.end() :]):
        return shares
    pairs = [
        one.value / other.value
        for one, other in permutations(held, 2)
        if other.value and not one.median and one.kinds == other.kinds
        if other.median == (one.fact is other.fact) and (other.median or "money" in one.kinds or only_two(held, one))
    ]
    return [*shares, *pairs]


def _stands(ratio: Decimal, found: Sequence[Decimal], side: int, slack: Decimal) -> bool:
    return any(_meets(one, ratio, side, slack * ratio) for one in found)


def _apart(plain: str, match: re.Match[str], held: Sequence[Held]) -> bool:
    """Whether two values lie that part of one of them apart: "a premium of more than a third"."""
    ratio = next(Decimal(repr(float(part))) for words, part in _PARTS if re.fullmatch(words, match["part"]))
    down = re.match(r"desconto|downside|discount", match[0]) is not None
    gaps = [
        gap
        for one, other in permutations(held, 2)
        if other.value and one.kinds == other.kinds and not (one.median and other.median)
        if one.fact is other.fact or ("money" in one.kinds and not one.median and not other.median)
        if (gap := (1 - one.value / other.value) * (1 if down else -1)) > 0
    ]
    start = match.start("part")
    return any(_meets(gap, ratio, _side_of(plain[:start]), SLACK * ratio) for gap in gaps)


def _is_change(key: str) -> bool:
    return any(word in key for word in ("growth", "cagr", "return", "change", "excess", "momentum", "drawdown"))


def _figure(sentence: str, match: re.Match[str]) -> Figure:
    text = " ".join(sentence[match.start() : match.end()].split())
    return Figure(text, match.start(), match.end(), "plain", (Decimal(0),), (Decimal(0),), "given")
