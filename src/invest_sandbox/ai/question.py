"""What a prompt asks: the facts in it, about which asset, in which language. Understands JSON and plain lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

FACT_ID = re.compile(r"^[Ff]\d{1,4}$")
_LINE = re.compile(r"^\W*([Ff]\d{2,4})\W+([A-Za-z][\w/ .%-]*?)\s*[:=|;\t(]\s*(.*)$", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_TICKER = re.compile(r"\b([A-Z][A-Z0-9]{3}(?:[3-8]|1[1-3]|3[1-59])|[A-Z]{2,6}-(?:BRL|USD)|\^[A-Z]{4,8})\b")
_ABOUT = re.compile(
    r"(?:ativo|asset|ticker|sobre|on)\W{1,4}([A-Z][A-Z0-9]{3}\d{1,2}|[A-Z]{2,6}-(?:BRL|USD)|\^[A-Z]{4,8})\b",
    re.IGNORECASE,
)
# Untrusted text between tags, or between two equal lines of "=== something ===".
_NEWS = re.compile(r"<(news|noticias)\b.*?</\1>|^(===.*===)$.*?^\2$", re.DOTALL | re.IGNORECASE | re.MULTILINE)
_BASE = re.compile(r"(?:base rate|frequ[êe]ncia-base)[^.\n]{0,120}?(0[.,]\d+|\d{1,2}(?:[.,]\d+)? ?%)", re.IGNORECASE)
_PORTUGUESE = re.compile(r"portugu[êe]s|pt-BR|Você|ç[ãõ]", re.IGNORECASE)
_ENGLISH = re.compile(r"in English|language[\"`']? (?:is|:) [\"`']?en\b", re.IGNORECASE)
VALUE_NAMES = ("value", "valor", "v", "number")
NAMES = ("name", "nome", "label")
KEY_NAMES = ("key", "chave", "fact", "fato", "name", "nome", "label", "k")


@dataclass(frozen=True, slots=True)
class Seen:
    """One fact as it stands in a prompt."""

    id: str
    key: str
    value: float | None
    own_median: float | None = None
    sector_median: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt, understood: `facts` in their order, `base` the base rate it gives or .5."""

    text: str
    ticker: str
    language: str
    facts: tuple[Seen, ...]
    base: float


def understand(system: str, user: str) -> Question:
    """The question in a prompt; what is not found has a default, so that any prompt gets an answer."""
    about = _ABOUT.search(user) or _TICKER.search(user) or _TICKER.search(system)
    facts = {f.id: f for f in _facts(_NEWS.sub(" ", user))} or {f.id: f for f in _facts(system)}
    english = bool(_ENGLISH.search(system + user)) or not _PORTUGUESE.search(system + user)
    found = _BASE.search(user)
    base = 0.5
    if found:
        number = float(found[1].replace(",", ".").rstrip(" %"))
        base = number / 100 if "%" in found[1] else number
    ticker = about[1].upper() if about else "PETR4"
    return Question(system + "\n" + user, ticker, "en" if english else "pt-BR", tuple(facts.values()), base)


def _facts(text: str) -> Iterator[Seen]:
    for node in objects(text):
        yield from _walk(node)
    if any(FACT_ID.match(str(d.get("id", ""))) for n in objects(text) for d in _dicts(n)):
        return
    for match in _LINE.finditer(text):
        number = _NUMBER.search(match[3].replace(",", ".") if "," in match[3] and "." not in match[3] else match[3])
        yield Seen(match[1], plain(match[2]), float(number[0]) if number else None)


def objects(text: str) -> list[Any]:
    """Every JSON object or array that stands in `text`, also line by line."""
    found: list[Any] = []
    at = 0
    while at < len(text):
        brace = min((p for p in (text.find("{", at), text.find("[", at)) if p >= 0), default=-1)
        if brace < 0:
            break
        end = _end(text, brace)
        if end:
            try:
                found.append(orjson.loads(text[brace:end]))
                at = end
                continue
            except orjson.JSONDecodeError:
                pass
        at = brace + 1
    return found


def _end(text: str, start: int) -> int:
    """Where the bracket opened at `start` closes; 0 if it does not."""
    depth, quoted, i = 0, False, start
    while i < len(text):
        char = text[i]
        if quoted:
            i += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    return 0


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _dicts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _dicts(value)


def _walk(node: Any) -> Iterator[Seen]:
    for item in _dicts(node):
        name = str(item.get("id", ""))
        if FACT_ID.match(name):
            yield _seen(name, item)
        for key, value in item.items():
            if FACT_ID.match(key) and isinstance(value, dict):
                yield _seen(key, value)


def _seen(name: str, item: dict[str, Any]) -> Seen:
    key = next((plain(str(item[k])) for k in KEY_NAMES if item.get(k)), "")
    value = next((number(item[k]) for k in VALUE_NAMES if k in item), None)
    own = next((number(v) for k, v in item.items() if "median" in k and ("own" in k or "propri" in plain(k))), None)
    sector = next((number(v) for k, v in item.items() if "median" in k and ("sector" in k or "setor" in k)), None)
    label = next((str(item[k]) for k in NAMES if item.get(k)), "")
    return Seen(name, key, value, own, sector, label)


def number(value: Any) -> float | None:
    """A JSON number, or the first number of a text."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    match = _NUMBER.search(str(value).replace(",", "."))
    return float(match[0]) if match else None


ALIASES = {
    "p/l": "p_l", "p/vp": "p_vp", "preco/lucro": "p_l", "ev/ebitda": "ev_ebitda", "dy": "dividend_yield",
    "dividend yield": "dividend_yield", "margem liquida": "net_margin", "net margin": "net_margin",
    "divida liquida/ebitda": "net_debt_ebitda", "net debt/ebitda": "net_debt_ebitda", "fechamento": "close",
    "preco": "close", "price": "close", "ifr (14)": "rsi_14", "rsi (14)": "rsi_14",
}  # fmt: skip


def plain(text: str) -> str:
    """`text` as a key: lower case, no accents, known labels replaced by their key."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().strip().lower()
    return ALIASES.get(flat, flat)
