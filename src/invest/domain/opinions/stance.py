"""What a text recommends and which language it is in, by its words.

Enough to notice an answer that contradicts its own probability, or one in the wrong language.
"""

from __future__ import annotations

import re
import unicodedata

from invest.domain.opinions.opinion import Rating

EVEN = 0.02  # a probability this near to one half contradicts nobody
FAR = 0.15  # "hold" beside a probability further from one half than this is a contradiction

_SUBJECT = r"(?:indice|ibov\w*|ibovespa|ifix|mercado|benchmark|index|market)"
_ADVISE = (
    r"(?:recomend\w*(?:-se)?|sugir\w*|suger\w*|aconselh\w*|indic(?:o|amos|a-se)|prefir\w*|convem|vale|melhor"
    r"|recommend\w*|suggest\w*"
    r"|advis\w*|prefer\w*|we would|i would|better to)"
)
_SELL_NOUN = (
    r"(?:venda|vender|reduzir|reducao|evitar|ficar (?:de )?fora|sair d[aoe]|desfazer-se|livrar-se|sell(?:ing)?"
    r"|avoid(?:ing)?|reduc(?:e|ing)|exit(?:ing)?|underperform|underweight|stay(?:ing)? away)"
)
_BUY_NOUN = r"(?:compra|comprar|aumentar|acumular|buy(?:ing)?|accumulat(?:e|ing)|add(?:ing)? to|outperform|overweight)"
_HOLD_NOUN = r"(?:manter|manutencao|neutr[oa]|aguardar|esperar|hold(?:ing)?|neutral|wait(?:ing)?)"
_LINK = r"(?:\s+(?:a|o|de|da|do|uma|um|pela|por|e|is|it|as|the|that|to|you|investors?|os?|ao|investidor\w*))*\s+"
_WILL = (
    r"(?:deve(?:ra|m)?|tende(?:m)? a|vai|ira|provavelmente|should|will|is likely to|likely to|is expected to|tends to"
    r"|is set to)"
)
_BELOW = (
    rf"(?:ficar|render|andar|performar|ir|terminar|return|end|stay)?\s*(?:\w+\s+){{0,2}}?"
    rf"(?:abaixo|atras|menos|pior|below|behind|less)\s+(?:\w+\s+){{0,3}}?{_SUBJECT}"
    rf"|perder (?:para|d)\w*\s+{_SUBJECT}|(?:lag|trail|underperform|fall short of|fall behind)"
)
_ABOVE = (
    rf"(?:supera\w*|bater|vencer|beat|outperform|exceed)\s+(?:\w+\s+){{0,2}}?{_SUBJECT}|(?:ficar|render|andar"
    rf"|performar|return)\s+"
    rf"(?:\w+\s+){{0,2}}?(?:acima|mais|melhor|above|more)\s+(?:\w+\s+){{0,3}}?{_SUBJECT}|outperform\b"
)
_OUGHT_SELL = (
    r"(?:venderia|reduziria|evitaria|sairia|desfaria|fique (?:de )?fora|fuja d|venda (?:a acao|o papel|as acoes|ja)"
    r"|evite (?:a acao|o papel|as acoes)|stay away from)"
)
_OUGHT_BUY = (
    r"(?:compraria|acumularia|aumentaria a posicao|compre (?:a acao|o papel|as acoes|ja|agora)|aproveite para comprar)"
)
_OUTLOOK = (
    r"(?:potencial|espaco|perspectivas?|expectativas?|upside|downside|esper\w+|projet\w+|preve\w*|vejo|vemos"
    r"|ve-se|boas chances"
    r"|altas chances|potential|room|scope|prospects?|outlook|expect\w*|forecasts?|foresee\w*|we see|i see"
    r"|good odds|good chance)"
)
_MORE_THAN_INDEX = (
    rf"(?:acima|superior(?:es)?|maior(?:es)?|melhor(?:es)?|supera\w*|super[ae]\w*|bater|vencer|above|over|ahead"
    rf"|better|beat(?:s|ing)?"
    rf"|exceed(?:s|ing)?|outperform(?:s|ing)?|in excess)\b(?:\s+(?:d[oae]s?|a|ao|que|o|the|of|than"
    rf"|em relacao)){{0,3}}\s+{_SUBJECT}"
)
_LESS_THAN_INDEX = (
    rf"(?:abaixo|inferior(?:es)?|menor(?:es)?|pior(?:es)?|aquem|atras|below|behind|worse|less|lag(?:s|ging)?"
    rf"|trail(?:s|ing)?)\b"
    rf"(?:\s+(?:d[oae]s?|a|ao|que|o|the|of|than)){{0,3}}\s+{_SUBJECT}"
)
_FALLS = r"(?:queda|baixa|perda|recuo|desvalorizacao|downside|loss|decline|fall)"
_SCARCE = (
    r"(?:pouco|pouca|poucas|baixo|limitad[oa]s?|reduzid[oa]s?|escass[oa]s?|sem|restrit[oa]s?|limited|little|scant"
    r"|no|low|without)"
)
_WORDS = r"(?:\s+[\w-]+){0,6}?\s+"
_WILL_GAIN = rf"\b{_OUTLOOK}{_WORDS}{_MORE_THAN_INDEX}"
_WILL_LAG = (
    rf"\b{_OUTLOOK}{_WORDS}{_LESS_THAN_INDEX}|\b(?:retorno|return|ganho|gain)s? (?:esperad[oa]"
    rf"|expected)s?{_WORDS}{_LESS_THAN_INDEX}"
    rf"|\b{_WILL}\s+(?:\w+\s+){{0,2}}?{_LESS_THAN_INDEX}"
)
_TURNED = re.compile(rf"\b(?:{_FALLS}|{_SCARCE})\b")
_VIEW = (
    r"\b(?:minha|nossa|a|my|our)\s+(?:visao|postura|opiniao|view|stance|outlook)\s+(?:\w+\s+){0,2}?"
    r"(?:e|is|fica|permanece|remains)\s+"
)
_NOT = r"(?:nao|not|never|nem|dificilmente|hardly|unlikely to)"


