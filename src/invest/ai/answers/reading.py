"""The JSON in an answer as models write it: after their thoughts, in fences, among prose; and refusals in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress

MAX_READ = 200_000
MAX_STARTS = 200  # braces tried before a text counts as one without JSON
_THOUGHTS = re.compile(
    r"<(think|thinking|thought|reasoning|reflection|scratchpad)\b[^>]*>.*?</\1\s*>|\[THINK\].*?\[/THINK\]",
    re.DOTALL | re.IGNORECASE,
)
_THOUGHT_END = re.compile(r"(?:</(?:think|thinking|thought|reasoning)\s*>|\[/THINK\])", re.IGNORECASE)
_THOUGHT_OPEN = re.compile(r"^\s*(?:<(?:think|thinking|thought|reasoning)\b[^>]*>|\[THINK\])", re.IGNORECASE)
_COMMA_TOO_MANY = re.compile(r'("(?:[^"\\\n]|\\.)*")|,\s*([}\]])')  # strings are passed over
_CHANNEL = re.compile(r"<\|channel\|>\s*final\b.*?<\|message\|>(.*?)(?:<\|(?:end|return|start)\|>|$)", re.DOTALL)

_VERBS_EN = (
    r"(?:help|assist|comply|provide|fulfil|give|offer|answer|make|recommend|advise|do\s+(?:that|this|so)|generate"
    r"|produce|predict|participate|continue|engage|respond|share|analy[sz]e|judge|support|discuss|issue)"
)
_VERBS_PT = (
    r"(?:ajud|atend|fornec|respond|cumpr|dar\b|oferec|fazer|emit|prest|recomend|realiz|continu|auxili|aconselh|opin"
    r"|ger(?:ar|o)\b|produz|particip|prever|suger|indic|avali|analis|compartilh|prossegu|assist|apoi|tratar)"
)
_REFUSAL = re.compile(
    rf"""(?ix)
    \b(?:can['’]?t|can\s*not|unable\s+to|won['’]?t|will\s+not|not\s+able\s+to|not\s+(?:allowed|permitted|comfortable|going)
      (?:\s+to)?|must\s+(?:decline|refuse)(?:\s+to)?|have\s+to\s+(?:decline|refuse)(?:\s+to)?|declin(?:e|ing)\s+to
      |refus(?:e|ing)\s+to)\s+(?:\w+\s+){{0,2}}?{_VERBS_EN}
    |\b(?:must|have\s+to)\s+(?:\w+ly\s+)?(?:decline|refuse)\b|\b(?:can\s*not|can['’]?t)\s+in\s+good\s+conscience\b
    |\b(?:do\s+not|don['’]?t)\s+(?:give|provide|offer|make|issue)\s+(?:\w+\s+){{0,3}}?(?:advice|recommendation|opinion|rating)s?\b
    |\b(?:violat|against|breach)\w*\s+(?:\w+\s+){{0,4}}?(?:polic(?:y|ies)|guidelines|terms)\b
    |\bnot\s+able\s+to\s+(?:\w+\s+)?with\s+that
    |\bn[ãa]o\s+(?:posso|consigo|podemos|devo|irei|vou|me\s+[eé]\s+poss[ií]vel|[eé]\s+poss[ií]vel\s+para\s+mim
      |me\s+sinto\s+(?:confort[aá]vel|[aà]\s+vontade)\s+(?:para|em)?|estou\s+(?:autorizad|habilitad|apt)[oa]\s+[aà]?
      |sou\s+capaz\s+de|tenho\s+(?:permiss[aã]o|autoriza[cç][aã]o|como)\s*(?:para|de)?|poderei|poderia)
      \s+(?:\w+\s+){{0,2}}?{_VERBS_PT}
    |\bn[ãa]o\s+(?:me\s+)?[eé]\s+(?:permitid|poss[ií]vel)\w*\s+(?:\w+\s+){{0,2}}?{_VERBS_PT}
    |\bn[ãa]o\s+(?:dou|fa[cç]o|forne[cç]o|ofere[cç]o|emito|presto|damos|fazemos)\s+(?:\w+\s+){{0,2}}?(?:recomend|conselh|aconselh|opini|an[aá]lis)
    |\b(?:foge|est[aá]\s+(?:fora|al[eé]m))\s+d[oae]s?\s+(?:\w+\s+){{0,3}}?(?:posso|capacidade|escopo|alcance|limites|minhas)
    |\b(?:viola|contraria|fere)\s+(?:\w+\s+){{0,3}}?(?:pol[ií]tica|diretriz|termos|regras)
    |\b(?:preciso|devo|tenho\s+(?:que|de))\s+recusar|\brecuso(?:-me)?\b
    |\bno\s+(?:puedo|podr[eé]|debo|me\s+es\s+posible|estoy\s+autorizad[oa]\s+a)\s+(?:\w+\s+){{0,2}}?
      (?:ayud|dar\b|ofrec|proporcion|respond|cumpl|hac|recomend|brind|aconsej|emit|asist)
    |\bje\s+ne\s+(?:peux|puis|suis)\b.{{0,30}}\b(?:pas|aider|fournir|r[eé]pondre|donner)
    |\bich\s+kann\b.{{0,60}}\b(?:nicht|kein\w*)\b|\bich\s+darf\s+(?:\w+\s+){{0,2}}?(?:nicht|kein)|\bkann\s+ich\b.{{0,60}}\bnicht\b|\bnon\s+posso\s+(?:\w+\s+){{0,2}}?(?:aiut|forn|dare|rispond|offr)
    |我(?:无法|不能|不可以)|無法(?:提供|協助)|お(?:手伝い|答え)(?:は)?でき(?:ません|かねます)|не\s+могу\s+(?:помо|предост|дать|ответ)
    """
)


def final_text(text: str) -> str:
    """`text` without the thoughts that some servers leave before the answer; "" where only thoughts came."""
    body = text[:MAX_READ].lstrip("\ufeff")
    if channels := _CHANNEL.findall(body):
        return str(channels[-1]).strip()
    body = _THOUGHTS.sub(" ", body)
    if ends := list(_THOUGHT_END.finditer(body)):
        body = body[ends[-1].end() :]
    return "" if _THOUGHT_OPEN.match(body) else body.strip()


def objects_in(text: str) -> Iterator[str]:
    """Every outermost JSON object of `text`, as written, in order; also in a JSON string, and with commas too many."""
    text = _without_slips(text)
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(MAX_STARTS):
        if start < 0:
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        yield from _unwrapped(value, text[start:end])
        start = text.find("{", end)


def _without_slips(text: str) -> str:
    """`text` read out of the JSON string that it is as a whole, and without commas before a closing bracket."""
    if text.startswith('"') and text.endswith('"'):
        with suppress(ValueError):
            text = str(json.loads(text))
    return _COMMA_TOO_MANY.sub(lambda match: match[1] or match[2], text)


def _unwrapped(value: dict[str, object], written: str) -> Iterator[str]:
    """The object itself, or the one within it where a model wrapped its answer in a single field."""
    inner = next(iter(value.values())) if len(value) == 1 else None
    if isinstance(inner, dict) and inner:
        yield json.dumps(inner, ensure_ascii=False)
    else:
        yield written


def refuses(text: str) -> bool:
    """Whether `text` declines to answer, in its first three hundred characters."""
    return _REFUSAL.search(text[:300]) is not None
