"""Which language a text is in, by its commonest words: enough to notice an answer in the wrong language."""

from __future__ import annotations

import re

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
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_WORD = re.compile(r"[^\W\d_]+")
MIN_HITS = 4
MARGIN = 1.25


def language_of(text: str) -> str | None:
    """Two-letter code of the language of `text`, "other" for a script that is not Latin, None where it is unclear."""
    words = [word.lower() for word in _WORD.findall(text)]
    letters = "".join(words)
    if len(letters) >= 20 and sum(ord(c) < 0x250 for c in letters) < len(letters) / 2:
        return "other"
    hits = {language: sum(word in common for word in words) for language, common in _WORDS.items()}
    best, second = sorted(hits, key=lambda language: -hits[language])[:2]
    if hits[best] < MIN_HITS or hits[best] < hits[second] * MARGIN:
        return None
    return best
