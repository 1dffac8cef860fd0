"""Every text of the pages is said in Portuguese, with the same places to fill in, and names no code."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from invest.api.http import title_of
from invest.api.pages.wording import Wording, translations
from invest.domain.market import ActionKind
from invest.domain.portfolios import Operation
from invest.domain.taxes import Bucket

ROOM = Path(str(files("invest.api.pages")))
CALLS = (
    r"(?<![\w.])_\(\"((?:[^\"\\]|\\.)*)\"",
    r"\.say\(\s*\"((?:[^\"\\]|\\.)*)\"",
    r"\.some\([^\"]*\"((?:[^\"\\]|\\.)*)\",\s*\"((?:[^\"\\]|\\.)*)\"",
)


def said() -> set[str]:
    """Texts in templates and modules."""
    sources = [*ROOM.rglob("*.html"), *ROOM.rglob("*.py")]
    found = {
        text for path in sources for call in CALLS for m in re.finditer(call, path.read_text()) for text in m.groups()
    }
    return {text.replace('\\"', '"') for text in found if not text.endswith(" ")}


def test_every_text_has_a_translation_with_the_same_places() -> None:
    known = translations("pt-BR")
    assert not sorted(text for text in said() if text not in known)
    for text, translated in known.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", translated)), text


def test_codes_are_named_in_both_languages() -> None:
    english = translations("en")
    paid = [kind for kind in ActionKind if kind.in_cash]
    codes = [*(f"op {one}" for one in Operation), *(f"paid {one}" for one in paid)]
    codes += [f"{what}, {bucket}" for bucket in Bucket for what in ("loss", "IRRF")]
    assert not [code for code in codes if code not in english], "a reader would see the code"
    assert set(english) <= set(translations("pt-BR"))
    assert Wording("en").say("verdict strong_buy") == "Strong buy"
    assert Wording("pt-BR").say("verdict strong_buy") == "Compra forte"


def test_errors_sectors_and_ais_are_named_as_people_name_them() -> None:
    english, portuguese = Wording("en"), Wording("pt-BR")
    titles = {title_of(status) for status in (400, 401, 403, 404, 405, 409, 422, 429, 500, 503)}
    assert "Unprocessable" not in " ".join(map(english.say, titles)) and english.say("Not Found") == "Not found"
    assert not [title for title in titles if title not in translations("pt-BR")]
    assert english.sector("Petróleo. Gás e Biocombustíveis") == "Oil, gas and biofuels"
    assert portuguese.sector("Petróleo. Gás e Biocombustíveis") == "Petróleo, gás e biocombustíveis"
    assert english.sector(None) == "" and english.sector("Sector of its own") == "Sector of its own"
    assert (english.analyst("openai"), english.analyst("multi")) == ("OpenAI", "Several AIs")


@pytest.mark.parametrize(
    ("seconds", "pt", "en"),
    [(0.0004, "0 ms", "0 ms"), (0.285, "285 ms", "285 ms"), (1.84, "1,8 s", "1.8 s"), (42, "42 s", "42 s"),
     (360, "6 min", "6 min"), (7200, "2 h", "2 h"), (200_000, "2 d", "2 d"), (None, "—", "—"), (-1, "—", "—")],
)  # fmt: skip
def test_spans_in_their_largest_unit(seconds: float | None, pt: str, en: str) -> None:
    assert (Wording("pt-BR").span(seconds), Wording("en").span(seconds)) == (pt, en)


def test_one_and_many() -> None:
    words = Wording("en")
    assert words.some(1, "1 worker", "{n} workers") == "1 worker"
    assert words.some(1200, "1 worker", "{n} workers") == "1,200 workers"
