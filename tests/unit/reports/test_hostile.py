"""Words of strangers stay words: nothing they write becomes markup, code, a file or a request."""

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from invest.domain.opinions.opinion import Argument, Risk
from invest.reports import ReportView, build_asset_view, build_portfolio_view, render_html, render_markdown, render_pdf
from invest.reports.rendering.markdown import plain
from tests.builders import reports as build

HOSTILE = [
    "R$ 5 #read(\"x\") =cmd|' /C calc'!A0 <img onerror=alert(1) src=x>",
    "</style></title><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "]](javascript:alert(1)) [x](https://evil.example) | a | b |",
    '#set page(fill: red) #import "@preview/x:1.0.0" $x^2$ *b* _i_ `c` @ref <label> // comment',
    "{{ 7*7 }} {% raw %} ${7*7} %s %n {0}",
    "\u202egnp.exe\u202c a\u200bb\u0000c\ufeff",
    "&lt;b&gt; &amp;quot; &#60;script&#62;",
    "- [ ] item\n\n# heading\n\n<details>",
    "www.evil.example http://evil.example mail@evil.example",
]


def view_of(text: str) -> ReportView:
    """A report with `text` wherever a stranger may write."""
    argument = Argument(text=text, fact_ids=("f01", "f99"))
    risk = Risk(kind="other", severity="high", text=text)
    said = build.opinion("openai", 0.7, arguments_for=(argument,), arguments_against=(argument,), risks=(risk,),
                         summary=text, model=text)  # fmt: skip
    mute = build.opinion(text or "x", None, reason=text)
    news = [n.model_copy(update={"title": text[:500], "outlet": text, "summary": text}) for n in build.news(3)]
    quality = [build.quality()[1]]
    rejected = quality[0].rejected[0].model_copy(update={"reason": text, "source": text})
    quality = [quality[0].model_copy(update={"rejected": (rejected,), "source": text})]
    outcomes = [o.model_copy(update={"reason": text, "source": text}) for o in build.outcomes()]
    return build_asset_view(
        build.asset_data(
            analysis=build.analysis(name=text, sector=text, missing=[text, "p_l"]),
            opinions=[said, mute],
            ai_consensus=build.ai_consensus([said], bull_case=(argument,), bear_case=(argument,), dissent=(text,)),
            news=news,
            quality=quality,
            outcomes=outcomes,
            report_id=text[:60] or "r",
        )
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_the_words_and_nothing_comes_of_them(text: str) -> None:
    html = render_html(view_of(text))
    tree = LexborHTMLParser(html)
    assert not tree.css("script, img, iframe, object, details:not(#appendix), link")
    assert len(tree.css("h1")) == 1
    for node in tree.css("*"):
        assert not [name for name in node.attributes if name.startswith("on")], node.html
        href = node.attributes.get("href") or "#"
        assert href.startswith(("#", "https://news.example/"))
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(svg)


@pytest.mark.parametrize("text", [" ".join(HOSTILE[:5]), " ".join(HOSTILE[5:])])
def test_the_pdf_compiles_and_prints_the_words_as_they_are(text: str) -> None:
    pdf = render_pdf(view_of(text))
    assert b"/JavaScript" not in pdf
    assert b"/Launch" not in pdf
    links = [
        str(annotation.get_object().get("/A", {}).get("/URI", ""))
        for page in pypdf.PdfReader(io.BytesIO(pdf)).pages
        for annotation in page.get("/Annots", [])
    ]
    assert all(link == "" or link.startswith("https://news.example/") for link in links)


def test_a_title_that_would_read_a_file_prints_itself() -> None:
    pages = pypdf.PdfReader(io.BytesIO(render_pdf(view_of('#read("/etc/passwd") $x$')))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert '#read("/etc/passwd")' in text
    assert "root:" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_keeps_its_tables_and_gains_no_link_or_tag(text: str) -> None:
    made = render_markdown(view_of(text))
    assert not re.search(r"<(?!https://news\.example/)[a-zA-Z/!]", made)
    assert re.findall(r"(?<!\\)\]\(", made) == ["]("] * made.count("](<https://news.example/")
    for line in made.splitlines():
        if line.startswith("| "):
            assert line.endswith(" |")
    assert not [line for line in made.splitlines() if re.match(r"#{1,6} (heading|set)", line)]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_markdown_of_any_text_is_one_line_without_live_markup(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*\[\]]", re.sub(r"\\.", "", shown))


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60), max_size=8))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_renders_in_every_format(texts: list[str]) -> None:
    """A document costs a tenth of a second, its letters nothing: many texts stand in few documents."""
    view = view_of(" ".join(texts))
    assert render_pdf(view).startswith(b"%PDF-")
    assert LexborHTMLParser(render_html(view)).css_first("main") is not None
    render_markdown(view).encode()
    view.model_dump_json().encode()


@pytest.mark.slow
def test_a_portfolio_may_have_any_name() -> None:
    for i, text in enumerate(HOSTILE):
        view = build_portfolio_view(build.portfolio_data(2, name=text))
        assert i % 4 or render_pdf(view).startswith(b"%PDF-")
        head: Any = LexborHTMLParser(render_html(view)).css_first("h1")
        assert head.text() == view.header.title


def test_rendering_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    render_pdf(view_of("x"))
    assert list(tmp_path.iterdir()) == []
