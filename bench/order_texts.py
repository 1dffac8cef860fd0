"""Texts by which the models of orders and of languages are trained: put together from grammars, and read from lists.

`bench/orders/grammar_*.toml` hold the parts of orders and of headlines in three languages; `tests/builders/texts` holds
those written by hand. The texts kept aside (`aside_*.txt`) are never read here.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from invest.domain.opinions.order_features import imperatives

GRAMMARS = Path(__file__).parent / "orders"
LISTS = Path(__file__).parents[1] / "tests" / "builders" / "texts"
SAYERS = (
    "diz CEO", "diz presidente da Vale", "afirma analista", "segundo a XP", "dizem fontes", "diz relatório",
    "avalia o BTG",
    "diz Lula", "aponta pesquisa", "recomenda gestor", "says CEO", "Goldman says", "sources say", "according to Citi",
    "says minister", "analyst says", "report shows", "dice el presidente", "según JPMorgan", "dicen analistas",
)  # fmt: skip
OURS = ("pt", "en", "es")
NEAR = frozenset(("gl", "ast", "ia", "io"))  # too near to Portuguese and Spanish to teach a difference

_HOLE = re.compile("«([a-z_0-9]+)»")
_MESSAGE = r'^{key}(?:\[\d\])? ((?:".*"\n)+)'
_FILLED = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|<[^>]+>|&\w+;")


def written(*names: str) -> list[str]:
    """The lines of lists written by hand."""
    return [line for name in names for line in (LISTS / f"{name}.txt").read_text("utf-8").splitlines() if line.strip()]


def composed(grammar: str, language: str, count: int, chance: random.Random) -> list[str]:
    """`count` different texts of a grammar."""
    parts = tomllib.loads((GRAMMARS / f"grammar_{grammar}.toml").read_text("utf-8"))[language]
    if grammar == "orders":
        parts["any_imperative"] = imperatives(language)
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[_compose(parts, chance)] = None
    return list(texts)


def dressed(order: str, news: list[str], chance: random.Random) -> str:
    """`order` as a title might hide it: in somebody's mouth, behind a company, or joined to a headline."""
    low = order[:1].lower() + order[1:].rstrip(".")
    sayer = chance.choice(SAYERS)
    headline = chance.choice(news).rstrip(".")
    return chance.choice(
        (
            f"{order.rstrip('.')}, {sayer}",
            f'"{order.rstrip(".")}", {sayer}',
            f"{sayer[:1].upper()}{sayer[1:]}: {low}",
            f"{headline}, {low}",
            f"{headline} - {low}",
            f"{headline} {chance.choice(('e', 'and', 'y', 'enquanto', 'while'))} {low}",
            f"{chance.choice(news).split()[0]}: {low}",
            f"{headline.split(',')[0]}; {low}",
            f"{order.rstrip('.')} - {headline}",
        )
    )


def in_latin(text: str) -> bool:
    """Whether nearly all letters of `text` are Latin."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(ord(c) < 0x250 for c in letters) > 0.9 * len(letters)


def messages(catalogues: Path, chance: random.Random) -> tuple[list[str], list[str]]:
    """Pieces of a program's messages: in our languages, and in others; from folders `<language>/LC_MESSAGES/*.po`."""
    ours: list[str] = []
    others: list[str] = []
    names = composed("headlines", "en", 200, chance)
    for file in sorted(catalogues.rglob("LC_MESSAGES/*.po")):
        language = file.parts[-3]
        english = set(_messages(file, "msgid"))
        translated = [text for text in _messages(file, "msgstr") if in_latin(text)]
        if language[:2] in ("pt", "es"):
            ours += translated
        elif language[:2] != "en" and language not in NEAR:
            others += [text for text in translated if text not in english]
        if language == "de":  # the English originals, once for each of our languages
            ours += [text for text in sorted(english) if in_latin(text)] * 3
    return [_piece(text, names, chance) for text in ours], [_piece(text, names, chance) for text in others]


def _compose(parts: Mapping[str, list[str]], chance: random.Random) -> str:
    text, lead, tail = (_fill(parts, chance.choice(parts[name]), chance) for name in ("core", "lead", "tail"))
    if not lead or lead.rstrip().endswith((".", "!")) or chance.random() < 0.3:
        text = text[:1].upper() + text[1:]
    whole = " ".join(f"{lead}{text}{tail}".split())
    form = chance.random()
    return whole.lower() if form < 0.05 else whole.upper() if form < 0.06 else whole


def _fill(parts: Mapping[str, list[str]], text: str, chance: random.Random) -> str:
    while hole := _HOLE.search(text):
        text = text[: hole.start()] + chance.choice(parts[hole[1]]) + text[hole.end() :]
    return text


def _messages(file: Path, key: str) -> Iterator[str]:
    for quoted in re.finditer(_MESSAGE.format(key=key), file.read_text("utf-8"), re.MULTILINE):
        text = "".join(re.findall(r'"(.*)"', quoted[1])).replace("\\n", " ").replace('\\"', '"')
        if len(text) >= 8 and "Plural-Forms" not in text and "POT-Creation" not in text:
            yield " ".join(_FILLED.sub(" ", text).split())


def _piece(text: str, headlines: list[str], chance: random.Random) -> str:
    """Some words of `text`, as long as a headline; now and then with a company's name, as both sides have them."""
    words = text.split()
    if len(words) > 5 and chance.random() < 0.7:
        count = chance.randint(4, min(12, len(words)))
        start = chance.randint(0, len(words) - count)
        words = words[start : start + count]
    if chance.random() < 0.4:
        words.insert(chance.randint(0, len(words)), chance.choice(headlines).split()[0])
    return " ".join(words)