def _sides(noun: str, move: str | None, *others: str) -> re.Pattern[str]:
    forms = [
        rf"^\s*(?:forte\s+|strong\s+)?{noun}\s*[:.,;!-]",
        rf"\b{_ADVISE}{_LINK}(?:forte\s+|strong\s+)?{noun}\b",
        rf"\b{_ADVISE}\s+{noun}\b",
        rf"\b(?:recomendacao|veredito|nota|posicao|recommendation|rating|verdict|call)\s*(?:e|:|de|is|final|="
        rf"|-)?{_LINK}?(?:forte\s+|strong\s+)?{noun}\b",
        rf"\b(?:e|it is|this is)\s+(?:a\s+|uma\s+)?(?:forte\s+|strong\s+|clear\s+|clara\s+)?{noun}\b\s*(?:[.,;!]|$)",
        rf"\b{noun}\s+(?:rating|recommendation|recomendada|is recommended)\b",
    ]
    forms += others
    if move:
        forms.append(rf"\b{_WILL}\s+(?:\w+\s+){{0,2}}?(?:{move})")
    return re.compile("|".join(f"(?:{form})" for form in forms))


_PATTERNS = {
    Rating.SELL: _sides(
        _SELL_NOUN, _BELOW, rf"\b{_OUGHT_SELL}", rf"{_VIEW}(?:negativa|pessimista|baixista|negative|bearish)\b"
    ),
    Rating.BUY: _sides(
        _BUY_NOUN, _ABOVE, rf"\b{_OUGHT_BUY}", rf"{_VIEW}(?:positiva|otimista|altista|positive|bullish)\b"
    ),
    Rating.HOLD: _sides(_HOLD_NOUN, None),
}
_GAINS, _LAGS = re.compile(_WILL_GAIN), re.compile(_WILL_LAG)
_DENIED = re.compile(rf"\b{_NOT}\s+(?:\w+\s+){{0,2}}?$")
_OPPOSITE = {Rating.SELL: Rating.BUY, Rating.BUY: Rating.SELL}


