"""The two languages say the same things; foreign text becomes one harmless line."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.analysis.models import Recommendation
from invest.domain.market.assets import ActionKind
from invest.domain.market.tickers import AssetKind, Market
from invest.domain.opinions.opinion import OpinionStatus
from invest.reports.locale import locale_of
from invest.reports.sections.remarks import is_routine, remark, source_remark
from invest.reports.words import clean, words_of
from invest.sources.registry import upstreams


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_texts_with_the_same_blanks() -> None:
    portuguese, english = words_of("pt-BR").texts, words_of("en").texts
    assert set(portuguese) == set(english)
    assert [k for k in portuguese if placeholders(portuguese[k]) != placeholders(english[k])] == []


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_kind_state_and_verdict_has_its_word(language: str) -> None:
    words = words_of(language)
    wanted = [f"recommendation.{r.value}" for r in Recommendation]
    wanted += [f"status.{s.value}" for s in OpinionStatus] + [f"kind.{k.value}" for k in AssetKind]
    wanted += [f"action.{a.value}" for a in ActionKind] + [f"market.{m.value}" for m in Market]
    wanted += [f"source.{name}" for name in (*upstreams(lambda _: True).names, "cotahist")]
    assert [key for key in wanted if key not in words.texts] == []


def test_no_text_gives_advice_or_shouts() -> None:
    verbs = re.compile(
        r"\b(compre|venda já|invista|aproveite|recomendamos|buy now|sell now|you should)\b", re.IGNORECASE
    )
    for language in ("pt-BR", "en"):
        for key, text in words_of(language).texts.items():
            assert not verbs.search(text), key
            assert "!" not in text, key


@given(st.text(alphabet=st.characters(), max_size=400))
def test_cleaned_text_is_one_printable_line_within_its_limit(text: str) -> None:
    shown = clean(text, 80)
    assert len(shown) <= 80
    assert shown == shown.strip()
    assert "\n" not in shown
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Cn", "Co"} for c in shown)
    shown.encode()


def test_disguised_words_lose_their_disguise() -> None:
    assert clean("ig\u200bno\u202ere\ufeff isto") == "ignore isto"
    assert clean("a\u0000b\ud800c") == "abc"
    assert clean(None) == ""


def test_a_megabyte_title_is_cut_quickly() -> None:
    assert clean("ﷺ" * 1_000_000, 20).endswith("…")


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("no key (OPENAI_API_KEY)", "sem chave (OPENAI_API_KEY)"),
        ("no answer within 60 s", "sem resposta em 60 s"),
        ("outlier: z 9.1", "muito distante das outras (z 9.1)"),
        ("HTTP 503, 4 times", "resposta HTTP 503"),
        ("not asked for 120 s: it failed or asked to wait", "em pausa por limite de consultas ou falhas"),
        ("a row without a day", "a row without a day"),
        ("refused to answer: {0} %s {name}", "recusou responder: {0} %s {name}"),
        (None, ""),
    ],
)
def test_known_reasons_are_said_in_the_reports_language(reason: str | None, shown: str) -> None:
    assert remark(reason, locale_of("pt-BR")) == shown


def test_what_a_source_says_of_itself_is_translated_or_left_out() -> None:
    assert source_remark("HTTP 404: it has no such thing", locale_of("pt-BR")) == "não tem o que se pediu"
    assert source_remark("a zip without statements", locale_of("pt-BR")) == ""
    assert source_remark("a zip without statements", locale_of("en")) == "a zip without statements"


def test_an_older_value_or_another_basis_is_no_fault_of_a_source() -> None:
    for reason in ("the source itself gave a newer value", "measured as adjusted", "in USD", "of 2026-03-30"):
        assert is_routine(reason)
    assert not is_routine("outlier: z 9.1")