def stance_of(text: str) -> Rating | None:
    """What `text` recommends; None where it recommends nothing, or more than one thing."""
    folded = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    found: set[Rating] = set()
    for sentence in re.split(r"(?<=[.!?;])\s+|\n", plain):
        for rating, pattern in _PATTERNS.items():
            for match in pattern.finditer(sentence):
                if not _DENIED.search(sentence[: match.start()]) and not re.search(rf"\b{_NOT}\b", match[0]):
                    found.add(rating)
                elif rating is Rating.BUY:
                    found.add(Rating.SELL)  # "não recomendo a compra"; a denied sale recommends nothing
        found |= _outlook_of(sentence)
    return found.pop() if len(found) == 1 else None


def _outlook_of(sentence: str) -> set[Rating]:
    """What a sentence expects against the index: "potencial de alta acima do Ibovespa", "expected to lag the index"."""
    if match := _LAGS.search(sentence):
        return set() if _DENIED.search(sentence[: match.start()]) else {Rating.SELL}
    match = _GAINS.search(sentence)
    if match is None:
        return set()
    turned = _TURNED.search(sentence[max(match.start() - 12, 0) : match.end()])
    return {Rating.SELL} if turned or _DENIED.search(sentence[: match.start()]) else {Rating.BUY}


def speaks_against(text: str, p: float) -> bool:
    """Whether `text` recommends against the probability `p` of beating the index."""
    stance = stance_of(text)
    if stance is Rating.SELL:
        return p > 0.5 + EVEN
    if stance is Rating.BUY:
        return p < 0.5 - EVEN
    return stance is Rating.HOLD and abs(p - 0.5) > FAR


# Frequent function words that the neighbouring languages do not share (or share with one only: votes still differ).
_COMMON = {
    "pt": "não uma com para mais pelo pela dos das nos nas ao aos também são está muito entre sobre acima abaixo "
    "ainda apesar mas quando já seus sua seu isso essa esse esta este ou em do da no na um os as é foi há "
    "o a e que por de se",
    "en": "the and of is are was with for from this that its has have not but which over above below while than "
    "more to in on by at an it be as despite still",
    "es": "el los las una con para más pero del al lo su sus también está son muy entre sobre por encima debajo "
    "aún cuando ya esto esa ese este o en un es fue hay y la según hacia que de a se",
    "fr": "le les des une avec pour plus mais du au aux est sont très entre sur par dessus encore quand déjà ceci "
    "cette ces ou dans un et la que qui ne pas malgré",
    "de": "der die das und ist sind war mit für von dem den des ein eine nicht aber über unter während als mehr zu "
    "im auf bei auch noch trotz",
    "it": "il gli le una con per più ma del della dei al alla è sono molto tra sopra sotto ancora quando già questo "
    "questa o in un che non nonostante di",
}
_COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_WORD = re.compile(r"[^\W\d_]+")
LEAST_COMMON = 4  # words
CLEARLY = 1.25  # times as many as of the next language


def language_of(text: str) -> str | None:
    """Two-letter code of the language of `text`, "other" for a script that is not Latin, None where it is unclear."""
    words = [word.lower() for word in _WORD.findall(text)]
    letters = "".join(words)
    if len(letters) >= 20 and sum(ord(c) < 0x250 for c in letters) < len(letters) / 2:
        return "other"
    hits = {language: sum(word in common for word in words) for language, common in _COMMON_WORDS.items()}
    best, second = sorted(hits, key=lambda language: -hits[language])[:2]
    if hits[best] < LEAST_COMMON or hits[best] < hits[second] * CLEARLY:
        return None
    return best
